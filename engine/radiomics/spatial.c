#include "radiomics/spatial.h"

#include <math.h>
#include <stdlib.h>

enum { LANES = 8 }; /* sums kept side by side, for the compiler to vectorise */

/* The voxels inside: where they are (mm) and how far from the mean. */
typedef struct kin_cloud {
    double *x, *y, *z, *value;
    size_t count;
} kin_cloud;

typedef struct kin_pairs {
    double weight[LANES], product[LANES], square[LANES];
} kin_pairs;

static void add_pair(const kin_cloud *cloud, size_t a, size_t b, int lane, kin_pairs *pairs)
{
    double dx = cloud->x[b] - cloud->x[a], dy = cloud->y[b] - cloud->y[a];
    double dz = cloud->z[b] - cloud->z[a];
    double w = 1.0 / sqrt(dx * dx + dy * dy + dz * dz);
    double difference = cloud->value[b] - cloud->value[a];
    pairs->weight[lane] += w;
    pairs->product[lane] += w * cloud->value[a] * cloud->value[b];
    pairs->square[lane] += w * difference * difference;
}

/* Every pair once. */
static void add_pairs_of(const kin_cloud *cloud, size_t a, kin_pairs *pairs)
{
    size_t b = a + 1;
    for (; b + LANES <= cloud->count; b += LANES)
        for (int lane = 0; lane < LANES; lane++)
            add_pair(cloud, a, b + (size_t)lane, lane, pairs);
    for (; b < cloud->count; b++)
        add_pair(cloud, a, b, 0, pairs);
}

static kin_status make_cloud(const kin_roi *roi, double mean, kin_cloud *out, kin_error *err)
{
    double *all = malloc(4 * roi->voxels * sizeof *all);
    if (all == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu voxels", roi->voxels);
    *out = (kin_cloud){.x = all,
                       .y = all + roi->voxels,
                       .z = all + 2 * roi->voxels,
                       .value = all + 3 * roi->voxels};
    for (int k = 0; k < roi->size[2]; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++) {
                size_t v = kin_roi_at(roi, i, j, k);
                if (!roi->inside[v])
                    continue;
                out->x[out->count] = i * roi->spacing[0];
                out->y[out->count] = j * roi->spacing[1];
                out->z[out->count] = k * roi->spacing[2];
                out->value[out->count++] = roi->value[v] - mean;
            }
    return KIN_OK;
}

kin_status kin_spatial_measure(const kin_roi *roi, double mean, double *moran, double *geary,
                               kin_error *err)
{
    kin_cloud cloud = {0};
    kin_pairs pairs = {0};
    double weight = 0.0, product = 0.0, square = 0.0, variance = 0.0, n = (double)roi->voxels;
    *moran = *geary = NAN;
    if (roi->voxels > KIN_RADIOMICS_SPATIAL_MAX || roi->voxels < 2)
        return KIN_OK;
    kin_status status = make_cloud(roi, mean, &cloud, err);
    if (status != KIN_OK)
        return status;
    for (size_t a = 0; a < cloud.count; a++)
        variance += cloud.value[a] * cloud.value[a];
    for (size_t a = 0; variance > 0.0 && a < cloud.count; a++)
        add_pairs_of(&cloud, a, &pairs);
    for (int lane = 0; lane < LANES; lane++) {
        weight += pairs.weight[lane];
        product += pairs.product[lane];
        square += pairs.square[lane];
    }
    if (variance > 0.0) { /* each pair counts twice, above and below: the twos cancel */
        *moran = n / weight * product / variance;
        *geary = (n - 1.0) / (2.0 * weight) * square / variance;
    }
    free(cloud.x);
    return KIN_OK;
}
