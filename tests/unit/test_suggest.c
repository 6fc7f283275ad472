/* test_suggest.c: how far words are apart, and which one was probably meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/suggest.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

static size_t distance(const char *a, const char *b)
{
    return suggest_distance(span_of(a), span_of(b));
}

static void the_distance_counts_letters_that_change(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"serve", "serve", 0},
        {"SERVE", "sErve", 0},
        {"serv", "serve", 1},
        {"servee", "serve", 1},
        {"xerve", "serve", 1},
        {"esrve", "serve", 2}, /* two letters swapped are two replaced */
        {"kitten", "sitting", 3},
        {"SHARDID", "SHARD_ID", 1},
        {"abc", "xyz", 3},
        {"[", "{", 1}, /* only letters have a case */
        {"@", "`", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void long_words_are_infinitely_far_from_everything(void **state)
{
    (void)state;
    static const char word[] = "abcdefghijklmnopqrstuvwxyzabcdefg"; /* one letter too many */
    struct span longest = {word, SUGGEST_LEN_MAX};
    struct span too_long = {word, SUGGEST_LEN_MAX + 1};
    assert_int_equal(sizeof(word) - 1, SUGGEST_LEN_MAX + 1);
    assert_int_equal(suggest_distance(longest, longest), 0);
    assert_int_equal(suggest_distance(longest, SPAN("")), SUGGEST_LEN_MAX);
    assert_true(suggest_distance(longest, too_long) == SIZE_MAX);
    assert_true(suggest_distance(too_long, longest) == SIZE_MAX);
    assert_true(suggest_distance(too_long, too_long) == SIZE_MAX);
}

static void changes_add_up_to_no_more_than_their_number(void **state)
{
    (void)state;
    struct random random = {5};
    struct guard_page guard = guard_page_create(SUGGEST_LEN_MAX);
    for (unsigned round = 0; round < 20000; round++) {
        char word[SUGGEST_LEN_MAX] = {0};
        char changed[SUGGEST_LEN_MAX];
        size_t len = random_below(&random, SUGGEST_LEN_MAX + 1);
        for (size_t i = 0; i < len; i++)
            word[i] = (char)('a' + random_below(&random, 4));
        memcpy(changed, word, len);
        size_t changes = len > 0 ? random_below(&random, 5) : 0;
        for (size_t i = 0; i < changes; i++)
            changed[random_below(&random, len)] = (char)('a' + random_below(&random, 4));
        size_t found = suggest_distance(guard_page_place(&guard, (struct span){word, len}),
                                        (struct span){changed, len});
        assert_true(found <= changes);
        assert_true((found == 0) == (memcmp(word, changed, len) == 0));
    }
    guard_page_destroy(&guard);
}

static void the_nearest_name_is_suggested_and_the_first_of_equals(void **state)
{
    (void)state;
    static const char *const names[] = {"serve", "decode", "health", "version", "help"};
    static const struct {
        const char *word;
        size_t distance_max;
        const char *meant;
    } cases[] = {
        {"serve", 0, "serve"}, {"Serve", 0, "serve"}, {"serv", 0, NULL},       {"serv", 1, "serve"},
        {"heal", 2, "health"}, {"hel", 2, "help"},    {"decoed", 2, "decode"}, {"xyz", 2, NULL},
        {"", 4, NULL},         {"hxxx", 3, NULL},     {"hexl", 2, "help"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *meant = suggest(span_of(cases[i].word), names, 5, cases[i].distance_max);
        if (cases[i].meant == NULL)
            assert_null(meant);
        else
            assert_string_equal(meant, cases[i].meant);
    }
    static const char *const equals[] = {"ab", "ac"};
    assert_string_equal(suggest(SPAN("ad"), equals, 2, 1), "ab");
    assert_null(suggest(SPAN("ad"), equals, 0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_letters_that_change),
        cmocka_unit_test(long_words_are_infinitely_far_from_everything),
        cmocka_unit_test(changes_add_up_to_no_more_than_their_number),
        cmocka_unit_test(the_nearest_name_is_suggested_and_the_first_of_equals),
    };
    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
