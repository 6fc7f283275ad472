#include "server/net/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "server/access/gate.h"

/* How soon to try again when there was no room and no client of ours has left since. */
#define RETRY_MS 100

/* Clients taken from one listener before the signals and the others get a look. */
#define ACCEPTS_PER_TURN 64

/* What the acceptor waits for besides listeners. */
enum { SIGNAL, CLIENT_LEFT, TIMER, FIXED_FDS };

static struct log_limit accept_failed_limit;
static struct log_limit clients_full_limit;
static struct log_limit clients_turned_away_limit;

static struct worker *least_busy(const struct acceptor *acceptor)
{
    struct worker *best = &acceptor->workers[0];
    for (uint32_t i = 1; i < acceptor->worker_count; i++) {
        struct worker *worker = &acceptor->workers[i];
        if (atomic_load(&worker->client_count) < atomic_load(&best->client_count))
            best = worker;
    }
    return best;
}

static bool is_full(const struct acceptor *acceptor)
{
    return atomic_load(&acceptor->shared->clients.open_count) >= acceptor->clients_max;
}

enum accept_result { ACCEPT_NEXT, ACCEPT_NOBODY, ACCEPT_NO_ROOM };

static enum accept_result explain_failure(const struct acceptor *acceptor, int error)
{
    switch (error) {
    case EAGAIN:
        return ACCEPT_NOBODY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        log_write_limited(&accept_failed_limit, LOG_WARN, "accept_failed",
                          "errno=%s connections=%u hint=\"raise the limit of open files "
                          "or lower MAX_CONNECTIONS; clients wait meanwhile\"",
                          errno_name(error), atomic_load(&acceptor->shared->clients.open_count));
        return ACCEPT_NO_ROOM;
    default:
        /* EINTR, and all that befell the client before we got to it: ECONNABORTED, EPERM, ... */
        log_write_limited(&accept_failed_limit, LOG_WARN, "accept_failed", "errno=%s",
                          errno_name(error));
        return ACCEPT_NEXT;
    }
}

/*
 * Accepts a client, and finds out who it is; ret->fd is -1 on failure.  False when it has too many
 * connections already.  A proxy may have any number: they are those of its clients, each of which
 * is counted when the proxy's header names it.
 */
static bool accept_known(const struct gate *gate, int listener_fd, struct newcomer *ret)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    ret->fd = accept4(listener_fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (ret->fd == -1)
        return true;
    ret->origin = origin_of_peer(gate->origins, (const struct sockaddr *)&peer);
    if (gate->connections == NULL || ret->origin.is_proxy || ret->origin.key == ORIGIN_NOBODY)
        return true;
    return connection_count_enter(gate->connections, ret->origin.key, &ret->place) == 0;
}

/* Tells a client that has too many connections, as far as that can be done without waiting. */
static void turn_away(int fd)
{
    static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\","
                               "\"status\":429,\"detail\":\"" CONNECTION_COUNT_DETAIL "\"}";
    char answer[512];
    char dropped[4096];
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 429 Too Many Requests\r\nCache-Control: no-store\r\n"
                       "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                       "Retry-After: 1\r\nConnection: close\r\n\r\n%s",
                       sizeof(body) - 1, body);
    log_write_limited(&clients_turned_away_limit, LOG_WARN, "client_full",
                      "hint=\"a client has MAX_CONNECTIONS_PER_CLIENT connections; the next one "
                      "got a 429\"");
    /* Unread bytes would make close() a reset, which could overtake the answer. */
    (void)recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT);
    (void)send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

static enum accept_result accept_one(const struct acceptor *acceptor, int listener_fd)
{
    if (is_full(acceptor)) {
        log_write_limited(&clients_full_limit, LOG_WARN, "connections_full",
                          "max_connections=%u hint=\"new clients wait until one leaves\"",
                          acceptor->clients_max);
        return ACCEPT_NO_ROOM;
    }
    struct newcomer newcomer = {.place = CONNECTION_UNCOUNTED};
    const struct gate *gate = acceptor->shared->service->gate;
    bool is_welcome = true;
    if (gate != NULL && gate->origins != NULL) {
        is_welcome = accept_known(gate, listener_fd, &newcomer);
    } else {
        newcomer.fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    if (newcomer.fd == -1)
        return explain_failure(acceptor, errno);
    if (!is_welcome) {
        turn_away(newcomer.fd);
        return ACCEPT_NEXT;
    }

    int r = -EMFILE;
    if ((uint32_t)newcomer.fd < acceptor->shared->clients.capacity)
        r = worker_adopt(least_busy(acceptor), &newcomer);
    if (r < 0) {
        if (newcomer.place != CONNECTION_UNCOUNTED)
            connection_count_leave(gate->connections, newcomer.place);
        (void)close(newcomer.fd);
        return explain_failure(acceptor, -r);
    }
    return ACCEPT_NEXT;
}

/* Returns ACCEPT_NO_ROOM, or ACCEPT_NOBODY when nobody waits at the listener any more. */
static enum accept_result accept_some(const struct acceptor *acceptor, int listener_fd,
                                      unsigned limit)
{
    enum accept_result result = ACCEPT_NEXT;
    for (unsigned i = 0; i < limit && result == ACCEPT_NEXT; i++)
        result = accept_one(acceptor, listener_fd);
    return result;
}

/* Returns the signal that ends the service, or 0. */
static uint32_t take_signals(const struct acceptor *acceptor)
{
    struct signalfd_siginfo info;
    while (read(acceptor->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            return info.ssi_signo;
        acceptor->on_signal(acceptor->context, info.ssi_signo);
    }
    return 0;
}

/*
 * Waits until there is something to do.  While there is no room the listeners are left alone, so
 * that clients in the kernel's queue do not keep the loop spinning; a client that leaves ends the
 * wait.
 */
static void wait_for_work(const struct acceptor *acceptor, struct pollfd *fds, bool no_room)
{
    struct worker_shared *shared = acceptor->shared;
    nfds_t count = no_room ? FIXED_FDS : FIXED_FDS + acceptor->listener_count;

    atomic_store(&shared->acceptor_waits, no_room);
    (void)poll(fds, count, no_room ? RETRY_MS : -1); /* EINTR, ENOMEM: look, and come back */
    atomic_store(&shared->acceptor_waits, false);

    eventfd_t left;
    (void)eventfd_read(shared->client_left_fd, &left); /* EAGAIN: nobody left */
    if ((fds[TIMER].revents & POLLIN) != 0)
        acceptor->on_timer(acceptor->context);
}

void acceptor_run(struct acceptor *acceptor)
{
    struct pollfd fds[FIXED_FDS + SETTINGS_LISTENERS_MAX] = {
        [SIGNAL] = {.fd = acceptor->signal_fd, .events = POLLIN},
        [CLIENT_LEFT] = {.fd = acceptor->shared->client_left_fd, .events = POLLIN},
        [TIMER] = {.fd = acceptor->timer_fd, .events = POLLIN}, /* poll() passes over -1 */
    };
    for (size_t i = 0; i < acceptor->listener_count; i++)
        fds[FIXED_FDS + i] = (struct pollfd){.fd = acceptor->listeners[i].fd, .events = POLLIN};

    uint32_t signal_number = 0;
    bool no_room = false;
    while (signal_number == 0) {
        wait_for_work(acceptor, fds, no_room);
        signal_number = take_signals(acceptor);
        no_room = false;
        for (size_t i = 0; i < acceptor->listener_count; i++) {
            int fd = acceptor->listeners[i].fd;
            if (accept_some(acceptor, fd, ACCEPTS_PER_TURN) == ACCEPT_NO_ROOM)
                no_room = true;
        }
    }
    log_info("stopping", "signal=%s connections=%u", signal_number == SIGINT ? "SIGINT" : "SIGTERM",
             atomic_load(&acceptor->shared->clients.open_count));
    for (size_t i = 0; i < acceptor->listener_count; i++)
        (void)accept_some(acceptor, acceptor->listeners[i].fd, acceptor->clients_max);
}
