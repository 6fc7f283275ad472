/*
 * test_machine_lock.c: machine ids are locked between processes, each by itself.
 * Method: record locks belong to processes, so the other side is a child, which says over a pipe
 * that it holds its lock, and holds it until it is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/store/machine_lock.h"

static char directory[] = "/tmp/go-id-lock-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/machine_ids", directory);
    (void)unlink(path);
    return rmdir(directory);
}

/* A process that holds the machine ids until it is released. */
static pid_t hold(struct shard_range shards)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct machine_lock lock;
        struct machine_lock_holder holder;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test end without us */
        char result = machine_lock_take(&lock, directory, shards, &holder) == 0 ? 'y' : 'n';
        if (write(ready[1], &result, 1) == 1)
            (void)pause();
        _exit(0);
    }
    char result = 0;
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &result, 1), 1);
    assert_int_equal(result, 'y');
    (void)close(ready[0]);
    return pid;
}

static void release(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void ranges_collide_exactly_where_they_overlap(void **state)
{
    (void)state;
    pid_t pid = hold((struct shard_range){100, 10});
    static const struct {
        struct shard_range wanted;
        uint32_t disputed; /* 0: nothing */
    } cases[] = {
        {{0, 100}, 0},   {{110, 1}, 0},    {{110, 65426}, 0}, {{0, 101}, 100},
        {{109, 1}, 109}, {{105, 50}, 105}, {{0, 65536}, 100}, {{103, 2}, 103},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine_lock lock;
        struct machine_lock_holder holder;
        int r = machine_lock_take(&lock, directory, cases[i].wanted, &holder);
        assert_int_equal(r, cases[i].disputed != 0 ? -EAGAIN : 0);
        if (r < 0) {
            assert_int_equal(holder.pid, pid);
            assert_int_equal(holder.machine, cases[i].disputed);
        }
        machine_lock_release(&lock);
    }
    release(pid);
}

static void the_lowest_machine_id_in_dispute_is_named(void **state)
{
    (void)state;
    pid_t high = hold((struct shard_range){50, 5});
    pid_t low = hold((struct shard_range){20, 5});
    struct machine_lock lock;
    struct machine_lock_holder holder;
    struct shard_range wanted = {22, 40};
    assert_int_equal(machine_lock_take(&lock, directory, wanted, &holder), -EAGAIN);
    assert_int_equal(holder.machine, 22);
    assert_int_equal(holder.pid, low);
    release(low);
    assert_int_equal(machine_lock_take(&lock, directory, wanted, &holder), -EAGAIN);
    assert_int_equal(holder.machine, 50);
    assert_int_equal(holder.pid, high);
    release(high);
    assert_int_equal(machine_lock_take(&lock, directory, wanted, &holder), 0);
    machine_lock_release(&lock);
}

static void who_is_refused_holds_none_of_them(void **state)
{
    (void)state;
    pid_t holder_pid = hold((struct shard_range){200, 1});
    struct machine_lock lock = {.fd = 12345};
    struct machine_lock_holder holder;
    struct shard_range wanted = {150, 51};
    assert_int_equal(machine_lock_take(&lock, directory, wanted, &holder), -EAGAIN);
    assert_int_equal(lock.fd, -1);
    machine_lock_release(&lock);                  /* which is allowed */
    release(hold((struct shard_range){150, 50})); /* somebody else gets the rest */
    release(holder_pid);
}

static void the_file_stays_empty_and_all_of_the_host_may_read_it(void **state)
{
    (void)state;
    char path[64];
    struct stat file;
    struct machine_lock lock;
    struct machine_lock_holder holder;
    (void)snprintf(path, sizeof(path), "%s/machine_ids", directory);
    (void)unlink(path);
    mode_t before = umask(022);
    int r = machine_lock_take(&lock, directory, (struct shard_range){0, 65536}, &holder);
    (void)umask(before);
    assert_int_equal(r, 0);
    assert_int_equal(fstat(lock.fd, &file), 0);
    assert_int_equal(file.st_mode, S_IFREG | 0644);
    assert_int_equal(file.st_size, 0);
    machine_lock_release(&lock);
    assert_int_equal(lock.fd, -1);
}

static void a_file_that_leads_elsewhere_is_not_followed(void **state)
{
    (void)state;
    char path[64];
    struct machine_lock lock;
    struct machine_lock_holder holder;
    (void)snprintf(path, sizeof(path), "%s/machine_ids", directory);
    (void)unlink(path);
    assert_int_equal(symlink("elsewhere", path), 0);
    int r = machine_lock_take(&lock, directory, (struct shard_range){1, 1}, &holder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(r, -ELOOP);
    assert_int_equal(lock.fd, -1);
}

static void a_folder_that_is_missing_is_made_but_not_those_above_it(void **state)
{
    (void)state;
    char path[80];
    char file[100];
    struct machine_lock lock;
    struct machine_lock_holder holder;
    (void)snprintf(path, sizeof(path), "%s/a/b", directory);
    assert_int_equal(machine_lock_take(&lock, path, (struct shard_range){1, 1}, &holder), -ENOENT);
    (void)snprintf(path, sizeof(path), "%s/a", directory);
    assert_int_equal(machine_lock_take(&lock, path, (struct shard_range){1, 1}, &holder), 0);
    machine_lock_release(&lock);
    (void)snprintf(file, sizeof(file), "%s/machine_ids", path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(path), 0);
}

static void who_may_not_lock_still_learns_who_has(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can become a user without rights\n");
        skip();
    }
    pid_t pid = hold((struct shard_range){7, 1});
    assert_int_equal(chmod(directory, 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct machine_lock lock;
        struct machine_lock_holder holder;
        bool good =
            setresuid(65534, 65534, 65534) == 0 &&
            machine_lock_take(&lock, directory, (struct shard_range){0, 10}, &holder) == -EAGAIN &&
            holder.pid == pid && holder.machine == 7 &&
            machine_lock_take(&lock, directory, (struct shard_range){8, 10}, &holder) == -EACCES;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    release(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_collide_exactly_where_they_overlap),
        cmocka_unit_test(who_may_not_lock_still_learns_who_has),
        cmocka_unit_test(the_lowest_machine_id_in_dispute_is_named),
        cmocka_unit_test(who_is_refused_holds_none_of_them),
        cmocka_unit_test(the_file_stays_empty_and_all_of_the_host_may_read_it),
        cmocka_unit_test(a_file_that_leads_elsewhere_is_not_followed),
        cmocka_unit_test(a_folder_that_is_missing_is_made_but_not_those_above_it),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
