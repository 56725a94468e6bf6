/*
 * search.c - plan and answer one query.
 *
 * The members (live images that meet the condition) are a bitmap.  Few members, or no index: an
 * exact scan of just their rows.  Many: the index proposes candidates among them, the tail since
 * its generation is scanned, all are scored exactly; where that does not give k groups the search
 * widens, and at last scans.  So a filter never costs recall.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/defaults.h"
#include "archive/fold.h"
#include "archive/internal.h"
#include "archive/scan.h"
#include "base/clock.h"

enum {
    DEFAULT_K = 10,
    K_MAX = 100000,
    SCAN_MEMBERS_MAX =
        20000,        /* up to here a scan takes about a millisecond: no index is worth its error */
    SCAN_SHARE = 100, /* members rarer than 1 in this many are scanned: a graph filtered so hard
                         loses recall */
    CANDIDATES_PER_K = 4, /* candidates for each result wanted, where that is more */
    FOLD_FACTOR = 16,     /* images looked at for each group wanted, before widening */
    WIDEN_FACTOR = 8
};

/* One search under way. */
struct search {
    const kin_query *query;
    const kin_search_options *options;
    kin_snapshot snapshot;
    kin_vectors vectors;
    kin_expected expected;
    float *embedding;
    roaring_bitmap_t *members;
    uint32_t *ids; /* the members, ascending */
    size_t count, tail_from;
    size_t k;
    kin_stop stop;
    kin_results *out;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Takes the images of the query's own patient out of the members. */
static kin_status leave_patient_out(struct search *search, kin_error *err)
{
    roaring_bitmap_t *own = NULL;
    if (search->query->patient_id[0] == '\0')
        return kin_fail(err, KIN_E_ARG, search->query->name,
                        "the query's patient is not known, so it cannot be left out");
    kin_status status = kin_catalog_with_value(search->snapshot.txn, "patient_id",
                                               search->query->patient_id, &own, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_andnot_inplace(search->members, own);
    roaring_bitmap_free(own);
    return KIN_OK;
}

static kin_status find_members(struct search *search, kin_error *err)
{
    const kin_search_options *options = search->options;
    kin_plan *plan = &search->out->plan;
    kin_status status = kin_catalog_live(search->snapshot.txn, &search->members, err);
    if (status != KIN_OK)
        return status;
    plan->live = roaring_bitmap_get_cardinality(search->members);
    if (options->where != NULL) {
        roaring_bitmap_t *meeting = NULL;
        status = kin_condition_evaluate(options->where, search->snapshot.txn, &meeting, err);
        if (status != KIN_OK)
            return status;
        roaring_bitmap_and_inplace(search->members, meeting);
        roaring_bitmap_free(meeting);
    }
    if (search->query->self != KIN_QUERY_NOT_STORED)
        roaring_bitmap_remove(search->members, (uint32_t)search->query->self);
    if (options->not_same_patient && (status = leave_patient_out(search, err)) != KIN_OK)
        return status;
    search->count = (size_t)roaring_bitmap_get_cardinality(search->members);
    plan->members = search->count;
    search->ids = malloc((search->count > 0 ? search->count : 1) * sizeof *search->ids);
    if (search->ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu ids", search->count);
    roaring_bitmap_to_uint32_array(search->members, search->ids);
    uint64_t older = search->snapshot.state->index_rows;
    search->tail_from =
        older == 0 ? 0 : (size_t)roaring_bitmap_rank(search->members, (uint32_t)(older - 1));
    plan->tail = search->count - search->tail_from;
    return KIN_OK;
}

static bool worth_the_index(const struct search *search)
{
    const kin_index *index = search->snapshot.state->index;
    return index != NULL && !kin_index_is_flat(index) && !search->options->exact &&
           search->count > SCAN_MEMBERS_MAX && search->count > search->out->plan.live / SCAN_SHARE;
}

static bool is_member(void *ctx, uint64_t id)
{
    const struct search *search = ctx;
    return roaring_bitmap_contains(search->members, (uint32_t)id);
}

/* `want` candidates of the index and the tail, scored exactly, best first. */
static kin_status ask_index(struct search *search, size_t want, kin_topk *top, kin_error *err)
{
    const kin_state *state = search->snapshot.state;
    double effort = search->options->effort > 0 ? search->options->effort : KIN_SEARCH_EFFORT;
    size_t found = 0;
    kin_hit *hits = malloc(want * sizeof *hits);
    if (hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu candidates", want);
    kin_status status = kin_index_search(state->index, search->embedding, want, effort, is_member,
                                         search, hits, &found, err);
    if (status == KIN_OK)
        status = kin_rescore(&search->vectors, search->embedding, hits, found, err);
    for (size_t i = 0; status == KIN_OK && i < found; i++)
        kin_topk_offer(top, hits[i].id, hits[i].score);
    free(hits);
    if (status == KIN_OK)
        status = kin_scan(&search->vectors, search->embedding, search->ids + search->tail_from,
                          search->count - search->tail_from, &search->stop, top, err);
    search->out->plan.scanned += found + (search->count - search->tail_from);
    return status;
}

static kin_status scan_members(struct search *search, kin_topk *top, kin_error *err)
{
    search->out->plan.scanned += search->count;
    return kin_scan(&search->vectors, search->embedding, search->ids, search->count, &search->stop,
                    top, err);
}

/* Folds the ranked hits into the results; those of an earlier, narrower try are let go. */
static kin_status fold_hits(struct search *search, const kin_topk *top, kin_error *err)
{
    kin_results *out = search->out;
    for (size_t i = 0; i < out->count; i++)
        kin_record_release(&out->items[i].record);
    return kin_fold(search->snapshot.txn, top->hits, top->count, search->options->fold, search->k,
                    out->items, &out->count, err);
}

/* One try: the best `depth` images by the index or by the scan, folded. */
static kin_status try_depth(struct search *search, size_t depth, bool by_index, kin_error *err)
{
    kin_topk top = {.capacity = depth};
    top.hits = malloc(depth * sizeof *top.hits);
    if (top.hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank %zu images", depth);
    kin_status status =
        by_index ? ask_index(search, depth, &top, err) : scan_members(search, &top, err);
    if (status == KIN_OK) {
        kin_topk_sort(&top);
        status = fold_hits(search, &top, err);
    }
    free(top.hits);
    return status;
}

/* Widens from the plan's first depth until k groups are found, or every member has been ranked. */
static kin_status find_results(struct search *search, kin_error *err)
{
    kin_results *out = search->out;
    size_t per_group = search->options->fold == KIN_LEVEL_IMAGE ? 1 : FOLD_FACTOR;
    size_t depth = search->k * per_group;
    bool by_index = worth_the_index(search);
    out->plan.method = by_index ? "index" : "scan";
    if (by_index && depth < KIN_SEARCH_CANDIDATES)
        depth = KIN_SEARCH_CANDIDATES;
    if (by_index && per_group == 1)
        depth = depth > search->k * CANDIDATES_PER_K ? depth : search->k * CANDIDATES_PER_K;
    while (search->count > 0) {
        depth = smaller(depth, search->count);
        kin_status status = kin_stop_ask(&search->stop, err);
        if (status == KIN_OK)
            status = try_depth(search, depth, by_index, err);
        if (status != KIN_OK)
            return status;
        if (out->count >= search->k || (depth == search->count && !by_index))
            break;
        depth = depth > search->count / WIDEN_FACTOR ? search->count : depth * WIDEN_FACTOR;
        if (by_index && depth > search->count / SCAN_SHARE) {
            by_index = false;
            out->plan.method = "index then scan";
        }
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
    search->vectors.dim = archive->dim;
    kin_status status = kin_rows_open(state->vectors, search->snapshot.rows, kin_expected_hash,
                                      &search->expected, &search->vectors.rows, err);
    if (status != KIN_OK)
        return status;
    search->embedding = calloc(archive->dim, sizeof *search->embedding);
    search->out->items = calloc(search->k, sizeof *search->out->items);
    if (search->embedding == NULL || search->out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu results", search->k);
    return embed_query(search, err);
}

static void clean_up(struct search *search)
{
    free(search->ids);
    free(search->embedding);
    if (search->members != NULL)
        roaring_bitmap_free(search->members);
    kin_rows_close(search->vectors.rows);
    kin_snapshot_close(&search->snapshot);
}

static kin_status search_once(kin_archive *archive, const kin_query *query,
                              const kin_search_options *options, kin_results *out, kin_error *err)
{
    struct search search = {
        .query = query, .options = options, .stop = {options->stop, options->stop_ctx}, .out = out};
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
