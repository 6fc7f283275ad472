/* serve.c: go-id serve, from the command line to the daemon. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "common/number.h"
#include "server/api/api.h"
#include "server/serve.h"
#include "server/settings/settings_load.h"
#include "server/settings/settings_print.h"

/* Too large for some stacks, and needed once. */
static struct settings settings;
static struct problems problems;
static struct problems warnings;
static char listen_list[SETTINGS_TEXT_MAX];

/* The paths as the API has them; what follows a path is an id. */
static void print_paths(void)
{
    struct span path;
    for (unsigned i = 0; (path = api_path(i)).len > 0; i++) {
        bool goes_on = path.len > 1 && path.base[path.len - 1] == '/';
        (void)printf("%s%.*s%s", i > 0 ? " " : "", (int)path.len, path.base, goes_on ? "ID" : "");
    }
}

static void print_help(void)
{
    (void)printf("Usage: go-id serve [OPTION...]\n\n"
                 "Hands out ids over HTTP, by GET at\n");
    print_paths();
    (void)printf("\n\n"
                 "Options:\n"
                 "  -c, --config FILE     read settings from FILE (see 'go-id config --sample')\n"
                 "  -l, --listen LIST     listen on HOST:PORT, [IPV6]:PORT or unix:/path, a comma\n"
                 "                        list; instead of LISTEN_ADDRESS and SERVICE_PORT.\n"
                 "                        Port 0: the kernel chooses.  May be repeated\n"
                 "  -r, --ready-fd N      write \"host port\" per address to descriptor N once\n"
                 "                        clients can connect, and close it\n"
                 "  -h, --help            print this help\n\n"
                 "Settings, from the environment or from FILE; the environment wins:\n");
    settings_print_help(stdout);
    (void)printf("\nSIGTERM and SIGINT finish what was received and stop; SIGHUP reopens LOG_FILE\n"
                 "and reads AUTH_TOKEN_FILE again.\n"
                 "Exit status: 0 stopped, 1 failed, 2 wrong arguments or settings.\n");
}

/* An open descriptor that is not one of the standard three. */
static bool parse_fd(const char *text, int *ret_fd)
{
    uint64_t value;
    if (parse_u64(span_of(text), 3, INT32_MAX, &value) < 0 || fcntl((int)value, F_GETFD) == -1) {
        (void)fprintf(stderr,
                      "go-id serve: --ready-fd must be the number of an open descriptor from 3 on, "
                      "not '%s'\n",
                      text);
        return false;
    }
    *ret_fd = (int)value;
    /* Not for those we might start one day. */
    (void)fcntl(*ret_fd, F_SETFD, FD_CLOEXEC);
    return true;
}

/* Adds the value of one --listen to those before it.  Returns false, having said why, if it is
 * full. */
static bool add_listen(const char *value, struct settings_sources *sources)
{
    size_t used = strlen(listen_list);
    size_t room = sizeof(listen_list) - used;
    int len = snprintf(listen_list + used, room, "%s%s", sources->listen != NULL ? "," : "", value);
    if (len < 0 || (size_t)len >= room) {
        (void)fprintf(stderr, "go-id serve: all --listen together may have %zu bytes\n",
                      sizeof(listen_list) - 1);
        return false;
    }
    sources->listen = listen_list;
    return true;
}

static int run(const struct settings_sources *sources, int ready_fd)
{
    settings_load(sources, &settings, &problems, &warnings);
    if (problems.count > 0) {
        problems_print(&problems, stderr);
        return EXIT_STATUS_USAGE;
    }
    return serve(&settings, &warnings, ready_fd);
}

int command_serve(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"ready-fd", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct settings_sources sources = {0};
    int ready_fd = -1;
    int option;
    while ((option = getopt_long(argc, argv, "c:l:r:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            sources.config_path = optarg;
            break;
        case 'l':
            if (!add_listen(optarg, &sources))
                return EXIT_STATUS_USAGE;
            break;
        case 'r':
            if (!parse_fd(optarg, &ready_fd))
                return EXIT_STATUS_USAGE;
            break;
        case 'h':
            print_help();
            return EXIT_STATUS_OK;
        default:
            return usage_error("serve");
        }
    }
    if (optind < argc)
        return unexpected_argument("serve", argv[optind]);
    return run(&sources, ready_fd);
}
