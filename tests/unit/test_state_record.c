/*
 * test_state_record.c: the text of the state file, and that nothing else is taken for it.
 * Method: every text lies in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/timestamp.h"
#include "server/store/state_record.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

#define TEXT_MAX ((size_t)2 * STATE_RECORD_MAX)

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(TEXT_MAX);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static const struct state_record example = {
    .mark_ns = INT64_C(1795400002120000000),
    .floor = UINT64_C(647384502137520129),
    .layout = SONYFLAKE_LAYOUT_DEFAULT,
    .shards = {64, 64},
    .instance = "go-id-v1",
    .subvolume = {"b1d6c2a4-0c5f-4f6e-9a51-0123456789ab"},
    .boot = {"6aa66be0-db59-447a-96e8-79acdb86e28f"},
    .clock_offset_ns = -INT64_C(12345),
};

static const char *const example_text = "go-id-state 1\n"
                                        "mark=1795400002120000000\n"
                                        "floor=647384502137520129\n"
                                        "start_time=1409529600000000000\n"
                                        "time_unit=10000000\n"
                                        "sequence_bits=8\n"
                                        "machine_id_bits=16\n"
                                        "shard_first=64\n"
                                        "shard_last=127\n"
                                        "instance=go-id-v1\n"
                                        "subvolume=b1d6c2a4-0c5f-4f6e-9a51-0123456789ab\n"
                                        "boot=6aa66be0-db59-447a-96e8-79acdb86e28f\n"
                                        "clock_offset=-12345\n";

/* The CRC-32 of zlib, a second time and the other way round. */
static uint32_t crc32_of(const char *bytes, size_t len)
{
    uint32_t reversed = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            uint32_t in = ((unsigned char)bytes[i] >> bit & 1U) ^ reversed >> 31;
            reversed = reversed << 1 ^ (in != 0 ? UINT32_C(0x04c11db7) : 0);
        }
    }
    uint32_t crc = 0;
    for (int bit = 0; bit < 32; bit++)
        crc |= (reversed >> bit & 1U) << (31 - bit);
    return ~crc;
}

/* Puts the right checksum behind content. */
static struct span seal(const char *content, char out[static TEXT_MAX])
{
    int len =
        snprintf(out, TEXT_MAX, "%schecksum=%08x\n", content, crc32_of(content, strlen(content)));
    assert_true(len > 0 && (size_t)len < TEXT_MAX);
    return (struct span){out, (size_t)len};
}

static enum state_record_fault decode(struct span text)
{
    struct state_record record;
    struct state_record untouched;
    memset(&record, 0x5a, sizeof(record));
    memset(&untouched, 0x5a, sizeof(untouched));
    enum state_record_fault fault = state_record_decode(guard_page_place(&guard, text), &record);
    if (fault != STATE_RECORD_GOOD)
        assert_memory_equal(&record, &untouched, sizeof(record));
    return fault;
}

static void assert_same(const struct state_record *a, const struct state_record *b)
{
    assert_true(a->mark_ns == b->mark_ns && a->floor == b->floor);
    assert_memory_equal(&a->layout, &b->layout, sizeof(a->layout));
    assert_memory_equal(&a->shards, &b->shards, sizeof(a->shards));
    assert_string_equal(a->instance, b->instance);
    assert_string_equal(a->subvolume.text, b->subvolume.text);
    assert_string_equal(a->boot.text, b->boot.text);
    assert_true(a->clock_offset_ns == b->clock_offset_ns);
}

static void a_record_has_the_text_that_is_documented(void **state)
{
    (void)state;
    char expected[TEXT_MAX];
    char text[STATE_RECORD_MAX];
    struct span sealed = seal(example_text, expected);
    assert_int_equal(state_record_encode(&example, text), sealed.len);
    assert_memory_equal(text, sealed.base, sealed.len);
}

static void assert_comes_back(const struct state_record *record)
{
    char text[STATE_RECORD_MAX];
    struct state_record again;
    size_t len = state_record_encode(record, text);
    struct span placed = guard_page_place(&guard, (struct span){text, len});
    assert_int_equal(state_record_decode(placed, &again), STATE_RECORD_GOOD);
    assert_same(&again, record);
}

static void fill(char *out, size_t len, const char *alphabet, struct random *random)
{
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[random_below(random, strlen(alphabet))];
    out[len] = '\0';
}

static void random_uuid(struct uuid_text *uuid, struct random *random)
{
    fill(uuid->text, UUID_TEXT_LEN, "0123456789abcdef", random);
    uuid->text[8] = uuid->text[13] = uuid->text[18] = uuid->text[23] = '-';
    if (random_below(random, 4) == 0)
        uuid->text[0] = '\0';
}

static void what_was_written_is_read_again(void **state)
{
    (void)state;
    struct random random = {99};
    for (int i = 0; i < 5000; i++) {
        struct state_record record = {
            .layout = {.start_time_ns = (int64_t)random_below(&random, INT64_MAX / 2),
                       .time_unit_ns = NS_PER_MS * (1 + (int64_t)random_below(&random, 1000)),
                       .sequence_bits = (uint32_t)random_below(&random, 16),
                       .machine_id_bits = (uint32_t)random_below(&random, 16)},
            .floor = random_below(&random, SONYFLAKE_ID_MAX) >> random_below(&random, 63),
        };
        uint64_t ticks = (uint64_t)(INT64_MAX / record.layout.time_unit_ns);
        record.mark_ns = (int64_t)random_below(&random, ticks) * record.layout.time_unit_ns;
        record.clock_offset_ns = (int64_t)random_below(&random, UINT64_MAX);
        record.shards.first = (uint32_t)random_below(&random, SHARD_MAX + 1);
        record.shards.count =
            1 + (uint32_t)random_below(&random, SHARD_MAX + 1 - record.shards.first);
        fill(record.instance, 1 + random_below(&random, INSTANCE_NAME_MAX - 1),
             "abcxyzABCXYZ0189.-_", &random);
        random_uuid(&record.subvolume, &random);
        random_uuid(&record.boot, &random);
        assert_comes_back(&record);
    }
}

static void the_longest_record_fits(void **state)
{
    (void)state;
    struct state_record record = example;
    record.mark_ns = INT64_MAX / 10000000 * 10000000;
    record.floor = SONYFLAKE_ID_MAX;
    record.shards = (struct shard_range){65535, 1};
    memset(record.instance, 'x', INSTANCE_NAME_MAX - 1);
    static const int64_t offsets[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        record.clock_offset_ns = offsets[i];
        assert_comes_back(&record);
    }
}

static void every_change_of_a_byte_is_noticed(void **state)
{
    (void)state;
    char text[STATE_RECORD_MAX];
    size_t len = state_record_encode(&example, text);
    for (size_t i = 0; i < len; i++) {
        char right = text[i];
        for (int value = 0; value < 256; value++) {
            text[i] = (char)value;
            struct state_record record;
            bool good = state_record_decode((struct span){text, len}, &record) == STATE_RECORD_GOOD;
            assert_int_equal(good, (char)value == right);
        }
        text[i] = right;
    }
}

static void every_truncation_is_noticed_and_told_from_damage(void **state)
{
    (void)state;
    char text[STATE_RECORD_MAX];
    size_t len = state_record_encode(&example, text);
    assert_int_equal(decode((struct span){text, 0}), STATE_RECORD_EMPTY);
    for (size_t cut = 1; cut < len; cut++)
        assert_int_equal(decode((struct span){text, cut}), STATE_RECORD_CUT);
}

static void what_follows_the_end_is_noticed(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    size_t len = state_record_encode(&example, text);
    for (int value = 0; value < 256; value++) {
        text[len] = (char)value;
        assert_int_not_equal(decode((struct span){text, len + 1}), STATE_RECORD_GOOD);
    }
    memcpy(text + len, text, len);
    assert_int_not_equal(decode((struct span){text, 2 * len}), STATE_RECORD_GOOD);
}

static void foreign_files_and_other_versions_are_told_apart(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    assert_int_equal(decode(SPAN("hello\n")), STATE_RECORD_FOREIGN);
    assert_int_equal(decode(SPAN("\xef\xbb\xbfgo-id-state 1\n")), STATE_RECORD_FOREIGN);
    assert_int_equal(decode(seal("go-id-state 2\nmark=0\n", text)), STATE_RECORD_VERSION);
    assert_int_equal(decode(SPAN("go-id-state 1\r\n")), STATE_RECORD_VERSION);
    memset(text, 0, sizeof(text));
    assert_int_equal(decode((struct span){text, sizeof(text)}), STATE_RECORD_FOREIGN);
}

/* The example's text with the first `from` in it replaced, and the right checksum. */
static enum state_record_fault decode_with(const char *from, const char *to)
{
    char content[TEXT_MAX];
    char text[TEXT_MAX];
    const char *at = strstr(example_text, from);
    assert_non_null(at);
    (void)snprintf(content, sizeof(content), "%.*s%s%s", (int)(at - example_text), example_text, to,
                   at + strlen(from));
    return decode(seal(content, text));
}

static void content_that_no_record_has_is_refused_though_its_checksum_is_right(void **state)
{
    (void)state;
    assert_int_equal(decode_with("mark=", "mark="), STATE_RECORD_GOOD);
    static const struct {
        const char *from;
        const char *to;
    } changes[] = {
        {"mark=1795400002120000000", "mark=-10000000"},
        {"mark=1795400002120000000", "mark=1795400002120000001"}, /* within a tick */
        {"mark=1795400002120000000", "mark=01795400002120000000"},
        {"mark=1795400002120000000", "mark=+1795400002120000000"},
        {"mark=1795400002120000000", "mark=99999999999999999999"},
        {"mark=1795400002120000000\n", ""},
        {"floor=647384502137520129", "floor=9223372036854775808"},
        {"floor=", "flaw="},
        {"time_unit=10000000", "time_unit=0"},
        {"sequence_bits=8", "sequence_bits=31"},
        {"machine_id_bits=16", "machine_id_bits=4294967296"},
        {"shard_first=64", "shard_first=128"}, /* behind the last */
        {"shard_last=127", "shard_last=65536"},
        {"instance=go-id-v1", "instance="},
        {"instance=go-id-v1",
         "instance=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
        {"subvolume=b1d6c2a4", "subvolume=B1D6C2A4"},
        {"subvolume=b1d6c2a4-", "subvolume="},
        {"subvolume=b1d6c2a4-0", "subvolume=b1d6c2a40-"},
        {"subvolume=b1d6c2a4-0", "subvolume=b1d6c2a400"},
        {"boot=6aa66be0", "boot=6aa66bg0"},
        {"clock_offset=-12345", "clock_offset=-9223372036854775809"},
        {"clock_offset=-12345", "clock_offset=9223372036854775808"},
        {"clock_offset=-12345", "clock_offset=--12345"},
        {"clock_offset=-12345", "clock_offset=-0"},
        {"clock_offset=-12345\n", "clock_offset=-12345\nmore=1\n"},
        {"clock_offset=-12345\n", ""},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        assert_int_equal(decode_with(changes[i].from, changes[i].to), STATE_RECORD_CONTENT);
}

static void a_name_has_no_other_characters_than_a_setting_may_have(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        bool allowed = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || byte == '.' || byte == '-' || byte == '_';
        char line[] = "instance=go?id-v1";
        *strchr(line, '?') = (char)byte;
        assert_int_equal(decode_with("instance=go-id-v1", line),
                         allowed ? STATE_RECORD_GOOD : STATE_RECORD_CONTENT);
    }
}

static void every_fault_has_words(void **state)
{
    (void)state;
    for (int fault = STATE_RECORD_GOOD; fault <= STATE_RECORD_CONTENT; fault++)
        assert_true(strlen(state_record_fault_text((enum state_record_fault)fault)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_the_text_that_is_documented),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(the_longest_record_fits),
        cmocka_unit_test(every_change_of_a_byte_is_noticed),
        cmocka_unit_test(every_truncation_is_noticed_and_told_from_damage),
        cmocka_unit_test(what_follows_the_end_is_noticed),
        cmocka_unit_test(foreign_files_and_other_versions_are_told_apart),
        cmocka_unit_test(content_that_no_record_has_is_refused_though_its_checksum_is_right),
        cmocka_unit_test(a_name_has_no_other_characters_than_a_setting_may_have),
        cmocka_unit_test(every_fault_has_words),
    };
    return cmocka_run_group_tests(tests, create_guard, destroy_guard);
}
