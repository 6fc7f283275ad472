/*
 * sntp.c: an answer of an NTP server.  The first 25 bytes are the exchange that it may belong to.
 * Holds: only a whole answer to the request is believed, and what is believed is within bounds.
 */
#include "server/clock/ntp_packet.h"
#include "tests/fuzz/fuzz.h"

#define ORIGIN_AT 24 /* of a packet: what the answer repeats */

static void check_sample(const struct ntp_sample *sample, const struct ntp_exchange *exchange)
{
    MUST(sample->stratum >= 1 && sample->stratum <= 15);
    MUST(sample->delay_ns >= 0);
    MUST(sample->error_ns > 0 && sample->error_ns <= NTP_ERROR_MAX_NS);
    MUST(sample->boot_ns >= exchange->sent_ns && sample->boot_ns <= exchange->received_ns);
    int64_t time_ns = sample->boot_ns + sample->offset_ns;
    MUST(time_ns > (NTP_TIME_FIRST_S - 10) * 1000000000);
    MUST(time_ns / 1000000000 <= NTP_TIME_END_S + 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = fuzz_text(data, size);
    bool is_answer = fuzz_take_byte(&input) % 2 == 0;
    struct ntp_exchange exchange = {
        .cookie = fuzz_take_number(&input, 8) | 1,
        .sent_ns = (int64_t)(fuzz_take_number(&input, 8) >> 3), /* boots live less than 73 years */
    };
    exchange.received_ns = exchange.sent_ns + (int64_t)(fuzz_take_number(&input, 8) >> 24);

    uint8_t packet[256];
    struct span rest = fuzz_take_text(&input, sizeof(packet));
    memcpy(packet, rest.base, rest.len);
    if (is_answer && rest.len >= ORIGIN_AT + 8) {
        for (unsigned i = 0; i < 8; i++)
            packet[ORIGIN_AT + i] = (uint8_t)(exchange.cookie >> (56 - 8 * i));
    }

    struct ntp_sample sample;
    enum ntp_verdict verdict = ntp_packet_check(packet, rest.len, &exchange, &sample);
    MUST(verdict < NTP_VERDICT_COUNT && ntp_verdict_text(verdict) != NULL);
    MUST(rest.len >= NTP_PACKET_LEN || verdict == NTP_STRAY);
    if (verdict == NTP_GOOD)
        check_sample(&sample, &exchange);
    if (verdict != NTP_STRAY) { /* nobody who has not seen the cookie is heard */
        exchange.cookie ^= UINT64_C(1) << 40;
        MUST(ntp_packet_check(packet, rest.len, &exchange, &sample) == NTP_STRAY);
    }
    return 0;
}
