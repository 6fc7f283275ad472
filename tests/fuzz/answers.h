/*
 * answers.h: what a client reads, by a reader of its own: heads, bodies, ids.
 */
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include <stdbool.h>

#include "common/span.h"

/*
 * Checks that received is what may come back for the requests in sent: one whole answer after the
 * other, of which the last may be cut, at most one per request and one refusal behind them; ids
 * that only grow; nothing behind an answer that says close.  whole: none may be cut.
 */
void answers_check(struct span sent, struct span received, bool whole);

/* Removes every "100 Continue" from a transcript, in place; returns its new length. */
size_t answers_drop_continue(char *bytes, size_t len);

#endif
