#include "server/admitting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "server/net/listener.h"

int admitting_check_user(const struct settings *settings, const struct listen_address *address)
{
    char text[LISTENER_TEXT_MAX];
    if (geteuid() != 0 || settings->allow_root != 0 || !listener_is_reachable(address))
        return 0;
    listener_describe(address, text);
    /* What a stranger on the network finds wrong with us must not make him root. */
    log_error("start_refused",
              "reason=\"root does not listen beyond this machine\" address=%s hint=\"run it as "
              "another user (User=go-id), listen on loopback behind a proxy, or set "
              "ALLOW_ROOT=1\"",
              text);
    return -EPERM;
}

/* How a failure is told. */
struct verdict {
    const char *event;
    const char *hint;
};

static int load_tokens(struct admitting *a, const struct verdict *verdict)
{
    struct access_fault fault;
    char path[256];
    char line[32] = "";
    int r = access_tokens_load(&a->tokens, a->settings->auth_token_file, &fault);
    (void)log_quote(span_of(a->settings->auth_token_file), path, sizeof(path));
    if (r == 0) {
        log_info("tokens_loaded", "path=%s count=%" PRIu64, path, atomic_load(&a->tokens.count));
        return 0;
    }
    if (fault.line > 0)
        (void)snprintf(line, sizeof(line), " line=%u", fault.line);
    log_error(verdict->event, "path=%s%s errno=%s reason=\"%s\" hint=\"%s\"", path, line,
              errno_name(fault.error), fault.reason, verdict->hint);
    return r;
}

/* Limits per client, if there are any. */
static int reserve_limits(struct admitting *a, uint32_t clients_max)
{
    const struct settings *settings = a->settings;
    int r = 0;
    if (settings->rate_limit == 0 && settings->max_connections_per_client == 0 &&
        settings->proxy_protocol == 0)
        return 0;
    a->gate.origins = &a->origins;
    r = origins_init(&a->origins, settings);
    if (r == 0 && settings->rate_limit > 0) {
        uint64_t burst = settings->rate_limit_burst;
        a->gate.rate = &a->rate;
        r = rate_limit_create(&a->rate, settings->rate_limit,
                              burst > 0 ? burst : settings->rate_limit);
    }
    if (r == 0 && settings->max_connections_per_client > 0) {
        a->gate.connections = &a->connections;
        r = connection_count_create(&a->connections, clients_max,
                                    (uint32_t)settings->max_connections_per_client);
    }
    return r;
}

int admitting_begin(struct admitting *a, const struct settings *settings, uint32_t clients_max)
{
    a->settings = settings;
    return reserve_limits(a, clients_max);
}

int admitting_read_tokens(struct admitting *a)
{
    static const struct verdict refused = {
        "start_refused", "AUTH_TOKEN_FILE must name a good file that this user may read without "
                         "the capabilities of root"};
    if (a->settings->auth_token_file[0] == '\0')
        return 0;
    a->gate.tokens = &a->tokens;
    return load_tokens(a, &refused);
}

void admitting_end(struct admitting *a)
{
    if (a->gate.connections != NULL)
        connection_count_destroy(&a->connections);
    if (a->gate.rate != NULL)
        rate_limit_destroy(&a->rate);
}

const struct gate *admitting_gate(const struct admitting *a)
{
    return a->gate.tokens != NULL || a->gate.origins != NULL ? &a->gate : NULL;
}

void admitting_reload(struct admitting *a)
{
    static const struct verdict kept = {"tokens_kept",
                                        "the tokens that were read before stay good"};
    if (a->gate.tokens != NULL)
        (void)load_tokens(a, &kept);
}
