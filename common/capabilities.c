#include "common/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void capabilities_keep(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    int saved_errno = errno;

    /* What an executed program could get back; only those who have CAP_SETPCAP can change it. */
    for (unsigned long i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
        ;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data) == 0) {
        for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
            uint32_t mask = (uint32_t)(kept >> 32 * i);
            data[i].effective &= mask;
            data[i].permitted &= mask;
            data[i].inheritable = 0;
        }
        (void)syscall(SYS_capset, &header, data);
    }
    errno = saved_errno;
}

bool capabilities_are_none(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint32_t left = 0;
    if (syscall(SYS_capget, &header, data) == -1)
        return false;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        left |= data[i].effective | data[i].permitted | data[i].inheritable;
    return left == 0;
}
