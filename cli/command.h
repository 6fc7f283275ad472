/*
 * command.h: the subcommands of `go-id`, and what their exit statuses mean.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_FAILURE = 1, /* it could not be done: the service is down, the port is taken, ... */
    EXIT_STATUS_USAGE = 2,   /* wrong arguments or settings; nothing was done */
};

/*
 * All subcommands take their arguments as main() does, argv[0] being "go-id" and the subcommand's
 * name, with which getopt_long() begins its messages.  They return an exit status.
 */
int command_config(int argc, char **argv);
int command_decode(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_health(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_state(int argc, char **argv);
int command_version(int argc, char **argv);

/* Says on stderr where help is, after getopt_long() has said what is wrong; returns the status. */
int usage_error(const char *command);

/* Refuses an argument that the subcommand has no use for; returns the status. */
int unexpected_argument(const char *command, const char *argument);

#endif
