#include "server/store/mark_keeper.h"

#include <errno.h>
#include <time.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

#define RETRY_NS (100 * NS_PER_MS) /* after a write that failed */
#define REMIND_NS (60 * NS_PER_S)  /* between log lines about a disk that stays broken */

/* ---- Writing -------------------------------------------------------------------------------- */

/* Writes the record with the mark at mark_ns.  Returns 0 or a negative errno. */
static int write_record(struct mark_keeper *keeper, int64_t mark_ns)
{
    struct state_record next = keeper->record;
    next.mark_ns = mark_ns;
    next.clock_offset_ns = id_clock_believed_offset(keeper->clock);

    int64_t since_ns = clock_read().boot_ns;
    atomic_store(&keeper->writing_since, since_ns);
    int r = state_directory_write(keeper->directory, &next);
    int64_t took_ns = clock_read().boot_ns - since_ns;
    atomic_store(&keeper->last_write_ns, took_ns);
    histogram_add(&keeper->write_times, took_ns);
    atomic_store(&keeper->writing_since, 0);

    atomic_store(&keeper->error, -r);
    atomic_fetch_add(r == 0 ? &keeper->writes : &keeper->failures, 1);
    if (r == 0)
        keeper->record = next;
    return r;
}

static int64_t age_ns(const struct mark_keeper *keeper, const struct moment *now)
{
    return now->boot_ns - keeper->born_ns;
}

/* Tells the id clock, and those who use it when to come again. */
static void publish(struct mark_keeper *keeper, const struct moment *now)
{
    int64_t mark_ns = keeper->record.mark_ns;
    id_clock_set_limit(keeper->clock, mark_ns, false);
    atomic_store(&keeper->refill_ns,
                 mark_refill(&keeper->policy, &now->ids, age_ns(keeper, now), mark_ns));
}

/* Moves the mark, if that is due.  Returns 0 or a negative errno. */
static int move(struct mark_keeper *keeper)
{
    bool anyway = atomic_exchange(&keeper->write_anyway, false);
    struct moment now = id_clock_now(keeper->clock);
    if (!anyway && id_time_logical(&now.ids) < atomic_load(&keeper->refill_ns)) {
        keeper->moved(keeper->moved_context); /* after we had been called: who did may not know */
        return 0;
    }

    int64_t target_ns = mark_target(&keeper->policy, &now.ids, age_ns(keeper, &now));
    if (target_ns < keeper->record.mark_ns)
        target_ns = keeper->record.mark_ns; /* while it is in use it never goes back */
    int r = 0;
    if (anyway || target_ns > keeper->record.mark_ns)
        r = write_record(keeper, target_ns);
    if (r < 0) {
        if (anyway)
            atomic_store(&keeper->write_anyway, true);
        return r;
    }
    publish(keeper, &now);
    keeper->moved(keeper->moved_context);
    return 0;
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* Waits until it is wanted. */
static void wait_until_wanted(struct mark_keeper *keeper)
{
    (void)sem_wait(&keeper->wanted); /* EINTR: looks once too often */
}

/* Waits until a write may be tried again, or the thread is to stop. */
static void wait_for_retry(struct mark_keeper *keeper)
{
    struct timespec step = {.tv_nsec = 5 * NS_PER_MS};
    int64_t until_ns = clock_read().mono_ns + RETRY_NS;
    while (!atomic_load(&keeper->stopping) && clock_read().mono_ns < until_ns)
        (void)nanosleep(&step, NULL); /* EINTR: a shorter step */
    /* That it is wanted is known already; is_wanted stays set until the next turn. */
    while (sem_trywait(&keeper->wanted) == 0)
        ;
}

/* Says when writing begins to fail, now and then while it does, and when it works again. */
static void tell(int error_before, int error, int64_t *remind_ns)
{
    int64_t now_ns = clock_read().boot_ns;
    if (error == 0 && error_before != 0)
        log_info("mark_recovered", "before=%s", errno_name(error_before));
    if (error == 0 || (error == error_before && now_ns < *remind_ns))
        return;
    *remind_ns = now_ns + REMIND_NS;
    log_error("mark_failed",
              "errno=%s hint=\"the state directory takes no new record: ids go on up to the last "
              "mark, then requests get 503 until it does\"",
              errno_name(error));
}

static void *keeper_main(void *argument)
{
    struct mark_keeper *keeper = argument;
    int error = 0;
    int64_t remind_ns = 0;
    for (;;) {
        if (error == 0)
            wait_until_wanted(keeper);
        else
            wait_for_retry(keeper);
        if (atomic_load(&keeper->stopping))
            return NULL;
        /* Before the clock is read: who wants it from here on is heard in the next turn. */
        atomic_store(&keeper->is_wanted, false);
        int r = move(keeper);
        tell(error, -r, &remind_ns);
        if (r < 0)
            id_clock_set_limit(keeper->clock, keeper->record.mark_ns, true);
        if (r < 0 && error == 0)
            keeper->moved(keeper->moved_context); /* it will not move soon: no use in waiting */
        error = -r;
    }
}

/* ---- Life ----------------------------------------------------------------------------------- */

int mark_keeper_create(struct mark_keeper *keeper, const struct state_directory *directory,
                       struct id_clock *clock, struct mark_policy policy,
                       const struct state_record *record)
{
    struct moment now = id_clock_now(clock);
    *keeper = (struct mark_keeper){
        .directory = directory,
        .clock = clock,
        .policy = policy,
        .record = *record,
        .born_ns = now.boot_ns,
    };
    int r = write_record(keeper, mark_target(&policy, &now.ids, 0));
    if (r == 0)
        publish(keeper, &now);
    return r;
}

int mark_keeper_start(struct mark_keeper *keeper, void (*moved)(void *context), void *context)
{
    keeper->moved = moved;
    keeper->moved_context = context;
    if (sem_init(&keeper->wanted, 0, 0) == -1)
        return -errno;
    int r = -pthread_create(&keeper->thread, NULL, keeper_main, keeper);
    keeper->running = r == 0;
    return r;
}

static void want(struct mark_keeper *keeper)
{
    if (!atomic_exchange(&keeper->is_wanted, true))
        (void)sem_post(&keeper->wanted); /* cannot overflow: it is posted once per turn */
}

int64_t mark_keeper_use(struct mark_keeper *keeper, const struct id_time *ids)
{
    int64_t refill_ns = atomic_load_explicit(&keeper->refill_ns, memory_order_relaxed);
    if (id_time_logical(ids) < refill_ns)
        return refill_ns;
    want(keeper);
    return INT64_MAX;
}

void mark_keeper_write_anyway(struct mark_keeper *keeper)
{
    atomic_store(&keeper->write_anyway, true);
    want(keeper);
}

void mark_keeper_stop(struct mark_keeper *keeper)
{
    if (!keeper->running)
        return;
    atomic_store(&keeper->stopping, true);
    (void)sem_post(&keeper->wanted);
    (void)pthread_join(keeper->thread, NULL); /* cannot fail: it was started, and is joined once */
    (void)sem_destroy(&keeper->wanted);
    keeper->running = false;
}

int mark_keeper_finish(struct mark_keeper *keeper, int64_t mark_ns)
{
    return write_record(keeper, mark_ns);
}
