/* serve.h: the daemon, from settings to exit code. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/settings/settings.h"

/*
 * Serves until SIGTERM or SIGINT and returns the process's exit code (see cli/command.h).  Says
 * what goes wrong in the log, beginning with the warnings of settings_load().  Once connections
 * are accepted, writes "host port\n" per TCP listener and "unix:/path 0\n" per Unix socket to
 * ready_fd and closes it; -1: nobody waits.  To be called once per process, with no other threads
 * running: it takes over the signals.
 */
int serve(const struct settings *settings, const struct problems *warnings, int ready_fd);

#endif
