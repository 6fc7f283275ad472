#include "common/inflate.h"

#include <errno.h>
#include <stdint.h>

#define BITS_MAX 15 /* of a code word */
#define LITERALS_MAX 288
#define DISTANCES_MAX 30
#define END_OF_BLOCK 256

/* Where we are; once it has failed, all that is read is 0. */
struct stream {
    const uint8_t *next;
    const uint8_t *end;
    uint32_t held; /* bits that were read and not used yet, the next one lowest */
    unsigned held_count;
    char *out;
    size_t used;
    size_t capacity;
    bool failed;
};

/* A canonical Huffman code: how many words have each length, and their symbols in order. */
struct code {
    uint16_t counts[BITS_MAX + 1];
    uint16_t symbols[LITERALS_MAX];
};

/* At most 16 bits, the first one lowest. */
static uint32_t take_bits(struct stream *stream, unsigned count)
{
    while (stream->held_count < count) {
        if (stream->next == stream->end) {
            stream->failed = true;
            return 0;
        }
        stream->held |= (uint32_t)*stream->next++ << stream->held_count;
        stream->held_count += 8;
    }
    uint32_t value = stream->held & ((UINT32_C(1) << count) - 1);
    stream->held >>= count;
    stream->held_count -= count;
    return value;
}

static void put_byte(struct stream *stream, char byte)
{
    if (stream->used == stream->capacity)
        stream->failed = true;
    else
        stream->out[stream->used++] = byte;
}

static void make_code(struct code *code, const uint8_t *lengths, unsigned count)
{
    uint16_t at[BITS_MAX + 2] = {0};
    memset(code, 0, sizeof(*code));
    for (unsigned i = 0; i < count; i++)
        code->counts[lengths[i]]++;
    code->counts[0] = 0;
    for (unsigned len = 1; len <= BITS_MAX; len++)
        at[len + 1] = (uint16_t)(at[len] + code->counts[len]);
    for (unsigned i = 0; i < count; i++) {
        if (lengths[i] != 0)
            code->symbols[at[lengths[i]]++] = (uint16_t)i;
    }
}

/* Words of one length are consecutive numbers, and those of the next length follow on. */
static unsigned take_symbol(struct stream *stream, const struct code *code)
{
    uint32_t word = 0;
    uint32_t first = 0;
    uint32_t index = 0;
    for (unsigned len = 1; len <= BITS_MAX && !stream->failed; len++) {
        word |= take_bits(stream, 1);
        uint32_t count = code->counts[len];
        if (word < first + count && word >= first)
            return code->symbols[index + (word - first)];
        index += count;
        first = (first + count) << 1;
        word <<= 1;
    }
    stream->failed = true;
    return 0;
}

/* A match: bytes of the output again. */
static void copy_match(struct stream *stream, unsigned symbol, const struct code *distances)
{
    /* RFC 1951, 3.2.5, as arithmetic: 4 symbols per extra bit of a length, 2 of a distance. */
    unsigned i = symbol - END_OF_BLOCK - 1;
    unsigned extra = i < 8 || i >= 28 ? 0 : i / 4 - 1;
    uint32_t len = i < 8 ? 3 + i : 3 + ((4 + i % 4) << extra);
    len = i == 28 ? 258 : len + take_bits(stream, extra);

    unsigned j = take_symbol(stream, distances);
    extra = j < 4 ? 0 : j / 2 - 1;
    uint32_t distance = 1 + (j < 4 ? j : (2 + j % 2) << extra) + take_bits(stream, extra);
    if (i > 28 || j >= DISTANCES_MAX || distance > stream->used)
        stream->failed = true;
    for (; len > 0 && !stream->failed; len--)
        put_byte(stream, stream->out[stream->used - distance]);
}

static void take_compressed(struct stream *stream, const struct code *literals,
                            const struct code *distances)
{
    while (!stream->failed) {
        unsigned symbol = take_symbol(stream, literals);
        if (symbol == END_OF_BLOCK)
            return;
        if (symbol < END_OF_BLOCK)
            put_byte(stream, (char)symbol);
        else
            copy_match(stream, symbol, distances);
    }
}

static void take_stored(struct stream *stream)
{
    stream->held = 0; /* it begins at a byte; at most 7 bits are held */
    stream->held_count = 0;
    uint32_t len = take_bits(stream, 16);
    if ((take_bits(stream, 16) ^ 0xffff) != len)
        stream->failed = true;
    for (; len > 0 && !stream->failed; len--)
        put_byte(stream, (char)take_bits(stream, 8));
}

static void take_fixed(struct stream *stream)
{
    struct code literals;
    struct code distances;
    uint8_t lengths[LITERALS_MAX];
    memset(lengths, 8, sizeof(lengths));
    memset(lengths + 144, 9, 256 - 144);
    memset(lengths + 256, 7, 280 - 256);
    make_code(&literals, lengths, LITERALS_MAX);
    memset(lengths, 5, DISTANCES_MAX);
    make_code(&distances, lengths, DISTANCES_MAX);
    take_compressed(stream, &literals, &distances);
}

/* Lengths of code words, run-length coded, themselves in a Huffman code. */
static void take_lengths(struct stream *stream, uint8_t *lengths, unsigned count, unsigned codes)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct code code;
    memset(lengths, 0, count);
    for (unsigned i = 0; i < codes; i++)
        lengths[order[i]] = (uint8_t)take_bits(stream, 3);
    make_code(&code, lengths, sizeof(order));

    for (unsigned i = 0; i < count && !stream->failed;) {
        unsigned symbol = take_symbol(stream, &code);
        unsigned repeats = 1;
        if (symbol == 16)
            repeats = 3 + take_bits(stream, 2);
        else if (symbol == 17)
            repeats = 3 + take_bits(stream, 3);
        else if (symbol == 18)
            repeats = 11 + take_bits(stream, 7);
        if (repeats > count - i || (symbol == 16 && i == 0)) {
            stream->failed = true;
            return;
        }
        uint8_t length = symbol < 16 ? (uint8_t)symbol : symbol == 16 ? lengths[i - 1] : 0;
        memset(lengths + i, length, repeats);
        i += repeats;
    }
}

static void take_dynamic(struct stream *stream)
{
    struct code literals;
    struct code distances;
    uint8_t lengths[LITERALS_MAX + 32];
    unsigned literal_count = 257 + take_bits(stream, 5);
    unsigned distance_count = 1 + take_bits(stream, 5);
    unsigned codes = 4 + take_bits(stream, 4);
    if (literal_count > LITERALS_MAX)
        stream->failed = true;
    if (stream->failed)
        return;
    take_lengths(stream, lengths, literal_count + distance_count, codes);
    make_code(&literals, lengths, literal_count);
    make_code(&distances, lengths + literal_count, distance_count);
    take_compressed(stream, &literals, &distances);
}

ssize_t inflate_raw(struct span compressed, char *out, size_t capacity)
{
    const uint8_t *bytes = (const uint8_t *)compressed.base;
    struct stream stream = {
        .next = bytes, .end = bytes + compressed.len, .out = out, .capacity = capacity};
    bool last = false;
    while (!last && !stream.failed) {
        last = take_bits(&stream, 1) != 0;
        switch (take_bits(&stream, 2)) {
        case 0:
            take_stored(&stream);
            break;
        case 1:
            take_fixed(&stream);
            break;
        case 2:
            take_dynamic(&stream);
            break;
        default:
            stream.failed = true;
        }
    }
    return stream.failed ? -EBADMSG : (ssize_t)stream.used;
}
