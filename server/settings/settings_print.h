/* settings_print.h: the table of settings, for people and as a config file. */
#ifndef SERVER_SETTINGS_SETTINGS_PRINT_H
#define SERVER_SETTINGS_SETTINGS_PRINT_H

#include <stdio.h>

#include "server/settings/settings.h"

/* Name, values, default and help of every setting, in at most 80 columns. */
void settings_print_help(FILE *out);

/* A config file with every setting, commented out, at its default. */
void settings_print_sample(FILE *out);

/*
 * The values in force, each with a comment that says where it comes from.  The output is itself a
 * config file.
 */
void settings_print_effective(const struct settings *settings, const char *config_path, FILE *out);

#endif
