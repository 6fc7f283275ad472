/* config.c: go-id config prints the effective settings, and where each comes from. */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "server/settings/settings_load.h"
#include "server/settings/settings_print.h"

/* Too large for some stacks, and needed once. */
static struct settings settings;
static struct problems problems;
static struct problems warnings;

static void print_help(void)
{
    (void)printf("Usage: go-id config [OPTION...]\n\n"
                 "Prints the settings that 'go-id serve' would use, and where each comes from.\n"
                 "The output is itself a config file.\n\n"
                 "Options:\n"
                 "  -c, --config FILE     read settings from FILE, as 'go-id serve' does\n"
                 "  -s, --sample          print a commented config file instead\n"
                 "  -h, --help            print this help\n\n"
                 "Exit status: 0 printed, 2 wrong arguments or settings.\n");
}

static int print_effective(const struct settings_sources *sources)
{
    settings_load(sources, &settings, &problems, &warnings);
    problems_print(&warnings, stderr);
    problems_print(&problems, stderr);
    if (problems.count > 0)
        return EXIT_STATUS_USAGE;
    settings_print_effective(&settings, sources->config_path, stdout);
    return EXIT_STATUS_OK;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"sample", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct settings_sources sources = {0};
    int option;
    while ((option = getopt_long(argc, argv, "c:sh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            sources.config_path = optarg;
            break;
        case 's':
            settings_print_sample(stdout);
            return EXIT_STATUS_OK;
        case 'h':
            print_help();
            return EXIT_STATUS_OK;
        default:
            return usage_error("config");
        }
    }
    if (optind < argc)
        return unexpected_argument("config", argv[optind]);
    return print_effective(&sources);
}
