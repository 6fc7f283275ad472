/*
 * state_directory.h: the folder in which go-id keeps what must survive a crash.
 *
 *   go-id.state       the record (state_record.h)
 *   go-id.state.new   the next record while it is being written
 *   go-id.lock        locked by the process that owns the folder
 *
 * One process at a time owns the folder: there is one mark in it.
 * Threads  One at a time.
 * Blocking All of it is disk I/O.
 */
#ifndef SERVER_STORE_STATE_DIRECTORY_H
#define SERVER_STORE_STATE_DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/attributes.h"
#include "server/store/state_record.h"

struct state_directory {
    int fd;                     /* of the folder; -1: closed */
    int lock_fd;                /* of go-id.lock; -1: not locked */
    bool is_volatile;           /* on tmpfs or ramfs: it does not survive a reboot */
    struct uuid_text subvolume; /* "" where there is none */
};

/*
 * Opens the folder at path.  A missing one is made (mode 0750) if may_create, but not what is
 * above it; whoever gives a path says by that where it is expected to be: the default is made,
 * any other may be the place of a volume that is not mounted.
 * Returns 0 or a negative errno, with *reterr_step, a static string, saying at what.
 */
NODISCARD int state_directory_open(struct state_directory *directory, const char *path,
                                   bool may_create, const char **reterr_step);

/* Releases the lock, too.  One that is closed, or open() failed on, is allowed. */
void state_directory_close(struct state_directory *directory);

/*
 * Makes this process the owner, until it ends or closes.  Returns 0; -EAGAIN when another
 * process is, with *reterr_pid its pid, 0 if that cannot be known (it lives in another pid
 * namespace); or a negative errno.  Unless it returns 0, nothing is locked, and it may be tried
 * again.  The lock is a POSIX record lock: no other descriptor of go-id.lock may be opened and
 * closed in this process.
 */
NODISCARD int state_directory_lock(struct state_directory *directory, pid_t *reterr_pid);

/* The pid of the process that owns the folder; 0: nobody, -1: somebody whose pid is not known. */
NODISCARD pid_t state_directory_owner(const struct state_directory *directory);

/*
 * Reads the record.  Returns 1 if there is one; 0 if there is none, and never was; -EBADMSG if
 * what is there is no record or no regular file, with *reterr_fault; or a negative errno, -ELOOP
 * for a symbolic link.
 */
NODISCARD int state_directory_read(const struct state_directory *directory,
                                   struct state_record *ret_record,
                                   enum state_record_fault *reterr_fault);

/*
 * Replaces the record: writes a new file, syncs it, renames it, syncs the folder.  When this
 * returns 0, the record survives a power loss; otherwise a negative errno, and the record is
 * either the old or the new one.  Nothing half-written stays behind.
 */
NODISCARD int state_directory_write(const struct state_directory *directory,
                                    const struct state_record *record);

#endif
