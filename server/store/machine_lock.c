#include "server/store/machine_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "machine_ids"

/* How often a holder may be gone by the time it is asked for. */
#define TRIES 16

static int open_file(const char *directory)
{
    if (mkdir(directory, 0755) == -1 && errno != EEXIST)
        return -errno;
    int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd == -1)
        return -errno;
    int fd = openat(directory_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r = fd != -1 ? fd : -errno;
    (void)close(directory_fd); /* O_PATH: nothing was read or written */
    return r;
}

/* Byte k stands for machine id k; nothing is ever written there. */
static struct flock bytes_of(struct shard_range shards)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = shards.first, .l_len = shards.count};
}

/*
 * Finds the lowest machine id that somebody else holds.  Returns false if nobody does any more.
 * The kernel names any one lock in the way; what lies below that is asked for again.
 */
static bool find_holder(int fd, struct shard_range shards, struct machine_lock_holder *ret_holder)
{
    bool found = false;
    while (shards.count > 0) {
        struct flock lock = bytes_of(shards);
        if (fcntl(fd, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK)
            break;
        uint32_t machine = lock.l_start > shards.first ? (uint32_t)lock.l_start : shards.first;
        *ret_holder = (struct machine_lock_holder){.pid = lock.l_pid > 0 ? lock.l_pid : 0,
                                                   .machine = machine};
        found = true;
        shards.count = machine - shards.first;
    }
    return found;
}

/*
 * For one who may not write to the file, as the file of another user: to lock it takes that right,
 * to ask who holds it does not.  Returns -EAGAIN if somebody does, else -EACCES.
 */
static int only_ask(const char *directory, struct shard_range shards,
                    struct machine_lock_holder *reterr_holder)
{
    int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd == -1)
        return -EACCES;
    int fd = openat(directory_fd, LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    (void)close(directory_fd); /* O_PATH: nothing was read or written */
    if (fd == -1)
        return -EACCES;
    int r = find_holder(fd, shards, reterr_holder) ? -EAGAIN : -EACCES;
    (void)close(fd); /* nothing was written, and nothing is locked */
    return r;
}

int machine_lock_take(struct machine_lock *lock, const char *directory, struct shard_range shards,
                      struct machine_lock_holder *reterr_holder)
{
    lock->fd = -1;
    int fd = open_file(directory);
    if (fd == -EACCES)
        return only_ask(directory, shards, reterr_holder);
    if (fd < 0)
        return fd;

    int r = -EAGAIN;
    *reterr_holder = (struct machine_lock_holder){.machine = shards.first};
    for (int i = 0; i < TRIES; i++) {
        struct flock wanted = bytes_of(shards);
        if (fcntl(fd, F_SETLK, &wanted) == 0) {
            lock->fd = fd;
            return 0;
        }
        r = errno == EACCES ? -EAGAIN : -errno;
        if (r != -EAGAIN || find_holder(fd, shards, reterr_holder))
            break;
    }
    (void)close(fd); /* nothing was written, and nothing is locked */
    return r;
}

void machine_lock_release(struct machine_lock *lock)
{
    if (lock->fd != -1)
        (void)close(lock->fd); /* releases the locks */
    lock->fd = -1;
}
