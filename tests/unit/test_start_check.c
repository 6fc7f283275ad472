/*
 * test_start_check.c: from which record a process may go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/store/start_check.h"

#define UUID_A "b1d6c2a4-0c5f-4f6e-9a51-0123456789ab"
#define UUID_B "00000000-0c5f-4f6e-9a51-0123456789ab"

/* A record, and the identity of the process that wrote it. */
struct fixture {
    struct state_record record;
    struct start_identity identity;
    char text[START_PLAN_TEXT_MAX];
};

static struct fixture fixture(void)
{
    return (struct fixture){
        .record = {.layout = SONYFLAKE_LAYOUT_DEFAULT,
                   .shards = {10, 10},
                   .instance = "first",
                   .subvolume = {UUID_A}},
        .identity = {.layout = SONYFLAKE_LAYOUT_DEFAULT,
                     .shards = {10, 10},
                     .instance = "first",
                     .subvolume = {UUID_A}},
    };
}

static struct start_plan plan(struct fixture *f)
{
    struct start_plan made = start_plan_make(&f->record, &f->identity);
    start_plan_describe(&made, &f->record, &f->identity, f->text);
    assert_true(strlen(f->text) > 20);
    assert_null(strchr(f->text, '"')); /* it goes into a quoted value of the log */
    return made;
}

static void expect(struct fixture *f, enum start_verdict verdict, bool refused, bool skip_lead)
{
    struct start_plan made = plan(f);
    assert_int_equal(made.verdict, verdict);
    assert_int_equal(made.refused, refused);
    assert_int_equal(made.skip_lead, skip_lead);
}

static void without_a_record_it_begins_anew(void **state)
{
    (void)state;
    struct fixture f = fixture();
    struct start_plan made = start_plan_make(NULL, &f.identity);
    assert_int_equal(made.verdict, START_FRESH);
    assert_false(made.refused || made.skip_lead);
    start_plan_describe(&made, NULL, &f.identity, f.text);
    assert_non_null(strstr(f.text, "MIN_ID"));
}

static void the_same_instance_in_the_same_place_goes_on(void **state)
{
    (void)state;
    struct fixture f = fixture();
    expect(&f, START_CONTINUE, false, false);
    f.identity.shards = (struct shard_range){500, 3}; /* whatever its machine ids are */
    expect(&f, START_CONTINUE, false, false);
    f.record.subvolume.text[0] = f.identity.subvolume.text[0] = '\0'; /* not on BTRFS */
    expect(&f, START_CONTINUE, false, false);
}

static void the_same_instance_on_another_subvolume_skips_what_is_not_known(void **state)
{
    (void)state;
    struct fixture f = fixture();
    memcpy(f.identity.subvolume.text, UUID_B, sizeof(UUID_B));
    expect(&f, START_RESTORED, false, true);
    f.identity.subvolume.text[0] = '\0';
    expect(&f, START_RESTORED, false, true);
    f = fixture();
    f.record.subvolume.text[0] = '\0';
    expect(&f, START_RESTORED, false, true);
}

static void another_instance_with_machine_ids_of_the_record_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct shard_range theirs;
        struct shard_range disputed; /* with 10 to 19 */
    } cases[] = {
        {{10, 10}, {10, 10}}, {{19, 1}, {19, 1}},     {{10, 1}, {10, 1}}, {{0, 11}, {10, 1}},
        {{19, 50}, {19, 1}},  {{0, 65536}, {10, 10}}, {{12, 3}, {12, 3}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f = fixture();
        memcpy(f.identity.instance, "second", sizeof("second"));
        f.identity.shards = cases[i].theirs;
        struct start_plan made = plan(&f);
        assert_int_equal(made.verdict, START_CLONE);
        assert_true(made.refused);
        assert_memory_equal(&made.disputed, &cases[i].disputed, sizeof(made.disputed));
        assert_non_null(strstr(f.text, "first"));
        assert_non_null(strstr(f.text, "second"));
        assert_non_null(strstr(f.text, "go-id state adopt"));
        assert_non_null(strstr(f.text, "SHARD_ID"));
    }
}

static void another_instance_with_other_machine_ids_goes_on(void **state)
{
    (void)state;
    static const struct shard_range others[] = {{0, 10}, {9, 1}, {20, 1}, {20, 65516}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct fixture f = fixture();
        memcpy(f.identity.instance, "second", sizeof("second"));
        f.identity.shards = others[i];
        expect(&f, START_OTHER_NAME, false, false);
    }
}

static void another_start_time_or_layout_is_refused_whoever_asks(void **state)
{
    (void)state;
    struct fixture f = fixture();
    f.identity.layout.start_time_ns += 1;
    memcpy(f.identity.instance, "second", sizeof("second"));
    expect(&f, START_OTHER_START, true, false);
    assert_non_null(strstr(f.text, "2014-09-01T00:00:00.000Z"));
    assert_non_null(strstr(f.text, "go-id state migrate"));
    assert_non_null(strstr(f.text, "STATE_DIRECTORY"));

    for (int field = 0; field < 3; field++) {
        f = fixture();
        f.record.layout.time_unit_ns += field == 0;
        f.record.layout.sequence_bits += field == 1;
        f.record.layout.machine_id_bits += field == 2;
        expect(&f, START_OTHER_LAYOUT, true, false);
        assert_non_null(strstr(f.text, "go-id state migrate"));
        assert_non_null(strstr(f.text, "STATE_DIRECTORY"));
        assert_non_null(strstr(f.text, "10000000")); /* both layouts, in figures */
        assert_non_null(strstr(f.text, field == 0 ? "10000001" : field == 1 ? "9 bits" : "17"));
    }
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    struct fixture f = fixture();
    memset(f.record.instance, 'a', INSTANCE_NAME_MAX - 1);
    memset(f.identity.instance, 'b', INSTANCE_NAME_MAX - 1);
    f.record.shards = f.identity.shards = (struct shard_range){10000, 55536};
    expect(&f, START_CLONE, true, false);
    f.identity.shards.first = 1;
    f.identity.shards.count = 1;
    expect(&f, START_OTHER_NAME, false, false);
    memcpy(f.identity.instance, f.record.instance, INSTANCE_NAME_MAX);
    f.identity.subvolume.text[0] = '\0';
    expect(&f, START_RESTORED, false, true);
    f.record.layout = (struct sonyflake_layout){INT64_MAX, INT64_MAX, 30, 30};
    expect(&f, START_OTHER_START, true, false);
    f.identity.layout = (struct sonyflake_layout){INT64_MAX, INT64_MAX - 1, 30, 30};
    expect(&f, START_OTHER_LAYOUT, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record_it_begins_anew),
        cmocka_unit_test(the_same_instance_in_the_same_place_goes_on),
        cmocka_unit_test(the_same_instance_on_another_subvolume_skips_what_is_not_known),
        cmocka_unit_test(another_instance_with_machine_ids_of_the_record_is_refused),
        cmocka_unit_test(another_instance_with_other_machine_ids_goes_on),
        cmocka_unit_test(another_start_time_or_layout_is_refused_whoever_asks),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
