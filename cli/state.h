/* state.h: what the actions of `go-id state` share; for state*.c only. */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/settings/settings.h"
#include "server/store/start_check.h"
#include "server/store/state_directory.h"

/* A state directory, opened and read. */
struct state_view {
    const struct settings *settings;
    struct state_directory directory;
    bool has_record;
    struct state_record record;
    struct start_identity identity; /* of a process with these settings */
    struct start_plan plan;         /* what it would do */
};

/* Each prints what it does, or why it does not, and returns the exit status. */
int state_show(struct state_view *view);
int state_adopt(struct state_view *view);
int state_migrate(struct state_view *view);
int state_accept_clock(struct state_view *view, bool yes);

#endif
