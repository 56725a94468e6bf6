#include "archive/eval_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/learn.h"

bool kin_eval_is_model(const char *name)
{
    static const char *const names[] = {"serving", "bootstrap", "pca", "learnt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Rows to learn from, as embed.h reads them. */
struct training {
    const kin_eval_set *set;
    const kin_eval_fold *fold;
    int *label, *group;
    size_t classes;
    bool
        own_groups; /* the images' patients (or other values) are too few: looks alone divide them */
};

static const float *training_row(void *ctx, size_t i, kin_error *err)
{
    const struct training *training = ctx;
    (void)err;
    return training->set->descriptors + training->fold->training[i] * training->set->length;
}

static kin_embed_rows rows_of(const struct training *training)
{
    return (kin_embed_rows){training->fold->training_count, training->set->length, training_row,
                            (void *)(uintptr_t)training};
}

static kin_embed_options embed_options(const kin_eval_set *set)
{
    return (kin_embed_options){.dim = set->dim, .threads = set->options->threads};
}

static kin_status learn_pca(const struct training *training, kin_embedder **out, kin_error *err)
{
    const kin_embed_rows rows = rows_of(training);
    const kin_embed_options options = embed_options(training->set);
    return kin_embedder_train(training->set->signature, &rows, &options, out, err);
}

/* --- with labels --- */

/* Numbers 0, 1, 2, … for the values of in[] that occur, in order of appearance. */
static size_t renumber(const struct training *training, int *place,
                       int (*of)(const kin_eval_image *), int *out)
{
    size_t found = 0;
    for (size_t i = 0; i < training->fold->training_count; i++) {
        int value = of(&training->set->images[training->fold->training[i]]);
        if (place[value] == 0)
            place[value] = (int)++found;
        out[i] = place[value] - 1;
    }
    return found;
}

static int label_of(const kin_eval_image *image)
{
    return image->label;
}

static int group_of(const kin_eval_image *image)
{
    return image->group;
}

/* Whether every class has images of two groups at least, which validation takes. */
static bool classes_span_groups(const struct training *training, int *first_group, bool *spans)
{
    for (size_t i = 0; i < training->fold->training_count; i++) {
        int *first = &first_group[training->label[i]];
        if (*first == 0)
            *first = training->group[i] + 1;
        spans[training->label[i]] |= *first != training->group[i] + 1;
    }
    for (size_t c = 0; c < training->classes; c++)
        if (!spans[c])
            return false;
    return training->classes > 1;
}

/* Labels and groups of the rows, both from 0.  Where a class comes from one patient alone there are
 * no folds of patients; then every image is a group.  The fold that is evaluated has none of either,
 * so what this may flatter is the choice between methods, not the figure. */
static kin_status label_rows(struct training *training, kin_error *err)
{
    size_t count = training->fold->training_count;
    size_t most = training->set->groups + training->set->classes.count + 1;
    int *place = calloc(most, sizeof *place);
    bool *spans = calloc(most, sizeof *spans);
    training->label = calloc(count + 1, sizeof *training->label);
    training->group = calloc(count + 1, sizeof *training->group);
    kin_status status = KIN_OK;
    if (place == NULL || spans == NULL || training->label == NULL || training->group == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", count);
    } else {
        training->classes = renumber(training, place, label_of, training->label);
        memset(place, 0, most * sizeof *place);
        renumber(training, place, group_of, training->group);
        memset(place, 0, most * sizeof *place);
        training->own_groups = !classes_span_groups(training, place, spans);
        for (size_t i = 0; training->own_groups && i < count; i++)
            training->group[i] = (int)i;
    }
    free(place);
    free(spans);
    return status;
}

/* Notes what became of a fold; a run of the same is counted: "lda x 4, pca (refused) x 1". */
static void add_note(char note[KIN_EVAL_NOTE_SIZE], const char *text)
{
    char *last = strrchr(note, ',');
    last = last != NULL ? last + 2 : note;
    char *times = strstr(last, " x ");
    size_t length = times != NULL ? (size_t)(times - last) : 0, used = strlen(note);
    if (length > 0 && length == strlen(text) && strncmp(last, text, length) == 0) {
        long count = strtol(times + 3, NULL, 10);
        snprintf(times, KIN_EVAL_NOTE_SIZE - (size_t)(times - note), " x %ld", count + 1);
    } else {
        snprintf(note + used, KIN_EVAL_NOTE_SIZE - used, "%s%s x 1", used > 0 ? ", " : "", text);
    }
}

static int tell_progress(void *ctx, const char *stage, double done)
{
    return kin_eval_step(ctx, stage, done, NULL) != KIN_OK;
}

/* *out: NULL where nothing was taken. */
static kin_status learn_labelled(struct training *training, const char *method, kin_embedder **out,
                                 char note[KIN_EVAL_NOTE_SIZE], kin_error *err)
{
    const kin_eval_set *set = training->set;
    const kin_learn_rows rows = {rows_of(training), training->label, training->group,
                                 training->classes};
    const kin_embed_options embed = embed_options(set);
    kin_learn_report report = {0};
    if (method != NULL)
        return kin_embedder_learn_method(set->signature, &rows, method, &embed, out, err);
    const kin_learn_options options = {
        .embed = embed,
        .seed = set->options->seed,
        .progress = set->options->progress != NULL ? tell_progress : NULL,
        .progress_ctx = (void *)(uintptr_t)set->options,
    };
    kin_status status = kin_embedder_learn(set->signature, &rows, &options, out, &report, err);
    if (status == KIN_OK)
        add_note(note,
                 report.taken >= 0 ? report.candidates[report.taken].method : "pca (refused)");
    return status;
}

static kin_status learn(struct training *training, const char *method, kin_embedder **out,
                        char note[KIN_EVAL_NOTE_SIZE], kin_error *err)
{
    kin_status status = label_rows(training, err);
    if (status == KIN_OK) {
        kin_error why = {0};
        status = learn_labelled(training, method, out, note, &why);
        if (status == KIN_E_ARG) { /* too few labels: as if nobody had given any */
            add_note(note, "pca (too few labels)");
            status = KIN_OK;
        } else if (status != KIN_OK && err != NULL) {
            *err = why;
        }
    }
    if (status == KIN_OK && *out == NULL)
        status = learn_pca(training, out, err);
    free(training->label);
    free(training->group);
    return status;
}

/* --- vectors --- */

static kin_status apply(const kin_eval_set *set, const kin_embedder *embedder, float **vectors,
                        size_t *dim, kin_error *err)
{
    *dim = kin_embedder_dim(embedder);
    *vectors = calloc(set->count + 1, *dim * sizeof **vectors);
    if (*vectors == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors", set->count);
    return kin_embedder_apply(embedder, set->descriptors, set->count, *vectors, err);
}

static kin_status copy_serving(const kin_eval_set *set, float **vectors, size_t *dim,
                               kin_error *err)
{
    size_t bytes = set->count * set->dim * sizeof **vectors;
    *dim = set->dim;
    *vectors = malloc(bytes + 1);
    if (*vectors == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors", set->count);
    memcpy(*vectors, set->serving, bytes);
    return KIN_OK;
}

kin_status kin_eval_embed(const kin_eval_set *set, const kin_eval_model *model,
                          const kin_eval_fold *fold, float **vectors, size_t *dim,
                          char note[KIN_EVAL_NOTE_SIZE], kin_error *err)
{
    struct training training = {.set = set, .fold = fold};
    kin_embedder *embedder = NULL;
    kin_status status;
    *vectors = NULL;
    if (strcmp(model->model, "serving") == 0)
        return copy_serving(set, vectors, dim, err);
    if (strcmp(model->model, "bootstrap") == 0)
        status = kin_embedder_bootstrap(set->signature, set->length, set->dim, &embedder, err);
    else if (strcmp(model->model, "pca") == 0)
        status = learn_pca(&training, &embedder, err);
    else
        status = learn(&training, model->method, &embedder, note, err);
    if (status == KIN_OK)
        status = apply(set, embedder, vectors, dim, err);
    kin_embedder_free(embedder);
    return status;
}
