#include "search/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASKED = KIN_TUNE_K + 1, /* one more: the query itself is left out */
    BATCH_QUERIES = 128,    /* of the exact answers, between which progress is told */
    TRIED_MAX = 64,
    WIDER = 3,
    RANK_MORE_MAX = 16 /* times the candidates of a kind's own settings */
};

/* Recalls that differ by less are the same. */
#define PLATEAU 0.002

/* Scores of the same two vectors by different kernels differ by rounding alone. */
#define SCORE_SLACK 1e-6f
/* Share of the progress that the exact answers are given. */
#define TRUTH_SHARE 0.5

static const double targets[] = {0.90, 0.95, 0.99, 0.999};
enum { TARGETS = sizeof targets / sizeof targets[0] };
_Static_assert((int)TARGETS <= (int)KIN_INDEX_TUNINGS_MAX, "room in the table");

struct tuning {
    const kin_corpus *corpus;
    const kin_tune_options *options;
    size_t queries;
    kin_members members; /* all that live */
    uint64_t count;      /* of them */
    float *vectors;      /* queries x dim */
    uint64_t *selves;
    kin_hit *hits; /* queries x ASKED: the exact answers */
    size_t *found;
    double *each;   /* microseconds of a code, for each query of one setting */
    float *bars;    /* the score of each query's tenth other */
    size_t *wanted; /* how many others there are, at most 10 */
};

/* What one setting gave. */
struct trial {
    double recall, error; /* mean and its standard error */
    double microseconds, scored;
};

static kin_status report(const struct tuning *tuning, double done, kin_error *err)
{
    const kin_tune_options *options = tuning->options;
    if (options->progress != NULL && options->progress(options->progress_ctx, done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "the tuning was cancelled");
    return KIN_OK;
}

static kin_status read_queries(struct tuning *tuning, kin_error *err)
{
    size_t dim = tuning->corpus->dim;
    for (size_t q = 0; q < tuning->queries; q++) {
        float *to = tuning->vectors + q * dim;
        const float *row;
        uint32_t self = 0,
                 place = (uint32_t)((double)q / (double)tuning->queries * (double)tuning->count);
        roaring_bitmap_select(tuning->members.only, place, &self);
        tuning->selves[q] = self;
        kin_status status = kin_rows_vector(tuning->corpus->rows, tuning->selves[q], to, &row, err);
        if (status != KIN_OK)
            return status;
        if (row != to)
            memcpy(to, row, dim * sizeof *to);
    }
    return KIN_OK;
}

/* Counts hits other than the query itself, of those at least as good as bar; at most 10 count. */
static size_t others(const kin_hit *hits, size_t count, uint64_t self, float bar)
{
    size_t seen = 0, good = 0;
    for (size_t i = 0; i < count && seen < KIN_TUNE_K; i++)
        if (hits[i].id != self) {
            seen++;
            good += hits[i].score >= bar;
        }
    return good;
}

static void note_bar(struct tuning *tuning, size_t q)
{
    const kin_hit *hits = tuning->hits + q * ASKED;
    size_t count = 0;
    for (size_t i = 0; i < tuning->found[q] && count < KIN_TUNE_K; i++)
        if (hits[i].id != tuning->selves[q]) {
            tuning->bars[q] = hits[i].score - SCORE_SLACK;
            count++;
        }
    tuning->wanted[q] = count;
}

/* The exact answers. */
static kin_status find_truth(struct tuning *tuning, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t from = 0; status == KIN_OK && from < tuning->queries; from += BATCH_QUERIES) {
        size_t n = tuning->queries - from < BATCH_QUERIES ? tuning->queries - from : BATCH_QUERIES;
        status = report(tuning, TRUTH_SHARE * (double)from / (double)tuning->queries, err);
        if (status == KIN_OK)
            status = kin_search_batch(tuning->corpus, tuning->vectors + from * tuning->corpus->dim,
                                      n, ASKED, &tuning->members, tuning->hits + from * ASKED,
                                      tuning->found + from, NULL, err);
    }
    for (size_t q = 0; status == KIN_OK && q < tuning->queries; q++)
        note_bar(tuning, q);
    return status;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static kin_status try_setting(struct tuning *tuning, kin_index_setting setting, struct trial *trial,
                              kin_error *err)
{
    double sum = 0, squares = 0;
    size_t dim = tuning->corpus->dim;
    bool flat = kin_index_is_flat(tuning->corpus->index);
    *trial = (struct trial){0};
    for (size_t q = 0; q < tuning->queries; q++) {
        kin_hit hits[ASKED];
        size_t found;
        kin_search_plan plan;
        kin_ask ask = {.vector = tuning->vectors + q * dim,
                       .k = ASKED,
                       .members = flat ? tuning->members : (kin_members){NULL, NULL},
                       .member_count =
                           flat ? tuning->count : kin_index_count(tuning->corpus->index),
                       .way = flat ? "two-stage scan" : "index",
                       .setting = &setting,
                       .unseen = &tuning->selves[q]};
        kin_status status = kin_search_nearest(tuning->corpus, &ask, hits, &found, &plan, err);
        if (status != KIN_OK)
            return status;
        double recall = tuning->wanted[q] == 0
                            ? 1
                            : (double)others(hits, found, tuning->selves[q], tuning->bars[q]) /
                                  (double)tuning->wanted[q];
        recall = recall < 1 ? recall : 1;
        sum += recall;
        squares += recall * recall;
        tuning->each[q] = plan.microseconds / (double)(plan.scored > 0 ? plan.scored : 1);
        trial->scored += (double)plan.scored;
    }
    double n = (double)tuning->queries;
    trial->recall = sum / n;
    trial->error = sqrt(fmax(0, squares / n - trial->recall * trial->recall) / n);
    trial->scored /= n;
    /* The machine has other work, which some queries had to wait for: the median tells. */
    qsort(tuning->each, tuning->queries, sizeof *tuning->each, compare_doubles);
    trial->microseconds = tuning->each[tuning->queries / 2] * fmax(trial->scored, 1);
    return KIN_OK;
}

/* The way from the cheapest setting up, until every target is reached or no setting is left. */
struct climb {
    struct tuning *tuning;
    kin_tune_result *out;
    size_t target; /* the next to be reached */
    struct {
        kin_index_setting setting;
        double recall;
    } tried[TRIED_MAX];
    size_t count;
};

static kin_status step(struct climb *climb, kin_index_setting setting, kin_error *err)
{
    struct trial trial;
    kin_tune_result *out = climb->out;
    double done = (double)climb->target / (double)TARGETS;
    kin_status status = report(climb->tuning, TRUTH_SHARE + (1 - TRUTH_SHARE) * done, err);
    if (status == KIN_OK)
        status = try_setting(climb->tuning, setting, &trial, err);
    if (status != KIN_OK)
        return status;
    out->best = fmax(out->best, trial.recall);
    if (climb->count < TRIED_MAX) {
        climb->tried[climb->count].setting = setting;
        climb->tried[climb->count++].recall = trial.recall;
    }
    while (climb->target < TARGETS && trial.recall - 2 * trial.error >= targets[climb->target])
        out->tunings[out->count++] = (kin_index_tuning){.target = targets[climb->target++],
                                                        .recall = trial.recall,
                                                        .microseconds = trial.microseconds,
                                                        .scored = trial.scored,
                                                        .setting = setting};
    return KIN_OK;
}

static kin_status try_all(struct climb *climb, kin_error *err)
{
    const kin_index *index = climb->tuning->corpus->index;
    kin_index_setting setting;
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && climb->target < TARGETS &&
                       kin_index_setting_at(index, ASKED, i, &setting);
         i++)
        status = step(climb, setting, err);
    return status;
}

/* Where looking further did not do, more of what is found is ranked exactly: vectors that are nearly
 * the same (the slices of one volume, say) are closer together than their codes are true. */
static kin_status rank_more(struct climb *climb, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t knee = 0, last = climb->count - 1;
    if (climb->count == 0 || kin_index_is_flat(climb->tuning->corpus->index))
        return KIN_OK;
    while (climb->tried[knee].recall < climb->out->best - PLATEAU)
        knee++;
    const kin_index_setting first = climb->tried[knee].setting;
    uint32_t widest = climb->tried[last].setting.width;
    for (uint32_t more = 2; more <= RANK_MORE_MAX; more *= 2)
        for (uint32_t width = first.width; width > 0 && width <= widest; width *= WIDER) {
            kin_index_setting setting = {width, first.candidates * more};
            if (setting.width < setting.candidates && first.width >= first.candidates)
                setting.width = setting.candidates; /* of a beam */
            if (status == KIN_OK && climb->target < TARGETS)
                status = step(climb, setting, err);
        }
    return status;
}

static kin_status climb_up(struct tuning *tuning, kin_tune_result *out, kin_error *err)
{
    struct climb climb = {.tuning = tuning, .out = out};
    out->best = 0;
    kin_status status = try_all(&climb, err);
    if (status == KIN_OK)
        status = rank_more(&climb, err);
    return status == KIN_OK ? report(tuning, 1, err) : status;
}

static kin_status make_room(struct tuning *tuning, kin_error *err)
{
    size_t n = tuning->queries;
    tuning->vectors = reallocarray(NULL, n * tuning->corpus->dim, sizeof *tuning->vectors);
    tuning->selves = reallocarray(NULL, n, sizeof *tuning->selves);
    tuning->hits = reallocarray(NULL, n * ASKED, sizeof *tuning->hits);
    tuning->found = calloc(n, sizeof *tuning->found);
    tuning->each = calloc(n, sizeof *tuning->each);
    tuning->bars = calloc(n, sizeof *tuning->bars);
    tuning->wanted = calloc(n, sizeof *tuning->wanted);
    if (tuning->vectors == NULL || tuning->selves == NULL || tuning->hits == NULL ||
        tuning->found == NULL || tuning->each == NULL || tuning->bars == NULL ||
        tuning->wanted == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to tune the index");
    return KIN_OK;
}

static void release(struct tuning *tuning)
{
    free(tuning->vectors);
    free(tuning->selves);
    free(tuning->hits);
    free(tuning->found);
    free(tuning->each);
    free(tuning->bars);
    free(tuning->wanted);
}

kin_status kin_search_tune(const kin_corpus *corpus, const roaring_bitmap_t *live,
                           const kin_tune_options *options, kin_tune_result *out, kin_error *err)
{
    size_t queries = options->queries > 0 ? options->queries : KIN_TUNE_QUERIES;
    struct tuning tuning = {.corpus = corpus,
                            .options = options,
                            .members = {.only = live},
                            .count = roaring_bitmap_get_cardinality(live)};
    *out = (kin_tune_result){.best = 1};
    if (tuning.count < 2)
        return KIN_OK;
    tuning.queries = queries < tuning.count ? queries : (size_t)tuning.count;
    kin_status status = make_room(&tuning, err);
    if (status == KIN_OK)
        status = read_queries(&tuning, err);
    if (status == KIN_OK)
        status = find_truth(&tuning, err);
    if (status == KIN_OK)
        status = climb_up(&tuning, out, err);
    if (status == KIN_OK)
        out->queries = tuning.queries;
    release(&tuning);
    return status;
}
