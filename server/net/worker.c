#include "server/net/worker.h"

#include <errno.h>
#include <linux/time_types.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/access/gate.h"
#include "server/store/mark_keeper.h"

#define EVENTS_MAX 256 /* per turn */

/* System calls for one client per turn, so that a busy one cannot hold up the others. */
#define CALLS_PER_TURN 16

/* How long connections without a request stay open after the service began to stop. */
#define DRAIN_IDLE_NS (500 * NS_PER_MS)

#define WAKE_EVENT UINT64_MAX

/* ---- Handing over and closing --------------------------------------------------------------- */

static uint64_t event_key(int fd, uint32_t generation)
{
    return (uint64_t)generation << 32 | (uint32_t)fd;
}

int worker_adopt(struct worker *worker, const struct newcomer *newcomer)
{
    int fd = newcomer->fd;
    struct client_table *table = &worker->shared->clients;
    BUG_IF(fd < 0 || (uint32_t)fd >= table->capacity);
    struct client *client = &table->entries[fd];
    BUG_IF(atomic_load_explicit(&client->owner, memory_order_acquire) != CLIENT_FREE);

    client->generation++;
    client->readable = false;
    client->writable = false;
    client->hung_up = false;
    client->origin = newcomer->origin;
    client->place = newcomer->place;
    atomic_fetch_add(&table->open_count, 1);
    atomic_fetch_add(&worker->client_count, 1);
    atomic_store_explicit(&client->owner, worker->number, memory_order_release);

    /* A new socket is writable at once, so the worker hears of it without another message. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u64 = event_key(fd, client->generation)};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;

    int r = -errno;
    atomic_store_explicit(&client->owner, CLIENT_FREE, memory_order_release);
    atomic_fetch_sub(&worker->client_count, 1);
    atomic_fetch_sub(&table->open_count, 1);
    return r;
}

static int client_fd(const struct worker *worker, const struct client *client)
{
    return (int)(client - worker->shared->clients.entries);
}

static void close_client(struct worker *worker, struct client *client)
{
    struct worker_shared *shared = worker->shared;
    int fd = client_fd(worker, client);

    connection_close(&client->connection, &worker->workspace);
    deadline_wheel_clear(&client->deadline);
    list_remove(&client->wait_link);
    list_remove(&client->ready_link);

    if (client->place != CONNECTION_UNCOUNTED)
        connection_count_leave(shared->service->gate->connections, client->place);

    /* The entry is free before the descriptor is: the kernel may hand that out again at once. */
    atomic_store_explicit(&client->owner, CLIENT_FREE, memory_order_release);
    (void)close(fd); /* leaves epoll with it */
    atomic_fetch_sub(&worker->client_count, 1);
    atomic_fetch_sub(&shared->clients.open_count, 1);
    if (atomic_load(&shared->acceptor_waits))
        (void)eventfd_write(shared->client_left_fd, 1); /* full: it will wake up anyway */
}

/* ---- One client ----------------------------------------------------------------------------- */

enum step {
    STEP_DONE, /* ask what the client wants next */
    STEP_WAIT, /* it can do no more for now */
    STEP_GONE, /* it has been closed: its entry may already be another worker's, so hands off */
};

static enum step do_input(struct worker *worker, struct client *client)
{
    if (!client->readable)
        return STEP_WAIT;
    struct http_output space = connection_space(&client->connection, &worker->workspace);
    ssize_t len = recv(client_fd(worker, client), space.base, space.capacity, 0);
    if (len == -1) {
        if (errno == EINTR)
            return STEP_DONE;
        if (errno == EAGAIN) {
            client->readable = false;
            return STEP_WAIT;
        }
        close_client(worker, client); /* reset by the peer, timed out: nobody to tell */
        return STEP_GONE;
    }
    /* A short read has emptied the socket, unless the end of the stream is still to be read. */
    if ((size_t)len < space.capacity && !client->hung_up)
        client->readable = false;
    connection_on_input(&client->connection, &worker->workspace, (size_t)len);
    return STEP_DONE;
}

static struct client *waiting(struct list_node *node)
{
    return LIST_ENTRY(node, struct client, wait_link);
}

/*
 * Sees to it that there is a block for what the kernel does not take of an answer.  When clients
 * that do not read have them all, the one that has read nothing for the longest time loses its
 * connection: else the next one would, which may well be about to read.
 */
static void make_room_for_rest(struct worker *worker)
{
    static struct log_limit limit;
    if (!block_pool_is_empty(&worker->workspace.outputs) || list_is_empty(&worker->unread))
        return;
    log_write_limited(
        &limit, LOG_WARN, "unread_full",
        "unread=%u hint=\"so many clients of a worker do not read their answers that "
        "the one that has waited longest was cut off; MAX_CONNECTIONS_PER_CLIENT and a "
        "shorter WRITE_TIMEOUT_MS keep them fewer\"",
        (unsigned)WORKSPACE_OUTPUTS_MAX);
    close_client(worker, waiting(worker->unread.next));
}

/* Puts a client behind the others that do not read, or takes it away from them. */
static void note_unread(struct worker *worker, struct client *client, bool has_read)
{
    bool is_unread = client->connection.output != NULL;
    if (!is_unread || has_read)
        list_remove(&client->wait_link);
    if (is_unread && !list_is_linked(&client->wait_link))
        list_append(&worker->unread, &client->wait_link);
}

static enum step do_output(struct worker *worker, struct client *client)
{
    /* What is in the shared buffer must leave it, even into a socket known to be full. */
    if (!client->writable && worker->workspace.out.used == 0)
        return STEP_WAIT;
    struct span pending = connection_pending(&client->connection, &worker->workspace);
    ssize_t len = send(client_fd(worker, client), pending.base, pending.len, MSG_NOSIGNAL);
    if (len == -1 && errno != EAGAIN && errno != EINTR) {
        worker->workspace.out.used = 0;
        close_client(worker, client); /* nobody is there to read the answer */
        return STEP_GONE;
    }
    if (len == -1)
        len = 0;
    client->writable = (size_t)len == pending.len;
    if (!client->writable && worker->workspace.out.used > 0)
        make_room_for_rest(worker);
    connection_on_output(&client->connection, &worker->workspace, (size_t)len);
    note_unread(worker, client, len > 0);
    return STEP_DONE;
}

static int64_t due(struct list_node *node)
{
    return waiting(node)->connection.order.due_ns;
}

/*
 * Puts a client where its due time has it, behind those of the same time.  Nearly always that is at
 * the end; with one that stood in line already and is put off, near the front.
 */
static enum step do_wait(struct worker *worker, struct client *client)
{
    const struct id_order *order = &client->connection.order;
    if (list_is_linked(&client->wait_link))
        return STEP_WAIT;
    struct list_node *queue = id_order_is_in_line(order) ? &worker->line : &worker->tick_queue;
    struct list_node *before = queue;
    if (!list_is_empty(queue) &&
        order->due_ns - due(queue->next) < due(queue->previous) - order->due_ns) {
        before = queue->next;
        while (before != queue && due(before) <= order->due_ns)
            before = before->next;
    } else {
        while (before->previous != queue && due(before->previous) > order->due_ns)
            before = before->previous;
    }
    list_append(before, &client->wait_link);
    return STEP_WAIT;
}

static enum step do_step(struct worker *worker, struct client *client)
{
    switch (connection_want(&client->connection, &worker->workspace)) {
    case CONNECTION_WANT_INPUT:
        return do_input(worker, client);
    case CONNECTION_WANT_OUTPUT:
        return do_output(worker, client);
    case CONNECTION_WANT_TICK:
        return do_wait(worker, client);
    case CONNECTION_WANT_SHUTDOWN:
        (void)shutdown(client_fd(worker, client), SHUT_WR); /* fails when the peer is gone */
        connection_on_shutdown(&client->connection, &worker->workspace);
        return STEP_DONE;
    case CONNECTION_WANT_CLOSE:
        break;
    }
    close_client(worker, client);
    return STEP_GONE;
}

/*
 * Does what the client wants until it has to wait for something, or has had its share of the turn.
 * The workspace's output is empty before and after.
 */
static void run_client(struct worker *worker, struct client *client)
{
    enum step step = STEP_DONE;
    for (unsigned i = 0; step == STEP_DONE; i++) {
        if (i >= CALLS_PER_TURN && worker->workspace.out.used == 0 &&
            connection_want(&client->connection, &worker->workspace) != CONNECTION_WANT_CLOSE)
            break; /* one that is closed would look like one that is new */
        step = do_step(worker, client);
    }
    if (step == STEP_GONE)
        return;
    if (step == STEP_DONE && !list_is_linked(&client->ready_link))
        list_append(&worker->ready, &client->ready_link);
    deadline_wheel_set(&worker->wheel, &client->deadline,
                       connection_deadline(&client->connection, &worker->workspace));
}

/* ---- One turn of the loop ------------------------------------------------------------------- */

static void take_event(struct worker *worker, const struct epoll_event *event)
{
    if (event->data.u64 == WAKE_EVENT) {
        eventfd_t count;
        (void)eventfd_read(worker->wake_fd, &count); /* only there to wake up */
        atomic_store(&worker->answered, atomic_load(&worker->asked));
        return;
    }
    struct client *client = &worker->shared->clients.entries[(uint32_t)event->data.u64];
    if (atomic_load_explicit(&client->owner, memory_order_acquire) != worker->number ||
        client->generation != (uint32_t)(event->data.u64 >> 32))
        return; /* a late event for a client that has been closed */

    if (client->connection.state == CONNECTION_CLOSED) {
        connection_open(&client->connection, &worker->workspace);
        connection_set_origin(&client->connection, client->origin);
    }
    if ((event->events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0)
        client->readable = true;
    if ((event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        client->hung_up = true;
    if ((event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
        client->writable = true;
    if ((event->events & (EPOLLERR | EPOLLHUP)) != 0 &&
        client->connection.state == CONNECTION_WAIT) {
        close_client(worker, client); /* gone altogether: no use in waiting for its tick */
        return;
    }
    run_client(worker, client);
}

static void run_ready(struct worker *worker)
{
    struct list_node batch;
    list_init(&batch);
    while (!list_is_empty(&worker->ready)) {
        struct list_node *node = worker->ready.next;
        list_remove(node);
        list_append(&batch, node);
    }
    while (!list_is_empty(&batch)) {
        struct client *client = LIST_ENTRY(batch.next, struct client, ready_link);
        list_remove(&client->ready_link);
        run_client(worker, client);
    }
}

/* Lets those whose time has come go on, in the order in which they came. */
static void run_queue(struct worker *worker, struct list_node *queue)
{
    while (!list_is_empty(queue)) {
        struct client *client = waiting(queue->next);
        const struct id_time *now = &worker->workspace.now.ids;
        int64_t due_ns = client->connection.order.due_ns;
        bool in_vain = now->limit_stuck && due_ns >= now->limit_ns; /* to be told at once */
        if (!id_time_has_come(now, due_ns) && !in_vain)
            return;
        list_remove(&client->wait_link);
        connection_on_tick(&client->connection, &worker->workspace);
        run_client(worker, client);
    }
}

static void run_deadlines(struct worker *worker)
{
    int64_t now_ns = worker->workspace.now.mono_ns;
    struct deadline *deadline;
    while ((deadline = deadline_wheel_pop(&worker->wheel, now_ns)) != NULL) {
        struct client *client = LIST_ENTRY(deadline, struct client, deadline);
        int64_t when_ns = connection_deadline(&client->connection, &worker->workspace);
        if (when_ns > now_ns) {
            deadline_wheel_set(&worker->wheel, deadline, when_ns);
            continue;
        }
        list_remove(&client->wait_link);
        connection_on_deadline(&client->connection, &worker->workspace);
        run_client(worker, client);
    }
}

/* Calls visit for every client of the worker; visit may close it. */
static void for_each_client(struct worker *worker, void (*visit)(struct worker *, struct client *))
{
    struct client_table *table = &worker->shared->clients;
    for (uint32_t fd = 0; fd < table->capacity && atomic_load(&worker->client_count) > 0; fd++) {
        struct client *client = &table->entries[fd];
        if (atomic_load_explicit(&client->owner, memory_order_acquire) == worker->number &&
            client->connection.state != CONNECTION_CLOSED)
            visit(worker, client);
    }
}

/* Idle connections have a nearer deadline from now on. */
static void drain_client(struct worker *worker, struct client *client)
{
    deadline_wheel_set(&worker->wheel, &client->deadline,
                       connection_deadline(&client->connection, &worker->workspace));
}

static void begin_drain(struct worker *worker)
{
    worker->workspace.draining = true;
    worker->workspace.drain_ns = worker->workspace.now.mono_ns + DRAIN_IDLE_NS;
    for_each_client(worker, drain_client);
}

/* Returns false when the worker is done. */
static bool look_at_stage(struct worker *worker)
{
    switch ((enum worker_stage)atomic_load(&worker->shared->stage)) {
    case WORKER_SERVE:
        return true;
    case WORKER_DRAIN:
        if (!worker->workspace.draining)
            begin_drain(worker);
        return atomic_load(&worker->client_count) > 0;
    case WORKER_STOP:
        break;
    }
    for_each_client(worker, close_client);
    return false;
}

/* How long until the first of the queue may go on, as far as a clock can tell; at least 0. */
static int64_t until_first(struct worker *worker, const struct list_node *queue,
                           const struct id_time *now)
{
    if (list_is_empty(queue))
        return INT64_MAX;
    int64_t due_ns = waiting(queue->next)->connection.order.due_ns;
    if (due_ns >= now->limit_ns) {
        /* Whoever moves the mark wakes us; and if it is too early for that, we see to it later. */
        due_ns = mark_keeper_use(worker->shared->mark_keeper, now);
        if (due_ns == INT64_MAX)
            return INT64_MAX;
    }
    return id_time_wait(now, due_ns);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long the loop may sleep, in nanoseconds; negative: until something happens. */
static int64_t sleep_ns(struct worker *worker)
{
    if (!list_is_empty(&worker->ready))
        return 0;

    struct moment now = service_now(worker->shared->service);
    int64_t until_ns = INT64_MAX;
    int64_t deadline_ns = deadline_wheel_next(&worker->wheel);
    if (deadline_ns != INT64_MAX)
        until_ns = deadline_ns > now.mono_ns ? deadline_ns - now.mono_ns : 0;
    until_ns = smaller(until_ns, until_first(worker, &worker->tick_queue, &now.ids));
    until_ns = smaller(until_ns, until_first(worker, &worker->line, &now.ids));
    return until_ns != INT64_MAX ? until_ns : -1;
}

/*
 * epoll_wait() to the nanosecond: epoll_pwait2() of Linux 5.11.  ThreadSanitizer does not know
 * that the one orders threads as the other does, so under it the older call is used.
 */
static int wait_precisely(int epoll_fd, struct epoll_event *events, int64_t ns)
{
#ifdef __SANITIZE_THREAD__
    (void)epoll_fd;
    (void)events;
    (void)ns;
    errno = ENOSYS;
    return -1;
#else
    struct __kernel_timespec timeout = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    /* musl has no function for it. */
    return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS_MAX, ns < 0 ? NULL : &timeout,
                        NULL, 0);
#endif
}

static int wait_for_events(struct worker *worker, struct epoll_event *events)
{
    int64_t ns = sleep_ns(worker);
    int count = wait_precisely(worker->epoll_fd, events, ns);
    if (count >= 0 || errno != ENOSYS)
        return count;
    /* An older kernel: milliseconds, rounded up so that the loop does not spin. */
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    return epoll_wait(worker->epoll_fd, events, EVENTS_MAX, ns < 0 ? -1 : (int)ms);
}

/* While ids are wanted, the mark has to stay ahead of them. */
static void look_at_mark(struct worker *worker)
{
    struct workspace *workspace = &worker->workspace;
    if (workspace->ids_were_wanted || !list_is_empty(&worker->tick_queue) ||
        !list_is_empty(&worker->line))
        (void)mark_keeper_use(worker->shared->mark_keeper, &workspace->now.ids);
    workspace->ids_were_wanted = false;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct epoll_event events[EVENTS_MAX];

    while (look_at_stage(worker)) {
        int count = wait_for_events(worker, events);
        BUG_IF(count == -1 && errno != EINTR);
        workspace_set_time(&worker->workspace, service_now(worker->shared->service));
        for (int i = 0; i < count; i++)
            take_event(worker, &events[i]);
        run_ready(worker);
        run_queue(worker, &worker->tick_queue);
        run_queue(worker, &worker->line);
        run_deadlines(worker);
        look_at_mark(worker);
    }
    return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

int worker_create(struct worker *worker, struct worker_shared *shared, uint32_t number,
                  uint32_t connections_max)
{
    *worker = (struct worker){.shared = shared, .number = number, .epoll_fd = -1, .wake_fd = -1};
    struct moment now = service_now(shared->service);
    list_init(&worker->tick_queue);
    list_init(&worker->line);
    list_init(&worker->unread);
    list_init(&worker->ready);
    deadline_wheel_init(&worker->wheel, now.mono_ns);

    int r =
        workspace_create(&worker->workspace, shared->service, shared->settings, connections_max);
    if (r < 0)
        return r;
    workspace_set_time(&worker->workspace, now);
    service_add_counters(shared->service, &worker->workspace.counters);

    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_EVENT};
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd == -1 || worker->wake_fd == -1 ||
        epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->wake_fd, &event) == -1) {
        r = -errno;
        worker_destroy(worker);
        return r;
    }
    return 0;
}

void worker_destroy(struct worker *worker)
{
    if (worker->wake_fd != -1)
        (void)close(worker->wake_fd);
    if (worker->epoll_fd != -1)
        (void)close(worker->epoll_fd);
    worker->wake_fd = -1;
    worker->epoll_fd = -1;
    workspace_destroy(&worker->workspace);
}

int worker_start(struct worker *worker)
{
    /*
     * For those who look at the threads: top -H, gdb.  A thread begins with the name of the one
     * that starts it; to name another one afterwards takes a file that the sandbox does not leave
     * us.
     */
    char own_name[16] = "";
    char name[16];
    (void)snprintf(name, sizeof(name), "worker-%u", worker->number);
    (void)pthread_getname_np(pthread_self(), own_name, sizeof(own_name));
    (void)pthread_setname_np(pthread_self(), name); /* cannot fail: it is short enough */
    int r = -pthread_create(&worker->thread, NULL, worker_main, worker);
    (void)pthread_setname_np(pthread_self(), own_name);
    return r;
}

void worker_wake(struct worker *worker)
{
    (void)eventfd_write(worker->wake_fd, 1); /* full: it will wake up anyway */
}

void worker_ask(struct worker *worker)
{
    atomic_fetch_add(&worker->asked, 1);
    worker_wake(worker);
}

bool worker_has_answered(const struct worker *worker)
{
    return atomic_load(&worker->answered) == atomic_load(&worker->asked);
}

void worker_join(struct worker *worker)
{
    (void)pthread_join(worker->thread, NULL); /* cannot fail: it was started, and is joined once */
}
