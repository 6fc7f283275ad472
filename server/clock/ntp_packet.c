#include "server/clock/ntp_packet.h"

#include <stdbool.h>
#include <string.h>

#include "common/bug.h"
#include "common/timestamp.h"

/* Where the fields of the header are. */
enum {
    AT_FLAGS = 0, /* leap indicator: 2 bits, version: 3, mode: 3 */
    AT_STRATUM = 1,
    AT_PRECISION = 3,
    AT_ROOT_DELAY = 4,
    AT_ROOT_DISPERSION = 8,
    AT_REFERENCE_ID = 12,
    AT_REFERENCE = 16,
    AT_ORIGIN = 24,
    AT_RECEIVE = 32,
    AT_TRANSMIT = 40,
};

#define MODE_CLIENT 3
#define MODE_SERVER 4
#define LEAP_UNSYNCHRONISED 3
#define STRATUM_MAX 15

/* Some servers answer version 4 with the version 3 that they are; the header is the same. */
#define VERSION 4
#define VERSION_OLDEST 3

#define NTP_TO_UNIX_S INT64_C(2208988800) /* from 1900 to 1970 */

/* How fast the clocks may drift apart while the answer is under way: RFC 5905's 15 ppm. */
#define DRIFT_DIVISOR 66667

/* A server cannot spend more time than passed here, but for what clocks are slewed by. */
#define DELAY_SLACK_NS NS_PER_MS

struct server_times {
    int64_t received_ns;
    int64_t sent_ns;
};

const char *ntp_verdict_text(enum ntp_verdict verdict)
{
    static const char *const texts[] = {
        [NTP_GOOD] = "good",
        [NTP_STRAY] = "stray",
        [NTP_UNSYNCHRONISED] = "unsynchronised",
        [NTP_IMPLAUSIBLE] = "implausible",
        [NTP_TOO_VAGUE] = "too-vague",
        [NTP_KISS_RATE] = "kiss-rate",
        [NTP_KISS_DENY] = "kiss-deny",
        [NTP_KISS_OTHER] = "kiss-other",
    };
    BUG_IF((unsigned)verdict >= NTP_VERDICT_COUNT);
    return texts[verdict];
}

void ntp_packet_request(uint64_t cookie, uint8_t ret_packet[static NTP_PACKET_LEN])
{
    memset(ret_packet, 0, NTP_PACKET_LEN);
    ret_packet[AT_FLAGS] = VERSION << 3 | MODE_CLIENT;
    for (unsigned i = 0; i < 8; i++)
        ret_packet[AT_TRANSMIT + i] = (uint8_t)(cookie >> (56 - 8 * i));
}

/* ---- Fields --------------------------------------------------------------------------------- */

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t get_u64(const uint8_t *bytes)
{
    return (uint64_t)get_u32(bytes) << 32 | get_u32(bytes + 4);
}

/* 16 bits of seconds and 16 of fraction, rounded up: all of these are bounds of errors. */
static int64_t short_ns(uint32_t value)
{
    return (int64_t)(((uint64_t)value * (uint64_t)NS_PER_S + 0xffff) >> 16);
}

/* 32 bits of seconds since 1900 and 32 of fraction; false when it is no time of these days. */
static bool time_ns(uint64_t value, int64_t *ret_time_ns)
{
    int64_t seconds = (int64_t)(value >> 32) - NTP_TO_UNIX_S;
    if (seconds < NTP_TIME_FIRST_S)
        seconds += INT64_C(1) << 32;
    if (seconds >= NTP_TIME_END_S)
        return false;
    int64_t fraction_ns = (int64_t)((value & UINT32_MAX) * (uint64_t)NS_PER_S >> 32);
    *ret_time_ns = seconds * NS_PER_S + fraction_ns;
    return true;
}

/* The server's precision is a power of two of seconds; coarser than 1 s is no clock. */
static bool precision_ns(uint8_t field, int64_t *ret_precision_ns)
{
    int exponent = field < 128 ? field : field - 256; /* a signed byte */
    if (exponent > 0)
        return false;
    *ret_precision_ns = exponent > -30 ? (NS_PER_S >> -exponent) + 1 : 1;
    return true;
}

/* ---- Checks --------------------------------------------------------------------------------- */

static bool answers(const uint8_t *bytes, size_t len, const struct ntp_exchange *exchange)
{
    if (len < NTP_PACKET_LEN)
        return false;
    unsigned version = bytes[AT_FLAGS] >> 3 & 7;
    unsigned mode = bytes[AT_FLAGS] & 7;
    return mode == MODE_SERVER && version >= VERSION_OLDEST && version <= VERSION &&
           get_u64(bytes + AT_ORIGIN) == exchange->cookie;
}

static enum ntp_verdict kiss(const uint8_t *code)
{
    if (memcmp(code, "RATE", 4) == 0)
        return NTP_KISS_RATE;
    if (memcmp(code, "DENY", 4) == 0 || memcmp(code, "RSTR", 4) == 0)
        return NTP_KISS_DENY;
    return NTP_KISS_OTHER;
}

/* Times in an order in which they can have happened.  A zero transmit time would pass for 2036. */
static bool read_times(const uint8_t *bytes, struct server_times *ret_times)
{
    uint64_t reference = get_u64(bytes + AT_REFERENCE);
    uint64_t receive = get_u64(bytes + AT_RECEIVE);
    uint64_t transmit = get_u64(bytes + AT_TRANSMIT);
    int64_t reference_ns;
    struct server_times times;

    if (receive == 0 || transmit == 0)
        return false;
    if (!time_ns(receive, &times.received_ns) || !time_ns(transmit, &times.sent_ns))
        return false;
    if (times.sent_ns < times.received_ns)
        return false;
    /* Zero says that it was never set; servers with a clock of their own do that. */
    if (reference != 0 && (!time_ns(reference, &reference_ns) || reference_ns > times.sent_ns))
        return false;
    *ret_times = times;
    return true;
}

/*
 * RFC 5905 section 8.  Half of the delay bounds the error of the offset, for the way there and the
 * way back take between nothing and all of it.
 */
static enum ntp_verdict measure(const uint8_t *bytes, const struct ntp_exchange *exchange,
                                const struct server_times *times, struct ntp_sample *ret_sample)
{
    int64_t round_trip_ns = exchange->received_ns - exchange->sent_ns;
    int64_t delay_ns = round_trip_ns - (times->sent_ns - times->received_ns);
    int64_t clock_precision_ns;
    if (delay_ns < -DELAY_SLACK_NS || !precision_ns(bytes[AT_PRECISION], &clock_precision_ns))
        return NTP_IMPLAUSIBLE;

    int64_t root_delay_ns = short_ns(get_u32(bytes + AT_ROOT_DELAY));
    int64_t root_dispersion_ns = short_ns(get_u32(bytes + AT_ROOT_DISPERSION));
    int64_t kept_delay_ns = delay_ns > 0 ? delay_ns : 0;
    int64_t error_ns = root_dispersion_ns + (root_delay_ns + kept_delay_ns + 1) / 2 +
                       clock_precision_ns + round_trip_ns / DRIFT_DIVISOR + 1;
    if (error_ns > NTP_ERROR_MAX_NS)
        return NTP_TOO_VAGUE;

    *ret_sample = (struct ntp_sample){
        .boot_ns = exchange->sent_ns + round_trip_ns / 2,
        /* ((received - sent there) + (sent back - received here)) / 2, which could overflow */
        .offset_ns = times->received_ns - exchange->sent_ns - delay_ns / 2,
        .delay_ns = kept_delay_ns,
        .error_ns = error_ns,
        .stratum = bytes[AT_STRATUM],
    };
    return NTP_GOOD;
}

enum ntp_verdict ntp_packet_check(const uint8_t *bytes, size_t len,
                                  const struct ntp_exchange *exchange,
                                  struct ntp_sample *ret_sample)
{
    BUG_IF(exchange->received_ns < exchange->sent_ns || exchange->cookie == 0);
    if (!answers(bytes, len, exchange))
        return NTP_STRAY;
    if (bytes[AT_STRATUM] == 0)
        return kiss(bytes + AT_REFERENCE_ID);
    if (bytes[AT_STRATUM] > STRATUM_MAX || bytes[AT_FLAGS] >> 6 == LEAP_UNSYNCHRONISED)
        return NTP_UNSYNCHRONISED;

    struct server_times times;
    if (!read_times(bytes, &times))
        return NTP_IMPLAUSIBLE;
    return measure(bytes, exchange, &times, ret_sample);
}
