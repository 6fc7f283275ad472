/*
 * load.c: requests for a benchmark, from one thread, where wrk cannot do it: it checks every id for
 * duplicates and order, pipelines with honest latencies, says when measuring begins (so that the
 * CPU time of connecting can be left out), and can throw large bodies away without copying them.
 *
 *     load PORT PATH CONNECTIONS PIPELINE MILLISECONDS none|text|binary MACHINE_ID MACHINE_IDS
 *
 * The last two say which machines' ids may come, from which on and how many.
 * Each connection sends PIPELINE requests at once, waits for all their answers, and does so again.
 * An answer's latency is the time since its request was sent; the age of a request that still
 * waits at the end counts as one, if it is a long one.  Prints "begin" after a warm-up, "end" while
 * the connections are still open, and then a line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/answer_reader.h"
#include "common/number.h"
#include "common/timestamp.h"

#define EVENTS_MAX 256
#define INPUT_SIZE 262144
#define WARM_UP_NS (200 * NS_PER_MS)
#define LATENCIES_MAX (UINT64_C(1) << 26) /* reserved; touched as far as there are answers */
#define ANSWERS_PER_S_MAX 2000000         /* as far as they have their memory before it begins */

/* What is left of a body is thrown away from here on; less is not worth a system call. */
#define SKIP_MIN 4096

struct options {
    uint16_t port;
    uint32_t connections;
    uint32_t pipeline;
    int64_t length_ns;
    uint32_t machine_id; /* of the ids: the first, and how many */
    uint32_t machine_id_count;
};

struct peer {
    int fd;
    uint64_t outstanding; /* answers to come */
    int64_t sent_ns;
    bool answered; /* ever */
    struct answer_reader reader;
};

struct load {
    struct options options;
    int epoll_fd;
    struct peer *peers;
    char *requests; /* a pipeline full of them */
    size_t requests_len;
    struct answer_totals totals;
    uint32_t *latencies_ns; /* of the first LATENCIES_MAX answers */
    uint64_t latency_count;
    int64_t now_ns;
};

_Noreturn static void give_up(const char *what)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
    // NOLINTEND(concurrency-mt-unsafe)
}

static int64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- Connections ---------------------------------------------------------------------------- */

static void connect_peer(struct load *load, struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(load->options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = peer};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd == -1 || connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
        epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) == -1)
        give_up("connect");
}

/* Requests are small and the socket is empty, so it takes them all; what it does not is fatal. */
static void send_requests(struct load *load, struct peer *peer)
{
    peer->outstanding = load->options.pipeline;
    peer->sent_ns = clock_ns();
    ssize_t sent = send(peer->fd, load->requests, load->requests_len, MSG_NOSIGNAL);
    if (sent != (ssize_t)load->requests_len)
        give_up("send");
}

static void note_latencies(struct load *load, const struct peer *peer, uint64_t count)
{
    int64_t latency_ns = load->now_ns - peer->sent_ns;
    uint32_t kept_ns = latency_ns < UINT32_MAX ? (uint32_t)latency_ns : UINT32_MAX;
    for (; count > 0 && load->latency_count < LATENCIES_MAX; count--)
        load->latencies_ns[load->latency_count++] = kept_ns;
}

/* Reads once, or throws away what nobody wants to see.  Returns 0 when there is nothing. */
static size_t receive(struct load *load, struct peer *peer, uint64_t *io_ended)
{
    static char input[INPUT_SIZE];
    size_t skippable = answer_reader_skippable(&peer->reader, &load->totals);
    bool skip = skippable >= SKIP_MIN;
    size_t wanted = sizeof(input);
    if (skip)
        wanted = skippable;
    else if (load->totals.ids == ANSWER_IDS_NONE && peer->reader.body_len >= SKIP_MIN)
        wanted = ANSWER_HEAD_MAX; /* the next body will be skippable too */
    ssize_t len = recv(peer->fd, input, wanted, MSG_DONTWAIT | (skip ? MSG_TRUNC : 0));
    if (len == -1 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (len <= 0)
        give_up("the server closed a connection");
    load->now_ns = clock_ns();
    if (skip)
        answer_reader_skip(&peer->reader, &load->totals, (size_t)len, io_ended);
    else if (!answer_reader_take(&peer->reader, &load->totals, input, (size_t)len, io_ended))
        give_up("an answer that makes no sense");
    return (size_t)len;
}

static void on_readable(struct load *load, struct peer *peer)
{
    for (;;) {
        uint64_t ended = 0;
        size_t len = receive(load, peer, &ended);
        if (len == 0)
            return;
        if (ended > peer->outstanding)
            give_up("more answers than requests");
        note_latencies(load, peer, ended);
        peer->answered = peer->answered || ended > 0;
        peer->outstanding -= ended;
        if (peer->outstanding == 0) {
            send_requests(load, peer);
            return; /* the answers make a new event */
        }
    }
}

static void run_until(struct load *load, int64_t end_ns)
{
    struct epoll_event events[EVENTS_MAX];
    while (load->now_ns < end_ns) {
        int count = epoll_wait(load->epoll_fd, events, EVENTS_MAX, 100);
        load->now_ns = clock_ns();
        for (int i = 0; i < count; i++)
            on_readable(load, events[i].data.ptr);
    }
}

/* ---- Report --------------------------------------------------------------------------------- */

static int compare_latencies(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void sort_latencies(struct load *load)
{
    qsort(load->latencies_ns, load->latency_count, sizeof(uint32_t), compare_latencies);
}

static double percentile_us(const struct load *load, double share)
{
    if (load->latency_count == 0)
        return 0;
    return load->latencies_ns[(uint64_t)((double)(load->latency_count - 1) * share)] / 1e3;
}

/*
 * A client that is left waiting makes no answer, and so no latency.  An age below the p99 of the
 * answers says nothing: its request was only sent late.
 */
static void note_ages(struct load *load)
{
    double long_us = percentile_us(load, 0.99);
    for (uint32_t i = 0; i < load->options.connections; i++) {
        const struct peer *peer = &load->peers[i];
        if ((double)(load->now_ns - peer->sent_ns) / 1e3 > long_us)
            note_latencies(load, peer, peer->outstanding);
    }
    sort_latencies(load);
}

static uint64_t count_unanswered(const struct load *load)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < load->options.connections; i++)
        count += !load->peers[i].answered;
    return count;
}

/* Counts are since begin, except for ids: every id that came is checked, warm-up or not. */
static void report(struct load *load, const struct answer_totals *begin, int64_t length_ns)
{
    const struct answer_totals *end = &load->totals;
    double seconds = (double)length_ns / (double)NS_PER_S;
    uint64_t answers = end->answers - begin->answers;
    sort_latencies(load);
    note_ages(load);
    printf("{\"requests\": %" PRIu64 ", \"rate\": %.1f, \"bytes_per_s\": %.0f, "
           "\"errors\": %" PRIu64 ", \"unanswered\": %" PRIu64
           ", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
           "\"max_us\": %.1f, \"ids_checked\": %" PRIu64 ", \"duplicates\": %" PRIu64
           ", \"unchecked\": %" PRIu64 ", \"disorder\": %" PRIu64 ", \"least_id\": %" PRIu64
           ", \"greatest_id\": %" PRIu64 "}\n",
           answers, (double)answers / seconds, (double)(end->bytes - begin->bytes) / seconds,
           end->not_ok, count_unanswered(load), percentile_us(load, 0.5), percentile_us(load, 0.99),
           percentile_us(load, 0.999), percentile_us(load, 1.0), end->checker.seen,
           end->checker.duplicates, end->checker.strays, end->disorder, end->checker.least,
           end->checker.greatest);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    return parse_u64(span_of(text), 1, max, ret_value) == 0;
}

static bool parse_options(char **argv, struct options *ret_options, enum answer_ids *ret_ids)
{
    static const char *const names[] = {"none", "text", "binary"};
    uint64_t port;
    uint64_t connections;
    uint64_t pipeline;
    uint64_t length_ms;
    uint64_t machine_id;
    uint64_t machine_id_count;
    if (!parse_number(argv[1], UINT16_MAX, &port) || !parse_number(argv[3], 100000, &connections) ||
        !parse_number(argv[4], 64, &pipeline) || !parse_number(argv[5], 86400000, &length_ms) ||
        parse_u64(span_of(argv[7]), 0, UINT16_MAX, &machine_id) < 0 ||
        !parse_number(argv[8], UINT16_MAX + 1 - machine_id, &machine_id_count))
        return false;
    *ret_options = (struct options){(uint16_t)port,       (uint32_t)connections,
                                    (uint32_t)pipeline,   (int64_t)length_ms * NS_PER_MS,
                                    (uint32_t)machine_id, (uint32_t)machine_id_count};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        *ret_ids = (enum answer_ids)i;
        if (strcmp(argv[6], names[i]) == 0)
            return true;
    }
    return false;
}

static void prepare(struct load *load, const char *path)
{
    char request[ANSWER_HEAD_MAX];
    int len =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    if (len < 0 || (size_t)len >= sizeof(request))
        give_up("the path is too long");
    load->requests_len = (size_t)len * load->options.pipeline;
    load->requests = malloc(load->requests_len);
    load->peers = calloc(load->options.connections, sizeof(struct peer));
    load->latencies_ns = mmap(NULL, LATENCIES_MAX * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->requests == NULL || load->peers == NULL || load->latencies_ns == MAP_FAILED ||
        load->epoll_fd == -1 ||
        !id_checker_create(&load->totals.checker, load->options.machine_id,
                           load->options.machine_id_count))
        give_up("preparing");
    /* A virtual machine may take longer to find a page than a server for an answer. */
    uint64_t expected =
        (uint64_t)(load->options.length_ns / NS_PER_MS) * (ANSWERS_PER_S_MAX / 1000);
    memset(load->latencies_ns, 0,
           (expected < LATENCIES_MAX ? expected : LATENCIES_MAX) * sizeof(uint32_t));
    for (uint32_t i = 0; i < load->options.pipeline; i++)
        memcpy(load->requests + (size_t)len * i, request, (size_t)len);
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc != 9 || !parse_options(argv, &load.options, &load.totals.ids)) {
        (void)fprintf(stderr,
                      "usage: load PORT PATH CONNECTIONS PIPELINE MILLISECONDS none|text|binary "
                      "MACHINE_ID MACHINE_IDS\n");
        return 2;
    }
    prepare(&load, argv[2]);
    for (uint32_t i = 0; i < load.options.connections; i++)
        connect_peer(&load, &load.peers[i]);
    for (uint32_t i = 0; i < load.options.connections; i++)
        send_requests(&load, &load.peers[i]);

    load.now_ns = clock_ns();
    run_until(&load, load.now_ns + WARM_UP_NS);
    load.latency_count = 0;
    struct answer_totals begin = load.totals;
    int64_t begin_ns = load.now_ns;
    printf("begin\n");
    (void)fflush(stdout);
    run_until(&load, begin_ns + load.options.length_ns);
    printf("end\n");
    (void)fflush(stdout);
    report(&load, &begin, load.now_ns - begin_ns);
    return 0;
}
