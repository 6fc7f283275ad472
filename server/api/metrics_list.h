/*
 * metrics_list.h: the metrics: identifier, name, type, and what it is in one sentence.
 *
 * The names are part of the interface: dashboards and alerts are built on them.  docs/metrics.md
 * has the same list, with the labels; a test compares the two.
 */
#ifndef SERVER_API_METRICS_LIST_H
#define SERVER_API_METRICS_LIST_H

#include "server/metrics/exposition.h"

#define METRICS(X)                                                                                 \
    X(BUILD_INFO, "go_id_build_info", INFO, "Always 1; the label says which version this is.")     \
    X(READY, "go_id_ready", GAUGE, "1: ids can be issued, and /health says OK. 0: they cannot.")   \
    X(CONDITION, "go_id_condition", GAUGE,                                                         \
      "The conditions of /ready: 0 ok, 1 degraded, 2 failed.")                                     \
    X(SHARD_INFO, "go_id_shard_info", INFO,                                                        \
      "Always 1; the first and the last shard that this process issues ids for.")                  \
    X(SHARDS, "go_id_shards", GAUGE, "How many shards that are.")                                  \
    X(SHARD_BLOCK, "go_id_shard_block", GAUGE,                                                     \
      "1: all shards of the block are among them. 0: some are.")                                   \
    X(CAPACITY, "go_id_capacity_ids_per_second", GAUGE,                                            \
      "How many ids a second the shards make together.")                                           \
    X(ID_SPACE_LEFT, "go_id_id_space_left_seconds", GAUGE, "Until the id space ends.")             \
    X(IDS, "go_id_ids_issued_total", COUNTER, "Ids in answers that were complete.")                \
    X(REQUESTS, "go_id_requests_total", COUNTER, "Requests by path and status of the answer.")     \
    X(REFUSED, "go_id_generate_refused_total", COUNTER,                                            \
      "Requests for ids that were answered 503, by reason.")                                       \
    X(IN_FLIGHT, "go_id_requests_in_flight", GAUGE,                                                \
      "Requests that wait: for their body, for their ids, or for the client to take the answer.")  \
    X(WAITING, "go_id_requests_waiting", GAUGE,                                                    \
      "Those of them that wait for the tick of their ids.")                                        \
    X(WAIT, "go_id_wait_seconds", HISTOGRAM,                                                       \
      "How long answered requests for ids had to wait for them.")                                  \
    X(QUEUE, "go_id_queue_seconds", GAUGE, "How far the next id's tick is in the future.")         \
    X(PROMISED, "go_id_promised_ids", GAUGE, "Ids that requests for several have still to take.")  \
    X(CONNECTIONS, "go_id_connections", GAUGE, "Open connections, by what they are doing.")        \
    X(CONNECTIONS_MAX, "go_id_connections_max", GAUGE,                                             \
      "How many there may be: MAX_CONNECTIONS, or what the limit of open files allows.")           \
    X(CONNECTIONS_OPENED, "go_id_connections_opened_total", COUNTER,                               \
      "Connections that were accepted.")                                                           \
    X(WORKER_CONNECTIONS, "go_id_worker_connections", GAUGE, "Open connections of each worker.")   \
    X(WORKER_REQUESTS, "go_id_worker_requests_total", COUNTER,                                     \
      "Requests that each worker has answered.")                                                   \
    X(CLOCK_SOURCE, "go_id_clock_source_info", INFO, "Always 1; the label is TIME_SOURCE.")        \
    X(CLOCK_OFFSET, "go_id_clock_offset_seconds", GAUGE,                                           \
      "The time that ids go by, minus the system's clock.")                                        \
    X(CLOCK_LEAD, "go_id_clock_lead_seconds", GAUGE,                                               \
      "How far ids are ahead of the clock, because it was set back or MIN_ID is; 0: not.")         \
    X(CLOCK_LEAD_MAX, "go_id_clock_lead_max_seconds", GAUGE,                                       \
      "How far they may be: MAX_CLOCK_LEAD.")                                                      \
    X(CLOCK_LEAP, "go_id_clock_leap_not_believed_seconds", GAUGE,                                  \
      "How far the clock has leapt ahead without being believed; 0: it is believed.")              \
    X(CLOCK_STEPS, "go_id_clock_steps_total", COUNTER,                                             \
      "How often the clock was set, back or forward.")                                             \
    X(CLOCK_LAST_STEP, "go_id_clock_last_step_seconds", GAUGE,                                     \
      "By how much, the last time; negative is back.")                                             \
    X(KERNEL_SYNCHRONISED, "go_id_kernel_clock_synchronised", GAUGE,                               \
      "1: the kernel says that the system's clock is synchronised.")                               \
    X(KERNEL_ERROR, "go_id_kernel_clock_error_max_seconds", GAUGE,                                 \
      "How far off the system's clock may be, as the kernel says; 16: nobody knows.")              \
    X(NTP_STATE, "go_id_ntp_state", GAUGE,                                                         \
      "1 for the state that TIME_SOURCE=ntp is in, 0 for the others.")                             \
    X(NTP_SERVERS, "go_id_ntp_servers", GAUGE,                                                     \
      "NTP servers that are configured, answering, usable, or refused to answer.")                 \
    X(NTP_OFFSET, "go_id_ntp_offset_seconds", GAUGE,                                               \
      "The servers' time minus the system's clock.")                                               \
    X(NTP_DELAY, "go_id_ntp_delay_seconds", GAUGE,                                                 \
      "The network's part of the round trip to the server that is used.")                          \
    X(NTP_ERROR, "go_id_ntp_error_max_seconds", GAUGE, "How far off that server's time may be.")   \
    X(NTP_AGE, "go_id_ntp_last_answer_age_seconds", GAUGE,                                         \
      "Since the last answer of a usable server.")                                                 \
    X(NTP_STRATUM, "go_id_ntp_stratum", GAUGE, "Of the server that is used.")                      \
    X(MARK_AHEAD, "go_id_mark_ahead_seconds", GAUGE,                                               \
      "How far the durable mark is ahead of the clock; negative when no ids were wanted for a "    \
      "while.")                                                                                    \
    X(MARK_WRITE, "go_id_mark_write_seconds", HISTOGRAM,                                           \
      "How long each write of the mark took, with its two fsyncs.")                                \
    X(MARK_FAILURES, "go_id_mark_write_failures_total", COUNTER,                                   \
      "Writes of the mark that failed.")                                                           \
    X(PROCESS_CPU, "process_cpu_seconds_total", COUNTER,                                           \
      "Processor time used, of user and system.")                                                  \
    X(PROCESS_START, "process_start_time_seconds", GAUGE, "When the process started, since 1970.") \
    X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, "Memory in use.")                  \
    X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE,                                      \
      "Address space in use; most of it is reserved and never touched.")                           \
    X(PROCESS_DESCRIPTORS, "process_open_fds", GAUGE, "Open descriptors.")                         \
    X(PROCESS_DESCRIPTORS_MAX, "process_max_fds", GAUGE, "The limit of open descriptors.")

enum metric_id {
#define X(id, name, type, help) METRIC_ID_##id,
    METRICS(X)
#undef X
        METRIC_ID_COUNT
};

/* In the order of the list. */
extern const struct metric metrics[METRIC_ID_COUNT];

#endif
