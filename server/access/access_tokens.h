/*
 * access_tokens.h: the bearer tokens of AUTH_TOKEN_FILE (RFC 6750).
 *
 * One token per line, at most ACCESS_TOKENS_MAX of them, so that an old and a new one can be good
 * at the same time; empty lines and lines that begin with '#' are passed over.  Each ends in a line
 * feed, the last one too: else the file may be half written.  It belongs to root or to us; others
 * have no right to it, and its group none to write.
 *
 * Threads  One loads, any number ask meanwhile; nobody waits for a lock.
 * Time     access_tokens_know() looks at every byte of every token, whatever it is asked: how
 *          long it takes says nothing of how near a guess was.
 */
#ifndef SERVER_ACCESS_ACCESS_TOKENS_H
#define SERVER_ACCESS_ACCESS_TOKENS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define ACCESS_TOKENS_MAX 64
#define ACCESS_TOKEN_LEN_MIN 16 /* bytes; shorter ones can be guessed */
#define ACCESS_TOKEN_LEN_MAX 256
#define ACCESS_TOKEN_FILE_MAX 32768 /* bytes */

/* The length, then the bytes, then zeros. */
#define ACCESS_TOKEN_WORDS (1 + ACCESS_TOKEN_LEN_MAX / 8)

struct access_tokens {
    _Atomic uint64_t version; /* odd while the rest is being changed */
    _Atomic uint64_t count;
    _Atomic uint64_t words[ACCESS_TOKENS_MAX][ACCESS_TOKEN_WORDS];
};

/* Why a file cannot be used. */
struct access_fault {
    int error;          /* errno; EINVAL: its text is not as it must be */
    unsigned line;      /* of the file, from 1; 0: no line in particular */
    const char *reason; /* a fixed phrase, which never repeats what is in the file */
};

/*
 * Replaces all tokens by those of text.  Returns 0; or -EINVAL with *reterr_fault set, and then
 * nothing has changed.
 */
NODISCARD int access_tokens_set(struct access_tokens *tokens, struct span text,
                                struct access_fault *reterr_fault);

/* The same with the text of a file.  Returns 0, or a negative errno with *reterr_fault set. */
NODISCARD int access_tokens_load(struct access_tokens *tokens, const char *path,
                                 struct access_fault *reterr_fault);

/* Whether token is one of them. */
bool access_tokens_know(const struct access_tokens *tokens, struct span token);

#endif
