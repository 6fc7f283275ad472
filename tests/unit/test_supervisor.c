/*
 * test_supervisor.c: the words that `systemctl status` shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/systemd/supervisor.h"

static const struct shard_range one = {.first = 7, .count = 1};

static void expect_words(const struct service_status *status, struct shard_range shards,
                         uint32_t stalled, const char *expected)
{
    char words[SUPERVISOR_STATUS_MAX];
    supervisor_describe(status, shards, 25600, stalled, words);
    assert_string_equal(words, expected);
}

static void a_service_that_is_well_says_so(void **state)
{
    (void)state;
    struct service_status status = {.ready = true};
    expect_words(&status, one, 0, "shard 7: OK, 25600 ids/s");
    expect_words(&status, (struct shard_range){64, 64}, 0, "shards 64-127: OK, 25600 ids/s");
}

static void what_is_degraded_is_named(void **state)
{
    (void)state;
    struct service_status status = {
        .ready = true, .degraded = true, .clock.condition = CONDITION_DEGRADED};
    expect_words(&status, one, 0, "shard 7: degraded (clock; see /ready), 25600 ids/s");
    status.lead.condition = CONDITION_DEGRADED;
    status.mark.condition = CONDITION_DEGRADED;
    status.lock.condition = CONDITION_DEGRADED;
    status.lifetime.condition = CONDITION_DEGRADED;
    expect_words(&status, one, 0,
                 "shard 7: degraded (clock, lead, mark, lock, lifetime; see /ready), 25600 ids/s");
}

static void why_there_are_no_ids_is_said(void **state)
{
    (void)state;
    struct service_status status = {.ready = false, .reason = "the disk is full"};
    expect_words(&status, one, 0, "shard 7: no ids: the disk is full");
    expect_words(&status, one, 2, "shard 7: failed, 2 workers hang");

    char words[SUPERVISOR_STATUS_MAX];
    memset(status.reason, 'x', sizeof(status.reason) - 1);
    supervisor_describe(&status, (struct shard_range){60000, 5536}, 0, 0, words);
    assert_int_equal(strlen(words),
                     strlen("shards 60000-65535: no ids: ") + sizeof(status.reason) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_that_is_well_says_so),
        cmocka_unit_test(what_is_degraded_is_named),
        cmocka_unit_test(why_there_are_no_ids_is_said),
    };
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
