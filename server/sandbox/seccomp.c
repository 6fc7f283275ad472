#include "server/sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bug.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

/* Numbers of the x32 interface of x86-64; the kernel looks them up in another table. */
#define X32_BIT 0x40000000

/* The youngest call that the list was made with. */
#define NEWEST SYS_landlock_restrict_self

/* ---- The list ------------------------------------------------------------------------------- */

/* Older machines have calls that newer ones do without. */
#ifndef SYS_open
#define SYS_open -1
#define SYS_stat -1
#define SYS_lstat -1
#define SYS_access -1
#define SYS_rename -1
#define SYS_unlink -1
#define SYS_poll -1
#define SYS_epoll_wait -1
#define SYS_readlink -1
#endif
#ifndef SYS_renameat
#define SYS_renameat -1
#endif

static const int allowed[] = {
    /* Serving; the kernel remembers its verdict on calls that depend on their number alone. */
    SYS_recvfrom,
    SYS_sendto,
    SYS_epoll_pwait2,
    SYS_epoll_pwait,
    SYS_epoll_wait,
    SYS_epoll_ctl,
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_futex,
    SYS_accept4,
    SYS_shutdown,
    SYS_poll,
    SYS_ppoll,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_sendmsg,
    SYS_recvmsg,
    /* Time; most of it needs no call where the kernel shares its clock. */
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_adjtimex,
    SYS_clock_adjtime, /* glibc's adjtimex(); to change a clock takes a capability */
    SYS_timerfd_settime,
    /* State, log, tokens. */
    SYS_openat,
    SYS_open,
    SYS_fsync,
    SYS_fdatasync,
    SYS_renameat,
    SYS_renameat2,
    SYS_rename,
    SYS_unlinkat,
    SYS_unlink,
    SYS_fstat,
    SYS_newfstatat,
    SYS_stat,
    SYS_statx,
    SYS_fstatfs,
    SYS_lseek,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_ftruncate,
    SYS_dup3, /* a new log file takes the old one's place */
    /* Memory; build() sees to the rest. */
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    /* Threads, their end and that of the process. */
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_rt_sigreturn,
    SYS_gettid,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_sched_getaffinity, /* glibc's allocator, when a thread first uses it */
    SYS_rseq,              /* the beginning of a thread, which may not have run yet */
    SYS_set_robust_list,   /* the same */
    SYS_membarrier,
    /* Facts. */
    SYS_geteuid, /* whether a token file is ours, when it is read again */
    SYS_getrandom,
};

/* getaddrinfo(), and NTP. */
static const int allowed_to_resolver[] = {
    SYS_connect,    SYS_bind,    SYS_sendmmsg,   SYS_recvmmsg,   SYS_mmap,
    SYS_mprotect,   SYS_access,  SYS_faccessat,  SYS_faccessat2, SYS_readlink,
    SYS_readlinkat, SYS_lstat,   SYS_getdents64, SYS_uname,      SYS_getuid,
    SYS_getgid,     SYS_getegid, SYS_sysinfo, /* qsort() of glibc before 2.37 */
};

static const uint32_t resolver_families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};

/*
 * fcntl() of ours and of both libcs.  With F_SETOWN and F_SETSIG the kernel would send any signal
 * to anybody.
 */
static const uint32_t fcntl_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK};

/* Calls for which libc knows another way. */
static const int absent[] = {
    SYS_clone3,
    SYS_openat2,
    SYS_close_range,
};

/* ---- The program ---------------------------------------------------------------------------- */

#define PROGRAM_MAX 512

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short len;
};

static void emit(struct program *program, struct sock_filter instruction)
{
    BUG_IF(program->len == PROGRAM_MAX);
    program->code[program->len++] = instruction;
}

#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset)))
#define RETURN(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action))
/* Goes on if the value compares so, else passes over count instructions. */
#define IF(comparison, value, count) \
    ((struct sock_filter)BPF_JUMP(BPF_JMP | (comparison) | BPF_K, (uint32_t)(value), 0, count))

/* The lower half of an argument; what matters of those below fits in it. */
static uint32_t argument(unsigned index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) +
                      (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
}

static void emit_verdict(struct program *program, int number, uint32_t action)
{
    if (number == -1)
        return; /* this machine has no such call */
    emit(program, IF(BPF_JEQ, number, 1));
    emit(program, RETURN(action));
}

static void emit_verdicts(struct program *program, const int *numbers, size_t count,
                          uint32_t action)
{
    for (size_t i = 0; i < count; i++)
        emit_verdict(program, numbers[i], action);
}

/* Allows a call if its argument has one of these values; else the process ends. */
static void emit_one_of(struct program *program, int number, unsigned index, const uint32_t *values,
                        size_t count)
{
    emit(program, IF(BPF_JEQ, number, (uint8_t)(2 * count + 2)));
    emit(program, LOAD(argument(index)));
    for (size_t i = 0; i < count; i++)
        emit_verdict(program, (int)values[i], SECCOMP_RET_ALLOW);
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
}

static void emit_equal(struct program *program, int number, unsigned index, uint32_t value)
{
    emit_one_of(program, number, index, &value, 1);
}

/* Allows a call if none of these bits are set in its argument; else the process ends. */
static void emit_without(struct program *program, int number, unsigned index, uint32_t bits)
{
    emit(program, IF(BPF_JEQ, number, 4));
    emit(program, LOAD(argument(index)));
    emit(program, IF(BPF_JSET, bits, 1));
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
    emit(program, RETURN(SECCOMP_RET_ALLOW));
}

/* prlimit64() for a limit of this process, to be read; not to set one, and of no other. */
static void emit_limits(struct program *program)
{
    const uint32_t zeros[] = {argument(0), argument(2),
                              argument(2) ^ 4}; /* pid; both halves of a pointer */
    emit(program, IF(BPF_JEQ, SYS_prlimit64, 3 * COUNT(zeros) + 1));
    for (size_t i = 0; i < COUNT(zeros); i++) {
        emit(program, LOAD(zeros[i]));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
        emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
    }
    emit(program, RETURN(SECCOMP_RET_ALLOW));
}

static void build(struct program *program, uint32_t architecture, bool with_resolver)
{
    emit(program, LOAD(offsetof(struct seccomp_data, arch)));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
    emit(program, LOAD(offsetof(struct seccomp_data, nr)));
    emit(program, IF(BPF_JSET, X32_BIT, 1));
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));

    emit_verdicts(program, allowed, COUNT(allowed), SECCOMP_RET_ALLOW);
    emit_verdicts(program, absent, COUNT(absent), SECCOMP_RET_ERRNO | ENOSYS);
    emit(program, IF(BPF_JGT, NEWEST, 1));
    emit(program, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
    emit_equal(program, SYS_tgkill, 0, (uint32_t)getpid()); /* abort() */
    emit_one_of(program, SYS_fcntl, 1, fcntl_commands, COUNT(fcntl_commands));
    emit_limits(program);
    if (with_resolver) {
        emit_verdicts(program, allowed_to_resolver, COUNT(allowed_to_resolver),
                      SECCOMP_RET_ALLOW); /* NSS modules are code, and loaded when they are used */
        emit_equal(program, SYS_ioctl, 1, FIONREAD);
        emit_one_of(program, SYS_socket, 0, resolver_families, COUNT(resolver_families));
    } else {
        emit_without(program, SYS_mmap, 2, PROT_EXEC);
        emit_without(program, SYS_mprotect, 2, PROT_EXEC);
    }
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
}

int seccomp_enter(bool with_resolver)
{
#ifndef ARCHITECTURE
    (void)with_resolver;
    (void)build;
    return -EOPNOTSUPP;
#else
    static struct program program; /* large, and needed once */
    build(&program, ARCHITECTURE, with_resolver);
    const struct sock_fprog filter = {.len = program.len, .filter = program.code};
    /*
     * TSYNC: for the threads that run already as well.  SPEC_ALLOW: no code of strangers runs here
     * that could look into ours, and kernels before 5.16 would otherwise slow all of it down.
     */
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
    if (r > 0)
        return -EBUSY; /* the number of a thread that has another filter */
    return r == 0 ? 0 : -errno;
#endif
}
