#include "archive/eval_bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURES = KIN_MEASURES + KIN_VOTES };

/* Queries in the order of their groups: cluster c is members[first[c] .. first[c + 1]). */
struct clusters {
    size_t count;
    size_t *first, *members;
};

/* What one drawing of clusters adds up to. */
struct tally {
    double sum[KIN_MEASURES];
    size_t queries;           /* of the label asked for */
    size_t *true_of;          /* [classes] */
    size_t *voted[KIN_VOTES]; /* [classes] */
    size_t *right[KIN_VOTES]; /* [classes] */
};

/* splitmix64 (Steele, Lea and Flood 2014): small, seeded, the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* --- clusters --- */

static size_t groups_of(const int *groups, size_t count)
{
    int most = -1;
    for (size_t i = 0; groups != NULL && i < count; i++)
        most = groups[i] > most ? groups[i] : most;
    return (size_t)(most + 1);
}

/* A cluster a query, or a cluster a group, in order of first appearance.  place has room for every
 * group's number: its cluster, plus one. */
static void make_clusters(const int *groups, size_t count, size_t *cluster_of, size_t *place,
                          struct clusters *out)
{
    for (size_t i = 0; i < count; i++) {
        bool grouped = groups != NULL && groups[i] >= 0;
        if (grouped && place[groups[i]] > 0) {
            cluster_of[i] = place[groups[i]] - 1;
        } else {
            cluster_of[i] = out->count++;
            if (grouped)
                place[groups[i]] = out->count;
        }
        out->first[cluster_of[i] + 1]++;
    }
    for (size_t c = 0; c < out->count; c++)
        out->first[c + 1] += out->first[c];
    for (size_t i = count; i-- > 0;) /* backwards: each start moves down from its end */
        out->members[--out->first[cluster_of[i] + 1]] = i;
    for (size_t c = 0; c < out->count; c++)
        out->first[c] = out->first[c + 1];
    out->first[out->count] = count;
}

static kin_status clusters_init(const int *groups, size_t count, struct clusters *out,
                                kin_error *err)
{
    size_t *cluster_of = calloc(count, sizeof *cluster_of);
    size_t *place = calloc(groups_of(groups, count) + 1, sizeof *place);
    kin_status status = KIN_OK;
    *out = (struct clusters){0, calloc(count + 2, sizeof *out->first),
                             calloc(count, sizeof *out->members)};
    if (cluster_of == NULL || place == NULL || out->first == NULL || out->members == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", count);
    else
        make_clusters(groups, count, cluster_of, place, out);
    free(cluster_of);
    free(place);
    return status;
}

/* --- tallies --- */

static kin_status tally_init(struct tally *tally, size_t classes, kin_error *err)
{
    size_t *room = calloc(classes * (1 + 2 * (size_t)KIN_VOTES) + 1, sizeof *room);
    *tally = (struct tally){.true_of = room};
    for (size_t v = 0; room != NULL && v < KIN_VOTES; v++) {
        tally->voted[v] = room + classes * (1 + 2 * v);
        tally->right[v] = room + classes * (2 + 2 * v);
    }
    return room != NULL ? KIN_OK
                        : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu classes", classes);
}

static void tally_clear(struct tally *tally, size_t classes)
{
    memset(tally->true_of, 0, classes * (1 + 2 * (size_t)KIN_VOTES) * sizeof *tally->true_of);
    memset(tally->sum, 0, sizeof tally->sum);
    tally->queries = 0;
}

static void tally_add(struct tally *tally, const kin_judged *query, int label)
{
    tally->true_of[query->label]++;
    for (int v = 0; v < KIN_VOTES; v++) {
        tally->voted[v][query->vote[v]]++;
        tally->right[v][query->label] += query->vote[v] == query->label;
    }
    if (label >= 0 && query->label != label)
        return;
    tally->queries++;
    for (int m = 0; m < KIN_MEASURES; m++)
        tally->sum[m] += query->value[m];
}

/* The mean F1 of the classes that queries have, or of the label's alone; NaN of none. */
static double f1_of(const struct tally *tally, int vote, const kin_bootstrap_options *options)
{
    double sum = 0;
    size_t classes = 0;
    for (size_t c = 0; c < options->classes; c++) {
        if (tally->true_of[c] == 0 || (options->label >= 0 && (int)c != options->label))
            continue;
        sum +=
            2 * (double)tally->right[vote][c] / (double)(tally->true_of[c] + tally->voted[vote][c]);
        classes++;
    }
    return classes > 0 ? sum / (double)classes : NAN;
}

static void figures_of(const struct tally *tally, const kin_bootstrap_options *options,
                       double figures[FIGURES])
{
    for (int m = 0; m < KIN_MEASURES; m++)
        figures[m] = tally->queries > 0 ? tally->sum[m] / (double)tally->queries : NAN;
    for (int v = 0; v < KIN_VOTES; v++)
        figures[KIN_MEASURES + v] = f1_of(tally, v, options);
}

/* --- resampling --- */

/* drawn[f * resamples + r]: figure f of resampling r. */
static void resample(const kin_judged *queries, const struct clusters *clusters,
                     const kin_bootstrap_options *options, struct tally *tally, double *drawn)
{
    uint64_t random = options->seed;
    double figures[FIGURES];
    for (size_t r = 0; r < options->resamples; r++) {
        tally_clear(tally, options->classes);
        for (size_t i = 0; i < clusters->count; i++) {
            size_t c = next_random(&random) % clusters->count;
            for (size_t m = clusters->first[c]; m < clusters->first[c + 1]; m++)
                tally_add(tally, &queries[clusters->members[m]], options->label);
        }
        figures_of(tally, options, figures);
        for (size_t f = 0; f < FIGURES; f++)
            drawn[f * options->resamples + r] = figures[f];
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static kin_eval_figure figure_of(double value, double *drawn, size_t resamples)
{
    size_t kept = 0;
    for (size_t r = 0; r < resamples; r++)
        if (!isnan(drawn[r]))
            drawn[kept++] = drawn[r];
    if (kept == 0)
        return (kin_eval_figure){value, value, value};
    qsort(drawn, kept, sizeof *drawn, by_value);
    return (kin_eval_figure){value, drawn[(size_t)(0.025 * (double)(kept - 1) + 0.5)],
                             drawn[(size_t)(0.975 * (double)(kept - 1) + 0.5)]};
}

static void fill(const kin_judged *queries, size_t count, const kin_bootstrap_options *options,
                 struct tally *tally, double *drawn, kin_eval_measures *out)
{
    kin_eval_figure *const into[FIGURES] = {
        [KIN_P_AT_1] = &out->p_at_1,
        [KIN_P_AT_5] = &out->p_at_5,
        [KIN_P_AT_10] = &out->p_at_10,
        [KIN_MMV_AT_5] = &out->mmv_at_5,
        [KIN_AP] = &out->map,
        [KIN_AP_AT_10] = &out->map_at_10,
        [KIN_NDCG_AT_10] = &out->ndcg_at_10,
        [KIN_MEASURES] = &out->f1_at_1,
        [KIN_MEASURES + 1] = &out->f1_at_3,
        [KIN_MEASURES + 2] = &out->f1_at_5,
    };
    double figures[FIGURES];
    tally_clear(tally, options->classes);
    for (size_t i = 0; i < count; i++)
        tally_add(tally, &queries[i], options->label);
    out->queries = tally->queries;
    figures_of(tally, options, figures);
    for (size_t f = 0; f < FIGURES; f++)
        *into[f] = figure_of(figures[f], drawn + f * options->resamples, options->resamples);
}

kin_status kin_bootstrap(const kin_judged *queries, const int *groups, size_t count,
                         const kin_bootstrap_options *options, kin_eval_measures *out,
                         kin_error *err)
{
    struct clusters clusters = {0};
    struct tally tally = {0};
    memset(out, 0, sizeof *out);
    if (count == 0)
        return KIN_OK;
    double *drawn = calloc(options->resamples, FIGURES * sizeof *drawn);
    kin_status status =
        drawn != NULL
            ? KIN_OK
            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu resamplings", options->resamples);
    if (status == KIN_OK)
        status = clusters_init(groups, count, &clusters, err);
    if (status == KIN_OK)
        status = tally_init(&tally, options->classes, err);
    if (status == KIN_OK) {
        resample(queries, &clusters, options, &tally, drawn);
        fill(queries, count, options, &tally, drawn, out);
    }
    free(drawn);
    free(clusters.first);
    free(clusters.members);
    free(tally.true_of);
    return status;
}
