/*
 * settings.h: what an operator can set, from the config file, the environment and the command line.
 *
 * One table (settings.c) holds each setting's name, kind, bounds, default and help; the parser, the
 * messages, `go-id serve --help`, `go-id config` and the sample configuration file all read it.
 * Precedence, low to high: default, --config FILE, environment, command line option.
 *
 * Pure: bytes in, struct out.  Files and the environment are read by settings_load.c only.
 */
#ifndef SERVER_SETTINGS_SETTINGS_H
#define SERVER_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/ip_address.h"
#include "common/log.h"
#include "common/span.h"
#include "server/settings/problems.h"

#define SETTINGS_TEXT_MAX 4096 /* bytes of a value, with the NUL */
#define SETTINGS_LISTENERS_MAX 16
#define SETTINGS_FILE_MAX 65536 /* bytes of a config file */

#define SHARD_MAX 65535

#define INSTANCE_NAME_MAX 65 /* bytes, with the NUL: as long as a host name may be */
#define NTP_SERVERS_MAX 8
#define NTP_PORT 123
#define PROXIES_MAX 32

struct shard_range {
    uint32_t first; /* 0 to SHARD_MAX */
    uint32_t count; /* at least 1 */
};

/* Where the shards come from. */
enum shard_source { SHARDS_GIVEN, SHARDS_OF_HOST_NAME, SHARDS_OF_ADDRESS };

enum listen_kind { LISTEN_IPV4, LISTEN_IPV6, LISTEN_UNIX };

/* Where to listen. */
struct listen_address {
    enum listen_kind kind;
    uint16_t port;  /* 0: the kernel chooses; unused for LISTEN_UNIX */
    char text[108]; /* a numeric address without brackets, or a path; with its NUL */
};

/* Who may say for whom it asks. */
struct proxy_list {
    struct ip_network networks[PROXIES_MAX];
    size_t count;
    bool has_unix; /* whoever connects to a Unix socket is one */
};

/* Which clock ids go by. */
enum time_source_kind {
    TIME_SOURCE_SYSTEM,    /* the system's wall clock */
    TIME_SOURCE_MONOTONIC, /* the wall clock once, at start; from then on the time since boot */
    TIME_SOURCE_NTP,       /* what the servers say, carried on by the time since boot */
};

/* An NTP server: a name, or a numeric address without brackets. */
struct ntp_server {
    uint16_t port;
    char host[254]; /* with its NUL; a DNS name has at most 253 characters */
};

/* The rows of the table, in the order in which help and sample show them. */
enum setting_id {
    SETTING_SHARD_ID,
    SETTING_SHARD_BASE,
    SETTING_TOTAL_SHARDS,
    SETTING_SERVICE_PORT,
    SETTING_LISTEN_ADDRESS,
    SETTING_UNIX_SOCKET_MODE,
    SETTING_UNIX_SOCKET_GROUP,
    SETTING_ALLOW_ROOT,
    SETTING_AUTH_TOKEN_FILE,
    SETTING_START_TIME,
    SETTING_MIN_ID,
    SETTING_INSTANCE_NAME,
    SETTING_STATE_DIRECTORY,
    SETTING_LOCK_DIRECTORY,
    SETTING_MARK_WINDOW,
    SETTING_TIME_SOURCE,
    SETTING_REQUIRE_CLOCK_SYNC,
    SETTING_MAX_CLOCK_LEAD,
    SETTING_MAX_CLOCK_LEAP,
    SETTING_WORKERS,
    SETTING_MAX_CONNECTIONS,
    SETTING_MAX_CONNECTIONS_PER_CLIENT,
    SETTING_RATE_LIMIT,
    SETTING_RATE_LIMIT_BURST,
    SETTING_TRUSTED_PROXIES,
    SETTING_PROXY_PROTOCOL,
    SETTING_MAX_BATCH,
    SETTING_MAX_WAIT_MS,
    SETTING_HEAD_TIMEOUT_MS,
    SETTING_IDLE_TIMEOUT_MS,
    SETTING_WRITE_TIMEOUT_MS,
    SETTING_DRAIN_TIMEOUT_MS,
    SETTING_LANDLOCK,
    SETTING_SECCOMP,
    SETTING_LOG_LEVEL,
    SETTING_LOG_FILE,
    SETTING_LOG_FILE_MAX,
    SETTING_COUNT
};

enum setting_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_OPTION };

/* A value as it was written, and where. */
struct setting_value {
    enum setting_source source;
    unsigned line; /* SOURCE_FILE: of the file, from 1 */
    char text[SETTINGS_TEXT_MAX];
};

struct settings {
    struct shard_range shards; /* SHARD_ID; of the host (host_shard.h), if it is a word */
    enum shard_source shard_source;
    uint64_t shard_base;        /* SHARD_BASE */
    char shard_origin[160];     /* what of the host made the shard, as logfmt; "" if SHARD_ID did */
    unsigned private_addresses; /* of the host, if one of them made the shard */
    uint64_t total_shards;      /* TOTAL_SHARDS; 0: not set */
    uint64_t service_port;      /* SERVICE_PORT */
    struct listen_address listeners[SETTINGS_LISTENERS_MAX]; /* LISTEN_ADDRESS, with ports */
    size_t listener_count;
    uint64_t unix_socket_mode; /* UNIX_SOCKET_MODE; 0: as the umask has it */
    const char
        *unix_socket_group; /* UNIX_SOCKET_GROUP; a name or a number; "": that of the process */
    uint64_t allow_root;    /* ALLOW_ROOT; 0 or 1 */
    const char *auth_token_file;       /* AUTH_TOKEN_FILE; "": none */
    int64_t start_time_ns;             /* START_TIME */
    uint64_t min_id;                   /* MIN_ID; no id at or below it is issued; 0: not set */
    const char *instance_name;         /* INSTANCE_NAME; "": the host name */
    const char *state_directory;       /* STATE_DIRECTORY */
    const char *lock_directory;        /* LOCK_DIRECTORY */
    int64_t mark_window_ns;            /* MARK_WINDOW */
    enum time_source_kind time_source; /* TIME_SOURCE */
    struct ntp_server ntp_servers[NTP_SERVERS_MAX]; /* TIME_SOURCE=ntp:... */
    size_t ntp_server_count;
    uint64_t require_clock_sync;         /* REQUIRE_CLOCK_SYNC; 0 or 1 */
    int64_t max_clock_lead_ns;           /* MAX_CLOCK_LEAD */
    int64_t max_clock_leap_ns;           /* MAX_CLOCK_LEAP; INT64_MAX: unlimited */
    uint64_t workers;                    /* WORKERS; 0: as many as the CPUs this process may use */
    uint64_t max_connections;            /* MAX_CONNECTIONS */
    uint64_t max_connections_per_client; /* MAX_CONNECTIONS_PER_CLIENT; 0: no limit */
    uint64_t rate_limit;                 /* RATE_LIMIT, tokens a second; 0: no limit */
    uint64_t rate_limit_burst;           /* RATE_LIMIT_BURST, tokens; 0: as many as RATE_LIMIT */
    struct proxy_list trusted_proxies;   /* TRUSTED_PROXIES */
    uint64_t proxy_protocol;             /* PROXY_PROTOCOL; 0 or 1 */
    uint64_t max_batch;                  /* MAX_BATCH, ids */
    uint64_t max_wait_ms;                /* MAX_WAIT_MS */
    uint64_t head_timeout_ms;            /* HEAD_TIMEOUT_MS */
    uint64_t idle_timeout_ms;            /* IDLE_TIMEOUT_MS */
    uint64_t write_timeout_ms;           /* WRITE_TIMEOUT_MS */
    uint64_t drain_timeout_ms;           /* DRAIN_TIMEOUT_MS */
    uint64_t landlock;                   /* LANDLOCK; 0 or 1 */
    uint64_t seccomp;                    /* SECCOMP; 0 or 1 */
    enum log_level log_level;            /* LOG_LEVEL */
    const char *log_file;                /* LOG_FILE; "": none */
    uint64_t log_file_max;               /* LOG_FILE_MAX, bytes; 0: no bound */

    bool ports_given; /* the listeners came with ports: --listen */
    struct setting_value values[SETTING_COUNT];
};

/* What `--help` and the messages say of a row. */
struct setting_info {
    const char *name;
    const char *values;   /* what it takes, in words: "a number from 1 to 65535" */
    const char *fallback; /* the default as text; "" when it is unset by default */
    const char *unset;    /* what being unset means; "" when there is a default */
    const char *help;
};

struct setting_info setting_info(enum setting_id id);

/* The row of a name; SETTING_COUNT if there is none. */
enum setting_id setting_find(struct span name);

/* The name most like this one within distance_max letters, or NULL. */
const char *setting_suggest(struct span name, size_t distance_max);

/* Whether somebody set it: it is not the default. */
bool settings_is_set(const struct settings *settings, enum setting_id id);

/* Fills in every default.  Large: not for small stacks. */
void settings_init(struct settings *settings);

/*
 * Sets one value.  A value that is not valid is added to problems and changes nothing; place says
 * where it begins.
 */
void settings_set(struct settings *settings, enum setting_id id, struct span value,
                  enum setting_source source, struct place place, struct problems *problems);

/* Sets the listeners from the value of an option: HOST:PORT or unix:/path, a comma list. */
void settings_set_listeners(struct settings *settings, struct span value, struct place place,
                            struct problems *problems);

/* Reads a whole config file; see docs/settings.md for its form. */
void settings_read_file(struct settings *settings, struct span text, const char *path,
                        struct problems *problems);

/*
 * Whether a config file can hold the value, so that what `go-id config` prints of it is one: no
 * control characters but tabs, no '$', '`' or '\\', and not both kinds of quotes.
 */
bool settings_file_can_hold(struct span value);
#define SETTINGS_UNFIT_TEXT \
    "must not hold control characters, '$', '`', '\\' or both kinds of quotes"

/* Checks what several settings say together.  To be called last. */
void settings_finish(struct settings *settings, struct problems *problems);

#endif
