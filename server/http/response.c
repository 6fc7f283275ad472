/* response.c: everything that is sent, except the bodies of successful answers. */
#include "server/http/response.h"

#include "common/bug.h"

/* ---- Status ---------------------------------------------------------------------------------- */

const char *http_status_title(uint16_t status)
{
    switch (status) {
#define X(number, title) \
    case number:         \
        return title;
        HTTP_STATUSES(X)
#undef X
    default:
        return NULL;
    }
}

unsigned http_status_index(uint16_t status)
{
    switch (status) {
#define X(number, title) \
    case number:         \
        return HTTP_STATUS_INDEX_##number;
        HTTP_STATUSES(X)
#undef X
    default:
        BUG_IF(true); /* a status that is not in the list */
        return 0;
    }
}

uint16_t http_status_at(unsigned index)
{
    static const uint16_t statuses[HTTP_STATUS_COUNT] = {
#define X(number, title) number,
        HTTP_STATUSES(X)
#undef X
    };
    return statuses[index];
}

/*
 * What every head begins with, ready made per status: a head of a 200 is then a handful of copies.
 */
static struct span head_start(uint16_t status)
{
    switch (status) {
#define X(number, title) \
    case number:         \
        return SPAN("HTTP/1.1 " #number " " title "\r\nCache-Control: no-store\r\nDate: ");
        HTTP_STATUSES(X)
#undef X
    default:
        BUG_IF(true); /* a status without a title */
        return (struct span){NULL, 0};
    }
}

static struct span kept_head_start(uint16_t status)
{
    if (status == 304)
        return SPAN("HTTP/1.1 304 Not Modified\r\nCache-Control: no-cache\r\nDate: ");
    BUG_IF(status != 200);
    return SPAN("HTTP/1.1 200 OK\r\nCache-Control: no-cache\r\nDate: ");
}

/* ---- Date ------------------------------------------------------------------------------------ */

#define S_PER_DAY 86400
#define DATE_LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct civil_date {
    unsigned year;
    unsigned month; /* 0: January */
    unsigned day;   /* 1 to 31 */
};

/*
 * Days since 1970-01-01 to a date.  Years are counted from 1 March, so that the leap day is a
 * year's last; from there a month's first day is (153 * month + 2) / 5.  Four centuries, an era,
 * have 146097 days.  After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
static struct civil_date date_of_day(uint32_t unix_day)
{
    uint32_t day = unix_day + 719468; /* days since 0000-03-01 */
    uint32_t era = day / 146097;
    uint32_t day_of_era = day % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;

    bool is_next_year = month_from_march >= 10; /* January and February */
    return (struct civil_date){
        .year = era * 400 + year_of_era + (is_next_year ? 1 : 0),
        .month = is_next_year ? month_from_march - 10 : month_from_march + 2,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

/* Writes value right-aligned in width digits; returns what follows. */
static char *put_digits(char *at, unsigned value, unsigned width)
{
    for (unsigned i = width; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + width;
}

void http_date_format(int64_t unix_s, char out[static HTTP_DATE_LEN + 1])
{
    static const char weekdays[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (unix_s < 0)
        unix_s = 0;
    if (unix_s > DATE_LAST_S)
        unix_s = DATE_LAST_S;
    uint32_t day = (uint32_t)(unix_s / S_PER_DAY);
    unsigned second = (unsigned)(unix_s % S_PER_DAY);
    struct civil_date date = date_of_day(day);

    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_LEN + 1);
    memcpy(out, weekdays[day % 7], 3);
    (void)put_digits(out + 5, date.day, 2);
    memcpy(out + 8, months[date.month], 3);
    (void)put_digits(out + 12, date.year, 4);
    (void)put_digits(out + 17, second / 3600, 2);
    (void)put_digits(out + 20, second / 60 % 60, 2);
    (void)put_digits(out + 23, second % 60, 2);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static struct span connection_field(enum http_connection connection)
{
    switch (connection) {
    case HTTP_CONNECTION_DEFAULT:
        break;
    case HTTP_CONNECTION_CLOSE:
        return SPAN("\r\nConnection: close");
    case HTTP_CONNECTION_KEEP_ALIVE:
        return SPAN("\r\nConnection: keep-alive");
    }
    return SPAN("");
}

void http_head_write(struct http_output *out, const struct http_head *head)
{
    BUG_IF(head->content_type.len > HTTP_CONTENT_TYPE_MAX);

    out->status = head->status;
    /* ends in "Date: " */
    http_output_put(out,
                    head->may_be_kept ? kept_head_start(head->status) : head_start(head->status));
    http_output_put(out, (struct span){head->date, HTTP_DATE_LEN});
    if (head->content_type.len > 0) {
        http_output_put(out, SPAN("\r\nContent-Type: "));
        http_output_put(out, head->content_type);
    }
    if (head->content_length != HTTP_LENGTH_NONE) {
        http_output_put(out, SPAN("\r\nContent-Length: "));
        http_output_put_u64(out, head->content_length);
    }
    if (head->allow)
        http_output_put(out, SPAN("\r\nAllow: GET, HEAD"));
    if (head->challenge.len > 0) {
        http_output_put(out, SPAN("\r\nWWW-Authenticate: "));
        http_output_put(out, head->challenge);
    }
    if (head->retry_after_s > 0) {
        http_output_put(out, SPAN("\r\nRetry-After: "));
        http_output_put_u64(out, head->retry_after_s);
    }
    http_output_put(out, head->more);
    http_output_put(out, connection_field(head->connection));
    http_output_put(out, SPAN("\r\n\r\n"));
}

void http_continue_write(struct http_output *out)
{
    http_output_put(out, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Writes byte as it must stand within a JSON string; returns how many characters that takes. */
static size_t json_escape(char byte, char out[static 6])
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = byte;
        return 2;
    }
    if (byte >= ' ' && byte <= '~') {
        out[0] = byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = hex[(unsigned char)byte >> 4];
    out[5] = hex[(unsigned char)byte & 0xf];
    return 6;
}

static size_t json_escaped_len(struct span text)
{
    char scratch[6];
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        len += json_escape(text.base[i], scratch);
    return len;
}

static void put_json_escaped(struct http_output *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char escaped[6];
        http_output_put(out, (struct span){escaped, json_escape(text.base[i], escaped)});
    }
}

void http_problem_write(struct http_output *out, const struct http_head *head, struct span detail,
                        enum http_method method)
{
    const char *title = http_status_title(head->status);
    BUG_IF(title == NULL);
    if (detail.len > HTTP_DETAIL_MAX)
        detail.len = HTTP_DETAIL_MAX;

    char status[U64_DIGITS_MAX];
    const struct span before_detail[] = {
        SPAN("{\"type\":\"about:blank\",\"title\":\""),
        span_of(title), /* plain letters: nothing to escape */
        SPAN("\",\"status\":"),
        {status, format_u64(head->status, status)},
        SPAN(",\"detail\":\""),
    };
    const size_t piece_count = sizeof(before_detail) / sizeof(before_detail[0]);
    const struct span end = SPAN("\"}");

    struct http_head full = *head;
    full.content_type = SPAN("application/problem+json");
    full.content_length = json_escaped_len(detail) + end.len;
    for (size_t i = 0; i < piece_count; i++)
        full.content_length += before_detail[i].len;

    http_head_write(out, &full);
    if (method == HTTP_HEAD)
        return;
    for (size_t i = 0; i < piece_count; i++)
        http_output_put(out, before_detail[i]);
    put_json_escaped(out, detail);
    http_output_put(out, end);
}
