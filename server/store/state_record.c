#include "server/store/state_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bug.h"
#include "common/number.h"

#define NAME "go-id-state "
#define VERSION "1"

const char *state_record_fault_text(enum state_record_fault fault)
{
    static const char *const texts[] = {[STATE_RECORD_GOOD] = "it is good",
#define X(name, text) [name] = text,
                                        STATE_RECORD_FAULTS(X)
#undef X
    };
    return texts[fault];
}

/*
 * CRC-32 as in IEEE 802.3 and zlib.  It finds every change of up to 32 bits in a row; bit by bit,
 * since the text is short and a table would be longer than the record.
 */
static uint32_t crc32(const char *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

/* ---- Writing -------------------------------------------------------------------------------- */

size_t state_record_encode(const struct state_record *record, char out[static STATE_RECORD_MAX])
{
    int len = snprintf(out, STATE_RECORD_MAX,
                       NAME VERSION "\n"
                                    "mark=%" PRId64 "\n"
                                    "floor=%" PRIu64 "\n"
                                    "start_time=%" PRId64 "\n"
                                    "time_unit=%" PRId64 "\n"
                                    "sequence_bits=%" PRIu32 "\n"
                                    "machine_id_bits=%" PRIu32 "\n"
                                    "shard_first=%" PRIu32 "\n"
                                    "shard_last=%" PRIu32 "\n"
                                    "instance=%s\n"
                                    "subvolume=%s\n"
                                    "boot=%s\n"
                                    "clock_offset=%" PRId64 "\n",
                       record->mark_ns, record->floor, record->layout.start_time_ns,
                       record->layout.time_unit_ns, record->layout.sequence_bits,
                       record->layout.machine_id_bits, record->shards.first,
                       record->shards.first + record->shards.count - 1, record->instance,
                       record->subvolume.text, record->boot.text, record->clock_offset_ns);
    BUG_IF(len < 0 || len >= STATE_RECORD_MAX);

    size_t room = STATE_RECORD_MAX - (size_t)len;
    int tail_len = snprintf(out + len, room, "checksum=%08" PRIx32 "\n", crc32(out, (size_t)len));
    BUG_IF(tail_len < 0 || (size_t)tail_len >= room);
    return (size_t)len + (size_t)tail_len;
}

/* ---- Reading -------------------------------------------------------------------------------- */

#define CHECKSUM_LINE_LEN (sizeof("checksum=00000000\n") - 1)

static bool begins(struct span text, struct span start)
{
    return text.len >= start.len && memcmp(text.base, start.base, start.len) == 0;
}

/* Takes "name=value\n" from the front of *rest. */
static bool take_line(struct span *rest, const char *name, struct span *ret_value)
{
    struct span expected = span_of(name);
    if (!begins(*rest, expected) || rest->len == expected.len || rest->base[expected.len] != '=')
        return false;
    const char *value = rest->base + expected.len + 1;
    size_t left = rest->len - expected.len - 1;
    const char *end = memchr(value, '\n', left);
    if (end == NULL)
        return false;
    *ret_value = (struct span){value, (size_t)(end - value)};
    *rest = (struct span){end + 1, left - ret_value->len - 1};
    return true;
}

static bool take_u64(struct span *rest, const char *name, uint64_t max, uint64_t *ret_value)
{
    struct span text;
    return take_line(rest, name, &text) && parse_u64(text, 0, max, ret_value) == 0;
}

static bool take_u32(struct span *rest, const char *name, uint32_t max, uint32_t *ret_value)
{
    uint64_t value;
    if (!take_u64(rest, name, max, &value))
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

static bool take_i64(struct span *rest, const char *name, int64_t *ret_value)
{
    struct span text;
    uint64_t value;
    if (!take_line(rest, name, &text))
        return false;
    bool negative = text.len > 0 && text.base[0] == '-';
    struct span digits = {text.base + negative, text.len - negative};
    if (parse_u64(digits, 0, (uint64_t)INT64_MAX + negative, &value) < 0)
        return false;
    *ret_value = (int64_t)(negative ? 0 - value : value); /* the smallest one has no opposite */
    return true;
}

static bool take_text(struct span *rest, const char *name, char *out, size_t capacity)
{
    struct span text;
    if (!take_line(rest, name, &text) || text.len >= capacity ||
        memchr(text.base, '\0', text.len) != NULL)
        return false;
    memcpy(out, text.base, text.len);
    out[text.len] = '\0';
    return true;
}

static bool take_name(struct span *rest, const char *name, char *out, size_t capacity)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    return take_text(rest, name, out, capacity) && out[0] != '\0' &&
           out[strspn(out, allowed)] == '\0';
}

static bool take_uuid(struct span *rest, const char *name, struct uuid_text *ret_uuid)
{
    if (!take_text(rest, name, ret_uuid->text, sizeof(ret_uuid->text)))
        return false;
    if (ret_uuid->text[0] == '\0')
        return true;
    /* The NUL of a shorter text is neither a digit nor a dash. */
    for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
        char c = ret_uuid->text[i];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash_place ? c != '-' : !is_digit)
            return false;
    }
    return true;
}

/* Reads all lines between the first and the checksum. */
static bool take_record(struct span rest, struct state_record *record)
{
    uint32_t last;
    bool complete = take_i64(&rest, "mark", &record->mark_ns) &&
                    take_u64(&rest, "floor", SONYFLAKE_ID_MAX, &record->floor) &&
                    take_i64(&rest, "start_time", &record->layout.start_time_ns) &&
                    take_i64(&rest, "time_unit", &record->layout.time_unit_ns) &&
                    take_u32(&rest, "sequence_bits", 63, &record->layout.sequence_bits) &&
                    take_u32(&rest, "machine_id_bits", 63, &record->layout.machine_id_bits) &&
                    take_u32(&rest, "shard_first", SHARD_MAX, &record->shards.first) &&
                    take_u32(&rest, "shard_last", SHARD_MAX, &last) &&
                    take_name(&rest, "instance", record->instance, sizeof(record->instance)) &&
                    take_uuid(&rest, "subvolume", &record->subvolume) &&
                    take_uuid(&rest, "boot", &record->boot) &&
                    take_i64(&rest, "clock_offset", &record->clock_offset_ns);
    if (!complete || rest.len != 0 || last < record->shards.first)
        return false;
    record->shards.count = last - record->shards.first + 1;
    return true;
}

/* Whether the values make sense, so that nobody behind us has to doubt them. */
static bool is_sane(const struct state_record *record)
{
    return sonyflake_layout_check(&record->layout) == SONYFLAKE_OK && record->mark_ns >= 0 &&
           record->mark_ns % record->layout.time_unit_ns == 0;
}

enum state_record_fault state_record_decode(struct span text, struct state_record *ret_record)
{
    const struct span first_line = SPAN(NAME VERSION "\n");
    if (text.len == 0)
        return STATE_RECORD_EMPTY;
    if (!begins(text, SPAN(NAME)))
        return begins(SPAN(NAME), text) ? STATE_RECORD_CUT : STATE_RECORD_FOREIGN;
    if (!begins(text, first_line))
        return begins(first_line, text) ? STATE_RECORD_CUT : STATE_RECORD_VERSION;
    if (text.len > STATE_RECORD_MAX)
        return STATE_RECORD_CONTENT;
    if (text.len < first_line.len + CHECKSUM_LINE_LEN || text.base[text.len - 1] != '\n')
        return STATE_RECORD_CUT;

    struct span content = {text.base, text.len - CHECKSUM_LINE_LEN};
    char checksum[CHECKSUM_LINE_LEN + 1];
    (void)snprintf(checksum, sizeof(checksum), "checksum=%08" PRIx32 "\n",
                   crc32(content.base, content.len));
    if (memcmp(content.base + content.len, checksum, CHECKSUM_LINE_LEN) != 0) {
        bool ends_in_one =
            begins((struct span){content.base + content.len, CHECKSUM_LINE_LEN}, SPAN("checksum="));
        return ends_in_one ? STATE_RECORD_CHECKSUM : STATE_RECORD_CUT;
    }

    struct state_record record = {0};
    struct span lines = {content.base + first_line.len, content.len - first_line.len};
    if (!take_record(lines, &record) || !is_sane(&record))
        return STATE_RECORD_CONTENT;
    /* One text for one record: "+1", "01" and the like are not ours. */
    char again[STATE_RECORD_MAX];
    if (state_record_encode(&record, again) != text.len || memcmp(again, text.base, text.len) != 0)
        return STATE_RECORD_CONTENT;
    *ret_record = record;
    return STATE_RECORD_GOOD;
}
