/*
 * bare_loop.c: the floor that no HTTP server on this machine gets under: epoll, read, a canned
 * answer, write.  It parses nothing and makes nothing.
 *
 *     bare_loop BODY_BYTES      prints "127.0.0.1 PORT" once it listens; ends with its parent's
 * kill
 *
 * An answer has the head of a go-id answer and a body of that many bytes.  How long a request is,
 * it learns from the first one of each connection; after that it only counts bytes, so requests of
 * a connection must all have the same length, and pipelined ones are answered in one write, as
 * go-id does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/number.h"

#define EVENTS_MAX 256
#define INPUT_SIZE 12288
#define DESCRIPTORS_MAX 65536
#define BODY_MAX 16777216

/* Canned answers stand one after the other, as many as fit here, and at least one. */
#define CANNED_SIZE 65536

struct peer {
    size_t request_len; /* 0: not known yet */
    size_t input_len;   /* bytes of requests that are not answered yet */
    size_t owed;        /* bytes of answers that are not sent yet */
};

static char *canned;
static size_t answer_len;
static size_t canned_len; /* a multiple of answer_len */
static struct peer peers[DESCRIPTORS_MAX];

_Noreturn static void give_up(const char *what)
{
    perror(what);
    exit(1); // NOLINT(concurrency-mt-unsafe): there is one thread
}

static void make_answers(size_t body_len)
{
    char head[256];
    int head_len = snprintf(head, sizeof(head),
                            "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n"
                            "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                            body_len);
    answer_len = (size_t)head_len + body_len;
    size_t count = answer_len < CANNED_SIZE ? CANNED_SIZE / answer_len : 1;
    canned_len = count * answer_len;
    canned = malloc(canned_len);
    if (canned == NULL)
        give_up("malloc");
    for (size_t i = 0; i < count; i++) {
        memcpy(canned + i * answer_len, head, (size_t)head_len);
        memset(canned + i * answer_len + head_len, '7', body_len);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&address, len) == -1 || listen(fd, 4096) == -1 ||
        getsockname(fd, (struct sockaddr *)&address, &len) == -1)
        give_up("listen");
    printf("127.0.0.1 %u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

static void accept_all(int epoll_fd, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return; /* none left, or one that has gone again: its successor makes an event */
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                    .data.fd = fd};
        if (fd >= DESCRIPTORS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
            give_up("accept");
        peers[fd] = (struct peer){0};
    }
}

/* Sends what is owed, as far as the socket takes it.  Returns false when the peer has gone. */
static bool send_owed(int fd, struct peer *peer)
{
    while (peer->owed > 0) {
        size_t in_answer = (answer_len - peer->owed % answer_len) % answer_len;
        size_t len = canned_len - in_answer;
        ssize_t sent =
            send(fd, canned + in_answer, len < peer->owed ? len : peer->owed, MSG_NOSIGNAL);
        if (sent == -1)
            return errno == EAGAIN || errno == EINTR;
        peer->owed -= (size_t)sent;
    }
    return true;
}

/* Returns false when the peer has gone, or sends what is no request. */
static bool answer_input(int fd, struct peer *peer)
{
    static char input[INPUT_SIZE];
    ssize_t len;
    do {
        len = recv(fd, input, sizeof(input), 0);
        if (len == -1)
            return errno == EAGAIN || errno == EINTR;
        if (len == 0)
            return false;
        if (peer->request_len == 0) {
            const char *end = memmem(input, (size_t)len, "\r\n\r\n", 4);
            if (end == NULL)
                return false;
            peer->request_len = (size_t)(end - input) + 4;
        }
        peer->input_len += (size_t)len;
        peer->owed += peer->input_len / peer->request_len * answer_len;
        peer->input_len %= peer->request_len;
        if (!send_owed(fd, peer))
            return false;
    } while (len == sizeof(input)); /* a short read has emptied the socket */
    return true;
}

static void serve(int epoll_fd, int listener)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_all(epoll_fd, listener);
                continue;
            }
            bool alive = send_owed(fd, &peers[fd]);
            if (alive && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                alive = answer_input(fd, &peers[fd]);
            if (!alive)
                (void)close(fd); /* leaves epoll with it */
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t body_len;
    if (argc != 2 || parse_u64(span_of(argv[1]), 0, BODY_MAX, &body_len) < 0) {
        (void)fprintf(stderr, "usage: bare_loop BODY_BYTES\n");
        return 2;
    }
    make_answers((size_t)body_len);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_somewhere();
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (epoll_fd == -1 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) == -1)
        give_up("epoll");
    serve(epoll_fd, listener);
}
