/*
 * reindex_model.c - keep the model that serves, or learn one anew?
 *
 * A model that serves on lets the last index generation be extended by what is new; one learnt anew
 * means every vector and the index anew.  So it is learnt where there is none yet, where the archive
 * has twice the images that it was learnt from (as long as more images are more to learn from), or
 * where newer images have moved away from what it keeps.  A model that was learnt from labels stays:
 * what is due then is told, for somebody to have it learnt and validated anew (learn.h).
 */
#include <string.h>

#include "archive/learn_work.h"
#include "archive/reindex_work.h"

enum {
    LEARN_MIN = 2,  /* fewer images teach nothing: the bootstrap model stays */
    DRIFT_MIN = 64, /* images on either side, for their errors to mean something */
    GROWTH = 2
};

/* By how much more of newer images' variance may be outside the model. */
#define DRIFT_MAX 0.15

static const float *live_descriptor(void *ctx, size_t i, kin_error *err)
{
    kin_reindex *re = ctx;
    const float *row = NULL;
    return kin_rows_vector(re->descriptors, re->ids[i], NULL, &row, err) == KIN_OK ? row : NULL;
}

/* How many of the live images were there when the model was learnt. */
static size_t known_to_model(const kin_reindex *re)
{
    return re->model_rows > 0
               ? (size_t)roaring_bitmap_rank(re->live, (uint32_t)(re->model_rows - 1))
               : 0;
}

static kin_status judge_drift(kin_reindex *re, kin_error *err)
{
    kin_drift *drift = &re->report->drift;
    size_t known = known_to_model(re);
    if (known < DRIFT_MIN || re->count - known < DRIFT_MIN)
        return KIN_OK;
    kin_embed_rows rows = {re->count, re->archive->features.length, live_descriptor, re};
    kin_status status = kin_embedder_residuals(re->state->embedder, &rows, known, &drift->old_error,
                                               &drift->new_error, err);
    if (status != KIN_OK)
        return status;
    drift->judged = true;
    drift->learn = drift->new_error > drift->old_error * (1 + DRIFT_MAX);
    return KIN_OK;
}

/* Has the archive outgrown the model: were there at most half of its images, or does it have none? */
static bool is_outgrown(const kin_reindex *re)
{
    const kin_embedder *serving = re->state->embedder;
    size_t knew =
        kin_embedder_is_supervised(serving) ? known_to_model(re) : kin_embedder_trained_on(serving);
    return strcmp(kin_embedder_kind_borrow(serving), "bootstrap") == 0 ||
           (knew < KIN_EMBED_DEFAULT_SAMPLE && re->count >= GROWTH * knew);
}

/* Is a new model wanted, or due? */
static kin_status judge(kin_reindex *re, bool *learn, kin_error *err)
{
    *learn = re->options->model == KIN_REINDEX_LEARN;
    if (re->options->model != KIN_REINDEX_JUDGE || re->count < LEARN_MIN)
        return KIN_OK;
    if (is_outgrown(re)) {
        *learn = true;
        return KIN_OK;
    }
    kin_status status = judge_drift(re, err);
    *learn = re->report->drift.learn;
    return status;
}

kin_embed_rows kin_reindex_rows(kin_reindex *re)
{
    return (kin_embed_rows){re->count, re->archive->features.length, live_descriptor, re};
}

void kin_reindex_take_model(kin_reindex *re, kin_embedder *embedder)
{
    /* The same images teach the same model: then its vectors are there already. */
    if (strcmp(kin_embedder_id_borrow(embedder), re->state->model) == 0) {
        kin_embedder_free(embedder);
        return;
    }
    re->learnt = re->embedder = embedder;
    re->report->learnt = true;
}

kin_status kin_reindex_learn_unsupervised(kin_reindex *re, kin_error *err)
{
    kin_embedder *embedder = NULL;
    kin_status status = kin_reindex_step(re, "learning the embedding", 0, err);
    if (status != KIN_OK)
        return status;
    kin_embed_rows rows = kin_reindex_rows(re);
    kin_embed_options options = {.dim = re->archive->dim, .threads = re->options->threads};
    status = kin_embedder_train(kin_embedder_signature_borrow(re->state->embedder), &rows, &options,
                                &embedder, err);
    if (status == KIN_OK)
        kin_reindex_take_model(re, embedder);
    return status;
}

/* A metric learnt from labels is never given up for one that knows none.  When it is due it is told
 * so; when it is to be learnt anew, it is by its own method and label. */
static kin_status choose_supervised(kin_reindex *re, bool wanted, kin_error *err)
{
    if (re->options->model == KIN_REINDEX_LEARN)
        return kin_learn_again(re, err);
    re->report->metric_due = wanted;
    re->report->drift.learn = false;
    return KIN_OK;
}

kin_status kin_reindex_choose_model(kin_reindex *re, kin_error *err)
{
    bool wanted = false;
    kin_status status = judge(re, &wanted, err);
    if (status != KIN_OK)
        return status;
    if (kin_embedder_is_supervised(re->state->embedder))
        return choose_supervised(re, wanted, err);
    return wanted && re->count >= LEARN_MIN ? kin_reindex_learn_unsupervised(re, err) : KIN_OK;
}
