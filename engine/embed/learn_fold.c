/*
 * learn_fold.c - one fold: components, base and methods, rankings.
 *
 * Base and candidates of a fold stand on one set of components, found among the fold's training rows
 * (unlabelled ones as well); the base is the first `dim` of them, just as kin_embedder_train() would
 * have it.
 */
#include <cblas.h>
#include <string.h>

#include "base/clock.h"
#include "embed/allocate.h"
#include "embed/learn_judge.h"
#include "embed/learn_run.h"
#include "embed/learn_space.h"

enum { QUERIES_MAX = 5000 /* of all folds: rankings of more say hardly more */ };

/* Rows of a fold, or all, with their components. */
struct part {
    size_t *index, count; /* row numbers */
    size_t *place;        /* where each is among run->labelled */
    int *label;
    float *components; /* [count][rank] */
};

static kin_status step(void *ctx, double done, kin_error *err)
{
    const struct learn_run *run = ctx;
    if (run->options->progress != NULL &&
        run->options->progress(run->options->progress_ctx, run->stage,
                               run->done + run->share * done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "learning was cancelled");
    return KIN_OK;
}

static void part_release(struct part *part)
{
    free(part->index);
    free(part->place);
    free(part->label);
    free(part->components);
}

/* The labelled rows in the fold or outside it (fold -1: all are outside), at most one of every
 * `every`. */
static kin_status part_find(const struct learn_run *run, const struct learn_space *space, int fold,
                            bool inside, size_t every, struct part *part, kin_error *err)
{
    *part = (struct part){0};
    part->index = kin_embed_allocate(run->labelled_count, 1, sizeof *part->index);
    part->place = kin_embed_allocate(run->labelled_count, 1, sizeof *part->place);
    part->label = kin_embed_allocate(run->labelled_count, 1, sizeof *part->label);
    part->components =
        kin_embed_allocate(run->labelled_count, space->spectrum.rank, sizeof *part->components);
    if (part->index == NULL || part->place == NULL || part->label == NULL ||
        part->components == NULL)
        return kin_embed_no_memory(err);
    for (size_t i = 0; i < run->labelled_count; i++) {
        size_t row = run->labelled[i];
        if ((fold >= 0 && run->fold[row] == fold) != inside || i % every != 0)
            continue;
        part->index[part->count] = row;
        part->place[part->count] = i;
        part->label[part->count++] = run->rows->label[row];
    }
    return kin_learn_space_project(space, &run->rows->rows, part->index, part->count,
                                   part->components, err);
}

/* Unit vectors of *width floats, from malloc: the head's, or the base's. */
static kin_status embed(const struct learn_space *space, const struct embed_head *head,
                        const struct part *part, float **out, size_t *width, kin_error *err)
{
    const size_t rank = space->spectrum.rank;
    kin_status status = KIN_OK;
    *width = head != NULL ? head->learnt + head->plain : rank < space->dim ? rank : space->dim;
    *out = kin_embed_allocate(part->count, *width, sizeof **out);
    if (*out == NULL)
        return kin_embed_no_memory(err);
    if (head != NULL)
        status = kin_embed_head_apply(head, part->components, rank, part->count, *out, err);
    for (size_t r = 0; r < part->count && status == KIN_OK; r++) {
        float *y = *out + r * *width;
        if (head == NULL)
            memcpy(y, part->components + r * rank, *width * sizeof *y);
        float norm = cblas_snrm2((int)*width, y, 1);
        if (norm > 0)
            cblas_sscal((int)*width, 1 / norm, y, 1);
    }
    return status;
}

static kin_status fit(struct learn_run *run, const struct learn_method *method,
                      const struct learn_space *space, const struct part *train,
                      struct embed_head **head, kin_error *err)
{
    struct learn_set set = {.count = train->count,
                            .width = space->spectrum.rank,
                            .components = train->components,
                            .label = train->label,
                            .classes = run->rows->classes,
                            .dim = space->dim,
                            .variance = space->spectrum.variance,
                            .gain = space->gain,
                            .seed = run->seed,
                            .step = step,
                            .ctx = run};
    return method->fit(&set, head, err);
}

/* Judges the embeddings of test rows as queries against those of training rows. */
static kin_status judge(const struct learn_run *run, const struct learn_space *space,
                        const struct embed_head *head, const struct part *train,
                        const struct part *test, struct learn_judged *judged, kin_error *err)
{
    float *rows = NULL, *query = NULL;
    size_t width = 0;
    kin_status status = embed(space, head, train, &rows, &width, err);
    if (status == KIN_OK)
        status = embed(space, head, test, &query, &width, err);
    struct learn_database database = {rows,  train->label,       train->count,
                                      width, run->rows->classes, run->share_of};
    if (status == KIN_OK)
        status = kin_learn_judge(&database, query, test->label, test->count, judged, err);
    free(rows);
    free(query);
    return status;
}

/* Learns a trial's metric from the fold's training rows and judges it by the others. */
static kin_status try_fold(struct learn_run *run, struct learn_trial *trial,
                           const struct learn_space *space, const struct part *train,
                           const struct part *test, kin_error *err)
{
    struct embed_head *head = NULL;
    double began = kin_clock_monotonic();
    struct learn_judged *judged = kin_embed_allocate(test->count, 1, sizeof *judged);
    kin_status status = judged != NULL ? KIN_OK : kin_embed_no_memory(err);
    if (status == KIN_OK && trial->method != NULL)
        status = fit(run, trial->method, space, train, &head, err);
    trial->seconds += kin_clock_monotonic() - began;
    if (status == KIN_OK)
        status = judge(run, space, head, train, test, judged, err);
    for (size_t q = 0; q < test->count && status == KIN_OK; q++)
        trial->judged[test->place[q]] = judged[q];
    kin_embed_head_free(head);
    free(judged);
    return status;
}

/* The components of rows outside the fold. */
static kin_status find_space(const struct learn_run *run, int fold, struct learn_space *space,
                             kin_error *err)
{
    size_t count = 0;
    size_t *index = kin_embed_allocate(run->all_count, 1, sizeof *index);
    if (index == NULL)
        return kin_embed_no_memory(err);
    for (size_t i = 0; i < run->all_count; i++)
        if (fold < 0 || run->fold[run->all[i]] != fold)
            index[count++] = run->all[i];
    size_t most = LEARN_COMPONENTS_MAX > run->embed.dim ? LEARN_COMPONENTS_MAX : run->embed.dim;
    kin_status status = kin_learn_space_find(run->signature, &run->rows->rows, index, count, most,
                                             &run->embed, space, err);
    free(index);
    return status;
}

kin_status kin_learn_validate_fold(struct learn_run *run, int fold, kin_error *err)
{
    struct learn_space space = {0};
    struct part train = {0}, test = {0};
    size_t every = run->labelled_count / QUERIES_MAX + 1;
    run->share = 1.0 / (run->folds * (double)run->trial_count);
    run->done = run->share * fold * (double)run->trial_count;
    kin_status status = step(run, 0, err);
    if (status == KIN_OK)
        status = find_space(run, fold, &space, err);
    if (status == KIN_OK)
        status = part_find(run, &space, fold, false, 1, &train, err);
    if (status == KIN_OK)
        status = part_find(run, &space, fold, true, every, &test, err);
    for (size_t t = 0; t < run->trial_count && status == KIN_OK && test.count > 0; t++) {
        status = try_fold(run, &run->trials[t], &space, &train, &test, err);
        run->done += run->share;
        if (status == KIN_OK)
            status = step(run, 0, err);
    }
    part_release(&train);
    part_release(&test);
    kin_learn_space_release(&space);
    return status;
}

kin_status kin_learn_all(struct learn_run *run, const struct learn_method *method,
                         kin_embedder **out, kin_error *err)
{
    struct learn_space space = {0};
    struct part all = {0};
    struct embed_head *head = NULL;
    run->stage = "learning";
    run->done = 0;
    run->share = 1;
    kin_status status = find_space(run, -1, &space, err);
    if (status == KIN_OK)
        status = part_find(run, &space, -1, false, 1, &all, err);
    if (status == KIN_OK)
        status = fit(run, method, &space, &all, &head, err);
    if (status == KIN_OK)
        status = kin_learn_space_embedder(&space, method->name, head, all.count, out, err);
    part_release(&all);
    kin_learn_space_release(&space);
    return status;
}
