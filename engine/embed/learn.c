/* learn.c - supervised learning: who is judged, by which folds, and who is taken. */
#include "embed/learn.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "embed/allocate.h"
#include "embed/learn_run.h"
#include "embed/train.h"

enum {
    FOLDS_MAX = 100,
    ALL_ROWS_MAX = 4096 /* for the components, which labels have no part in */
};

static const struct learn_method *const methods[LEARN_METHODS] = {&kin_learn_lda, &kin_learn_mlp};
static const uint64_t default_seed = 20040101;

/* --- what there is to learn from --- */

static kin_status check(const kin_learn_rows *rows, kin_error *err)
{
    if (rows->rows.count > INT_MAX || rows->classes > INT_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "there are too many rows to learn from");
    for (size_t i = 0; i < rows->rows.count; i++)
        if (rows->label[i] < -1 || rows->label[i] >= (int)rows->classes || rows->group[i] < 0 ||
            (size_t)rows->group[i] >= rows->rows.count)
            return kin_fail(err, KIN_E_ARG, NULL, "row %zu has a label or a group out of range", i);
    return KIN_OK;
}

/* Which methods shall be tried. */
static kin_status choose_methods(struct learn_run *run, const char *name, kin_error *err)
{
    run->trial_count = 1;
    for (size_t m = 0; m < LEARN_METHODS; m++)
        if (name == NULL || strcmp(name, methods[m]->name) == 0)
            run->trials[run->trial_count++].method = methods[m];
    if (run->trial_count == 1)
        return kin_fail(err, KIN_E_ARG, NULL, "no method of learning is named '%s'", name);
    return KIN_OK;
}

static size_t spread(size_t i, size_t of, size_t over)
{
    return (size_t)((unsigned __int128)i * over / of);
}

/* Lists the labelled rows, or as many of them as options allow, and rows for the components. */
static kin_status list_rows(struct learn_run *run, kin_error *err)
{
    const kin_learn_rows *rows = run->rows;
    const size_t count = rows->rows.count;
    size_t most = run->embed.sample_max > 0 ? run->embed.sample_max : KIN_EMBED_DEFAULT_SAMPLE;
    size_t known = 0;
    run->labelled = kin_embed_allocate(count, 1, sizeof *run->labelled);
    run->all_count = count < ALL_ROWS_MAX ? count : ALL_ROWS_MAX;
    run->all = kin_embed_allocate(run->all_count, 1, sizeof *run->all);
    run->fold = kin_embed_allocate(count, 1, sizeof *run->fold);
    run->share_of = kin_embed_allocate(rows->classes, 1, sizeof *run->share_of);
    if (run->labelled == NULL || run->all == NULL || run->fold == NULL || run->share_of == NULL)
        return kin_embed_no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (rows->label[i] >= 0)
            run->labelled[known++] = i;
    run->labelled_count = known < most ? known : most;
    for (size_t i = 0; i < run->labelled_count; i++) {
        run->labelled[i] = run->labelled[spread(i, run->labelled_count, known)];
        run->share_of[rows->label[run->labelled[i]]] += 1.0 / (double)run->labelled_count;
    }
    for (size_t i = 0; i < run->all_count; i++)
        run->all[i] = spread(i, run->all_count, count);
    return KIN_OK;
}

static void release(struct learn_run *run)
{
    for (size_t t = 0; t < run->trial_count; t++)
        free(run->trials[t].judged);
    free(run->labelled);
    free(run->share_of);
    free(run->all);
    free(run->fold);
}

static kin_status begin(struct learn_run *run, const char *signature, const kin_learn_rows *rows,
                        const kin_learn_options *options, kin_error *err)
{
    *run = (struct learn_run){.signature = signature, .rows = rows, .options = options};
    run->embed = options->embed;
    run->seed = options->seed != 0 ? options->seed : default_seed;
    kin_status status = check(rows, err);
    if (status == KIN_OK)
        status = kin_embed_check(&rows->rows, &run->embed, err);
    if (status == KIN_OK && run->embed.dim == 1)
        status = kin_fail(err, KIN_E_ARG, NULL, "a metric is learnt in at least 2 dimensions");
    if (status == KIN_OK)
        status = choose_methods(run, options->method, err);
    return status == KIN_OK ? list_rows(run, err) : status;
}

/* Numbers of groups: with labelled rows, and of classes that have two of them. */
static kin_status count_groups(const struct learn_run *run, size_t *groups, size_t *classes,
                               size_t *divisible, kin_error *err)
{
    const size_t count = run->rows->rows.count;
    int *group_of = kin_embed_allocate(run->rows->classes, 1, sizeof *group_of);
    unsigned char *seen = kin_embed_allocate(count, 1, sizeof *seen);
    unsigned char *several = kin_embed_allocate(run->rows->classes, 1, sizeof *several);
    kin_status status =
        group_of != NULL && seen != NULL && several != NULL ? KIN_OK : kin_embed_no_memory(err);
    *groups = *classes = *divisible = 0;
    for (size_t i = 0; i < run->labelled_count && status == KIN_OK; i++) {
        int group = run->rows->group[run->labelled[i]], label = run->rows->label[run->labelled[i]];
        *groups += seen[group] == 0;
        seen[group] = 1;
        *classes += group_of[label] == 0;
        if (group_of[label] == 0)
            group_of[label] = group + 1;
        else if (group_of[label] != group + 1 && several[label] == 0) {
            several[label] = 1;
            (*divisible)++;
        }
    }
    free(group_of);
    free(seen);
    free(several);
    return status;
}

static kin_status validate(struct learn_run *run, kin_error *err)
{
    kin_status status = kin_learn_folds(run->rows->label, run->rows->group, run->rows->rows.count,
                                        run->rows->classes, run->folds, run->seed, run->fold, err);
    for (size_t t = 0; t < run->trial_count && status == KIN_OK; t++) {
        struct learn_trial *trial = &run->trials[t];
        trial->judged = kin_embed_allocate(run->labelled_count, 1, sizeof *trial->judged);
        if (trial->judged == NULL)
            return kin_embed_no_memory(err);
        for (size_t i = 0; i < run->labelled_count; i++)
            trial->judged[i].precision = -1;
    }
    run->stage = "validating";
    for (int fold = 0; fold < run->folds && status == KIN_OK; fold++)
        status = kin_learn_validate_fold(run, fold, err);
    return status;
}

/* --- the judgement --- */

/* What a trial's queries gain over the base's: in precision, and in precision beyond chance. */
struct gains {
    double *all, *beyond; /* [labelled] */
    int *group;
    size_t count;
};

static void find_gains(const struct learn_run *run, const struct learn_trial *trial,
                       struct gains *gains, kin_learn_score *score)
{
    for (size_t i = 0; i < run->labelled_count; i++) {
        const struct learn_judged *base = &run->trials[0].judged[i], *own = &trial->judged[i];
        if (base->precision < 0)
            continue;
        gains->all[gains->count] = own->precision - base->precision;
        gains->beyond[gains->count] = gains->all[gains->count] - (own->chance - base->chance);
        gains->group[gains->count++] = run->rows->group[run->labelled[i]];
        score->map += own->precision;
        score->chance += own->chance;
        score->p_at_1 += own->first;
    }
    double count = gains->count > 0 ? (double)gains->count : 1;
    score->map /= count;
    score->chance /= count;
    score->p_at_1 /= count;
}

/* A trial's figures, and its gain over the base. */
static kin_status score(const struct learn_run *run, const struct learn_trial *trial,
                        kin_learn_score *out, kin_error *err)
{
    struct gains gains = {0};
    gains.all = kin_embed_allocate(run->labelled_count, 1, sizeof *gains.all);
    gains.beyond = kin_embed_allocate(run->labelled_count, 1, sizeof *gains.beyond);
    gains.group = kin_embed_allocate(run->labelled_count, 1, sizeof *gains.group);
    kin_status status = gains.all != NULL && gains.beyond != NULL && gains.group != NULL
                            ? KIN_OK
                            : kin_embed_no_memory(err);
    *out = (kin_learn_score){.method = trial->method != NULL ? trial->method->name : "base",
                             .seconds = trial->seconds};
    if (status == KIN_OK) {
        find_gains(run, trial, &gains, out);
        status = kin_learn_gain(gains.all, gains.group, gains.count, run->seed, &out->gain,
                                &out->gain_low, &out->gain_high, err);
    }
    if (status == KIN_OK)
        status = kin_learn_gain(gains.beyond, gains.group, gains.count, run->seed, &out->beyond,
                                &out->beyond_low, &out->beyond_high, err);
    free(gains.all);
    free(gains.beyond);
    free(gains.group);
    return status;
}

static bool is_better(const kin_learn_score *candidate)
{
    return candidate->gain_low > 0 && candidate->beyond_low > 0;
}

/* Fills in the report: which candidate is to be taken? */
static kin_status judge(const struct learn_run *run, kin_learn_report *report, kin_error *err)
{
    double best = -1;
    kin_status status = score(run, &run->trials[0], &report->base, err);
    report->base.gain_low = report->base.gain_high = 0;
    report->base.beyond_low = report->base.beyond_high = 0;
    for (size_t t = 1; t < run->trial_count && status == KIN_OK; t++) {
        kin_learn_score *candidate = &report->candidates[report->candidate_count++];
        status = score(run, &run->trials[t], candidate, err);
        if (status != KIN_OK || !(is_better(candidate) || run->options->force) ||
            candidate->map <= best)
            continue;
        best = candidate->map;
        report->taken = (int)t - 1;
    }
    return status;
}

/* Folds, as far as there are groups; KIN_E_ARG when labels cannot be judged. */
static kin_status plan(struct learn_run *run, kin_learn_report *report, kin_error *err)
{
    size_t divisible = 0;
    kin_status status = count_groups(run, &report->groups, &report->classes, &divisible, err);
    if (status != KIN_OK)
        return status;
    report->labelled = run->labelled_count;
    if (divisible < 2)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "of %zu classes among %zu labelled images, %zu have two groups (patients, "
                        "or sets of near-duplicates): learning needs two such classes",
                        report->classes, report->labelled, divisible);
    int folds = run->options->folds > 0 ? run->options->folds : KIN_LEARN_DEFAULT_FOLDS;
    if (folds < 2 || folds > FOLDS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "validation by %d folds is out of range", folds);
    report->folds = run->folds = (size_t)folds < report->groups ? folds : (int)report->groups;
    return KIN_OK;
}

kin_status kin_embedder_learn(const char *signature, const kin_learn_rows *rows,
                              const kin_learn_options *options, kin_embedder **out,
                              kin_learn_report *report, kin_error *err)
{
    static const kin_learn_options defaults = {0};
    struct learn_run run;
    kin_error own = {0}; /* rows report through it, whatever the caller wants to know */
    if (options == NULL)
        options = &defaults;
    if (err == NULL)
        err = &own;
    *out = NULL;
    *report = (kin_learn_report){.taken = -1};
    kin_embed_blas_begin(&options->embed);
    kin_status status = begin(&run, signature, rows, options, err);
    if (status == KIN_OK)
        status = plan(&run, report, err);
    if (status == KIN_OK)
        status = validate(&run, err);
    if (status == KIN_OK)
        status = judge(&run, report, err);
    if (status == KIN_OK && report->taken >= 0)
        status = kin_learn_all(&run, run.trials[report->taken + 1].method, out, err);
    release(&run);
    kin_embed_blas_end();
    return status;
}

kin_status kin_embedder_learn_method(const char *signature, const kin_learn_rows *rows,
                                     const char *method, const kin_embed_options *options,
                                     kin_embedder **out, kin_error *err)
{
    kin_learn_options all = {.method = method};
    struct learn_run run;
    size_t groups, classes = 0, divisible;
    kin_error own = {0};
    if (options != NULL)
        all.embed = *options;
    if (err == NULL)
        err = &own;
    *out = NULL;
    kin_embed_blas_begin(&all.embed);
    kin_status status = method != NULL ? begin(&run, signature, rows, &all, err)
                                       : kin_fail(err, KIN_E_ARG, NULL, "no method is named");
    if (status == KIN_OK)
        status = count_groups(&run, &groups, &classes, &divisible, err);
    if (status == KIN_OK && classes < 2)
        status = kin_fail(err, KIN_E_ARG, NULL, "learning needs images of two classes");
    if (status == KIN_OK)
        status = kin_learn_all(&run, run.trials[1].method, out, err);
    if (method != NULL)
        release(&run);
    kin_embed_blas_end();
    return status;
}
