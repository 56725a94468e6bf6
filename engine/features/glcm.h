/* glcm.h - grey-level co-occurrence: counting and Haralick's statistics (private). */
#ifndef KIN_FEATURES_GLCM_H
#define KIN_FEATURES_GLCM_H

#include <stdint.h>

enum { KIN_GLCM_LEVELS_MAX = 32 };

/* A co-occurrence matrix: p[i][j], the share of pairs of neighbours with levels i and j. */
typedef struct kin_glcm {
    int levels; /* at most KIN_GLCM_LEVELS_MAX */
    float p[KIN_GLCM_LEVELS_MAX][KIN_GLCM_LEVELS_MAX];
} kin_glcm;

/* Counts the pairs at offset (dx, dy) of an image of levels, both ways round, and divides by their
 * number; all zero where the image has no such pair. */
void kin_glcm_count(const uint8_t *levels_image, int width, int height, int dx, int dy, int levels,
                    kin_glcm *out);

/* Haralick, Shanmugam and Dinstein (IEEE Trans SMC 3, 1973), by their numbers f1 to f13.  Natural
 * logarithms; correlation of a constant image is 1 (f13 0). */
enum kin_haralick {
    KIN_HARALICK_ENERGY,              /* f1, angular second moment */
    KIN_HARALICK_CONTRAST,            /* f2 */
    KIN_HARALICK_CORRELATION,         /* f3 */
    KIN_HARALICK_VARIANCE,            /* f4, sum of squares */
    KIN_HARALICK_HOMOGENEITY,         /* f5, inverse difference moment */
    KIN_HARALICK_SUM_AVERAGE,         /* f6 */
    KIN_HARALICK_SUM_VARIANCE,        /* f7, about f6 */
    KIN_HARALICK_SUM_ENTROPY,         /* f8 */
    KIN_HARALICK_ENTROPY,             /* f9 */
    KIN_HARALICK_DIFFERENCE_VARIANCE, /* f10 */
    KIN_HARALICK_DIFFERENCE_ENTROPY,  /* f11 */
    KIN_HARALICK_INFORMATION_1,       /* f12 */
    KIN_HARALICK_INFORMATION_2,       /* f13 */
    KIN_HARALICK_COUNT
};
void kin_haralick_of(const kin_glcm *glcm, float out[KIN_HARALICK_COUNT]);

/*
 * What families store of an image of KIN_GLCM_LEVELS levels at one distance: of each statistic its
 * mean over the four directions and, as the paper advises, the range between them (ranges may be
 * NULL), so that turning the image changes little; in units of the statistic's largest value,
 * square-rooted.
 */
enum { KIN_GLCM_LEVELS = 32 };
void kin_glcm_describe(const uint8_t *image, int width, int height, int distance,
                       float means[KIN_HARALICK_COUNT], float *ranges);

#endif
