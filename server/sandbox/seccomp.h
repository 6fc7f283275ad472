/*
 * seccomp.h: which system calls a process can make.
 *
 * The list in seccomp.c holds what the daemon and its libc use while they serve, and stop.  Another
 * call ends the process (SIGSYS).  A call that is younger than the list fails with ENOSYS, as on an
 * older kernel, so that a new libc falls back instead of dying.
 */
#ifndef SERVER_SANDBOX_SECCOMP_H
#define SERVER_SANDBOX_SECCOMP_H

#include <stdbool.h>

#include "common/attributes.h"

/*
 * Puts all threads of the process under the filter, for good; with_resolver allows what looking up
 * names and asking NTP servers takes besides.  Needs no_new_privs.  Returns 0 or a negative errno;
 * -EOPNOTSUPP on a processor that the filter is not written for.
 */
NODISCARD int seccomp_enter(bool with_resolver);

#endif
