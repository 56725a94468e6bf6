/*
 * search.c - one query: who may be an answer, who of them is nearest, and what is known of those.
 *
 * The members are the live images that meet the condition, as bitmaps; engine/search finds the
 * nearest of them.  Where the best row of each image, series, study or patient is wanted, rows are
 * ranked ever deeper until k groups are found, so folding never costs an answer.  Images have more
 * rows than one only where regions of them are stored: where none is a member, nothing is folded.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/fold.h"
#include "archive/internal.h"
#include "archive/regions.h"
#include "base/clock.h"

enum {
    DEFAULT_K = 10,
    K_MAX = 100000,
    FOLD_FACTOR = 16, /* rows looked at for each group wanted, before widening */
    WIDEN_FACTOR = 8
};
_Static_assert((int)KIN_PLAN_METHODS == (int)KIN_PLAN_WAYS, "each way is a method");

/* One search under way. */
struct search {
    const kin_query *query;
    const kin_search_options *options;
    kin_snapshot snapshot;
    kin_corpus corpus;
    kin_rows *rows;
    kin_expected expected;
    float *embedding;
    kin_bitmap *meeting,
        *dead;             /* of the catalog: those that meet the condition, or NULL; the dead */
    kin_bitmap *regions;   /* of the catalog: rows that are regions of images */
    roaring_bitmap_t *own; /* what this query leaves out, the dead among it; NULL: the dead */
    kin_members members;   /* borrows from the three above */
    size_t count;          /* of members */
    size_t k;
    kin_level fold; /* what is asked for, or regions where that comes to the same */
    kin_results *out;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Leaves the images of the query's own patient out. */
static kin_status leave_patient_out(struct search *search, kin_error *err)
{
    roaring_bitmap_t *images = NULL;
    if (search->query->patient_id[0] == '\0')
        return kin_fail(err, KIN_E_ARG, search->query->name,
                        "the query's patient is not known, so it cannot be left out");
    kin_status status = kin_catalog_with_value(search->snapshot.txn, "patient_id",
                                               search->query->patient_id, &images, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_or_inplace(search->own, images);
    roaring_bitmap_free(images);
    return KIN_OK;
}

/* What this query leaves out beside the dead: its own image with its regions, its patient's. */
static kin_status leave_own_out(struct search *search, kin_error *err)
{
    const kin_query *query = search->query;
    if (query->self == KIN_QUERY_NOT_STORED && !search->options->not_same_patient)
        return KIN_OK;
    search->own = search->members.without != NULL ? roaring_bitmap_copy(search->members.without)
                                                  : roaring_bitmap_create();
    if (search->own == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    search->members.without = search->own;
    kin_status status = KIN_OK;
    if (query->self != KIN_QUERY_NOT_STORED)
        status = kin_regions_of_image(search->snapshot.txn, query->self,
                                      kin_bitmap_borrow(search->regions), search->own, err);
    if (status == KIN_OK && search->options->not_same_patient)
        status = leave_patient_out(search, err);
    return status;
}

/* How many regions may be answers, or some more: those that the query leaves out are counted. */
static uint64_t count_regions(const struct search *search)
{
    return search->members.only != NULL
               ? roaring_bitmap_and_cardinality(search->members.only,
                                                kin_bitmap_borrow(search->regions))
               : kin_bitmap_count(search->regions);
}

static kin_status find_members(struct search *search, kin_error *err)
{
    const kin_search_options *options = search->options;
    kin_plan *plan = &search->out->plan;
    double began = kin_clock_monotonic();
    kin_status status = kin_catalog_dead(search->snapshot.txn, &search->dead, err);
    if (status == KIN_OK)
        status = kin_regions_all(search->snapshot.txn, &search->regions, err);
    if (status != KIN_OK)
        return status;
    plan->live = search->snapshot.rows - kin_bitmap_count(search->dead);
    if (options->where != NULL) {
        status = kin_condition_members(options->where, search->snapshot.txn, &search->meeting, err);
        if (status != KIN_OK)
            return status;
        /* A condition is met by live images alone: the dead need not be asked about again. */
        search->members.only = kin_bitmap_borrow(search->meeting);
    } else {
        search->members.without = kin_bitmap_borrow(search->dead);
    }
    status = leave_own_out(search, err);
    if (status != KIN_OK)
        return status;
    plan->members = kin_members_count(&search->members, 0, search->snapshot.rows);
    search->count = (size_t)plan->members;
    search->fold = options->fold == KIN_LEVEL_IMAGE && count_regions(search) == 0 ? KIN_LEVEL_REGION
                                                                                  : options->fold;
    plan->members_milliseconds = 1e3 * (kin_clock_monotonic() - began);
    return KIN_OK;
}

/* What engine/search tells of its plan; of several tries the last counts, and the work of all. */
static void note_plan(struct search *search, const kin_search_plan *found)
{
    kin_plan *plan = &search->out->plan;
    plan->method = found->way;
    plan->fell_back = found->fell_back;
    plan->recall = found->recall;
    plan->expected_recall = found->expected_recall;
    plan->width = found->setting.width;
    plan->candidates = found->setting.candidates;
    plan->considered_count = found->considered_count;
    for (size_t i = 0; i < found->considered_count; i++) {
        plan->considered[i].method = found->considered[i].way;
        plan->considered[i].milliseconds =
            found->considered[i].microseconds < 0 ? -1 : found->considered[i].microseconds / 1e3;
    }
    plan->estimated_milliseconds += found->estimated_microseconds / 1e3;
    plan->ranking_milliseconds += found->microseconds / 1e3;
    plan->tail = found->tail;
    plan->scored += found->scored;
    plan->scanned += found->scanned;
    search->out->exact = found->exact;
}

/* Folds the ranked hits into the results; those of an earlier, narrower try are let go. */
static kin_status fold_hits(struct search *search, const kin_topk *top, kin_error *err)
{
    kin_results *out = search->out;
    for (size_t i = 0; i < out->count; i++)
        kin_record_release(&out->items[i].record);
    return kin_fold(search->snapshot.txn, top->hits, top->count, search->fold, search->k,
                    out->items, &out->count, err);
}

static double recall_of(const kin_search_options *options)
{
    if (options->exact)
        return 1;
    return options->recall > 0 ? options->recall : KIN_SEARCH_RECALL;
}

/* One try: the best `depth` images, folded. */
static kin_status try_depth(struct search *search, size_t depth, kin_error *err)
{
    const kin_search_options *options = search->options;
    kin_search_plan plan;
    kin_topk top = {.capacity = depth};
    kin_ask ask = {.vector = search->embedding,
                   .k = depth,
                   .recall = recall_of(options),
                   .members = search->members,
                   .member_count = search->count,
                   .way = options->way,
                   .stop = {options->stop, options->stop_ctx}};
    top.hits = malloc(depth * sizeof *top.hits);
    if (top.hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank %zu images", depth);
    kin_status status = kin_search_nearest(&search->corpus, &ask, top.hits, &top.count, &plan, err);
    if (status == KIN_OK) {
        note_plan(search, &plan);
        status = fold_hits(search, &top, err);
    }
    free(top.hits);
    return status;
}

/* Rows to look at first for each group that is wanted.  Of images it is known how many they have on
 * average; the best ones have more, being alike. */
static size_t rows_for_each(const struct search *search)
{
    if (search->fold == KIN_LEVEL_REGION)
        return 1;
    if (search->fold != KIN_LEVEL_IMAGE)
        return FOLD_FACTOR;
    size_t regions = smaller((size_t)count_regions(search), search->count);
    size_t wholes = search->count - regions > 0 ? search->count - regions : 1;
    return smaller(2 + regions / wholes, FOLD_FACTOR);
}

/* Widens until k groups are found, or every member has been ranked. */
static kin_status find_results(struct search *search, kin_error *err)
{
    kin_results *out = search->out;
    size_t depth = search->k * rows_for_each(search);
    out->plan.method = kin_way_name(0);
    out->exact = true;
    while (search->count > 0) {
        depth = smaller(depth, search->count);
        kin_status status = try_depth(search, depth, err);
        if (status != KIN_OK)
            return status;
        if (out->count >= search->k || depth == search->count)
            break;
        depth = depth > search->count / WIDEN_FACTOR ? search->count : depth * WIDEN_FACTOR;
    }
    /* Every member was ranked, or k groups were found: nothing was given up. */
    out->complete = true;
    return KIN_OK;
}

/* The query under the model that serves. */
static kin_status embed_query(struct search *search, kin_error *err)
{
    const kin_query *query = search->query;
    const kin_state *state = search->snapshot.state;
    if (query->embedding == NULL)
        return kin_embedder_apply(state->embedder, query->descriptor, 1, search->embedding, err);
    if (query->model[0] != '\0' && strcmp(query->model, state->model) != 0)
        return kin_fail(err, KIN_E_EXISTS, query->name, "the vector was made by another model");
    memcpy(search->embedding, query->embedding,
           search->snapshot.archive->dim * sizeof *search->embedding);
    return KIN_OK;
}

static kin_status prepare(struct search *search, kin_error *err)
{
    kin_archive *archive = search->snapshot.archive;
    kin_state *state = search->snapshot.state;
    kin_plan *plan = &search->out->plan;
    plan->generation = state->generation;
    plan->index_kind = state->index != NULL ? kin_index_kind_borrow(state->index) : "none";
    memcpy(plan->model, state->model, sizeof plan->model);
    search->expected = (kin_expected){search->snapshot.txn, state->model};
    kin_status status = kin_rows_open(state->vectors, search->snapshot.rows, kin_expected_hash,
                                      &search->expected, &search->rows, err);
    if (status != KIN_OK)
        return status;
    search->corpus = (kin_corpus){.rows = search->rows,
                                  .dim = archive->dim,
                                  .index = state->index,
                                  .index_rows = state->index_rows,
                                  .costs = &state->costs};
    search->embedding = calloc(archive->dim, sizeof *search->embedding);
    search->out->items = calloc(search->k, sizeof *search->out->items);
    if (search->embedding == NULL || search->out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu results", search->k);
    return embed_query(search, err);
}

static void clean_up(struct search *search)
{
    free(search->embedding);
    kin_bitmap_free(search->meeting);
    kin_bitmap_free(search->dead);
    kin_bitmap_free(search->regions);
    if (search->own != NULL)
        roaring_bitmap_free(search->own);
    kin_rows_close(search->rows);
    kin_snapshot_close(&search->snapshot);
}

static kin_status search_once(kin_archive *archive, const kin_query *query,
                              const kin_search_options *options, kin_results *out, kin_error *err)
{
    struct search search = {.query = query, .options = options, .out = out};
    memset(out, 0, sizeof *out);
    search.k = options->k > 0 ? options->k : DEFAULT_K;
    kin_status status = kin_snapshot_open(archive, &search.snapshot, err);
    if (status == KIN_OK)
        status = find_members(&search, err);
    if (status == KIN_OK)
        search.k = smaller(search.k, search.count > 0 ? search.count : 1);
    if (status == KIN_OK)
        status = prepare(&search, err);
    if (status == KIN_OK)
        status = find_results(&search, err);
    clean_up(&search);
    if (status != KIN_OK)
        kin_results_release(out);
    return status;
}

kin_status kin_archive_search(kin_archive *archive, const kin_query *query,
                              const kin_search_options *options, kin_results *out, kin_error *err)
{
    double began = kin_clock_monotonic();
    if (options->k > K_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "k is at most %d", K_MAX);
    if (!(options->recall >= 0 && options->recall <= 1))
        return kin_fail(err, KIN_E_ARG, NULL, "a recall is above 0 and at most 1");
    kin_status status = search_once(archive, query, options, out, err);
    /* The files of an old snapshot may go while it is read, when two reindexes end within one
     * query: the store takes what is missing for damage, and a fresh snapshot tells. */
    if (status == KIN_E_CORRUPT)
        status = search_once(archive, query, options, out, err);
    if (status == KIN_OK)
        out->plan.milliseconds = 1e3 * (kin_clock_monotonic() - began);
    return status;
}

void kin_results_release(kin_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        kin_record_release(&results->items[i].record);
    free(results->items);
    results->items = NULL;
    results->count = 0;
}
