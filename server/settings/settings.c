#include "server/settings/settings.h"

#include <inttypes.h>

#include "common/bug.h"
#include "common/duration.h"
#include "common/number.h"
#include "common/size.h"
#include "common/suggest.h"
#include "common/timestamp.h"
#include "server/settings/addresses.h"
#include "server/settings/proxies.h"
#include "server/settings/time_servers.h"

/* ---- The table ------------------------------------------------------------------------------ */

/* Sets the value, or adds a problem and returns false. */
typedef bool setting_parser(struct settings *settings, enum setting_id id, struct span value,
                            struct place place, struct problems *problems);

struct setting {
    const char *name;
    setting_parser *parse;
    size_t offset; /* in struct settings, of a number, a duration, a size or a path */
    uint64_t min;  /* of a number; of a duration in ns; of a size in bytes */
    uint64_t max;
    const char *values;
    const char *fallback;
    const char *unset;
    const char *help;
};

static setting_parser parse_shards;
static setting_parser parse_number;
static setting_parser parse_addresses;
static setting_parser parse_start_time;
static setting_parser parse_mode;
static setting_parser parse_name;
static setting_parser parse_path;
static setting_parser parse_state_directory;
static setting_parser parse_duration;
static setting_parser parse_duration_or_unlimited;
static setting_parser parse_time_source;
static setting_parser parse_proxies;
static setting_parser parse_level;
static setting_parser parse_size;

/* A row for a number; its bounds make its words. */
#define NUMBER(setting, field, low, high, unit, by_default, if_unset, text)                      \
    [SETTING_##setting] = {#setting,   parse_number, offsetof(struct settings, field),           \
                           low,        high,         "a number " unit "from " #low " to " #high, \
                           by_default, if_unset,     text}
/* A row for a switch. */
#define SWITCH(setting, field, by_default, text)                                              \
    [SETTING_##setting] = {                                                                   \
        #setting, parse_number, offsetof(struct settings, field), 0, 1, "0 or 1", by_default, \
        "",       text}
/* A row for a duration; the unit of a bound stands apart from its number. */
#define DURATION(setting, parser, field, low, low_unit, high, high_unit, besides, by_default, \
                 text)                                                                        \
    [SETTING_##setting] = {#setting,                                                          \
                           parser,                                                            \
                           offsetof(struct settings, field),                                  \
                           low * NS_PER_##low_unit,                                           \
                           high * NS_PER_##high_unit,                                         \
                           "a duration from " #low #low_unit " to " #high #high_unit besides, \
                           by_default,                                                        \
                           "",                                                                \
                           text}
#define NS_PER_ms NS_PER_MS
#define NS_PER_s NS_PER_S
#define NS_PER_h (3600 * NS_PER_S)
#define NS_PER_d (24 * NS_PER_h)
/* A row for an absolute path. */
#define PATH(setting, parser, field, by_default, if_unset, text)                   \
    [SETTING_##setting] = {#setting,   parser,   offsetof(struct settings, field), \
                           0,          0,        "an absolute path",               \
                           by_default, if_unset, text}
/* A row for a name. */
#define NAME(setting, field, words, by_default, if_unset, text)                      \
    [SETTING_##setting] = {#setting,   parse_name, offsetof(struct settings, field), \
                           0,          0,          words,                            \
                           by_default, if_unset,   text}
#define OTHER(setting, parser, words, by_default, if_unset, text) \
    [SETTING_##setting] = {#setting, parser, 0, 0, 0, words, by_default, if_unset, text}

static const struct setting table[SETTING_COUNT] = {
    OTHER(SHARD_ID, parse_shards,
          "a number from 0 to 65535, a range such as 64-127, hostname or ip", "1", "",
          "The machine id in every id. Each instance needs its own; a range multiplies the rate. "
          "hostname: the number at the end of the host name. ip: the lower 16 bits of the private "
          "IPv4 address."),
    NUMBER(SHARD_BASE, shard_base, 0, 65535, "", "", "0",
           "Added to the number of SHARD_ID=hostname."),
    NUMBER(TOTAL_SHARDS, total_shards, 1, 65536, "", "", "no check",
           "How many shards there are; a SHARD_ID above it is an error."),
    NUMBER(SERVICE_PORT, service_port, 1, 65535, "", "7001", "", "TCP port of every address."),
    OTHER(LISTEN_ADDRESS, parse_addresses,
          "a comma list of IPv4 addresses, IPv6 addresses and unix:/path", "127.0.0.1", "",
          "Where to listen. 0.0.0.0 and :: are all addresses of the machine."),
    OTHER(UNIX_SOCKET_MODE, parse_mode, "3 or 4 octal digits, such as 0660", "", "by the umask",
          "Who may connect to a unix:/path: its mode; connecting takes the right to write."),
    NAME(UNIX_SOCKET_GROUP, unix_socket_group, "the name or the number of a group", "",
         "that of the process", "The group of a unix:/path."),
    SWITCH(ALLOW_ROOT, allow_root, "0",
           "1: may run as root and listen on addresses that other machines can reach."),
    PATH(
        AUTH_TOKEN_FILE, parse_path, auth_token_file, "", "no token needed",
        "Bearer tokens, one per line; without one of them, all but /health is a 401. Read again at "
        "SIGHUP."),
    OTHER(START_TIME, parse_start_time, "a time from 1970 on, such as 2014-09-01T00:00:00Z",
          "2014-09-01T00:00:00Z", "",
          "Tick 0 of the ids. Never change it once ids are in use: old ids would come again."),
    NUMBER(MIN_ID, min_id, 0, 9223372036854775807, "", "", "no floor",
           "No id at or below this is issued. When coming from another generator: the largest id "
           "that it can have issued."),
    NAME(INSTANCE_NAME, instance_name, "1 to 64 letters, digits, '.', '-' or '_'", "",
         "the host name",
         "Who this is. A copy of the state under another name does not start with the same "
         "shards."),
    PATH(STATE_DIRECTORY, parse_state_directory, state_directory, "/var/lib/go-id", "",
         "What must survive a crash is kept here; one process at a time owns it."),
    PATH(LOCK_DIRECTORY, parse_path, lock_directory, "/run/lock/go-id", "",
         "The processes of a host meet here, so that no two own one machine id."),
    DURATION(MARK_WINDOW, parse_duration, mark_window_ns, 100, ms, 60, s, "", "2s",
             "How far ahead of the clock the durable mark is kept. After a crash ids begin up to "
             "this much ahead of the clock."),
    OTHER(TIME_SOURCE, parse_time_source, "system, monotonic or ntp:HOST[:PORT][,HOST[:PORT]...]",
          "system", "",
          "The clock of the ids: the system's; the system's at start, carried on by the time since "
          "boot; or NTP servers."),
    SWITCH(REQUIRE_CLOCK_SYNC, require_clock_sync, "0",
           "1: no id before the kernel reports a synchronised clock or the NTP servers have "
           "answered."),
    DURATION(MAX_CLOCK_LEAD, parse_duration, max_clock_lead_ns, 100, ms, 1, h, "", "10s",
             "How far ids may be ahead of a clock that was set back; beyond it they get a 503."),
    DURATION(MAX_CLOCK_LEAP, parse_duration_or_unlimited, max_clock_leap_ns, 1, s, 365, d,
             ", or unlimited", "1h",
             "A clock set forward by more than this is not believed until an operator accepts "
             "it."),
    NUMBER(WORKERS, workers, 1, 256, "", "", "one per CPU", "Threads that serve."),
    NUMBER(MAX_CONNECTIONS, max_connections, 1, 1000000, "", "10000", "",
           "Open connections; more wait until one closes."),
    NUMBER(MAX_CONNECTIONS_PER_CLIENT, max_connections_per_client, 1, 1000000, "", "", "no limit",
           "Open connections per IPv4 address or IPv6 /64; more get a 429 and are closed."),
    NUMBER(RATE_LIMIT, rate_limit, 1, 1000000, "", "", "no limit",
           "Tokens a second per IPv4 address or IPv6 /64. A request takes one, a batch one per id; "
           "without one left it gets a 429."),
    NUMBER(RATE_LIMIT_BURST, rate_limit_burst, 1, 1000000, "", "", "those of a second",
           "Tokens that a client can save up."),
    OTHER(TRUSTED_PROXIES, parse_proxies,
          "a comma list of addresses, networks (10.0.0.0/8) and unix", "", "none",
          "Whose X-Forwarded-For says who a client is. unix: whoever connects to a unix:/path."),
    SWITCH(PROXY_PROTOCOL, proxy_protocol, "0",
           "1: every connection from TRUSTED_PROXIES begins with a PROXY protocol header, version "
           "2."),
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
    SWITCH(LANDLOCK, landlock, "1",
           "1: reaches no files but its own, where the kernel has Landlock."),
    SWITCH(SECCOMP, seccomp, "1", "1: makes no system calls but those that serving takes."),
    OTHER(LOG_LEVEL, parse_level, "error, warn, info or debug", "info", "",
          "The least important lines that are logged."),
    PATH(LOG_FILE, parse_path, log_file, "", "stderr only",
         "Written besides stderr; opened anew at SIGHUP."),
    [SETTING_LOG_FILE_MAX] = {"LOG_FILE_MAX", parse_size, offsetof(struct settings, log_file_max),
                              UINT64_C(64) << 10, UINT64_C(1) << 40,
                              "a size from 64K to 1024G such as 8M, or 0", "0", "",
                              "Where LOG_FILE ends: it is then renamed to LOG_FILE.1, in the place "
                              "of the one before, and begun anew. 0: no end."},
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

/* ---- One parser per kind of value ----------------------------------------------------------- */

static bool refuse(enum setting_id id, struct span value, struct place place,
                   struct problems *problems)
{
    char quoted[128];
    problems_add(problems, place, "'%s' must be %s, not %s", table[id].name, table[id].values,
                 log_quote(value, quoted, sizeof(quoted)));
    return false;
}

/* As refuse(), with the word that was probably meant. */
static bool refuse_word(enum setting_id id, struct span value, struct place place,
                        struct problems *problems, const char *const *words, size_t count)
{
    const char *meant = suggest(value, words, count, 2);
    if (meant == NULL)
        return refuse(id, value, place, problems);
    char quoted[128];
    problems_add(problems, place, "'%s' must be %s, not %s; did you mean '%s'?", table[id].name,
                 table[id].values, log_quote(value, quoted, sizeof(quoted)), meant);
    return false;
}

/* Where the row's value goes. */
static void *field_of(struct settings *settings, enum setting_id id)
{
    return (char *)settings + table[id].offset;
}

static bool parse_number(struct settings *settings, enum setting_id id, struct span value,
                         struct place place, struct problems *problems)
{
    uint64_t *field = field_of(settings, id);
    return parse_u64(value, table[id].min, table[id].max, field) == 0 ||
           refuse(id, value, place, problems);
}

static bool parse_size(struct settings *settings, enum setting_id id, struct span value,
                       struct place place, struct problems *problems)
{
    uint64_t bytes;
    if (size_parse(value, &bytes) < 0 ||
        (bytes != 0 && (bytes < table[id].min || bytes > table[id].max)))
        return refuse(id, value, place, problems);
    uint64_t *field = field_of(settings, id);
    *field = bytes;
    return true;
}

static bool parse_duration(struct settings *settings, enum setting_id id, struct span value,
                           struct place place, struct problems *problems)
{
    int64_t duration_ns;
    if (duration_parse(value, &duration_ns) < 0 || duration_ns < (int64_t)table[id].min ||
        duration_ns > (int64_t)table[id].max)
        return refuse(id, value, place, problems);
    int64_t *field = field_of(settings, id);
    *field = duration_ns;
    return true;
}

static bool parse_duration_or_unlimited(struct settings *settings, enum setting_id id,
                                        struct span value, struct place place,
                                        struct problems *problems)
{
    if (!span_equal(value, SPAN("unlimited")))
        return parse_duration(settings, id, value, place, problems);
    int64_t *field = field_of(settings, id);
    *field = INT64_MAX;
    return true;
}

static bool parse_shards(struct settings *settings, enum setting_id id, struct span value,
                         struct place place, struct problems *problems)
{
    static const char *const words[] = {
        [SHARDS_OF_HOST_NAME] = "hostname", [SHARDS_OF_ADDRESS] = "ip"};
    for (unsigned kind = SHARDS_OF_HOST_NAME; kind <= SHARDS_OF_ADDRESS; kind++) {
        if (span_equal(value, span_of(words[kind]))) {
            settings->shard_source = (enum shard_source)kind;
            return true;
        }
    }
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
    settings->shard_source = SHARDS_GIVEN;
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

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool parse_mode(struct settings *settings, enum setting_id id, struct span value,
                       struct place place, struct problems *problems)
{
    uint64_t mode = 0;
    bool good = value.len == 3 || value.len == 4;
    for (size_t i = 0; i < value.len && good; i++) {
        good = value.base[i] >= '0' && value.base[i] <= '7';
        mode = mode * 8 + (uint64_t)(value.base[i] - '0');
    }
    if (!good || mode == 0 || mode > 0777)
        return refuse(id, value, place, problems);
    settings->unix_socket_mode = mode;
    return true;
}

/* Names of instances, and of groups. */
static bool parse_name(struct settings *settings, enum setting_id id, struct span value,
                       struct place place, struct problems *problems)
{
    bool good = value.len > 0 && value.len < INSTANCE_NAME_MAX;
    for (size_t i = 0; i < value.len && good; i++)
        good = is_name_char(value.base[i]);
    if (!good)
        return refuse(id, value, place, problems);
    const char **field = field_of(settings, id);
    *field = settings->values[id].text;
    return true;
}

static bool parse_time_source(struct settings *settings, enum setting_id id, struct span value,
                              struct place place, struct problems *problems)
{
    static const char *const words[] = {
        [TIME_SOURCE_SYSTEM] = "system",
        [TIME_SOURCE_MONOTONIC] = "monotonic",
    };
    for (unsigned kind = 0; kind < sizeof(words) / sizeof(words[0]); kind++) {
        if (span_equal(value, span_of(words[kind]))) {
            settings->time_source = (enum time_source_kind)kind;
            settings->ntp_server_count = 0;
            return true;
        }
    }
    const struct span prefix = SPAN("ntp:");
    if (value.len < prefix.len || memcmp(value.base, prefix.base, prefix.len) != 0)
        return refuse_word(id, value, place, problems, words, sizeof(words) / sizeof(words[0]));

    struct span servers = {value.base + prefix.len, value.len - prefix.len};
    if (place.column > 0)
        place.column += (unsigned)prefix.len;
    size_t count =
        time_servers_parse(servers, table[id].name, place, problems, settings->ntp_servers);
    if (count == 0)
        return false;
    settings->time_source = TIME_SOURCE_NTP;
    settings->ntp_server_count = count;
    return true;
}

static bool parse_proxies(struct settings *settings, enum setting_id id, struct span value,
                          struct place place, struct problems *problems)
{
    return proxies_parse(value, table[id].name, place, problems, &settings->trusted_proxies);
}

static bool parse_level(struct settings *settings, enum setting_id id, struct span value,
                        struct place place, struct problems *problems)
{
    const char *names[LOG_LEVEL_COUNT];
    for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
        names[level] = log_level_name((enum log_level)level);
        if (span_equal(value, span_of(names[level]))) {
            settings->log_level = (enum log_level)level;
            return true;
        }
    }
    return refuse_word(id, value, place, problems, names, LOG_LEVEL_COUNT);
}

static bool parse_path(struct settings *settings, enum setting_id id, struct span value,
                       struct place place, struct problems *problems)
{
    if (value.len == 0 || value.base[0] != '/')
        return refuse(id, value, place, problems);
    if (!settings_file_can_hold(value)) {
        char quoted[128];
        problems_add(problems, place, "'%s': %s " SETTINGS_UNFIT_TEXT, table[id].name,
                     log_quote(value, quoted, sizeof(quoted)));
        return false;
    }
    const char **field = field_of(settings, id);
    *field = settings->values[id].text;
    return true;
}

static bool parse_state_directory(struct settings *settings, enum setting_id id, struct span value,
                                  struct place place, struct problems *problems)
{
    if (value.len > 0 && value.base[0] == '/' && memchr(value.base, ':', value.len) != NULL) {
        problems_add(
            problems, place,
            "'%s' names several directories; give the unit one StateDirectory=", table[id].name);
        return false;
    }
    return parse_path(settings, id, value, place, problems);
}

/* ---- Setting -------------------------------------------------------------------------------- */

/* Whether a value can be kept; if not, that is a problem. */
static bool check_text(const char *what, struct span value, struct place place,
                       struct problems *problems)
{
    if (value.len >= SETTINGS_TEXT_MAX) {
        problems_add(problems, place, "'%s' is longer than %d bytes; shorten it", what,
                     SETTINGS_TEXT_MAX - 1);
        return false;
    }
    if (memchr(value.base, '\0', value.len) != NULL) {
        problems_add(problems, place, "'%s' has a NUL byte in it; remove it", what);
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
    settings->auth_token_file = "";
    settings->unix_socket_group = "";
    settings->instance_name = "";
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        if (table[id].fallback[0] != '\0')
            settings_set(settings, (enum setting_id)id, span_of(table[id].fallback), SOURCE_DEFAULT,
                         (struct place){"default", 0, 0}, &none);
    }
    BUG_IF(none.count > 0); /* a default of the table is not valid */
}

/* A crash leaves ids up to a window ahead of the clock, which the start after it must not refuse.
 */
static void check_window(const struct settings *settings, struct problems *problems)
{
    if (settings->mark_window_ns < settings->max_clock_lead_ns)
        return;
    char window[32];
    char lead[32];
    struct span window_text = span_of(settings->values[SETTING_MARK_WINDOW].text);
    struct span lead_text = span_of(settings->values[SETTING_MAX_CLOCK_LEAD].text);
    problems_add(problems, PLACE_SETTINGS,
                 "MARK_WINDOW %s must be below MAX_CLOCK_LEAD %s, or ids would wait after a crash; "
                 "correct one of the two",
                 log_quote(window_text, window, sizeof(window)),
                 log_quote(lead_text, lead, sizeof(lead)));
}

void settings_finish(struct settings *settings, struct problems *problems)
{
    uint32_t last = settings->shards.first + settings->shards.count - 1;
    if (settings->total_shards > 0 && last > settings->total_shards)
        problems_add(problems, PLACE_SETTINGS,
                     "SHARD_ID %" PRIu32 " is above TOTAL_SHARDS %" PRIu64
                     "; correct one of the two",
                     last, settings->total_shards);
    if (settings->shard_base > 0 && settings->shard_source != SHARDS_OF_HOST_NAME)
        problems_add(problems, PLACE_SETTINGS,
                     "SHARD_BASE needs SHARD_ID=hostname: it is not added to a SHARD_ID that is "
                     "set; remove one of the two");
    check_window(settings, problems);
    if (settings->proxy_protocol != 0 && !settings_is_set(settings, SETTING_TRUSTED_PROXIES))
        problems_add(problems, PLACE_SETTINGS,
                     "PROXY_PROTOCOL needs TRUSTED_PROXIES: nobody else's word is taken");

    for (size_t i = 0; i < settings->listener_count && !settings->ports_given; i++)
        settings->listeners[i].port = (uint16_t)settings->service_port;
}
