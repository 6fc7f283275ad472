/*
 * state.c: a state file, as it stands and with its checksum put right, since no fuzzer guesses one.
 * Holds: a text that is read as a record is the one text of that record; cut, or changed in one
 * bit, it is not read any more.
 */
#include <inttypes.h>
#include <stdio.h>

#include "server/store/state_record.h"
#include "tests/fuzz/fuzz.h"

static uint32_t crc32(struct span text)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < text.len; i++) {
        crc ^= (unsigned char)text.base[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static void check_good(struct span text, const struct state_record *record)
{
    char again[STATE_RECORD_MAX];
    MUST(text.len <= STATE_RECORD_MAX);
    MUST(state_record_encode(record, again) == text.len);
    MUST(memcmp(again, text.base, text.len) == 0);
    MUST(sonyflake_layout_check(&record->layout) == SONYFLAKE_OK);
    MUST(record->mark_ns >= 0 && record->mark_ns % record->layout.time_unit_ns == 0);
    MUST(record->floor <= SONYFLAKE_ID_MAX);
    MUST(record->shards.count >= 1 && record->shards.first + record->shards.count <= SHARD_MAX + 1);
    MUST(record->instance[0] != '\0');

    struct state_record other;
    uint64_t hash = fuzz_hash(text);
    size_t cut = (size_t)(hash % text.len);
    MUST(state_record_decode((struct span){text.base, cut}, &other) != STATE_RECORD_GOOD);
    again[hash % text.len] ^= (char)(1 << (hash >> 16) % 8);
    MUST(state_record_decode((struct span){again, text.len}, &other) != STATE_RECORD_GOOD);
}

static void check(struct span text)
{
    struct state_record record;
    enum state_record_fault fault = state_record_decode(text, &record);
    MUST(state_record_fault_text(fault) != NULL);
    if (fault == STATE_RECORD_GOOD)
        check_good(text, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_text(data, size);
    check(text);

    char repaired[STATE_RECORD_MAX + 64];
    if (size > STATE_RECORD_MAX)
        return 0;
    memcpy(repaired, text.base, size);
    int tail_len =
        snprintf(repaired + size, sizeof(repaired) - size, "checksum=%08" PRIx32 "\n", crc32(text));
    check((struct span){repaired, size + (size_t)tail_len});
    return 0;
}
