/* main.c: go-id, one binary with subcommands, of which `serve` is the daemon. */
#include <stdio.h>

#include "cli/command.h"
#include "common/suggest.h"

static int command_help(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", command_serve, "hand out ids over HTTP"},
    {"generate", command_generate, "get ids from a running service"},
    {"decode", command_decode, "take ids apart"},
    {"health", command_health, "ask a running service whether it can issue ids"},
    {"config", command_config, "print the effective settings, and where each comes from"},
    {"state", command_state, "look at what survives a crash, and change it"},
    {"version", command_version, "print the version"},
    {"help", command_help, "print this help"},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
    (void)fprintf(out, "Usage: go-id COMMAND [OPTION...]\n\n"
                       "Unique, sortable 64-bit ids (Sonyflake) over HTTP.\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(out, "\n'go-id COMMAND --help' says more about a command.\n\n"
                       "Exit status: 0 done, 1 failed, 2 wrong arguments or settings.\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (span_equal(span_of(name), span_of(commands[i].name)))
            return &commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *meant = suggest(span_of(name), names, COMMAND_COUNT, 2);
    (void)fprintf(stderr, "go-id: there is no command '%s'", name);
    if (meant != NULL)
        (void)fprintf(stderr, "; did you mean '%s'?\n", meant);
    else
        (void)fprintf(stderr, "; 'go-id help' lists the commands\n");
    return EXIT_STATUS_USAGE;
}

/* `go-id help` and `go-id help COMMAND`. */
static int command_help(int argc, char **argv)
{
    char option[] = "--help";
    if (argc < 2 || span_equal(span_of(argv[1]), span_of(option))) {
        print_help(stdout);
        return EXIT_STATUS_OK;
    }
    if (argc > 2)
        return unexpected_argument("help", argv[2]);
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    char *arguments[] = {argv[1], option, NULL};
    return command->run(2, arguments);
}

int usage_error(const char *command)
{
    (void)fprintf(stderr, "'go-id %s --help' shows the options\n", command);
    return EXIT_STATUS_USAGE;
}

int unexpected_argument(const char *command, const char *argument)
{
    (void)fprintf(stderr, "go-id %s: unexpected argument '%s'\n", command, argument);
    return usage_error(command);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_STATUS_USAGE;
    }
    const char *name = argv[1];
    if (span_equal(span_of(name), SPAN("--help")) || span_equal(span_of(name), SPAN("-h")))
        name = "help";
    if (span_equal(span_of(name), SPAN("--version")) || span_equal(span_of(name), SPAN("-V")))
        name = "version";

    const struct command *command = find_command(name);
    if (command == NULL)
        return unknown_command(name);
    char title[32]; /* longer than any name in the table */
    (void)snprintf(title, sizeof(title), "go-id %s", command->name);
    argv[1] = title;
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "go-id: cannot write to standard output; make room there, or write "
                              "elsewhere\n");
        return EXIT_STATUS_FAILURE;
    }
    return status;
}
