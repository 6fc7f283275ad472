#include "server/clock/ntp_remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

/* Datagrams read per call, so that a flood of forged ones cannot keep the thread busy. */
#define READS_PER_CALL 16

static uint64_t random_u64(void)
{
    uint64_t bits;
    while (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        BUG_IF(errno != EINTR); /* as little as this is never cut short otherwise */
    return bits;
}

static uint64_t random_cookie(void)
{
    uint64_t cookie;
    do
        cookie = random_u64();
    while (cookie == 0); /* the answer of a server that ignores it */
    return cookie;
}

int ntp_remote_init(struct ntp_remote *remote, const struct ntp_server *server,
                    const struct ntp_schedule *schedule)
{
    *remote = (struct ntp_remote){.schedule = schedule, .fd = -1, .failure = "timeout"};
    remote->has_address = ntp_resolver_numeric(server, &remote->address);
    if (!remote->has_address) {
        int r = ntp_resolver_create(server, &remote->resolver);
        if (r < 0)
            return r;
    }
    bool is_ipv6 = strchr(server->host, ':') != NULL;
    (void)snprintf(remote->name, sizeof(remote->name), is_ipv6 ? "[%s]:%u" : "%s:%u", server->host,
                   (unsigned)server->port);
    ntp_poll_init(&remote->poll, schedule, clock_read().boot_ns, random_u64());
    return 0;
}

static void close_socket(struct ntp_remote *remote)
{
    if (remote->fd != -1)
        (void)close(remote->fd);
    remote->fd = -1;
}

void ntp_remote_fini(struct ntp_remote *remote)
{
    close_socket(remote);
    ntp_resolver_abandon(remote->resolver);
}

int64_t ntp_remote_next_ns(const struct ntp_remote *remote)
{
    return remote->asking ? remote->deadline_ns : remote->poll.next_ns;
}

/* ---- The end of a request ------------------------------------------------------------------- */

static void end_request(struct ntp_remote *remote)
{
    close_socket(remote);
    remote->asking = false;
}

static void look_at_silence(struct ntp_remote *remote)
{
    if (!ntp_poll_is_silent(&remote->poll, remote->schedule))
        return;
    /* The name may have moved, or another of its addresses may answer. */
    remote->has_address = remote->resolver == NULL;
    remote->turn++;
    if (remote->poll.misses == remote->schedule->burst_count)
        log_warn("ntp_no_answer", "server=%s reason=\"%s\" requests=%" PRIu32, remote->name,
                 remote->failure, remote->poll.misses);
}

static void on_miss(struct ntp_remote *remote, const char *failure)
{
    end_request(remote);
    remote->failure = failure;
    ntp_poll_on_miss(&remote->poll, remote->schedule, remote->asked_ns, random_u64());
    look_at_silence(remote);
}

static void on_refusal(struct ntp_remote *remote, enum ntp_verdict verdict)
{
    end_request(remote);
    remote->failure = ntp_verdict_text(verdict);
    ntp_poll_on_refusal(&remote->poll, remote->schedule, remote->asked_ns, verdict, random_u64());
    if (verdict == NTP_KISS_DENY) {
        log_warn("ntp_server_refused", "server=%s kiss=deny hint=\"it is not asked again\"",
                 remote->name);
        return;
    }
    if (verdict == NTP_KISS_RATE)
        log_warn("ntp_server_refused", "server=%s kiss=rate interval_s=%" PRId64, remote->name,
                 remote->poll.interval_floor_ns / NS_PER_S);
    look_at_silence(remote);
}

static void on_sample(struct ntp_remote *remote, const struct ntp_sample *sample)
{
    end_request(remote);
    if (ntp_poll_is_silent(&remote->poll, remote->schedule))
        log_info("ntp_answers", "server=%s", remote->name);
    ntp_poll_on_sample(&remote->poll, remote->schedule, remote->asked_ns, sample, random_u64());
    log_debug("ntp_sample",
              "server=%s offset_ns=%" PRId64 " delay_us=%" PRId64 " error_us=%" PRId64
              " stratum=%u",
              remote->name, sample->offset_ns, sample->delay_ns / 1000, sample->error_ns / 1000,
              (unsigned)sample->stratum);
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* Returns 0 or a negative errno. */
static int send_request(struct ntp_remote *remote)
{
    uint8_t packet[NTP_PACKET_LEN];
    remote->cookie = random_cookie();
    ntp_packet_request(remote->cookie, packet);

    remote->fd =
        socket(remote->address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (remote->fd == -1)
        return -errno;
    const struct sockaddr *address = (const struct sockaddr *)&remote->address.storage;
    if (connect(remote->fd, address, remote->address.len) == -1)
        return -errno;
    remote->sent_ns = clock_read().boot_ns;
    if (send(remote->fd, packet, sizeof(packet), 0) == -1)
        return -errno;
    return 0;
}

static void send_or_miss(struct ntp_remote *remote)
{
    int r = send_request(remote);
    if (r < 0)
        on_miss(remote, errno_name(-r));
}

void ntp_remote_on_time(struct ntp_remote *remote, int64_t now_ns)
{
    if (now_ns < ntp_remote_next_ns(remote))
        return;
    if (remote->asking) {
        on_miss(remote, remote->has_address ? "timeout" : "the name is still being looked up");
        return;
    }
    remote->asking = true;
    remote->asked_ns = now_ns;
    remote->deadline_ns = now_ns + remote->schedule->reply_timeout_ns;
    if (remote->has_address)
        send_or_miss(remote);
    else
        ntp_resolver_ask(remote->resolver, remote->turn);
}

int ntp_remote_resolver_fd(const struct ntp_remote *remote)
{
    return remote->resolver != NULL ? ntp_resolver_fd(remote->resolver) : -1;
}

void ntp_remote_on_resolved(struct ntp_remote *remote)
{
    const char *reason;
    int r = ntp_resolver_fetch(remote->resolver, &remote->address, &reason);
    if (r == -EAGAIN)
        return;
    remote->has_address = r == 0;
    if (!remote->asking)
        return; /* it took longer than a request may; the next one has the address */
    if (r == 0)
        send_or_miss(remote);
    else
        on_miss(remote, reason);
}

/* ---- Answers -------------------------------------------------------------------------------- */

/* One datagram.  False when there is nothing more to read for this request. */
static bool read_one(struct ntp_remote *remote)
{
    uint8_t packet[NTP_PACKET_LEN]; /* what is longer is cut: nothing behind it is read */
    ssize_t len = recv(remote->fd, packet, sizeof(packet), 0);
    if (len == -1) {
        if (errno != EAGAIN && errno != EINTR)
            on_miss(remote, errno_name(errno)); /* ECONNREFUSED: nobody listens there */
        return false;
    }

    struct ntp_exchange exchange = {
        .cookie = remote->cookie, .sent_ns = remote->sent_ns, .received_ns = clock_read().boot_ns};
    struct ntp_sample sample;
    enum ntp_verdict verdict = ntp_packet_check(packet, (size_t)len, &exchange, &sample);
    if (verdict == NTP_STRAY)
        return true; /* the true answer may be behind it */
    if (verdict == NTP_GOOD)
        on_sample(remote, &sample);
    else
        on_refusal(remote, verdict);
    return false;
}

void ntp_remote_on_readable(struct ntp_remote *remote)
{
    for (int i = 0; i < READS_PER_CALL && read_one(remote); i++) {
    }
}
