/*
 * Grey-level co-occurrence statistics (Haralick, Shanmugam and Dinstein, 1973) at four distances,
 * of the texture's grey levels.
 */
#include "features/glcm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/families.h"
#include "features/scale.h"
#include "features/view.h"

enum { LEVELS = KIN_GLCM_LEVELS, DISTANCES = 4, DIRECTIONS = 4 };

static const int distances[DISTANCES] = {1, 2, 4, 8};
static const int directions[DIRECTIONS][2] = {{1, 0}, {1, -1}, {0, -1}, {-1, -1}};

/* Largest values of the statistics with LEVELS levels: the family is stored in units of these. */
static const float LARGEST[KIN_HARALICK_COUNT] = {
    [KIN_HARALICK_ENERGY] = 1,
    [KIN_HARALICK_CONTRAST] = (LEVELS - 1) * (LEVELS - 1),
    [KIN_HARALICK_CORRELATION] = 1,
    [KIN_HARALICK_VARIANCE] = (LEVELS - 1) * (LEVELS - 1) / 4.0f,
    [KIN_HARALICK_HOMOGENEITY] = 1,
    [KIN_HARALICK_SUM_AVERAGE] = 2 * (LEVELS - 1),
    [KIN_HARALICK_SUM_VARIANCE] = (LEVELS - 1) * (LEVELS - 1),
    [KIN_HARALICK_SUM_ENTROPY] = 4.14f, /* ln(2 LEVELS - 1) */
    [KIN_HARALICK_ENTROPY] = 6.93f,     /* ln(LEVELS^2) */
    [KIN_HARALICK_DIFFERENCE_VARIANCE] = (LEVELS - 1) * (LEVELS - 1) / 4.0f,
    [KIN_HARALICK_DIFFERENCE_ENTROPY] = 3.47f, /* ln(LEVELS) */
    [KIN_HARALICK_INFORMATION_1] = 1,
    [KIN_HARALICK_INFORMATION_2] = 1,
};

void kin_glcm_count(const uint8_t *image, int width, int height, int dx, int dy, int levels,
                    kin_glcm *out)
{
    uint32_t counts[KIN_GLCM_LEVELS_MAX * KIN_GLCM_LEVELS_MAX] = {0};
    int top = dy < 0 ? -dy : 0, bottom = dy > 0 ? height - dy : height;
    int left = dx < 0 ? -dx : 0, right = dx > 0 ? width - dx : width;
    double pairs = 0;
    memset(out, 0, sizeof *out);
    out->levels = levels;
    for (int y = top; y < bottom; y++) {
        const uint8_t *row = image + (ptrdiff_t)y * width;
        const uint8_t *other = row + (ptrdiff_t)dy * width + dx;
        for (int x = left; x < right; x++)
            counts[row[x] * KIN_GLCM_LEVELS_MAX + other[x]]++;
    }
    if (bottom > top && right > left)
        pairs = (double)(bottom - top) * (right - left);
    if (!(pairs > 0))
        return;
    for (int i = 0; i < levels; i++) {
        for (int j = 0; j < levels; j++)
            out->p[i][j] = (float)((counts[i * KIN_GLCM_LEVELS_MAX + j] +
                                    counts[j * KIN_GLCM_LEVELS_MAX + i]) /
                                   (2 * pairs));
    }
}

/* p ln p, with its limit 0 at 0. */
static double plogp(double p)
{
    return p > 0 ? p * log(p) : 0;
}

/* The distributions that the statistics are made of. */
struct marginals {
    double row[KIN_GLCM_LEVELS_MAX];        /* of one level (the matrix is symmetric) */
    double sum[2 * KIN_GLCM_LEVELS_MAX];    /* of i + j */
    double difference[KIN_GLCM_LEVELS_MAX]; /* of |i - j| */
    double mean, variance;                  /* of row */
};

static void marginals_of(const kin_glcm *glcm, struct marginals *m)
{
    memset(m, 0, sizeof *m);
    for (int i = 0; i < glcm->levels; i++) {
        for (int j = 0; j < glcm->levels; j++) {
            double p = glcm->p[i][j];
            m->row[i] += p;
            m->sum[i + j] += p;
            m->difference[abs(i - j)] += p;
        }
        m->mean += i * m->row[i];
    }
    for (int i = 0; i < glcm->levels; i++)
        m->variance += (i - m->mean) * (i - m->mean) * m->row[i];
}

/* Mean, variance and entropy of a distribution over 0 … n - 1. */
static void summarise(const double *p, int n, double *mean, double *variance, double *entropy)
{
    *mean = *variance = *entropy = 0;
    for (int i = 0; i < n; i++) {
        *mean += i * p[i];
        *entropy -= plogp(p[i]);
    }
    for (int i = 0; i < n; i++)
        *variance += (i - *mean) * (i - *mean) * p[i];
}

void kin_haralick_of(const kin_glcm *glcm, float out[KIN_HARALICK_COUNT])
{
    struct marginals m;
    double energy = 0, contrast = 0, product = 0, homogeneity = 0, entropy = 0, cross = 0;
    double mean, variance, sum_entropy, difference_mean, difference_variance, difference_entropy;
    double row_mean, row_variance, row_entropy;
    marginals_of(glcm, &m);
    for (int i = 0; i < glcm->levels; i++) {
        for (int j = 0; j < glcm->levels; j++) {
            double p = glcm->p[i][j], d = i - j, independent = m.row[i] * m.row[j];
            if (!(p > 0))
                continue;
            energy += p * p;
            contrast += d * d * p;
            product += (i - m.mean) * (j - m.mean) * p;
            homogeneity += p / (1 + d * d);
            entropy -= plogp(p);
            cross -= p * log(independent);
        }
    }
    summarise(m.sum, 2 * glcm->levels - 1, &mean, &variance, &sum_entropy);
    summarise(m.difference, glcm->levels, &difference_mean, &difference_variance,
              &difference_entropy);
    summarise(m.row, glcm->levels, &row_mean, &row_variance, &row_entropy);
    out[KIN_HARALICK_ENERGY] = (float)energy;
    out[KIN_HARALICK_CONTRAST] = (float)contrast;
    out[KIN_HARALICK_CORRELATION] = m.variance > 1e-9 ? (float)(product / m.variance) : 1;
    out[KIN_HARALICK_VARIANCE] = (float)m.variance;
    out[KIN_HARALICK_HOMOGENEITY] = (float)homogeneity;
    out[KIN_HARALICK_SUM_AVERAGE] = (float)mean;
    out[KIN_HARALICK_SUM_VARIANCE] = (float)variance;
    out[KIN_HARALICK_SUM_ENTROPY] = (float)sum_entropy;
    out[KIN_HARALICK_ENTROPY] = (float)entropy;
    out[KIN_HARALICK_DIFFERENCE_VARIANCE] = (float)difference_variance;
    out[KIN_HARALICK_DIFFERENCE_ENTROPY] = (float)difference_entropy;
    /* f12 = (HXY - HXY1) / HX; f13 = sqrt(1 - exp(-2 (HXY2 - HXY))); in a matrix whose marginals
     * are its own, HXY1 = HXY2 = the cross entropy = 2 HX. */
    out[KIN_HARALICK_INFORMATION_1] =
        row_entropy > 1e-9 ? (float)((entropy - cross) / row_entropy) : 0;
    out[KIN_HARALICK_INFORMATION_2] =
        (float)sqrt(fmax(0, 1 - exp(-2 * (2 * row_entropy - entropy))));
}

void kin_glcm_describe(const uint8_t *image, int width, int height, int distance,
                       float means[KIN_HARALICK_COUNT], float *ranges)
{
    float low[KIN_HARALICK_COUNT], high[KIN_HARALICK_COUNT], sum[KIN_HARALICK_COUNT] = {0};
    for (int d = 0; d < DIRECTIONS; d++) {
        kin_glcm glcm;
        float f[KIN_HARALICK_COUNT];
        kin_glcm_count(image, width, height, directions[d][0] * distance,
                       directions[d][1] * distance, LEVELS, &glcm);
        kin_haralick_of(&glcm, f);
        for (int i = 0; i < KIN_HARALICK_COUNT; i++) {
            low[i] = d == 0 ? f[i] : fminf(low[i], f[i]);
            high[i] = d == 0 ? f[i] : fmaxf(high[i], f[i]);
            sum[i] += f[i];
        }
    }
    for (int i = 0; i < KIN_HARALICK_COUNT; i++) {
        means[i] = kin_signed_sqrt(sum[i] / DIRECTIONS / LARGEST[i]);
        if (ranges != NULL)
            ranges[i] = kin_signed_sqrt((high[i] - low[i]) / LARGEST[i]);
    }
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    const kin_raster *texture = &view->texture;
    size_t n = (size_t)texture->width * (size_t)texture->height;
    uint8_t *image = calloc(n, 1);
    if (image == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for co-occurrences");
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)fminf(texture->px[i] * LEVELS, LEVELS - 1);
    for (int d = 0; d < DISTANCES; d++, out += 2 * KIN_HARALICK_COUNT)
        kin_glcm_describe(image, texture->width, texture->height, distances[d], out,
                          out + KIN_HARALICK_COUNT);
    free(image);
    return KIN_OK;
}

const kin_family kin_family_glcm = {
    .name = "glcm",
    .version = 1,
    .length = DISTANCES * 2 * KIN_HARALICK_COUNT,
    .weight = 1.0f,
    .describe = describe,
};
