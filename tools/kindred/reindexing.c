#include "reindexing.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "interrupt.h"
#include "progress.h"

static int step(void *ctx, const char *stage, double done)
{
    kin_progress_stage(ctx, stage, done);
    return kin_interrupted();
}

kin_status kin_reindexing_run(kin_target *target, kin_reindex_options options,
                              kin_reindexed *reindexed, kin_error *err)
{
    kin_progress progress;
    kin_progress_start(&progress);
    options.progress = step;
    options.progress_ctx = &progress;
    kin_status status = target->ops->reindex(target, &options, reindexed, err);
    kin_progress_clear(&progress);
    return status;
}

void kin_reindexing_print(const kin_reindex_report *report)
{
    printf("reindexed %" PRIu64 " image%s in %.1f s: model %s (%s), generation %" PRIu64 " (%s)\n",
           report->images, report->images == 1 ? "" : "s", report->seconds, report->model,
           report->model_kind, report->generation, report->index_kind);
    if (report->recall_queries > 0)
        printf("recall@10 of the index against the exact answer: %.4f (%zu queries)\n",
               report->recall_at_10, report->recall_queries);
    kin_reindexing_warn(report);
}

void kin_reindexing_warn(const kin_reindex_report *report)
{
    if (report->below_bound)
        kin_cli_message(NULL, "recall@10 %.4f is below the bound %g: searches scan exactly",
                        report->recall_at_10, report->recall_bound);
}

json_t *kin_reindexing_json(const kin_reindex_report *report)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:s, s:f, s:I, s:b, s:f}", "images",
                     (json_int_t)report->images, "model", report->model, "model_kind",
                     report->model_kind, "generation", (json_int_t)report->generation, "index_kind",
                     report->index_kind, "recall_at_10", report->recall_at_10, "recall_queries",
                     (json_int_t)report->recall_queries, "below_bound", report->below_bound,
                     "seconds", report->seconds);
}
