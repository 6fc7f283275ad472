#include "cli/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "common/number.h"
#include "server/access/proxy_header.h"
#include "server/settings/settings_load.h"

/* Too large for some stacks, and needed once. */
static struct settings settings;
static struct problems problems;
static struct problems warnings;

bool target_take_timeout(struct target *target, const char *text)
{
    if (parse_u64(span_of(text), 1, 600000, &target->timeout_ms) == 0)
        return true;
    (void)fprintf(stderr, "go-id %s: --timeout-ms must be from 1 to 600000, not '%s'\n",
                  target->command, text);
    return false;
}

/* ---- Token ---------------------------------------------------------------------------------- */

/* What goes into a field of a request as it stands. */
static bool copy_token(struct span token, char out[static HTTP_TOKEN_MAX])
{
    if (token.len == 0 || token.len >= HTTP_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        if (token.base[i] <= ' ' || token.base[i] >= 0x7f)
            return false;
        out[i] = token.base[i];
    }
    out[token.len] = '\0';
    return true;
}

/* The first line that is neither empty nor a comment: any token of the service's file will do. */
static int read_token(FILE *file, char out[static HTTP_TOKEN_MAX])
{
    char line[HTTP_TOKEN_MAX + 2];
    while (fgets(line, sizeof(line), file) != NULL) {
        struct span token = span_of(line);
        while (token.len > 0 && (line[token.len - 1] == '\n' || line[token.len - 1] == '\r'))
            token.len--;
        if (token.len > 0 && token.base[0] != '#')
            return copy_token(token, out) ? 0 : -EINVAL;
    }
    return ferror(file) != 0 ? -EIO : -EINVAL;
}

static int token_from_file(const char *command, const char *path, char out[static HTTP_TOKEN_MAX])
{
    FILE *file = fopen(path, "re");
    int r = file != NULL ? read_token(file, out) : -errno;
    if (file != NULL)
        (void)fclose(file); /* it was only read */
    if (r == 0)
        return EXIT_STATUS_OK;
    if (r == -EINVAL)
        (void)fprintf(stderr,
                      "go-id %s: %s: there is no token in it; put one on a line of its own\n",
                      command, path);
    else
        (void)fprintf(stderr,
                      "go-id %s: %s: cannot read it: %s; name a file that you may read with "
                      "--token-file, or put the token into GO_ID_TOKEN\n",
                      command, path, errno_name(-r));
    return EXIT_STATUS_USAGE;
}

static int find_token(const struct target *target, char out[static HTTP_TOKEN_MAX])
{
    const char *token = getenv("GO_ID_TOKEN");
    if (target->token_file != NULL)
        return token_from_file(target->command, target->token_file, out);
    if (token != NULL && token[0] != '\0') {
        if (copy_token(span_of(token), out))
            return EXIT_STATUS_OK;
        (void)fprintf(stderr,
                      "go-id %s: environment: GO_ID_TOKEN must be a token, without blanks, of at "
                      "most %d characters\n",
                      target->command, HTTP_TOKEN_MAX - 1);
        return EXIT_STATUS_USAGE;
    }
    if (target->url == NULL && target->token_is_needed && settings.auth_token_file[0] != '\0')
        return token_from_file(target->command, settings.auth_token_file, out);
    return EXIT_STATUS_OK;
}

/* ---- URL ------------------------------------------------------------------------------------ */

/* A service that trusts proxies on its own machine takes us for one of them. */
static struct span own_preface(void)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct ip_address address = ip_address_of_ipv4(loopback);
    for (size_t i = 0; settings.proxy_protocol != 0 && i < settings.trusted_proxies.count; i++) {
        if (ip_network_has(&settings.trusted_proxies.networks[i], &address))
            return proxy_header_of_ourselves();
    }
    return SPAN("");
}

int target_find(const struct target *target, const char *default_path, struct http_url *ret_url,
                const char **ret_text)
{
    static char own[64];
    struct span preface = SPAN("");
    *ret_text = target->url;
    if (target->url == NULL) {
        struct settings_sources sources = {.config_path = target->config_path};
        settings_load(&sources, &settings, &problems, &warnings);
        if (problems.count > 0) {
            problems_print(&problems, stderr);
            return EXIT_STATUS_USAGE;
        }
        (void)snprintf(own, sizeof(own), "http://127.0.0.1:%" PRIu64 "%s", settings.service_port,
                       default_path);
        *ret_text = own;
        preface = own_preface();
    }
    if (http_url_parse(*ret_text, default_path, ret_url) < 0) {
        (void)fprintf(stderr,
                      "go-id %s: '%s' is no URL of the form http://host[:port][/path] or "
                      "unix:/path\n",
                      target->command, *ret_text);
        return EXIT_STATUS_USAGE;
    }
    ret_url->preface = preface;
    return find_token(target, ret_url->token);
}

const char *target_url_of_environment(void)
{
    const char *url = getenv("GO_ID_URL");
    return url != NULL && url[0] != '\0' ? url : NULL;
}

/* ---- Failures ------------------------------------------------------------------------------- */

static const char *next_step(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT:
        return "nobody listens there: start the service, or correct the address";
    case EACCES:
        return "you may not connect: see UNIX_SOCKET_GROUP and UNIX_SOCKET_MODE of the service";
    case EDESTADDRREQ:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "correct the host, or the network";
    case ETIMEDOUT:
        return "look at the service's log, or give it longer with --timeout-ms";
    case EPROTO:
        return "what answers there is no go-id: correct the address";
    default:
        return "look at the service's log, and try again";
    }
}

const char *target_next_step(unsigned status)
{
    switch (status) {
    case 200:
    case 404:
        return "; correct the URL: what answers there is not what was asked for";
    case 401:
        return "; give a token with --token-file, or in GO_ID_TOKEN";
    case 429:
    case 503:
        return "; ask again later";
    default:
        return "; correct the URL, or look at the service's log";
    }
}

struct span target_value_of(struct span json, struct span key, const char *ends)
{
    const char *found = memmem(json.base, json.len, key.base, key.len);
    if (found == NULL)
        return (struct span){json.base + json.len, 0};
    const char *value = found + key.len;
    const char *end = value;
    while (end < json.base + json.len && strchr(ends, *end) == NULL)
        end++;
    return (struct span){value, (size_t)(end - value)};
}

/* The detail of a problem+json, if it can be shown as it stands; else the whole body. */
static struct span reason_of(struct span body)
{
    struct span detail = target_value_of(body, SPAN("\"detail\":\""), "\"\\");
    const char *end = detail.base + detail.len;
    return end < body.base + body.len && *end == '"' ? detail : body;
}

void target_say_status(const struct target *target, const char *url_text,
                       const struct http_answer *answer, const char *what)
{
    char quoted[1024];
    (void)fprintf(stderr, "go-id %s: %s: status %u: %s%s\n", target->command, url_text,
                  answer->status, log_quote(reason_of(answer->body), quoted, sizeof(quoted)), what);
}

int target_say_failure(const struct target *target, const char *url_text, const char *step, int r)
{
    bool no_address = r == -EDESTADDRREQ; /* a name for programmers */
    (void)fprintf(stderr, "go-id %s: %s: %s%s%s; %s\n", target->command, url_text,
                  no_address ? "the host name does not resolve" : step,
                  no_address ? "" : " failed: ", no_address ? "" : errno_name(-r), next_step(-r));
    return EXIT_STATUS_FAILURE;
}
