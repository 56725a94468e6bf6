/*
 * A projection with one hidden layer, trained on the supervised contrastive loss (mlp_net.h): rows
 * of one class are drawn together on the unit sphere, others pushed apart.
 *
 * The recipe is fixed and stops nowhere early: a part of the rows kept apart for that costs more
 * than it brings (dropout, weight decay and a rate that falls to nothing hold back overfitting), and
 * whether the outcome is any good is for the validation to say (learn.h).  By grouped folds of brain
 * MRI, against this recipe's mAP of .94: a quarter of the epochs .922, temperatures .1 and .4 .933
 * and .930, a softmax over normalised class weights .931, twice the hidden units .933, 1,024
 * components .926, no hidden layer .859; of lung histology 300 components .956, 570 .953.
 */
#include <math.h>
#include <string.h>

#include "embed/allocate.h"
#include "embed/embedder.h"
#include "embed/learn_methods.h"
#include "embed/mlp_net.h"
#include "embed/random.h"

enum {
    COMPONENTS = 384,
    HIDDEN = 512,
    LEARNT_MIN = 32, /* outputs: as many as classes, within these */
    LEARNT_MAX = 128,
    BATCH = 128,
    BATCH_PER_CLASS = 4, /* rows of a batch, so that most have others of their class in it */
    BATCH_MAX = 512,
    EPOCHS = 60,
    STEPS_MIN = 200,
    ROWS_SHOWN_MAX = 600000,
    DROP_INPUT = 51, /* of 256 */
    DROP_HIDDEN = 128
};

static const float temperature = 0.2f;
static const double rate_max = 1e-3, weight_decay = 1e-2;

/* The rate rises along a cosine for this share of the steps, from and to these shares of the
 * largest (one cycle: Smith and Topin, 2018). */
static const double rise_share = 0.3, rise_from = 1.0 / 25, fall_to = 1e-5;

struct mlp {
    const struct learn_set *set;
    struct embed_head *net;
    struct mlp_batch *batch;
    struct mlp_adam adam;
    float *scale;  /* [net->components]: what tempered components are multiplied by */
    size_t *order; /* [set->count] */
    size_t next;   /* in order */
    size_t steps;
    uint64_t random;
};

static double rate_at(size_t step, size_t steps)
{
    const double pi = 3.14159265358979323846;
    double at = ((double)step + 0.5) / (double)steps;
    double from = at < rise_share ? rise_from : 1, to = at < rise_share ? 1 : fall_to;
    double share = at < rise_share ? at / rise_share : (at - rise_share) / (1 - rise_share);
    return rate_max * (to + (from - to) * (1 + cos(pi * share)) / 2);
}

/* Whitened with the base's damping, and as a whole of variance 1: the network's first weights are
 * made for inputs of that size. */
static void find_scale(struct mlp *mlp)
{
    const struct learn_set *set = mlp->set;
    const size_t width = mlp->net->components;
    double mean = 0, total = 0;
    for (size_t k = 0; k < width && k < set->dim; k++)
        mean += set->variance[k] / (double)(width < set->dim ? width : set->dim);
    for (size_t k = 0; k < width; k++)
        mlp->scale[k] = (float)(1 / (sqrt(set->variance[k] + 3 * mean) * set->gain[k]));
    for (size_t r = 0; r < set->count; r++)
        for (size_t k = 0; k < width; k++) {
            double x = (double)mlp->scale[k] * set->components[r * set->width + k];
            total += x * x / (double)(set->count * width);
        }
    for (size_t k = 0; k < width && total > 0; k++)
        mlp->scale[k] *= (float)(1 / sqrt(total));
}

/* The next batch of a random order, which is drawn anew when it ends. */
static void next_batch(struct mlp *mlp)
{
    const struct learn_set *set = mlp->set;
    const size_t width = mlp->net->components;
    for (size_t r = 0; r < mlp->batch->count; r++) {
        if (mlp->next == set->count) {
            kin_random_shuffle(&mlp->random, mlp->order, set->count);
            mlp->next = 0;
        }
        size_t row = mlp->order[mlp->next++];
        mlp->batch->label[r] = set->label[row];
        for (size_t k = 0; k < width; k++)
            mlp->batch->input[r * width + k] =
                mlp->scale[k] * set->components[row * set->width + k];
    }
    kin_mlp_drop(mlp->batch, mlp->net, DROP_INPUT, DROP_HIDDEN, &mlp->random);
}

static size_t clamp(size_t x, size_t least, size_t most)
{
    return x < least ? least : x < most ? x : most;
}

static kin_status allocate(struct mlp *mlp, kin_error *err)
{
    const struct learn_set *set = mlp->set;
    size_t width = clamp(set->width, 1, COMPONENTS);
    size_t learnt = clamp(set->classes, LEARNT_MIN, LEARNT_MAX);
    learnt = learnt <= set->dim / 2 ? learnt : (set->dim + 1) / 2;
    size_t plain = clamp(set->dim - learnt, 0, width);
    size_t room = clamp(clamp(BATCH_PER_CLASS * set->classes, BATCH, BATCH_MAX), 1, set->count);
    kin_status status = kin_embed_head_new(width, HIDDEN, learnt, plain, &mlp->net, err);
    if (status == KIN_OK)
        status = kin_mlp_batch_new(mlp->net, room, &mlp->batch, err);
    if (status == KIN_OK)
        status = kin_mlp_adam_new(mlp->net, &mlp->adam, err);
    mlp->scale = kin_embed_allocate(width, 1, sizeof *mlp->scale);
    mlp->order = kin_embed_allocate(set->count, 1, sizeof *mlp->order);
    if (status == KIN_OK && (mlp->scale == NULL || mlp->order == NULL))
        status = kin_embed_no_memory(err);
    if (status != KIN_OK)
        return status;
    mlp->batch->count = room;
    mlp->steps = clamp(clamp(EPOCHS * set->count, 0, ROWS_SHOWN_MAX) / room, STEPS_MIN, SIZE_MAX);
    return KIN_OK;
}

static kin_status train(struct mlp *mlp, kin_error *err)
{
    const struct learn_set *set = mlp->set;
    for (size_t i = 0; i < set->count; i++)
        mlp->order[i] = i;
    mlp->next = set->count;
    kin_mlp_start(mlp->net, &mlp->random);
    for (size_t step = 0; step < mlp->steps; step++) {
        double loss;
        next_batch(mlp);
        loss = kin_mlp_loss(mlp->net, temperature, mlp->batch);
        if (!isfinite(loss))
            return kin_fail(err, KIN_E_INTERNAL, NULL, "learning diverges");
        kin_mlp_adam_step(&mlp->adam, mlp->batch->slope, rate_at(step, mlp->steps), weight_decay,
                          mlp->net);
        kin_status status = set->step != NULL && step % 16 == 0
                                ? set->step(set->ctx, (double)step / (double)mlp->steps, err)
                                : KIN_OK;
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

/* Folds the inputs' scale into the first layer: the head takes components as they come. */
static void fold_scale(struct mlp *mlp)
{
    for (size_t h = 0; h < mlp->net->hidden; h++)
        for (size_t k = 0; k < mlp->net->components; k++)
            mlp->net->in[h * mlp->net->components + k] *= mlp->scale[k];
}

static kin_status fit(const struct learn_set *set, struct embed_head **head, kin_error *err)
{
    struct mlp mlp = {.set = set, .random = set->seed};
    kin_status status = allocate(&mlp, err);
    if (status == KIN_OK) {
        find_scale(&mlp);
        status = train(&mlp, err);
    }
    if (status == KIN_OK) {
        fold_scale(&mlp);
        mlp.net->blend = LEARN_BLEND;
        *head = mlp.net;
        mlp.net = NULL;
    }
    kin_embed_head_free(mlp.net);
    kin_mlp_batch_free(mlp.batch);
    kin_mlp_adam_release(&mlp.adam);
    free(mlp.scale);
    free(mlp.order);
    return status;
}

const struct learn_method kin_learn_mlp = {.name = EMBED_KIND_MLP, .fit = fit};
