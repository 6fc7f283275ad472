/*
 * texts.c: short texts that become a value.  The first byte says which kind, and of a setting
 * the second one which setting.
 * Holds: what was taken comes out again the same way; what was refused has changed nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/duration.h"
#include "common/number.h"
#include "common/timestamp.h"
#include "server/api/decoded_id.h"
#include "server/http/accept.h"
#include "server/http/target.h"
#include "server/settings/settings.h"
#include "tests/fuzz/fuzz.h"

/* As `go-id decode` and GET /decode/ID have it. */
static void try_id(struct span text)
{
    static const struct sonyflake_layout layout = SONYFLAKE_LAYOUT_DEFAULT;
    uint64_t id;
    if (parse_u64_any_base(text, &id) < 0)
        return;

    char written[U64_DIGITS_MAX];
    uint64_t again;
    unsigned len = format_u64(id, written);
    MUST(len == format_u64_len(id));
    MUST(parse_u64((struct span){written, len}, 0, UINT64_MAX, &again) == 0 && again == id);

    struct sonyflake_parts parts;
    char json[DECODED_ID_JSON_MAX];
    enum sonyflake_status status = sonyflake_decompose(&layout, id, &parts);
    MUST((status == SONYFLAKE_OK) == (id <= SONYFLAKE_ID_MAX));
    MUST((decoded_id_json(&layout, id, json) > 0) == (status == SONYFLAKE_OK));
    if (status == SONYFLAKE_OK)
        MUST(sonyflake_compose(&layout, &parts, &again) == SONYFLAKE_OK && again == id);
}

static void try_time(struct span text)
{
    int64_t time_ns;
    unsigned column = 0;
    if (timestamp_parse(text, &time_ns, &column) < 0) {
        MUST(column >= 1 && column <= text.len + 1);
        return;
    }
    char written[TIMESTAMP_TEXT_MAX];
    int64_t again;
    timestamp_format_ms(time_ns, written);
    int r = timestamp_parse(span_of(written), &again, &column);
    /* The first milliseconds of int64_t are cut to a time before it. */
    if (r < 0) {
        MUST(time_ns < INT64_MIN + NS_PER_MS);
        return;
    }
    MUST(again <= time_ns && time_ns - again < NS_PER_MS);
}

static void try_duration(struct span text)
{
    int64_t duration_ns;
    if (duration_parse(text, &duration_ns) == 0)
        MUST(duration_ns >= 0);
}

/* Too large for a stack. */
static struct settings settings;
static struct settings before;
static struct problems problems;

static void check_listeners(void)
{
    MUST(settings.listener_count <= SETTINGS_LISTENERS_MAX);
    for (size_t i = 0; i < settings.listener_count; i++) {
        const struct listen_address *address = &settings.listeners[i];
        size_t len = strnlen(address->text, sizeof(address->text));
        MUST(len > 0 && len < sizeof(address->text));
    }
}

static void try_setting(struct span text)
{
    static const struct place place = {"environment", 0, 0};
    enum setting_id id = (enum setting_id)(fuzz_take_byte(&text) % (SETTING_COUNT + 1));
    if (settings.values[SETTING_SHARD_ID].text[0] == '\0')
        settings_init(&settings);
    memcpy(&before, &settings, sizeof(before)); /* with its padding */
    problems.count = 0;
    if (id == SETTING_COUNT)
        settings_set_listeners(&settings, text, place, &problems);
    else
        settings_set(&settings, id, text, SOURCE_ENVIRONMENT, place, &problems);

    if (problems.count > 0) {
        // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c): padding
        bool same = memcmp(&settings, &before, sizeof(settings)) == 0;
        MUST(same);
        return;
    }
    check_listeners();
    if (id < SETTING_COUNT)
        MUST(span_equal(span_of(settings.values[id].text), text));
    memcpy(&settings, &before, sizeof(settings));
}

static void try_path(struct span text)
{
    char decoded[256];
    size_t len;
    int r = http_path_decode(text, decoded, sizeof(decoded), &len);
    if (r == 0)
        MUST(len <= text.len && len <= sizeof(decoded));
}

static void try_query(struct span text)
{
    static struct http_query query;
    struct http_parameter parameter;
    if (text.len > HTTP_TARGET_MAX)
        return;
    http_query_begin(&query, text);
    size_t total = 0;
    for (enum http_query_step step;
         (step = http_query_next(&query, &parameter)) != HTTP_QUERY_END;) {
        if (step == HTTP_QUERY_PAIR)
            total += parameter.name.len + parameter.value.len;
    }
    MUST(total <= text.len);
}

static void try_accept(struct span text)
{
    struct http_accept accept;
    http_accept_init(&accept);
    (void)http_accept_add(&accept, text); /* every text is welcome */
    MUST(http_accept_best(&accept) < HTTP_MEDIA_COUNT);
    for (size_t i = 0; i < HTTP_MEDIA_COUNT; i++)
        MUST(accept.quality[i] <= 1000 && accept.specificity[i] <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_text(data, size);
    switch (fuzz_take_byte(&text) % 8) {
    case 0:
        try_id(text);
        break;
    case 1:
        try_time(text);
        break;
    case 2:
        try_duration(text);
        break;
    case 3:
        try_path(text);
        break;
    case 4:
        try_query(text);
        break;
    case 5:
        try_accept(text);
        break;
    default:
        try_setting(text);
        break;
    }
    return 0;
}
