/* reindexing.h - running a reindex with a progress line and telling of it: for `reindex`, and
 * for `ingest` at its end. */
#ifndef KINDRED_REINDEXING_H
#define KINDRED_REINDEXING_H

#include "reindex_report.h"
#include "target.h"

/* Runs a reindex of the target with a progress line on a terminal; SIGINT and SIGTERM cancel it
 * when kin_interrupt_watch() has been called.  quiet: what it will take is not said on standard
 * output.  options' callbacks and their context are replaced. */
kin_status kin_reindexing_run(kin_target *target, kin_reindex_options options, bool quiet,
                              kin_reindexed *reindexed, kin_error *err);

/* Says on standard output what was done, and warns as the next one does.  False without memory. */
bool kin_reindexing_print(const kin_reindex_report *report, const kin_reindex_options *options);

/* One line on standard error where the index missed the bound. */
void kin_reindexing_warn(const kin_reindex_report *report);

#endif
