/* eval_vectors.c - descriptors and serving vectors of an evaluation's images. */
#include <stdlib.h>
#include <string.h>

#include "archive/eval_set.h"
#include "base/checked.h"

/* What the models of the options need. */
static void find_wanted(const kin_eval_options *options, bool *descriptors, bool *serving)
{
    for (size_t i = 0; i < options->model_count; i++) {
        bool serves = strcmp(options->models[i].model, "serving") == 0;
        *serving |= serves;
        *descriptors |= !serves;
    }
}

static kin_status allocate(size_t count, size_t length, float **out, kin_error *err)
{
    size_t floats, bytes;
    if (!kin_mul_size(count, length, &floats) || !kin_mul_size(floats, sizeof(float), &bytes) ||
        bytes > KIN_EVAL_DESCRIPTORS_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu images of %zu numbers each are too many",
                        count, length);
    *out = malloc(bytes + 1);
    return *out != NULL ? KIN_OK
                        : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", count);
}

/* Reads rows of images [first, end), all of one archive. */
static kin_status read_rows(const kin_eval_set *set, const kin_snapshot *snapshot,
                            kin_segments *rows, const char *name, size_t first, size_t end,
                            float *out, kin_error *err)
{
    uint64_t *ids = calloc(end - first + 1, sizeof *ids);
    if (ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", end - first);
    for (size_t i = first; i < end; i++)
        ids[i - first] = set->images[i].id;
    kin_status status = kin_read_rows(snapshot, rows, name, ids, end - first, out, err);
    free(ids);
    return status;
}

static kin_status read_stored(kin_eval_set *set, bool embed_others, kin_error *err)
{
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(set->archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    const kin_state *state = snapshot.state;
    if (set->descriptors != NULL)
        status = read_rows(set, &snapshot, state->descriptors, state->descriptors_name, 0,
                           set->stored, set->descriptors, err);
    if (status == KIN_OK && set->serving != NULL)
        status = read_rows(set, &snapshot, state->vectors, state->model, 0, set->stored,
                           set->serving, err);
    /* What the archive lacks its model has yet to see. */
    if (status == KIN_OK && embed_others)
        status = kin_embedder_apply(state->embedder, set->descriptors + set->stored * set->length,
                                    set->count - set->stored, set->serving + set->stored * set->dim,
                                    err);
    kin_snapshot_close(&snapshot);
    return status;
}

static kin_status read_scratch(kin_eval_set *set, kin_error *err)
{
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(set->scratch, &snapshot, err);
    if (status != KIN_OK)
        return status;
    status =
        read_rows(set, &snapshot, snapshot.state->descriptors, snapshot.state->descriptors_name,
                  set->stored, set->count, set->descriptors + set->stored * set->length, err);
    kin_snapshot_close(&snapshot);
    return status;
}

kin_status kin_eval_vectors_load(kin_eval_set *set, kin_error *err)
{
    bool descriptors = false, serving = false, scratch = set->stored < set->count;
    const kin_archive *any = set->archive != NULL ? set->archive : set->scratch;
    kin_status status = KIN_OK;
    find_wanted(set->options, &descriptors, &serving);
    set->length = any->features.length;
    set->dim = any->dim;
    set->signature = any->features.signature;
    if (descriptors || scratch)
        status = allocate(set->count, set->length, &set->descriptors, err);
    if (status == KIN_OK && serving)
        status = allocate(set->count, set->dim, &set->serving, err);
    if (status == KIN_OK && scratch)
        status = read_scratch(set, err);
    if (status == KIN_OK && set->archive != NULL)
        status = read_stored(set, serving && scratch, err);
    return status;
}
