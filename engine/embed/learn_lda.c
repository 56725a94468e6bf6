/*
 * Linear discriminants (Fisher, 1936; Rao, 1948): the directions along which class means lie
 * furthest apart beside the scatter within classes.
 *
 * With as many components as rows that scatter is close to singular, so it is drawn towards a
 * multiple of the identity, by the amount that minimises the expected error (Ledoit and Wolf, "A
 * well-conditioned estimator for large-dimensional covariance matrices", 2004).
 *
 * Two classes give one direction, of which the cosine would keep the sign alone; so a constant
 * stands beside the discriminants, and images near the border between classes come out less similar
 * to either.
 */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "embed/allocate.h"
#include "embed/embedder.h"
#include "embed/learn_methods.h"

enum { BLOCK_ROWS = 1024 };

/* The constant, in units of the discriminants' root mean square length. */
static const float constant = 0.5f;

/* A direction whose class means are closer than this share of the first one's is rounding error. */
static const double share_min = 1e-9;

struct lda {
    const struct learn_set *set;
    size_t width;
    size_t *members; /* [classes] */
    double *mean;    /* [width]: of all rows, in components before tempering */
    double *means;   /* [classes][width] */
    double *scatter; /* [width][width], its upper half: within classes, a row's mean */
    double fourth;   /* mean of the rows' fourth powers of lengths, within classes */
    double *apart;   /* [classes][width]: see whiten_means() */
    double *axes;    /* [classes][classes]: eigenvectors of the means' products, in columns */
    double *spread;  /* [classes]: their eigenvalues, ascending */
};

static kin_status allocate(struct lda *lda, kin_error *err)
{
    const size_t classes = lda->set->classes, width = lda->width;
    lda->members = kin_embed_allocate(classes, 1, sizeof *lda->members);
    lda->mean = kin_embed_allocate(width, 1, sizeof *lda->mean);
    lda->means = kin_embed_allocate(classes, width, sizeof *lda->means);
    lda->scatter = kin_embed_allocate(width, width, sizeof *lda->scatter);
    lda->apart = kin_embed_allocate(classes, width, sizeof *lda->apart);
    lda->axes = kin_embed_allocate(classes, classes, sizeof *lda->axes);
    lda->spread = kin_embed_allocate(classes, 1, sizeof *lda->spread);
    return lda->members != NULL && lda->mean != NULL && lda->means != NULL &&
                   lda->scatter != NULL && lda->apart != NULL && lda->axes != NULL &&
                   lda->spread != NULL
               ? KIN_OK
               : kin_embed_no_memory(err);
}

static void release(struct lda *lda)
{
    free(lda->members);
    free(lda->mean);
    free(lda->means);
    free(lda->scatter);
    free(lda->apart);
    free(lda->axes);
    free(lda->spread);
}

/* A row's component before tempering. */
static double component(const struct lda *lda, size_t row, size_t k)
{
    return lda->set->components[row * lda->set->width + k] / lda->set->gain[k];
}

static void find_means(struct lda *lda)
{
    const struct learn_set *set = lda->set;
    for (size_t r = 0; r < set->count; r++) {
        double *mean = lda->means + (size_t)set->label[r] * lda->width;
        lda->members[set->label[r]]++;
        for (size_t k = 0; k < lda->width; k++)
            mean[k] += component(lda, r, k);
    }
    for (size_t c = 0; c < set->classes; c++)
        for (size_t k = 0; k < lda->width && lda->members[c] > 0; k++) {
            lda->mean[k] += lda->means[c * lda->width + k] / (double)set->count;
            lda->means[c * lda->width + k] /= (double)lda->members[c];
        }
}

/* Rows [from, from + n) less their classes' means; returns the sum of their lengths' fourth
 * powers. */
static double centre_block(const struct lda *lda, size_t from, size_t n, float *block)
{
    double fourth = 0;
    for (size_t r = from; r < from + n; r++, block += lda->width) {
        const double *mean = lda->means + (size_t)lda->set->label[r] * lda->width;
        double square = 0;
        for (size_t k = 0; k < lda->width; k++) {
            double away = component(lda, r, k) - mean[k];
            block[k] = (float)away;
            square += away * away;
        }
        fourth += square * square;
    }
    return fourth;
}

static kin_status find_scatter(struct lda *lda, kin_error *err)
{
    const size_t width = lda->width, count = lda->set->count;
    float *block = kin_embed_allocate(BLOCK_ROWS, width, sizeof *block);
    float *products = kin_embed_allocate(width, width, sizeof *products);
    kin_status status = block != NULL && products != NULL ? KIN_OK : kin_embed_no_memory(err);
    for (size_t from = 0; from < count && status == KIN_OK; from += BLOCK_ROWS) {
        size_t n = count - from < BLOCK_ROWS ? count - from : BLOCK_ROWS;
        lda->fourth += centre_block(lda, from, n, block) / (double)count;
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)width, (int)n, 1.0f, block,
                    (int)width, 0.0f, products, (int)width);
        for (size_t i = 0; i < width; i++)
            for (size_t j = i; j < width; j++)
                lda->scatter[i * width + j] += (double)products[i * width + j] / (double)count;
    }
    free(block);
    free(products);
    return status;
}

/* Draws the scatter S of n rows and p components towards m = tr(S) / p on the diagonal.  With |S|^2
 * the sum of squares over p, Ledoit and Wolf's weight of the identity is b^2 / d^2, where
 * d^2 = |S - mI|^2 and b^2 = (mean |xx'|^2 - |S|^2) / n, at most d^2. */
static void shrink(struct lda *lda)
{
    const size_t p = lda->width;
    double trace = 0, square = 0;
    for (size_t i = 0; i < p; i++) {
        trace += lda->scatter[i * p + i];
        square += lda->scatter[i * p + i] * lda->scatter[i * p + i] / (double)p;
        for (size_t j = i + 1; j < p; j++)
            square += 2 * lda->scatter[i * p + j] * lda->scatter[i * p + j] / (double)p;
    }
    double m = trace / (double)p, d2 = square - m * m;
    double b2 = (lda->fourth / (double)p - square) / (double)lda->set->count;
    double weight = d2 <= 0 || b2 >= d2 ? 1 : b2 <= 0 ? 0 : b2 / d2;
    for (size_t i = 0; i < p; i++) {
        for (size_t j = i; j < p; j++)
            lda->scatter[i * p + j] *= 1 - weight;
        lda->scatter[i * p + i] += weight * m;
    }
}

/* With the scatter = L L': apart = L^-1 (class mean - mean) sqrt(share of the class), a row a
 * class. */
static kin_status whiten_means(struct lda *lda, kin_error *err)
{
    const size_t width = lda->width, classes = lda->set->classes;
    double trace = 0;
    for (size_t i = 0; i < width; i++)
        trace += lda->scatter[i * width + i];
    for (size_t i = 0; i < width; i++) /* beyond rounding, so that there is a square root */
        lda->scatter[i * width + i] += trace > 0 ? 1e-9 * trace / (double)width : 1;
    for (size_t c = 0; c < classes; c++) {
        double share = sqrt((double)lda->members[c] / (double)lda->set->count);
        for (size_t k = 0; k < width; k++)
            lda->apart[c * width + k] =
                share * (lda->means[c * width + k] - (lda->members[c] > 0 ? lda->mean[k] : 0));
    }
    /* Our upper half by rows is LAPACK's lower half by columns: so what it calls L is L here. */
    lapack_int info =
        LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', (lapack_int)width, lda->scatter, (lapack_int)width);
    if (info != 0)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "LAPACK finds no root of the scatter (%d)",
                        (int)info);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)width,
                (int)classes, 1.0, lda->scatter, (int)width, lda->apart, (int)width);
    return KIN_OK;
}

static kin_status find_axes(struct lda *lda, kin_error *err)
{
    const size_t classes = lda->set->classes, width = lda->width;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)classes, (int)width, 1.0, lda->apart,
                (int)width, 0.0, lda->axes, (int)classes);
    lapack_int info = LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)classes, lda->axes,
                                    (lapack_int)classes, lda->spread);
    if (info != 0)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "LAPACK finds no discriminants (%d)", (int)info);
    return KIN_OK;
}

/* Discriminants that are more than rounding error. */
static size_t count_axes(const struct lda *lda)
{
    const size_t classes = lda->set->classes;
    size_t count = 0, most = lda->set->dim - 1;
    while (count < most && count + 1 < classes &&
           lda->spread[classes - 1 - count] > share_min * lda->spread[classes - 1] &&
           lda->spread[classes - 1 - count] > 0)
        count++;
    return count;
}

/* Discriminant d in components before tempering: L'^-1 (apart' v) / sqrt(lambda). */
static void find_direction(const struct lda *lda, size_t d, double *direction)
{
    const size_t classes = lda->set->classes, width = lda->width;
    const double *v = lda->axes + (classes - 1 - d) * classes;
    cblas_dgemv(CblasColMajor, CblasNoTrans, (int)width, (int)classes,
                1 / sqrt(lda->spread[classes - 1 - d]), lda->apart, (int)width, v, 1, 0.0,
                direction, 1);
    cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, (int)width, lda->scatter,
                (int)width, direction, 1);
}

/* The rows' mean square length along the discriminants. */
static double mean_square(const struct lda *lda, const struct embed_head *head, size_t axes)
{
    double sum = 0;
    for (size_t r = 0; r < lda->set->count; r++)
        for (size_t d = 0; d < axes; d++) {
            float y = head->out_bias[d] + cblas_sdot((int)lda->width,
                                                     lda->set->components + r * lda->set->width, 1,
                                                     head->out + d * lda->width, 1);
            sum += (double)y * y / (double)lda->set->count;
        }
    return sum;
}

static kin_status make_head(const struct lda *lda, struct embed_head **out, kin_error *err)
{
    const size_t width = lda->width, axes = count_axes(lda), left = lda->set->dim - axes - 1;
    double *direction = kin_embed_allocate(width, 1, sizeof *direction);
    if (direction == NULL)
        return kin_embed_no_memory(err);
    kin_status status =
        axes == 0 ? kin_fail(err, KIN_E_ARG, NULL, "the classes' means are all alike")
                  : kin_embed_head_new(width, 0, axes + 1, left < width ? left : width, out, err);
    if (status == KIN_OK) {
        struct embed_head *head = *out;
        for (size_t d = 0; d < axes; d++) {
            find_direction(lda, d, direction);
            head->out_bias[d] = -(float)cblas_ddot((int)width, direction, 1, lda->mean, 1);
            for (size_t k = 0; k < width; k++)
                head->out[d * width + k] = (float)(direction[k] / lda->set->gain[k]);
        }
        head->out_bias[axes] = constant * (float)sqrt(mean_square(lda, head, axes));
        head->blend = LEARN_BLEND;
    }
    free(direction);
    return status;
}

/* Past two components for three rows the discriminants fit noise, shrinkage or not. */
static size_t width_for(const struct learn_set *set)
{
    size_t most = set->count * 2 / 3;
    return set->width < most ? set->width : most > 0 ? most : 1;
}

static kin_status fit(const struct learn_set *set, struct embed_head **head, kin_error *err)
{
    struct lda lda = {.set = set, .width = width_for(set)};
    kin_status status = allocate(&lda, err);
    if (status == KIN_OK) {
        find_means(&lda);
        status = find_scatter(&lda, err);
    }
    if (status == KIN_OK) {
        shrink(&lda);
        status = whiten_means(&lda, err);
    }
    if (status == KIN_OK)
        status = find_axes(&lda, err);
    if (status == KIN_OK)
        status = make_head(&lda, head, err);
    release(&lda);
    return status;
}

const struct learn_method kin_learn_lda = {.name = EMBED_KIND_LDA, .fit = fit};
