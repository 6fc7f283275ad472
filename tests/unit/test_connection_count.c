/*
 * test_connection_count.c: connections per client.
 * Method: the test chooses the keys, and so who shares a set of places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "server/access/connection_count.h"

static struct connection_count counts;

static uint32_t enter(uint64_t key)
{
    uint32_t place;
    assert_int_equal(connection_count_enter(&counts, key, &place), 0);
    return place;
}

static void a_client_has_as_many_as_it_may(void **state)
{
    (void)state;
    uint32_t place;
    assert_int_equal(connection_count_create(&counts, 100, 3), 0);
    uint32_t first = enter(7);
    assert_int_equal(enter(7), first);
    assert_int_equal(enter(7), first);
    assert_int_equal(connection_count_enter(&counts, 7, &place), -EBUSY);
    assert_int_not_equal(enter(8), CONNECTION_UNCOUNTED);
    connection_count_leave(&counts, first);
    assert_int_equal(enter(7), first);
    assert_int_equal(connection_count_enter(&counts, 7, &place), -EBUSY);
    connection_count_destroy(&counts);
}

static void a_place_is_free_when_its_client_has_gone(void **state)
{
    (void)state;
    assert_int_equal(connection_count_create(&counts, 4, 1), 0); /* one set */
    for (uint64_t key = 1; key <= 1000; key++) {
        uint32_t place = enter(key);
        assert_int_not_equal(place, CONNECTION_UNCOUNTED);
        connection_count_leave(&counts, place);
    }
    connection_count_destroy(&counts);
}

static void a_client_without_a_place_is_not_counted_and_not_refused(void **state)
{
    (void)state;
    assert_int_equal(connection_count_create(&counts, 4, 1), 0);
    for (uint64_t key = 1; key <= CONNECTION_COUNT_WAYS; key++)
        assert_int_not_equal(enter(key), CONNECTION_UNCOUNTED);
    assert_int_equal(enter(99), CONNECTION_UNCOUNTED);
    assert_int_equal(enter(99), CONNECTION_UNCOUNTED);
    connection_count_leave(&counts, CONNECTION_UNCOUNTED);
    connection_count_destroy(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_as_many_as_it_may),
        cmocka_unit_test(a_place_is_free_when_its_client_has_gone),
        cmocka_unit_test(a_client_without_a_place_is_not_counted_and_not_refused),
    };
    return cmocka_run_group_tests_name("connection_count", tests, NULL, NULL);
}
