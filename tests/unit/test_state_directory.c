/*
 * test_state_directory.c: the folder, its lock, and the record in it, on a real file system.
 * Method: the linker puts us between it and the system calls that write, which fail or do half of
 * their work where a test says so; a full and a read-only disk are a tmpfs in a mount namespace of
 * this program.  What disks, BTRFS and crashes do to a daemon is in tests/faults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/errno_name.h"
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

/* ---- Between it and the system -------------------------------------------------------------- */

/* What happens to the calls of a test; all 0: nothing. */
static struct {
    size_t write_max;     /* bytes that a write() takes at once; 0: all */
    bool interrupt;       /* every other write() fails with EINTR */
    bool interrupted;     /* the last one was */
    int write_error;      /* errno */
    int sync_error;       /* of the first fsync() from here on */
    int sync_later_error; /* of those behind it */
    int open_error;       /* of opening a file in the folder */
    int syncs;            /* how many there were */
} system_calls;

ssize_t __real_write(int fd, const void *bytes, size_t len);
int __real_fsync(int fd);
int __real_openat(int folder, const char *name, int flags, mode_t mode);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __wrap_fsync(int fd);
int __wrap_openat(int folder, const char *name, int flags, mode_t mode);

static int fail_with(int error)
{
    errno = error;
    return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (system_calls.write_error != 0)
        return fail_with(system_calls.write_error);
    system_calls.interrupted = system_calls.interrupt && !system_calls.interrupted;
    if (system_calls.interrupted)
        return fail_with(EINTR);
    bool too_long = system_calls.write_max != 0 && len > system_calls.write_max;
    return __real_write(fd, bytes, too_long ? system_calls.write_max : len);
}

int __wrap_fsync(int fd)
{
    int error = system_calls.syncs == 0 ? system_calls.sync_error : system_calls.sync_later_error;
    system_calls.syncs++;
    return error != 0 ? fail_with(error) : __real_fsync(fd);
}

/* Without O_CREAT the mode is what happens to be there, and nobody looks at it. */
int __wrap_openat(int folder, const char *name, int flags, mode_t mode)
{
    if (system_calls.open_error != 0)
        return fail_with(system_calls.open_error);
    return __real_openat(folder, name, flags, mode);
}

/* ---- Fixtures ------------------------------------------------------------------------------- */

static int setup(void **state)
{
    static struct fixture f;
    const char *step;
    memset(&system_calls, 0, sizeof(system_calls));
    (void)snprintf(f.path, sizeof(f.path), "/tmp/go-id-state-XXXXXX");
    *state = &f;
    return mkdtemp(f.path) != NULL ? state_directory_open(&f.directory, f.path, false, &step) : -1;
}

static void close_and_empty(struct fixture *f)
{
    static const char *const files[] = {"go-id.state", "go-id.state.new", "go-id.lock", "other"};
    memset(&system_calls, 0, sizeof(system_calls));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlinkat(f->directory.fd, files[i], 0);
    state_directory_close(&f->directory);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close_and_empty(f);
    return rmdir(f->path);
}

/* Two pages of memory as the disk, which nobody else sees; skips the test where that is refused. */
static void mount_small_disk(struct fixture *f)
{
    const char *step;
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("tmpfs", f->path, "tmpfs", 0, "size=8k") == -1) {
        print_message("skipped: no tmpfs can be mounted here: %s\n", errno_name(errno));
        skip();
    }
    state_directory_close(&f->directory);
    assert_int_equal(state_directory_open(&f->directory, f->path, false, &step), 0);
}

static int teardown_small_disk(void **state)
{
    struct fixture *f = *state;
    close_and_empty(f);
    while (umount2(f->path, MNT_DETACH) == 0) /* all that a test that failed has left */
        ;
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
    assert_int_equal(fault, STATE_RECORD_FOREIGN);
    assert_int_equal(unlinkat(f->directory.fd, "go-id.state", 0), 0);
    assert_int_equal(mkdirat(f->directory.fd, "go-id.state", 0700), 0);
    fault = STATE_RECORD_GOOD;
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EBADMSG);
    assert_int_equal(fault, STATE_RECORD_FOREIGN);
    assert_int_equal(unlinkat(f->directory.fd, "go-id.state", AT_REMOVEDIR), 0);
}

static void a_good_record_with_more_behind_it_is_none(void **state)
{
    struct fixture *f = *state;
    struct state_record record;
    enum state_record_fault fault = STATE_RECORD_GOOD;
    char text[3 * STATE_RECORD_MAX];
    for (size_t len = 1; len <= STATE_RECORD_MAX; len *= 2) {
        size_t record_len = state_record_encode(&example, text);
        memset(text + record_len, 'x', len);
        text[record_len + len] = '\0';
        put(f, "go-id.state", text);
        assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EBADMSG);
        assert_int_not_equal(fault, STATE_RECORD_GOOD);
    }
}

static void damage_that_the_file_system_reports_is_not_taken_for_a_text(void **state)
{
    struct fixture *f = *state;
    struct state_record record;
    enum state_record_fault fault;
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    system_calls.open_error = EBADMSG; /* ext4 and XFS: a checksum of their own is wrong */
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EIO);
    system_calls.open_error = EACCES;
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), -EACCES);
}

static void nobody_but_owner_and_group_may_look(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"go-id.state", "go-id.lock"};
    struct state_directory made;
    const char *step;
    struct stat file;
    pid_t pid;
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/a", f->path);
    mode_t before = umask(0);
    int opened = state_directory_open(&made, path, true, &step);
    int locked = state_directory_lock(&f->directory, &pid);
    int written = state_directory_write(&f->directory, &example);
    (void)umask(before);
    assert_int_equal(opened | locked | written, 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_int_equal(fstatat(f->directory.fd, files[i], &file, 0), 0);
        assert_int_equal(file.st_mode, S_IFREG | 0640);
    }
    assert_int_equal(fstat(made.fd, &file), 0);
    assert_int_equal(file.st_mode, S_IFDIR | 0750);
    state_directory_close(&made);
    assert_int_equal(rmdir(path), 0);
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* The mark of the record on disk, which is there and good. */
static int64_t mark_on_disk(const struct fixture *f)
{
    struct state_record record;
    enum state_record_fault fault;
    assert_int_equal(state_directory_read(&f->directory, &record, &fault), 1);
    return record.mark_ns;
}

static void writes_that_are_interrupted_or_short_are_continued(void **state)
{
    struct fixture *f = *state;
    static const size_t lengths[] = {1, 7, 100, 0};
    struct state_record next = example;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        system_calls.write_max = lengths[i];
        system_calls.interrupt = true;
        next.mark_ns += SONYFLAKE_TIME_UNIT_NS;
        assert_int_equal(state_directory_write(&f->directory, &next), 0);
        assert_true(mark_on_disk(f) == next.mark_ns);
    }
}

static void the_file_is_synced_and_then_the_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    assert_int_equal(system_calls.syncs, 2);
    struct state_record next = example;
    next.mark_ns += SONYFLAKE_TIME_UNIT_NS;

    system_calls.write_error = EIO;
    assert_int_equal(state_directory_write(&f->directory, &next), -EIO);
    assert_true(mark_on_disk(f) == example.mark_ns);
    assert_false(exists(f, "go-id.state.new"));

    system_calls.write_error = 0;
    system_calls.syncs = 0;
    system_calls.sync_error = EDQUOT; /* as NFS and quotas do: it is said only now */
    assert_int_equal(state_directory_write(&f->directory, &next), -EDQUOT);
    assert_int_equal(system_calls.syncs, 1);
    assert_true(mark_on_disk(f) == example.mark_ns);
    assert_false(exists(f, "go-id.state.new"));

    system_calls.syncs = 0;
    system_calls.sync_error = 0;
    system_calls.sync_later_error = EIO; /* renamed, but nobody knows whether durably so */
    assert_int_equal(state_directory_write(&f->directory, &next), -EIO);
    assert_true(mark_on_disk(f) == next.mark_ns);
    assert_false(exists(f, "go-id.state.new"));
}

static void a_full_disk_keeps_the_old_record_until_there_is_room(void **state)
{
    struct fixture *f = *state;
    mount_small_disk(f);
    assert_true(f->directory.is_volatile);
    assert_string_equal(f->directory.subvolume.text, "");
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    struct state_record next = example;
    next.mark_ns += SONYFLAKE_TIME_UNIT_NS;
    put(f, "other", "the second page"); /* which the new record would need beside the old one */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(state_directory_write(&f->directory, &next), -ENOSPC);
        assert_true(mark_on_disk(f) == example.mark_ns);
        assert_false(exists(f, "go-id.state.new"));
    }
    assert_int_equal(unlinkat(f->directory.fd, "other", 0), 0);
    assert_int_equal(state_directory_write(&f->directory, &next), 0);
    assert_true(mark_on_disk(f) == next.mark_ns);
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

/* ---- Owning --------------------------------------------------------------------------------- */

/* A process that owns the folder until it is killed. */
static pid_t own_in_child(const struct fixture *f)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state_directory same;
        const char *step;
        pid_t pid;
        (void)alarm(60); /* should the test end without us */
        bool good = state_directory_open(&same, f->path, false, &step) == 0 &&
                    state_directory_lock(&same, &pid) == 0;
        if (write(ready[1], good ? "y" : "n", 1) == 1)
            (void)pause();
        _exit(0);
    }
    char result = 0;
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &result, 1), 1);
    assert_int_equal(result, 'y');
    (void)close(ready[0]);
    return child;
}

static void end_child(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void who_is_refused_holds_nothing_and_owns_it_once_the_owner_is_dead(void **state)
{
    struct fixture *f = *state;
    pid_t child = own_in_child(f);
    for (int i = 0; i < 2; i++) {
        pid_t pid = -1;
        assert_int_equal(state_directory_lock(&f->directory, &pid), -EAGAIN);
        assert_int_equal(pid, child);
        assert_int_equal(f->directory.lock_fd, -1);
        assert_int_equal(state_directory_owner(&f->directory), child);
    }
    end_child(child);
    pid_t pid = -1;
    assert_int_equal(state_directory_owner(&f->directory), 0);
    assert_int_equal(state_directory_lock(&f->directory, &pid), 0);
    assert_int_equal(pid, -1);
}

static void a_lock_that_leads_elsewhere_is_not_followed(void **state)
{
    struct fixture *f = *state;
    pid_t pid;
    put(f, "other", "");
    assert_int_equal(symlinkat("other", f->directory.fd, "go-id.lock"), 0);
    assert_int_equal(state_directory_lock(&f->directory, &pid), -ELOOP);
    assert_int_equal(f->directory.lock_fd, -1);
}

static void a_read_only_disk_is_read_and_its_owner_known(void **state)
{
    struct fixture *f = *state;
    mount_small_disk(f);
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    put(f, "go-id.lock", "");
    assert_int_equal(mount("none", f->path, "none", MS_REMOUNT | MS_RDONLY, "size=8k"), 0);
    struct state_record next = example;
    next.mark_ns += SONYFLAKE_TIME_UNIT_NS;
    pid_t pid;
    assert_int_equal(state_directory_write(&f->directory, &next), -EROFS);
    assert_true(mark_on_disk(f) == example.mark_ns);
    assert_int_equal(state_directory_lock(&f->directory, &pid), -EROFS);
    assert_int_equal(state_directory_owner(&f->directory), 0);

    /* Bound to a second place, it can be read-only here while a process there owns it. */
    assert_int_equal(mount("none", f->path, "none", MS_REMOUNT, "size=8k"), 0);
    pid_t child = own_in_child(f);
    assert_int_equal(mount(f->path, f->path, "none", MS_BIND, NULL), 0);
    assert_int_equal(mount("none", f->path, "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    struct state_directory here;
    const char *step;
    assert_int_equal(state_directory_open(&here, f->path, false, &step), 0);
    assert_int_equal(state_directory_lock(&here, &pid), -EROFS);
    assert_int_equal(state_directory_owner(&here), child);
    state_directory_close(&here);
    assert_int_equal(umount(f->path), 0);
    end_child(child);
    assert_int_equal(state_directory_write(&f->directory, &next), 0);
}

static void one_process_at_a_time_owns_it_and_others_learn_its_pid(void **state)
{
    struct fixture *f = *state;
    pid_t pid = -1;
    assert_int_equal(state_directory_owner(&f->directory), 0);
    assert_false(exists(f, "go-id.lock")); /* looking leaves no trace */
    assert_int_equal(state_directory_lock(&f->directory, &pid), 0);
    /* Another descriptor of the lock, closed, would release it: these have none. */
    assert_int_equal(state_directory_write(&f->directory, &example), 0);
    assert_true(mark_on_disk(f) == example.mark_ns);

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

/* A test with a folder of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ON_SMALL_DISK(name) cmocka_unit_test_setup_teardown(name, setup, teardown_small_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_folder_is_made_only_if_allowed),
        TEST(a_record_is_read_as_it_was_written),
        TEST(what_is_no_record_is_an_error_and_stays_as_it_is),
        TEST(a_good_record_with_more_behind_it_is_none),
        TEST(damage_that_the_file_system_reports_is_not_taken_for_a_text),
        TEST(nobody_but_owner_and_group_may_look),
        TEST(writes_that_are_interrupted_or_short_are_continued),
        TEST(the_file_is_synced_and_then_the_folder),
        TEST(a_write_that_fails_leaves_the_old_record_and_nothing_else),
        TEST(one_process_at_a_time_owns_it_and_others_learn_its_pid),
        TEST(who_is_refused_holds_nothing_and_owns_it_once_the_owner_is_dead),
        TEST(a_lock_that_leads_elsewhere_is_not_followed),
        TEST_ON_SMALL_DISK(a_full_disk_keeps_the_old_record_until_there_is_room),
        TEST_ON_SMALL_DISK(a_read_only_disk_is_read_and_its_owner_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
