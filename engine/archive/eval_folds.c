/* eval_folds.c - one split of an evaluation: who asks, who is ranked, who may be learnt from. */
#include <stdlib.h>
#include <string.h>

#include "archive/eval_models.h"

static bool asks(const kin_eval_image *image, int number)
{
    if (number == KIN_EVAL_QUERIES_FOLD)
        return image->query;
    return number == KIN_EVAL_ALL_FOLD || image->fold == number;
}

/* Marks what shares a group with a query, or is near one: nothing may be learnt from it. */
static void mark_close(const kin_eval_set *set, const kin_eval_fold *fold, bool *group_asks,
                       bool *is_near)
{
    for (size_t q = 0; q < fold->query_count; q++) {
        size_t query = fold->queries[q];
        group_asks[set->images[query].group] = true;
        for (size_t n = set->near_first[query]; n < set->near_first[query + 1]; n++)
            is_near[set->near[n]] = true;
    }
}

kin_status kin_eval_fold_make(const kin_eval_set *set, int number, kin_eval_fold *out,
                              kin_error *err)
{
    bool *group_asks = calloc(set->groups + 1, sizeof *group_asks);
    bool *is_near = calloc(set->count + 1, sizeof *is_near);
    *out = (kin_eval_fold){.queries = calloc(set->count + 1, sizeof *out->queries),
                           .database = calloc(set->count + 1, sizeof *out->database),
                           .training = calloc(set->count + 1, sizeof *out->training)};
    kin_status status = KIN_OK;
    if (group_asks == NULL || is_near == NULL || out->queries == NULL || out->database == NULL ||
        out->training == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", set->count);
        goto end;
    }
    for (size_t i = 0; i < set->count; i++) {
        bool query = asks(&set->images[i], number);
        if (query)
            out->queries[out->query_count++] = i;
        if (!query || number == KIN_EVAL_ALL_FOLD)
            out->database[out->database_count++] = i;
    }
    mark_close(set, out, group_asks, is_near);
    for (size_t i = 0; i < out->database_count; i++) {
        size_t image = out->database[i];
        if (!group_asks[set->images[image].group] && !is_near[image])
            out->training[out->training_count++] = image;
    }
end:
    free(group_asks);
    free(is_near);
    return status;
}

void kin_eval_fold_release(kin_eval_fold *fold)
{
    free(fold->queries);
    free(fold->database);
    free(fold->training);
    memset(fold, 0, sizeof *fold);
}
