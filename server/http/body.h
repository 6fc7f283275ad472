/*
 * body.h: finds the end of a request body, and drops the body.
 *
 * No endpoint of this server wants a body, but a client may send one, and the next request begins
 * behind it.  Small bodies are read and dropped; what is larger than the ceilings is not worth a
 * kept connection and is refused.
 *
 * Threads  A reader belongs to one connection.
 * Memory   The reader keeps no pointer to bytes it was given.
 */
#ifndef SERVER_HTTP_BODY_H
#define SERVER_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/http/request.h"

#define HTTP_BODY_MAX 65536         /* bytes of the body itself; more: 413 */
#define HTTP_BODY_FRAMING_MAX 16384 /* bytes of chunk lines around it; more: 413 */
#define HTTP_TRAILERS_MAX 8192      /* bytes of trailer fields; more: 431 */

/* What the next byte is.  Each has a row in body.c that says what is wrong with a bad byte. */
enum http_body_state {
    HTTP_BODY_END,         /* not of the body any more */
    HTTP_BODY_PLAIN,       /* of a body with a Content-Length */
    HTTP_CHUNK_SIZE_FIRST, /* the first digit of a chunk's size */
    HTTP_CHUNK_SIZE,       /* another one, or what follows the size */
    HTTP_CHUNK_NAME_FIRST, /* the first of an extension's name, behind ';' */
    HTTP_CHUNK_NAME,
    HTTP_CHUNK_VALUE_FIRST, /* behind '=': of a token, or a quote */
    HTTP_CHUNK_TOKEN,
    HTTP_CHUNK_QUOTED,      /* within quotes */
    HTTP_CHUNK_QUOTED_PAIR, /* behind a backslash within quotes */
    HTTP_CHUNK_QUOTED_END,  /* behind the closing quote */
    HTTP_CHUNK_LF,          /* of the line with the size */
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR, /* behind the data */
    HTTP_CHUNK_DATA_LF,
    HTTP_TRAILER_FIRST, /* the first of a trailer field, or CR of the last line */
    HTTP_TRAILER_NAME,
    HTTP_TRAILER_VALUE,
    HTTP_TRAILER_LF,
    HTTP_TRAILERS_END_LF, /* the last byte of the body */
};
#define HTTP_BODY_STATE_COUNT 20

struct http_body_reader {
    enum http_body_state state;
    uint64_t remaining;    /* bytes to come, of the body or of this chunk; its size being read */
    uint32_t body_len;     /* bytes of the chunks begun so far, at most HTTP_BODY_MAX */
    uint32_t framing_len;  /* bytes of chunk lines so far */
    uint32_t trailers_len; /* bytes of trailer fields so far */
    uint8_t name_len;     /* of a trailer field's name so far; UINT8_MAX: it is none that matters */
    uint8_t name_matches; /* bits: which of those that no trailer may have it still can become */
};

/* Ready for the first byte behind the head of request. */
void http_body_begin(struct http_body_reader *reader, const struct http_request *request);

/*
 * Reads on; bytes may be cut anywhere and may be empty: a body that is refused for its
 * Content-Length is refused before its first byte, so a caller asks once with nothing before it
 * answers 100 Continue.
 *
 * Chunk extensions are ";name", ";name=token" and ";name=\"quoted\"" without blanks; trailer
 * fields are checked as header fields are, and must not be about framing or the connection; both
 * are dropped.  Lines end in CR LF only.
 *
 * DONE     The body is complete; *ret_consumed bytes belonged to it, the rest to the next request.
 *          So is every later call, with 0.
 * MORE     *ret_consumed is bytes.len: nothing needs to be kept.
 * REFUSED  *reterr_refusal says why: 400, 413 or 431.  Close the connection; the reader is done.
 */
NODISCARD enum http_parse http_body_read(struct http_body_reader *reader, struct span bytes,
                                         size_t *ret_consumed, struct http_refusal *reterr_refusal);

#endif
