/*
 * test_mark_keeper.c: the thread that keeps the mark ahead of the ids.
 * Method: a real folder and the real clocks, but no test decides by timing: the keeper tells when
 * the mark has moved.  A disk that fails is a descriptor that is not the folder's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/timestamp.h"
#include "server/store/mark_keeper.h"

#define TICK_NS SONYFLAKE_TIME_UNIT_NS

struct fixture {
    char path[64];
    struct state_directory directory;
    struct id_clock clock;
    struct mark_keeper keeper;
    sem_t moved;
};

static const struct mark_policy policy = {.window_ns = 2 * NS_PER_S, .tick_ns = TICK_NS};

static const struct state_record record = {
    .layout = SONYFLAKE_LAYOUT_DEFAULT, .shards = {1, 1}, .instance = "first"};

static void on_moved(void *context)
{
    (void)sem_post(&((struct fixture *)context)->moved);
}

static int setup(void **state)
{
    static struct fixture f;
    static const struct settings settings = {.max_clock_lead_ns = 10 * NS_PER_S,
                                             .max_clock_leap_ns = INT64_MAX};
    const char *step;
    f = (struct fixture){.path = "/tmp/go-id-keeper-XXXXXX"};
    *state = &f;
    log_set_threshold(LOG_ERROR);
    if (mkdtemp(f.path) == NULL || state_directory_open(&f.directory, f.path, false, &step) < 0)
        return -1;
    (void)sem_init(&f.moved, 0, 0);
    id_clock_init(&f.clock, &settings, NULL, NULL);
    return mark_keeper_create(&f.keeper, &f.directory, &f.clock, policy, &record);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mark_keeper_stop(&f->keeper);
    (void)unlinkat(f->directory.fd, "go-id.state", 0);
    state_directory_close(&f->directory);
    (void)sem_destroy(&f->moved);
    return rmdir(f->path);
}

static void await_moved(struct fixture *f)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 60; /* only decides how long a failure takes */
    assert_int_equal(sem_clockwait(&f->moved, CLOCK_MONOTONIC, &until), 0);
}

static int64_t mark_on_disk(const struct fixture *f)
{
    struct state_record found;
    enum state_record_fault fault;
    assert_int_equal(state_directory_read(&f->directory, &found, &fault), 1);
    return found.mark_ns;
}

static int64_t limit(struct fixture *f)
{
    return id_clock_now(&f->clock).ids.limit_ns;
}

/* As if so much time had passed: the logical time that a worker reports. */
static struct id_time at(int64_t logical_ns)
{
    return (struct id_time){.source_ns = logical_ns, .line_ns = logical_ns, .lead_max_ns = 0};
}

static void the_first_mark_is_durable_before_anything_may_be_shown(void **state)
{
    struct fixture *f = *state;
    struct moment now = id_clock_now(&f->clock);
    assert_true(limit(f) == mark_on_disk(f));
    assert_true(limit(f) > now.ids.source_ns + NS_PER_S);
    assert_true(limit(f) <= now.ids.source_ns + policy.window_ns);
}

static void it_stays_where_it_is_until_ids_come_near(void **state)
{
    struct fixture *f = *state;
    int64_t first_ns = limit(f);
    assert_int_equal(mark_keeper_start(&f->keeper, on_moved, f), 0);
    struct id_time far = at(first_ns - 3 * NS_PER_S / 2);
    int64_t again_ns = mark_keeper_use(&f->keeper, &far);
    assert_true(again_ns > far.source_ns && again_ns < first_ns); /* come back before it */
    mark_keeper_stop(&f->keeper);
    assert_true(limit(f) == first_ns);
    assert_int_equal(f->keeper.writes, 1);
}

static void whoever_comes_near_is_told_that_it_will_move(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mark_keeper_start(&f->keeper, on_moved, f), 0);
    struct id_time near = at(limit(f) - 1);
    assert_true(mark_keeper_use(&f->keeper, &near) == INT64_MAX);
}

static void it_is_written_anew_when_told_and_never_goes_back(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mark_keeper_start(&f->keeper, on_moved, f), 0);
    int64_t before_ns = limit(f);
    for (unsigned i = 0; i < 20; i++) {
        mark_keeper_write_anyway(&f->keeper);
        await_moved(f);
        assert_true(limit(f) >= before_ns);
        assert_true(limit(f) == mark_on_disk(f));
        before_ns = limit(f);
    }
    assert_int_equal(f->keeper.writes, 21);
}

static void a_disk_that_fails_leaves_the_limit_and_one_that_works_again_moves_it(void **state)
{
    struct fixture *f = *state;
    struct state_directory broken = {.fd = open("/dev/null", O_RDONLY), .lock_fd = -1};
    int64_t before_ns = limit(f);
    f->keeper.directory = &broken;
    assert_int_equal(mark_keeper_start(&f->keeper, on_moved, f), 0);
    mark_keeper_write_anyway(&f->keeper);
    struct timespec step = {.tv_nsec = NS_PER_MS};
    while (atomic_load(&f->keeper.failures) < 2) /* it is tried again without being told */
        (void)nanosleep(&step, NULL);
    struct moment now = id_clock_now(&f->clock);
    assert_true(now.ids.limit_stuck);
    assert_true(now.ids.limit_ns == before_ns);
    assert_int_equal(atomic_load(&f->keeper.error), ENOTDIR);

    /* The thread reads only the descriptor: as if the disk worked again. */
    (void)dup3(f->directory.fd, broken.fd, O_CLOEXEC);
    await_moved(f); /* called when it began to fail, so that nobody waits in vain */
    await_moved(f);
    now = id_clock_now(&f->clock);
    assert_false(now.ids.limit_stuck);
    assert_true(now.ids.limit_ns == mark_on_disk(f));
    assert_int_equal(atomic_load(&f->keeper.error), 0);
    mark_keeper_stop(&f->keeper);
    (void)close(broken.fd);
}

static void at_the_end_the_mark_is_exact(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mark_keeper_start(&f->keeper, on_moved, f), 0);
    mark_keeper_stop(&f->keeper);
    int64_t exact_ns = limit(f) - 100 * TICK_NS;
    assert_int_equal(mark_keeper_finish(&f->keeper, exact_ns), 0);
    assert_true(mark_on_disk(f) == exact_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_mark_is_durable_before_anything_may_be_shown,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(it_stays_where_it_is_until_ids_come_near, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_comes_near_is_told_that_it_will_move, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_is_written_anew_when_told_and_never_goes_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_disk_that_fails_leaves_the_limit_and_one_that_works_again_moves_it, setup, teardown),
        cmocka_unit_test_setup_teardown(at_the_end_the_mark_is_exact, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
