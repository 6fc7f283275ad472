/* version.c: go-id version. */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "sonyflake.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__ /* which says no name */
#endif

int command_version(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'h')
            return usage_error("version");
        (void)printf("Usage: go-id version\n\nPrints the version of go-id, which is that of its "
                     "libsonyflake too,\nand of the compiler that built it.\n\n"
                     "Options:\n  -h, --help            print this help\n\n"
                     "Exit status: 0 printed, 2 wrong arguments.\n");
        return EXIT_STATUS_OK;
    }
    if (optind < argc)
        return unexpected_argument("version", argv[optind]);
    (void)printf("go-id %s (%s)\n", sonyflake_version(), COMPILER);
    return EXIT_STATUS_OK;
}
