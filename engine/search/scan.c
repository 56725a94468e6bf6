#include "search/scan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ascending.h"
#include "base/parallel.h"
#include "search/exact.h"
#include "search/members_cursor.h"

enum {
    SLICE_ROWS = 32768, /* rows of which one thread takes the members at a time */
    STOP_ROUNDS = 8     /* of MEMBERS_AT_ONCE, between two questions whether to stop */
};

/* A scan under way, shared by its threads. */
struct work {
    const kin_scan *scan;
    atomic_bool over; /* failed or stopped: what is left need not be done */
    atomic_uint_fast64_t scored;
    pthread_mutex_t lock; /* over what follows */
    kin_topk *top;
    kin_status status;
    kin_error *err;
};

kin_status kin_stop_ask(const kin_stop *stop, kin_error *err)
{
    if (stop == NULL || stop->asked == NULL || !stop->asked(stop->ctx))
        return KIN_OK;
    return kin_fail(err, KIN_E_CANCELLED, NULL, "the search was stopped");
}

/* Where ids lie among the codes; those that the generation has not got are left out.  *at is where
 * to look from, and moves along. */
static size_t positions_of(const kin_index_codes *codes, const uint32_t *ids, size_t count,
                           size_t *at, uint32_t *positions)
{
    size_t found = 0, last = codes->count - 1;
    uint64_t first = codes->ids[0], gaps = codes->ids[last] - first - last;
    if (gaps == 0 && ids[0] >= first && ids[count - 1] - first <= last) {
        for (size_t i = 0; i < count; i++)
            positions[i] = (uint32_t)(ids[i] - first);
        *at = positions[count - 1];
        return count;
    }
    for (size_t i = 0; i < count && *at <= last; i++) {
        if (ids[i] < first)
            continue;
        /* Without gaps an id would lie this far in; each gap before it moves it one place back. */
        uint64_t high = ids[i] - first, low = high > gaps ? high - gaps : 0;
        low = low > *at ? low : *at;
        high = high < last ? high : last;
        size_t place = low < high ? kin_ascending_find(codes->ids, low, high + 1, ids[i]) : low;
        if (place <= last && codes->ids[place] == ids[i])
            positions[found++] = (uint32_t)place;
        *at = place;
    }
    return found;
}

/* Scores codes that follow each other, of ids that do so too; returns false where they do not. */
static bool score_code_run(const kin_scan *scan, const uint32_t *ids, size_t count, size_t *at,
                           kin_topk *top)
{
    const kin_index_codes *codes = scan->codes;
    float scores[MEMBERS_AT_ONCE];
    if (!kin_members_are_run(ids, count))
        return false;
    uint32_t first;
    if (positions_of(codes, ids, 1, at, &first) == 0 || codes->count - first < count ||
        codes->ids[first + count - 1] != ids[count - 1])
        return false;
    const unsigned char *rows = codes->rows;
    kin_probe_score_rows(scan->probe, rows + first * kin_codec_stride(kin_codec_int8, codes->dim),
                         count, scores);
    kin_topk_offer_run(top, ids[0], scores, count);
    return true;
}

/* The score of each code at ascending positions. */
static void score_positions(const kin_scan *scan, uint32_t *positions, size_t count, float *scores)
{
    const unsigned char *rows = scan->codes->rows;
    size_t first = positions[0], stride = kin_codec_stride(kin_codec_int8, scan->codes->dim);
    if (!kin_members_are_dense(positions, count)) {
        kin_probe_score_gather(scan->probe, rows, positions, count, scores);
        return;
    }
    float all[2 * MEMBERS_AT_ONCE];
    kin_probe_score_rows(scan->probe, rows + first * stride, positions[count - 1] - first + 1, all);
    for (size_t i = 0; i < count; i++)
        scores[i] = all[positions[i] - first];
}

/* Scores the codes of some members; *at as in positions_of(). */
static size_t score_codes(const kin_scan *scan, const uint32_t *ids, size_t count, size_t *at,
                          kin_topk *top)
{
    const kin_index_codes *codes = scan->codes;
    uint32_t positions[MEMBERS_AT_ONCE];
    float scores[MEMBERS_AT_ONCE];
    if (score_code_run(scan, ids, count, at, top))
        return count;
    size_t found = positions_of(codes, ids, count, at, positions);
    if (found > 0)
        score_positions(scan, positions, found, scores);
    for (size_t i = 0; i < found; i++)
        if (scores[i] >= kin_topk_bar(top))
            kin_topk_offer(top, codes->ids[positions[i]], scores[i]);
    return found;
}

/* Scans the members of [from, end) on one thread. */
static kin_status scan_slice(const kin_scan *scan, uint64_t from, uint64_t end, kin_topk *top,
                             uint64_t *scored, kin_error *err)
{
    struct members_cursor cursor;
    uint32_t ids[MEMBERS_AT_ONCE];
    size_t at =
        scan->codes != NULL ? kin_ascending_find(scan->codes->ids, 0, scan->codes->count, from) : 0;
    kin_status status = KIN_OK;
    kin_members_begin(&cursor, scan->members, from, end);
    for (size_t round = 0, count; status == KIN_OK; round++) {
        if (round % STOP_ROUNDS == 0 && (status = kin_stop_ask(scan->stop, err)) != KIN_OK)
            break;
        if ((count = kin_members_next(&cursor, ids)) == 0)
            break;
        if (scan->codes != NULL)
            *scored += score_codes(scan, ids, count, &at, top);
        else if ((status = kin_exact_offer(scan->corpus->rows, scan->probe, ids, count, top,
                                           err)) == KIN_OK)
            *scored += count;
    }
    return status;
}

static void fail(struct work *work, kin_status status, const kin_error *why)
{
    atomic_store(&work->over, true);
    pthread_mutex_lock(&work->lock);
    if (work->status == KIN_OK) {
        work->status = status;
        if (work->err != NULL)
            *work->err = *why;
    }
    pthread_mutex_unlock(&work->lock);
}

static void slice_body(void *ctx, size_t from, size_t to)
{
    struct work *work = ctx;
    const kin_scan *scan = work->scan;
    kin_topk local = {.capacity = work->top->capacity};
    uint64_t scored = 0;
    kin_error err;
    if (atomic_load(&work->over))
        return;
    local.hits = malloc(local.capacity * sizeof *local.hits);
    kin_status status = local.hits == NULL ? kin_fail(&err, KIN_E_NOMEM, NULL, "no memory to scan")
                                           : scan_slice(scan, scan->from + from, scan->from + to,
                                                        &local, &scored, &err);
    if (status != KIN_OK)
        fail(work, status, &err);
    atomic_fetch_add(&work->scored, scored);
    pthread_mutex_lock(&work->lock);
    for (size_t i = 0; i < local.count; i++)
        kin_topk_offer(work->top, local.hits[i].id, local.hits[i].score);
    pthread_mutex_unlock(&work->lock);
    free(local.hits);
}

kin_status kin_scan_run(const kin_scan *scan, kin_topk *top, uint64_t *scored, kin_error *err)
{
    struct work work = {.scan = scan, .top = top, .status = KIN_OK, .err = err};
    if (scan->from >= scan->end || top->capacity == 0)
        return KIN_OK;
    if (scan->threads == 1)
        return scan_slice(scan, scan->from, scan->end, top, scored, err);
    pthread_mutex_init(&work.lock, NULL);
    kin_parallel_for((size_t)(scan->end - scan->from), SLICE_ROWS, scan->threads, slice_body,
                     &work);
    pthread_mutex_destroy(&work.lock);
    *scored += atomic_load(&work.scored);
    return work.status;
}
