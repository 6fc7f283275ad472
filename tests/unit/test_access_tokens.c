/*
 * test_access_tokens.c: bearer tokens, from a text or a file to yes or no.
 * Method: tables; one thread that replaces tokens while others ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/access/access_tokens.h"

#define FIRST "0123456789abcdef"
#define SECOND "fedcba9876543210fedcba9876543210=="

static struct access_tokens tokens;

static int set(const char *text, struct access_fault *fault)
{
    return access_tokens_set(&tokens, span_of(text), fault);
}

static bool know(const char *token)
{
    return access_tokens_know(&tokens, span_of(token));
}

static void every_token_of_the_text_is_known_and_nothing_else(void **state)
{
    (void)state;
    struct access_fault fault;
    assert_int_equal(set("# two\n" FIRST "\n\n" SECOND "\n", &fault), 0);
    assert_true(know(FIRST));
    assert_true(know(SECOND));
    static const char *const strangers[] = {
        "",        "0",        "0123456789abcde",
        FIRST "0", FIRST "\n", "0123456789abcdeF",
        "# two",   SECOND "=", "fedcba9876543210fedcba9876543210="};
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        if (know(strangers[i]))
            fail_msg("'%s' is known", strangers[i]);
    }
}

static void a_token_that_differs_in_one_byte_is_unknown(void **state)
{
    (void)state;
    char longest[ACCESS_TOKEN_LEN_MAX + 2];
    struct access_fault fault;
    memset(longest, 'x', ACCESS_TOKEN_LEN_MAX);
    memcpy(longest + ACCESS_TOKEN_LEN_MAX, "\n", 2);
    assert_int_equal(set(longest, &fault), 0);
    longest[ACCESS_TOKEN_LEN_MAX] = '\0';
    assert_true(know(longest));
    for (size_t i = 0; i < ACCESS_TOKEN_LEN_MAX; i++) {
        longest[i] = 'y';
        assert_false(know(longest));
        longest[i] = 'x';
    }
    longest[ACCESS_TOKEN_LEN_MAX - 1] = '\0';
    assert_false(know(longest));
}

static void zeros_behind_a_token_do_not_make_it_the_same(void **state)
{
    (void)state;
    struct access_fault fault;
    assert_int_equal(set(FIRST "\n", &fault), 0);
    assert_false(access_tokens_know(&tokens, (struct span){FIRST "\0\0", 18}));
}

static void a_bad_text_changes_nothing_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        const char *reason;
    } cases[] = {
        {"", 0, "no token"},
        {"# only this\n\n", 0, "no token"},
        {SECOND, 1, "half written"},
        {SECOND "\n" FIRST, 2, "half written"},
        {SECOND "\n# a comm", 2, "half written"},
        {SECOND "\nshort\n", 2, "at least 16"},
        {SECOND "\n" FIRST " \n", 2, "letters, digits"},
        {SECOND "\r\n", 1, "letters, digits"},
        {"\n\n0123456789=abcdef\n", 3, "letters, digits"},
        {"================\n", 1, "letters, digits"},
        {"0123456789abcde\xc3\xa9\n", 1, "letters, digits"},
    };
    struct access_fault fault;
    assert_int_equal(set(FIRST "\n", &fault), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(set(cases[i].text, &fault), -EINVAL);
        assert_int_equal(fault.error, EINVAL);
        assert_int_equal(fault.line, cases[i].line);
        assert_non_null(strstr(fault.reason, cases[i].reason));
        assert_true(know(FIRST));
        assert_false(know(SECOND));
    }
}

static void there_may_be_as_many_tokens_as_the_header_says(void **state)
{
    (void)state;
    char text[(ACCESS_TOKENS_MAX + 1) * (ACCESS_TOKEN_LEN_MIN + 1) + 1];
    size_t used = 0;
    struct access_fault fault;
    for (unsigned i = 0; i < ACCESS_TOKENS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "token-number-%03u\n", i);
    assert_int_equal(set(text, &fault), 0);
    assert_true(know("token-number-000"));
    assert_true(know("token-number-063"));
    (void)snprintf(text + used, sizeof(text) - used, "token-number-064\n");
    assert_int_equal(set(text, &fault), -EINVAL);
    assert_int_equal(fault.line, ACCESS_TOKENS_MAX + 1);
    assert_true(know("token-number-063"));
}

/* ---- Files ---------------------------------------------------------------------------------- */

static char path[] = "/tmp/go-id-tokens-XXXXXX";

static int create_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    (void)close(fd);
    return fd == -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_file_that_others_have_rights_to_is_refused(void **state)
{
    (void)state;
    static const mode_t bad[] = {0604, 0602, 0601, 0644};
    struct access_fault fault;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(FIRST "\n", bad[i]);
        assert_int_equal(access_tokens_load(&tokens, path, &fault), -EACCES);
        assert_int_equal(fault.error, EACCES);
        assert_non_null(strstr(fault.reason, "others"));
    }
    write_file(SECOND "\n", 0640);
    assert_int_equal(access_tokens_load(&tokens, path, &fault), 0);
    assert_true(know(SECOND));
    assert_false(know(FIRST));
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    struct access_fault fault;
    write_file(FIRST "\n", 0660);
    assert_int_equal(access_tokens_load(&tokens, path, &fault), -EACCES);
    assert_non_null(strstr(fault.reason, "group"));
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    write_file(FIRST "\n", 0600);
    assert_int_equal(chown(path, 65534, 65534), 0);
    int r = access_tokens_load(&tokens, path, &fault);
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(r, -EACCES);
    assert_non_null(strstr(fault.reason, "another user"));
}

/* The kernel makes that file up as it is read: it is longer than its status says. */
static void a_file_that_grows_while_it_is_read_is_refused(void **state)
{
    (void)state;
    struct access_fault fault;
    assert_int_equal(access_tokens_load(&tokens, "/proc/self/personality", &fault), -EINVAL);
    assert_int_equal(fault.error, EINVAL);
    assert_non_null(strstr(fault.reason, "being written"));
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct access_fault fault;
    assert_int_equal(access_tokens_load(&tokens, "/nonexistent/tokens", &fault), -ENOENT);
    assert_int_equal(access_tokens_load(&tokens, "/tmp", &fault), -EINVAL);
    assert_non_null(strstr(fault.reason, "regular"));
    static char large[ACCESS_TOKEN_FILE_MAX + 2];
    memset(large, '#', sizeof(large) - 1);
    write_file(large, 0600);
    assert_int_equal(access_tokens_load(&tokens, path, &fault), -EINVAL);
    assert_non_null(strstr(fault.reason, "longer"));
}

static void a_fifo_does_not_hold_the_daemon(void **state)
{
    (void)state;
    char fifo[] = "/tmp/go-id-tokens-fifo-XXXXXX";
    struct access_fault fault;
    assert_non_null(mkdtemp(fifo));
    assert_int_equal(rmdir(fifo), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(access_tokens_load(&tokens, fifo, &fault), -EINVAL);
    assert_int_equal(unlink(fifo), 0);
}

/* ---- Threads -------------------------------------------------------------------------------- */

#define COMMON "a-token-that-is-always-good"

static _Atomic bool over;

static void *ask(void *argument)
{
    size_t *misses = argument;
    while (!atomic_load(&over)) {
        *misses += !know(COMMON);
        *misses += know("a-token-that-is-never-good");
    }
    return NULL;
}

static void a_token_that_stays_is_known_throughout(void **state)
{
    (void)state;
    pthread_t threads[2];
    size_t misses[2] = {0};
    struct access_fault fault;
    assert_int_equal(set(COMMON "\n" FIRST "\n", &fault), 0);
    atomic_store(&over, false);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &misses[i]), 0);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(set(i % 2 == 0 ? SECOND "\n" COMMON "\n" : COMMON "\n" FIRST "\n", &fault),
                         0);
    atomic_store(&over, true);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(misses[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_of_the_text_is_known_and_nothing_else),
        cmocka_unit_test(a_token_that_differs_in_one_byte_is_unknown),
        cmocka_unit_test(zeros_behind_a_token_do_not_make_it_the_same),
        cmocka_unit_test(a_bad_text_changes_nothing_and_says_where),
        cmocka_unit_test(there_may_be_as_many_tokens_as_the_header_says),
        cmocka_unit_test(a_file_that_others_have_rights_to_is_refused),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
        cmocka_unit_test(a_file_that_grows_while_it_is_read_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(a_fifo_does_not_hold_the_daemon),
        cmocka_unit_test(a_token_that_stays_is_known_throughout),
    };
    return cmocka_run_group_tests_name("access_tokens", tests, create_file, remove_file);
}
