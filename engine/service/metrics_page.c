#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "service/metrics_internal.h"

static uint64_t value_of(const kin_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void put_one(FILE *page, const char *name, const char *type, const char *help,
                    uint64_t number)
{
    kin_metrics_family(page, name, type, help);
    kin_metrics_sample(page, name, NULL, NULL, number);
}

/* --- calls --- */

/* A method's OK is there from the start, other codes once they have been met. */
static void put_calls(FILE *page, const kin_metrics *metrics)
{
    static const char name[] = "kindred_calls_total";
    kin_metrics_family(page, name, "counter", "Calls that have ended, by method and status code.");
    for (size_t i = 0; i <= metrics->count; i++)
        for (int code = KIN_RPC_OK; code < KIN_METRICS_CODES; code++) {
            const kin_method_metrics *method = &metrics->by_method[i];
            uint64_t calls = value_of(&method->codes[code]);
            if (calls == 0 && code != KIN_RPC_OK)
                continue;
            fputs(name, page);
            kin_metrics_label(page, "method", method->path);
            fprintf(page, ",code=\"%s\"} %" PRIu64 "\n", kin_rpc_code_name((kin_rpc_code)code),
                    calls);
        }
}

static void put_durations(FILE *page, const kin_metrics *metrics)
{
    static const char calls[] = "kindred_call_seconds", searches[] = "kindred_search_seconds";
    kin_metrics_family(page, calls, "histogram", "Seconds that calls took, by method.");
    for (size_t i = 0; i <= metrics->count; i++)
        kin_metrics_histogram(page, calls, "method", metrics->by_method[i].path,
                              &metrics->by_method[i].seconds);
    kin_metrics_family(page, searches, "histogram",
                       "Seconds that the searches themselves took, without decoding and "
                       "transport.");
    kin_metrics_histogram(page, searches, NULL, NULL, &metrics->searches);
}

static void put_running(FILE *page, const unsigned running[KIN_RPC_CLASSES])
{
    static const char name[] = "kindred_calls_running";
    static const char *const classes[KIN_RPC_CLASSES] = {
        [KIN_RPC_QUERY] = "query", [KIN_RPC_INGEST] = "ingest", [KIN_RPC_ADMIN] = "admin",
        [KIN_RPC_WATCH] = "watch", [KIN_RPC_PROBE] = "probe",
    };
    kin_metrics_family(page, name, "gauge", "Calls that run now, by class.");
    for (size_t i = 0; i < KIN_RPC_CLASSES; i++)
        kin_metrics_sample(page, name, "class", classes[i], running[i]);
}

static void put_work(FILE *page, const kin_metrics *metrics)
{
    static const char files[] = "kindred_ingested_files_total", runs[] = "kindred_reindex_total";
    static const char *const outcomes[KIN_METRICS_INGESTS] = {
        [KIN_INGEST_STORED] = "stored",   [KIN_INGEST_DUPLICATE] = "duplicate",
        [KIN_INGEST_UPDATED] = "updated", [KIN_INGEST_REPLACED] = "replaced",
        [KIN_INGEST_SKIPPED] = "skipped", [KIN_INGEST_FAILED] = "failed",
    };
    static const char *const ends[KIN_REINDEX_OUTCOMES] = {
        [KIN_REINDEX_OK] = "ok",
        [KIN_REINDEX_CANCELLED] = "cancelled",
        [KIN_REINDEX_FAILED] = "failed",
    };
    kin_metrics_family(page, files, "counter", "Uploaded files, by what became of them.");
    for (size_t i = 0; i < KIN_METRICS_INGESTS; i++)
        kin_metrics_sample(page, files, "outcome", outcomes[i], value_of(&metrics->ingested[i]));
    kin_metrics_family(page, runs, "counter", "Reindex runs of this process, by their end.");
    for (size_t i = 0; i < KIN_REINDEX_OUTCOMES; i++)
        kin_metrics_sample(page, runs, "outcome", ends[i], value_of(&metrics->reindexes[i]));
    put_one(page, "kindred_decoder_restarts_total", "counter",
            "Decoding processes that crashed or took too long.",
            value_of(&metrics->decoder_restarts));
    put_one(page, "kindred_audit_failures_total", "counter",
            "Lines of the audit trail that could not be written.",
            value_of(&metrics->audit_failures));
}

/* --- the archive --- */

static void put_archive(FILE *page, const kin_archive_stats *stats)
{
    static const char bytes[] = "kindred_archive_bytes";
    put_one(page, "kindred_archive_images", "gauge", "Images that can be found.", stats->images);
    put_one(page, "kindred_archive_regions", "gauge", "Regions of images that can be found.",
            stats->regions);
    put_one(page, "kindred_archive_rows", "gauge", "Vectors ever stored.", stats->rows);
    put_one(page, "kindred_archive_dead", "gauge", "Vectors deleted or replaced.", stats->dead);
    put_one(page, "kindred_archive_tail", "gauge",
            "Vectors newer than the index, which each search scans.", stats->tail);
    kin_metrics_family(page, bytes, "gauge", "Size of the archive's files, by part.");
    kin_metrics_sample(page, bytes, "part", "catalog", stats->catalog_bytes);
    kin_metrics_sample(page, bytes, "part", "descriptors", stats->descriptor_bytes);
    kin_metrics_sample(page, bytes, "part", "vectors", stats->vector_bytes);
    kin_metrics_sample(page, bytes, "part", "index", stats->index_bytes);
}

/* Seconds since a moment in ISO 8601, 0 for one to come; false when it is no such text. */
static bool age_of(const char *moment, uint64_t *out)
{
    struct tm utc = {0};
    const char *end = strptime(moment, "%Y-%m-%dT%H:%M:%S", &utc);
    if (end == NULL || strcmp(end, "Z") != 0)
        return false;
    int64_t then = timegm(&utc), now = kin_clock_wall_us() / 1000000;
    *out = now > then ? (uint64_t)(now - then) : 0;
    return true;
}

static void put_generation(FILE *page, const kin_archive_stats *stats)
{
    static const char recall[] = "kindred_generation_recall";
    uint64_t age;
    put_one(page, "kindred_generation", "gauge", "Number of the index generation; 0: none yet.",
            stats->generation);
    if (age_of(stats->generation_time, &age))
        put_one(page, "kindred_generation_age_seconds", "gauge",
                "Seconds since the index generation was built.", age);
    if (isfinite(stats->generation_recall) && stats->generation_recall >= 0) {
        kin_metrics_family(page, recall, "gauge",
                           "Recall that the index generation had in its own check.");
        fputs(recall, page);
        kin_metrics_fixed(page, (uint64_t)llround(1e6 * fmin(stats->generation_recall, 1)), 6);
    }
}

/* --- the process --- */

static void put_process(FILE *page, const kin_metrics *metrics)
{
    static const char start[] = "kindred_start_time_seconds", build[] = "kindred_build_info";
    kin_metrics_family(page, start, "gauge", "When this process began to serve, since 1970.");
    fputs(start, page);
    kin_metrics_fixed(page, metrics->start_us > 0 ? (uint64_t)metrics->start_us : 0, 6);
    kin_metrics_family(page, build, "gauge", "Constant 1; its label says what runs.");
    kin_metrics_sample(page, build, "version", metrics->version, 1);
}

kin_status kin_metrics_page(const kin_metrics *metrics, const kin_archive_stats *stats,
                            const unsigned running[KIN_RPC_CLASSES], char **out, size_t *size,
                            kin_error *err)
{
    char *text = NULL;
    FILE *page = open_memstream(&text, size);
    if (page == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the page of metrics");
    put_process(page, metrics);
    put_running(page, running);
    put_calls(page, metrics);
    put_durations(page, metrics);
    put_work(page, metrics);
    if (stats != NULL) {
        put_archive(page, stats);
        put_generation(page, stats);
    }
    bool failed = ferror(page) != 0;
    if (fclose(page) != 0 || failed) {
        free(text);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the page of metrics");
    }
    *out = text;
    return KIN_OK;
}
