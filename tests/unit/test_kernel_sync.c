/*
 * test_kernel_sync.c: what the kernel's clock discipline means.
 * Method: the linker puts our adjtimex() in the kernel's place; and the real one is asked, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/timex.h>

#include "server/clock/kernel_sync.h"

static struct {
    int result; /* -1: fails with EPERM, as where a sandbox forbids the call */
    int status;
    long maxerror_us;
} kernel;

int __wrap_adjtimex(struct timex *timex);
int __real_adjtimex(struct timex *timex);

int __wrap_adjtimex(struct timex *timex)
{
    assert_int_equal(timex->modes, 0); /* nothing is ever set */
    if (kernel.result == -1) {
        errno = EPERM;
        return -1;
    }
    timex->status = kernel.status;
    timex->maxerror = kernel.maxerror_us;
    return kernel.result;
}

static void the_error_estimate_decides_and_not_the_flag(void **state)
{
    (void)state;
    static const struct {
        int result;
        int status;
        long maxerror_us;
        bool synchronised;
        bool flagged;
    } cases[] = {
        {TIME_OK, STA_PLL, 1500, true, false},
        {TIME_INS, STA_PLL | STA_INS, 1500, true, false},
        {TIME_ERROR, STA_UNSYNC, 16000000, false, true}, /* after boot */
        {TIME_ERROR, STA_UNSYNC, 120000, true, true},    /* chrony without rtcsync */
        {TIME_ERROR, STA_PPSFREQ, 120000, true, true},   /* the pulse is missing */
        {TIME_OK, STA_PLL, 15999999, true, false},       /* nobody has set it for hours */
        {TIME_OK, STA_PLL, 16000000, false, false},
        {TIME_OK, STA_PLL, -1, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kernel.result = cases[i].result;
        kernel.status = cases[i].status;
        kernel.maxerror_us = cases[i].maxerror_us;
        struct kernel_sync sync;
        assert_int_equal(kernel_sync_read(&sync), 0);
        assert_int_equal(sync.synchronised, cases[i].synchronised);
        assert_int_equal(sync.flagged, cases[i].flagged);
        assert_true(sync.error_max_ns == (int64_t)cases[i].maxerror_us * 1000);
        assert_int_equal(kernel_sync_is_synchronised(), cases[i].synchronised);
    }
}

static void a_kernel_that_does_not_say_is_not_synchronised(void **state)
{
    (void)state;
    kernel.result = -1;
    struct kernel_sync sync = {.error_max_ns = 42};
    assert_int_equal(kernel_sync_read(&sync), -EPERM);
    assert_int_equal(sync.error_max_ns, 42);
    assert_false(kernel_sync_is_synchronised());
}

static void the_real_kernel_answers_in_the_terms_expected(void **state)
{
    (void)state;
    struct timex timex = {.modes = 0};
    int result = __real_adjtimex(&timex);
    if (result == -1) { /* a sandbox may forbid it; anything else would be news */
        assert_int_equal(errno, EPERM);
        return;
    }
    assert_in_range(result, TIME_OK, TIME_ERROR);
    assert_in_range(timex.maxerror, 0, KERNEL_SYNC_ERROR_MAX_NS / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_error_estimate_decides_and_not_the_flag),
        cmocka_unit_test(a_kernel_that_does_not_say_is_not_synchronised),
        cmocka_unit_test(the_real_kernel_answers_in_the_terms_expected),
    };
    return cmocka_run_group_tests_name("kernel_sync", tests, NULL, NULL);
}
