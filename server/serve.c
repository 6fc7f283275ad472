#include "server/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/timestamp.h"
#include "server/admitting.h"
#include "server/clock/clock.h"
#include "server/issuing.h"
#include "server/metrics/process.h"
#include "server/net/acceptor.h"
#include "server/sandbox/sandbox.h"
#include "server/systemd/activation.h"
#include "server/systemd/supervisor.h"

#define WORKERS_MAX 256

/* Descriptors besides those of clients: standard ones, log, listeners, what was inherited. */
#define DESCRIPTORS_RESERVED 128
#define DESCRIPTORS_PER_WORKER 2

/* Everything that is set up at the start and taken down at the end. */
struct daemon {
    const struct settings *settings;
    struct issuing issuing;
    struct process process;
    struct admitting admitting;
    struct socket_access access;
    struct sandbox sandbox;
    struct worker_shared shared;
    struct worker *workers;
    uint32_t worker_count; /* workers created */
    struct listener listeners[SETTINGS_LISTENERS_MAX];
    size_t listener_count; /* listeners opened */
    uint32_t clients_max;
    int signal_fd;
    struct activation activation;
    struct supervisor supervisor;
};

/* ---- Start ---------------------------------------------------------------------------------- */

static uint32_t count_workers(const struct settings *settings)
{
    if (settings->workers > 0)
        return (uint32_t)settings->workers;
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof(cpus), &cpus) == -1)
        return 1; /* more CPUs than cpu_set_t holds */
    int count = CPU_COUNT(&cpus);
    return count < WORKERS_MAX ? (uint32_t)count : WORKERS_MAX;
}

/*
 * Raises the limit of open files as far as needed and allowed.  Fewer than MAX_CONNECTIONS is
 * an error if somebody asked for that number; the default is cut down.
 */
static int claim_descriptors(struct daemon *d, uint32_t worker_count)
{
    const rlim_t reserved = DESCRIPTORS_RESERVED + DESCRIPTORS_PER_WORKER * worker_count;
    rlim_t needed = d->settings->max_connections + reserved;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return -errno;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
            return -errno;
    }
    d->clients_max = (uint32_t)d->settings->max_connections;
    if (limit.rlim_cur >= needed)
        return 0;

    rlim_t possible = limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 1;
    if (settings_is_set(d->settings, SETTING_MAX_CONNECTIONS)) {
        log_error("too_few_descriptors",
                  "max_connections=%" PRIu64 " open_files_limit=%ju possible=%ju "
                  "hint=\"raise the limit (ulimit -n, LimitNOFILE=) or lower MAX_CONNECTIONS\"",
                  d->settings->max_connections, (uintmax_t)limit.rlim_cur, (uintmax_t)possible);
        return -EMFILE;
    }
    d->clients_max = (uint32_t)possible;
    log_warn("connections_reduced",
             "max_connections=%u open_files_limit=%ju hint=\"raise the limit (LimitNOFILE=) to "
             "serve the default of %" PRIu64 "\"",
             d->clients_max, (uintmax_t)limit.rlim_cur, d->settings->max_connections);
    return 0;
}

static int find_access(struct daemon *d)
{
    int r = socket_access_find(d->settings, &d->access);
    if (r < 0)
        log_error("start_refused",
                  "reason=\"there is no such group\" group=%s errno=%s hint=\"see "
                  "UNIX_SOCKET_GROUP\"",
                  d->settings->unix_socket_group, errno_name(-r));
    return r;
}

/* Those that the service manager has opened. */
static int take_listeners(struct daemon *d)
{
    int r = activation_take(&d->activation, d->listeners, &d->listener_count);
    for (size_t i = 0; i < d->listener_count && r == 0; i++)
        r = admitting_check_user(d->settings, &d->listeners[i].address);
    if (r == 0 && d->listener_count > 0)
        log_info("listen_address_replaced",
                 "sockets=%zu hint=\"the service manager passed sockets (LISTEN_FDS), so "
                 "LISTEN_ADDRESS and SERVICE_PORT are not used\"",
                 d->listener_count);
    return r;
}

static const char *hint_for(const char *step, int error)
{
    if (error == EADDRINUSE)
        return "somebody listens there: stop it, or choose another port";
    if (span_equal(span_of(step), SPAN("access")))
        return "see UNIX_SOCKET_MODE and UNIX_SOCKET_GROUP; the user must own the socket and be in "
               "the group";
    return "see LISTEN_ADDRESS and SERVICE_PORT";
}

static int open_listener(struct daemon *d, const struct listen_address *address)
{
    int r = admitting_check_user(d->settings, address);
    const char *step;
    if (r < 0)
        return r;
    r = listener_open(address, &d->access, &d->listeners[d->listener_count], &step);
    if (r < 0) {
        char text[LISTENER_TEXT_MAX];
        listener_describe(address, text);
        log_error("listen_failed", "address=%s step=%s errno=%s hint=\"%s\"", text, step,
                  errno_name(-r), hint_for(step, -r));
        return r;
    }
    d->listener_count++;
    return 0;
}

/* Sockets of the service manager stand for all that the settings name. */
static int open_listeners(struct daemon *d)
{
    int r = take_listeners(d);
    if (r < 0 || d->listener_count > 0)
        return r;
    for (size_t i = 0; i < d->settings->listener_count && r == 0; i++)
        r = open_listener(d, &d->settings->listeners[i]);
    return r;
}

static int create_workers(struct daemon *d, uint32_t worker_count)
{
    struct client_table *clients = &d->shared.clients;
    clients->capacity =
        d->clients_max + DESCRIPTORS_RESERVED + DESCRIPTORS_PER_WORKER * worker_count;
    clients->entries = memory_reserve(clients->capacity * sizeof(struct client));
    d->workers = memory_reserve(worker_count * sizeof(struct worker));
    d->shared.client_left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (clients->entries == NULL || d->workers == NULL)
        return -ENOMEM;
    if (d->shared.client_left_fd == -1)
        return -errno;

    /* The acceptor picks the worker with the fewest, so none gets more than an equal share. */
    uint32_t share = d->clients_max / worker_count + 1;
    d->issuing.service.connections_max = d->clients_max;
    d->issuing.service.process = &d->process;
    for (uint32_t i = 0; i < worker_count; i++) {
        int r = worker_create(&d->workers[i], &d->shared, i + 1, share);
        if (r < 0)
            return r;
        d->worker_count++;
    }
    return 0;
}

static int block_signals(struct daemon *d)
{
    /* Whoever reads our stderr may go away: a log line is not worth the service's life. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) == -1)
        return -errno;

    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGUSR1);
    int r = pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by the workers */
    if (r != 0)
        return -r;
    d->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->signal_fd != -1 ? 0 : -errno;
}

/* ---- End ------------------------------------------------------------------------------------ */

static void close_listeners(struct daemon *d)
{
    for (size_t i = 0; i < d->listener_count; i++)
        listener_close(&d->listeners[i]);
    d->listener_count = 0;
}

static void set_stage(struct daemon *d, uint32_t started, enum worker_stage stage)
{
    atomic_store(&d->shared.stage, stage);
    for (uint32_t i = 0; i < started; i++)
        worker_wake(&d->workers[i]);
}

static void release(struct daemon *d)
{
    close_listeners(d);
    issuing_end(&d->issuing); /* before the workers go: its thread wakes them */
    for (uint32_t i = 0; i < d->worker_count; i++)
        worker_destroy(&d->workers[i]);
    admitting_end(&d->admitting);
    memory_release(d->workers, d->worker_count * sizeof(struct worker));
    memory_release(d->shared.clients.entries, d->shared.clients.capacity * sizeof(struct client));
    if (d->shared.client_left_fd != -1)
        (void)close(d->shared.client_left_fd);
    if (d->signal_fd != -1)
        (void)close(d->signal_fd);
    process_close(&d->process);
    supervisor_close(&d->supervisor);
}

static uint32_t count_clients(const struct daemon *d)
{
    return atomic_load(&d->shared.clients.open_count);
}

static bool ends(uint32_t signal_number)
{
    return signal_number == SIGTERM || signal_number == SIGINT;
}

/*
 * Lets the workers finish what was received.  After DRAIN_TIMEOUT_MS, or on a second signal, what
 * is left is closed.
 */
static void drain(struct daemon *d)
{
    struct timespec step = {.tv_nsec = 5 * NS_PER_MS};
    int64_t end_ns = clock_read().mono_ns + (int64_t)d->settings->drain_timeout_ms * NS_PER_MS;

    supervisor_stopping(&d->supervisor, count_clients(d));
    set_stage(d, d->worker_count, WORKER_DRAIN);
    while (count_clients(d) > 0 && clock_read().mono_ns < end_ns) {
        struct signalfd_siginfo info;
        struct pollfd timer = {.fd = d->supervisor.timer_fd, .events = POLLIN};
        if (poll(&timer, 1, 0) == 1)
            supervisor_stopping_tick(&d->supervisor, count_clients(d));
        if (read(d->signal_fd, &info, sizeof(info)) == sizeof(info) && ends(info.ssi_signo))
            break;
        (void)nanosleep(&step, NULL); /* EINTR: a shorter step */
    }
    uint32_t cut = count_clients(d);
    set_stage(d, d->worker_count, WORKER_STOP);
    for (uint32_t i = 0; i < d->worker_count; i++)
        worker_join(&d->workers[i]);
    log_info("stopped", "connections_cut=%u", cut);
}

/* ---- Service -------------------------------------------------------------------------------- */

static void reopen_log(const struct settings *settings)
{
    if (settings->log_file[0] == '\0')
        return;
    char path[256];
    (void)log_quote(span_of(settings->log_file), path, sizeof(path));
    int r = log_open_file(settings->log_file);
    if (r < 0)
        log_error("log_reopen_failed", "path=%s errno=%s hint=\"still writing to the old file\"",
                  path, errno_name(-r));
    else
        log_info("log_reopened", "path=%s", path);
}

static void on_signal(void *context, uint32_t number)
{
    struct daemon *d = context;
    if (number == SIGHUP) {
        supervisor_reloading(&d->supervisor);
        reopen_log(d->settings);
        admitting_reload(&d->admitting);
        supervisor_reloaded(&d->supervisor);
    } else if (number == SIGUSR1) { /* from `go-id state accept-clock` */
        (void)id_clock_accept(&d->issuing.clock);
        mark_keeper_write_anyway(&d->issuing.keeper);
    }
}

static struct supervised supervised_of(struct daemon *d)
{
    return (struct supervised){
        .service = &d->issuing.service, .workers = d->workers, .worker_count = d->worker_count};
}

static void on_timer(void *context)
{
    struct daemon *d = context;
    struct supervised supervised = supervised_of(d);
    supervisor_tick(&d->supervisor, &supervised);
}

/* The mark has moved: those whose ids lie behind it need not wait any longer. */
static void wake_workers(void *context)
{
    struct daemon *d = context;
    for (uint32_t i = 0; i < d->worker_count; i++)
        worker_wake(&d->workers[i]);
}

/* Tells whoever started us where we listen. */
static void report_ready(const struct daemon *d, int ready_fd)
{
    for (size_t i = 0; i < d->listener_count; i++) {
        const struct listen_address *address = &d->listeners[i].address;
        char text[LISTENER_TEXT_MAX];
        listener_describe(address, text);
        log_info("listening", "address=%s", text);
        if (ready_fd == -1)
            continue;
        if (dprintf(ready_fd, "%s%s %u\n", address->kind == LISTEN_UNIX ? "unix:" : "",
                    address->text, address->port) < 0)
            log_warn("ready_fd_failed", "fd=%d errno=%s", ready_fd, errno_name(errno));
    }
    if (ready_fd != -1)
        (void)close(ready_fd); /* everything has been said */
    log_info("ready",
             "version=%s shard_first=%u shard_last=%u ids_per_second=%" PRIu64
             " workers=%u max_connections=%u",
             sonyflake_version(), d->issuing.service.shards.first,
             d->issuing.service.shards.first + d->issuing.service.shards.count - 1,
             service_ids_per_second(&d->issuing.service), d->worker_count, d->clients_max);
    if (!settings_is_set(d->settings, SETTING_SHARD_ID))
        log_info("shard_default",
                 "shard=1 hint=\"SHARD_ID is not set; give every instance its own\"");
    else if (d->settings->shard_origin[0] != '\0')
        log_write(d->settings->private_addresses > 1 ? LOG_WARN : LOG_INFO, "shard_of_host",
                  "shard=%" PRIu32 " %s%s", d->settings->shards.first, d->settings->shard_origin,
                  d->settings->private_addresses > 1
                      ? " hint=\"the first private address made it; set SHARD_ID to keep it\""
                      : "");
}

static int claim_ids(struct daemon *d)
{
    if (d->settings->require_clock_sync != 0)
        supervisor_waiting(&d->supervisor, "a synchronised clock");
    int r = issuing_claim(&d->issuing, d->settings);
    if (r < 0)
        return r;
    sandbox_enter(&d->sandbox, d->settings, d->issuing.ownership.directory.fd);
    r = admitting_read_tokens(&d->admitting);
    if (r < 0)
        return r;
    return issuing_begin(&d->issuing, d->settings, d->signal_fd);
}

static int prepare(struct daemon *d)
{
    uint32_t worker_count = count_workers(d->settings);
    int r = block_signals(d);
    if (r == 0)
        r = supervisor_open(&d->supervisor);
    if (r == 0)
        r = claim_descriptors(d, worker_count);
    if (r == 0)
        r = admitting_begin(&d->admitting, d->settings, d->clients_max);
    if (r == 0)
        r = find_access(d); /* the sandbox lets nobody look up a group */
    if (r == 0)
        r = claim_ids(d);
    d->issuing.service.gate = admitting_gate(&d->admitting);
    if (r == 0)
        r = create_workers(d, worker_count);
    if (r == 0)
        r = open_listeners(d);
    sandbox_give_up_ports();
    if (r == 0)
        r = issuing_start(&d->issuing, wake_workers, d);
    return r;
}

static int start_workers(struct daemon *d)
{
    for (uint32_t i = 0; i < d->worker_count; i++) {
        int r = worker_start(&d->workers[i]);
        if (r < 0) {
            set_stage(d, i, WORKER_STOP);
            while (i-- > 0)
                worker_join(&d->workers[i]);
            return r;
        }
    }
    return 0;
}

static void warn_of_batch(const struct daemon *d)
{
    if (d->issuing.service.max_batch < d->settings->max_batch)
        log_warn("batch_reduced",
                 "max_batch=%u hint=\"the shards make no more within MAX_WAIT_MS; give the "
                 "service more of them, or set MAX_BATCH to this\"",
                 d->issuing.service.max_batch);
}

/* A warning may quote the name of a variable, in which any byte may stand. */
static void log_warnings(const struct problems *warnings)
{
    char quoted[2 * PROBLEM_TEXT_MAX];
    for (size_t i = 0; i < warnings->count; i++)
        log_warn("suspicious_setting", "hint=%s",
                 log_quote(span_of(warnings->texts[i]), quoted, sizeof(quoted)));
}

static void serve_clients(struct daemon *d)
{
    struct acceptor acceptor = {
        .shared = &d->shared,
        .workers = d->workers,
        .worker_count = d->worker_count,
        .clients_max = d->clients_max,
        .listeners = d->listeners,
        .listener_count = d->listener_count,
        .timer_fd = d->supervisor.timer_fd,
        .on_timer = on_timer,
        .signal_fd = d->signal_fd,
        .on_signal = on_signal,
        .context = d,
    };
    acceptor_run(&acceptor);
    close_listeners(d);
    drain(d);
}

int serve(const struct settings *settings, const struct problems *warnings, int ready_fd)
{
    static struct daemon d; /* too large for some stacks, and there is one */
    d = (struct daemon){.settings = settings,
                        .signal_fd = -1,
                        .activation = activation_from_environment(),
                        .supervisor = {.notify = {.fd = -1}, .timer_fd = -1}};
    d.shared = (struct worker_shared){.service = &d.issuing.service,
                                      .mark_keeper = &d.issuing.keeper,
                                      .settings = settings,
                                      .client_left_fd = -1};

    log_set_threshold(settings->log_level);
    log_set_file_max(settings->log_file_max);
    if (settings->log_file[0] != '\0') {
        int r = log_open_file(settings->log_file);
        if (r < 0) {
            char path[256];
            log_error(
                "log_open_failed",
                "path=%s errno=%s hint=\"LOG_FILE must name a file that this user may write\"",
                log_quote(span_of(settings->log_file), path, sizeof(path)), errno_name(-r));
            return 1;
        }
    }
    log_warnings(warnings);
    if (activation_holds(&d.activation, ready_fd)) {
        log_error("start_failed",
                  "ready_fd=%d hint=\"--ready-fd names a socket that LISTEN_FDS counts\"",
                  ready_fd);
        return 1;
    }
    process_open(&d.process);

    int r = prepare(&d);
    if (r == 0)
        r = start_workers(&d);
    if (r == -ECANCELED) {
        log_info("stopped", "connections_cut=0");
        release(&d);
        return 0;
    }
    if (r < 0) {
        log_error("start_failed", "errno=%s hint=\"the lines above say more\"", errno_name(-r));
        release(&d);
        return 1;
    }
    sandbox_seal(&d.sandbox);
    warn_of_batch(&d);
    report_ready(&d, ready_fd);
    struct supervised supervised = supervised_of(&d);
    supervisor_ready(&d.supervisor, &supervised);
    serve_clients(&d);
    release(&d);
    return 0;
}
