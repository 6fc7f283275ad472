#include "server/settings/settings_print.h"

#include <inttypes.h>

/* Prints text, broken between words, each line behind indent and at most 80 columns long. */
static void print_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t width = 80 - strlen(indent);
    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > width) {
            len = width;
            while (len > 0 && text[len] != ' ')
                len--;
        }
        (void)fprintf(out, "%s%.*s\n", indent, (int)len, text);
        text += len;
        while (*text == ' ')
            text++;
    }
}

void settings_print_help(FILE *out)
{
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        struct setting_info info = setting_info((enum setting_id)id);
        const char *fallback = info.fallback[0] != '\0' ? info.fallback : info.unset;
        (void)fprintf(out, "  %s (default: %s)\n", info.name, fallback);
        print_wrapped(out, "      ", info.help);
        (void)fprintf(out, "      Takes %s.\n", info.values);
    }
}

void settings_print_sample(FILE *out)
{
    (void)fprintf(out,
                  "# go-id's settings, for `go-id serve --config FILE`, for systemd's\n"
                  "# EnvironmentFile= and for a shell.  The environment overrides this file.\n");
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        struct setting_info info = setting_info((enum setting_id)id);
        (void)fprintf(out, "\n");
        print_wrapped(out, "# ", info.help);
        (void)fprintf(out, "# Takes %s.", info.values);
        if (info.unset[0] != '\0')
            (void)fprintf(out, "  Unset: %s.", info.unset);
        (void)fprintf(out, "\n#%s=%s\n", info.name, info.fallback);
    }
}

static void print_source(const struct setting_value *value, const char *config_path, FILE *out)
{
    switch (value->source) {
    case SOURCE_DEFAULT:
        (void)fprintf(out, "# default\n");
        return;
    case SOURCE_FILE:
        (void)fprintf(out, "# from %s:%u\n", config_path, value->line);
        return;
    case SOURCE_ENVIRONMENT:
        (void)fprintf(out, "# from the environment\n");
        return;
    case SOURCE_OPTION:
        (void)fprintf(out, "# from the command line\n");
        return;
    }
}

/* A value in quotes that it does not contain itself. */
static void print_value(const char *name, const char *text, FILE *out)
{
    char quote = strchr(text, '"') != NULL ? '\'' : '"';
    (void)fprintf(out, "%s=%c%s%c\n", name, quote, text, quote);
}

void settings_print_effective(const struct settings *settings, const char *config_path, FILE *out)
{
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        struct setting_info info = setting_info((enum setting_id)id);
        const struct setting_value *value = &settings->values[id];
        print_source(value, config_path, out);
        if (id == SETTING_SHARD_ID && settings->shard_origin[0] != '\0')
            (void)fprintf(out, "# shard %" PRIu32 ": %s\n", settings->shards.first,
                          settings->shard_origin);
        if (value->text[0] != '\0')
            print_value(info.name, value->text, out);
        else
            (void)fprintf(out, "#%s= (unset: %s)\n", info.name, info.unset);
    }
}
