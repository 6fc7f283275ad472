#include "cli/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/number.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

/* ---- URL ------------------------------------------------------------------------------------ */

/* Copies a part that must not be empty.  Returns 0 or -EINVAL. */
static int copy_part(struct span part, char *out, size_t capacity)
{
    if (part.len == 0 || part.len >= capacity)
        return -EINVAL;
    memcpy(out, part.base, part.len);
    out[part.len] = '\0';
    return 0;
}

static int parse_authority(struct span authority, struct http_url *url)
{
    struct span host = authority;
    struct span port = SPAN("80");
    const char *bracket = memrchr(authority.base, ']', authority.len);
    const char *after = bracket != NULL ? bracket : authority.base;
    size_t rest = (size_t)(authority.base + authority.len - after);
    const char *colon = memchr(after, ':', rest);
    if (colon != NULL) {
        host.len = (size_t)(colon - authority.base);
        port = (struct span){colon + 1, authority.len - host.len - 1};
    }
    if (host.len >= 2 && host.base[0] == '[' && host.base[host.len - 1] == ']')
        host = (struct span){host.base + 1, host.len - 2};
    uint64_t number;
    if (parse_u64(port, 1, UINT16_MAX, &number) < 0)
        return -EINVAL;
    int r = copy_part(host, url->host, sizeof(url->host));
    return r < 0 ? r : copy_part(port, url->port, sizeof(url->port));
}

int http_url_parse(const char *text, const char *default_path, struct http_url *ret_url)
{
    static const struct span http = SPAN_INIT("http://");
    static const struct span local = SPAN_INIT("unix:");
    struct http_url url = {0};
    struct span rest = span_of(text);
    for (size_t i = 0; i < rest.len; i++) {
        if (text[i] <= ' ' || text[i] == 0x7f)
            return -EINVAL; /* would end the request line that it goes into */
    }

    struct span path = span_of(default_path);
    int r;
    if (rest.len > local.len && memcmp(rest.base, local.base, local.len) == 0) {
        rest = (struct span){rest.base + local.len, rest.len - local.len};
        r = copy_part(rest, url.socket, sizeof(url.socket));
    } else if (rest.len > http.len && memcmp(rest.base, http.base, http.len) == 0) {
        rest = (struct span){rest.base + http.len, rest.len - http.len};
        const char *slash = memchr(rest.base, '/', rest.len);
        if (slash != NULL) {
            path = span_of(slash);
            rest.len -= path.len;
        }
        r = parse_authority(rest, &url);
    } else {
        return -EINVAL;
    }
    if (r == 0)
        r = copy_part(path, url.path, sizeof(url.path));
    if (r == 0)
        *ret_url = url;
    return r;
}

/* ---- Connection ----------------------------------------------------------------------------- */

/* Waits until fd is ready for events.  Returns 0 or a negative errno. */
static int wait_for(int fd, short events, int64_t deadline_ns)
{
    for (;;) {
        int64_t left_ms = (deadline_ns - clock_read().mono_ns + NS_PER_MS - 1) / NS_PER_MS;
        if (left_ms <= 0)
            return -ETIMEDOUT;
        struct pollfd one = {.fd = fd, .events = events};
        int count = poll(&one, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (count > 0)
            return 0;
        if (count == -1 && errno != EINTR)
            return -errno;
    }
}

/* Connects a new socket and returns it, or a negative errno. */
static int connect_to(const struct sockaddr *address, socklen_t len, int64_t deadline_ns)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -errno;
    int r = connect(fd, address, len) == 0 ? 0 : -errno;
    if (r == -EINPROGRESS) {
        r = wait_for(fd, POLLOUT, deadline_ns);
        int error = 0;
        socklen_t error_len = sizeof(error);
        if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == -1)
            r = -errno;
        if (r == 0)
            r = -error;
    }
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

static int connect_local(const char *path, int64_t deadline_ns)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len);
    return connect_to((struct sockaddr *)&address, sizeof(address), deadline_ns);
}

/* Tries every address of the host. */
static int connect_host(const struct http_url *url, int64_t deadline_ns)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(url->host, url->port, &hints, &found) != 0)
        return -EDESTADDRREQ;
    int fd = -EHOSTUNREACH;
    for (struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
        fd = connect_to(one->ai_addr, one->ai_addrlen, deadline_ns);
    freeaddrinfo(found);
    return fd;
}

static int send_all(int fd, struct span bytes, int64_t deadline_ns)
{
    while (bytes.len > 0) {
        ssize_t len = send(fd, bytes.base, bytes.len, MSG_NOSIGNAL);
        if (len == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (len > 0)
            bytes = (struct span){bytes.base + len, bytes.len - (size_t)len};
        int r = bytes.len > 0 ? wait_for(fd, POLLOUT, deadline_ns) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- Exchange ------------------------------------------------------------------------------- */

/* An answer in the making. */
struct reading {
    char *buffer;
    size_t capacity;
    size_t used;
    size_t head_len; /* with the empty line; 0: not all of it is there */
    size_t body_len; /* SIZE_MAX: up to the end of the connection */
    struct http_answer answer;
    bool closes;
};

/* The value of a field of the head, without blanks; empty if there is none. */
static struct span field_value(struct span head, struct span name)
{
    const char *end = head.base + head.len;
    for (const char *line = memchr(head.base, '\n', head.len); line != NULL && line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        size_t rest = (size_t)(end - line);
        if (rest <= name.len || line[name.len] != ':' ||
            !span_equal_nocase((struct span){line, name.len}, name))
            continue;
        const char *value = line + name.len + 1;
        const char *value_end = memchr(value, '\r', (size_t)(end - value));
        while (value < value_end && *value == ' ')
            value++;
        return (struct span){value, (size_t)(value_end - value)};
    }
    return SPAN("");
}

/* "HTTP/1.1 200 OK" up to the empty line, if it is all there.  Returns 0 or -EPROTO. */
static int take_head(struct reading *reading)
{
    const char *end = memmem(reading->buffer, reading->used, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    struct span head = {reading->buffer, (size_t)(end + 4 - reading->buffer)};
    uint64_t number;
    if (head.len < 16 || memcmp(head.base, "HTTP/1.", 7) != 0 ||
        parse_u64((struct span){head.base + 9, 3}, 100, 599, &number) < 0 ||
        field_value(head, SPAN("Transfer-Encoding")).len > 0)
        return -EPROTO;
    reading->answer.status = (unsigned)number;
    reading->head_len = head.len;
    bool is_said = parse_u64(field_value(head, SPAN("Retry-After")), 0, UINT32_MAX, &number) == 0;
    reading->answer.retry_after_s = is_said ? (uint32_t)number : 1;

    reading->body_len = SIZE_MAX;
    struct span length = field_value(head, SPAN("Content-Length"));
    if (length.len > 0) {
        if (parse_u64(length, 0, reading->capacity - head.len, &number) < 0)
            return -EPROTO; /* longer than any answer we ask for */
        reading->body_len = (size_t)number;
    }
    reading->closes = reading->body_len == SIZE_MAX ||
                      span_equal_nocase(field_value(head, SPAN("Connection")), SPAN("close"));
    return 0;
}

static bool is_whole(const struct reading *reading, bool at_end)
{
    return reading->head_len > 0 &&
           (reading->body_len == SIZE_MAX ? at_end
                                          : reading->used >= reading->head_len + reading->body_len);
}

/* Reads an answer, and not a byte more.  Returns 0 or a negative errno. */
static int receive(int fd, struct reading *reading, int64_t deadline_ns)
{
    while (!is_whole(reading, false)) {
        if (reading->used == reading->capacity)
            return -EPROTO;
        ssize_t len =
            recv(fd, reading->buffer + reading->used, reading->capacity - reading->used, 0);
        if (len == 0) {
            if (is_whole(reading, true))
                break;
            return reading->used == 0 || reading->head_len > 0 ? -ECONNRESET : -EPROTO;
        }
        if (len == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = 0;
        if (len == -1)
            r = wait_for(fd, POLLIN, deadline_ns);
        else
            reading->used += (size_t)len;
        if (r == 0 && reading->head_len == 0)
            r = take_head(reading);
        if (r < 0)
            return r;
    }
    size_t body_len = reading->used - reading->head_len;
    if (reading->body_len != SIZE_MAX && body_len > reading->body_len)
        return -EPROTO; /* an answer to nothing */
    reading->answer.body = (struct span){reading->buffer + reading->head_len, body_len};
    return 0;
}

/* Sends the request. */
static int ask(const struct http_connection *connection, const struct http_url *url,
               const char *target, int64_t deadline_ns)
{
    char request[3 * HTTP_URL_PART_MAX + HTTP_TOKEN_MAX];
    char host[HTTP_URL_PART_MAX + 16] = "localhost"; /* of a Unix socket */
    if (url->host[0] != '\0')
        (void)snprintf(host, sizeof(host), strchr(url->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                       url->host, url->port);
    bool has_token = url->token[0] != '\0';
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s\r\n",
                       target, host, has_token ? "Authorization: Bearer " : "", url->token,
                       has_token ? "\r\n" : "", connection->keep ? "" : "Connection: close\r\n");
    if (len < 0 || (size_t)len >= sizeof(request))
        return -ENAMETOOLONG;
    return send_all(connection->fd, (struct span){request, (size_t)len}, deadline_ns);
}

static int exchange(struct http_connection *connection, const struct http_url *url,
                    const char *target, int64_t deadline_ns, struct reading *reading,
                    const char **reterr_step)
{
    int r = 0;
    if (connection->fd == -1) {
        *reterr_step = "connect";
        int fd = url->socket[0] != '\0' ? connect_local(url->socket, deadline_ns)
                                        : connect_host(url, deadline_ns);
        if (fd < 0)
            return fd;
        connection->fd = fd;
        *reterr_step = "send";
        r = send_all(fd, url->preface, deadline_ns);
    }
    if (r == 0) {
        *reterr_step = "send";
        r = ask(connection, url, target, deadline_ns);
    }
    if (r == 0) {
        *reterr_step = "receive";
        r = receive(connection->fd, reading, deadline_ns);
    }
    if (r < 0 || reading->closes || !connection->keep)
        http_close(connection);
    return r;
}

int http_get(struct http_connection *connection, const struct http_url *url, const char *target,
             uint64_t timeout_ms, char *buffer, size_t capacity, struct http_answer *ret_answer,
             const char **reterr_step)
{
    int64_t deadline_ns = clock_read().mono_ns + (int64_t)timeout_ms * NS_PER_MS;
    struct reading reading = {.buffer = buffer, .capacity = capacity};
    bool was_idle = connection->fd != -1;
    int r = exchange(connection, url, target, deadline_ns, &reading, reterr_step);
    /* A server closes what is idle when it likes, just as we ask: nothing was answered yet. */
    if ((r == -ECONNRESET || r == -EPIPE) && was_idle && reading.used == 0)
        r = exchange(connection, url, target, deadline_ns, &reading, reterr_step);
    if (r == 0)
        *ret_answer = reading.answer;
    return r;
}

void http_close(struct http_connection *connection)
{
    int fd = connection->fd;
    connection->fd = -1;
    if (fd != -1)
        (void)close(fd); /* the answer is here, or is not */
}
