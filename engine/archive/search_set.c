#include "archive/search_set.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* of a failed addition the element's `tbl` tells */
#include <uthash.h>

#include "archive/internal.h"
#include "archive/regions.h"
#include "base/clock.h"

enum { DEFAULT_K = 10, K_MAX = 100000, NEAREST_PER_K = 4 };

/* A series, study or patient that may be an answer. */
struct group {
    UT_hash_handle hh;
    float score;
    uint64_t best; /* its image that is most like one of the query's */
    char name[];
};

/* One search under way. */
struct set_search {
    kin_archive *archive;
    const kin_query_set *set;
    kin_set_rule rule;
    const kin_search_options *options;
    size_t k;
    const char *field;    /* that names groups */
    struct group *groups; /* by name */
    kin_snapshot snapshot;
    roaring_bitmap_t *members; /* rows that count */
    kin_rows *rows;
    kin_expected expected;
    float *embeddings; /* of the set */
    kin_set_scorer *scorer;
    float *buffer; /* one row */
    kin_results *out;
};

static const char *name_at(const kin_record *record, kin_level level)
{
    return level == KIN_LEVEL_SERIES  ? record->series_instance_uid
           : level == KIN_LEVEL_STUDY ? record->study_instance_uid
                                      : record->patient_id;
}

static kin_status add_group(struct set_search *search, const char *name, kin_error *err)
{
    struct group *found = NULL;
    size_t length = strlen(name);
    if (length == 0)
        return KIN_OK;
    HASH_FIND_STR(search->groups, name, found);
    if (found != NULL)
        return KIN_OK;
    struct group *group = calloc(1, sizeof *group + length + 1);
    if (group != NULL) {
        memcpy(group->name, name, length);
        HASH_ADD_STR(search->groups, name, group);
        if (group->hh.tbl != NULL)
            return KIN_OK;
    }
    free(group);
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the candidates");
}

static void free_groups(struct group *groups)
{
    struct group *group, *next;
    HASH_ITER(hh, groups, group, next)
    {
        HASH_DEL(groups, group);
        free(group);
    }
}

/* --- candidates --- */

/* What one search tells of the way that answers were found; the work of all counts. */
static void note_plan(kin_plan *plan, const kin_plan *found)
{
    kin_plan sum = *found;
    sum.estimated_milliseconds += plan->estimated_milliseconds;
    sum.ranking_milliseconds += plan->ranking_milliseconds;
    sum.scored += plan->scored;
    sum.scanned += plan->scanned;
    sum.members_milliseconds += plan->members_milliseconds;
    *plan = sum;
}

/* The groups of the images nearest to one of the set's. */
static kin_status propose(struct set_search *search, size_t i, size_t depth, kin_error *err)
{
    const kin_query_set *set = search->set;
    kin_query query = {.name = set->name,
                       .patient_id = set->patient_id,
                       .descriptor = set->descriptors + i * search->archive->features.length,
                       .self = set->ids != NULL ? set->ids[i] : KIN_QUERY_NOT_STORED};
    kin_search_options options = *search->options;
    kin_results found;
    options.k = depth;
    options.fold = KIN_LEVEL_REGION; /* no folding */
    kin_status status = kin_archive_search(search->archive, &query, &options, &found, err);
    if (status != KIN_OK)
        return status;
    note_plan(&search->out->plan, &found.plan);
    for (size_t n = 0; status == KIN_OK && n < found.count; n++)
        status = add_group(search, name_at(&found.items[n].record, search->options->fold), err);
    kin_results_release(&found);
    return status;
}

static int note_name(void *ctx, const char *value, uint64_t images)
{
    (void)images;
    return add_group(ctx, value, NULL) != KIN_OK;
}

/* Every group there is. */
static kin_status propose_all(struct set_search *search, kin_error *err)
{
    return kin_archive_each_value(search->archive, search->field, note_name, search, err);
}

static kin_status find_candidates(struct set_search *search, kin_error *err)
{
    /* The set's own images are nearest to it, and are no answers. */
    size_t depth = NEAREST_PER_K * search->k,
           own = search->set->ids != NULL ? search->set->count : 0;
    if (search->options->exact)
        return propose_all(search, err);
    depth = depth > KIN_SET_NEAREST ? depth : KIN_SET_NEAREST;
    depth = depth + own < K_MAX ? depth + own : K_MAX;
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < search->set->count; i++)
        status = propose(search, i, depth, err);
    return status;
}

/* --- scores --- */

/* The live whole images that meet the condition, without the set's own and, if wished, its
 * patient's. */
static kin_status find_members(struct set_search *search, kin_error *err)
{
    kin_txn *txn = search->snapshot.txn;
    kin_bitmap *meeting = NULL, *regions = NULL, *dead = NULL;
    kin_status status = kin_regions_all(txn, &regions, err);
    if (status == KIN_OK)
        status = kin_catalog_dead(txn, &dead, err);
    if (status == KIN_OK)
        search->out->plan.live = search->snapshot.rows - kin_bitmap_count(dead);
    if (status == KIN_OK && search->options->where != NULL) {
        status = kin_condition_members(search->options->where, txn, &meeting, err);
        if (status == KIN_OK)
            search->members = roaring_bitmap_copy(kin_bitmap_borrow(meeting));
    } else if (status == KIN_OK) {
        status = kin_catalog_live(txn, &search->members, err);
    }
    if (status == KIN_OK && search->members == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    if (status == KIN_OK) {
        roaring_bitmap_andnot_inplace(search->members, kin_bitmap_borrow(regions));
        for (size_t i = 0; search->set->ids != NULL && i < search->set->count; i++)
            roaring_bitmap_remove(search->members, (uint32_t)search->set->ids[i]);
    }
    if (status == KIN_OK && search->options->not_same_patient) {
        roaring_bitmap_t *own = NULL;
        status = kin_catalog_with_value(txn, "patient_id", search->set->patient_id, &own, err);
        if (status == KIN_OK) {
            roaring_bitmap_andnot_inplace(search->members, own);
            roaring_bitmap_free(own);
        }
    }
    kin_bitmap_free(meeting);
    kin_bitmap_free(regions);
    kin_bitmap_free(dead);
    return status;
}

/* Everything that scoring takes. */
static kin_status prepare(struct set_search *search, kin_error *err)
{
    size_t dim = search->archive->dim;
    kin_status status = kin_snapshot_open(search->archive, &search->snapshot, err);
    if (status != KIN_OK)
        return status;
    const kin_state *state = search->snapshot.state;
    kin_plan *plan = &search->out->plan;
    if (plan->method == NULL) { /* nobody had to propose */
        plan->method = kin_way_name(0);
        plan->recall = plan->expected_recall = 1;
        plan->generation = state->generation;
        plan->index_kind = state->index != NULL ? kin_index_kind_borrow(state->index) : "none";
        memcpy(plan->model, state->model, sizeof plan->model);
    }
    search->expected = (kin_expected){search->snapshot.txn, state->model};
    search->embeddings = calloc(search->set->count, dim * sizeof *search->embeddings);
    search->buffer = calloc(dim, sizeof *search->buffer);
    if (search->embeddings == NULL || search->buffer == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the query");
    status = kin_embedder_apply(state->embedder, search->set->descriptors, search->set->count,
                                search->embeddings, err);
    if (status == KIN_OK)
        status = kin_rows_open(state->vectors, search->snapshot.rows, kin_expected_hash,
                               &search->expected, &search->rows, err);
    if (status == KIN_OK)
        status =
            kin_set_scorer_new(search->embeddings, search->set->count, dim, &search->scorer, err);
    return status == KIN_OK ? find_members(search, err) : status;
}

/* Compares the set with all images of a group; *rows of them counted. */
static kin_status score_group(struct set_search *search, struct group *group, size_t *rows,
                              kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    float best = 0;
    *rows = 0;
    if (search->options->stop != NULL && search->options->stop(search->options->stop_ctx))
        return kin_fail(err, KIN_E_CANCELLED, NULL, "the search was stopped");
    kin_status status =
        kin_catalog_with_value(search->snapshot.txn, search->field, group->name, &ids, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_and_inplace(ids, search->members);
    kin_set_scorer_begin(search->scorer);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        const float *row;
        status = kin_rows_vector(search->rows, at->current_value, search->buffer, &row, err);
        if (status != KIN_OK)
            break;
        float score = kin_set_scorer_add(search->scorer, row);
        if (*rows == 0 || score > best) {
            best = score;
            group->best = at->current_value;
        }
        ++*rows;
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    if (status == KIN_OK && *rows > 0)
        group->score = kin_set_scorer_score(search->scorer, search->rule);
    return status;
}

static int by_score(const void *a, const void *b)
{
    const struct group *p = *(struct group *const *)a, *q = *(struct group *const *)b;
    if (p->score != q->score)
        return p->score > q->score ? -1 : 1;
    return strcmp(p->name, q->name);
}

/* The best k groups as results. */
static kin_status take_best(struct set_search *search, struct group **list, size_t count,
                            kin_error *err)
{
    kin_results *out = search->out;
    kin_status status = KIN_OK;
    qsort(list, count, sizeof(*list), by_score);
    out->items = calloc(search->k, sizeof *out->items);
    if (out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu results", search->k);
    for (size_t i = 0; status == KIN_OK && i < count && i < search->k; i++) {
        kin_result *item = &out->items[i];
        status = kin_catalog_get(search->snapshot.txn, list[i]->best, &item->record, err);
        if (status == KIN_OK) {
            item->score = list[i]->score;
            out->count++;
        }
    }
    return status;
}

static kin_status rank(struct set_search *search, kin_error *err)
{
    size_t count = 0, rows;
    struct group *group, *next;
    kin_status status = KIN_OK;
    struct group **list = calloc(HASH_COUNT(search->groups) + 1, sizeof(*list));
    if (list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the candidates");
    HASH_ITER(hh, search->groups, group, next)
    {
        if (status != KIN_OK)
            break;
        status = score_group(search, group, &rows, err);
        search->out->plan.scanned += rows;
        if (rows > 0)
            list[count++] = group;
    }
    if (status == KIN_OK)
        status = take_best(search, list, count, err);
    free(list);
    return status;
}

static kin_status check(const kin_query_set *set, const kin_search_options *options,
                        const char **field, kin_error *err)
{
    if (options->fold != KIN_LEVEL_SERIES && options->fold != KIN_LEVEL_STUDY &&
        options->fold != KIN_LEVEL_PATIENT)
        return kin_fail(err, KIN_E_ARG, set->name,
                        "several images together are searched by series, study or patient");
    if (options->way != NULL)
        return kin_fail(err, KIN_E_ARG, set->name, "a way is for searches of single images");
    if (options->not_same_patient && set->patient_id[0] == '\0')
        return kin_fail(err, KIN_E_ARG, set->name,
                        "the query's patient is not known, so it cannot be left out");
    if (options->k > K_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "k is at most %d", K_MAX);
    *field = kin_level_field(options->fold);
    return KIN_OK;
}

static void clean_up(struct set_search *search)
{
    free_groups(search->groups);
    kin_set_scorer_free(search->scorer);
    free(search->embeddings);
    free(search->buffer);
    if (search->members != NULL)
        roaring_bitmap_free(search->members);
    if (search->rows != NULL)
        kin_rows_close(search->rows);
    if (search->snapshot.txn != NULL)
        kin_snapshot_close(&search->snapshot);
}

static kin_status search_once(struct set_search search, kin_error *err)
{
    memset(search.out, 0, sizeof *search.out);
    kin_status status = find_candidates(&search, err);
    if (status == KIN_OK)
        status = prepare(&search, err);
    if (status == KIN_OK)
        status = rank(&search, err);
    if (status == KIN_OK) {
        search.out->exact = search.options->exact;
        search.out->complete = search.options->exact || search.out->count == search.k;
        search.out->plan.members = roaring_bitmap_get_cardinality(search.members);
    }
    clean_up(&search);
    if (status != KIN_OK)
        kin_results_release(search.out);
    return status;
}

kin_status kin_archive_search_set(kin_archive *archive, const kin_query_set *set, kin_set_rule rule,
                                  const kin_search_options *options, kin_results *out,
                                  kin_error *err)
{
    double began = kin_clock_monotonic();
    struct set_search search = {.archive = archive,
                                .set = set,
                                .rule = rule,
                                .options = options,
                                .k = options->k > 0 ? options->k : DEFAULT_K,
                                .out = out};
    memset(out, 0, sizeof *out);
    kin_status status = check(set, options, &search.field, err);
    if (status != KIN_OK)
        return status;
    status = search_once(search, err);
    if (status == KIN_E_CORRUPT)
        status = search_once(search, err); /* see kin_archive_search() */
    if (status == KIN_OK)
        out->plan.milliseconds = 1e3 * (kin_clock_monotonic() - began);
    return status;
}
