#include "reindexing.h"

#include <stdio.h>

#include "cli.h"
#include "interrupt.h"
#include "progress.h"
#include "table.h"

struct running {
    kin_progress progress;
    bool quiet;
};

static int step(void *ctx, const char *stage, double done)
{
    struct running *running = ctx;
    kin_progress_stage(&running->progress, stage, done);
    return kin_interrupted();
}

static void tell_forecast(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    struct running *running = ctx;
    if (running->quiet)
        return;
    kin_progress_clear(&running->progress);
    kin_forecast_print(index_kind, peak_bytes, stdout);
    fflush(stdout);
}

kin_status kin_reindexing_run(kin_target *target, kin_reindex_options options, bool quiet,
                              kin_reindexed *reindexed, kin_error *err)
{
    struct running running = {.quiet = quiet};
    kin_progress_start(&running.progress);
    options.forecast = tell_forecast;
    options.progress = step;
    options.progress_ctx = &running;
    kin_status status = target->ops->reindex(target, &options, reindexed, err);
    kin_progress_clear(&running.progress);
    if (status == KIN_E_CANCELLED && kin_interrupted()) /* in whichever stage, here or there */
        status = kin_fail(err, status, target->name, "the reindex was cancelled");
    return status;
}

bool kin_reindexing_print(const kin_reindex_report *report, const kin_reindex_options *options)
{
    bool ok = kin_reindex_report_print(report, options, stdout, kin_terminal_width(stdout));
    kin_reindexing_warn(report);
    return ok;
}

void kin_reindexing_warn(const kin_reindex_report *report)
{
    if (report->below_bound)
        kin_cli_message(NULL, "recall@10 %.4f is below the bound %g: searches scan",
                        report->recall_at_10, report->recall_bound);
}
