#include "common/errno_name.h"

#include <errno.h>
#include <stddef.h>

/* Those that the calls in this project can fail with, and their neighbours. */
#define NAME(value) [value] = #value

static const char *const names[] = {
    NAME(EPERM),        NAME(ENOENT),       NAME(EINTR),        NAME(EIO),
    NAME(ENXIO),        NAME(E2BIG),        NAME(EBADF),        NAME(ECHILD),
    NAME(EAGAIN),       NAME(ENOMEM),       NAME(EACCES),       NAME(EFAULT),
    NAME(EBUSY),        NAME(EEXIST),       NAME(EXDEV),        NAME(ENODEV),
    NAME(ENOTDIR),      NAME(EISDIR),       NAME(EINVAL),       NAME(ENFILE),
    NAME(EMFILE),       NAME(ENOTTY),       NAME(ETXTBSY),      NAME(EFBIG),
    NAME(ENOSPC),       NAME(ESPIPE),       NAME(EROFS),        NAME(EMLINK),
    NAME(EPIPE),        NAME(EDOM),         NAME(ERANGE),       NAME(EDEADLK),
    NAME(ENAMETOOLONG), NAME(ENOLCK),       NAME(ENOSYS),       NAME(ENOTEMPTY),
    NAME(ELOOP),        NAME(EOVERFLOW),    NAME(ENOTSOCK),     NAME(EDESTADDRREQ),
    NAME(EMSGSIZE),     NAME(EPROTOTYPE),   NAME(ENOPROTOOPT),  NAME(EPROTONOSUPPORT),
    NAME(EOPNOTSUPP),   NAME(EAFNOSUPPORT), NAME(EADDRINUSE),   NAME(EADDRNOTAVAIL),
    NAME(ENETDOWN),     NAME(ENETUNREACH),  NAME(ECONNABORTED), NAME(ECONNRESET),
    NAME(ENOBUFS),      NAME(EISCONN),      NAME(ENOTCONN),     NAME(ETIMEDOUT),
    NAME(ECONNREFUSED), NAME(EHOSTDOWN),    NAME(EHOSTUNREACH), NAME(EALREADY),
    NAME(EINPROGRESS),  NAME(ESTALE),       NAME(EDQUOT),       NAME(ECANCELED),
    NAME(EPROTO),
};

#undef NAME

const char *errno_name(int errno_value)
{
    size_t count = sizeof(names) / sizeof(names[0]);
    if (errno_value < 0 || (size_t)errno_value >= count || names[errno_value] == NULL)
        return "E?";
    return names[errno_value];
}
