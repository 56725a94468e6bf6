/* ingest_report.h - what `kindred ingest` says: lines for files, the summary, and both as JSON. */
#ifndef KINDRED_INGEST_REPORT_H
#define KINDRED_INGEST_REPORT_H

#include <stdbool.h>

#include "archive/ingest.h"
#include "progress.h"

typedef struct kin_ingest_report {
    bool verbose, json;
    kin_progress progress; /* cleared before a line is printed */
} kin_ingest_report;

/* A line for a file: with `verbose` on standard output, flushed (its reader may count on the
 * file being durable); failures always on standard error. */
void kin_ingest_report_event(kin_ingest_report *report, kin_ingest_event event, const char *path,
                             uint64_t images, const char *reason);

/* The summary as a table; false without memory. */
bool kin_ingest_report_print(const kin_ingest_summary *summary);

/* The summary as JSON (one line when verbose), with the reindex that followed, if any.  Returns
 * the exit code. */
int kin_ingest_report_json(const kin_ingest_report *report, const kin_ingest_summary *summary,
                           bool cancelled, const kin_reindex_report *reindexed, int exit_code);

#endif
