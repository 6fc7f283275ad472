#include "server/settings/settings.h"

#include <inttypes.h>

#include "common/bug.h"
#include "common/number.h"
#include "common/suggest.h"
#include "common/timestamp.h"
#include "server/settings/addresses.h"

/* ---- The table ------------------------------------------------------------------------------ */

struct setting {
    const char *name;
    /* Sets the value, or adds a problem and returns false. */
    bool (*parse)(struct settings *settings, enum setting_id id, struct span value,
                  struct place place, struct problems *problems);
    size_t offset; /* of a number, in struct settings */
    uint64_t min;  /* of a number */
    uint64_t max;
    const char *values;
    const char *fallback;
    const char *unset;
    const char *help;
};

static bool parse_shards(struct settings *, enum setting_id, struct span, struct place,
                         struct problems *);
static bool parse_number(struct settings *, enum setting_id, struct span, struct place,
                         struct problems *);
static bool parse_addresses(struct settings *, enum setting_id, struct span, struct place,
                            struct problems *);
static bool parse_start_time(struct settings *, enum setting_id, struct span, struct place,
                             struct problems *);
static bool parse_level(struct settings *, enum setting_id, struct span, struct place,
                        struct problems *);
static bool parse_log_file(struct settings *, enum setting_id, struct span, struct place,
                           struct problems *);
static bool parse_directory(struct settings *, enum setting_id, struct span, struct place,
                            struct problems *);

/* A row for a number; its bounds make its words. */
#define NUMBER(setting, field, low, high, unit, by_default, if_unset, text)                      \
    [SETTING_##setting] = {#setting,   parse_number, offsetof(struct settings, field),           \
                           low,        high,         "a number " unit "from " #low " to " #high, \
                           by_default, if_unset,     text}
#define OTHER(setting, parser, words, by_default, if_unset, text) \
    [SETTING_##setting] = {#setting, parser, 0, 0, 0, words, by_default, if_unset, text}

static const struct setting table[SETTING_COUNT] = {
    OTHER(SHARD_ID, parse_shards, "a number from 0 to 65535, or a range such as 64-127", "1", "",
          "The machine id in every id. Each instance needs its own; a range multiplies the rate."),
    NUMBER(TOTAL_SHARDS, total_shards, 1, 65536, "", "", "no check",
           "How many shards there are; a SHARD_ID above it is an error."),
    NUMBER(SERVICE_PORT, service_port, 1, 65535, "", "7001", "", "TCP port of every address."),
    OTHER(LISTEN_ADDRESS, parse_addresses,
          "a comma list of IPv4 addresses, IPv6 addresses and unix:/path", "127.0.0.1", "",
          "Where to listen. 0.0.0.0 and :: are all addresses of the machine."),
    OTHER(START_TIME, parse_start_time, "a time from 1970 on, such as 2014-09-01T00:00:00Z",
          "2014-09-01T00:00:00Z", "",
          "Tick 0 of the ids. Never change it once ids are in use: old ids would come again."),
    NUMBER(WORKERS, workers, 1, 256, "", "", "one per CPU", "Threads that serve."),
    NUMBER(MAX_CONNECTIONS, max_connections, 1, 1000000, "", "10000", "",
           "Open connections; more wait until one closes."),
    NUMBER(MAX_BATCH, max_batch, 1, 100000, "", "10000", "", "Ids per request."),
    NUMBER(MAX_WAIT_MS, max_wait_ms, 0, 60000, "of ms ", "1000", "",
           "How long a request may wait for its ids before it gets a 503."),
    NUMBER(HEAD_TIMEOUT_MS, head_timeout_ms, 10, 3600000, "of ms ", "10000", "",
           "A request must be complete within this time of its first byte."),
    NUMBER(IDLE_TIMEOUT_MS, idle_timeout_ms, 10, 86400000, "of ms ", "60000", "",
           "A connection without a request is closed after this time."),
    NUMBER(WRITE_TIMEOUT_MS, write_timeout_ms, 10, 3600000, "of ms ", "10000", "",
           "A client that reads nothing of its answer for this time is dropped."),
    NUMBER(DRAIN_TIMEOUT_MS, drain_timeout_ms, 0, 60000, "of ms ", "4000", "",
           "At SIGTERM, how long requests under way may take to finish."),
    OTHER(LOG_LEVEL, parse_level, "error, warn, info or debug", "info", "",
          "The least important lines that are logged."),
    OTHER(LOG_FILE, parse_log_file, "an absolute path", "", "stderr only",
          "Written besides stderr; opened anew at SIGHUP."),
    OTHER(STATE_DIRECTORY, parse_directory, "an absolute path", "/var/lib/go-id", "",
          "For what must survive a crash; this version stores nothing there yet."),
};

struct setting_info setting_info(enum setting_id id)
{
    const struct setting *row = &table[id];
    return (struct setting_info){row->name, row->values, row->fallback, row->unset, row->help};
}

enum setting_id setting_find(struct span name)
{
    unsigned id = 0;
    while (id < SETTING_COUNT && !span_equal(name, span_of(table[id].name)))
        id++;
    return (enum setting_id)id;
}

const char *setting_suggest(struct span name, size_t distance_max)
{
    const char *names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++)
        names[i] = table[i].name;
    return suggest(name, names, SETTING_COUNT, distance_max);
}

bool settings_is_set(const struct settings *settings, enum setting_id id)
{
    return settings->values[id].source != SOURCE_DEFAULT;
}

/* ---- One parser per kind of value
 * ---------------------------------------------------------------- */

static bool refuse(enum setting_id id, struct span value, struct place place,
                   struct problems *problems)
{
    char quoted[128];
    problems_add(problems, place, "'%s' must be %s, not %s", table[id].name, table[id].values,
                 log_quote(value, quoted, sizeof(quoted)));
    return false;
}

static bool parse_number(struct settings *settings, enum setting_id id, struct span value,
                         struct place place, struct problems *problems)
{
    uint64_t *field = (uint64_t *)(void *)((char *)settings + table[id].offset);
    return parse_u64(value, table[id].min, table[id].max, field) == 0 ||
           refuse(id, value, place, problems);
}

static bool parse_shards(struct settings *settings, enum setting_id id, struct span value,
                         struct place place, struct problems *problems)
{
    const char *dash = memchr(value.base, '-', value.len);
    struct span first_text = value;
    struct span last_text = value;
    if (dash != NULL) {
        first_text.len = (size_t)(dash - value.base);
        last_text = (struct span){dash + 1, value.len - first_text.len - 1};
    }
    uint64_t first;
    uint64_t last;
    if (parse_u64(first_text, 0, SHARD_MAX, &first) < 0 ||
        parse_u64(last_text, 0, SHARD_MAX, &last) < 0)
        return refuse(id, value, place, problems);
    if (last < first) {
        problems_add(problems, place,
                     "'%s' is a range that ends before it begins; did you mean %" PRIu64 "-%" PRIu64
                     "?",
                     table[id].name, last, first);
        return false;
    }
    settings->shards =
        (struct shard_range){.first = (uint32_t)first, .count = (uint32_t)(last - first) + 1};
    return true;
}

static bool parse_addresses(struct settings *settings, enum setting_id id, struct span value,
                            struct place place, struct problems *problems)
{
    size_t count =
        addresses_parse(value, false, table[id].name, place, problems, settings->listeners);
    if (count == 0)
        return false;
    settings->listener_count = count;
    settings->ports_given = false;
    return true;
}

static bool parse_start_time(struct settings *settings, enum setting_id id, struct span value,
                             struct place place, struct problems *problems)
{
    int64_t time_ns;
    unsigned column;
    if (timestamp_parse(value, &time_ns, &column) < 0) {
        if (place.column > 0)
            place.column += column - 1;
        return refuse(id, value, place, problems);
    }
    if (time_ns < 0)
        return refuse(id, value, place, problems);
    settings->start_time_ns = time_ns;
    return true;
}

static bool parse_level(struct settings *settings, enum setting_id id, struct span value,
                        struct place place, struct problems *problems)
{
    for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
        if (span_equal(value, span_of(log_level_name((enum log_level)level)))) {
            settings->log_level = (enum log_level)level;
            return true;
        }
    }
    const char *names[LOG_LEVEL_COUNT];
    for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++)
        names[level] = log_level_name((enum log_level)level);
    const char *meant = suggest(value, names, LOG_LEVEL_COUNT, 2);
    if (meant == NULL)
        return refuse(id, value, place, problems);
    char quoted[128];
    problems_add(problems, place, "'%s' must be %s, not %s; did you mean '%s'?", table[id].name,
                 table[id].values, log_quote(value, quoted, sizeof(quoted)), meant);
    return false;
}

static bool check_path(enum setting_id id, struct span value, struct place place,
                       struct problems *problems)
{
    if (value.len == 0 || value.base[0] != '/')
        return refuse(id, value, place, problems);
    if (settings_file_can_hold(value))
        return true;
    char quoted[128];
    problems_add(problems, place, "'%s': %s " SETTINGS_UNFIT_TEXT, table[id].name,
                 log_quote(value, quoted, sizeof(quoted)));
    return false;
}

static bool parse_log_file(struct settings *settings, enum setting_id id, struct span value,
                           struct place place, struct problems *problems)
{
    if (!check_path(id, value, place, problems))
        return false;
    settings->log_file = settings->values[id].text;
    return true;
}

static bool parse_directory(struct settings *settings, enum setting_id id, struct span value,
                            struct place place, struct problems *problems)
{
    if (!check_path(id, value, place, problems))
        return false;
    if (memchr(value.base, ':', value.len) != NULL) {
        problems_add(
            problems, place,
            "'%s' names several directories; give the unit one StateDirectory=", table[id].name);
        return false;
    }
    settings->state_directory = settings->values[id].text;
    return true;
}

/* ---- Setting -------------------------------------------------------------------------------- */

/* Whether a value can be kept; if not, that is a problem. */
static bool check_text(const char *what, struct span value, struct place place,
                       struct problems *problems)
{
    if (value.len >= SETTINGS_TEXT_MAX) {
        problems_add(problems, place, "'%s' is longer than %d bytes", what, SETTINGS_TEXT_MAX - 1);
        return false;
    }
    if (memchr(value.base, '\0', value.len) != NULL) {
        problems_add(problems, place, "'%s' has a NUL byte in it", what);
        return false;
    }
    return true;
}

/* Keeps a value as it was written; check_text() found that it fits. */
static void keep_text(struct setting_value *kept, struct span value)
{
    memcpy(kept->text, value.base, value.len);
    kept->text[value.len] = '\0';
}

void settings_set(struct settings *settings, enum setting_id id, struct span value,
                  enum setting_source source, struct place place, struct problems *problems)
{
    struct setting_value *kept = &settings->values[id];
    if (!check_text(table[id].name, value, place, problems) ||
        !table[id].parse(settings, id, value, place, problems))
        return;
    kept->source = source;
    kept->line = place.line;
    keep_text(kept, value);
}

void settings_set_listeners(struct settings *settings, struct span value, struct place place,
                            struct problems *problems)
{
    struct setting_value *kept = &settings->values[SETTING_LISTEN_ADDRESS];
    if (!check_text("--listen", value, place, problems))
        return;
    size_t count = addresses_parse(value, true, "--listen", place, problems, settings->listeners);
    if (count == 0)
        return;
    settings->listener_count = count;
    settings->ports_given = true;
    kept->source = SOURCE_OPTION;
    keep_text(kept, value);
}

void settings_init(struct settings *settings)
{
    static struct problems none;
    memset(settings, 0, sizeof(*settings));
    settings->log_file = "";
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        if (table[id].fallback[0] != '\0')
            settings_set(settings, (enum setting_id)id, span_of(table[id].fallback), SOURCE_DEFAULT,
                         (struct place){"default", 0, 0}, &none);
    }
    BUG_IF(none.count > 0); /* a default of the table is not valid */
}

void settings_finish(struct settings *settings, struct problems *problems)
{
    uint32_t last = settings->shards.first + settings->shards.count - 1;
    if (settings->total_shards > 0 && last > settings->total_shards)
        problems_add(problems, (struct place){"settings", 0, 0},
                     "SHARD_ID %" PRIu32 " is above TOTAL_SHARDS %" PRIu64
                     "; correct one of the two",
                     last, settings->total_shards);

    for (size_t i = 0; i < settings->listener_count && !settings->ports_given; i++)
        settings->listeners[i].port = (uint16_t)settings->service_port;
}
