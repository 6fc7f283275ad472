#include "common/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)

/* ---- Days and dates ------------------------------------------------------------------------- */

struct date {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
};

/*
 * Days since 1970-01-01.  The year is taken to begin in March, so that the leap day is its last,
 * and the calendar repeats every 400 years = 146,097 days.
 */
static int64_t days_of(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12; /* March is 0 */
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* The inverse of days_of(). */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {
        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
        .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
    };
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct reader {
    struct span text;
    size_t at;
    int error;       /* 0, or the first -EINVAL or -ERANGE */
    size_t error_at; /* where */
};

static void fail_at(struct reader *reader, int error, size_t at)
{
    if (reader->error == 0) {
        reader->error = error;
        reader->error_at = at;
    }
}

static bool is_next(const struct reader *reader, const char *any_of)
{
    return reader->at < reader->text.len && reader->text.base[reader->at] != '\0' &&
           strchr(any_of, reader->text.base[reader->at]) != NULL;
}

static void skip(struct reader *reader, const char *any_of)
{
    if (!is_next(reader, any_of))
        fail_at(reader, -EINVAL, reader->at);
    reader->at++;
}

/* A field of exactly this many digits, from min to max. */
static int64_t field(struct reader *reader, unsigned digits, int64_t min, int64_t max)
{
    size_t start = reader->at;
    int64_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (!is_next(reader, "0123456789")) {
            fail_at(reader, -EINVAL, reader->at);
            return min;
        }
        value = value * 10 + (reader->text.base[reader->at++] - '0');
    }
    if (value < min || value > max) {
        fail_at(reader, -ERANGE, start);
        return min;
    }
    return value;
}

/* ".5" to ".123456789", in nanoseconds; nothing is 0. */
static int64_t fraction(struct reader *reader)
{
    if (!is_next(reader, "."))
        return 0;
    reader->at++;
    if (!is_next(reader, "0123456789"))
        fail_at(reader, -EINVAL, reader->at);
    int64_t ns = 0;
    int64_t unit = NS_PER_S / 10;
    for (; is_next(reader, "0123456789"); reader->at++, unit /= 10) {
        if (unit == 0) {
            fail_at(reader, -EINVAL, reader->at); /* more than 9 digits */
            break;
        }
        ns += unit * (reader->text.base[reader->at] - '0');
    }
    return ns;
}

/* "Z" or "+02:00": what the local time is ahead of UTC, in seconds. */
static int64_t offset(struct reader *reader)
{
    if (is_next(reader, "Zz")) {
        reader->at++;
        return 0;
    }
    bool west = is_next(reader, "-");
    skip(reader, "+-");
    int64_t seconds = field(reader, 2, 0, 23) * 3600;
    skip(reader, ":");
    seconds += field(reader, 2, 0, 59) * 60;
    return west ? -seconds : seconds;
}

static int64_t read_day(struct reader *reader)
{
    struct date date = {.year = field(reader, 4, 0, 9999)};
    skip(reader, "-");
    date.month = (unsigned)field(reader, 2, 1, 12);
    skip(reader, "-");
    date.day = (unsigned)field(reader, 2, 1, days_in_month(date.year, date.month));
    return days_of(date);
}

static int64_t read_second_of_day(struct reader *reader)
{
    int64_t seconds = field(reader, 2, 0, 23) * 3600;
    skip(reader, ":");
    seconds += field(reader, 2, 0, 59) * 60;
    skip(reader, ":");
    return seconds + field(reader, 2, 0, 59); /* no leap seconds: Unix time has none */
}

int timestamp_parse(struct span text, int64_t *ret_time_ns, unsigned *reterr_column)
{
    struct reader reader = {.text = text};
    int64_t seconds = read_day(&reader) * DAY_S;
    skip(&reader, "Tt ");
    seconds += read_second_of_day(&reader);
    int64_t ns = fraction(&reader);
    seconds -= offset(&reader);
    if (reader.at < text.len)
        fail_at(&reader, -EINVAL, reader.at);

    if (seconds < 0 && ns > 0) {
        seconds++; /* the first second of int64_t is a part of one: the product must not overflow */
        ns -= NS_PER_S;
    }
    int64_t time_ns;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &time_ns) ||
        __builtin_add_overflow(time_ns, ns, &time_ns))
        fail_at(&reader, -ERANGE, 0);
    if (reader.error != 0) {
        *reterr_column = (unsigned)reader.error_at + 1;
        return reader.error;
    }
    *ret_time_ns = time_ns;
    return 0;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Floors, so that times before 1970 come out right. */
static int64_t divide(int64_t value, int64_t by, int64_t *ret_rest)
{
    int64_t quotient = value / by;
    int64_t rest = value % by;
    if (rest < 0) {
        quotient--;
        rest += by;
    }
    *ret_rest = rest;
    return quotient;
}

/* Writes "2026-11-23T01:12:00" and returns its length. */
static int write_seconds(int64_t time_s, char out[static TIMESTAMP_TEXT_MAX])
{
    int64_t second;
    struct date date = date_of(divide(time_s, DAY_S, &second));
    return snprintf(out, TIMESTAMP_TEXT_MAX,
                    "%04" PRId64 "-%02u-%02uT%02" PRId64 ":%02" PRId64 ":%02" PRId64, date.year,
                    date.month, date.day, second / 3600, second / 60 % 60, second % 60);
}

void timestamp_format_ms(int64_t time_ns, char out[static TIMESTAMP_TEXT_MAX])
{
    int64_t ns;
    int64_t seconds = divide(time_ns, NS_PER_S, &ns);
    int len = write_seconds(seconds, out);
    (void)snprintf(out + len, (size_t)(TIMESTAMP_TEXT_MAX - len), ".%03" PRId64 "Z",
                   ns / NS_PER_MS);
}
