#include "server/metrics/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/number.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

void process_open(struct process *process)
{
    *process = (struct process){
        .started_ns = clock_read().wall_ns,
        .statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
    };
}

void process_close(struct process *process)
{
    if (process->statm_fd != -1)
        (void)close(process->statm_fd);
    process->statm_fd = -1;
}

/* Takes the number of pages at the start of text off it; returns it in bytes. */
static bool take_pages(struct span *text, uint64_t *ret_bytes)
{
    size_t len = 0;
    while (len < text->len && text->base[len] >= '0' && text->base[len] <= '9')
        len++;
    uint64_t pages;
    if (parse_u64((struct span){text->base, len}, 0, UINT64_MAX >> 20, &pages) < 0)
        return false;
    size_t used = len < text->len ? len + 1 : len; /* and the blank behind it */
    text->base += used;
    text->len -= used;
    *ret_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

/* "14311 702 517 ...": size and resident set, in pages. */
static bool read_memory(const struct process *process, struct process_usage *usage)
{
    char buffer[128];
    ssize_t len =
        process->statm_fd != -1 ? pread(process->statm_fd, buffer, sizeof(buffer), 0) : -1;
    struct span text = {buffer, len > 0 ? (size_t)len : 0};
    return take_pages(&text, &usage->virtual_bytes) && take_pages(&text, &usage->resident_bytes);
}

struct process_usage process_read(const struct process *process)
{
    struct process_usage usage = {0};
    struct timespec cpu;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        usage.cpu_ns = cpu.tv_sec * NS_PER_S + cpu.tv_nsec;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage.descriptors_max = limit.rlim_cur;
    usage.has_memory = read_memory(process, &usage);

    /* Since Linux 6.2 that folder's size is the number of descriptors; counting them would take ms.
     */
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
        usage.has_descriptors = true;
        usage.descriptors = (uint64_t)status.st_size;
    }
    return usage;
}
