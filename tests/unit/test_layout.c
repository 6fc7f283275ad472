/* test_layout.c: ids to fields and times, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/number.h"
#include "common/span.h"
#include "sonyflake.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define TICK SONYFLAKE_TIME_UNIT_NS
#define START SONYFLAKE_START_TIME_NS
#define END (START + (INT64_C(1) << 39) * TICK) /* of the default layout */

static const struct sonyflake_layout stock = SONYFLAKE_LAYOUT_DEFAULT;
/* Tick 0 began 7000001 ns before the start time. */
static const struct sonyflake_layout off_grid = {START + 7 * MS + 1, TICK, 8, 16};

/* ---- Known answers ---- */

enum { COLUMNS = 9 };

struct known_answer {
    struct sonyflake_layout layout;
    uint64_t id;
    struct sonyflake_parts parts;
    bool has_time; /* the file says "-" otherwise */
    int64_t time_ns;
};

/* Cuts the next field off a line. */
static struct span next_field(const char **line)
{
    size_t len = strcspn(*line, "\t\n");
    struct span field = {*line, len};
    *line += len + ((*line)[len] == '\t');
    return field;
}

static struct known_answer parse_known_answer(const char *line)
{
    uint64_t values[COLUMNS] = {0};
    bool has_time = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        struct span field = next_field(&line);
        if (i == COLUMNS - 1 && span_equal(field, SPAN("-")))
            has_time = false;
        else
            assert_int_equal(parse_u64(field, 0, INT64_MAX, &values[i]), 0);
    }
    return (struct known_answer){
        .layout = {(int64_t)values[0], (int64_t)values[1], (uint32_t)values[2],
                   (uint32_t)values[3]},
        .id = values[4],
        .parts = {values[5], (uint32_t)values[6], (uint32_t)values[7]},
        .has_time = has_time,
        .time_ns = (int64_t)values[8],
    };
}

static void check_known_answer(const struct known_answer *known)
{
    uint64_t id;
    assert_int_equal(sonyflake_compose(&known->layout, &known->parts, &id), SONYFLAKE_OK);
    assert_int_equal(id, known->id);

    struct sonyflake_parts parts;
    assert_int_equal(sonyflake_decompose(&known->layout, known->id, &parts), SONYFLAKE_OK);
    assert_int_equal(parts.elapsed_time, known->parts.elapsed_time);
    assert_int_equal(parts.sequence, known->parts.sequence);
    assert_int_equal(parts.machine_id, known->parts.machine_id);

    int64_t time_ns = -1;
    enum sonyflake_status status = sonyflake_id_time(&known->layout, known->id, &time_ns);
    if (!known->has_time) {
        assert_int_equal(status, SONYFLAKE_ERR_OVER_TIME_LIMIT);
        assert_int_equal(time_ns, -1);
        return;
    }
    assert_int_equal(status, SONYFLAKE_OK);
    assert_int_equal(time_ns, known->time_ns);
    uint64_t elapsed_time;
    assert_int_equal(sonyflake_elapsed_time(&known->layout, time_ns, &elapsed_time), SONYFLAKE_OK);
    assert_int_equal(elapsed_time, known->parts.elapsed_time);
}

static void known_answers_come_out(void **state)
{
    (void)state;
    FILE *file = fopen(VECTORS_DIRECTORY "/ids.tsv", "re");
    assert_non_null(file);
    char line[512];
    unsigned checked = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        const struct known_answer known = parse_known_answer(line);
        check_known_answer(&known);
        checked++;
    }
    (void)fclose(file);
    assert_true(checked >= 20);
}

/* ---- Bounds of a layout ---- */

static void every_bad_layout_has_its_own_error(void **state)
{
    (void)state;
    static const struct {
        struct sonyflake_layout layout;
        enum sonyflake_status expected;
    } cases[] = {
        {{START, TICK, 8, 16}, SONYFLAKE_OK},
        {{0, MS, 0, 0}, SONYFLAKE_OK},
        {{INT64_MAX, SECOND, 30, 1}, SONYFLAKE_OK},
        {{START, TICK, 1, 30}, SONYFLAKE_OK},
        {{START, TICK, 31, 0}, SONYFLAKE_ERR_SEQUENCE_BITS},
        {{START, TICK, UINT32_MAX, 2}, SONYFLAKE_ERR_SEQUENCE_BITS},
        {{START, TICK, 0, 31}, SONYFLAKE_ERR_MACHINE_ID_BITS},
        {{START, TICK, 2, UINT32_MAX}, SONYFLAKE_ERR_MACHINE_ID_BITS},
        {{START, TICK, 16, 16}, SONYFLAKE_ERR_TIME_BITS},
        {{START, TICK, 30, 30}, SONYFLAKE_ERR_TIME_BITS},
        {{START, MS - 1, 8, 16}, SONYFLAKE_ERR_TIME_UNIT},
        {{START, SECOND + 1, 8, 16}, SONYFLAKE_OK},
        {{INT64_MAX, INT64_MAX, 8, 16}, SONYFLAKE_OK},
        {{START, 0, 8, 16}, SONYFLAKE_ERR_TIME_UNIT},
        {{START, INT64_MIN, 8, 16}, SONYFLAKE_ERR_TIME_UNIT},
        {{-1, TICK, 8, 16}, SONYFLAKE_ERR_START_TIME},
        {{INT64_MIN, TICK, 8, 16}, SONYFLAKE_ERR_START_TIME},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sonyflake_layout_check(&cases[i].layout), cases[i].expected);
    assert_int_equal(sonyflake_layout_check(NULL), SONYFLAKE_ERR_ARGUMENT);
}

static void every_function_refuses_a_bad_layout(void **state)
{
    (void)state;
    static const struct sonyflake_layout bad = {START, TICK, 16, 16};
    static const struct sonyflake_parts parts = {0};
    uint64_t id = 77, last_id = 77;
    int64_t time_ns = 77;
    struct sonyflake_parts ret_parts;
    struct timespec end;
    assert_int_equal(sonyflake_compose(&bad, &parts, &id), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(sonyflake_decompose(&bad, 1, &ret_parts), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(sonyflake_elapsed_time(&bad, START, &id), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(sonyflake_id_time(&bad, 1, &time_ns), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(sonyflake_id_range(&bad, START, END, &id, &last_id), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(sonyflake_end_time(&bad, &end), SONYFLAKE_ERR_TIME_BITS);
    assert_int_equal(id, 77);
    assert_int_equal(last_id, 77);
    assert_int_equal(time_ns, 77);
}

static void null_pointers_are_refused(void **state)
{
    (void)state;
    static const struct sonyflake_parts parts = {0};
    uint64_t id;
    assert_int_equal(sonyflake_compose(&stock, NULL, &id), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_compose(&stock, &parts, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_compose(NULL, &parts, &id), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_decompose(&stock, 1, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_elapsed_time(&stock, START, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_id_time(&stock, 1, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_id_range(&stock, START, END, NULL, &id), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_id_range(&stock, START, END, &id, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_end_time(&stock, NULL), SONYFLAKE_ERR_ARGUMENT);
}

/* ---- Fields ---- */

static enum sonyflake_status compose(struct sonyflake_parts parts)
{
    uint64_t id = 77;
    enum sonyflake_status status = sonyflake_compose(&stock, &parts, &id);
    assert_true(status == SONYFLAKE_OK || id == 77);
    return status;
}

static void a_field_that_does_not_fit_its_bits_is_named(void **state)
{
    (void)state;
    const uint64_t last_tick = (UINT64_C(1) << 39) - 1;
    assert_int_equal(compose((struct sonyflake_parts){last_tick, 255, 65535}), SONYFLAKE_OK);
    assert_int_equal(compose((struct sonyflake_parts){last_tick + 1, 255, 65535}),
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(compose((struct sonyflake_parts){UINT64_MAX, 0, 0}),
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(compose((struct sonyflake_parts){0, 256, 0}), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(compose((struct sonyflake_parts){0, 0, 65536}), SONYFLAKE_ERR_MACHINE_ID);
}

static void a_number_of_64_bits_is_no_id(void **state)
{
    (void)state;
    struct sonyflake_parts parts = {.machine_id = 77};
    int64_t time_ns = 77;
    assert_int_equal(sonyflake_decompose(&stock, UINT64_C(1) << 63, &parts), SONYFLAKE_ERR_ID);
    assert_int_equal(sonyflake_id_time(&stock, UINT64_MAX, &time_ns), SONYFLAKE_ERR_ID);
    assert_int_equal(parts.machine_id, 77);
    assert_int_equal(time_ns, 77);
}

/* ---- Times ---- */

static void elapsed_time_is(const struct sonyflake_layout *layout, int64_t time_ns,
                            uint64_t expected)
{
    uint64_t elapsed_time;
    assert_int_equal(sonyflake_elapsed_time(layout, time_ns, &elapsed_time), SONYFLAKE_OK);
    assert_int_equal(elapsed_time, expected);
}

static void elapsed_time_fails(const struct sonyflake_layout *layout, int64_t time_ns,
                               enum sonyflake_status expected)
{
    uint64_t elapsed_time = 77;
    assert_int_equal(sonyflake_elapsed_time(layout, time_ns, &elapsed_time), expected);
    assert_int_equal(elapsed_time, 77);
}

static void the_default_layout_reaches_from_its_start_to_its_end(void **state)
{
    (void)state;
    elapsed_time_fails(&stock, START - 1, SONYFLAKE_ERR_BEFORE_START);
    elapsed_time_is(&stock, START, 0);
    elapsed_time_is(&stock, START + TICK - 1, 0);
    elapsed_time_is(&stock, START + TICK, 1);
    elapsed_time_is(&stock, END - 1, (UINT64_C(1) << 39) - 1);
    elapsed_time_fails(&stock, END, SONYFLAKE_ERR_OVER_TIME_LIMIT);
    elapsed_time_fails(&stock, INT64_MAX, SONYFLAKE_ERR_OVER_TIME_LIMIT);
}

static void times_before_1970_lie_before_every_start(void **state)
{
    (void)state;
    static const struct sonyflake_layout from_1970 = {0, SECOND, 8, 16};
    elapsed_time_is(&from_1970, 0, 0);
    elapsed_time_fails(&from_1970, -1, SONYFLAKE_ERR_BEFORE_START);
    elapsed_time_fails(&from_1970, INT64_MIN, SONYFLAKE_ERR_BEFORE_START);
}

static void ticks_are_aligned_to_the_unix_epoch_whatever_the_start_time(void **state)
{
    (void)state;
    elapsed_time_fails(&off_grid, START - 1, SONYFLAKE_ERR_BEFORE_START);
    elapsed_time_is(&off_grid, START, 0);
    elapsed_time_is(&off_grid, off_grid.start_time_ns, 0);
    elapsed_time_is(&off_grid, START + TICK - 1, 0);
    elapsed_time_is(&off_grid, START + TICK, 1);
}

/* ---- Ranges ---- */

static void range_is(int64_t first_ns, int64_t last_ns, uint64_t first_tick, uint64_t last_tick)
{
    uint64_t first_id, last_id;
    assert_int_equal(sonyflake_id_range(&stock, first_ns, last_ns, &first_id, &last_id),
                     SONYFLAKE_OK);
    assert_int_equal(first_id, first_tick << 24);
    assert_int_equal(last_id, (last_tick << 24) + 0xFFFFFF);
}

static void a_range_of_time_gives_every_id_of_its_ticks(void **state)
{
    (void)state;
    range_is(START, START, 0, 0);
    range_is(START + TICK - 1, START + TICK, 0, 1);
    range_is(START + 5 * TICK, START + 6 * TICK - 1, 5, 5);
    range_is(END - 1, END - 1, (UINT64_C(1) << 39) - 1, (UINT64_C(1) << 39) - 1);
}

static void the_part_of_a_range_outside_the_id_space_is_cut_off(void **state)
{
    (void)state;
    range_is(INT64_MIN, START, 0, 0);
    range_is(INT64_MIN, INT64_MAX, 0, (UINT64_C(1) << 39) - 1);
    range_is(END - 1, END, (UINT64_C(1) << 39) - 1, (UINT64_C(1) << 39) - 1);

    uint64_t first_id = 77, last_id = 77;
    assert_int_equal(sonyflake_id_range(&stock, INT64_MIN, START - 1, &first_id, &last_id),
                     SONYFLAKE_ERR_BEFORE_START);
    assert_int_equal(sonyflake_id_range(&stock, END, INT64_MAX, &first_id, &last_id),
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(sonyflake_id_range(&stock, START + 1, START, &first_id, &last_id),
                     SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(first_id, 77);
    assert_int_equal(last_id, 77);
}

/* ---- End of the id space ---- */

static void the_end_is_exact_for_every_layout(void **state)
{
    (void)state;
    /* (floor(start / unit) + 2^time_bits) * unit, computed with Python's big integers. */
    static const struct {
        struct sonyflake_layout layout;
        struct timespec end;
    } cases[] = {
        /* 2188-11-16T03:28:58.880Z */
        {{START, TICK, 8, 16}, {6907087738, 880000000}},
        /* The start time lies inside a tick; the end does not move. */
        {{START + 7 * MS + 1, TICK, 8, 16}, {6907087738, 880000000}},
        /* 32 bits of milliseconds: 49 days, 17 hours. */
        {{START, MS, 15, 16}, {1413824567, 296000000}},
        {{START, 3 * MS, 8, 16}, {3058797041, 664000000}},
        /* Past int64_t nanoseconds: in 2363, in 19435, and in some 292 million years. */
        {{START, 20 * MS, 8, 16}, {12404645877, 760000000}},
        {{START, SECOND, 8, 16}, {551165343488, 0}},
        {{0, MS, 0, 0}, {9223372036854775, 808000000}},
        /* A tick that no power of ten divides. */
        {{123456789012345678, 999999937, 1, 1}, {2305842864069041159, 759502876}},
        /* The latest start time, at the far end of int64_t nanoseconds. */
        {{INT64_MAX, 999999999, 0, 1}, {4611686023039073922, 349240050}},
        {{START, 60 * SECOND, 8, 16}, {32986758362880, 0}},
        {{START, 3 * SECOND / 2, 8, 16}, {826043250432, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct timespec end;
        assert_int_equal(sonyflake_end_time(&cases[i].layout, &end), SONYFLAKE_OK);
        assert_int_equal(end.tv_sec, cases[i].end.tv_sec);
        assert_int_equal(end.tv_nsec, cases[i].end.tv_nsec);
    }
}

static void an_end_that_a_time_t_does_not_hold_is_an_error(void **state)
{
    (void)state;
    static const struct sonyflake_layout forever = {0, SECOND, 0, 0}; /* ends 2^63 s after 1970 */
    struct timespec end = {.tv_nsec = 77};
    assert_int_equal(sonyflake_end_time(&forever, &end), SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(end.tv_nsec, 77);
}

/* ---- Words ---- */

static void every_status_has_its_own_text(void **state)
{
    (void)state;
    const char *texts[13];
    for (int i = 0; i <= 12; i++) {
        texts[i] = sonyflake_status_text((enum sonyflake_status) - i);
        assert_string_not_equal(texts[i], "unknown status");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(texts[i], texts[j]);
    }
    assert_string_equal(sonyflake_status_text((enum sonyflake_status) - 13), "unknown status");
    assert_string_equal(sonyflake_status_text((enum sonyflake_status)1), "unknown status");
}

static void the_version_is_the_projects(void **state)
{
    (void)state;
    assert_string_equal(sonyflake_version(), PROJECT_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_come_out),
        cmocka_unit_test(every_bad_layout_has_its_own_error),
        cmocka_unit_test(every_function_refuses_a_bad_layout),
        cmocka_unit_test(null_pointers_are_refused),
        cmocka_unit_test(a_field_that_does_not_fit_its_bits_is_named),
        cmocka_unit_test(a_number_of_64_bits_is_no_id),
        cmocka_unit_test(the_default_layout_reaches_from_its_start_to_its_end),
        cmocka_unit_test(times_before_1970_lie_before_every_start),
        cmocka_unit_test(ticks_are_aligned_to_the_unix_epoch_whatever_the_start_time),
        cmocka_unit_test(a_range_of_time_gives_every_id_of_its_ticks),
        cmocka_unit_test(the_part_of_a_range_outside_the_id_space_is_cut_off),
        cmocka_unit_test(the_end_is_exact_for_every_layout),
        cmocka_unit_test(an_end_that_a_time_t_does_not_hold_is_an_error),
        cmocka_unit_test(every_status_has_its_own_text),
        cmocka_unit_test(the_version_is_the_projects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
