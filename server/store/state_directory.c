#include "server/store/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/bug.h"

#define STATE_FILE "go-id.state"
#define NEW_FILE "go-id.state.new"
#define LOCK_FILE "go-id.lock"

/* ---- Opening -------------------------------------------------------------------------------- */

static bool is_volatile(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* The UUID of the subvolume that holds the folder; none where there are no subvolumes. */
static struct uuid_text find_subvolume(int fd)
{
    struct uuid_text found = {0};
    struct btrfs_ioctl_get_subvol_info_args info;
    memset(&info, 0, sizeof(info));
    if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) == -1)
        return found;
    char *at = found.text;
    for (size_t i = 0; i < BTRFS_UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        (void)snprintf(at, 3, "%02x", info.uuid[i]);
        at += 2;
    }
    return found;
}

int state_directory_open(struct state_directory *directory, const char *path, bool may_create,
                         const char **reterr_step)
{
    *directory = (struct state_directory){.fd = -1, .lock_fd = -1};
    if (may_create && mkdir(path, 0750) == -1 && errno != EEXIST) {
        *reterr_step = "mkdir";
        return -errno;
    }
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd == -1) {
        *reterr_step = "open";
        return -errno;
    }
    directory->is_volatile = is_volatile(directory->fd);
    directory->subvolume = find_subvolume(directory->fd);
    return 0;
}

void state_directory_close(struct state_directory *directory)
{
    if (directory->lock_fd != -1)
        (void)close(directory->lock_fd); /* releases the lock */
    if (directory->fd != -1)
        (void)close(directory->fd); /* it was only read */
    directory->lock_fd = -1;
    directory->fd = -1;
}

/* ---- Locking -------------------------------------------------------------------------------- */

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* Locks the file, or returns -EAGAIN with the pid of the process that has, or a negative errno. */
static int lock_file(int fd, pid_t *reterr_pid)
{
    struct flock lock = whole_file();
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return 0;
    if (errno != EACCES && errno != EAGAIN)
        return -errno;
    lock = whole_file();
    bool known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    *reterr_pid = known && lock.l_pid > 0 ? lock.l_pid : 0;
    return -EAGAIN;
}

int state_directory_lock(struct state_directory *directory, pid_t *reterr_pid)
{
    BUG_IF(directory->lock_fd != -1); /* closing a second descriptor would release the first lock */
    int fd = openat(directory->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd == -1)
        return -errno;
    int r = lock_file(fd, reterr_pid);
    if (r == 0)
        directory->lock_fd = fd;
    else
        (void)close(fd); /* nothing was written, and nothing is locked */
    return r;
}

pid_t state_directory_owner(const struct state_directory *directory)
{
    BUG_IF(directory->lock_fd != -1); /* closing the file below would release our own lock */
    /* To ask needs no right to write: it works on what has become read-only, too. */
    int fd = openat(directory->fd, LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1)
        return 0; /* nobody has ever owned it, or we may not ask */
    struct flock lock = whole_file();
    bool owned = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd); /* nothing was written */
    if (!owned)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

/* ---- The record ----------------------------------------------------------------------------- */

/*
 * What a system call on the state file failed with.  ext4 and XFS say EBADMSG for damage of their
 * own, which must not be taken for ours: a text that is no record.
 */
static int read_error(void)
{
    return errno == EBADMSG ? -EIO : -errno;
}

static bool is_regular(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

/* Reads up to capacity bytes; returns their number or a negative errno. */
static ssize_t read_all(int fd, char *out, size_t capacity)
{
    size_t used = 0;
    while (used < capacity) {
        ssize_t len = read(fd, out + used, capacity - used);
        if (len == 0)
            break;
        if (len > 0)
            used += (size_t)len;
        else if (errno != EINTR)
            return read_error();
    }
    return (ssize_t)used;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written == -1) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        bytes += written;
        len -= (size_t)written;
    }
    return 0;
}

int state_directory_read(const struct state_directory *directory, struct state_record *ret_record,
                         enum state_record_fault *reterr_fault)
{
    /* Not what a link leads to; and a FIFO must not block until somebody writes to it. */
    int fd = openat(directory->fd, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1)
        return errno == ENOENT ? 0 : read_error();
    char text[STATE_RECORD_MAX + 1]; /* one more, to see that a file is too long */
    bool regular = is_regular(fd);
    ssize_t len = regular ? read_all(fd, text, sizeof(text)) : 0;
    (void)close(fd); /* it was only read */
    if (len < 0)
        return (int)len;
    enum state_record_fault fault = STATE_RECORD_FOREIGN;
    if (regular)
        fault = state_record_decode((struct span){text, (size_t)len}, ret_record);
    if (fault == STATE_RECORD_GOOD)
        return 1;
    *reterr_fault = fault;
    return -EBADMSG;
}

/* Writes the text to a new file that survives a power loss. */
static int write_new(int directory_fd, const char *text, size_t len)
{
    int fd =
        openat(directory_fd, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd == -1)
        return -errno;
    int r = write_all(fd, text, len);
    if (r == 0 && fsync(fd) == -1)
        r = -errno;
    if (close(fd) == -1 && r == 0)
        r = -errno;
    return r;
}

int state_directory_write(const struct state_directory *directory,
                          const struct state_record *record)
{
    char text[STATE_RECORD_MAX];
    size_t len = state_record_encode(record, text);
    int r = write_new(directory->fd, text, len);
    if (r == 0 && renameat(directory->fd, NEW_FILE, directory->fd, STATE_FILE) == -1)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(directory->fd, NEW_FILE, 0); /* the next attempt begins anew anyway */
        return r;
    }
    return fsync(directory->fd) == 0 ? 0 : -errno;
}
