/*
 * glcm.c - the grey level co-occurrence matrix (LFYI): how often levels i and j are neighbours.
 * Haralick, Shanmugam, Dinstein: "Textural features for image classification" (1973).  Symmetric,
 * distance 1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "radiomics/aggregate.h"

enum {
    JOINT_MAXIMUM,
    JOINT_AVERAGE,
    JOINT_VARIANCE,
    JOINT_ENTROPY,
    DIFFERENCE_AVERAGE,
    DIFFERENCE_VARIANCE,
    DIFFERENCE_ENTROPY,
    SUM_AVERAGE,
    SUM_VARIANCE,
    SUM_ENTROPY,
    ANGULAR_SECOND_MOMENT,
    CONTRAST,
    DISSIMILARITY,
    INVERSE_DIFFERENCE,
    INVERSE_DIFFERENCE_NORMALISED,
    INVERSE_DIFFERENCE_MOMENT,
    INVERSE_DIFFERENCE_MOMENT_NORMALISED,
    INVERSE_VARIANCE,
    CORRELATION,
    AUTOCORRELATION,
    CLUSTER_TENDENCY,
    CLUSTER_SHADE,
    CLUSTER_PROMINENCE,
    INFORMATION_CORRELATION_1,
    INFORMATION_CORRELATION_2,
    FEATURE_COUNT
};

static const kin_feature features[FEATURE_COUNT] = {
    [JOINT_MAXIMUM] = {"joint_maximum", "GYBY"},
    [JOINT_AVERAGE] = {"joint_average", "60VM"},
    [JOINT_VARIANCE] = {"joint_variance", "UR99"},
    [JOINT_ENTROPY] = {"joint_entropy", "TU9B"},
    [DIFFERENCE_AVERAGE] = {"difference_average", "TF7R"},
    [DIFFERENCE_VARIANCE] = {"difference_variance", "D3YU"},
    [DIFFERENCE_ENTROPY] = {"difference_entropy", "NTRS"},
    [SUM_AVERAGE] = {"sum_average", "ZGXS"},
    [SUM_VARIANCE] = {"sum_variance", "OEEB"},
    [SUM_ENTROPY] = {"sum_entropy", "P6QZ"},
    [ANGULAR_SECOND_MOMENT] = {"angular_second_moment", "8ZQL"},
    [CONTRAST] = {"contrast", "ACUI"},
    [DISSIMILARITY] = {"dissimilarity", "8S9J"},
    [INVERSE_DIFFERENCE] = {"inverse_difference", "IB1Z"},
    [INVERSE_DIFFERENCE_NORMALISED] = {"inverse_difference_normalised", "NDRX"},
    [INVERSE_DIFFERENCE_MOMENT] = {"inverse_difference_moment", "WF0Z"},
    [INVERSE_DIFFERENCE_MOMENT_NORMALISED] = {"inverse_difference_moment_normalised", "1QCO"},
    [INVERSE_VARIANCE] = {"inverse_variance", "E8JP"},
    [CORRELATION] = {"correlation", "NI2N"},
    [AUTOCORRELATION] = {"autocorrelation", "QWB0"},
    [CLUSTER_TENDENCY] = {"cluster_tendency", "DG8W"},
    [CLUSTER_SHADE] = {"cluster_shade", "7NFM"},
    [CLUSTER_PROMINENCE] = {"cluster_prominence", "AE86"},
    [INFORMATION_CORRELATION_1] = {"information_correlation_1", "R8DG"},
    [INFORMATION_CORRELATION_2] = {"information_correlation_2", "JN9H"}};

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    kin_status status = KIN_OK;
    for (int k = part->from_k; k < part->to_k; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++) {
                int level = roi->level[kin_roi_at(roi, i, j, k)];
                if (level == 0)
                    continue;
                int other =
                    kin_roi_level(roi, i + part->step[0], j + part->step[1], k + part->step[2]);
                if (other == 0)
                    continue;
                /* Both ways: the upper half of the symmetric matrix, its diagonal twice. */
                status = kin_counts_add(counts, (uint32_t)(level < other ? level : other),
                                        (uint32_t)(level < other ? other : level), 1.0, err);
                if (status != KIN_OK)
                    return status;
            }
    return status;
}

static double entropy(const double *p, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        if (p[i] > 0.0)
            sum -= p[i] * log2(p[i]);
    return sum;
}

/* The marginal probabilities of rows (and columns: it is symmetric), differences and sums. */
typedef struct kin_marginals {
    double row[KIN_RADIOMICS_LEVELS_MAX + 1];
    double difference[KIN_RADIOMICS_LEVELS_MAX + 1];
    double sum[2 * KIN_RADIOMICS_LEVELS_MAX + 1];
} kin_marginals;

/* Adds what one cell (i <= j), whose probability stands for (j, i) too, gives to sums over all. */
static void add_cell(double i, double j, double p, int levels, double *values)
{
    double difference = j - i, n = levels;
    values[ANGULAR_SECOND_MOMENT] += i == j ? p * p : p * p / 2.0;
    values[CONTRAST] += difference * difference * p;
    values[DISSIMILARITY] += difference * p;
    values[INVERSE_DIFFERENCE] += p / (1.0 + difference);
    values[INVERSE_DIFFERENCE_NORMALISED] += p / (1.0 + difference / n);
    values[INVERSE_DIFFERENCE_MOMENT] += p / (1.0 + difference * difference);
    values[INVERSE_DIFFERENCE_MOMENT_NORMALISED] += p / (1.0 + difference * difference / (n * n));
    values[INVERSE_VARIANCE] += i == j ? 0.0 : p / (difference * difference);
    values[AUTOCORRELATION] += i * j * p;
    double cell = i == j ? p : p / 2.0;
    values[JOINT_MAXIMUM] = fmax(values[JOINT_MAXIMUM], cell);
    values[JOINT_ENTROPY] -= p * log2(cell);
}

/* What needs the mean: variance, correlation, clusters. */
static void add_moments(const kin_counts *counts, double total, double *values)
{
    double mean = values[JOINT_AVERAGE], covariance = 0.0;
    for (size_t c = 0; c < counts->count; c++) {
        const kin_count *cell = &counts->items[c];
        double i = cell->row, j = cell->column, p = cell->n / total;
        double sum = i + j - 2.0 * mean;
        covariance += (i - mean) * (j - mean) * p;
        values[JOINT_VARIANCE] += 0.5 * ((i - mean) * (i - mean) + (j - mean) * (j - mean)) * p;
        values[CLUSTER_TENDENCY] += sum * sum * p;
        values[CLUSTER_SHADE] += sum * sum * sum * p;
        values[CLUSTER_PROMINENCE] += sum * sum * sum * sum * p;
    }
    values[CORRELATION] = values[JOINT_VARIANCE] > 0.0 ? covariance / values[JOINT_VARIANCE] : 1.0;
}

static void measure_distribution(const double *p, size_t count, double *mean, double *variance,
                                 double *entropy_out)
{
    *mean = *variance = 0.0;
    for (size_t i = 0; i < count; i++)
        *mean += (double)i * p[i];
    for (size_t i = 0; i < count; i++)
        *variance += ((double)i - *mean) * ((double)i - *mean) * p[i];
    *entropy_out = entropy(p, count);
}

/* Both by the entropies of the joint distribution, of the marginal one, and of what would be there
 * were rows and columns independent (HXY1 and HXY2 of the manual). */
static void add_information(const kin_counts *counts, double total, const double *row, int levels,
                            double *values)
{
    double hx = entropy(row, (size_t)levels + 1), hxy = values[JOINT_ENTROPY], hxy1 = 0.0;
    for (size_t c = 0; c < counts->count; c++) {
        const kin_count *cell = &counts->items[c];
        hxy1 -= cell->n / total * log2(row[cell->row] * row[cell->column]);
    }
    double hxy2 = 2.0 * hx; /* the sum over all i, j of p(i) p(j) log p(i) p(j) */
    values[INFORMATION_CORRELATION_1] = hx > 0.0 ? (hxy - hxy1) / hx : 0.0;
    values[INFORMATION_CORRELATION_2] = hxy2 > hxy ? sqrt(1.0 - exp(-2.0 * (hxy2 - hxy))) : 0.0;
}

static void measure_with(const kin_counts *counts, int levels, kin_marginals *marginals,
                         double *values)
{
    double total = 0.0;
    memset(marginals, 0, sizeof *marginals);
    for (size_t c = 0; c < counts->count; c++)
        total += counts->items[c].n;
    for (size_t c = 0; c < counts->count; c++) {
        const kin_count *cell = &counts->items[c];
        double p = cell->n / total;
        add_cell(cell->row, cell->column, p, levels, values);
        marginals->row[cell->row] += p / 2.0;
        marginals->row[cell->column] += p / 2.0;
        marginals->difference[cell->column - cell->row] += p;
        marginals->sum[cell->column + cell->row] += p;
    }
    for (int i = 1; i <= levels; i++)
        values[JOINT_AVERAGE] += i * marginals->row[i];
    add_moments(counts, total, values);
    measure_distribution(marginals->difference, (size_t)levels + 1, &values[DIFFERENCE_AVERAGE],
                         &values[DIFFERENCE_VARIANCE], &values[DIFFERENCE_ENTROPY]);
    measure_distribution(marginals->sum, 2 * (size_t)levels + 1, &values[SUM_AVERAGE],
                         &values[SUM_VARIANCE], &values[SUM_ENTROPY]);
    add_information(counts, total, marginals->row, levels, values);
}

static void measure(const kin_counts *counts, int levels, double voxels, double *values)
{
    kin_marginals marginals; /* 128 KiB */
    (void)voxels;
    measure_with(counts, levels, &marginals, values);
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    static const kin_texture texture = {.fill = fill, .measure = measure, .directions = true};
    return kin_texture_report(roi, &texture, report, err);
}

const kin_radiomics_family kin_radiomics_glcm_family = {"glcm", features, FEATURE_COUNT, compute};
