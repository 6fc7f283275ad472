/* chars.c: the table.  Each byte stands in one row; what stands in none may stand nowhere. */
#include "server/http/chars.h"

#define TARGET (HTTP_CHAR_PATH | HTTP_CHAR_QUERY)
#define ANYWHERE (HTTP_CHAR_TOKEN | HTTP_CHAR_VALUE | TARGET | HTTP_CHAR_HOST)
#define SEPARATOR (HTTP_CHAR_VALUE | TARGET | HTTP_CHAR_HOST)

/* clang-format off */
const uint8_t http_chars[256] = {
    ['\t'] = HTTP_CHAR_VALUE, [' '] = HTTP_CHAR_VALUE,

    ['0' ... '9'] = ANYWHERE | HTTP_CHAR_DIGIT | HTTP_CHAR_HEX,
    ['A' ... 'F'] = ANYWHERE | HTTP_CHAR_HEX,
    ['G' ... 'Z'] = ANYWHERE,
    ['a' ... 'f'] = ANYWHERE | HTTP_CHAR_HEX,
    ['g' ... 'z'] = ANYWHERE,

    /* RFC 3986: unreserved, then the sub-delims; those that separate are no token. */
    ['-'] = ANYWHERE, ['.'] = ANYWHERE, ['_'] = ANYWHERE, ['~'] = ANYWHERE,
    ['!'] = ANYWHERE, ['$'] = ANYWHERE, ['&'] = ANYWHERE, ['\''] = ANYWHERE,
    ['*'] = ANYWHERE, ['+'] = ANYWHERE, ['%'] = ANYWHERE,
    ['('] = SEPARATOR, [')'] = SEPARATOR, [','] = SEPARATOR, [';'] = SEPARATOR,
    ['='] = SEPARATOR, [':'] = SEPARATOR,

    ['@'] = HTTP_CHAR_VALUE | TARGET, ['/'] = HTTP_CHAR_VALUE | TARGET,
    ['?'] = HTTP_CHAR_VALUE | HTTP_CHAR_QUERY,
    ['['] = HTTP_CHAR_VALUE | HTTP_CHAR_HOST, [']'] = HTTP_CHAR_VALUE | HTTP_CHAR_HOST,

    ['#'] = HTTP_CHAR_VALUE | HTTP_CHAR_TOKEN, ['^'] = HTTP_CHAR_VALUE | HTTP_CHAR_TOKEN,
    ['`'] = HTTP_CHAR_VALUE | HTTP_CHAR_TOKEN, ['|'] = HTTP_CHAR_VALUE | HTTP_CHAR_TOKEN,

    ['"'] = HTTP_CHAR_VALUE, ['\\'] = HTTP_CHAR_VALUE, ['<'] = HTTP_CHAR_VALUE,
    ['>'] = HTTP_CHAR_VALUE, ['{'] = HTTP_CHAR_VALUE, ['}'] = HTTP_CHAR_VALUE,
    [0x80 ... 0xff] = HTTP_CHAR_VALUE,
};
/* clang-format on */
