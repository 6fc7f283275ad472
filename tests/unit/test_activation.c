/*
 * test_activation.c: sockets that a service manager has opened.
 * Method: real sockets, duplicated to descriptors from 100 on, and the variables as texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/systemd/activation.h"

#define FIRST 100

static struct listener listeners[SETTINGS_LISTENERS_MAX];
static size_t count;

static int take(const char *pid, const char *fds, const char *names)
{
    struct activation activation = {
        .pid = pid, .fds = fds, .names = names, .first_fd = FIRST, .self = 42};
    return activation_take(&activation, listeners, &count);
}

static void place(int fd, int at)
{
    assert_int_not_equal(fd, -1);
    assert_int_equal(dup2(fd, at), at);
    (void)close(fd);
}

/* A TCP socket on a port of the kernel's choice; returns that. */
static uint16_t place_tcp(int family, int at, int type, bool listens)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address = {0};
    int fd = socket(family, type, 0);
    socklen_t len = family == AF_INET ? sizeof(address.ipv4) : sizeof(address.ipv6);
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        address.ipv6.sin6_addr = in6addr_loopback;
    assert_int_equal(bind(fd, &address.any, len), 0);
    if (listens)
        assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, &address.any, &len), 0);
    place(fd, at);
    return ntohs(family == AF_INET ? address.ipv4.sin_port : address.ipv6.sin6_port);
}

static void place_unix(const char *name, int at)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    place(fd, at);
}

static void close_all(void)
{
    for (size_t i = 0; i < count; i++)
        listener_close(&listeners[i]);
    for (int fd = FIRST; fd < FIRST + 3; fd++)
        (void)close(fd); /* those that were not taken over */
}

static void sockets_of_every_kind_are_taken_over(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/go-id-activation-%d", getpid());
    uint16_t port = place_tcp(AF_INET, FIRST, SOCK_STREAM, true);
    place_unix(path, FIRST + 1);
    assert_int_equal(take("42", "2", "http:local"), 0);
    assert_int_equal(count, 2);
    assert_int_equal(listeners[0].fd, FIRST);
    assert_int_equal(listeners[0].address.kind, LISTEN_IPV4);
    assert_string_equal(listeners[0].address.text, "127.0.0.1");
    assert_int_equal(listeners[0].address.port, port);
    assert_int_equal(listeners[1].address.kind, LISTEN_UNIX);
    assert_string_equal(listeners[1].address.text, path);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fcntl(listeners[i].fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        assert_int_equal(fcntl(listeners[i].fd, F_GETFD), FD_CLOEXEC);
    }
    struct stat status;
    close_all();
    assert_int_equal(stat(path, &status), 0); /* it is not ours, and stays */
    (void)unlink(path);
}

static void an_abstract_socket_is_taken_over(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof(name), "@go-id-activation-%d", getpid());
    place_unix(name, FIRST);
    assert_int_equal(take("42", "1", NULL), 0);
    assert_string_equal(listeners[0].address.text, name);
    close_all();
}

static void an_ipv6_socket_is_taken_over(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    if (probe == -1)
        skip(); /* no IPv6 here */
    (void)close(probe);
    uint16_t port = place_tcp(AF_INET6, FIRST, SOCK_STREAM, true);
    assert_int_equal(take("42", "1", ""), 0);
    assert_int_equal(listeners[0].address.kind, LISTEN_IPV6);
    assert_string_equal(listeners[0].address.text, "::1");
    assert_int_equal(listeners[0].address.port, port);
    close_all();
}

static void what_is_not_for_us_is_left_alone(void **state)
{
    (void)state;
    (void)place_tcp(AF_INET, FIRST, SOCK_STREAM, true);
    static const struct {
        const char *pid;
        const char *fds;
    } cases[] = {{NULL, NULL}, {NULL, "1"}, {"42", NULL}, {"41", "1"}, {"42", "0"}, {"41", "x"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(take(cases[i].pid, cases[i].fds, NULL), 0);
        assert_int_equal(count, 0);
    }
    assert_int_equal(fcntl(FIRST, F_GETFL) & O_NONBLOCK, 0);
    close_all();
}

static void variables_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    (void)place_tcp(AF_INET, FIRST, SOCK_STREAM, true);
    static const struct {
        const char *pid;
        const char *fds;
        const char *names;
    } cases[] = {{"", "1", NULL},    {"x", "1", NULL},   {"0", "1", NULL},
                 {"42", "", NULL},   {"42", "-1", NULL}, {"42", "17", NULL},
                 {"42", "1x", NULL}, {"42", "1", "a:b"}, {"42", "1", ":"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(take(cases[i].pid, cases[i].fds, cases[i].names), -EINVAL);
        assert_int_equal(count, 0);
    }
    close_all();
}

static void what_is_no_listening_socket_is_refused(void **state)
{
    (void)state;
    assert_int_equal(take("42", "1", NULL), -EBADF);

    place(open("/dev/null", O_RDONLY | O_CLOEXEC), FIRST);
    assert_int_equal(take("42", "1", NULL), -ENOTSOCK);
    (void)place_tcp(AF_INET, FIRST, SOCK_DGRAM, false);
    assert_int_equal(take("42", "1", NULL), -EINVAL);
    (void)place_tcp(AF_INET, FIRST, SOCK_STREAM, false);
    assert_int_equal(take("42", "1", NULL), -EINVAL);

    /* The good ones in front of it are to be closed. */
    (void)place_tcp(AF_INET, FIRST, SOCK_STREAM, true);
    assert_int_equal(take("42", "2", NULL), -EBADF);
    assert_int_equal(count, 1);
    close_all();
}

static void it_tells_which_descriptors_it_takes(void **state)
{
    (void)state;
    struct activation activation = {.pid = "42", .fds = "2", .first_fd = FIRST, .self = 42};
    assert_false(activation_holds(&activation, FIRST - 1));
    assert_true(activation_holds(&activation, FIRST));
    assert_true(activation_holds(&activation, FIRST + 1));
    assert_false(activation_holds(&activation, FIRST + 2));
    assert_false(activation_holds(&activation, -1));
    activation.self = 43;
    assert_false(activation_holds(&activation, FIRST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_of_every_kind_are_taken_over),
        cmocka_unit_test(an_abstract_socket_is_taken_over),
        cmocka_unit_test(an_ipv6_socket_is_taken_over),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(variables_that_make_no_sense_are_refused),
        cmocka_unit_test(what_is_no_listening_socket_is_refused),
        cmocka_unit_test(it_tells_which_descriptors_it_takes),
    };
    return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
