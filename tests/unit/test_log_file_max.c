/*
 * test_log_file_max.c: a log file with a bound.
 * Method: a real file in a folder of this test's own, with a bound of a few KiB.  Only the two
 * newest files are kept, so of each thread's numbered lines they must hold the last ones, whole,
 * in order and without a gap.
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
#include "common/number.h"

#define BOUND 8192L

static char directory[] = "/tmp/go-id-test-log-max-XXXXXX";
static char log_path[64];
static char full_path[64];
static char moved_path[64];
static char content[1 << 20];

/* What open() fails with instead of creating a file; 0: it does not. */
static int open_error;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if (open_error != 0) {
        errno = open_error;
        return -1;
    }
    return __real_open(path, flags, 0640);
}

static int create_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(log_path, sizeof(log_path), "%s/log", directory);
    (void)snprintf(full_path, sizeof(full_path), "%s/log.1", directory);
    (void)snprintf(moved_path, sizeof(moved_path), "%s/moved", directory);
    return 0;
}

static void remove_files(void)
{
    (void)unlink(log_path);
    (void)unlink(full_path);
    (void)rmdir(full_path);
    (void)unlink(moved_path);
}

static int remove_directory(void **state)
{
    (void)state;
    remove_files();
    return rmdir(directory);
}

/* Lets nothing appear on stderr; returns what end_silence() needs. */
static int begin_silence(void)
{
    int saved = dup(STDERR_FILENO);
    int null = __real_open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved == -1 || null == -1 || dup2(null, STDERR_FILENO) == -1)
        abort();
    (void)close(null);
    return saved;
}

static void end_silence(int saved)
{
    if (dup2(saved, STDERR_FILENO) == -1)
        abort();
    (void)close(saved);
}

/* An empty file and no other. */
static int begin(void **state)
{
    (void)state;
    open_error = 0;
    remove_files();
    log_set_file_max((uint64_t)BOUND);
    return log_open_file(log_path);
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

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static bool holds(const char *path, const char *text)
{
    return strstr(read_all(path), text) != NULL;
}

/* Logs at most so many bytes, and nearly that: lines of 121 bytes. */
static void fill(long bytes)
{
    char facts[64];
    memset(facts, 'x', sizeof(facts));
    int saved = begin_silence();
    for (long used = 0; used < bytes; used += 125)
        log_info("fill", "facts=%.*s", (int)sizeof(facts), facts);
    end_silence(saved);
}

static void a_full_file_is_kept_and_a_new_one_begun(void **state)
{
    (void)state;
    log_info("first", "a=1");
    fill(BOUND + LOG_LINE_MAX);
    log_info("last", "a=1");
    assert_true(holds(full_path, "event=first"));
    assert_false(holds(log_path, "event=first"));
    assert_true(holds(log_path, "event=last"));
    assert_true(size_of(full_path) <= BOUND);
    assert_true(size_of(full_path) > BOUND - LOG_LINE_MAX);

    fill(2 * BOUND); /* and the one before goes */
    assert_false(holds(full_path, "event=first"));
    assert_true(size_of(full_path) <= BOUND);
    assert_true(size_of(log_path) <= BOUND);
}

static void what_an_old_file_holds_counts(void **state)
{
    (void)state;
    assert_int_equal(truncate(log_path, BOUND - 10), 0);
    assert_int_equal(log_open_file(log_path), 0);
    log_info("new", "a=1");
    assert_int_equal(size_of(full_path), BOUND - 10);
    assert_true(holds(log_path, "event=new"));
}

static void no_bound_is_no_bound(void **state)
{
    (void)state;
    log_set_file_max(0);
    fill(4 * BOUND);
    assert_true(size_of(log_path) > 3 * BOUND);
    assert_int_equal(size_of(full_path), -1);
}

static void a_file_that_somebody_cut_short_goes_on(void **state)
{
    (void)state;
    fill(BOUND - LOG_LINE_MAX);
    assert_int_equal(truncate(log_path, 0), 0);
    fill(BOUND - LOG_LINE_MAX);
    assert_int_equal(size_of(full_path), -1);
    assert_true(size_of(log_path) > BOUND / 2);
}

static void a_file_that_somebody_moved_is_left_alone(void **state)
{
    (void)state;
    log_info("first", "a=1");
    assert_int_equal(rename(log_path, moved_path), 0);
    fill(BOUND + LOG_LINE_MAX);
    log_info("last", "a=1");
    assert_true(holds(moved_path, "event=first"));
    assert_true(holds(log_path, "event=last"));
    assert_int_equal(size_of(full_path), -1);
}

/* Logs until a file is there; what forbids it is retried once a second. */
static void log_until_begun_anew(const char *path)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    int saved = begin_silence();
    for (int i = 0; i < 6000 && size_of(path) <= 0; i++) {
        log_info("again", "a=1");
        (void)nanosleep(&pause, NULL);
    }
    end_silence(saved);
    assert_true(size_of(path) > 0);
}

static void what_cannot_be_renamed_grows_on(void **state)
{
    (void)state;
    assert_int_equal(mkdir(full_path, 0700), 0); /* nothing is renamed onto a folder */
    fill(2 * BOUND);
    log_info("last", "a=1");
    assert_true(size_of(log_path) > 3 * BOUND / 2);
    assert_true(holds(log_path, "event=log_full errno=EISDIR"));
    assert_true(holds(log_path, "event=last"));

    assert_int_equal(rmdir(full_path), 0);
    log_until_begun_anew(full_path);
    assert_true(holds(full_path, "event=last"));
    assert_true(size_of(log_path) <= BOUND);
}

static void without_room_for_a_new_file_the_full_one_grows_on(void **state)
{
    (void)state;
    open_error = ENOSPC;
    fill(2 * BOUND);
    log_info("last", "a=1");
    open_error = 0;
    assert_true(holds(log_path, "event=log_full errno=ENOSPC")); /* it has its name again */
    assert_true(holds(log_path, "event=last"));
    assert_int_equal(size_of(full_path), -1);
    log_until_begun_anew(full_path);
    assert_true(holds(full_path, "event=last"));
}

#define THREADS 4
#define LINES_PER_THREAD 4000

static void *write_lines(void *context)
{
    const unsigned *thread = context;
    for (unsigned i = 0; i < LINES_PER_THREAD; i++)
        log_info("line", "thread=%u i=%u end=%.*s;", *thread, i, (int)(i % 50),
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    return NULL;
}

/* The number behind a key of the line. */
static unsigned number_behind(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    assert_non_null(at);
    at += strlen(key);
    uint64_t value;
    assert_int_equal(parse_u64((struct span){at, strspn(at, "0123456789")}, 0, 1000000, &value), 0);
    return (unsigned)value;
}

/* Follows the numbers of each thread through a file. */
static void follow_lines(const char *path, int64_t last[static THREADS])
{
    char *line = content;
    for (read_all(path); *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_memory_equal(line, "ts=", 3);
        assert_int_equal(end[-1], ';');
        unsigned thread = number_behind(line, " thread=");
        unsigned i = number_behind(line, " i=");
        assert_true(thread < THREADS);
        if (last[thread] != -1)
            assert_int_equal(i, last[thread] + 1);
        last[thread] = i;
        line = end + 1;
    }
}

static void threads_lose_no_line_but_the_oldest(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned numbers[THREADS] = {0, 1, 2, 3};
    int saved = begin_silence();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    int failures = 0;
    for (int i = 0; i < 200; i++)
        failures += log_open_file(log_path) != 0; /* as SIGHUP does, in the middle of it */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    end_silence(saved);
    assert_int_equal(failures, 0);

    assert_true(size_of(log_path) <= BOUND);
    assert_true(size_of(full_path) <= BOUND);
    int64_t last[THREADS] = {-1, -1, -1, -1};
    follow_lines(full_path, last);
    follow_lines(log_path, last);
    unsigned complete = 0;
    for (size_t i = 0; i < THREADS; i++) {
        if (last[i] != -1) /* else all it wrote is older than both files */
            assert_int_equal(last[i], LINES_PER_THREAD - 1);
        complete += last[i] != -1;
    }
    assert_true(complete > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_full_file_is_kept_and_a_new_one_begun, begin),
        cmocka_unit_test_setup(what_an_old_file_holds_counts, begin),
        cmocka_unit_test_setup(no_bound_is_no_bound, begin),
        cmocka_unit_test_setup(a_file_that_somebody_cut_short_goes_on, begin),
        cmocka_unit_test_setup(a_file_that_somebody_moved_is_left_alone, begin),
        cmocka_unit_test_setup(what_cannot_be_renamed_grows_on, begin),
        cmocka_unit_test_setup(without_room_for_a_new_file_the_full_one_grows_on, begin),
        cmocka_unit_test_setup(threads_lose_no_line_but_the_oldest, begin),
    };
    return cmocka_run_group_tests_name("log_file_max", tests, create_directory, remove_directory);
}
