/*
 * issuing.h: all that stands behind the ids, set up and taken down in the right order: the state
 * directory and the locks, the time, the generator, the mark.
 */
#ifndef SERVER_ISSUING_H
#define SERVER_ISSUING_H

#include "common/attributes.h"
#include "server/api/service.h"
#include "server/clock/id_clock.h"
#include "server/clock/ntp_client.h"
#include "server/ownership.h"
#include "server/settings/settings.h"
#include "server/store/mark_keeper.h"

struct issuing {
    bool begun;
    struct ownership ownership;
    struct ntp_client ntp;
    bool has_ntp; /* it has been started */
    struct id_clock clock;
    struct service service;
    struct mark_keeper keeper;
};

/*
 * Claims the machine ids, and opens what is needed for that.  Returns 0, or a negative errno after
 * it has logged why.  *issuing is zeroed before; issuing_end() is due in either case.
 */
NODISCARD int issuing_claim(struct issuing *issuing, const struct settings *settings);

/*
 * Finds out the time and makes the first mark durable: when this returns 0, ids may be issued.
 * Otherwise it has logged why, and returns a negative errno; -ECANCELED when SIGTERM or SIGINT came
 * on signal_fd while it waited for the clock to be synchronised.
 */
NODISCARD int issuing_begin(struct issuing *issuing, const struct settings *settings,
                            int signal_fd);

/* Starts keeping the mark ahead; moved() is called whenever it was.  Returns 0 or -errno. */
NODISCARD int issuing_start(struct issuing *issuing, void (*moved)(void *context), void *context);

/*
 * Ends it all; does nothing if it was not begun.  Nobody issues ids any more; if any were
 * (issuing_start() was called), the exact mark is written, so that the next start goes on right
 * behind them.
 */
void issuing_end(struct issuing *issuing);

#endif
