/*
 * log.h: one line per event, logfmt, to stderr and, when set, to a log file.
 *
 *   ts=2026-11-23T01:12:00.113Z level=warn event=accept_failed errno=EMFILE connections=812
 *
 * An event name is a constant word that can be searched for; facts follow as key=value.
 * lib/ and common/ do not log: they return what went wrong, and the server decides who must know.
 *
 * Threads  Safe: a line is built on the caller's stack and leaves in one write(2) per target.
 * errno    Preserved.
 * Bounds   A line longer than LOG_LINE_MAX bytes is cut and ends in "...".
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define LOG_LINE_MAX 1024

/* Name as written in LOG_LEVEL and in a line, and what belongs there. */
#define LOG_LEVELS(X)                                                                \
    X(LOG_ERROR, "error", "somebody must act: the daemon or a part of it is broken") \
    X(LOG_WARN, "warn", "degraded, and the daemon carries on")                       \
    X(LOG_INFO, "info", "start, stop, reload: rare by nature")                       \
    X(LOG_DEBUG, "debug", "per request; off by default")

enum log_level {
#define X(name, text, meaning) name,
    LOG_LEVELS(X)
#undef X
        LOG_LEVEL_COUNT
};

/* "error", "warn", ...; NULL past the last level. */
const char *log_level_name(enum log_level level);

/* Lines above this level are not written.  Set before the first thread starts. */
void log_set_threshold(enum log_level threshold);
enum log_level log_get_threshold(void);

/*
 * Opens path for appending (mode 0640) and writes every line there too; called again with the
 * same or another path, the switch is atomic for threads that are logging.  On failure the old
 * file stays.  Returns 0 or a negative errno.
 */
NODISCARD int log_open_file(const char *path);

/*
 * A bound for the file, in bytes; 0, as at first, is none.  A line that would go past it goes to a
 * new file, and the full one is renamed to path.1 in the place of the one before; this is atomic
 * for threads that are logging.  A file that somebody else has renamed meanwhile is left alone.
 * When it fails (no room, no right), lines go on into the full file, a warning is logged, and a
 * second later it is tried again.  Set before the first thread starts.
 */
void log_set_file_max(uint64_t bytes);

void log_write(enum log_level level, const char *event, const char *format, ...) FORMAT(3, 4);

#define log_error(event, ...) log_write(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) log_write(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...) log_write(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)                         \
    do {                                              \
        if (log_get_threshold() >= LOG_DEBUG)         \
            log_write(LOG_DEBUG, event, __VA_ARGS__); \
    } while (0)

/* For an event that can repeat per connection: at most one line a second. */
struct log_limit {
    _Atomic int64_t next_ns;     /* monotonic time before which nothing is written */
    _Atomic uint64_t suppressed; /* lines not written since the last one */
};

/*
 * As log_write(), at most once a second per limit; the next line that is written carries
 * suppressed=N when N lines were not.
 */
void log_write_limited(struct log_limit *limit, enum log_level level, const char *event,
                       const char *format, ...) FORMAT(4, 5);

/*
 * Copies bytes from a client or a file into out as a quoted logfmt value, escaping everything
 * that is not printable ASCII, cut with "..." where out ends.  out is always NUL-terminated;
 * capacity is at least 8.  Returns out.
 */
const char *log_quote(struct span bytes, char *out, size_t capacity);

#endif
