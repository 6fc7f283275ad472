#include "server/systemd/activation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/number.h"

#define NAME_TEXT_MAX 300 /* a name has at most 255 bytes; quoted and cut */

struct activation activation_from_environment(void)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): no thread yet that could change the environment
    return (struct activation){
        .pid = getenv("LISTEN_PID"),
        .fds = getenv("LISTEN_FDS"),
        .names = getenv("LISTEN_FDNAMES"),
        .first_fd = ACTIVATION_FIRST_FD,
        .self = (uint64_t)getpid(),
    };
    // NOLINTEND(concurrency-mt-unsafe)
}

static int refuse(const char *variable, const char *value, const char *must)
{
    char quoted[128];
    log_error("activation_failed", "variable=%s value=%s hint=\"%s\"", variable,
              log_quote(span_of(value), quoted, sizeof(quoted)), must);
    return -EINVAL;
}

/* How many names a list has; a ':' stands between two. */
static size_t count_names(const char *names)
{
    size_t count = 1;
    for (; *names != '\0'; names++)
        count += *names == ':';
    return count;
}

/* Cuts the first name off *names. */
static struct span next_name(const char **names)
{
    struct span name = {*names, strcspn(*names, ":")};
    *names += name.len;
    if (**names == ':')
        (*names)++;
    return name;
}

/* Sets *ret_count; 0 when nothing was passed, or not to us. */
static int count_sockets(const struct activation *a, size_t *ret_count)
{
    uint64_t pid;
    uint64_t count;
    *ret_count = 0;
    if (a->fds == NULL || a->pid == NULL)
        return 0;
    if (parse_u64(span_of(a->pid), 1, INT32_MAX, &pid) < 0)
        return refuse("LISTEN_PID", a->pid, "it must be the number of a process");
    if (pid != a->self) {
        log_warn("activation_ignored",
                 "listen_pid=%s pid=%ju hint=\"the sockets were passed to another process; if "
                 "that is a script that starts go-id, it must exec it\"",
                 a->pid, (uintmax_t)a->self);
        return 0;
    }
    if (parse_u64(span_of(a->fds), 0, SETTINGS_LISTENERS_MAX, &count) < 0)
        return refuse("LISTEN_FDS", a->fds, "it must be a number of sockets from 0 to 16");
    if (count > 0 && a->names != NULL && count_names(a->names) != count)
        return refuse("LISTEN_FDNAMES", a->names, "it must hold as many names as LISTEN_FDS says");
    *ret_count = (size_t)count;
    return 0;
}

int activation_take(const struct activation *activation,
                    struct listener listeners[static SETTINGS_LISTENERS_MAX], size_t *ret_count)
{
    size_t count;
    *ret_count = 0;
    int r = count_sockets(activation, &count);
    const char *names = activation->names != NULL ? activation->names : "";
    for (size_t i = 0; i < count && r == 0; i++) {
        int fd = activation->first_fd + (int)i;
        const char *problem;
        char name[NAME_TEXT_MAX];
        (void)log_quote(next_name(&names), name, sizeof(name));
        r = listener_adopt(fd, &listeners[i], &problem);
        if (r < 0) {
            log_error("activation_failed", "fd=%d name=%s errno=%s hint=\"%s\"", fd, name,
                      errno_name(-r), problem);
            return r;
        }
        char text[LISTENER_TEXT_MAX];
        listener_describe(&listeners[i].address, text);
        log_info("socket_taken_over", "address=%s fd=%d name=%s", text, fd, name);
        *ret_count = i + 1;
    }
    return r;
}

bool activation_holds(const struct activation *activation, int fd)
{
    uint64_t pid;
    uint64_t count;
    return activation->pid != NULL && activation->fds != NULL &&
           parse_u64(span_of(activation->pid), 1, INT32_MAX, &pid) == 0 &&
           pid == activation->self &&
           parse_u64(span_of(activation->fds), 0, SETTINGS_LISTENERS_MAX, &count) == 0 &&
           fd >= activation->first_fd && (uint64_t)(fd - activation->first_fd) < count;
}
