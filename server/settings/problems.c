#include "server/settings/problems.h"

#include <stdarg.h>

#include "common/bug.h"

void problems_add(struct problems *problems, struct place place, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX) {
        problems->dropped++;
        return;
    }
    char *text = problems->texts[problems->count++];
    int used;
    if (place.line == 0)
        used = snprintf(text, PROBLEM_TEXT_MAX, "%s: ", place.source);
    else if (place.column == 0)
        used = snprintf(text, PROBLEM_TEXT_MAX, "%s:%u: ", place.source, place.line);
    else
        used =
            snprintf(text, PROBLEM_TEXT_MAX, "%s:%u:%u: ", place.source, place.line, place.column);
    BUG_IF(used < 0);
    if ((size_t)used >= PROBLEM_TEXT_MAX)
        return; /* a path that leaves no room for a message */

    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + used, PROBLEM_TEXT_MAX - (size_t)used, format, arguments);
    va_end(arguments);
}

void problems_print(const struct problems *problems, FILE *out)
{
    for (size_t i = 0; i < problems->count; i++)
        (void)fprintf(out, "%s\n", problems->texts[i]);
    if (problems->dropped > 0)
        (void)fprintf(out, "... and %zu more problems\n", problems->dropped);
}
