/*
 * Principal components by the eigenvectors of the smaller of two matrices: the covariance of the
 * input's floats, when there are more rows than floats, or the rows' inner products (Gram's matrix;
 * Turk and Pentland, "Eigenfaces for recognition", 1991), which has the same eigenvalues.
 *
 * Products are summed in single precision within a block of rows and in double precision over the
 * blocks.  Memory: one block, the smaller matrix, and the components.
 */
#include "embed/spectrum.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed/allocate.h"

enum { BLOCK_ROWS = 1024 };

/* A component with less than this share of the first one's variance is rounding error. */
static const double variance_share_min = 1e-6;
/* A family whose variance is less than this share of its mean square does not vary. */
static const double family_share_min = 1e-10;

/* Copies rows [from, from + n) of the sample to `to`, less the mean (unless NULL). */
static kin_status read_block(const struct sample *sample, size_t from, size_t n, const float *mean,
                             float *to, kin_error *err)
{
    const kin_embed_rows *rows = sample->rows;
    for (size_t r = from; r < from + n; r++, to += rows->input) {
        size_t at = (size_t)((unsigned __int128)r * rows->count / sample->count);
        const float *row = rows->row(rows->ctx, at, err);
        if (row == NULL)
            return err->code != KIN_OK ? err->code : KIN_E_IO;
        for (size_t i = 0; i < rows->input; i++) {
            to[i] = mean != NULL ? row[i] - mean[i] : row[i];
            if (!isfinite(to[i]))
                return kin_fail(err, KIN_E_CORRUPT, NULL, "descriptor %zu is not finite", at);
        }
    }
    return KIN_OK;
}

/* The mean, and each family's mean square. */
static kin_status find_mean(const struct sample *sample, const struct embed_layout *layout,
                            float *block, float *mean, double *squares, kin_error *err)
{
    const size_t input = sample->rows->input;
    double *sum = kin_embed_allocate(input, 1, sizeof *sum);
    if (sum == NULL)
        return kin_embed_no_memory(err);
    kin_status status = KIN_OK;
    for (size_t from = 0; from < sample->count && status == KIN_OK; from += BLOCK_ROWS) {
        size_t n = sample->count - from < BLOCK_ROWS ? sample->count - from : BLOCK_ROWS;
        status = read_block(sample, from, n, NULL, block, err);
        for (size_t r = 0; r < n && status == KIN_OK; r++)
            for (size_t f = 0; f < layout->count; f++)
                for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++) {
                    double x = (double)block[r * input + i];
                    sum[i] += x;
                    squares[f] += x * x / (double)sample->count;
                }
    }
    for (size_t i = 0; i < input; i++)
        mean[i] = (float)(sum[i] / (double)sample->count);
    free(sum);
    return status;
}

/* What turns a family's total variance into the square of its weight. */
static double family_scale(double variance, double square, float weight)
{
    return variance > family_share_min * square ? (double)weight / sqrt(variance) : 0.0;
}

/* The largest `wanted` eigenvalues, divided by `rows`, and eigenvectors (vectors[k][n], in double)
 * of the symmetric n x n matrix whose upper half, by rows, is given and destroyed.  Largest
 * first. */
static kin_status eigen(double *matrix, size_t n, size_t wanted, double rows, double *values,
                        double *vectors, kin_error *err)
{
    lapack_int found = 0;
    lapack_int *support = kin_embed_allocate(2 * wanted, 1, sizeof *support);
    double *ascending = kin_embed_allocate(n, 1, sizeof *ascending);
    double *columns = kin_embed_allocate(n, wanted, sizeof *columns);
    kin_status status = KIN_OK;
    if (support == NULL || ascending == NULL || columns == NULL) {
        status = kin_embed_no_memory(err);
        goto out;
    }
    /* dsyevr finds just those; the single-precision drivers of LAPACK 3.11 size their work space
     * wrongly for n above some 2,900.  Our upper half by rows is LAPACK's lower half by columns. */
    lapack_int info =
        LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', (lapack_int)n, matrix, (lapack_int)n, 0, 0,
                       (lapack_int)(n - wanted + 1), (lapack_int)n, 0, &found, ascending, columns,
                       (lapack_int)n, support);
    if (info != 0 || found != (lapack_int)wanted) {
        status = info == LAPACK_WORK_MEMORY_ERROR
                     ? kin_embed_no_memory(err)
                     : kin_fail(err, KIN_E_INTERNAL, NULL, "LAPACK finds no eigenvectors (%d)",
                                (int)info);
        goto out;
    }
    for (size_t k = 0; k < wanted; k++) {
        values[k] = ascending[wanted - 1 - k] / rows;
        memcpy(vectors + k * n, columns + (wanted - 1 - k) * n, n * sizeof *vectors);
    }
out:
    free(support);
    free(ascending);
    free(columns);
    return status;
}

/* Keeps the components that are more than rounding error. */
static void cut_rank(struct spectrum *s, size_t found)
{
    s->rank = 0;
    while (s->rank < found && s->variance[s->rank] > variance_share_min * s->variance[0])
        s->rank++;
}

/* covariance (upper half, times rows) += block's products. */
static void add_products(const float *block, size_t n, size_t input, float *products,
                         double *covariance)
{
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)input, (int)n, 1.0f, block, (int)input,
                0.0f, products, (int)input);
    for (size_t i = 0; i < input; i++)
        for (size_t j = i; j < input; j++)
            covariance[i * input + j] += (double)products[i * input + j];
}

/* Scales the families of a covariance matrix, by the variances on its diagonal. */
static void scale_covariance(double *covariance, const struct sample *sample,
                             const struct embed_layout *layout, const double *squares,
                             double *scale)
{
    const size_t input = sample->rows->input;
    for (size_t f = 0; f < layout->count; f++) {
        double variance = 0;
        for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
            variance += covariance[i * input + i] / (double)sample->count;
        scale[f] = family_scale(variance, squares[f], layout->weight[f]);
    }
    for (size_t f = 0; f < layout->count; f++)
        for (size_t g = f; g < layout->count; g++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                for (size_t j = layout->first[g]; j < layout->first[g + 1]; j++)
                    covariance[i * input + j] *= scale[f] * scale[g];
}

static kin_status by_covariance(const struct sample *sample, const struct embed_layout *layout,
                                size_t wanted, float *block, const double *squares,
                                struct spectrum *s, kin_error *err)
{
    const size_t input = sample->rows->input;
    float *products = kin_embed_allocate(input, input, sizeof *products);
    double *covariance = kin_embed_allocate(input, input, sizeof *covariance);
    double *vectors = kin_embed_allocate(wanted, input, sizeof *vectors);
    kin_status status = KIN_OK;
    if (products == NULL || covariance == NULL || vectors == NULL)
        status = kin_embed_no_memory(err);
    for (size_t from = 0; from < sample->count && status == KIN_OK; from += BLOCK_ROWS) {
        size_t n = sample->count - from < BLOCK_ROWS ? sample->count - from : BLOCK_ROWS;
        status = read_block(sample, from, n, s->mean, block, err);
        if (status == KIN_OK)
            add_products(block, n, input, products, covariance);
    }
    if (status == KIN_OK) {
        scale_covariance(covariance, sample, layout, squares, s->scale);
        status = eigen(covariance, input, wanted, (double)sample->count, s->variance, vectors, err);
    }
    if (status == KIN_OK) {
        cut_rank(s, wanted);
        for (size_t i = 0; i < s->rank * input; i++)
            s->directions[i] = (float)vectors[i];
    }
    free(products);
    free(covariance);
    free(vectors);
    return status;
}

/* Scales the families of centred rows, each to its share of the variance. */
static void scale_rows(float *rows, size_t count, size_t input, const struct embed_layout *layout,
                       const double *squares, double *scale)
{
    for (size_t f = 0; f < layout->count; f++) {
        double variance = 0;
        for (size_t r = 0; r < count; r++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                variance +=
                    (double)rows[r * input + i] * (double)rows[r * input + i] / (double)count;
        scale[f] = family_scale(variance, squares[f], layout->weight[f]);
        for (size_t r = 0; r < count; r++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                rows[r * input + i] = (float)(rows[r * input + i] * scale[f]);
    }
}

/* Directions in the space of descriptors from eigenvectors u of the Gram matrix: X' u / |X' u|. */
static kin_status directions_of(const float *rows, size_t count, size_t input,
                                const double *vectors, struct spectrum *s, kin_error *err)
{
    float *weights = kin_embed_allocate(s->rank, count, sizeof *weights);
    if (weights == NULL)
        return kin_embed_no_memory(err);
    for (size_t k = 0; k < s->rank; k++)
        for (size_t r = 0; r < count; r++)
            weights[k * count + r] =
                (float)(vectors[k * count + r] / sqrt(s->variance[k] * (double)count));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)s->rank, (int)input, (int)count,
                1.0f, weights, (int)count, rows, (int)input, 0.0f, s->directions, (int)input);
    free(weights);
    return KIN_OK;
}

static kin_status by_gram(const struct sample *sample, const struct embed_layout *layout,
                          size_t wanted, const double *squares, struct spectrum *s, kin_error *err)
{
    const size_t input = sample->rows->input, count = sample->count;
    float *rows = kin_embed_allocate(count, input, sizeof *rows);
    float *products = kin_embed_allocate(count, count, sizeof *products);
    double *gram = kin_embed_allocate(count, count, sizeof *gram);
    double *vectors = kin_embed_allocate(wanted, count, sizeof *vectors);
    kin_status status = KIN_OK;
    if (rows == NULL || products == NULL || gram == NULL || vectors == NULL) {
        status = kin_embed_no_memory(err);
        goto out;
    }
    status = read_block(sample, 0, count, s->mean, rows, err);
    if (status != KIN_OK)
        goto out;
    scale_rows(rows, count, input, layout, squares, s->scale);
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)count, (int)input, 1.0f, rows,
                (int)input, 0.0f, products, (int)count);
    for (size_t i = 0; i < count * count; i++)
        gram[i] = (double)products[i];
    status = eigen(gram, count, wanted, (double)count, s->variance, vectors, err);
    if (status != KIN_OK)
        goto out;
    cut_rank(s, wanted);
    if (s->rank > 0)
        status = directions_of(rows, count, input, vectors, s, err);
out:
    free(rows);
    free(products);
    free(gram);
    free(vectors);
    return status;
}

/* An eigenvector's sign is arbitrary: makes its largest component positive. */
static void fix_signs(struct spectrum *s, size_t input)
{
    for (size_t k = 0; k < s->rank; k++) {
        float *v = s->directions + k * input;
        size_t largest = 0;
        for (size_t i = 1; i < input; i++)
            if (fabsf(v[i]) > fabsf(v[largest]))
                largest = i;
        if (v[largest] < 0)
            for (size_t i = 0; i < input; i++)
                v[i] = -v[i];
    }
}

kin_status kin_spectrum_find(const struct sample *sample, const struct embed_layout *layout,
                             size_t wanted, struct spectrum *s, kin_error *err)
{
    const size_t input = sample->rows->input;
    double squares[EMBED_FAMILIES_MAX] = {0};
    bool gram = sample->count <= input;
    size_t most = gram ? sample->count - 1 : input; /* centring costs one */
    if (wanted > most)
        wanted = most;
    float *block = kin_embed_allocate(BLOCK_ROWS, input, sizeof *block);
    s->mean = kin_embed_allocate(input, 1, sizeof *s->mean);
    s->scale = kin_embed_allocate(layout->count, 1, sizeof *s->scale);
    s->variance = kin_embed_allocate(wanted, 1, sizeof *s->variance);
    s->directions = kin_embed_allocate(wanted, input, sizeof *s->directions);
    kin_status status = KIN_OK;
    if (block == NULL || s->mean == NULL || s->scale == NULL || s->variance == NULL ||
        s->directions == NULL)
        status = kin_embed_no_memory(err);
    if (status == KIN_OK)
        status = find_mean(sample, layout, block, s->mean, squares, err);
    if (status == KIN_OK && gram)
        status = by_gram(sample, layout, wanted, squares, s, err);
    else if (status == KIN_OK)
        status = by_covariance(sample, layout, wanted, block, squares, s, err);
    if (status == KIN_OK)
        fix_signs(s, input);
    free(block);
    return status;
}

void kin_spectrum_free(struct spectrum *s)
{
    free(s->mean);
    free(s->scale);
    free(s->variance);
    free(s->directions);
    *s = (struct spectrum){0};
}
