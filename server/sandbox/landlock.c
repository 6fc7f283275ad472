#include "server/sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of newer headers. */
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* signals to those who are under the same rules only */

/* An older kernel takes more than it knows if that is zero. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

/* The rights of the first version: all below FS_REFER. */
#define FS_VERSION_1 (FS_REFER - 1)

#define FILE_RIGHTS                                                                              \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
     FS_TRUNCATE | FS_IOCTL_DEV)

static const uint64_t rights[] = {
    [LANDLOCK_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    [LANDLOCK_WRITE] = LANDLOCK_ACCESS_FS_WRITE_FILE,
    [LANDLOCK_REPLACE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                         LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                         LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE,
    [LANDLOCK_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

int landlock_begin(struct landlock *landlock)
{
    *landlock = (struct landlock){.ruleset_fd = -1};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version == -1)
        return -errno;
    landlock->version = (int)version;
    landlock->handled = FS_VERSION_1;
    landlock->handled |= version >= 2 ? FS_REFER : 0;
    landlock->handled |= version >= 3 ? FS_TRUNCATE : 0;
    landlock->handled |= version >= 5 ? FS_IOCTL_DEV : 0;
    const struct ruleset ruleset = {.files = landlock->handled,
                                    .scoped = version >= 6 ? SCOPE_SIGNAL : 0};
    landlock->ruleset_fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    return landlock->ruleset_fd != -1 ? 0 : -errno;
}

int landlock_allow_fd(const struct landlock *landlock, int fd, enum landlock_use use)
{
    struct stat status;
    struct landlock_path_beneath_attr rule = {.parent_fd = fd,
                                              .allowed_access = rights[use] & landlock->handled};
    if (fstat(fd, &status) == -1)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    long r =
        syscall(SYS_landlock_add_rule, landlock->ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    return r == 0 ? 0 : -errno;
}

int landlock_allow(const struct landlock *landlock, const char *path, enum landlock_use use)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    int r = landlock_allow_fd(landlock, fd, use);
    (void)close(fd); /* O_PATH: nothing was read or written */
    return r;
}

int landlock_enter(const struct landlock *landlock)
{
    return syscall(SYS_landlock_restrict_self, landlock->ruleset_fd, 0) == 0 ? 0 : -errno;
}

void landlock_end(struct landlock *landlock)
{
    if (landlock->ruleset_fd != -1)
        (void)close(landlock->ruleset_fd);
    landlock->ruleset_fd = -1;
}
