/* target.h: which service a subcommand asks, and what it shows to be let in. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <stdbool.h>

#include "cli/http_client.h"

/* As options and arguments have it; NULL: not given. */
struct target {
    const char *command; /* for messages: "generate" */
    const char *url;
    const char *config_path; /* where the port of our own service stands, if there is no url */
    const char *token_file;
    bool token_is_needed; /* our own service's AUTH_TOKEN_FILE will do */
    uint64_t timeout_ms;
};

#define TARGET_TIMEOUT_MS 2000

/* Takes the value of --timeout-ms.  Returns false, having said why. */
bool target_take_timeout(struct target *target, const char *text);

/*
 * Finds the URL to ask, and a token: that of --token-file, or of the environment's GO_ID_TOKEN.
 * Without a URL it is our own service, on the loopback address.  Returns an exit status, having
 * said what is wrong; *ret_text is the URL for messages, valid until the next call.
 */
int target_find(const struct target *target, const char *default_path, struct http_url *ret_url,
                const char **ret_text);

/* GO_ID_URL of the environment; NULL if it is not set. */
const char *target_url_of_environment(void);

/*
 * What stands behind a key in the body of an answer, up to one of the characters of ends or the
 * body's end; an empty span when the key is not there.
 */
struct span target_value_of(struct span json, struct span key, const char *ends);

/* What to do after an answer with a status that is not the wanted one; behind the message. */
const char *target_next_step(unsigned status);

/* Says that such an answer came, in its own words, and behind them what comes of it. */
void target_say_status(const struct target *target, const char *url_text,
                       const struct http_answer *answer, const char *what);

/* Says that a step of http_get() failed with r, and what to do; returns the exit status. */
int target_say_failure(const struct target *target, const char *url_text, const char *step, int r);

#endif
