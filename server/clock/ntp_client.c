#include "server/clock/ntp_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/capabilities.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/clock/ntp_select.h"

#define NO_OFFSET INT64_MIN

/* RFC 5905 calls a change of 128 ms a step; smaller ones are what servers differ by. */
#define STEP_NS (128 * NS_PER_MS)

/* The kernel's timeouts do not count while the machine is suspended, so look now and then. */
#define SLEEP_MAX_NS (60 * NS_PER_S)

/* The servers' say, side by side. */
struct ballot {
    struct ntp_vote votes[NTP_SERVERS_MAX];
    struct ntp_sample samples[NTP_SERVERS_MAX];
    size_t pending;
};

const char *ntp_state_text(enum ntp_state state)
{
    static const char *const texts[] = {
        [NTP_NONE_YET] = "none-yet",
        [NTP_SYNCHRONISED] = "synchronised",
        [NTP_LOST] = "lost",
        [NTP_DISAGREEING] = "disagreeing",
    };
    BUG_IF((unsigned)state >= NTP_STATE_COUNT);
    return texts[state];
}

static double as_ms(int64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* The servers' time minus the system's clock, for people. */
static int64_t offset_of_system(int64_t offset_ns)
{
    struct clock_reading now = clock_read();
    return now.boot_ns + offset_ns - now.wall_ns;
}

/* ---- Comparing the servers ------------------------------------------------------------------ */

static struct ballot collect(const struct ntp_client *client, int64_t now_ns)
{
    struct ballot ballot = {0};
    for (size_t i = 0; i < client->count; i++) {
        const struct ntp_remote *remote = &client->remotes[i];
        enum ntp_voice voice = ntp_poll_voice(&remote->poll, &client->schedule, now_ns);
        ballot.pending += voice == NTP_VOICE_PENDING;
        if (voice != NTP_VOICE_HEARD)
            continue;
        ballot.samples[i] = ntp_poll_best(&remote->poll, now_ns);
        ballot.votes[i] = (struct ntp_vote){.counts = true,
                                            .outvoted = remote->outvoted,
                                            .offset_ns = ballot.samples[i].offset_ns,
                                            .error_ns = ballot.samples[i].error_ns};
    }
    return ballot;
}

/* Remembers who was outvoted, and says so when that changes. */
static void note_outvoted(struct ntp_client *client, const struct ballot *ballot, size_t followed)
{
    for (size_t i = 0; i < client->count; i++) {
        struct ntp_remote *remote = &client->remotes[i];
        const struct ntp_vote *vote = &ballot->votes[i];
        if (!vote->counts || vote->outvoted == remote->outvoted)
            continue;
        remote->outvoted = vote->outvoted;
        double apart_ms = as_ms(vote->offset_ns - ballot->votes[followed].offset_ns);
        if (vote->outvoted)
            log_warn("ntp_outvoted", "server=%s apart_ms=%.3f error_ms=%.3f", remote->name,
                     apart_ms, as_ms(vote->error_ns));
        else
            log_info("ntp_agrees_again", "server=%s apart_ms=%.3f", remote->name, apart_ms);
    }
}

/* ---- Publishing ----------------------------------------------------------------------------- */

static void publish_offset(struct ntp_client *client, const struct ntp_remote *remote,
                           const struct ntp_sample *sample)
{
    struct ntp_published *published = &client->published;
    int64_t before_ns = atomic_load(&published->offset_ns);
    atomic_store(&published->delay_ns, sample->delay_ns);
    atomic_store(&published->error_ns, sample->error_ns);
    atomic_store(&published->stratum, sample->stratum);
    atomic_store(&published->offset_ns, sample->offset_ns);

    int64_t by_ns = before_ns == NO_OFFSET ? 0 : sample->offset_ns - before_ns;
    if (by_ns >= STEP_NS || by_ns <= -STEP_NS)
        log_warn("ntp_step", "by_ms=%.3f server=%s error_ms=%.3f", as_ms(by_ns), remote->name,
                 as_ms(sample->error_ns));
}

static void publish_counts(struct ntp_client *client, const struct ballot *ballot,
                           enum ntp_outcome outcome)
{
    struct ntp_published *published = &client->published;
    int64_t last_answer_ns = atomic_load(&published->last_answer_ns);
    uint32_t answering = 0;
    uint32_t usable = 0;
    uint32_t refused = 0;
    for (size_t i = 0; i < client->count; i++) {
        const struct ntp_poll *poll = &client->remotes[i].poll;
        refused += poll->refused;
        answering += ballot->votes[i].counts && !ntp_poll_is_silent(poll, &client->schedule);
        if (outcome != NTP_DECIDED || !ballot->votes[i].counts || ballot->votes[i].outvoted)
            continue;
        usable++;
        if (poll->heard_ns > last_answer_ns)
            last_answer_ns = poll->heard_ns;
    }
    atomic_store(&published->answering, answering);
    atomic_store(&published->usable, usable);
    atomic_store(&published->refused, refused);
    atomic_store(&published->last_answer_ns, last_answer_ns);
}

static void say_synchronised(const struct ntp_client *client, const struct ntp_remote *remote)
{
    struct ntp_status status = ntp_client_status(client);
    log_info("ntp_synchronised",
             "server=%s stratum=%" PRIu32 " offset_ms=%.3f delay_ms=%.3f error_ms=%.3f "
             "usable=%" PRIu32 " servers=%" PRIu32,
             remote->name, status.stratum, as_ms(status.offset_ns), as_ms(status.delay_ns),
             as_ms(status.error_ns), status.usable, status.servers);
}

static void say_lost(const struct ntp_client *client, int64_t now_ns)
{
    int64_t silent_ns = now_ns - atomic_load(&client->published.last_answer_ns);
    log_warn("ntp_lost", "servers=%zu last_answer_s=%" PRId64 " hint=\"the last offset stays\"",
             client->count, silent_ns / NS_PER_S);
}

/* One line a server: an operator has to see who says what. */
static void say_disagreement(const struct ntp_client *client, const struct ballot *ballot)
{
    for (size_t i = 0; i < client->count; i++) {
        if (ballot->votes[i].counts)
            log_warn("ntp_disagree", "server=%s offset_ms=%.3f error_ms=%.3f",
                     client->remotes[i].name, as_ms(offset_of_system(ballot->votes[i].offset_ns)),
                     as_ms(ballot->votes[i].error_ns));
    }
}

static enum ntp_state state_after(const struct ntp_client *client, enum ntp_outcome outcome)
{
    switch (outcome) {
    case NTP_DECIDED:
        return NTP_SYNCHRONISED;
    case NTP_CONTRADICTION:
        return NTP_DISAGREEING;
    case NTP_UNDECIDED:
        break;
    case NTP_NO_VOTES:
        if (atomic_load(&client->published.offset_ns) != NO_OFFSET)
            return NTP_LOST;
        return NTP_NONE_YET;
    }
    return atomic_load(&client->published.state);
}

/* Looks at all answers anew; cheap enough to be done whenever something has happened. */
static void elect(struct ntp_client *client, int64_t now_ns)
{
    struct ballot ballot = collect(client, now_ns);
    size_t followed = 0;
    enum ntp_outcome outcome = ntp_select(ballot.votes, client->count, ballot.pending, &followed);
    if (outcome == NTP_DECIDED) {
        note_outvoted(client, &ballot, followed);
        publish_offset(client, &client->remotes[followed], &ballot.samples[followed]);
    }
    publish_counts(client, &ballot, outcome);
    if (outcome == NTP_DECIDED || ballot.pending == 0)
        atomic_store(&client->published.first_round_over, true);

    enum ntp_state state = state_after(client, outcome);
    if (atomic_exchange(&client->published.state, state) == state)
        return;
    if (state == NTP_SYNCHRONISED)
        say_synchronised(client, &client->remotes[followed]);
    else if (state == NTP_LOST)
        say_lost(client, now_ns);
    else if (state == NTP_DISAGREEING)
        say_disagreement(client, &ballot);
}

/* ---- The thread ----------------------------------------------------------------------------- */

static int64_t sleep_ns(const struct ntp_client *client, int64_t now_ns)
{
    int64_t wake_ns = now_ns + SLEEP_MAX_NS;
    for (size_t i = 0; i < client->count; i++) {
        int64_t next_ns = ntp_remote_next_ns(&client->remotes[i]);
        if (next_ns < wake_ns)
            wake_ns = next_ns;
    }
    return wake_ns > now_ns ? wake_ns - now_ns : 0;
}

/* Sleeps until something happens and deals with it.  False when the thread is to stop. */
static bool wait_for_events(struct ntp_client *client, int64_t for_ns)
{
    struct pollfd fds[2 * NTP_SERVERS_MAX + 1];
    for (size_t i = 0; i < client->count; i++) { /* -1 is passed over */
        const struct ntp_remote *remote = &client->remotes[i];
        fds[2 * i] = (struct pollfd){.fd = remote->fd, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = ntp_remote_resolver_fd(remote), .events = POLLIN};
    }
    size_t last = 2 * client->count;
    fds[last] = (struct pollfd){.fd = client->stop_fd, .events = POLLIN};

    struct timespec timeout = {.tv_sec = for_ns / NS_PER_S, .tv_nsec = for_ns % NS_PER_S};
    if (ppoll(fds, (nfds_t)(last + 1), &timeout, NULL) <= 0)
        return true; /* with all signals blocked, nothing but a lack of memory can be wrong */
    for (size_t i = 0; i < client->count; i++) {
        if (fds[2 * i].revents != 0)
            ntp_remote_on_readable(&client->remotes[i]);
        if (fds[2 * i + 1].revents != 0)
            ntp_remote_on_resolved(&client->remotes[i]);
    }
    return fds[last].revents == 0;
}

static void *run(void *argument)
{
    struct ntp_client *client = argument;
    int64_t now_ns;
    capabilities_keep(CAPABILITIES_NONE); /* listeners may yet have to be opened: not by us */
    do {
        now_ns = clock_read().boot_ns;
        for (size_t i = 0; i < client->count; i++)
            ntp_remote_on_time(&client->remotes[i], now_ns);
        elect(client, now_ns);
    } while (wait_for_events(client, sleep_ns(client, now_ns)));
    return NULL;
}

/* ---- Start and stop ------------------------------------------------------------------------- */

static void fini_remotes(struct ntp_client *client, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntp_remote_fini(&client->remotes[i]);
}

static int start_threads(struct ntp_client *client, const struct ntp_server *servers)
{
    size_t done = 0;
    int r = 0;
    for (; done < client->count && r == 0; done += r == 0)
        r = ntp_remote_init(&client->remotes[done], &servers[done], &client->schedule);
    if (r == 0)
        r = -pthread_create(&client->thread, NULL, run, client);
    if (r < 0)
        fini_remotes(client, done);
    return r;
}

int ntp_client_start(struct ntp_client *client, const struct ntp_server *servers, size_t count,
                     const struct ntp_schedule *schedule)
{
    BUG_IF(count == 0 || count > NTP_SERVERS_MAX);
    *client = (struct ntp_client){
        .count = count,
        .schedule = schedule != NULL ? *schedule : NTP_SCHEDULE_DEFAULT,
        .published = {.offset_ns = NO_OFFSET, .last_answer_ns = INT64_MIN},
    };
    client->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->stop_fd == -1)
        return -errno;

    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: signals are for main */
    int r = start_threads(client, servers);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0)
        (void)close(client->stop_fd);
    return r;
}

void ntp_client_stop(struct ntp_client *client)
{
    (void)eventfd_write(client->stop_fd, 1);
    (void)pthread_join(client->thread, NULL);
    fini_remotes(client, client->count);
    (void)close(client->stop_fd);
}

/* ---- What others read ----------------------------------------------------------------------- */

bool ntp_client_offset(const struct ntp_client *client, int64_t *ret_offset_ns)
{
    int64_t offset_ns = atomic_load_explicit(&client->published.offset_ns, memory_order_relaxed);
    if (offset_ns == NO_OFFSET)
        return false;
    *ret_offset_ns = offset_ns;
    return true;
}

struct ntp_status ntp_client_status(const struct ntp_client *client)
{
    const struct ntp_published *published = &client->published;
    int64_t offset_ns;
    bool known = ntp_client_offset(client, &offset_ns);
    return (struct ntp_status){
        .state = atomic_load(&published->state),
        .first_round_over = atomic_load(&published->first_round_over),
        .servers = (uint32_t)client->count,
        .answering = atomic_load(&published->answering),
        .usable = atomic_load(&published->usable),
        .refused = atomic_load(&published->refused),
        .last_answer_ns = atomic_load(&published->last_answer_ns),
        .offset_ns = known ? offset_of_system(offset_ns) : 0,
        .delay_ns = atomic_load(&published->delay_ns),
        .error_ns = atomic_load(&published->error_ns),
        .stratum = atomic_load(&published->stratum),
    };
}
