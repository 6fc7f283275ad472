/*
 * settings_file.c: the form of a config file.
 *
 * A line is KEY=value.  What is accepted means the same to this parser, to systemd's
 * EnvironmentFile= and to a POSIX shell; where those three disagree, the line is refused.
 */
#include "server/settings/settings.h"

struct line {
    struct span text;
    struct place place; /* its column is set where a message needs it */
    struct problems *problems;
};

static void complain(const struct line *line, size_t at, const char *message)
{
    struct place place = line->place;
    place.column = (unsigned)at + 1;
    problems_add(line->problems, place, "%s", message);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Characters that mean themselves without quotes, to a shell too. */
static bool is_plain(char c)
{
    return is_name_char(c) || (c != '\0' && strchr("./:,@%+-[]", c) != NULL);
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Characters that quotes do not protect from a shell or from systemd. */
static bool is_special(char c)
{
    return c == '$' || c == '`' || c == '\\';
}

static void complain_special(const struct line *line, size_t at)
{
    complain(line, at,
             "'$', '`' and '\\' are not allowed: shell and systemd would read them differently");
}

bool settings_file_can_hold(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (is_control(value.base[i]) || is_special(value.base[i]))
            return false;
    }
    return memchr(value.base, '"', value.len) == NULL ||
           memchr(value.base, '\'', value.len) == NULL;
}

/* Finds what no value may hold.  Returns false after a complaint. */
static bool check_bytes(const struct line *line)
{
    for (size_t i = 0; i < line->text.len; i++) {
        char c = line->text.base[i];
        if (c == '\r' && i + 1 == line->text.len) {
            complain(line, i, "the line ends in CR LF; save the file with LF alone");
            return false;
        }
        if (is_control(c)) {
            complain(line, i, "a control character; remove it");
            return false;
        }
    }
    return true;
}

/* To systemd before version 254 the line behind such a comment is a part of it. */
static void check_comment(const struct line *line)
{
    size_t last = line->text.len - 1;
    if (line->text.base[last] == '\\')
        complain(line, last, "a comment must not end in '\\': systemd would skip the next line");
}

/* Takes the value from behind the '='.  Returns false after a complaint. */
static bool take_quoted(const struct line *line, size_t start, struct span *ret_value)
{
    struct span text = line->text;
    char quote = text.base[start];
    size_t end = start + 1;
    while (end < text.len && text.base[end] != quote) {
        if (is_special(text.base[end])) {
            complain_special(line, end);
            return false;
        }
        end++;
    }
    if (end == text.len) {
        complain(line, start, "the closing quote is missing; put it behind the value");
        return false;
    }
    for (size_t i = end + 1; i < text.len; i++) {
        if (!is_blank(text.base[i])) {
            complain(line, i, "nothing may follow the closing quote; a comment needs its own line");
            return false;
        }
    }
    *ret_value = (struct span){text.base + start + 1, end - start - 1};
    return true;
}

static bool take_plain(const struct line *line, size_t start, struct span *ret_value)
{
    struct span text = line->text;
    size_t end = text.len;
    while (end > start && is_blank(text.base[end - 1]))
        end--;
    for (size_t i = start; i < end; i++) {
        if (is_plain(text.base[i]))
            continue;
        if (is_special(text.base[i]))
            complain_special(line, i);
        else if (i == start && is_blank(text.base[i]))
            complain(line, i, "no blank may follow the '='");
        else if (text.base[i] == '#' ||
                 (is_blank(text.base[i]) && memchr(text.base + i, '#', end - i)))
            complain(line, i, "a comment needs its own line");
        else
            complain(line, i, "this character needs quotes around the value: KEY=\"value\"");
        return false;
    }
    *ret_value = (struct span){text.base + start, end - start};
    return true;
}

/* Takes the name from the line's start.  Returns false after a complaint. */
static bool take_name(const struct line *line, size_t start, size_t *ret_end)
{
    struct span text = line->text;
    size_t end = start;
    while (end < text.len && is_name_char(text.base[end]))
        end++;
    if (end < text.len && text.base[end] == '=' && end > start) {
        *ret_end = end;
        return true;
    }
    struct span word = {text.base + start, end - start};
    if (span_equal(word, SPAN("export")))
        complain(line, start, "write KEY=value without 'export': systemd does not know it");
    else if (end < text.len && is_blank(text.base[end]) &&
             memchr(text.base + end, '=', text.len - end))
        complain(line, end, "no blank may stand before the '='");
    else
        complain(line, end, "expected KEY=value");
    return false;
}

static void unknown_name(const struct line *line, size_t start, struct span name)
{
    struct place place = line->place;
    place.column = (unsigned)start + 1;
    const char *meant = setting_suggest(name, 3);
    if (meant != NULL)
        problems_add(line->problems, place, "unknown setting '%.*s'; did you mean '%s'?",
                     (int)(name.len < 64 ? name.len : 64), name.base, meant);
    else
        problems_add(line->problems, place,
                     "unknown setting '%.*s'; 'go-id serve --help' lists the settings",
                     (int)(name.len < 64 ? name.len : 64), name.base);
}

static void read_line(struct settings *settings, const struct line *line,
                      unsigned first_lines[SETTING_COUNT])
{
    size_t start = 0;
    while (start < line->text.len && is_blank(line->text.base[start]))
        start++;
    if (!check_bytes(line) || start == line->text.len)
        return;
    if (line->text.base[start] == '#') {
        check_comment(line);
        return;
    }

    size_t name_end;
    if (!take_name(line, start, &name_end))
        return;
    struct span name = {line->text.base + start, name_end - start};
    enum setting_id id = setting_find(name);
    if (id == SETTING_COUNT) {
        unknown_name(line, start, name);
        return;
    }
    if (first_lines[id] != 0) {
        struct place place = line->place;
        place.column = (unsigned)start + 1;
        problems_add(line->problems, place,
                     "'%.*s' was already set on line %u; keep one of the two", SPAN_ARGS(name),
                     first_lines[id]);
        return;
    }
    first_lines[id] = line->place.line;

    size_t at = name_end + 1;
    struct span value;
    bool quoted =
        at < line->text.len && (line->text.base[at] == '"' || line->text.base[at] == '\'');
    if (quoted ? !take_quoted(line, at, &value) : !take_plain(line, at, &value))
        return;
    struct place place = line->place;
    place.column = (unsigned)(value.base - line->text.base) + 1;
    settings_set(settings, id, value, SOURCE_FILE, place, line->problems);
}

void settings_read_file(struct settings *settings, struct span text, const char *path,
                        struct problems *problems)
{
    unsigned first_lines[SETTING_COUNT] = {0};
    struct line line = {.place = {path, 0, 0}, .problems = problems};
    for (size_t at = 0; at < text.len;) {
        const char *newline = memchr(text.base + at, '\n', text.len - at);
        size_t end = newline != NULL ? (size_t)(newline - text.base) : text.len;
        line.text = (struct span){text.base + at, end - at};
        line.place.line++;
        read_line(settings, &line, first_lines);
        at = end + 1;
    }
}
