/* health.c: go-id health asks a running service whether it can issue ids. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/http_client.h"
#include "common/errno_name.h"
#include "common/number.h"
#include "server/access/proxy_header.h"
#include "server/settings/settings_load.h"

/* Too large for some stacks, and needed once. */
static struct settings settings;
static struct problems problems;
static struct problems warnings;

static void print_help(void)
{
    (void)printf("Usage: go-id health [OPTION...] [URL]\n\n"
                 "Asks a running service for GET /health: container health checks without curl.\n"
                 "URL is http://host[:port][/path] or unix:/path/of/socket; by default it is\n"
                 "http://127.0.0.1:PORT/health, PORT being the SERVICE_PORT of the settings.\n\n"
                 "Options:\n"
                 "  -c, --config FILE     read SERVICE_PORT from FILE, as 'go-id serve' does\n"
                 "  -t, --timeout-ms N    give up after N ms, 1 to 600000 (default 2000)\n"
                 "  -h, --help            print this help\n\n"
                 "Exit status: 0 it says OK, 1 it does not, 2 wrong arguments or settings.\n");
}

/* preface: what the service expects before a request. */
static int ask(const char *text, struct span preface, uint64_t timeout_ms)
{
    struct http_url url;
    if (http_url_parse(text, "/health", &url) < 0) {
        (void)fprintf(stderr,
                      "go-id health: '%s' is no URL of the form http://host[:port][/path] or "
                      "unix:/path\n",
                      text);
        return EXIT_STATUS_USAGE;
    }
    url.preface = preface;
    char buffer[8192];
    struct http_answer answer;
    const char *step;
    int r = http_get(&url, timeout_ms, buffer, sizeof(buffer), &answer, &step);
    if (r < 0) {
        (void)fprintf(stderr, "go-id health: %s: %s failed: %s\n", text, step, errno_name(-r));
        return EXIT_STATUS_FAILURE;
    }
    if (answer.status == 200 && span_equal(answer.body, SPAN("OK"))) {
        (void)printf("OK\n");
        return EXIT_STATUS_OK;
    }
    char quoted[1024];
    (void)fprintf(stderr, "go-id health: %s: status %u: %s\n", text, answer.status,
                  log_quote(answer.body, quoted, sizeof(quoted)));
    return EXIT_STATUS_FAILURE;
}

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

static int ask_own(const struct settings_sources *sources, uint64_t timeout_ms)
{
    char url[64];
    settings_load(sources, &settings, &problems, &warnings);
    if (problems.count > 0) {
        problems_print(&problems, stderr);
        return EXIT_STATUS_USAGE;
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%" PRIu64 "/health", settings.service_port);
    return ask(url, own_preface(), timeout_ms);
}

int command_health(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"timeout-ms", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct settings_sources sources = {0};
    uint64_t timeout_ms = 2000;
    int option;
    while ((option = getopt_long(argc, argv, "c:t:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            sources.config_path = optarg;
            break;
        case 't':
            if (parse_u64(span_of(optarg), 1, 600000, &timeout_ms) < 0) {
                (void)fprintf(stderr,
                              "go-id health: --timeout-ms must be from 1 to 600000, not '%s'\n",
                              optarg);
                return EXIT_STATUS_USAGE;
            }
            break;
        case 'h':
            print_help();
            return EXIT_STATUS_OK;
        default:
            return usage_error("health");
        }
    }
    if (argc - optind > 1) {
        (void)fprintf(stderr, "go-id health: one URL is enough\n");
        return usage_error("health");
    }
    return optind < argc ? ask(argv[optind], SPAN(""), timeout_ms) : ask_own(&sources, timeout_ms);
}
