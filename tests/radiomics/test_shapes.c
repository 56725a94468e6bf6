/* Shapes whose measures are known: spheres, boxes, ellipsoids, and the smallest ones there are. */
#include <math.h>

#include "radiomics/axes.h"
#include "radiomics/hull.h"
#include "radiomics/mesh.h"
#include "regions.h"

/* A mask of the voxels within an ellipsoid (semi-axes in mm) or, where `box`, in a box. */
static kin_volume solid(int n, const double spacing[3], const double semi[3], bool box)
{
    kin_volume volume = volume_of(n, n, n);
    for (int a = 0; a < 3; a++)
        volume.spacing[a] = spacing[a];
    for (int k = 0; k < n; k++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < n; i++) {
                const double at[3] = {(i - n / 2) * spacing[0], (j - n / 2) * spacing[1],
                                      (k - n / 2) * spacing[2]};
                double sum = 0.0, most = 0.0;
                for (int a = 0; a < 3; a++) {
                    sum += at[a] * at[a] / (semi[a] * semi[a]);
                    most = fmax(most, fabs(at[a]) / semi[a]);
                }
                volume.voxels[kin_volume_at(&volume, i, j, k)] = (box ? most : sum) <= 1.0;
            }
    return volume;
}

static kin_radiomics shape_of(kin_volume *mask)
{
    const kin_radiomics_settings settings = {0};
    kin_radiomics radiomics = measured(mask, mask, 1, &settings); /* any image: itself */
    kin_volume_release(mask);
    return radiomics;
}

static double morphology(const kin_radiomics *radiomics, const char *name)
{
    return figure_of(radiomics, "morphology", "", name);
}

static void expect_near(double value, double expected, double share)
{
    if (!(fabs(value - expected) <= share * fabs(expected)))
        fail_msg("%.9g instead of %.9g", value, expected);
}

/* The variance of a solid ellipsoid along an axis is a fifth of the semi-axis' square, so the axis
 * length of the manual, four deviations, falls short of the axis. */
static const double axis_share = 2.0 / 2.2360679774997897;

static void test_sphere(void **state)
{
    (void)state;
    const double radius = 12.0;
    kin_volume mask =
        solid(29, (const double[3]){1, 1, 1}, (const double[3]){radius, radius, radius}, false);
    kin_radiomics sphere = shape_of(&mask);
    /* Voxels whose centres lie within stand for the sphere up to their own size. */
    double volume = 4.0 / 3.0 * M_PI * pow(radius, 3);
    expect_near(morphology(&sphere, "volume_voxels"), volume, 0.02);
    expect_near(morphology(&sphere, "volume_mesh"), morphology(&sphere, "volume_voxels"), 0.005);
    expect_near(morphology(&sphere, "maximum_3d_diameter"), 2.0 * radius + 1.0, 1e-9);
    expect_near(morphology(&sphere, "major_axis_length"), 2.0 * radius * axis_share, 0.01);
    expect_near(morphology(&sphere, "elongation"), 1.0, 1e-9);
    expect_near(morphology(&sphere, "flatness"), 1.0, 1e-9);
    expect_near(morphology(&sphere, "volume_density_aee"), 1.0 / pow(axis_share, 3), 0.02);
    /* The hull lies between the mesh and a sphere half a voxel larger. */
    double hull =
        morphology(&sphere, "volume_mesh") / morphology(&sphere, "volume_density_convex_hull");
    assert_true(hull > morphology(&sphere, "volume_mesh"));
    assert_true(hull < volume * pow((radius + 0.5) / radius, 3));
    /* A stepped surface is larger than what it steps along; its hull's is not. */
    double area = 4.0 * M_PI * radius * radius;
    double hull_area =
        morphology(&sphere, "surface_area") / morphology(&sphere, "area_density_convex_hull");
    assert_true(hull_area > area && hull_area < 4.0 * M_PI * pow(radius + 0.5, 2));
    assert_true(morphology(&sphere, "surface_area") > area);
    assert_true(morphology(&sphere, "surface_area") < 1.1 * area);
    kin_radiomics_release(&sphere);
}

/* Boxes of voxels lose only their edges and corners to the mesh; the hull is the mesh. */
static void test_box(void **state)
{
    (void)state;
    const double mm[3] = {0.5, 2.0, 3.0};
    kin_volume mask = solid(15, mm, (const double[3]){1.6, 8.1, 12.1}, true); /* 7 x 9 x 9 */
    kin_radiomics box = shape_of(&mask);
    double x = 7 * mm[0], y = 9 * mm[1], z = 9 * mm[2];
    assert_int_equal(box.voxels, 7 * 9 * 9);
    expect_near(morphology(&box, "volume_voxels"), x * y * z, 1e-9);
    /* Along an edge the cut takes half of a quarter voxel; six edges' length less at each corner,
     * where the cut is a pyramid's: by the voxels' own measure. */
    double edges = 4.0 * ((7 - 1) + (9 - 1) + (9 - 1)) / 8.0,
           corners = 8.0 * (1.0 / 8.0 - 1.0 / 48);
    expect_near(morphology(&box, "volume_mesh"), (7 * 9 * 9 - edges - corners) * 0.5 * 2.0 * 3.0,
                1e-9);
    expect_near(morphology(&box, "volume_density_convex_hull"), 1.0, 1e-9);
    expect_near(morphology(&box, "area_density_convex_hull"), 1.0, 1e-9);
    expect_near(morphology(&box, "volume_density_aabb"),
                morphology(&box, "volume_mesh") / (x * y * z), 1e-9);
    double longest = sqrt(pow(x, 2) + pow(8 * mm[1], 2) + pow(8 * mm[2], 2));
    assert_true(morphology(&box, "maximum_3d_diameter") >= longest * (1.0 - 1e-9));
    kin_radiomics_release(&box);
}

/* Turned by the spacing: the same ellipsoid on other grids. */
static void test_spacing(void **state)
{
    (void)state;
    const double semi[3] = {12.0, 9.0, 6.0};
    kin_volume even = solid(49, (const double[3]){0.6, 0.6, 0.6}, semi, false);
    kin_volume uneven = solid(49, (const double[3]){0.6, 0.5, 1.0}, semi, false);
    kin_radiomics a = shape_of(&even), b = shape_of(&uneven);
    static const char *const names[] = {
        "volume_mesh",       "volume_voxels", "major_axis_length", "minor_axis_length",
        "least_axis_length", "elongation",    "flatness",          "volume_density_aee"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        expect_near(morphology(&b, names[n]), morphology(&a, names[n]), 0.02);
    expect_near(morphology(&a, "major_axis_length"), 24.0 * axis_share, 0.01);
    expect_near(morphology(&a, "minor_axis_length"), 18.0 * axis_share, 0.01);
    expect_near(morphology(&a, "least_axis_length"), 12.0 * axis_share, 0.01);
    kin_radiomics_release(&a);
    kin_radiomics_release(&b);
}

static void test_smallest(void **state)
{
    (void)state;
    kin_volume mask = volume_of(3, 3, 3);
    mask.voxels[kin_volume_at(&mask, 1, 1, 1)] = 1.0f;
    kin_radiomics one = shape_of(&mask); /* an octahedron about the centre */
    expect_near(morphology(&one, "volume_mesh"), 1.0 / 6.0, 1e-9);
    expect_near(morphology(&one, "surface_area"), sqrt(3.0), 1e-9);
    expect_near(morphology(&one, "maximum_3d_diameter"), 1.0, 1e-9);
    expect_near(morphology(&one, "volume_density_convex_hull"), 1.0, 1e-9);
    assert_true(isnan(morphology(&one, "elongation")));
    assert_true(isnan(figure_of(&one, "glcm", "3D averaged", "contrast"))); /* no pairs */
    assert_true(figure_of(&one, "glszm", "3D", "zone_percentage") == 1.0);
    kin_radiomics_release(&one);

    kin_volume flat = volume_of(4, 4, 1); /* no voxel beyond the image's end */
    for (int v = 0; v < 16; v++)
        flat.voxels[v] = 1.0f;
    kin_radiomics slice = shape_of(&flat);
    assert_true(morphology(&slice, "least_axis_length") == 0.0);
    assert_true(figure_of(&slice, "shape_2d", "largest slice", "pixel_surface") == 16.0);
    expect_near(figure_of(&slice, "shape_2d", "largest slice", "mesh_surface"), 15.5, 1e-9);
    expect_near(figure_of(&slice, "shape_2d", "largest slice", "perimeter"), 12.0 + 4.0 * sqrt(0.5),
                1e-9);
    kin_radiomics_release(&slice);
}

/* The mesh of some of 3 x 2 x 2 voxels, and whether its hull encloses it. */
static double mesh_volume(unsigned shape, const int at[3])
{
    const kin_radiomics_settings settings = {0};
    kin_volume mask = volume_of(6, 4, 5);
    kin_roi roi;
    kin_mesh_measures mesh;
    kin_vertex *vertices;
    size_t count;
    kin_hull hull;
    for (int bit = 0; bit < 12; bit++)
        if (shape >> bit & 1)
            mask.voxels[kin_volume_at(&mask, at[0] + bit % 3, at[1] + bit / 3 % 2,
                                      at[2] + bit / 6)] = 1.0f;
    assert_int_equal(kin_roi_make(&mask, &mask, 1, &settings, &roi, NULL), KIN_OK);
    kin_mesh_measure(&roi, &mesh);
    assert_int_equal(kin_mesh_outer_vertices(&roi, &vertices, &count, NULL), KIN_OK);
    assert_int_equal(kin_hull_of(vertices, count, roi.spacing, &hull, NULL), KIN_OK);
    assert_true(mesh.volume <= hull.volume * (1.0 + 1e-6));
    free(vertices);
    kin_roi_release(&roi);
    kin_volume_release(&mask);
    return mesh.volume;
}

/* However voxels lie to each other the surface is closed: its volume does not depend on where the
 * region lies. */
static void test_closed(void **state)
{
    (void)state;
    for (unsigned shape = 1; shape < 4096; shape += 5)
        expect_near(mesh_volume(shape, (const int[3]){3, 1, 2}),
                    mesh_volume(shape, (const int[3]){0, 0, 0}), 1e-9);
}

static void test_ellipsoid_area(void **state)
{
    (void)state;
    expect_near(kin_ellipsoid_area(2.0, 2.0, 2.0), 16.0 * M_PI, 1e-12);
    /* The manual's series, summed with explicit polynomials elsewhere; not the true area, 297.51. */
    expect_near(kin_ellipsoid_area(5.701, 4.654, 4.268), 286.36738650427714, 1e-9);
}

static void test_eigenvalues(void **state)
{
    (void)state;
    const double matrix[3][3] = {{2, 1, 0}, {1, 2, 0}, {0, 0, 5}};
    double values[3];
    kin_symmetric_eigenvalues(matrix, values);
    expect_near(values[0], 5.0, 1e-12);
    expect_near(values[1], 3.0, 1e-12);
    expect_near(values[2], 1.0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sphere),         cmocka_unit_test(test_box),
        cmocka_unit_test(test_spacing),        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_ellipsoid_area), cmocka_unit_test(test_eigenvalues),
        cmocka_unit_test(test_closed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
