#include "common/number.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int parse_u64(struct span text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    if (text.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.base[i]))
            return -EINVAL; /* before -ERANGE: "99999999999999999999x" is no number at all */
    }

    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.base[i] - '0'), &value))
            return -ERANGE;
    }
    if (value < min || value > max)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

static int parse_hex(struct span digits, uint64_t *ret_value)
{
    if (digits.len == 0)
        return -EINVAL;
    uint64_t value = 0;
    bool overflow = false;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = hex_value(digits.base[i]);
        if (digit < 0)
            return -EINVAL;
        overflow = overflow || value > UINT64_MAX >> 4;
        value = value << 4 | (uint64_t)digit;
    }
    if (overflow)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int parse_u64_any_base(struct span text, uint64_t *ret_value)
{
    if (text.len >= 2 && text.base[0] == '0' && (text.base[1] == 'x' || text.base[1] == 'X'))
        return parse_hex((struct span){text.base + 2, text.len - 2}, ret_value);
    return parse_u64(text, 0, UINT64_MAX, ret_value);
}

/* The smallest number of each length but the first. */
static const uint64_t powers_of_ten[] = {
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

unsigned format_u64_len(uint64_t value)
{
    /* 1233 / 4096 is a little more than log10(2): from bits to the digits of the largest such. */
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned shorter = bits * 1233 >> 12;
    return shorter + 1 - (shorter > 0 && value < powers_of_ten[shorter - 1]);
}

const char digit_pairs[201] = "00010203040506070809"
                              "10111213141516171819"
                              "20212223242526272829"
                              "30313233343536373839"
                              "40414243444546474849"
                              "50515253545556575859"
                              "60616263646566676869"
                              "70717273747576777879"
                              "80818283848586878889"
                              "90919293949596979899";

unsigned format_u64(uint64_t value, char out[static U64_DIGITS_MAX])
{
    unsigned len = format_u64_len(value);
    char *at = out + len;
    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(at, &digit_pairs[value % 100 * 2], 2);
    }
    if (value >= 10)
        memcpy(at - 2, &digit_pairs[value * 2], 2);
    else
        at[-1] = (char)('0' + value);
    return len;
}
