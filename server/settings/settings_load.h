/* settings_load.h: settings from where operators put them: a file, the environment, options. */
#ifndef SERVER_SETTINGS_SETTINGS_LOAD_H
#define SERVER_SETTINGS_SETTINGS_LOAD_H

#include "server/settings/settings.h"

struct settings_sources {
    const char *config_path; /* --config; NULL: no file */
    const char *listen;      /* --listen; NULL: not given */
};

/*
 * Reads all sources, in the order of their precedence, into *settings.  Everything that is wrong
 * goes to problems; with any problem the settings must not be used.  What merely looks wrong,
 * such as a variable whose name is nearly one of ours, goes to warnings.
 */
void settings_load(const struct settings_sources *sources, struct settings *settings,
                   struct problems *problems, struct problems *warnings);

#endif
