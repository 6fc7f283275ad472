#include "server/net/socket_access.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/number.h"

static int find_group(const char *name, gid_t *ret_group)
{
    uint64_t number;
    if (parse_u64(span_of(name), 0, UINT32_MAX - 1, &number) == 0) {
        *ret_group = (gid_t)number;
        return 0;
    }
    errno = 0;
    const struct group *group = getgrnam(name); // NOLINT(concurrency-mt-unsafe): no threads yet
    if (group == NULL)
        return errno != 0 ? -errno : -ENOENT;
    *ret_group = group->gr_gid;
    return 0;
}

int socket_access_find(const struct settings *settings, struct socket_access *ret)
{
    *ret = (struct socket_access){.mode = (mode_t)settings->unix_socket_mode, .group = (gid_t)-1};
    if (settings->unix_socket_group[0] == '\0')
        return 0;
    return find_group(settings->unix_socket_group, &ret->group);
}

int socket_access_apply(const struct socket_access *access, const char *path)
{
    /* The group first: to change it may take away bits of the mode. */
    if (access->group != (gid_t)-1 && lchown(path, (uid_t)-1, access->group) == -1)
        return -errno;
    if (access->mode != 0 && chmod(path, access->mode) == -1)
        return -errno;
    return 0;
}
