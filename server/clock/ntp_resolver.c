#include "server/clock/ntp_resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/capabilities.h"
#include "common/memory.h"
#include "common/number.h"

enum job { JOB_NONE, JOB_ASKED, JOB_ANSWERED };

struct ntp_resolver {
    struct ntp_server server;
    int answered_fd;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    unsigned users; /* the owner and the thread: who leaves last switches off the light */
    bool abandoned;
    enum job job;
    uint32_t turn;
    int failure; /* of getaddrinfo(); 0: there is an address */
    struct ntp_address address;
};

/* ---- Looking up ----------------------------------------------------------------------------- */

/* Returns 0 or an EAI_ value. */
static int look_up(const struct ntp_server *server, int flags, uint32_t turn,
                   struct ntp_address *ret_address)
{
    char port[U64_DIGITS_MAX + 1] = {0};
    (void)format_u64(server->port, port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *found;
    int r = getaddrinfo(server->host, port, &hints, &found);
    if (r != 0)
        return r;

    uint32_t count = 0;
    for (const struct addrinfo *each = found; each != NULL; each = each->ai_next)
        count++;
    BUG_IF(count == 0); /* success is at least one */
    const struct addrinfo *chosen = found;
    for (uint32_t i = turn % count; i > 0; i--)
        chosen = chosen->ai_next;

    BUG_IF(chosen->ai_addrlen > sizeof(ret_address->storage));
    memcpy(&ret_address->storage, chosen->ai_addr, chosen->ai_addrlen);
    ret_address->len = chosen->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

bool ntp_resolver_numeric(const struct ntp_server *server, struct ntp_address *ret_address)
{
    return look_up(server, AI_NUMERICHOST, 0, ret_address) == 0;
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* Called with the lock held, which is gone afterwards, as the resolver may be. */
static void leave(struct ntp_resolver *resolver)
{
    bool last = --resolver->users == 0;
    (void)pthread_mutex_unlock(&resolver->lock);
    if (!last)
        return;
    (void)close(resolver->answered_fd);
    (void)pthread_cond_destroy(&resolver->changed);
    (void)pthread_mutex_destroy(&resolver->lock);
    memory_release(resolver, sizeof(*resolver));
}

static void *run(void *argument)
{
    struct ntp_resolver *resolver = argument;
    capabilities_keep(CAPABILITIES_NONE); /* listeners may yet have to be opened: not by us */
    (void)pthread_mutex_lock(&resolver->lock);
    while (!resolver->abandoned) {
        if (resolver->job != JOB_ASKED) {
            (void)pthread_cond_wait(&resolver->changed, &resolver->lock);
            continue;
        }
        uint32_t turn = resolver->turn;
        struct ntp_address address = {.len = 0};
        (void)pthread_mutex_unlock(&resolver->lock);
        int failure = look_up(&resolver->server, 0, turn, &address);
        (void)pthread_mutex_lock(&resolver->lock);
        resolver->failure = failure;
        resolver->address = address;
        resolver->job = JOB_ANSWERED;
        (void)eventfd_write(resolver->answered_fd, 1); /* cannot be full: it is read before */
    }
    leave(resolver);
    return NULL;
}

static int start_thread(struct ntp_resolver *resolver)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int r = pthread_attr_init(&attributes);
    if (r != 0)
        return -r;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    r = pthread_create(&thread, &attributes, run, resolver);
    (void)pthread_attr_destroy(&attributes);
    return -r;
}

/* ---- The owner's side ----------------------------------------------------------------------- */

int ntp_resolver_create(const struct ntp_server *server, struct ntp_resolver **ret_resolver)
{
    struct ntp_resolver *resolver = memory_reserve(sizeof(*resolver));
    if (resolver == NULL)
        return -ENOMEM;
    resolver->server = *server;
    resolver->answered_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolver->answered_fd == -1) {
        int r = -errno;
        memory_release(resolver, sizeof(*resolver));
        return r;
    }
    (void)pthread_mutex_init(&resolver->lock, NULL); /* neither can fail on Linux */
    (void)pthread_cond_init(&resolver->changed, NULL);
    resolver->users = 2;

    int r = start_thread(resolver);
    if (r < 0) {
        resolver->users = 1;
        ntp_resolver_abandon(resolver);
        return r;
    }
    *ret_resolver = resolver;
    return 0;
}

void ntp_resolver_abandon(struct ntp_resolver *resolver)
{
    if (resolver == NULL)
        return;
    (void)pthread_mutex_lock(&resolver->lock);
    resolver->abandoned = true;
    (void)pthread_cond_signal(&resolver->changed);
    leave(resolver);
}

void ntp_resolver_ask(struct ntp_resolver *resolver, uint32_t turn)
{
    (void)pthread_mutex_lock(&resolver->lock);
    if (resolver->job == JOB_NONE) {
        resolver->job = JOB_ASKED;
        resolver->turn = turn;
        (void)pthread_cond_signal(&resolver->changed);
    }
    (void)pthread_mutex_unlock(&resolver->lock);
}

int ntp_resolver_fd(const struct ntp_resolver *resolver)
{
    return resolver->answered_fd;
}

int ntp_resolver_fetch(struct ntp_resolver *resolver, struct ntp_address *ret_address,
                       const char **reterr_reason)
{
    int r = -EAGAIN;
    (void)pthread_mutex_lock(&resolver->lock);
    if (resolver->job == JOB_ANSWERED) {
        eventfd_t count;
        (void)eventfd_read(resolver->answered_fd, &count);
        resolver->job = JOB_NONE;
        r = resolver->failure == 0 ? 0 : -ENOENT;
        if (r == 0)
            *ret_address = resolver->address;
        else
            *reterr_reason = gai_strerror(resolver->failure);
    }
    (void)pthread_mutex_unlock(&resolver->lock);
    return r;
}
