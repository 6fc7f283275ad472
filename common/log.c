#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/errno_name.h"
#include "common/timestamp.h"

#define LIMIT_NS NS_PER_S /* between two lines of the same limit */
#define RETRY_NS NS_PER_S /* between two attempts to begin a new file */

static _Atomic int threshold = LOG_INFO;
static _Atomic int file_fd = -1; /* once open it keeps its number: reopening swaps what is behind */

/*
 * A file with a bound.  The lock is held while a line is written to it, so that no line goes past
 * the bound or into a file that has had its turn; files are written one line at a time anyway.
 */
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t file_max; /* bytes; 0: no bound */
static struct {
    char path[PATH_MAX];
    char full_path[PATH_MAX + 2]; /* where it goes when it is full: path and ".1" */
    uint64_t size;                /* bytes, as far as we know */
    int64_t retry_ns;             /* monotonic time before which no new file is tried again */
} file;

const char *log_level_name(enum log_level level)
{
    static const char *const names[LOG_LEVEL_COUNT] = {
#define X(name, text, meaning) [name] = text,
        LOG_LEVELS(X)
#undef X
    };
    return (unsigned)level < LOG_LEVEL_COUNT ? names[level] : NULL;
}

void log_set_threshold(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_get_threshold(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* cannot fail: both clocks exist on every Linux */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* ---- The file ------------------------------------------------------------------------------- */

void log_set_file_max(uint64_t bytes)
{
    file_max = bytes;
}

/* Opens path and puts it in the place of the file that is written to.  Returns 0 or -errno. */
static int swap_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd == -1)
        return -errno;

    struct stat status;
    uint64_t size = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    int current = atomic_load(&file_fd);
    if (current == -1) {
        atomic_store(&file_fd, fd);
        file.size = size;
        return 0;
    }
    int r = dup3(fd, current, O_CLOEXEC) == -1 ? -errno : 0;
    (void)close(fd); /* the copy is what counts */
    if (r == 0)
        file.size = size;
    return r;
}

int log_open_file(const char *path)
{
    size_t len = strlen(path);
    if (len >= sizeof(file.path))
        return -ENAMETOOLONG;
    (void)pthread_mutex_lock(&file_lock); /* cannot fail: no thread locks it twice */
    int r = swap_file(path);
    if (r == 0) {
        memcpy(file.path, path, len + 1);
        memcpy(file.full_path, path, len);
        memcpy(file.full_path + len, ".1", sizeof(".1"));
    }
    (void)pthread_mutex_unlock(&file_lock);
    return r;
}

/*
 * Begins a new file; the full one stays as the .1, whose predecessor goes.  If somebody else has
 * moved ours away, there is nothing to be renamed.  On failure lines go on into the full file.
 */
static int begin_new_file(bool in_place)
{
    if (in_place && rename(file.path, file.full_path) == -1)
        return -errno;
    int r = swap_file(file.path);
    if (r < 0 && in_place)
        (void)rename(file.full_path, file.path); /* fails: then they go on into the .1 */
    return r;
}

/* Whether the file has room; looks twice, since others may have renamed it or cut it short. */
static bool has_room(int fd, size_t len, bool *ret_in_place)
{
    struct stat ours;
    struct stat there;
    if (file.size + len <= file_max)
        return true;
    if (fstat(fd, &ours) == -1)
        return true;
    file.size = (uint64_t)ours.st_size;
    *ret_in_place =
        stat(file.path, &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
    return file.size == 0 || file.size + len <= file_max;
}

/* Returns 0, or why a new file could not be begun, for one attempt a second. */
static int write_bounded(int fd, const char *line, size_t len)
{
    int r = 0;
    bool in_place = false;
    (void)pthread_mutex_lock(&file_lock);
    if (!has_room(fd, len, &in_place) && clock_ns(CLOCK_MONOTONIC) >= file.retry_ns) {
        r = begin_new_file(in_place);
        if (r < 0)
            file.retry_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_NS;
    }
    ssize_t written = write(fd, line, len);
    if (written > 0)
        file.size += (uint64_t)written;
    (void)pthread_mutex_unlock(&file_lock);
    return r;
}

/* Nobody is left to tell about a failure: a full disk must not stop the service. */
static void write_line(const char *line, size_t len)
{
    (void)!write(STDERR_FILENO, line, len);
    int fd = atomic_load_explicit(&file_fd, memory_order_relaxed);
    if (fd == -1)
        return;
    if (file_max == 0) {
        (void)!write(fd, line, len);
        return;
    }
    int r = write_bounded(fd, line, len);
    if (r < 0) /* comes back here, and goes to the full file without another attempt */
        log_warn("log_full",
                 "errno=%s hint=\"LOG_FILE has reached LOG_FILE_MAX and grows on, since no new one "
                 "can be begun beside it\"",
                 errno_name(-r));
}

/* ---- Lines ---------------------------------------------------------------------------------- */

/* suppressed: lines that were not written before this one. */
FORMAT(4, 0)
static void vlog(enum log_level level, const char *event, uint64_t suppressed, const char *format,
                 va_list arguments)
{
    int saved_errno = errno;
    char line[LOG_LINE_MAX];
    char time_text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(clock_ns(CLOCK_REALTIME), time_text);

    int used = snprintf(line, sizeof(line), "ts=%s level=%s event=%s ", time_text,
                        log_level_name(level), event);
    BUG_IF(used < 0 || (size_t)used >= sizeof(line)); /* event names are short constants */
    if (suppressed > 0)
        used += snprintf(line + used, sizeof(line) - (size_t)used, "suppressed=%" PRIu64 " ",
                         suppressed);
    BUG_IF((size_t)used >= sizeof(line));

    size_t room = sizeof(line) - (size_t)used;
    int wanted = vsnprintf(line + used, room, format, arguments);
    if (wanted < 0)
        wanted = 0; /* facts that cannot be written: the event alone is better than nothing */
    size_t len = (size_t)used + (size_t)wanted;
    if ((size_t)wanted >= room) {
        len = sizeof(line) - 1;
        memset(line + len - 3, '.', 3);
    }
    line[len++] = '\n';
    write_line(line, len);
    errno = saved_errno;
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    if (level > log_get_threshold())
        return;
    va_list arguments;
    va_start(arguments, format);
    vlog(level, event, 0, format, arguments);
    va_end(arguments);
}

void log_write_limited(struct log_limit *limit, enum log_level level, const char *event,
                       const char *format, ...)
{
    if (level > log_get_threshold())
        return;
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    int64_t next_ns = atomic_load(&limit->next_ns);
    /* Of threads that come at the same time, the one that moves the mark writes. */
    if (now_ns < next_ns ||
        !atomic_compare_exchange_strong(&limit->next_ns, &next_ns, now_ns + LIMIT_NS)) {
        atomic_fetch_add(&limit->suppressed, 1);
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vlog(level, event, atomic_exchange(&limit->suppressed, 0), format, arguments);
    va_end(arguments);
}

/* The escaped form of a byte in at most 4 characters; returns their number. */
static size_t escape(unsigned char byte, char out[static 4])
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[byte >> 4];
    out[3] = hex[byte & 15];
    return 4;
}

const char *log_quote(struct span bytes, char *out, size_t capacity)
{
    static const char cut[] = "...\"";
    BUG_IF(capacity < 8);
    size_t used = 1;
    size_t cut_at = 1; /* the last place behind a whole escape at which the cut fits */
    out[0] = '"';
    for (size_t i = 0; i < bytes.len; i++) {
        char text[4];
        size_t len = escape((unsigned char)bytes.base[i], text);
        if (used + len + sizeof("\"") > capacity) {
            memcpy(out + cut_at, cut, sizeof(cut));
            return out;
        }
        memcpy(out + used, text, len);
        used += len;
        if (used + sizeof(cut) <= capacity)
            cut_at = used;
    }
    memcpy(out + used, "\"", sizeof("\""));
    return out;
}
