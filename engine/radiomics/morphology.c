/* morphology.c - morphological features (HCUG): the region's shape in space. */
#include <math.h>
#include <stdlib.h>

#include "radiomics/axes.h"
#include "radiomics/family.h"
#include "radiomics/hull.h"
#include "radiomics/mesh.h"
#include "radiomics/spatial.h"

enum {
    VOLUME_MESH,
    VOLUME_VOXELS,
    SURFACE_AREA,
    SURFACE_TO_VOLUME,
    COMPACTNESS_1,
    COMPACTNESS_2,
    SPHERICAL_DISPROPORTION,
    SPHERICITY,
    ASPHERICITY,
    CENTRE_OF_MASS_SHIFT,
    MAXIMUM_DIAMETER,
    MAJOR_AXIS,
    MINOR_AXIS,
    LEAST_AXIS,
    ELONGATION,
    FLATNESS,
    VOLUME_DENSITY_BOX,
    AREA_DENSITY_BOX,
    VOLUME_DENSITY_ELLIPSOID,
    AREA_DENSITY_ELLIPSOID,
    VOLUME_DENSITY_HULL,
    AREA_DENSITY_HULL,
    INTEGRATED_INTENSITY,
    MORAN_I,
    GEARY_C,
    FEATURE_COUNT
};

static const kin_feature features[FEATURE_COUNT] = {
    [VOLUME_MESH] = {"volume_mesh", "RNU0"},
    [VOLUME_VOXELS] = {"volume_voxels", "YEKZ"},
    [SURFACE_AREA] = {"surface_area", "C0JK"},
    [SURFACE_TO_VOLUME] = {"surface_to_volume_ratio", "2PR5"},
    [COMPACTNESS_1] = {"compactness_1", "SKGS"},
    [COMPACTNESS_2] = {"compactness_2", "BQWJ"},
    [SPHERICAL_DISPROPORTION] = {"spherical_disproportion", "KRCK"},
    [SPHERICITY] = {"sphericity", "QCFX"},
    [ASPHERICITY] = {"asphericity", "25C7"},
    [CENTRE_OF_MASS_SHIFT] = {"centre_of_mass_shift", "KLMA"},
    [MAXIMUM_DIAMETER] = {"maximum_3d_diameter", "L0JK"},
    [MAJOR_AXIS] = {"major_axis_length", "TDIC"},
    [MINOR_AXIS] = {"minor_axis_length", "P9VJ"},
    [LEAST_AXIS] = {"least_axis_length", "7J51"},
    [ELONGATION] = {"elongation", "Q3CK"},
    [FLATNESS] = {"flatness", "N17B"},
    [VOLUME_DENSITY_BOX] = {"volume_density_aabb", "PBX1"},
    [AREA_DENSITY_BOX] = {"area_density_aabb", "R59B"},
    [VOLUME_DENSITY_ELLIPSOID] = {"volume_density_aee", "6BDE"},
    [AREA_DENSITY_ELLIPSOID] = {"area_density_aee", "RDD2"},
    [VOLUME_DENSITY_HULL] = {"volume_density_convex_hull", "R3ER"},
    [AREA_DENSITY_HULL] = {"area_density_convex_hull", "7T7F"},
    [INTEGRATED_INTENSITY] = {"integrated_intensity", "99N0"},
    [MORAN_I] = {"moran_i", "N365"},
    [GEARY_C] = {"geary_c", "NPT7"}};

/* Sums over the voxels of the two masks. */
typedef struct kin_masses {
    double centre[3];          /* of the morphological mask, mm */
    double weighted_centre[3]; /* of the intensities, mm */
    double covariance[3][3];   /* of the morphological mask's voxel centres as a sample, mm^2 */
    double mean;               /* intensity */
} kin_masses;

/* Where the voxel's centre is, mm. */
static void place_of(const kin_roi *roi, size_t v, double out[3])
{
    size_t nx = (size_t)roi->size[0], ny = (size_t)roi->size[1];
    const size_t at[3] = {v % nx, v / nx % ny, v / nx / ny};
    for (int a = 0; a < 3; a++)
        out[a] = (double)at[a] * roi->spacing[a];
}

static void sum_centres(const kin_roi *roi, kin_masses *m)
{
    double intensity = 0.0, at[3];
    for (size_t v = 0; v < roi->count; v++) {
        if (!roi->shape[v])
            continue;
        place_of(roi, v, at);
        for (int a = 0; a < 3; a++)
            m->centre[a] += at[a] / (double)roi->shape_voxels;
        for (int a = 0; a < 3 && roi->inside[v]; a++)
            m->weighted_centre[a] += at[a] * roi->value[v];
        intensity += roi->inside[v] ? roi->value[v] : 0.0;
    }
    m->mean = intensity / (double)roi->voxels;
    for (int a = 0; a < 3; a++) /* no intensity, no centre: NaN */
        m->weighted_centre[a] = intensity != 0.0 ? m->weighted_centre[a] / intensity : NAN;
}

static void sum_covariance(const kin_roi *roi, kin_masses *m)
{
    /* By n - 1, which the manual leaves open: the digital phantom's values ask for it. */
    double samples = roi->shape_voxels > 1 ? (double)(roi->shape_voxels - 1) : 1.0, at[3];
    for (size_t v = 0; v < roi->count; v++) {
        if (!roi->shape[v])
            continue;
        place_of(roi, v, at);
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                m->covariance[a][b] += (at[a] - m->centre[a]) * (at[b] - m->centre[b]) / samples;
    }
}

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

static void measure_surface(const kin_roi *roi, const kin_mesh_measures *mesh, double *values)
{
    double v = mesh->volume, a = mesh->area;
    double sphere = cbrt(36.0 * M_PI * v * v); /* area of the sphere of the same volume */
    const double *e = mesh->extent;
    values[VOLUME_MESH] = v;
    values[VOLUME_VOXELS] =
        (double)roi->shape_voxels * roi->spacing[0] * roi->spacing[1] * roi->spacing[2];
    values[SURFACE_AREA] = a;
    values[SURFACE_TO_VOLUME] = ratio(a, v);
    values[COMPACTNESS_1] = v / (sqrt(M_PI) * pow(a, 1.5));
    values[COMPACTNESS_2] = 36.0 * M_PI * v * v / (a * a * a);
    values[SPHERICAL_DISPROPORTION] = ratio(a, sphere);
    values[SPHERICITY] = sphere / a;
    values[ASPHERICITY] = ratio(a, sphere) - 1.0;
    values[VOLUME_DENSITY_BOX] = v / (e[0] * e[1] * e[2]);
    values[AREA_DENSITY_BOX] = a / (2.0 * (e[0] * e[1] + e[1] * e[2] + e[2] * e[0]));
}

static void measure_axes(const kin_masses *m, const kin_mesh_measures *mesh, double *values)
{
    double eigenvalue[3], semi[3];
    kin_symmetric_eigenvalues(m->covariance, eigenvalue);
    for (int a = 0; a < 3; a++)
        semi[a] = 2.0 * sqrt(eigenvalue[a]);
    values[MAJOR_AXIS] = 2.0 * semi[0];
    values[MINOR_AXIS] = 2.0 * semi[1];
    values[LEAST_AXIS] = 2.0 * semi[2];
    values[ELONGATION] = ratio(semi[1], semi[0]);
    values[FLATNESS] = ratio(semi[2], semi[0]);
    values[VOLUME_DENSITY_ELLIPSOID] =
        ratio(3.0 * mesh->volume, 4.0 * M_PI * semi[0] * semi[1] * semi[2]);
    values[AREA_DENSITY_ELLIPSOID] =
        semi[2] > 0.0 ? mesh->area / kin_ellipsoid_area(semi[0], semi[1], semi[2]) : NAN;
}

static kin_status measure_hull(const kin_roi *roi, const kin_mesh_measures *mesh, double *values,
                               kin_error *err)
{
    kin_vertex *vertices = NULL;
    size_t count = 0;
    kin_hull hull = {0};
    kin_status status = kin_mesh_outer_vertices(roi, &vertices, &count, err);
    if (status == KIN_OK)
        status = kin_hull_of(vertices, count, roi->spacing, &hull, err);
    free(vertices);
    values[MAXIMUM_DIAMETER] = hull.diameter;
    values[VOLUME_DENSITY_HULL] = mesh->volume / hull.volume;
    values[AREA_DENSITY_HULL] = mesh->area / hull.area;
    return status;
}

static double distance(const double a[3], const double b[3])
{
    double sum = 0.0;
    for (int x = 0; x < 3; x++)
        sum += (a[x] - b[x]) * (a[x] - b[x]);
    return sqrt(sum);
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    double values[FEATURE_COUNT] = {0};
    kin_mesh_measures mesh;
    kin_masses masses = {0};
    kin_mesh_measure(roi, &mesh);
    sum_centres(roi, &masses);
    sum_covariance(roi, &masses);
    measure_surface(roi, &mesh, values);
    measure_axes(&masses, &mesh, values);
    values[CENTRE_OF_MASS_SHIFT] = distance(masses.centre, masses.weighted_centre);
    values[INTEGRATED_INTENSITY] = mesh.volume * masses.mean;
    kin_status status = measure_hull(roi, &mesh, values, err);
    if (status == KIN_OK)
        status = kin_spatial_measure(roi, masses.mean, &values[MORAN_I], &values[GEARY_C], err);
    return status == KIN_OK ? kin_report_add(report, KIN_AGGREGATION_NONE, values, err) : status;
}

const kin_radiomics_family kin_radiomics_morphology_family = {"morphology", features, FEATURE_COUNT,
                                                              compute};
