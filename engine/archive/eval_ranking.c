#include "archive/eval_ranking.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "simd/kernels.h"
#include "simd/topk.h"

enum { QUERY_GRAIN = 8 };

/* A ranking under way, shared by its threads. */
struct work {
    const kin_eval_ranking *ranking;
    float *queries, *database; /* their vectors, one after the other */
    kin_eval_scores whole;     /* of all queries, where the model changes scores; else empty */
    unsigned char *left_out;
    atomic_bool out_of_memory;
};

/* What one thread needs for one query; each with room for the database. */
struct room {
    float *scores;
    kin_hit *hits;
    kin_ranked *ranked;
};

static int best_first(const void *a, const void *b)
{
    const kin_hit *x = a, *y = b;
    return kin_hit_better(*x, *y) ? -1 : kin_hit_better(*y, *x) ? 1 : 0;
}

static float *gather(const kin_eval_ranking *ranking, const size_t *images, size_t count)
{
    float *out = malloc(count * ranking->dim * sizeof *out + 1);
    for (size_t i = 0; out != NULL && i < count; i++)
        memcpy(out + i * ranking->dim, ranking->vectors + images[i] * ranking->dim,
               ranking->dim * sizeof *out);
    return out;
}

/* --- one query --- */

static void list_first(const struct work *work, const struct room *room, size_t kept, size_t query,
                       kin_eval_answer *answer)
{
    const kin_eval_set *set = work->ranking->set;
    answer->listed = kept < KIN_EVAL_LISTED ? kept : KIN_EVAL_LISTED;
    for (size_t i = 0; i < answer->listed; i++) {
        size_t image = work->ranking->fold->database[room->hits[i].id];
        answer->list[i].image = image;
        answer->list[i].score = room->hits[i].score;
        answer->list[i].relevant = set->images[image].label == set->images[query].label;
    }
}

static void judge(const struct work *work, size_t number, const float *scores,
                  const struct room *room)
{
    const kin_eval_ranking *ranking = work->ranking;
    const kin_eval_set *set = ranking->set;
    size_t query = ranking->fold->queries[number], kept = 0;
    for (size_t i = 0; i < ranking->fold->database_count; i++)
        if (!kin_eval_apart(set, query, ranking->fold->database[i]))
            room->hits[kept++] = (kin_hit){i, scores[i]};
    qsort(room->hits, kept, sizeof *room->hits, best_first);
    for (size_t i = 0; i < kept; i++) {
        const kin_eval_image *image = &set->images[ranking->fold->database[room->hits[i].id]];
        room->ranked[i] = (kin_ranked){image->label, image->grade};
    }
    kin_judged *judged = &ranking->judged[ranking->place[query]];
    kin_eval_answer *answer = &ranking->answers[ranking->place[query]];
    const kin_ranked asked = {set->images[query].label, set->images[query].grade};
    answer->image = query;
    answer->judged = kin_judge_ranking(room->ranked, kept, asked, judged);
    if (answer->judged) {
        answer->ap = judged->value[KIN_AP];
        answer->p_at_1 = judged->value[KIN_P_AT_1];
    }
    list_first(work, room, kept, query, answer);
}

static void score(const struct work *work, size_t number, float *scores)
{
    size_t dim = work->ranking->dim, count = work->ranking->fold->database_count;
    kin_kernels_best()->dot_rows(work->queries + number * dim, work->database, dim, count, dim,
                                 scores);
}

static bool room_init(struct room *room, size_t count)
{
    *room = (struct room){malloc((count + 1) * sizeof *room->scores),
                          malloc((count + 1) * sizeof *room->hits),
                          malloc((count + 1) * sizeof *room->ranked)};
    return room->scores != NULL && room->hits != NULL && room->ranked != NULL;
}

static void judge_range(void *ctx, size_t from, size_t to)
{
    struct work *work = ctx;
    size_t count = work->ranking->fold->database_count;
    struct room room;
    if (!room_init(&room, count)) {
        atomic_store(&work->out_of_memory, true);
    } else {
        for (size_t q = from; q < to; q++) {
            const float *scores = room.scores;
            if (work->whole.scores != NULL)
                scores = work->whole.scores + q * count;
            else
                score(work, q, room.scores);
            judge(work, q, scores, &room);
        }
    }
    free(room.scores);
    free(room.hits);
    free(room.ranked);
}

/* --- all scores at once, for who changes them --- */

static void score_range(void *ctx, size_t from, size_t to)
{
    struct work *work = ctx;
    const kin_eval_fold *fold = work->ranking->fold;
    size_t count = fold->database_count;
    for (size_t q = from; q < to; q++) {
        score(work, q, work->whole.scores + q * count);
        for (size_t i = 0; i < count; i++)
            work->left_out[q * count + i] =
                kin_eval_apart(work->ranking->set, fold->queries[q], fold->database[i]);
    }
}

static kin_status rescore(struct work *work, kin_error *err)
{
    const kin_eval_ranking *ranking = work->ranking;
    size_t queries = ranking->fold->query_count, count = ranking->fold->database_count, scores;
    if (!kin_mul_size(queries, count, &scores) || scores > KIN_EVAL_DESCRIPTORS_MAX / sizeof(float))
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu queries of %zu images are too many at once",
                        queries, count);
    work->left_out = malloc(scores + 1);
    work->whole = (kin_eval_scores){.queries = queries,
                                    .database = count,
                                    .dim = ranking->dim,
                                    .query_vectors = work->queries,
                                    .database_vectors = work->database,
                                    .left_out = work->left_out,
                                    .scores = malloc(scores * sizeof(float) + 1),
                                    .threads = ranking->set->options->threads};
    if (work->left_out == NULL || work->whole.scores == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu scores", scores);
    kin_parallel_for(queries, QUERY_GRAIN, work->whole.threads, score_range, work);
    return ranking->model->rescore(ranking->model->ctx, &work->whole, err);
}

kin_status kin_eval_rank(const kin_eval_ranking *ranking, kin_error *err)
{
    const kin_eval_fold *fold = ranking->fold;
    struct work work = {.ranking = ranking,
                        .queries = gather(ranking, fold->queries, fold->query_count),
                        .database = gather(ranking, fold->database, fold->database_count)};
    kin_status status = KIN_OK;
    if (work.queries == NULL || work.database == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank");
    if (status == KIN_OK && ranking->model->rescore != NULL)
        status = rescore(&work, err);
    if (status == KIN_OK) {
        kin_parallel_for(fold->query_count, QUERY_GRAIN, ranking->set->options->threads,
                         judge_range, &work);
        if (atomic_load(&work.out_of_memory))
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank");
    }
    free(work.queries);
    free(work.database);
    free(work.whole.scores);
    free(work.left_out);
    return status;
}
