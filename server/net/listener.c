#include "server/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/bug.h"

/* The kernel cuts it down to net.core.somaxconn. */
#define BACKLOG 65535

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
};

static socklen_t fill_address(const struct listen_address *address, union socket_address *ret)
{
    *ret = (union socket_address){0};
    switch (address->kind) {
    case LISTEN_IPV4:
        ret->ipv4.sin_family = AF_INET;
        ret->ipv4.sin_port = htons(address->port);
        BUG_IF(inet_pton(AF_INET, address->text, &ret->ipv4.sin_addr) != 1);
        return sizeof(ret->ipv4);
    case LISTEN_IPV6:
        ret->ipv6.sin6_family = AF_INET6;
        ret->ipv6.sin6_port = htons(address->port);
        BUG_IF(inet_pton(AF_INET6, address->text, &ret->ipv6.sin6_addr) != 1);
        return sizeof(ret->ipv6);
    case LISTEN_UNIX:
        break;
    }
    size_t len = strlen(address->text);
    BUG_IF(len >= sizeof(ret->local.sun_path));
    ret->local.sun_family = AF_UNIX;
    memcpy(ret->local.sun_path, address->text, len);
    return sizeof(ret->local);
}

/* Whether the Unix socket at the address has nobody behind it any more. */
static bool is_abandoned(const union socket_address *address, socklen_t len)
{
    struct stat status;
    if (lstat(address->local.sun_path, &status) == -1 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return false;
    bool refused = connect(fd, &address->any, len) == -1 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_to(int fd, const union socket_address *address, socklen_t len)
{
    if (bind(fd, &address->any, len) == 0)
        return 0;
    if (errno != EADDRINUSE || address->any.sa_family != AF_UNIX)
        return -errno;
    if (!is_abandoned(address, len))
        return -EADDRINUSE;
    if (unlink(address->local.sun_path) == -1)
        return -errno;
    return bind(fd, &address->any, len) == 0 ? 0 : -errno;
}

static int set_options(int fd, enum listen_kind kind)
{
    const int on = 1;
    if (kind == LISTEN_UNIX)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
        return -errno;
    /* Accepted sockets inherit it: one system call less per connection. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
        return -errno;
    /* "::" is IPv6 only, so that 0.0.0.0 can stand beside it in the list. */
    if (kind == LISTEN_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
        return -errno;
    return 0;
}

/* Fills in the port that the kernel chose. */
static int learn_port(int fd, struct listen_address *address)
{
    union socket_address bound = {0};
    socklen_t len = sizeof(bound);
    if (getsockname(fd, &bound.any, &len) == -1)
        return -errno;
    if (address->kind == LISTEN_IPV4)
        address->port = ntohs(bound.ipv4.sin_port);
    if (address->kind == LISTEN_IPV6)
        address->port = ntohs(bound.ipv6.sin6_port);
    return 0;
}

int listener_open(const struct listen_address *address, const struct socket_access *access,
                  struct listener *ret_listener, const char **reterr_step)
{
    union socket_address to;
    socklen_t len = fill_address(address, &to);
    struct listen_address bound = *address;

    *reterr_step = "socket";
    int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -errno;

    *reterr_step = "setsockopt";
    int r = set_options(fd, address->kind);
    if (r == 0) {
        *reterr_step = "bind";
        r = bind_to(fd, &to, len);
    }
    if (r == 0 && address->kind == LISTEN_UNIX) {
        *reterr_step = "access";
        r = socket_access_apply(access, address->text);
        if (r < 0)
            (void)unlink(address->text); /* as if it had never been there */
    }
    if (r == 0) {
        *reterr_step = "listen";
        r = listen(fd, BACKLOG) == 0 ? 0 : -errno;
    }
    if (r == 0) {
        *reterr_step = "getsockname";
        r = learn_port(fd, &bound);
    }
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    *ret_listener = (struct listener){.fd = fd, .address = bound};
    return 0;
}

/* Whether the descriptor is a stream socket that listens. */
static int check_listening(int fd, const char **reterr_problem)
{
    int type = 0;
    int listens = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1) {
        *reterr_problem = errno == EBADF ? "no such descriptor is open" : "it is not a socket";
        return -errno;
    }
    len = sizeof(listens);
    if (type != SOCK_STREAM) {
        *reterr_problem = "it is not a stream socket; the unit needs ListenStream=";
        return -EINVAL;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1 || listens == 0) {
        *reterr_problem = "it does not listen; the unit needs ListenStream= and Accept=no";
        return -EINVAL;
    }
    return 0;
}

/* Where the socket is bound to. */
static int learn_address(int fd, struct listen_address *ret_address, const char **reterr_problem)
{
    union socket_address bound = {0};
    socklen_t len = sizeof(bound);
    *ret_address = (struct listen_address){0};
    *reterr_problem = "its address cannot be read";
    if (getsockname(fd, &bound.any, &len) == -1)
        return -errno;
    switch (bound.any.sa_family) {
    case AF_INET:
        ret_address->kind = LISTEN_IPV4;
        ret_address->port = ntohs(bound.ipv4.sin_port);
        (void)inet_ntop(AF_INET, &bound.ipv4.sin_addr, ret_address->text, INET_ADDRSTRLEN);
        return 0;
    case AF_INET6:
        ret_address->kind = LISTEN_IPV6;
        ret_address->port = ntohs(bound.ipv6.sin6_port);
        (void)inet_ntop(AF_INET6, &bound.ipv6.sin6_addr, ret_address->text, INET6_ADDRSTRLEN);
        return 0;
    case AF_UNIX:
        ret_address->kind = LISTEN_UNIX;
        memcpy(ret_address->text, bound.local.sun_path, sizeof(ret_address->text) - 1);
        if (ret_address->text[0] == '\0')
            ret_address->text[0] = '@';
        return 0;
    default:
        *reterr_problem = "it is neither an IPv4 or IPv6 nor a Unix socket";
        return -EAFNOSUPPORT;
    }
}

int listener_adopt(int fd, struct listener *ret_listener, const char **reterr_problem)
{
    const int on = 1;
    struct listen_address address = {0};
    int r = check_listening(fd, reterr_problem);
    if (r == 0)
        r = learn_address(fd, &address, reterr_problem);
    if (r < 0)
        return r;
    int flags = fcntl(fd, F_GETFL);
    *reterr_problem = "it cannot be made non-blocking";
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
        return -errno;
    *reterr_problem = "TCP_NODELAY cannot be set";
    if (address.kind != LISTEN_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
        return -errno;
    *ret_listener = (struct listener){.fd = fd, .address = address, .adopted = true};
    return 0;
}

bool listener_is_reachable(const struct listen_address *address)
{
    union socket_address to;
    (void)fill_address(address, &to);
    switch (address->kind) {
    case LISTEN_IPV4:
        return ntohl(to.ipv4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    case LISTEN_IPV6:
        return !IN6_IS_ADDR_LOOPBACK(&to.ipv6.sin6_addr) &&
               !(IN6_IS_ADDR_V4MAPPED(&to.ipv6.sin6_addr) &&
                 to.ipv6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
    case LISTEN_UNIX:
        break;
    }
    return false;
}

void listener_close(struct listener *listener)
{
    if (listener->fd == -1)
        return;
    (void)close(listener->fd);
    listener->fd = -1;
    if (listener->address.kind == LISTEN_UNIX && !listener->adopted)
        (void)unlink(listener->address.text); /* gone already: as good */
}

void listener_describe(const struct listen_address *address, char out[static LISTENER_TEXT_MAX])
{
    switch (address->kind) {
    case LISTEN_IPV4:
        (void)snprintf(out, LISTENER_TEXT_MAX, "%s:%u", address->text, address->port);
        return;
    case LISTEN_IPV6:
        (void)snprintf(out, LISTENER_TEXT_MAX, "[%s]:%u", address->text, address->port);
        return;
    case LISTEN_UNIX:
        (void)snprintf(out, LISTENER_TEXT_MAX, "unix:%s", address->text);
        return;
    }
}
