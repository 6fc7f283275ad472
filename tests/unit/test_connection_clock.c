/*
 * test_connection_clock.c: a worker that got no CPU for long judges nobody by the time of before.
 * Method: the real clock, and a reading of it that is older than it is.
 */
#include "tests/unit/connection_fixture.h"

/*
 * The other worker's work: ids up to the real clock's time.  Then a request is looked at by a
 * reading of five seconds ago, as after so long without a CPU.
 */
static void a_reading_of_the_clock_that_has_grown_old_refuses_nobody(void **state)
{
    struct fixture *f = *state;
    struct id_clock clock;
    const struct settings settings = {.max_clock_lead_ns = 10 * NS_PER_S,
                                      .max_clock_leap_ns = INT64_MAX};
    id_clock_init(&clock, &settings, NULL, NULL);
    id_clock_set_limit(&clock, INT64_MAX, false);
    f->service.clock = &clock;

    struct moment present = service_now(&f->service);
    struct sonyflake_demand demand = {.now_ns = present.ids.source_ns, .count = 1};
    struct sonyflake_run run;
    int64_t wait_ns;
    int64_t reterr_wait_ns;
    assert_int_equal(sonyflake_take(f->service.generator, &demand, &run, &wait_ns, &reterr_wait_ns),
                     SONYFLAKE_OK);
    struct moment old = present;
    old.mono_ns -= 5 * NS_PER_S;
    old.boot_ns -= 5 * NS_PER_S;
    old.wall_ns -= 5 * NS_PER_S;
    old.ids.source_ns -= 5 * NS_PER_S;
    old.ids.line_ns -= 5 * NS_PER_S;

    static const char *const targets[] = {GET, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
                                          "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        workspace_set_time(&f->workspace, old);
        struct http_output space = connection_space(&f->connection, &f->workspace);
        memcpy(space.base, targets[i], strlen(targets[i]));
        connection_on_input(&f->connection, &f->workspace, strlen(targets[i]));
        assert_int_equal(connection_want(&f->connection, &f->workspace), CONNECTION_WANT_OUTPUT);
        struct span pending = connection_pending(&f->connection, &f->workspace);
        assert_true(pending.len > 12);
        assert_memory_equal(pending.base, "HTTP/1.1 200", 12);
        connection_on_output(&f->connection, &f->workspace, pending.len);
    }
    f->service.clock = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reading_of_the_clock_that_has_grown_old_refuses_nobody,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("connection_clock", tests, NULL, NULL);
}
