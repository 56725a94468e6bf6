/* metrics_internal.h - what is counted, for the parts of metrics. */
#ifndef KIN_SERVICE_METRICS_INTERNAL_H
#define KIN_SERVICE_METRICS_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "archive/ingest.h"
#include "service/metrics.h"

typedef atomic_uint_fast64_t kin_counter;

enum {
    KIN_METRICS_BOUNDS = 18,
    KIN_METRICS_CODES = KIN_RPC_UNAUTHENTICATED + 1,
    KIN_METRICS_INGESTS = KIN_INGEST_FAILED + 1
};

/* The upper bounds of a histogram's buckets, as the page shows them and as they are compared. */
typedef struct kin_metrics_bound {
    const char *seconds;
    uint64_t nanoseconds;
} kin_metrics_bound;
extern const kin_metrics_bound kin_metrics_bounds[KIN_METRICS_BOUNDS];

/* Durations.  The number of all is the buckets' sum, so that a page cannot contradict itself while
 * others count.  Nanoseconds last for 584 years of calls. */
typedef struct kin_histogram {
    kin_counter buckets[KIN_METRICS_BOUNDS + 1]; /* the last: beyond all bounds */
    kin_counter nanoseconds;
} kin_histogram;

typedef enum kin_reindex_outcome {
    KIN_REINDEX_OK,
    KIN_REINDEX_CANCELLED,
    KIN_REINDEX_FAILED,
    KIN_REINDEX_OUTCOMES
} kin_reindex_outcome;

/* Calls of one method. */
typedef struct kin_method_metrics {
    const char *path;
    kin_counter codes[KIN_METRICS_CODES];
    kin_histogram seconds;
} kin_method_metrics;

struct kin_metrics {
    const kin_rpc_method *methods;
    const char *version;
    int64_t start_us;
    kin_histogram searches;
    kin_counter ingested[KIN_METRICS_INGESTS];
    kin_counter reindexes[KIN_REINDEX_OUTCOMES];
    kin_counter decoder_restarts, audit_failures;
    size_t count;                   /* of methods, without the unknown ones */
    kin_method_metrics by_method[]; /* one more than count: the last is for unknown ones */
};

/* --- metrics_text.c: the form of a page --- */

/* "# HELP …" and "# TYPE …" of a family; type is "counter", "gauge" or "histogram". */
void kin_metrics_family(FILE *page, const char *name, const char *type, const char *help);
/* A sample; label NULL: none. */
void kin_metrics_sample(FILE *page, const char *name, const char *label, const char *value,
                        uint64_t number);
/* {label="value", with what that format escapes; what opens and closes is the caller's. */
void kin_metrics_label(FILE *page, const char *label, const char *value);
/* Of parts out of a million, a thousand million, …: "12.000345" for 12000345 and 6 digits. */
void kin_metrics_fixed(FILE *page, uint64_t number, int digits);
void kin_metrics_histogram(FILE *page, const char *name, const char *label, const char *value,
                           const kin_histogram *histogram);

#endif
