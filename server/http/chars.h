/*
 * chars.h: which bytes may stand where in a request, as one table lookup.
 *
 * The kinds are those of RFC 9110 (token, field value) and RFC 3986 (path, query, host), so a
 * parser loop reads like the grammar: while the byte is of the kind, go on.
 *
 * Threads  Pure.
 */
#ifndef SERVER_HTTP_CHARS_H
#define SERVER_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bits, so that a loop may ask for "one of these kinds". */
enum {
    HTTP_CHAR_TOKEN = 1 << 0, /* tchar: methods, field names, codings */
    HTTP_CHAR_VALUE = 1 << 1, /* field values: VCHAR, SP, HTAB and obs-text (0x80 to 0xff) */
    HTTP_CHAR_PATH = 1 << 2,  /* pchar and "/"; "%" counts, what follows it is not looked at */
    HTTP_CHAR_QUERY = 1 << 3, /* what a path may hold, and "?" */
    HTTP_CHAR_HOST = 1 << 4,  /* reg-name, ":" of a port, "[" and "]" of an IPv6 address */
    HTTP_CHAR_DIGIT = 1 << 5,
    HTTP_CHAR_HEX = 1 << 6, /* either case */
};

extern const uint8_t http_chars[256];

/* True if byte is of at least one of the kinds. */
static inline bool http_char_is(char byte, unsigned kinds)
{
    return (http_chars[(unsigned char)byte] & kinds) != 0;
}

/* SP or HTAB: the OWS of RFC 9110. */
static inline bool http_char_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* 0 to 15.  Only for bytes that are HTTP_CHAR_HEX. */
static inline unsigned http_hex_value(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)((digit | 0x20) - 'a') + 10;
}

/*
 * True if one of the eight bytes of word is below 0x20 or is 0x7f.  Borrows only ever start at a
 * byte that is too small, so there are no false alarms; bytes from 0x80 on are masked out.
 */
static inline bool http_word_has_control(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t below_space = (word - ones * 0x20) & ~word;
    uint64_t not_del = word ^ (ones * 0x7f);
    uint64_t is_del = (not_del - ones) & ~not_del;
    return ((below_space | is_del) & (ones * 0x80)) != 0;
}

/*
 * The first byte in at .. end that may not stand in a field value, or end.  Values are most of a
 * head, so they are read eight bytes at a time.
 */
static inline const char *http_value_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        if (http_word_has_control(word))
            break;
        at += sizeof(word);
    }
    while (at < end && http_char_is(*at, HTTP_CHAR_VALUE))
        at++;
    return at;
}

#endif
