#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/timestamp.h"

#define LIMIT_NS NS_PER_S /* between two lines of the same limit */

static _Atomic int threshold = LOG_INFO;
static _Atomic int file_fd = -1; /* once open it keeps its number: reopening swaps what is behind */

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

int log_open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd == -1)
        return -errno;

    int current = atomic_load(&file_fd);
    if (current == -1) {
        atomic_store(&file_fd, fd);
        return 0;
    }
    int r = dup3(fd, current, O_CLOEXEC) == -1 ? -errno : 0;
    (void)close(fd); /* the copy is what counts */
    return r;
}

/* Nobody is left to tell about a failure: a full disk must not stop the service. */
static void write_line(const char *line, size_t len)
{
    (void)!write(STDERR_FILENO, line, len);
    int fd = atomic_load_explicit(&file_fd, memory_order_relaxed);
    if (fd != -1)
        (void)!write(fd, line, len);
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* cannot fail: both clocks exist on every Linux */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

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
