/* Drawing regions: grids and outlines in space, on planes of every direction. */
#include "dicom/region.h"

#include <math.h>
#include <string.h>

#include "random.h"
#include "shared_data.h"

enum { W = 40, H = 30 };

static double unit(uint64_t *random)
{
    return (double)random_unit(random);
}

static void cross(const double *a, const double *b, double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static void make_unit(double v[3])
{
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int i = 0; i < 3; i++)
        v[i] /= length;
}

/* A plane of any direction. */
static kin_plane random_plane(uint64_t *random)
{
    kin_plane plane = {.known = true};
    double third[3];
    for (int i = 0; i < 3; i++) {
        plane.origin[i] = 200 * unit(random) - 100;
        plane.along_row[i] = unit(random) - 0.5;
        third[i] = unit(random) - 0.5;
    }
    make_unit(plane.along_row);
    cross(plane.along_row, third, plane.along_column);
    make_unit(plane.along_column);
    plane.spacing_x_mm = 0.3 + unit(random);
    plane.spacing_y_mm = 0.3 + unit(random);
    plane.thickness_mm = 3;
    return plane;
}

/* The point at column x, row y (0 at the centre of the first pixel), that far off the plane: PS3.3
 * equation C.7.6.2.1-1. */
static void point_at(const kin_plane *plane, double x, double y, double off, double out[3])
{
    double normal[3];
    cross(plane->along_row, plane->along_column, normal);
    for (int i = 0; i < 3; i++)
        out[i] = plane->origin[i] + plane->along_row[i] * plane->spacing_x_mm * x +
                 plane->along_column[i] * plane->spacing_y_mm * y + normal[i] * off;
}

static kin_region mask_region(kin_shape *shape, int width, int height, const kin_plane *plane)
{
    *shape = (kin_shape){.kind = KIN_SHAPE_MASK};
    assert_int_equal(kin_mask_init(&shape->mask, width, height, NULL), KIN_OK);
    if (plane != NULL)
        shape->plane = *plane;
    return (kin_region){.shapes = shape, .shape_count = 1};
}

static void draw(const kin_region *region, const kin_plane *plane, kin_mask *out, bool *empty)
{
    kin_error err = {0};
    if (kin_region_draw(region, plane, W, H, out, empty, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(*empty, out->in == NULL);
}

static bool is_drawn(const kin_region *region, const kin_plane *plane)
{
    kin_mask mask;
    bool empty;
    draw(region, plane, &mask, &empty);
    kin_mask_release(&mask);
    return !empty;
}

/* A grid that is the picture's, but begins elsewhere and runs the other way: pixel for pixel. */
static void turned_grids_keep_their_pixels(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 50; round++) {
        kin_plane picture = random_plane(&random), grid = picture;
        kin_shape shape;
        bool swapped = round % 2 == 1;
        /* The grid's first pixel is the picture's (W - 1, H - 1); its axes run back, or back and
         * exchanged. */
        point_at(&picture, W - 1, H - 1, 0, grid.origin);
        for (int i = 0; i < 3; i++) {
            grid.along_row[i] = -(swapped ? picture.along_column[i] : picture.along_row[i]);
            grid.along_column[i] = -(swapped ? picture.along_row[i] : picture.along_column[i]);
        }
        if (swapped) {
            grid.spacing_x_mm = picture.spacing_y_mm;
            grid.spacing_y_mm = picture.spacing_x_mm;
        }
        kin_region region = mask_region(&shape, swapped ? H : W, swapped ? W : H, &grid);
        for (int i = 0; i < W * H; i++)
            shape.mask.in[i] = random_bits(&random) % 3 == 0;
        kin_mask drawn;
        bool empty;
        draw(&region, &picture, &drawn, &empty);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int u = swapped ? H - 1 - y : W - 1 - x, v = swapped ? W - 1 - x : H - 1 - y;
                assert_int_equal(drawn.in[y * W + x], shape.mask.in[v * shape.mask.width + u]);
            }
        kin_mask_release(&drawn);
        kin_mask_release(&shape.mask);
    }
}

/* A grid of half the pixels' size, moved: each of the picture's pixels takes what is at its
 * centre. */
static void finer_grids_are_sampled(void **state)
{
    (void)state;
    uint64_t random = 4;
    kin_plane picture = random_plane(&random), grid = picture;
    kin_shape shape;
    grid.spacing_x_mm /= 2;
    grid.spacing_y_mm /= 2;
    point_at(&picture, 10.2, 5.3, 0, grid.origin);
    kin_region region = mask_region(&shape, 20, 20, &grid);
    for (int i = 0; i < 400; i++)
        shape.mask.in[i] = random_bits(&random) % 2;
    kin_mask drawn;
    bool empty;
    draw(&region, &picture, &drawn, &empty);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            long u = lround((x - 10.2) * 2), v = lround((y - 5.3) * 2);
            int wanted = u >= 0 && v >= 0 && u < 20 && v < 20 ? shape.mask.in[v * 20 + u] : 0;
            assert_int_equal(drawn.in[y * W + x], wanted);
        }
    kin_mask_release(&drawn);
    kin_mask_release(&shape.mask);
}

/* Only within half a slice of the plane, and only in parallel with it. */
static void planes_must_be_the_same(void **state)
{
    (void)state;
    uint64_t random = 5;
    kin_plane picture = random_plane(&random), grid = picture;
    kin_shape shape;
    kin_region region = mask_region(&shape, W, H, &grid);
    kin_mask_add_box(&shape.mask, (kin_box){3, 3, 9, 9});
    static const struct {
        double off, thickness, grid_thickness;
        bool drawn;
    } cases[] = {{0, 3, 3, true},      {1.49, 3, 3, true},   {-1.5, 3, 3, true},
                 {1.52, 3, 3, false},  {-1.52, 3, 3, false}, {1.9, 4, 3, true},
                 {1.9, 3, 4, true},    {0.4, 0, 0, true},    {0.6, 0, 0, false},
                 {0.4, 0.1, 0.1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        picture.thickness_mm = cases[i].thickness;
        shape.plane.thickness_mm = cases[i].grid_thickness;
        point_at(&picture, 0, 0, cases[i].off, shape.plane.origin);
        assert_int_equal(is_drawn(&region, &picture), cases[i].drawn);
    }
    point_at(&picture, 0, 0, 0, shape.plane.origin);
    for (int degrees = 0; degrees < 5; degrees++) {
        double normal[3], angle = degrees * 3.14159265358979 / 180;
        cross(picture.along_row, picture.along_column, normal);
        for (int i = 0; i < 3; i++)
            shape.plane.along_column[i] =
                cos(angle) * picture.along_column[i] + sin(angle) * normal[i];
        assert_int_equal(is_drawn(&region, &picture), degrees < 2);
    }
    shape.plane = picture;
    point_at(&picture, W + 1, 0, 0, shape.plane.origin); /* beside the picture */
    assert_false(is_drawn(&region, &picture));
    kin_mask_release(&shape.mask);
}

/* An outline in space is the outline in pixels, whatever the plane. */
static void outlines_in_space_are_projected(void **state)
{
    (void)state;
    uint64_t random = 6;
    for (int round = 0; round < 50; round++) {
        enum { CORNERS = 7 };
        double flat[2 * CORNERS], space[3 * CORNERS];
        kin_plane picture = random_plane(&random);
        for (int i = 0; i < CORNERS; i++) {
            flat[2 * i] = 60 * unit(&random) - 10;
            flat[2 * i + 1] = 50 * unit(&random) - 10;
            point_at(&picture, flat[2 * i] - 0.5, flat[2 * i + 1] - 0.5, 2.8 * unit(&random) - 1.4,
                     space + 3 * i);
        }
        kin_shape in_pixels = {.kind = KIN_SHAPE_OUTLINE, .points = flat, .count = CORNERS};
        kin_shape in_space = {.kind = KIN_SHAPE_OUTLINE_MM, .points = space, .count = CORNERS};
        kin_region a = {.shapes = &in_pixels, .shape_count = 1};
        kin_region b = {.shapes = &in_space, .shape_count = 1};
        kin_mask one, two;
        bool none, nothing;
        draw(&a, NULL, &one, &none);
        draw(&b, &picture, &two, &nothing);
        assert_int_equal(none, nothing);
        if (!none)
            assert_memory_equal(one.in, two.in, W * H);
        kin_mask_release(&one);
        kin_mask_release(&two);
        point_at(&picture, 5, 5, 1.6, space); /* one corner in the next slice */
        assert_false(is_drawn(&b, &picture));
    }
}

static void outlines_of_a_slide_are_of_its_matrix(void **state)
{
    (void)state;
    double corners[] = {1004, 503, 1010, 503, 1010, 509, 1004, 509};
    kin_shape shape = {.kind = KIN_SHAPE_OUTLINE_SLIDE, .points = corners, .count = 4};
    kin_region region = {.shapes = &shape, .shape_count = 1};
    kin_plane tile = {.matrix_column = 1000, .matrix_row = 500};
    kin_mask mask;
    kin_box box;
    bool empty;
    draw(&region, &tile, &mask, &empty);
    assert_true(kin_mask_box(&mask, &box));
    assert_int_equal(box.x, 4);
    assert_int_equal(box.y, 3);
    assert_int_equal(kin_mask_area(&mask), 36);
    kin_mask_release(&mask);
    tile.matrix_column = 0;
    assert_false(is_drawn(&region, &tile));
    assert_false(is_drawn(&region, NULL));
}

/* The shapes of a region: outlines by turns, beside masks. */
static void shapes_add_up(void **state)
{
    (void)state;
    double outer[] = {2, 2, 12, 2, 12, 12, 2, 12}, inner[] = {4, 4, 8, 4, 8, 8, 4, 8};
    kin_shape shapes[3] = {{.kind = KIN_SHAPE_OUTLINE, .points = outer, .count = 4},
                           {.kind = KIN_SHAPE_OUTLINE, .points = inner, .count = 4}};
    kin_region region = {.shapes = shapes, .shape_count = 2};
    kin_mask mask;
    bool empty;
    draw(&region, NULL, &mask, &empty);
    assert_int_equal(kin_mask_area(&mask), 100 - 16);
    kin_mask_release(&mask);
    mask_region(&shapes[2], W, H, NULL);
    kin_mask_add_box(&shapes[2].mask, (kin_box){20, 20, 5, 5});
    region.shape_count = 3;
    draw(&region, NULL, &mask, &empty);
    assert_int_equal(kin_mask_area(&mask), 100 - 16 + 25);
    kin_mask_release(&mask);
    kin_mask_release(&shapes[2].mask);
    region.shape_count = 0;
    assert_false(is_drawn(&region, NULL));
}

/* A mask that says it is the frame's is laid on it as it is, if it has its size. */
static void masks_of_the_frame_need_no_plane(void **state)
{
    (void)state;
    uint64_t random = 7;
    kin_plane picture = random_plane(&random), elsewhere = random_plane(&random);
    kin_shape shape;
    kin_mask mask;
    bool empty;
    kin_region region = mask_region(&shape, W, H, &elsewhere);
    kin_mask_add_box(&shape.mask, (kin_box){3, 3, 9, 9});
    assert_false(is_drawn(&region, &picture));
    shape.of_frame = true;
    draw(&region, &picture, &mask, &empty);
    assert_memory_equal(mask.in, shape.mask.in, W * H);
    kin_mask_release(&mask);
    shape.plane = (kin_plane){0};
    assert_true(is_drawn(&region, &picture));
    assert_true(is_drawn(&region, NULL));
    assert_int_equal(kin_region_draw(&region, &picture, W, H + 1, &mask, &empty, NULL), KIN_E_ARG);
    assert_null(mask.in);
    kin_mask_release(&shape.mask);
}

static void what_cannot_be_placed_is_refused(void **state)
{
    (void)state;
    double corners[] = {0, 0, 0, 9, 0, 0, 9, 9, 0};
    kin_shape shape = {.kind = KIN_SHAPE_OUTLINE_MM, .points = corners, .count = 3};
    kin_region region = {.shapes = &shape, .shape_count = 1};
    kin_mask mask;
    bool empty;
    assert_int_equal(kin_region_draw(&region, NULL, W, H, &mask, &empty, NULL), KIN_E_ARG);
    assert_int_equal(kin_region_draw(&region, &(kin_plane){0}, W, H, &mask, &empty, NULL),
                     KIN_E_ARG);
}

static void copies_are_whole(void **state)
{
    (void)state;
    char label[] = "lesion";
    double corners[] = {0, 0, 0, 9, 0, 0, 9, 9, 0};
    kin_shape shapes[2] = {{.kind = KIN_SHAPE_OUTLINE_MM, .points = corners, .count = 3}};
    kin_region copy, region = mask_region(&shapes[1], W, H, NULL);
    region.shapes = shapes;
    region.shape_count = 2;
    region.label = label;
    region.frame = 3;
    region.number = 4;
    kin_mask_add_box(&shapes[1].mask, (kin_box){3, 3, 9, 9});
    assert_int_equal(kin_region_copy(&region, &copy, NULL), KIN_OK);
    assert_string_equal(copy.label, "lesion");
    assert_ptr_not_equal(copy.label, label);
    assert_null(copy.code);
    assert_int_equal(copy.frame, 3);
    assert_int_equal(copy.number, 4);
    assert_int_equal(copy.shape_count, 2);
    assert_int_equal(copy.shapes[0].count, 3);
    assert_memory_equal(copy.shapes[0].points, corners, sizeof corners);
    assert_memory_equal(copy.shapes[1].mask.in, shapes[1].mask.in, W * H);
    kin_mask_release(&shapes[1].mask);
    kin_region_release(&copy);
    assert_null(copy.shapes);
    kin_region_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_grids_keep_their_pixels),
        cmocka_unit_test(finer_grids_are_sampled),
        cmocka_unit_test(planes_must_be_the_same),
        cmocka_unit_test(outlines_in_space_are_projected),
        cmocka_unit_test(outlines_of_a_slide_are_of_its_matrix),
        cmocka_unit_test(shapes_add_up),
        cmocka_unit_test(masks_of_the_frame_need_no_plane),
        cmocka_unit_test(what_cannot_be_placed_is_refused),
        cmocka_unit_test(copies_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
