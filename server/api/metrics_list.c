#include "server/api/metrics_list.h"

const struct metric metrics[METRIC_ID_COUNT] = {
#define X(id, name, type, help) {SPAN_INIT(name), METRIC_##type, SPAN_INIT(help)},
    METRICS(X)
#undef X
};
