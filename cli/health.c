/* health.c: go-id health asks a running service whether it can issue ids. */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/target.h"

static void print_help(void)
{
    (void)printf("Usage: go-id health [OPTION...] [URL]\n\n"
                 "Asks a running service for GET /health: container health checks without curl.\n"
                 "URL is http://host[:port][/path] or unix:/path/of/socket; by default it is\n"
                 "http://127.0.0.1:PORT/health, PORT being the SERVICE_PORT of the settings.\n\n"
                 "Options:\n"
                 "  -c, --config FILE     read SERVICE_PORT from FILE, as 'go-id serve' does\n"
                 "  -k, --token-file FILE show the first token in FILE; without, GO_ID_TOKEN of\n"
                 "                        the environment.  /health needs none, other paths may\n"
                 "  -t, --timeout-ms N    give up after N ms, 1 to 600000 (default 2000)\n"
                 "  -h, --help            print this help\n\n"
                 "Exit status: 0 it says OK, 1 it does not, 2 wrong arguments or settings.\n");
}

static int ask(const struct target *target)
{
    struct http_url url;
    const char *text;
    int status = target_find(target, "/health", &url, &text);
    if (status != EXIT_STATUS_OK)
        return status;

    struct http_connection connection = HTTP_CONNECTION_INIT;
    char buffer[8192];
    struct http_answer answer;
    const char *step;
    int r = http_get(&connection, &url, url.path, target->timeout_ms, buffer, sizeof(buffer),
                     &answer, &step);
    if (r < 0)
        return target_say_failure(target, text, step, r);
    if (answer.status == 200 && span_equal(answer.body, SPAN("OK"))) {
        (void)printf("OK\n");
        return EXIT_STATUS_OK;
    }
    target_say_status(target, text, &answer, target_next_step(answer.status));
    return EXIT_STATUS_FAILURE;
}

int command_health(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"token-file", required_argument, NULL, 'k'},
                                            {"timeout-ms", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct target target = {.command = "health", .timeout_ms = TARGET_TIMEOUT_MS};
    int option;
    while ((option = getopt_long(argc, argv, "c:k:t:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            target.config_path = optarg;
            break;
        case 'k':
            target.token_file = optarg;
            break;
        case 't':
            if (!target_take_timeout(&target, optarg))
                return EXIT_STATUS_USAGE;
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
    target.url = optind < argc ? argv[optind] : NULL;
    return ask(&target);
}
