/*
 * settings.c: a config file.
 * Holds: every complaint is readable and says where; lines do not depend on those behind them; and
 * a file without complaints means the same after go-id has printed it and read it again.
 */
#include <stdlib.h>

#include "server/settings/settings_print.h"
#include "tests/fuzz/fuzz.h"

#define PRINTED_MAX (SETTING_COUNT * (SETTINGS_TEXT_MAX + 256))

/* Too large for a stack. */
static struct settings settings;
static struct settings again;
static struct problems problems;
static struct problems fewer;
static char printed[PRINTED_MAX];

static void read_file(struct settings *into, struct problems *found, struct span text)
{
    found->count = 0;
    found->dropped = 0;
    settings_init(into);
    settings_read_file(into, text, "f", found);
}

static void check_problems(void)
{
    MUST(problems.count <= PROBLEMS_MAX);
    MUST(problems.dropped == 0 || problems.count == PROBLEMS_MAX);
    for (size_t i = 0; i < problems.count; i++) {
        const char *text = problems.texts[i];
        size_t len = strnlen(text, PROBLEM_TEXT_MAX);
        MUST(len > 4 && len < PROBLEM_TEXT_MAX && memcmp(text, "f:", 2) == 0);
        for (size_t at = 0; at < len; at++)
            MUST((unsigned char)text[at] >= 0x20 && text[at] != 0x7f);
    }
}

/* What stands before a line end is read the same without what follows it. */
static void check_cut(struct span text)
{
    size_t cut = fuzz_cut(text, fuzz_cut_count(text) - 1);
    while (cut > 0 && text.base[cut - 1] != '\n')
        cut--;
    read_file(&again, &fewer, (struct span){text.base, cut});
    MUST(fewer.count <= problems.count);
    for (size_t i = 0; i < fewer.count; i++)
        MUST(strcmp(fewer.texts[i], problems.texts[i]) == 0);
}

static void check_printed(void)
{
    FILE *out = fmemopen(printed, sizeof(printed), "w");
    MUST(out != NULL);
    settings_print_effective(&settings, "f", out);
    MUST(fclose(out) == 0);

    read_file(&again, &fewer, span_of(printed));
    MUST(fewer.count == 0);
    for (unsigned id = 0; id < SETTING_COUNT; id++)
        MUST(strcmp(settings.values[id].text, again.values[id].text) == 0);
    MUST(settings.shards.first == again.shards.first &&
         settings.shards.count == again.shards.count);
    MUST(settings.listener_count == again.listener_count);
    MUST(memcmp(settings.listeners, again.listeners,
                settings.listener_count * sizeof(settings.listeners[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_text(data, size);
    if (size > SETTINGS_FILE_MAX) /* settings_load.c reads no more */
        return 0;
    read_file(&settings, &problems, text);
    check_problems();
    check_cut(text);
    if (problems.count == 0)
        check_printed();
    settings_finish(&settings, &problems);
    return 0;
}
