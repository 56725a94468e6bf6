#include "archive/eval_bootstrap.h"

#include <stdlib.h>
#include <string.h>

/* Sums over the queries of one group; what a resampling draws. */
struct cluster {
    double sum[KIN_MEASURES];
    double queries;
};

/* splitmix64 (Steele, Lea and Flood 2014): small, seeded, the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_query(struct cluster *cluster, const kin_judged *query)
{
    for (int m = 0; m < KIN_MEASURES; m++)
        cluster->sum[m] += query->value[m];
    cluster->queries++;
}

/* A cluster a query, or a cluster a group (ungrouped queries stand alone).  place has room for every
 * group's number: where its cluster is, plus one. */
static size_t make_clusters(const kin_judged *queries, const int *groups, size_t count,
                            struct cluster *clusters, size_t *place)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = used;
        if (groups != NULL && groups[i] >= 0) {
            if (place[groups[i]] == 0)
                place[groups[i]] = used + 1;
            at = place[groups[i]] - 1;
        }
        used += at == used;
        add_query(&clusters[at], &queries[i]);
    }
    return used;
}

static size_t groups_of(const int *groups, size_t count)
{
    int most = -1;
    for (size_t i = 0; groups != NULL && i < count; i++)
        most = groups[i] > most ? groups[i] : most;
    return (size_t)most + 1;
}

/* means[m * resamples + r]: measure m of resampling r. */
static void resample(const struct cluster *clusters, size_t count, size_t resamples, uint64_t seed,
                     double *means)
{
    for (size_t r = 0; r < resamples; r++) {
        struct cluster total = {0};
        for (size_t i = 0; i < count; i++) {
            const struct cluster *drawn = &clusters[next_random(&seed) % count];
            for (int m = 0; m < KIN_MEASURES; m++)
                total.sum[m] += drawn->sum[m];
            total.queries += drawn->queries;
        }
        for (size_t m = 0; m < KIN_MEASURES; m++)
            means[m * resamples + r] = total.sum[m] / total.queries;
    }
}

static void fill_figures(const struct cluster *clusters, size_t count, size_t resamples,
                         double *means, kin_eval_measures *out)
{
    kin_eval_figure *const figures[KIN_MEASURES] = {
        [KIN_P_AT_1] = &out->p_at_1,         [KIN_P_AT_10] = &out->p_at_10,
        [KIN_MMV_AT_5] = &out->mmv_at_5,     [KIN_AP] = &out->map,
        [KIN_NDCG_AT_10] = &out->ndcg_at_10,
    };
    for (size_t m = 0; m < KIN_MEASURES; m++) {
        double sum = 0, queries = 0;
        for (size_t i = 0; i < count; i++) {
            sum += clusters[i].sum[m];
            queries += clusters[i].queries;
        }
        double *drawn = means + m * resamples;
        qsort(drawn, resamples, sizeof *drawn, by_value);
        figures[m]->value = sum / queries;
        figures[m]->low = drawn[(size_t)(0.025 * (double)(resamples - 1) + 0.5)];
        figures[m]->high = drawn[(size_t)(0.975 * (double)(resamples - 1) + 0.5)];
    }
}

kin_status kin_bootstrap(const kin_judged *queries, const int *groups, size_t count,
                         size_t resamples, uint64_t seed, kin_eval_measures *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    out->queries = count;
    if (count == 0)
        return KIN_OK;
    struct cluster *clusters = calloc(count, sizeof *clusters);
    size_t *place = calloc(groups_of(groups, count) + 1, sizeof *place);
    double *means = calloc(resamples, KIN_MEASURES * sizeof *means);
    kin_status status = KIN_OK;
    if (clusters == NULL || place == NULL || means == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu resamplings", resamples);
    } else {
        size_t used = make_clusters(queries, groups, count, clusters, place);
        resample(clusters, used, resamples, seed, means);
        fill_figures(clusters, used, resamples, means, out);
    }
    free(clusters);
    free(place);
    free(means);
    return status;
}
