/*
 * metrics.h - counters, gauges and latency histograms in Prometheus' text form (version 0.0.4).
 *
 * Updating takes no lock.  Labels are methods, status codes and outcomes only: nothing of a patient.
 *   kindred_calls_total{method,code}           kindred_call_seconds{method} (histogram)
 *   kindred_search_seconds (histogram: the search itself)   kindred_calls_running{class}
 *   kindred_ingested_files_total{outcome}      kindred_decoder_restarts_total
 *   kindred_archive_images, _rows, _dead, _tail, _bytes{part}
 *   kindred_generation, kindred_generation_age_seconds, kindred_generation_recall
 *   kindred_reindex_total{outcome}, kindred_audit_failures_total, kindred_start_time_seconds
 *   kindred_build_info{version}
 */
#ifndef KIN_SERVICE_METRICS_H
#define KIN_SERVICE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"
#include "rpc/server.h"

typedef struct kin_metrics kin_metrics;

/* methods: whose paths become label values; anything else counts as "unknown", so that callers
 * cannot make up series.  methods and version are borrowed. */
kin_status kin_metrics_new(const kin_rpc_method *methods, size_t count, const char *version,
                           kin_metrics **out, kin_error *err);
void kin_metrics_free(kin_metrics *metrics); /* NULL is fine */

/* --- any thread --- */

void kin_metrics_call(kin_metrics *metrics, const kin_rpc_method *method, kin_rpc_code code,
                      double seconds);
void kin_metrics_search(kin_metrics *metrics, double seconds);
void kin_metrics_ingested(kin_metrics *metrics, int outcome, uint64_t files); /* kin_ingest_event */
/* The number so far, in all: one that is lower than an earlier one is not believed. */
void kin_metrics_decoder_restarts(kin_metrics *metrics, uint64_t count);
void kin_metrics_reindex(kin_metrics *metrics, kin_status outcome);
void kin_metrics_audit_failure(kin_metrics *metrics);

/* The page, in memory from malloc.  stats may be NULL (the archive cannot be read just now: its
 * gauges are left out, as are a generation's before the first); running: calls of each class. */
kin_status kin_metrics_page(const kin_metrics *metrics, const kin_archive_stats *stats,
                            const unsigned running[KIN_RPC_CLASSES], char **out, size_t *size,
                            kin_error *err);

#endif
