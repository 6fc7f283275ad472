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

/* ---- Exchange
 * ------------------------------------------------------------------------------------ */

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
        return -EHOSTUNREACH;
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

/* Reads until the server closes.  Returns the number of bytes or a negative errno. */
static ssize_t receive_all(int fd, char *buffer, size_t capacity, int64_t deadline_ns)
{
    size_t used = 0;
    while (used < capacity) {
        ssize_t len = recv(fd, buffer + used, capacity - used, 0);
        if (len == 0)
            return (ssize_t)used;
        if (len == -1 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (len > 0) {
            used += (size_t)len;
            continue;
        }
        int r = wait_for(fd, POLLIN, deadline_ns);
        if (r < 0)
            return r;
    }
    return -EPROTO; /* longer than any answer we ask for */
}

/* "HTTP/1.1 200 OK" up to the empty line, and the body behind it. */
static int take_apart(struct span bytes, struct http_answer *ret_answer)
{
    uint64_t status;
    const char *end = memmem(bytes.base, bytes.len, "\r\n\r\n", 4);
    if (end == NULL || bytes.len < 12 || memcmp(bytes.base, "HTTP/1.", 7) != 0 ||
        parse_u64((struct span){bytes.base + 9, 3}, 100, 599, &status) < 0)
        return -EPROTO;
    ret_answer->status = (unsigned)status;
    ret_answer->body = (struct span){end + 4, (size_t)(bytes.base + bytes.len - end - 4)};
    return 0;
}

static int exchange(int fd, const struct http_url *url, int64_t deadline_ns, char *buffer,
                    size_t capacity, struct http_answer *ret_answer, const char **reterr_step)
{
    char request[3 * HTTP_URL_PART_MAX];
    char host[HTTP_URL_PART_MAX + 16] = "localhost"; /* of a Unix socket */
    if (url->host[0] != '\0')
        (void)snprintf(host, sizeof(host), strchr(url->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                       url->host, url->port);
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", url->path, host);
    *reterr_step = "send";
    int r = send_all(fd, url->preface, deadline_ns);
    if (r == 0)
        r = send_all(fd, (struct span){request, (size_t)len}, deadline_ns);
    if (r < 0)
        return r;
    *reterr_step = "receive";
    ssize_t received = receive_all(fd, buffer, capacity, deadline_ns);
    if (received < 0)
        return (int)received;
    return take_apart((struct span){buffer, (size_t)received}, ret_answer);
}

int http_get(const struct http_url *url, uint64_t timeout_ms, char *buffer, size_t capacity,
             struct http_answer *ret_answer, const char **reterr_step)
{
    int64_t deadline_ns = clock_read().mono_ns + (int64_t)timeout_ms * NS_PER_MS;
    *reterr_step = "connect";
    int fd = url->socket[0] != '\0' ? connect_local(url->socket, deadline_ns)
                                    : connect_host(url, deadline_ns);
    if (fd < 0)
        return fd;
    int r = exchange(fd, url, deadline_ns, buffer, capacity, ret_answer, reterr_step);
    (void)close(fd); /* the answer is here, or is not */
    return r;
}
