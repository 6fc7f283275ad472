/*
 * proxy.c: the header of the PROXY protocol with which a connection may begin.
 * Holds: how the bytes are cut decides nothing, and what was taken is within its bounds.
 */
#include "server/access/proxy_header.h"
#include "tests/fuzz/fuzz.h"

static void check_cut(struct span bytes, size_t cut, enum http_parse whole,
                      const struct proxy_header *header)
{
    struct proxy_header part;
    switch (proxy_header_parse((struct span){bytes.base, cut}, &part)) {
    case HTTP_PARSE_MORE:
        MUST(whole != HTTP_PARSE_DONE || cut < header->len);
        MUST(cut < PROXY_HEADER_LEN_MAX);
        break;
    case HTTP_PARSE_DONE:
        MUST(whole == HTTP_PARSE_DONE && part.len == header->len);
        MUST(part.has_client == header->has_client);
        break;
    case HTTP_PARSE_REFUSED:
        MUST(whole == HTTP_PARSE_REFUSED);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = fuzz_text(data, size);
    struct proxy_header header;
    enum http_parse whole = proxy_header_parse(bytes, &header);
    if (whole == HTTP_PARSE_DONE)
        MUST(header.len >= PROXY_HEADER_LEN_MIN && header.len <= PROXY_HEADER_LEN_MAX &&
             header.len <= size);
    for (size_t i = 0; i < fuzz_cut_count(bytes); i++)
        check_cut(bytes, fuzz_cut(bytes, i), whole, &header);
    return 0;
}
