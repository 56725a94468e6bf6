#include "embed/learn_judge.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "embed/allocate.h"
#include "embed/random.h"

enum { QUERY_BLOCK = 64, RESAMPLES = 2000 };

struct group_size {
    size_t rows, number;
    uint64_t lot; /* decides among groups of one size */
    int label;    /* of its first row of known label, or -1 */
};

static int larger_first(const void *a, const void *b)
{
    const struct group_size *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    return (x->lot > y->lot) - (x->lot < y->lot);
}

/* The fold with the fewest rows of the class, then the fewest rows. */
static size_t emptiest(const size_t *of_class, const size_t *rows, size_t classes, int label,
                       size_t folds)
{
    size_t best = 0;
    for (size_t f = 1; f < folds; f++) {
        size_t here = label < 0 ? 0 : of_class[f * classes + (size_t)label];
        size_t there = label < 0 ? 0 : of_class[best * classes + (size_t)label];
        if (here < there || (here == there && rows[f] < rows[best]))
            best = f;
    }
    return best;
}

kin_status kin_learn_folds(const int *label, const int *group, size_t count, size_t classes,
                           int folds, uint64_t seed, int *fold, kin_error *err)
{
    struct group_size *sizes = kin_embed_allocate(count, 1, sizeof *sizes);
    size_t *of_class = kin_embed_allocate((size_t)folds, classes, sizeof *of_class);
    size_t *rows = kin_embed_allocate((size_t)folds, 1, sizeof *rows);
    int *of_group = kin_embed_allocate(count, 1, sizeof *of_group);
    kin_status status = KIN_OK;
    if (sizes == NULL || of_class == NULL || rows == NULL || of_group == NULL) {
        status = kin_embed_no_memory(err);
        goto out;
    }
    for (size_t g = 0; g < count; g++)
        sizes[g] = (struct group_size){0, g, kin_random_next(&seed), -1};
    for (size_t i = 0; i < count; i++) {
        struct group_size *size = &sizes[group[i]];
        size->rows++;
        size->label = size->label < 0 ? label[i] : size->label;
    }
    qsort(sizes, count, sizeof *sizes, larger_first);
    for (size_t g = 0; g < count && sizes[g].rows > 0; g++) {
        size_t f = emptiest(of_class, rows, classes, sizes[g].label, (size_t)folds);
        of_group[sizes[g].number] = (int)f;
        rows[f] += sizes[g].rows;
        if (sizes[g].label >= 0)
            of_class[f * classes + (size_t)sizes[g].label] += sizes[g].rows;
    }
    for (size_t i = 0; i < count; i++)
        fold[i] = of_group[group[i]];
out:
    free(sizes);
    free(of_class);
    free(rows);
    free(of_group);
    return status;
}

struct ranked {
    float score;
    int label;
    bool same; /* of the query's class */
};

static int better_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (int)x->same - (int)y->same;
}

/* Room for judging a ranking. */
struct ranking {
    struct ranked *rows;
    double *sum;   /* [classes]: of precisions at rows of the class */
    size_t *found; /* [classes]: rows of it so far */
};

static void judge_one(const struct learn_database *database, struct ranking *r, int label,
                      struct learn_judged *out)
{
    double chance = 0, share = 0;
    memset(r->sum, 0, database->classes * sizeof *r->sum);
    memset(r->found, 0, database->classes * sizeof *r->found);
    qsort(r->rows, database->count, sizeof *r->rows, better_first);
    for (size_t i = 0; i < database->count; i++) {
        int class = r->rows[i].label;
        r->sum[class] += (double)++r->found[class] / (double)(i + 1);
    }
    for (size_t c = 0; c < database->classes; c++)
        if (r->found[c] > 0) {
            share += database->share[c];
            chance += database->share[c] * r->sum[c] / (double)r->found[c];
        }
    out->precision = r->found[label] > 0 ? r->sum[label] / (double)r->found[label] : -1;
    out->chance = share > 0 ? chance / share : 0;
    out->first = database->count > 0 && r->rows[0].label == label;
}

kin_status kin_learn_judge(const struct learn_database *database, const float *query,
                           const int *label, size_t queries, struct learn_judged *out,
                           kin_error *err)
{
    const size_t count = database->count, dim = database->dim;
    float *scores = kin_embed_allocate(QUERY_BLOCK, count, sizeof *scores);
    struct ranking ranking = {kin_embed_allocate(count, 1, sizeof *ranking.rows),
                              kin_embed_allocate(database->classes, 1, sizeof *ranking.sum),
                              kin_embed_allocate(database->classes, 1, sizeof *ranking.found)};
    kin_status status =
        scores != NULL && ranking.rows != NULL && ranking.sum != NULL && ranking.found != NULL
            ? KIN_OK
            : kin_embed_no_memory(err);
    for (size_t done = 0; done < queries && status == KIN_OK; done += QUERY_BLOCK) {
        size_t n = queries - done < QUERY_BLOCK ? queries - done : QUERY_BLOCK;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)count, (int)dim, 1.0f,
                    query + done * dim, (int)dim, database->rows, (int)dim, 0.0f, scores,
                    (int)count);
        for (size_t q = 0; q < n; q++) {
            for (size_t i = 0; i < count; i++)
                ranking.rows[i] = (struct ranked){scores[q * count + i], database->label[i],
                                                  database->label[i] == label[done + q]};
            judge_one(database, &ranking, label[done + q], &out[done + q]);
        }
    }
    free(scores);
    free(ranking.rows);
    free(ranking.sum);
    free(ranking.found);
    return status;
}

/* The share of a normal distribution below x. */
static double normal_share(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* Student's 97.5% quantile for n degrees of freedom, by Hill's expansion about the normal's
 * (Abramowitz and Stegun, 26.7.5): within 0.02 from 5 on. */
static double student_quantile(double n)
{
    const double z = 1.959963985, z2 = z * z;
    return z + z * (z2 + 1) / (4 * n) + z * ((5 * z2 + 16) * z2 + 3) / (96 * n * n) +
           z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * n * n * n);
}

struct cluster {
    double sum, rows;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A cluster a group, packed. */
static size_t make_clusters(const double *gain, const int *group, size_t count,
                            struct cluster *clusters)
{
    size_t most = 0, used = 0;
    for (size_t i = 0; i < count; i++) {
        clusters[group[i]].sum += gain[i];
        clusters[group[i]].rows++;
        most = (size_t)group[i] + 1 > most ? (size_t)group[i] + 1 : most;
    }
    for (size_t g = 0; g < most; g++)
        if (clusters[g].rows > 0)
            clusters[used++] = clusters[g];
    return used;
}

static void resample(const struct cluster *clusters, size_t count, uint64_t seed, double *means)
{
    for (size_t r = 0; r < RESAMPLES; r++) {
        struct cluster total = {0};
        for (size_t i = 0; i < count; i++) {
            const struct cluster *drawn = &clusters[kin_random_below(&seed, count)];
            total.sum += drawn->sum;
            total.rows += drawn->rows;
        }
        means[r] = total.sum / total.rows;
    }
    qsort(means, RESAMPLES, sizeof *means, by_value);
}

kin_status kin_learn_gain(const double *gain, const int *group, size_t count, uint64_t seed,
                          double *mean, double *low, double *high, kin_error *err)
{
    int most = 0;
    for (size_t i = 0; i < count; i++)
        most = group[i] > most ? group[i] : most;
    struct cluster *clusters = kin_embed_allocate((size_t)most + 1, 1, sizeof *clusters);
    double *means = kin_embed_allocate(RESAMPLES, 1, sizeof *means);
    kin_status status = clusters != NULL && means != NULL ? KIN_OK : kin_embed_no_memory(err);
    *mean = 0;
    *low = -1;
    *high = 1;
    for (size_t i = 0; i < count; i++)
        *mean += gain[i] / (double)count;
    size_t used = status == KIN_OK ? make_clusters(gain, group, count, clusters) : 0;
    if (used >= LEARN_GROUPS_MIN) {
        double n = (double)used;
        double share = normal_share(-sqrt(n / (n - 1)) * student_quantile(n - 1));
        resample(clusters, used, seed, means);
        size_t cut = (size_t)(share * (RESAMPLES - 1));
        *low = means[cut];
        *high = means[RESAMPLES - 1 - cut];
    }
    free(clusters);
    free(means);
    return status;
}
