/*
 * test_log.c: the form of a line, where it goes, and that it arrives whole.
 * Method: stderr and the log file are files of this test's own; what stands in them is compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/timestamp.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

/* Everything lives in one directory of its own. */
static char directory[] = "/tmp/go-id-test-log-XXXXXX";
static char stderr_path[64];
static char log_path[64];
static char renamed_path[64];
static char content[1 << 23];

static int create_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(stderr_path, sizeof(stderr_path), "%s/stderr", directory);
    (void)snprintf(log_path, sizeof(log_path), "%s/log", directory);
    (void)snprintf(renamed_path, sizeof(renamed_path), "%s/log.1", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(stderr_path);
    (void)unlink(log_path);
    (void)unlink(renamed_path);
    return rmdir(directory);
}

/* Sends stderr to stderr_path, empty; returns what end_capture() needs. */
static int begin_capture(void)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(stderr_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (saved == -1 || fd == -1 || dup2(fd, STDERR_FILENO) == -1)
        abort();
    (void)close(fd);
    return saved;
}

/* The bytes of a file, with a NUL; valid until the next call. */
static const char *read_all(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(content, 1, sizeof(content) - 1, file);
    content[len] = '\0';
    (void)fclose(file);
    return content;
}

static const char *end_capture(int saved)
{
    if (dup2(saved, STDERR_FILENO) == -1)
        abort();
    (void)close(saved);
    return read_all(stderr_path);
}

/* What stands behind "ts=...Z " in one whole line; the stamp is checked on the way. */
static const char *after_stamp(const char *line)
{
    assert_memory_equal(line, "ts=", 3);
    int64_t time_ns;
    unsigned column;
    const char *end = strchr(line, ' ');
    assert_non_null(end);
    struct span stamp = {line + 3, (size_t)(end - line) - 3};
    assert_int_equal(stamp.len, strlen("2026-11-23T01:12:00.113Z"));
    assert_int_equal(timestamp_parse(stamp, &time_ns, &column), 0);

    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    int64_t age_ns = now.tv_sec * NS_PER_S + now.tv_nsec - time_ns;
    assert_true(age_ns >= 0 && age_ns < 60 * NS_PER_S);
    return end + 1;
}

static void a_line_has_time_level_event_and_facts(void **state)
{
    (void)state;
    int saved = begin_capture();
    log_warn("accept_failed", "errno=%s connections=%d", "EMFILE", 812);
    const char *line = end_capture(saved);
    assert_string_equal(after_stamp(line),
                        "level=warn event=accept_failed errno=EMFILE connections=812\n");
}

static void lines_above_the_threshold_are_not_written(void **state)
{
    (void)state;
    static const char *const expected[LOG_LEVEL_COUNT] = {"e", "ew", "ewi", "ewid"};
    for (unsigned threshold = 0; threshold < LOG_LEVEL_COUNT; threshold++) {
        struct log_limit limit = {0};
        int saved = begin_capture();
        log_set_threshold((enum log_level)threshold);
        assert_int_equal(log_get_threshold(), threshold);
        log_error("e", "a=1");
        log_warn("w", "a=1");
        log_info("i", "a=1");
        log_debug("d", "a=1");
        log_write_limited(&limit, (enum log_level)(threshold + 1), "x", "a=1");
        const char *at = end_capture(saved);
        char events[8] = "";
        size_t count = 0;
        for (; (at = strstr(at, "event=")) != NULL && count < 7; at++)
            events[count++] = at[6];
        assert_string_equal(events, expected[threshold]);
    }
    log_set_threshold(LOG_INFO);
}

static void levels_have_the_names_of_the_setting(void **state)
{
    (void)state;
    assert_string_equal(log_level_name(LOG_ERROR), "error");
    assert_string_equal(log_level_name(LOG_WARN), "warn");
    assert_string_equal(log_level_name(LOG_INFO), "info");
    assert_string_equal(log_level_name(LOG_DEBUG), "debug");
    assert_null(log_level_name(LOG_LEVEL_COUNT));
}

static void errno_survives_a_line(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    int saved = dup(STDERR_FILENO);
    assert_int_not_equal(saved, -1);
    (void)close(STDERR_FILENO); /* so that write() fails with EBADF */
    errno = ENOSPC;
    log_info("event", "a=1");
    int after_line = errno;
    log_write_limited(&limit, LOG_INFO, "event", "a=1");
    int after_limited = errno;
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    assert_int_equal(after_line, ENOSPC);
    assert_int_equal(after_limited, ENOSPC);
}

static void only_a_line_that_is_too_long_is_cut(void **state)
{
    (void)state;
    static char facts[2 * LOG_LINE_MAX];
    memset(facts, 'x', sizeof(facts));
    size_t head = strlen("ts=2026-11-23T01:12:00.113Z level=info event=long ");
    for (size_t len = LOG_LINE_MAX - head - 8; len < LOG_LINE_MAX + 8; len++) {
        int saved = begin_capture();
        log_info("long", "%.*s", (int)len, facts);
        const char *line = end_capture(saved);
        size_t line_len = strlen(line);
        bool cut = head + len + 1 > LOG_LINE_MAX;
        assert_int_equal(line_len, cut ? LOG_LINE_MAX : head + len + 1);
        assert_string_equal(line + line_len - 4, cut ? "...\n" : "xxx\n");
        assert_ptr_equal(strchr(line, '\n'), line + line_len - 1);
        assert_int_equal(strspn(line + head, "x"), cut ? LOG_LINE_MAX - head - 4 : len);
    }
}

static void quoting_leaves_only_printable_ascii(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        const char *quoted;
    } cases[] = {
        {SPAN_INIT(""), "\"\""},
        {SPAN_INIT("plain text"), "\"plain text\""},
        {SPAN_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {SPAN_INIT("\r\n\t"), "\"\\x0d\\x0a\\x09\""},
        {SPAN_INIT("\0"), "\"\\x00\""},
        {SPAN_INIT("\x1b[31m"), "\"\\x1b[31m\""},
        {SPAN_INIT("\x7f\x80\xff ~"), "\"\\x7f\\x80\\xff ~\""},
        {SPAN_INIT("\xc3\xa9"), "\"\\xc3\\xa9\""},
        {{NULL, 0}, "\"\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64];
        assert_ptr_equal(log_quote(cases[i].bytes, out, sizeof(out)), out);
        assert_string_equal(out, cases[i].quoted);
    }
}

/* How many bytes of the input's front a quoted text stands for, with what is left of *rest. */
static size_t unquote(const char *quoted, struct span bytes, const char **ret_rest)
{
    size_t taken = 0;
    const char *at = quoted + 1;
    while (taken < bytes.len) {
        char one[16];
        (void)log_quote((struct span){bytes.base + taken, 1}, one, sizeof(one));
        size_t len = strlen(one) - 2;
        if (strncmp(at, one + 1, len) != 0)
            break;
        at += len;
        taken++;
    }
    *ret_rest = at;
    return taken;
}

static void quoting_is_cut_between_bytes_at_every_capacity(void **state)
{
    (void)state;
    static const struct span inputs[] = {
        SPAN_INIT("abcdefghijklmnopqrstuvwxyz"),
        SPAN_INIT("\1\2\3\4\5\6\7\10"),
        SPAN_INIT("\"\"\"\"\"\"\"\"\"\"\"\""),
        SPAN_INIT("a\1b\"c\\d\xff"),
    };
    struct guard_page guard = guard_page_create(64);
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        char whole[64];
        size_t whole_len = strlen(log_quote(inputs[i], whole, sizeof(whole)));
        for (size_t capacity = 8; capacity <= 64; capacity++) {
            char *out = guard.base + guard.capacity - capacity; /* one byte more would crash */
            memset(out, '#', capacity);
            (void)log_quote(inputs[i], out, capacity);
            assert_true(strnlen(out, capacity) < capacity);
            if (capacity > whole_len) {
                assert_string_equal(out, whole); /* what fits is not cut */
                continue;
            }
            const char *rest;
            assert_true(unquote(out, inputs[i], &rest) < inputs[i].len);
            assert_string_equal(rest, "...\"");
            assert_true(strlen(out) + 4 >= capacity); /* no more than one escape is given away */
        }
    }
    guard_page_destroy(&guard);
}

static void a_limit_lets_one_line_through_and_counts_the_others(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    int saved = begin_capture();
    for (int i = 0; i < 5; i++)
        log_write_limited(&limit, LOG_WARN, "again", "i=%d", i);
    atomic_store(&limit.next_ns, 0); /* as if a second had passed */
    log_write_limited(&limit, LOG_WARN, "again", "i=%d", 5);
    atomic_store(&limit.next_ns, 0);
    log_write_limited(&limit, LOG_WARN, "again", "i=%d", 6);
    char *line = content;
    (void)end_capture(saved);
    static const char *const expected[] = {"level=warn event=again i=0",
                                           "level=warn event=again suppressed=4 i=5",
                                           "level=warn event=again i=6"};
    for (size_t i = 0; i < 3; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_string_equal(after_stamp(line), expected[i]);
        line = end + 1;
    }
    assert_string_equal(line, "");
}

static void a_limit_opens_again_after_a_second(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    struct timespec before;
    struct timespec after;
    int saved = begin_capture();
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    log_write_limited(&limit, LOG_WARN, "again", "a=1");
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    (void)end_capture(saved);
    int64_t next_ns = atomic_load(&limit.next_ns);
    assert_true(next_ns >= before.tv_sec * NS_PER_S + before.tv_nsec + NS_PER_S);
    assert_true(next_ns <= after.tv_sec * NS_PER_S + after.tv_nsec + NS_PER_S);
}

/* ---- The log file.  There is no way to close it again, so these tests stand last. ------------ */

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/missing/log", directory);
    assert_int_equal(log_open_file(path), -ENOENT);
    assert_int_equal(log_open_file(directory), -EISDIR);
}

static void a_line_goes_to_stderr_and_the_file_alike(void **state)
{
    (void)state;
    assert_int_equal(log_open_file(log_path), 0);
    int saved = begin_capture();
    log_info("both", "a=1");
    static char line[LOG_LINE_MAX + 1];
    (void)snprintf(line, sizeof(line), "%s", end_capture(saved));
    assert_string_equal(after_stamp(line), "level=info event=both a=1\n");
    assert_string_equal(read_all(log_path), line);

    struct stat status;
    assert_int_equal(stat(log_path, &status), 0);
    assert_int_equal(status.st_mode & 0137, 0); /* 0640, less what the umask takes */
}

static void after_a_rename_lines_go_to_the_new_file_once_it_is_opened(void **state)
{
    (void)state;
    assert_int_equal(log_open_file(log_path), 0);
    assert_int_equal(truncate(log_path, 0), 0);
    int saved = begin_capture();
    assert_int_equal(rename(log_path, renamed_path), 0);
    log_info("old", "a=1");
    assert_int_equal(log_open_file(log_path), 0);
    log_info("new", "a=1");
    (void)end_capture(saved);
    assert_string_equal(after_stamp(read_all(renamed_path)), "level=info event=old a=1\n");
    assert_string_equal(after_stamp(read_all(log_path)), "level=info event=new a=1\n");
}

static void a_failed_reopen_keeps_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(log_open_file(log_path), 0);
    assert_int_equal(truncate(log_path, 0), 0);
    assert_int_equal(log_open_file(directory), -EISDIR);
    int saved = begin_capture();
    log_info("kept", "a=1");
    (void)end_capture(saved);
    assert_string_equal(after_stamp(read_all(log_path)), "level=info event=kept a=1\n");
}

#define LINES_PER_THREAD 3000

static void *write_lines(void *context)
{
    const unsigned *thread = context;
    struct random random = {*thread + 1};
    char facts[600];
    memset(facts, (int)('a' + *thread), sizeof(facts));
    for (unsigned i = 0; i < LINES_PER_THREAD; i++)
        log_info("line", "thread=%u i=%u end=%.*s;", *thread, i, (int)random_below(&random, 600),
                 facts);
    return NULL;
}

/*
 * Adds the lines of a file to counts; each must be whole.  Each is looked at by itself: a sanitizer
 * measures the whole string at every call, which for a file of 12,000 lines takes half a minute.
 */
static void count_lines(const char *path, unsigned counts[static 4])
{
    read_all(path);
    char *content_end = content + strlen(content);
    for (char *line = content; line < content_end;) {
        char *end = memchr(line, '\n', (size_t)(content_end - line));
        assert_non_null(end);
        assert_memory_equal(line, "ts=", 3);
        assert_int_equal(end[-1], ';');
        *end = '\0';
        const char *thread_text = strstr(line, " thread=");
        const char *facts = strstr(line, " end=");
        assert_true(thread_text != NULL && facts != NULL);
        unsigned thread = (unsigned)(thread_text[8] - '0');
        assert_true(thread < 4);
        for (const char *at = facts + 5; at < end - 1; at++)
            assert_int_equal(*at, 'a' + thread); /* nobody else's bytes are in it */
        counts[thread]++;
        line = end + 1;
    }
}

static void threads_write_whole_lines_while_the_file_is_opened_anew(void **state)
{
    (void)state;
    assert_int_equal(log_open_file(log_path), 0);
    assert_int_equal(truncate(log_path, 0), 0);
    int saved = begin_capture();
    pthread_t threads[4];
    unsigned numbers[4] = {0, 1, 2, 3};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    unsigned total[4] = {0};
    int failures = 0;
    for (int i = 0; i < 200; i++)
        failures += log_open_file(log_path) != 0;
    failures += rename(log_path, renamed_path) != 0;
    for (int i = 0; i < 200; i++)
        failures += log_open_file(log_path) != 0;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)end_capture(saved);

    assert_int_equal(failures, 0);
    count_lines(log_path, total);
    count_lines(renamed_path, total);
    unsigned on_stderr[4] = {0};
    count_lines(stderr_path, on_stderr);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(total[i], LINES_PER_THREAD);
        assert_int_equal(on_stderr[i], LINES_PER_THREAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_and_facts),
        cmocka_unit_test(lines_above_the_threshold_are_not_written),
        cmocka_unit_test(levels_have_the_names_of_the_setting),
        cmocka_unit_test(errno_survives_a_line),
        cmocka_unit_test(only_a_line_that_is_too_long_is_cut),
        cmocka_unit_test(quoting_leaves_only_printable_ascii),
        cmocka_unit_test(quoting_is_cut_between_bytes_at_every_capacity),
        cmocka_unit_test(a_limit_lets_one_line_through_and_counts_the_others),
        cmocka_unit_test(a_limit_opens_again_after_a_second),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_an_error),
        cmocka_unit_test(a_line_goes_to_stderr_and_the_file_alike),
        cmocka_unit_test(after_a_rename_lines_go_to_the_new_file_once_it_is_opened),
        cmocka_unit_test(a_failed_reopen_keeps_the_old_file),
        cmocka_unit_test(threads_write_whole_lines_while_the_file_is_opened_anew),
    };
    return cmocka_run_group_tests_name("log", tests, create_directory, remove_directory);
}
