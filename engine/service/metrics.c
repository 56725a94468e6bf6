#include "service/metrics.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/clock.h"
#include "service/metrics_internal.h"

static const char unknown_method[] = "unknown";

/* Longer ones are taken as this, so that they fit: some 31 years. */
static const double seconds_max = 1e9;

const kin_metrics_bound kin_metrics_bounds[KIN_METRICS_BOUNDS] = {
    {"0.0001", 100000},  {"0.0002", 200000},  {"0.0005", 500000}, {"0.001", 1000000},
    {"0.002", 2000000},  {"0.005", 5000000},  {"0.01", 10000000}, {"0.02", 20000000},
    {"0.05", 50000000},  {"0.1", 100000000},  {"0.2", 200000000}, {"0.5", 500000000},
    {"1", 1000000000},   {"2", 2000000000},   {"5", 5000000000},  {"10", 10000000000},
    {"30", 30000000000}, {"60", 60000000000},
};

kin_status kin_metrics_new(const kin_rpc_method *methods, size_t count, const char *version,
                           kin_metrics **out, kin_error *err)
{
    size_t size;
    kin_metrics *metrics = NULL;
    if (kin_add_size(count, 1, &size) && kin_mul_size(size, sizeof metrics->by_method[0], &size) &&
        kin_add_size(size, sizeof *metrics, &size))
        metrics = calloc(1, size); /* zero bytes are counters at zero */
    if (metrics == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for metrics");
    metrics->methods = methods;
    metrics->version = version;
    metrics->start_us = kin_clock_wall_us();
    metrics->count = count;
    for (size_t i = 0; i < count; i++)
        metrics->by_method[i].path = methods[i].path;
    metrics->by_method[count].path = unknown_method;
    *out = metrics;
    return KIN_OK;
}

void kin_metrics_free(kin_metrics *metrics)
{
    free(metrics);
}

/* Counters stand alone: no reader concludes from one to another. */
static void add(kin_counter *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static void observe(kin_histogram *histogram, double seconds)
{
    uint64_t nanoseconds = 0;
    size_t bucket = 0;
    if (seconds > 0) /* false for NaN as well */
        nanoseconds = (uint64_t)(1e9 * (seconds < seconds_max ? seconds : seconds_max));
    while (bucket < KIN_METRICS_BOUNDS && nanoseconds > kin_metrics_bounds[bucket].nanoseconds)
        bucket++;
    add(&histogram->buckets[bucket], 1);
    add(&histogram->nanoseconds, nanoseconds);
}

void kin_metrics_call(kin_metrics *metrics, const kin_rpc_method *method, kin_rpc_code code,
                      double seconds)
{
    size_t at = 0;
    while (at < metrics->count && &metrics->methods[at] != method)
        at++;
    int number = (int)code;
    bool known = number >= KIN_RPC_OK && number < KIN_METRICS_CODES;
    add(&metrics->by_method[at].codes[known ? number : KIN_RPC_UNKNOWN], 1);
    observe(&metrics->by_method[at].seconds, seconds);
}

void kin_metrics_search(kin_metrics *metrics, double seconds)
{
    observe(&metrics->searches, seconds);
}

void kin_metrics_ingested(kin_metrics *metrics, int outcome, uint64_t files)
{
    bool known = outcome >= 0 && outcome < KIN_METRICS_INGESTS;
    add(&metrics->ingested[known ? outcome : KIN_INGEST_FAILED], files);
}

void kin_metrics_decoder_restarts(kin_metrics *metrics, uint64_t count)
{
    uint64_t seen = atomic_load_explicit(&metrics->decoder_restarts, memory_order_relaxed);
    while (count > seen &&
           !atomic_compare_exchange_weak_explicit(&metrics->decoder_restarts, &seen, count,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

void kin_metrics_reindex(kin_metrics *metrics, kin_status outcome)
{
    kin_reindex_outcome kind = outcome == KIN_OK            ? KIN_REINDEX_OK
                               : outcome == KIN_E_CANCELLED ? KIN_REINDEX_CANCELLED
                                                            : KIN_REINDEX_FAILED;
    add(&metrics->reindexes[kind], 1);
}

void kin_metrics_audit_failure(kin_metrics *metrics)
{
    add(&metrics->audit_failures, 1);
}
