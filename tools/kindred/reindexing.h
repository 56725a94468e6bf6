/* reindexing.h - running a reindex with a progress line and telling of it: for `reindex`, and
 * for `ingest` at its end. */
#ifndef KINDRED_REINDEXING_H
#define KINDRED_REINDEXING_H

#include <jansson.h>

#include "target.h"

/* Runs a reindex of the target with a progress line on a terminal; SIGINT and SIGTERM cancel it
 * when kin_interrupt_watch() has been called.  options' progress and its context are replaced. */
kin_status kin_reindexing_run(kin_target *target, kin_reindex_options options,
                              kin_reindexed *reindexed, kin_error *err);

/* Says in a few lines what was built, and warns as the next one does. */
void kin_reindexing_print(const kin_reindex_report *report);

/* One line on standard error where the index missed the bound. */
void kin_reindexing_warn(const kin_reindex_report *report);

/* The report as JSON; NULL without memory. */
json_t *kin_reindexing_json(const kin_reindex_report *report);

#endif
