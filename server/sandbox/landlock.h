/*
 * landlock.h: which files a process can reach, by the kernel's Landlock (since Linux 5.13).
 *
 * Calls that glibc has no functions for, and constants of newer kernels than the headers know.
 */
#ifndef SERVER_SANDBOX_LANDLOCK_H
#define SERVER_SANDBOX_LANDLOCK_H

#include <stdint.h>

#include "common/attributes.h"

/* What may be done beneath a folder, or to a file. */
enum landlock_use {
    LANDLOCK_READ,    /* read files, and folders */
    LANDLOCK_WRITE,   /* write to one file, and nothing else */
    LANDLOCK_REPLACE, /* read, write, make, rename and remove files */
    LANDLOCK_SOCKETS, /* make and remove Unix sockets */
};

struct landlock {
    int ruleset_fd;
    int version;      /* of the kernel's interface, from 1 */
    uint64_t handled; /* what is forbidden where no rule allows it */
};

/* Returns 0, or a negative errno: -ENOSYS, -EOPNOTSUPP when the kernel has no Landlock. */
NODISCARD int landlock_begin(struct landlock *landlock);

/* Allows a use beneath what the descriptor stands for.  Returns 0 or a negative errno. */
NODISCARD int landlock_allow_fd(const struct landlock *landlock, int fd, enum landlock_use use);

/* The same for a path; one that is not there needs no rule, and is no failure. */
NODISCARD int landlock_allow(const struct landlock *landlock, const char *path,
                             enum landlock_use use);

/*
 * From here on the calling thread, and those that it starts, reach nothing else.  Needs
 * no_new_privs.  Returns 0 or a negative errno.
 */
NODISCARD int landlock_enter(const struct landlock *landlock);

/* After landlock_begin(), in any case. */
void landlock_end(struct landlock *landlock);

#endif
