/* Hiding places: what stays the same, and which place tells. */
#include "features/occlude.h"

#include <math.h>
#include <string.h>

#include "features/parts.h"
#include "shared_data.h"

enum { SIDE = 128, GRID = 4 };

static kin_extractor *extractor;

static int set_up(void **state)
{
    (void)state;
    return kin_extractor_new(NULL, &extractor, NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kin_extractor_free(extractor);
    return 0;
}

/* A patternless field with a chequered patch; what is around is smooth, so that hiding it changes
 * little. */
static kin_raster field(kin_box patch)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            raster.px[y * SIDE + x] = 0.3f + 0.3f * (float)(x + y) / (2 * SIDE);
    for (int y = patch.y; y < patch.y + patch.height; y++)
        for (int x = patch.x; x < patch.x + patch.width; x++)
            raster.px[y * SIDE + x] = (x / 4 + y / 4) % 2 ? 0.2f : 0.9f;
    return raster;
}

/* How far the descriptor moves when each cell is hidden. */
struct moves {
    const float *whole;
    double by[KIN_OCCLUDE_SIDE_MAX * KIN_OCCLUDE_SIDE_MAX];
    int seen;
};

static kin_status note(void *ctx, int cell, const float *descriptor, kin_error *err)
{
    struct moves *moves = ctx;
    (void)err;
    assert_int_equal(cell, moves->seen++);
    double sum = 0;
    for (size_t i = 0, n = kin_extractor_length(extractor); i < n; i++) {
        assert_true(isfinite(descriptor[i]));
        sum += pow(descriptor[i] - moves->whole[i], 2);
    }
    moves->by[cell] = sqrt(sum);
    return KIN_OK;
}

static int most(const double *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

static void the_place_with_the_finding_tells(void **state)
{
    /* Of 4 x 4 cells of 32 pixels the patch is in row 2, column 1. */
    kin_raster raster = field((kin_box){36, 68, 24, 24});
    float *whole = malloc(kin_extractor_length(extractor) * sizeof *whole);
    struct moves moves = {.whole = whole};
    kin_box box;
    (void)state;
    assert_non_null(whole);
    assert_int_equal(kin_extractor_describe(extractor, &raster, whole, NULL), KIN_OK);
    assert_int_equal(
        kin_describe_occluded(extractor, &raster, NULL, GRID, &box, note, &moves, NULL), KIN_OK);
    assert_int_equal(moves.seen, GRID * GRID);
    assert_memory_equal(&box, &((kin_box){0, 0, SIDE, SIDE}), sizeof box);
    assert_int_equal(most(moves.by, GRID * GRID), 2 * GRID + 1);
    static const int corners[] = {0, GRID - 1, GRID * GRID - 1};
    for (size_t i = 0; i < sizeof corners / sizeof corners[0]; i++)
        assert_true(moves.by[corners[i]] < 0.75 * moves.by[2 * GRID + 1]);
    free(whole);
    kin_raster_release(&raster);
}

/* Nothing is hidden of a picture that is the same from far and near, so nothing moves: the
 * foreground, its levels and the whole's descriptor are taken as they were. */
static void what_looks_the_same_from_afar_tells_nothing(void **state)
{
    kin_raster raster;
    float *whole = malloc(kin_extractor_length(extractor) * sizeof *whole);
    struct moves moves = {.whole = whole};
    kin_box box;
    (void)state;
    assert_non_null(whole);
    assert_int_equal(kin_raster_init(&raster, 90, 60, 3, NULL), KIN_OK);
    for (size_t i = 0; i < 90 * 60 * 3; i++)
        raster.px[i] = 0.5f;
    assert_int_equal(kin_extractor_describe(extractor, &raster, whole, NULL), KIN_OK);
    assert_int_equal(
        kin_describe_occluded(extractor, &raster, NULL, GRID, &box, note, &moves, NULL), KIN_OK);
    for (int i = 0; i < GRID * GRID; i++)
        assert_true(moves.by[i] < 1e-4);
    free(whole);
    kin_raster_release(&raster);
}

static void a_region_is_looked_at_with_its_surroundings(void **state)
{
    const kin_box patch = {72, 40, 24, 24};
    kin_raster raster = field(patch);
    kin_mask mask;
    float *whole = malloc(kin_extractor_length(extractor) * sizeof *whole);
    struct moves moves = {.whole = whole};
    kin_box box, around;
    (void)state;
    assert_non_null(whole);
    assert_int_equal(kin_mask_init(&mask, SIDE, SIDE, NULL), KIN_OK);
    kin_mask_add_box(&mask, patch);
    assert_int_equal(kin_describe_region(extractor, &raster, &mask, kin_part_weights_default(),
                                         NULL, whole, NULL),
                     KIN_OK);
    assert_int_equal(kin_describe_occluded(extractor, &raster, &mask, 3, &box, note, &moves, NULL),
                     KIN_OK);
    assert_int_equal(moves.seen, 9);
    assert_int_equal(kin_region_surroundings(&raster, &mask, &around, NULL), KIN_OK);
    assert_memory_equal(&box, &around, sizeof box);
    assert_true(box.x > 50 && box.x < 72 && box.x + box.width > 96 && box.x + box.width < 120);
    assert_int_equal(most(moves.by, 9), 4); /* the lesion in the middle */
    free(whole);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
}

static kin_status give_up(void *ctx, int cell, const float *descriptor, kin_error *err)
{
    (void)descriptor;
    ++*(int *)ctx;
    return cell == 2 ? kin_fail(err, KIN_E_FULL, NULL, "enough") : KIN_OK;
}

static void ends_when_told_and_refuses_other_grids(void **state)
{
    kin_raster raster = field((kin_box){10, 10, 5, 5});
    kin_mask mask;
    kin_box box;
    int seen = 0;
    (void)state;
    assert_int_equal(
        kin_describe_occluded(extractor, &raster, NULL, GRID, &box, give_up, &seen, NULL),
        KIN_E_FULL);
    assert_int_equal(seen, 3);
    static const int grids[] = {-1, 0, 1, KIN_OCCLUDE_SIDE_MAX + 1};
    for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++)
        assert_int_equal(
            kin_describe_occluded(extractor, &raster, NULL, grids[i], &box, give_up, &seen, NULL),
            KIN_E_ARG);
    assert_int_equal(kin_mask_init(&mask, SIDE, SIDE, NULL), KIN_OK);
    assert_int_equal(
        kin_describe_occluded(extractor, &raster, &mask, GRID, &box, give_up, &seen, NULL),
        KIN_E_ARG);
    assert_int_equal(seen, 3);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_with_the_finding_tells),
        cmocka_unit_test(what_looks_the_same_from_afar_tells_nothing),
        cmocka_unit_test(a_region_is_looked_at_with_its_surroundings),
        cmocka_unit_test(ends_when_told_and_refuses_other_grids),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
