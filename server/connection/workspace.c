#include "server/connection/workspace.h"

#include <errno.h>

#include "common/memory.h"
#include "common/timestamp.h"
#include "server/api/api.h"

_Static_assert(API_LARGE_ANSWER_MAX <= WORKSPACE_OUTPUT_SIZE, "alone, every answer has room");

int workspace_create(struct workspace *workspace, struct service *service,
                     const struct settings *settings, uint32_t connections_max)
{
    *workspace = (struct workspace){
        .service = service,
        .head_timeout_ns = (int64_t)settings->head_timeout_ms * NS_PER_MS,
        .idle_timeout_ns = (int64_t)settings->idle_timeout_ms * NS_PER_MS,
        .write_timeout_ns = (int64_t)settings->write_timeout_ms * NS_PER_MS,
        .date_s = -1,
    };
    struct id_order largest = {.wanted = service->max_batch};
    size_t run_size = sizeof(struct sonyflake_run);

    workspace->input = memory_reserve(WORKSPACE_INPUT_SIZE);
    workspace->out.capacity = WORKSPACE_OUTPUT_SIZE;
    workspace->out.base = memory_reserve(workspace->out.capacity);
    workspace->large.capacity = api_order_answer_max(&largest);
    workspace->large.base = memory_reserve(workspace->large.capacity);
    if (workspace->input == NULL || workspace->out.base == NULL || workspace->large.base == NULL ||
        block_pool_create(&workspace->inputs, WORKSPACE_INPUT_SIZE, connections_max) < 0 ||
        block_pool_create(&workspace->outputs, WORKSPACE_OUTPUT_SIZE, WORKSPACE_OUTPUTS_MAX) < 0 ||
        block_pool_create(&workspace->runs, id_order_runs_max(service) * run_size,
                          WORKSPACE_ORDERS_MAX) < 0) {
        workspace_destroy(workspace);
        return -ENOMEM;
    }
    return 0;
}

void workspace_destroy(struct workspace *workspace)
{
    block_pool_destroy(&workspace->runs);
    block_pool_destroy(&workspace->outputs);
    block_pool_destroy(&workspace->inputs);
    memory_release(workspace->large.base, workspace->large.capacity);
    memory_release(workspace->out.base, workspace->out.capacity);
    memory_release(workspace->input, WORKSPACE_INPUT_SIZE);
    *workspace = (struct workspace){0};
}

void workspace_set_time(struct workspace *workspace, struct moment now)
{
    workspace->now = now;
    int64_t second = now.wall_ns / NS_PER_S;
    if (second != workspace->date_s) {
        workspace->date_s = second;
        http_date_format(second, workspace->date);
    }
}

bool workspace_refresh_time(struct workspace *workspace)
{
    struct moment now = service_now_again(workspace->service, workspace->now);
    if (now.mono_ns - workspace->now.mono_ns < workspace->service->layout.time_unit_ns)
        return false;
    workspace_set_time(workspace, now);
    return true;
}
