/*
 * ntp_packet.h: what a client asks an NTP server, and what of an answer can be believed.
 *
 * NTP version 4 as RFC 5905 has it (header: section 7.3, simple clients: section 14).  The request
 * tells the server nothing that it does not need: every field is zero but for a random number in
 * the place of the transmit time, which the answer must repeat.  Without having seen it, nobody
 * can answer in the server's place.
 *
 * Pure: bytes and times in, verdict out.
 */
#ifndef SERVER_CLOCK_NTP_PACKET_H
#define SERVER_CLOCK_NTP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"

#define NTP_PACKET_LEN 48 /* without extensions, which are neither sent nor read */

/* A server that may be further off than this, by its own account, is not used. */
#define NTP_ERROR_MAX_NS (3 * INT64_C(1000000000))

/*
 * The 32 bits of seconds repeat every 136 years, for the first time in 2036.  They are taken for
 * the one year from 2020 on that fits, so the system's clock, which may be wrong, is not needed.
 * What would then be past the end stands for 1970 to 2020, where only broken clocks are.
 */
#define NTP_TIME_FIRST_S INT64_C(1577836800) /* 2020-01-01T00:00:00Z, since 1970 */
#define NTP_TIME_END_S INT64_C(4294967296)   /* 2106-02-07T06:28:16Z */

/* One request and the arrival of its answer.  Times are since boot, in nanoseconds. */
struct ntp_exchange {
    uint64_t cookie; /* the random number in the request; not 0 */
    int64_t sent_ns;
    int64_t received_ns;
};

/* What an answer says. */
struct ntp_sample {
    int64_t boot_ns;   /* when: the middle of the exchange */
    int64_t offset_ns; /* the server's time since 1970 minus the time since boot */
    int64_t delay_ns;  /* the network's part of the round trip; at least 0 */
    int64_t error_ns;  /* how far the offset may be off: the server's own error and ours */
    uint8_t stratum;   /* 1 to 15: how far the server is from a reference clock */
};

enum ntp_verdict {
    NTP_GOOD,

    /* No answer to this request: forged, late or damaged.  The true one may still come. */
    NTP_STRAY,

    /* The server's answer, and no time in it that could be used. */
    NTP_UNSYNCHRONISED, /* it says that it does not know the time */
    NTP_IMPLAUSIBLE,    /* it contradicts itself, or names a time before 2020 */
    NTP_TOO_VAGUE,      /* it may be off by more than NTP_ERROR_MAX_NS */

    /* The server asks to be left alone: the kiss codes of RFC 5905 section 7.4. */
    NTP_KISS_RATE,  /* ask less often */
    NTP_KISS_DENY,  /* DENY and RSTR: do not ask again */
    NTP_KISS_OTHER, /* others have no meaning for a client */
    NTP_VERDICT_COUNT
};

/* "good", "unsynchronised", ...: for the log. */
const char *ntp_verdict_text(enum ntp_verdict verdict);

void ntp_packet_request(uint64_t cookie, uint8_t ret_packet[static NTP_PACKET_LEN]);

/* Checks the len bytes that came as an answer.  *ret_sample is set for NTP_GOOD only. */
NODISCARD enum ntp_verdict ntp_packet_check(const uint8_t *bytes, size_t len,
                                            const struct ntp_exchange *exchange,
                                            struct ntp_sample *ret_sample);

#endif
