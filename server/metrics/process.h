/*
 * process.h: what the kernel says of this process.
 *
 * Threads  process_open() before the others start; process_read() by any.
 */
#ifndef SERVER_METRICS_PROCESS_H
#define SERVER_METRICS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    int64_t started_ns; /* since 1970, by the system's clock at the start */
    int statm_fd;       /* /proc/self/statm; -1: there is no /proc */
};

struct process_usage {
    int64_t cpu_ns; /* of user and system */
    uint64_t descriptors_max;
    bool has_memory; /* and these are set: */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    bool has_descriptors; /* since Linux 6.2, and this is set: */
    uint64_t descriptors;
};

/* Cannot fail: what the machine does not say is left out of readings. */
void process_open(struct process *process);

void process_close(struct process *process);

/* A handful of system calls; opens nothing, so it works when no descriptor is left. */
struct process_usage process_read(const struct process *process);

#endif
