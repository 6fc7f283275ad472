/*
 * test_notify.c: messages to a service manager.
 * Method: the manager is a datagram socket of this test's own, by path and by abstract name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/span.h"
#include "server/systemd/notify.h"

static char directory[] = "/tmp/go-id-notify-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* A manager that listens at this name, '@' for an abstract one. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_not_equal(fd, -1);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    return fd;
}

static void expect_message(int fd, const char *expected)
{
    char message[NOTIFY_MESSAGE_MAX + 2];
    ssize_t len = recv(fd, message, sizeof(message) - 1, 0);
    assert_true(len >= 0);
    message[len] = '\0';
    assert_string_equal(message, expected);
}

static void send_and_expect(const char *name)
{
    int manager = listen_at(name);
    struct notify notify;
    assert_int_equal(notify_open(&notify, name), 0);
    assert_true(notify_is_wanted(&notify));
    notify_send(&notify, true, "READY=1\nSTATUS=%s", "shard 7");
    expect_message(manager, "READY=1\nSTATUS=shard 7");
    notify_send(&notify, false, "WATCHDOG=1");
    expect_message(manager, "WATCHDOG=1");
    notify_close(&notify);
    assert_false(notify_is_wanted(&notify));
    (void)close(manager);
}

static void a_message_reaches_a_path(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/notify", directory);
    send_and_expect(path);
    (void)unlink(path);
}

static void a_message_reaches_an_abstract_name(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof(name), "@%s", directory);
    send_and_expect(name);
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    struct notify notify;
    char name[110];
    memset(name, 'x', sizeof(name));
    name[0] = '@';
    name[108] = '\0';
    send_and_expect(name);
    name[108] = 'x';
    name[109] = '\0';
    assert_int_equal(notify_open(&notify, name), -ENAMETOOLONG);
    name[0] = '/';
    name[108] = '\0';
    assert_int_equal(notify_open(&notify, name), -ENAMETOOLONG);
    name[107] = '\0';
    assert_int_equal(notify_open(&notify, name), 0);
    notify_close(&notify);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    struct notify notify;
    assert_int_equal(notify_open(&notify, "/nonexistent/notify"), 0);
    notify_send(&notify, true, "READY=1"); /* a line in the log, and no more */
    notify_close(&notify);
}

static void other_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "/", "@", "notify", "./notify", "vsock:2:1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct notify notify;
        assert_int_equal(notify_open(&notify, names[i]), -EINVAL);
        assert_false(notify_is_wanted(&notify));
        notify_send(&notify, true, "READY=1");
    }
}

static void a_manager_that_does_not_read_holds_nobody_up(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof(name), "@%s-slow", directory);
    int manager = listen_at(name);
    struct notify notify;
    assert_int_equal(notify_open(&notify, name), 0);
    for (int i = 0; i < 100000; i++) /* far more than fit; a call that blocks takes 5 s each */
        notify_send(&notify, false, "WATCHDOG=1");
    expect_message(manager, "WATCHDOG=1");
    notify_close(&notify);
    (void)close(manager);
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    char name[64];
    char text[2 * NOTIFY_MESSAGE_MAX];
    (void)snprintf(name, sizeof(name), "@%s-long", directory);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    int manager = listen_at(name);
    struct notify notify;
    assert_int_equal(notify_open(&notify, name), 0);
    notify_send(&notify, true, "%s", text);
    text[NOTIFY_MESSAGE_MAX] = '\0';
    expect_message(manager, text);
    notify_close(&notify);
    (void)close(manager);
}

static void the_watchdog_is_for_one_process(void **state)
{
    (void)state;
    assert_int_equal(notify_watchdog_ns(NULL, NULL, 7), 0);
    assert_int_equal(notify_watchdog_ns(NULL, "7", 7), 0);
    assert_int_equal(notify_watchdog_ns("30000000", NULL, 7), INT64_C(30000000000));
    assert_int_equal(notify_watchdog_ns("30000000", "7", 7), INT64_C(30000000000));
    assert_int_equal(notify_watchdog_ns("30000000", "8", 7), 0);
    static const char *const bad[] = {"", "0", "-1", "30s", "9223372036854775807"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(notify_watchdog_ns(bad[i], "7", 7) < 0);
    assert_true(notify_watchdog_ns("30000000", "x", 7) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_a_path),
        cmocka_unit_test(a_message_reaches_an_abstract_name),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(a_manager_that_does_not_read_holds_nobody_up),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(the_watchdog_is_for_one_process),
    };
    return cmocka_run_group_tests_name("notify", tests, make_directory, remove_directory);
}
