/*
 * call_shim.c: makes the daemon do, in its main thread, what it never does by itself (LD_PRELOAD).
 *
 * The file named by GO_ID_TEST_CALL says what; a test writes it and connects, since it is done when
 * the next client is accepted.  For ENFILE, which nobody can cause without harm to the machine, and
 * for system calls that the sandbox is to forbid.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* calls.py writes the first three, and reads the rest. */
struct order {
    _Atomic uint32_t number;   /* of the order; a new one is carried out once */
    int32_t accept_error;      /* errno that accept4() fails with; 0: it does not */
    char call[56];             /* one of the table below, or "" */
    char path[192];            /* for those that take one */
    _Atomic uint32_t done;     /* the number of the order that has been carried out */
    _Atomic int32_t error;     /* errno of the call; 0: it succeeded */
    _Atomic uint32_t failures; /* of accept4(), as ordered */
};

static int (*real_accept4)(int fd, struct sockaddr *address, socklen_t *len, int flags);
static struct order *order;
static pid_t parent;

static long do_execve(void)
{
    char *const none[] = {NULL};
    return execve("/bin/true", none, none);
}

static long do_fork(void)
{
    long pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static long do_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long do_mount(void)
{
    return mount("none", order->path, "tmpfs", 0, NULL);
}

static long do_listen(void)
{
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd == -1 ? -1 : listen(fd, 1);
}

static long do_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long do_kill_parent(void)
{
    return kill(parent, 0);
}

static long do_read_limit_of_parent(void)
{
    struct rlimit limit;
    return syscall(SYS_prlimit64, parent, RLIMIT_CORE, NULL, &limit);
}

/* Its new value is at an address whose lower half looks like NULL. */
static long do_set_limit(void)
{
    void *address =
        (void *)(UINT64_C(1) << 32); // NOLINT(performance-no-int-to-ptr): the point of it
    struct rlimit *none = mmap(address, sizeof(*none), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return none == MAP_FAILED ? -1 : syscall(SYS_prlimit64, 0, RLIMIT_CORE, none, NULL);
}

/* Whom the kernel sends a signal when there is something to read. */
static long do_set_owner(void)
{
    return fcntl(STDIN_FILENO, F_SETOWN, parent);
}

static long do_setuid(void)
{
    return setuid(0);
}

static long do_chmod(void)
{
    return chmod(order->path, 0777);
}

static long do_map_code(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : 0;
}

static long do_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 1, order->path);
}

static long do_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long do_unshare(void)
{
    return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}

static long do_keyctl(void)
{
    return syscall(SYS_keyctl, 0, 0, 0);
}

static long do_memfd(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}

static long do_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1);
}

static long do_future(void)
{
    return syscall(100000);
}

static long do_read(void)
{
    return open(order->path, O_RDONLY | O_CLOEXEC);
}

static long do_write(void)
{
    return open(order->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long do_unlink(void)
{
    return unlink(order->path);
}

static const struct {
    const char *name;
    long (*call)(void);
} calls[] = {
    {"execve", do_execve},
    {"fork", do_fork},
    {"ptrace", do_ptrace},
    {"mount", do_mount},
    {"listen", do_listen},
    {"packet socket", do_packet_socket},
    {"kill", do_kill_parent},
    {"setuid", do_setuid},
    {"chmod", do_chmod},
    {"executable memory", do_map_code},
    {"io_uring", do_io_uring},
    {"bpf", do_bpf},
    {"unshare", do_unshare},
    {"keyctl", do_keyctl},
    {"memfd", do_memfd},
    {"prctl", do_dumpable},
    {"future", do_future},
    {"read", do_read},
    {"write", do_write},
    {"unlink", do_unlink},
    {"limit of another", do_read_limit_of_parent},
    {"new limit", do_set_limit},
    {"owner of signals", do_set_owner},
};

static void give_up(const char *what)
{
    (void)fprintf(stderr, "call_shim: %s\n", what);
    abort();
}

__attribute__((constructor)) static void prepare(void)
{
    *(void **)&real_accept4 = dlsym(RTLD_NEXT, "accept4");
    const char *path = getenv("GO_ID_TEST_CALL"); // NOLINT(concurrency-mt-unsafe): before main()
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd == -1 || real_accept4 == NULL)
        give_up("GO_ID_TEST_CALL names no file, or there is no accept4()");
    void *memory = mmap(NULL, sizeof(struct order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        give_up("GO_ID_TEST_CALL cannot be mapped");
    (void)close(fd); /* the mapping stays */
    order = memory;
    parent = getppid();
}

static void carry_out(void)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(order->call, calls[i].name) != 0)
            continue;
        errno = 0;
        order->error = calls[i].call() == -1 ? errno : 0;
        return;
    }
    if (order->call[0] != '\0')
        give_up("no such call");
}

EXPORTED int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    if (order->number != order->done) {
        carry_out();
        order->done = order->number;
    }
    if (order->accept_error != 0) {
        order->failures++;
        errno = order->accept_error;
        return -1;
    }
    return real_accept4(fd, address, len, flags);
}
