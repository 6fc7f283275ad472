/*
 * test_state_directory.c: the folder, its lock, and the record in it, on a real file system.
 * What disks, BTRFS and crashes do to it is in tests/faults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/store/state_directory.h"

struct fixture {
    char path[64];
    struct state_directory directory;
};

static const struct state_record example = {
    .mark_ns = INT64_C(1795400002120000000),
    .layout = SONYFLAKE_LAYOUT_DEFAULT,
    .shards = {1, 1},
    .instance = "first",
};

static int setup(void **state)
{
    static struct fixture f;
    const char *step;
    (void)snprintf(f.path, sizeof(f.path), "/tmp/go-id-state-XXXXXX");
    *state = &f;
    return mkdtemp(f.path) != NULL ? state_directory_open(&f.directory, f.path, false, &step) : -1;
}

static int teardown(void **state)
{
    static const char *const files[] = {"go-id.state", "go-id.state.new", "go-id.lock", "other"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlinkat(f->directory.fd, files[i], 0);
    state_directory_close(&f->directory);
    return rmdir(f->path);
}

static bool exists(const struct fixture *f, const char *name)
{
    struct stat ignored;
    return fstatat(f->directory.fd, name, &ignored, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    int fd = openat(f->directory.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void a_missing_folder_is_made_only_if_allowed(void **state)
{
    struct fixture *f = *state;
    struct state_directory other;
    const char *step = NULL;
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/a", f->path);
    assert_int_equal(state_directory_open(&other, path, false, &step), -ENOENT);
    assert_string_equal(step, "open");
    assert_false(exists(f, "a"));
    assert_int_equal(state_directory_open(&other, path, true, &step), 0);
    state_directory_close(&other);
    assert_int_equal(state_directory_open(&other, path, true, &step), 0); /* it is there */
    state_directory_close(&other);
    assert_int_equal(rmdir(path), 0);

    (void)snprintf(path, sizeof(path), "%s/a/b", f->path);
    assert_int_equal(state_directory_open(&other, path, true, &step), -ENOENT);
    assert_string_equal(step, "mkdir");
    put(f, "other", "");
    (void)snprintf(path, sizeof(path), "%s/other", f->path);
    assert_int_equal(state_directory_open(&other, path, false, &step), -ENOTDIR);
    state_directory_close(&other); /* one that was not opened */
}

static void a_record_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct state_record record;
    enum state_record_fault fault;
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), 0);
    for (int64_t i = 0; i < 3; i++) {
        struct state_record next = example;
        next.mark_ns += i * SONYFLAKE_TIME_UNIT_NS;
        assert_int_equal(state_directory_write(&f->directory, &next), 0);
        assert_int_equal(state_directory_read(&f->directory, &record, &fault), 1);
        assert_true(record.mark_ns == next.mark_ns);
        assert_false(exists(f, "go-id.state.new"));
    }
}

static void what_is_no_record_is_an_error_and_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct state_record record;
    enum state_record_fault fault;
    put(f, "go-id.state", "hello");
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EBADMSG);
    assert_int_equal(fault, STATE_RECORD_FOREIGN);
    put(f, "go-id.state", "");
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EBADMSG);
    assert_int_equal(fault, STATE_RECORD_EMPTY);
    assert_true(exists(f, "go-id.state"));

    assert_int_equal(unlinkat(f->directory.fd, "go-id.state", 0), 0);
    put(f, "other", "hello");
    assert_int_equal(symlinkat("other", f->directory.fd, "go-id.state"), 0);
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -ELOOP);
    assert_int_equal(unlinkat(f->directory.fd, "go-id.state", 0), 0);
    assert_int_equal(mkfifoat(f->directory.fd, "go-id.state", 0600), 0);
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EBADMSG);
}

static void a_write_that_fails_leaves_the_old_record_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct state_record record;
    enum state_record_fault fault;
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    struct state_record next = example;
    next.mark_ns += SONYFLAKE_TIME_UNIT_NS;
    assert_int_equal(mkdirat(f->directory.fd, "go-id.state.new", 0700), 0);
    assert_int_equal(state_directory_write(&f->directory, &next), -EISDIR);
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), 1);
    assert_true(record.mark_ns == example.mark_ns);
    assert_int_equal(unlinkat(f->directory.fd, "go-id.state.new", AT_REMOVEDIR), 0);
    assert_int_equal(state_directory_write(&f->directory, &next), 0);
}

static void one_process_at_a_time_owns_it_and_others_learn_its_pid(void **state)
{
    struct fixture *f = *state;
    pid_t pid = -1;
    assert_int_equal(state_directory_owner(&f->directory), 0);
    assert_false(exists(f, "go-id.lock")); /* looking leaves no trace */
    assert_int_equal(state_directory_lock(&f->directory, &pid), 0);

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state_directory same;
        const char *step;
        bool good = state_directory_open(&same, f->path, false, &step) == 0 &&
                    state_directory_owner(&same) == getppid() &&
                    state_directory_lock(&same, &pid) == -EAGAIN && pid == getppid();
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    state_directory_close(&f->directory);
    const char *step;
    assert_int_equal(state_directory_open(&f->directory, f->path, false, &step), 0);
    assert_int_equal(state_directory_owner(&f->directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_missing_folder_is_made_only_if_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_is_read_as_it_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_record_is_an_error_and_stays_as_it_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_the_old_record_and_nothing_else,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_process_at_a_time_owns_it_and_others_learn_its_pid,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
