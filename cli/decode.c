/* decode.c: go-id decode takes ids apart. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "common/log.h"
#include "common/number.h"
#include "common/timestamp.h"
#include "server/api/decoded_id.h"

struct style {
    struct sonyflake_layout layout;
    bool json;
    bool heading_printed;
};

static void print_help(void)
{
    (void)printf("Usage: go-id decode [OPTION...] ID...\n\n"
                 "Takes ids apart.  An ID is decimal, or hexadecimal with 0x; '-' reads ids from\n"
                 "standard input, one per line.\n\n"
                 "Options:\n"
                 "  -j, --json              one JSON object per line, as GET /decode/ID answers\n"
                 "  -s, --start-time TIME   of the service that issued them (RFC 3339;\n"
                 "                          default 2014-09-01T00:00:00Z)\n"
                 "  -h, --help              print this help\n\n"
                 "Exit status: 0 all decoded, 1 some could not be, 2 wrong arguments.\n");
}

static void print_row(struct style *style, uint64_t id)
{
    struct sonyflake_parts parts;
    int64_t time_ns;
    char time_text[TIMESTAMP_TEXT_MAX];
    if (sonyflake_decompose(&style->layout, id, &parts) != SONYFLAKE_OK ||
        sonyflake_id_time(&style->layout, id, &time_ns) != SONYFLAKE_OK)
        return;
    timestamp_format_ms(time_ns, time_text);
    if (!style->heading_printed)
        (void)printf("%-19s  %-24s  %12s  %8s  %10s\n", "id", "time", "elapsed time", "sequence",
                     "machine id");
    style->heading_printed = true;
    (void)printf("%-19" PRIu64 "  %-24s  %12" PRIu64 "  %8" PRIu32 "  %10" PRIu32 "\n", id,
                 time_text, parts.elapsed_time, parts.sequence, parts.machine_id);
}

/* Returns false, having said why, when text is no id. */
static bool decode(struct style *style, struct span text)
{
    uint64_t id;
    char json[DECODED_ID_JSON_MAX];
    char quoted[80];
    if (parse_u64_any_base(text, &id) < 0 || id > SONYFLAKE_ID_MAX) {
        (void)fprintf(stderr,
                      "go-id decode: %s cannot be an id: a number from 0 to "
                      "9223372036854775807, or 0x0 to 0x7fffffffffffffff\n",
                      log_quote(text, quoted, sizeof(quoted)));
        return false;
    }
    if (decoded_id_json(&style->layout, id, json) == 0) {
        (void)fprintf(stderr,
                      "go-id decode: the time of %" PRIu64
                      " lies past the year 2262 with this --start-time; give that of the service "
                      "which issued it\n",
                      id);
        return false;
    }
    if (style->json)
        (void)printf("%s\n", json);
    else
        print_row(style, id);
    return true;
}

/* Ids from standard input, one per line; empty lines are passed over. */
static bool decode_lines(struct style *style)
{
    char *line = NULL;
    size_t capacity = 0;
    bool all = true;
    for (ssize_t len; (len = getline(&line, &capacity, stdin)) != -1;) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (len > 0 && !decode(style, (struct span){line, (size_t)len}))
            all = false;
    }
    free(line);
    if (ferror(stdin) != 0) {
        (void)fprintf(stderr, "go-id decode: cannot read standard input; redirect it from a "
                              "file or a pipe\n");
        all = false;
    }
    return all;
}

static bool parse_start_time(const char *text, struct sonyflake_layout *layout)
{
    unsigned column;
    if (timestamp_parse(span_of(text), &layout->start_time_ns, &column) == 0 &&
        sonyflake_layout_check(layout) == SONYFLAKE_OK)
        return true;
    (void)fprintf(stderr,
                  "go-id decode: --start-time must be a time from 1970 on, such as "
                  "2014-09-01T00:00:00Z, not '%s'\n",
                  text);
    return false;
}

int command_decode(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"start-time", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct style style = {.layout = SONYFLAKE_LAYOUT_DEFAULT};
    int option;
    while ((option = getopt_long(argc, argv, "js:h", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            style.json = true;
            break;
        case 's':
            if (!parse_start_time(optarg, &style.layout))
                return EXIT_STATUS_USAGE;
            break;
        case 'h':
            print_help();
            return EXIT_STATUS_OK;
        default:
            return usage_error("decode");
        }
    }
    if (optind == argc) {
        (void)fprintf(stderr, "go-id decode: an ID is missing\n");
        return usage_error("decode");
    }
    bool all = true;
    for (int i = optind; i < argc; i++) {
        struct span text = span_of(argv[i]);
        bool done = span_equal(text, SPAN("-")) ? decode_lines(&style) : decode(&style, text);
        all = all && done;
    }
    return all ? EXIT_STATUS_OK : EXIT_STATUS_FAILURE;
}
