#include "server/systemd/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/number.h"

#define NS_PER_US 1000

static struct log_limit failed_limit;

static int fill_address(struct notify *notify, const char *name)
{
    size_t len = strlen(name);
    if (len < 2 || (name[0] != '/' && name[0] != '@'))
        return -EINVAL;
    if (len > sizeof(notify->address.sun_path) - (name[0] == '/')) /* a path keeps its NUL */
        return -ENAMETOOLONG;
    notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify->address.sun_path, name, len);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (name[0] == '/')
        notify->address_len++;
    return 0;
}

int notify_open(struct notify *notify, const char *socket_name)
{
    *notify = (struct notify){.fd = -1};
    int r = fill_address(notify, socket_name);
    if (r < 0)
        return r;
    const struct timeval wait = {.tv_sec = NOTIFY_WAIT_S};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == -1) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    notify->fd = fd;
    return 0;
}

void notify_close(struct notify *notify)
{
    if (notify->fd != -1)
        (void)close(notify->fd);
    notify->fd = -1;
}

void notify_send(const struct notify *notify, bool must_arrive, const char *format, ...)
{
    if (notify->fd == -1)
        return;
    char message[NOTIFY_MESSAGE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (wanted < 0)
        return;
    size_t len = (size_t)wanted < sizeof(message) ? (size_t)wanted : sizeof(message) - 1;
    ssize_t sent;
    do {
        sent = sendto(notify->fd, message, len, MSG_NOSIGNAL | (must_arrive ? 0 : MSG_DONTWAIT),
                      (const struct sockaddr *)&notify->address, notify->address_len);
    } while (sent == -1 && errno == EINTR);
    if (sent == -1)
        log_write_limited(&failed_limit, LOG_WARN, "notify_failed",
                          "errno=%s hint=\"the service manager does not hear of us\"",
                          errno_name(errno));
}

int64_t notify_watchdog_ns(const char *usec, const char *pid, uint64_t self)
{
    uint64_t value;
    if (usec == NULL)
        return 0;
    if (pid != NULL) {
        if (parse_u64(span_of(pid), 1, INT32_MAX, &value) < 0)
            return -EINVAL;
        if (value != self)
            return 0;
    }
    if (parse_u64(span_of(usec), 1, INT64_MAX / NS_PER_US, &value) < 0)
        return -EINVAL;
    return (int64_t)value * NS_PER_US;
}
