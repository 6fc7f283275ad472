/*
 * status.h: how the service is: the one struct behind /health, /ready and the metrics.
 */
#ifndef SERVER_API_STATUS_H
#define SERVER_API_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/api/service.h"
#include "server/metrics/counters.h"

/* Word as /ready shows it, and what it means. */
#define CONDITIONS(X)                                                                  \
    X(CONDITION_OK, "ok")                                                              \
    X(CONDITION_DEGRADED, "degraded") /* ids are issued; somebody should look at it */ \
    X(CONDITION_FAILED, "failed")     /* no ids can be issued */

enum condition {
#define X(name, text) name,
    CONDITIONS(X)
#undef X
};

const char *condition_text(enum condition condition);

enum { SERVICE_REASON_MAX = 256 };

struct clock_status {
    enum condition condition;
    enum time_source_kind source;
    int64_t offset_ns; /* believed time minus the system's wall clock */
    int64_t leap_ns;   /* how far the source is ahead of what is believed; 0: it is believed */
    uint64_t steps_back;
    uint64_t steps_forward;
    int64_t last_step_ns; /* back is negative; 0: there was none */
    /* TIME_SOURCE=ntp only. */
    uint32_t ntp_servers;
    uint32_t ntp_usable;   /* servers that agree with the majority */
    int64_t ntp_age_ns;    /* since the last answer of a usable server; -1: there was none */
    const char *ntp_state; /* NULL for other sources */
};

struct lead_status {
    enum condition condition;
    int64_t lead_ns; /* how far the next id is ahead of the clock; 0: not at all */
    bool of_min_id;  /* MIN_ID is why, not a clock that was set back */
    int64_t max_ns;
};

struct mark_status {
    enum condition condition;
    int64_t mark_ns;       /* since 1970 */
    int64_t ahead_ns;      /* of the clock; negative when nothing was issued for a while */
    uint64_t writes;       /* that succeeded */
    uint64_t failures;     /* writes that failed */
    int error;             /* errno of the last write; 0: it succeeded */
    int64_t last_write_ns; /* how long it took */
};

struct lock_status {
    enum condition condition;
    bool host_wide; /* the machine ids are locked against other processes of the host */
};

struct lifetime_status {
    enum condition condition;
    int64_t left_s; /* until the id space ends; its last id may be used up before */
};

struct service_status {
    bool ready;
    bool degraded;                   /* some condition is not CONDITION_OK */
    uint64_t retry_after_s;          /* when it is not ready: at least 1 */
    char reason[SERVICE_REASON_MAX]; /* a sentence for an operator, when it is not ready */
    struct clock_status clock;
    struct lead_status lead;
    struct mark_status mark;
    struct lock_status lock;
    struct lifetime_status lifetime;
};

/* Reads everything.  What the service was made without, as in tests, is CONDITION_OK. */
struct service_status service_status(const struct service *service, const struct moment *now);

/* What stands in the way of ids, of a status that is not ready. */
enum refusal service_status_refusal(const struct service_status *status);

#endif
