#include "search/exact.h"

#include "search/members_cursor.h"
#include "search/search.h"

enum { AHEAD = 6 }; /* rows between the one asked for and the one scored: segments.h */

/* The score of one row, wherever it lies. */
static kin_status score_one(kin_rows *rows, const kin_probe *probe, uint64_t id, float *score,
                            kin_error *err)
{
    const void *row = kin_rows_peek(rows, id);
    size_t got;
    kin_status status = KIN_OK;
    if (row == NULL)
        status = kin_rows_run(rows, id, 1, &row, &got, err);
    if (status == KIN_OK)
        *score = kin_probe_score(probe, row);
    return status;
}

/* Scores the rows of a run, which may lie in two segments. */
static kin_status score_run(kin_rows *rows, const kin_probe *probe, uint64_t first, size_t count,
                            float *scores, kin_error *err)
{
    while (count > 0) {
        const void *run;
        size_t got;
        kin_status status = kin_rows_run(rows, first, count, &run, &got, err);
        if (status != KIN_OK)
            return status;
        kin_probe_score_rows(probe, run, got, scores);
        scores += got;
        first += got;
        count -= got;
    }
    return KIN_OK;
}

static kin_status offer_scattered(kin_rows *rows, const kin_probe *probe, const uint32_t *ids,
                                  size_t count, kin_topk *top, kin_error *err)
{
    for (size_t i = 0; i < count; i++) {
        float score;
        if (i + AHEAD < count)
            kin_rows_prefetch(rows, ids[i + AHEAD]);
        kin_status status = score_one(rows, probe, ids[i], &score, err);
        if (status != KIN_OK)
            return status;
        kin_topk_offer(top, ids[i], score);
    }
    return KIN_OK;
}

kin_status kin_exact_offer(kin_rows *rows, const kin_probe *probe, const uint32_t *ids,
                           size_t count, kin_topk *top, kin_error *err)
{
    float scores[2 * MEMBERS_AT_ONCE];
    /* Rows between the members may be damaged, which is no matter. */
    if (!kin_members_are_dense(ids, count) ||
        score_run(rows, probe, ids[0], ids[count - 1] - ids[0] + 1, scores, NULL) != KIN_OK)
        return offer_scattered(rows, probe, ids, count, top, err);
    if (kin_members_are_run(ids, count)) {
        kin_topk_offer_run(top, ids[0], scores, count);
        return KIN_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (scores[ids[i] - ids[0]] >= kin_topk_bar(top))
            kin_topk_offer(top, ids[i], scores[ids[i] - ids[0]]);
    return KIN_OK;
}

kin_status kin_exact_rescore(kin_rows *rows, const kin_probe *probe, kin_hit *hits, size_t count,
                             kin_error *err)
{
    for (size_t i = 0; i < count && i < AHEAD; i++)
        kin_rows_prefetch(rows, hits[i].id);
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            kin_rows_prefetch(rows, hits[i + AHEAD].id);
        kin_status status = score_one(rows, probe, hits[i].id, &hits[i].score, err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}
