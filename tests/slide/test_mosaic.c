/* Tissue found, and tiles chosen, on made slides and on slides laid together from real patches. */
#include <math.h>
#include <string.h>

#include "image/colour.h"
#include "patch_slide.h"
#include "shared_data.h"
#include "slide/kmeans.h"
#include "slide/mosaic.h"
#include "slide/tissue.h"

/* --- grouping --- */

static void test_groups_are_found(void **state)
{
    (void)state;
    enum { GROUPS = 4, EACH = 50, COUNT = GROUPS * EACH };
    float points[COUNT * 2], centres[GROUPS * 2];
    uint32_t groups[COUNT], again[COUNT];
    for (int i = 0; i < COUNT; i++) {
        points[2 * i] = (float)(i % GROUPS % 2 * 100 + i * 7 % 11);
        points[2 * i + 1] = (float)(i % GROUPS / 2 * 100 + i * 5 % 13);
    }
    kin_error err;
    assert_int_equal(kin_kmeans(points, COUNT, 2, GROUPS, 1, groups, centres, &err), KIN_OK);
    for (int i = GROUPS; i < COUNT; i++)
        assert_int_equal(groups[i], groups[i % GROUPS]);
    for (int i = 0; i < GROUPS; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(groups[i], groups[j]);
    assert_int_equal(kin_kmeans(points, COUNT, 2, GROUPS, 1, again, centres, &err), KIN_OK);
    assert_memory_equal(groups, again, sizeof groups);
}

static void test_points_that_coincide(void **state)
{
    (void)state;
    static const float points[6];
    float centres[6];
    uint32_t groups[3];
    kin_error err;
    assert_int_equal(kin_kmeans(points, 3, 2, 3, 9, groups, centres, &err), KIN_OK);
    for (int i = 0; i < 3; i++)
        assert_true(groups[i] < 3);
}

static void test_otsu(void **state)
{
    (void)state;
    float values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i < 70 ? 0.1f + (float)(i % 7) / 100 : 0.7f + (float)(i % 5) / 100;
    float threshold = kin_otsu(values, 100);
    assert_true(threshold > 0.16f && threshold < 0.7f);
    for (int i = 0; i < 100; i++)
        values[i] = 0.25f;
    assert_true(kin_otsu(values, 100) == 0);
    assert_true(kin_otsu(values, 0) == 0);
}

/* --- slides --- */

typedef struct opened {
    void *bytes;
    kin_dicom *dicom;
    kin_slide *slide;
} opened;

static opened open_made(const made_slide *made)
{
    size_t size;
    kin_error err;
    opened o = {.bytes = made_slide_bytes(made, &size)};
    if (kin_dicom_open(o.bytes, size, NULL, &o.dicom, &err) != KIN_OK ||
        kin_slide_open_dicom(o.dicom, NULL, &o.slide, &err) != KIN_OK)
        fail_msg("cannot open: %s", err.message);
    return o;
}

static void close_opened(opened *o)
{
    kin_slide_close(o->slide);
    kin_dicom_close(o->dicom);
    free(o->bytes);
}

enum { SLIDE = 600, RADIUS = 180, DOT = 12 };

static bool in_disc(int x, int y, int radius)
{
    x -= SLIDE / 2;
    y -= SLIDE / 2;
    return x * x + y * y < radius * radius;
}

/* Glass with a disc of tissue, a speck of dirt and a black strip, as scanners fill in. */
static made_picture disc_on_glass(int channels)
{
    made_picture p = made_picture_new(SLIDE, SLIDE, channels, 242);
    for (int y = 0; y < SLIDE; y++)
        for (int x = 0; x < SLIDE; x++) {
            uint8_t *px = p.px + (y * SLIDE + x) * channels;
            if (channels == 1)
                px[0] = in_disc(x, y, RADIUS) ? 150 : px[0];
            else if (in_disc(x, y, RADIUS) || (x < DOT && y < DOT))
                memcpy(px, (uint8_t[]){200, 120, 180}, 3);
            else if (x >= SLIDE - 40)
                memcpy(px, (uint8_t[]){2, 0, 1}, 3);
        }
    return p;
}

static void test_tissue_is_the_disc(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        made_picture p = disc_on_glass(channels);
        const made_slide made = {.picture = &p,
                                 .tile_width = 100,
                                 .tile_height = 80,
                                 .mpp = 4,
                                 .syntax = KIN_DICOM_JPEG_LS};
        opened o = open_made(&made);
        kin_survey survey;
        uint8_t *mask = NULL;
        kin_error err;
        assert_int_equal(kin_survey_make(o.slide, 224, NULL, &survey, &err), KIN_OK);
        assert_int_equal(kin_tissue_find(&survey, &mask, &err), KIN_OK);
        size_t wrong = 0, in = 0;
        for (int y = 0; y < survey.rows; y++)
            for (int x = 0; x < survey.columns; x++) {
                size_t at = (size_t)(y * survey.columns + x);
                int px = 7 * x + 3, py = 7 * y + 3; /* 28 micrometres are 7 pixels */
                if (in_disc(px, py, RADIUS + 7) && !in_disc(px, py, RADIUS - 7))
                    continue; /* either will do */
                wrong += mask[at] != in_disc(px, py, RADIUS);
                in += mask[at];
            }
        assert_int_equal(wrong, 0);
        assert_true(in > 1800);
        free(mask);
        kin_survey_release(&survey);
        close_opened(&o);
        made_picture_release(&p);
    }
}

static void test_glass_is_no_tissue(void **state)
{
    (void)state;
    made_picture p = made_picture_new(SLIDE, SLIDE, 3, 240);
    for (int i = 0; i < SLIDE * SLIDE; i++) /* glass has a tint, and sensors have noise */
        p.px[3 * i + 2] = (uint8_t)(231 + i % 5);
    const made_slide made = {.picture = &p, .tile_width = 200, .tile_height = 200, .mpp = 4};
    opened o = open_made(&made);
    kin_mosaic mosaic;
    kin_error err;
    assert_int_equal(kin_mosaic_make(o.slide, NULL, NULL, &mosaic, &err), KIN_E_NO_IMAGE);
    assert_string_equal(err.message, "a slide without tissue");
    assert_null(mosaic.tiles);
    close_opened(&o);
    made_picture_release(&p);
}

static void test_a_small_slide_is_one_tile(void **state)
{
    (void)state;
    made_picture p = made_picture_new(90, 60, 3, 240);
    const made_slide made = {.picture = &p, .tile_width = 32, .tile_height = 32, .mpp = 0.5};
    opened o = open_made(&made);
    kin_mosaic mosaic;
    kin_mosaic_place place;
    kin_raster r;
    kin_error err;
    assert_int_equal(kin_mosaic_make(o.slide, NULL, NULL, &mosaic, &err), KIN_OK);
    assert_int_equal(mosaic.count, 1);
    assert_int_equal(kin_mosaic_read(o.slide, &mosaic, 0, &r, &place, &err), KIN_OK);
    assert_int_equal(r.width, 45);
    assert_int_equal(r.height, 30);
    assert_true(place.x == 0 && place.y == 0 && place.level == 0 && fabs(place.mpp - 1) < 1e-6);
    kin_raster_release(&r);
    kin_mosaic_release(&mosaic);
    close_opened(&o);
    made_picture_release(&p);
}

static void test_too_coarse(void **state)
{
    (void)state;
    made_picture p = made_picture_new(300, 300, 3, 128);
    const made_slide made = {.picture = &p, .tile_width = 100, .tile_height = 100, .mpp = 16};
    opened o = open_made(&made);
    kin_mosaic mosaic;
    kin_error err;
    assert_int_equal(kin_mosaic_make(o.slide, NULL, NULL, &mosaic, &err), KIN_E_UNSUPPORTED);
    close_opened(&o);
    made_picture_release(&p);
}

static kin_status stop_at_second(void *ctx, kin_error *err)
{
    int *steps = ctx;
    return ++*steps < 2 ? KIN_OK : kin_fail(err, KIN_E_CANCELLED, NULL, "stop");
}

static void test_a_survey_can_be_stopped(void **state)
{
    (void)state;
    made_picture p = disc_on_glass(3);
    const made_slide made = {.picture = &p, .tile_width = 520, .tile_height = 520, .mpp = 4};
    opened o = open_made(&made);
    int steps = 0;
    const kin_slide_watch watch = {stop_at_second, &steps};
    kin_mosaic mosaic;
    kin_error err;
    assert_int_equal(kin_mosaic_make(o.slide, NULL, &watch, &mosaic, &err), KIN_E_CANCELLED);
    assert_int_equal(steps, 2);
    close_opened(&o);
    made_picture_release(&p);
}

/* --- real tissue --- */

/* Both patients' slides, laid out when a test first asks for them. */
static struct real {
    const char *patient;
    patch_slide patches;
    opened file;
} reals[] = {{.patient = "14082"}, {.patient = "14306"}};

enum { REALS = sizeof reals / sizeof reals[0] };

static struct real *real_slide(int i)
{
    struct real *r = &reals[i];
    if (r->file.slide != NULL)
        return r;
    r->patches = patch_slide_new(r->patient, 0, INT32_MAX);
    const made_slide made = {.picture = &r->patches.picture,
                             .tile_width = 256,
                             .tile_height = 256,
                             .mpp = PATCH_MPP,
                             .syntax = i == 0 ? KIN_DICOM_JPEG_LS : KIN_DICOM_EXPLICIT_LE,
                             .sparse = i == 1,
                             .leave_out_blank = i == 1};
    r->file = open_made(&made);
    return r;
}

static int release_reals(void **state)
{
    (void)state;
    for (int i = 0; i < REALS; i++) {
        close_opened(&reals[i].file);
        patch_slide_release(&reals[i].patches);
    }
    return 0;
}

/* Every patch is found again at its place, sample for sample. */
static void test_patches_lie_where_they_were(void **state)
{
    (void)state;
    for (int i = 0; i < REALS; i++) {
        const struct real *real = real_slide(i);
        const patch_slide *patches = &real->patches;
        kin_error err;
        int seen = 0;
        for (int at = 0; at < patches->across * patches->down; at++) {
            int x = at % patches->across * PATCH_SIDE, y = at / patches->across * PATCH_SIDE;
            kin_raster r;
            if (!patches->has[at])
                continue;
            assert_int_equal(
                kin_slide_read(real->file.slide, 0, x, y, PATCH_SIDE, PATCH_SIDE, &r, &err),
                KIN_OK);
            for (int row = 0; row < PATCH_SIDE; row++)
                for (int k = 0; k < PATCH_SIDE * 3; k++)
                    assert_int_equal(
                        lrintf(r.px[row * PATCH_SIDE * 3 + k] * 255),
                        patches->picture.px[((y + row) * patches->picture.width + x) * 3 + k]);
            kin_raster_release(&r);
            seen++;
        }
        assert_int_equal(seen, patches->patches);
    }
}

/* Mean saturation of the seven by seven pixels that are a cell. */
static float saturation_at(const made_picture *p, int x, int y)
{
    float sum[3] = {0}, hsv[3];
    for (int row = 0; row < 7; row++)
        for (int k = 0; k < 21; k++)
            sum[k % 3] += (float)p->px[((y + row) * p->width + x) * 3 + k] / (49 * 255);
    kin_rgb_to_hsv(sum, hsv);
    return hsv[1];
}

/* Patches hold glass, too: what is clearly stained is found, what is as clear as glass is not,
 * but for specks and rims, which go with the majority around them; and next to nothing is found
 * where there is no patch. */
static void test_real_tissue_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < REALS; i++) {
        const struct real *real = real_slide(i);
        const patch_slide *patches = &real->patches;
        kin_survey survey;
        uint8_t *mask = NULL;
        kin_error err;
        size_t stained = 0, missed = 0, clear = 0, taken = 0, outside = 0, beside = 0;
        assert_int_equal(kin_survey_make(real->file.slide, 224, NULL, &survey, &err), KIN_OK);
        assert_int_equal(kin_tissue_find(&survey, &mask, &err), KIN_OK);
        for (int y = 0; 7 * y + 7 <= patches->picture.height; y++)
            for (int x = 0; 7 * x + 7 <= patches->picture.width; x++) {
                bool found = mask[y * survey.columns + x] != 0;
                bool has = patches->has[(7 * y + 3) / PATCH_SIDE * patches->across +
                                        (7 * x + 3) / PATCH_SIDE];
                float saturation = saturation_at(&patches->picture, 7 * x, 7 * y);
                outside += !has;
                beside += !has && found;
                stained += saturation > 0.2f;
                missed += saturation > 0.2f && !found;
                clear += has && saturation < 0.04f;
                taken += has && saturation < 0.04f && found;
            }
        print_message("%s: stained %zu, missed %zu; clear %zu, taken %zu; outside %zu, taken %zu\n",
                      real->patient, stained, missed, clear, taken, outside, beside);
        assert_true(stained > 1000 && missed * 100 < 3 * stained);
        assert_true(clear > 1000 && taken * 100 < 3 * clear);
        assert_true(beside * 100 < outside);
        free(mask);
        kin_survey_release(&survey);
    }
}

/* How far, in tiles, tissue is from the nearest tile of the mosaic, at worst. */
static double reach(const kin_mosaic *mosaic, const kin_mosaic *all)
{
    double worst = 0;
    for (size_t i = 0; i < all->count; i++) {
        double nearest = INFINITY;
        for (size_t k = 0; k < mosaic->count; k++)
            nearest = fmin(nearest, hypot(all->tiles[i].column - mosaic->tiles[k].column,
                                          all->tiles[i].row - mosaic->tiles[k].row));
        worst = fmax(worst, nearest);
    }
    return worst;
}

static void test_the_mosaic_stands_for_the_slide(void **state)
{
    (void)state;
    for (int i = 0; i < REALS; i++) {
        const struct real *real = real_slide(i);
        kin_mosaic mosaic, again, all;
        kin_error err;
        const kin_mosaic_options everything = {.share = 1, .most = 100000};
        assert_int_equal(kin_mosaic_make(real->file.slide, NULL, NULL, &mosaic, &err), KIN_OK);
        assert_int_equal(kin_mosaic_make(real->file.slide, NULL, NULL, &again, &err), KIN_OK);
        assert_int_equal(kin_mosaic_make(real->file.slide, &everything, NULL, &all, &err), KIN_OK);
        assert_int_equal(all.count, all.candidates);
        assert_int_equal(mosaic.candidates, all.count);
        assert_int_equal(mosaic.count, again.count);
        assert_memory_equal(mosaic.tiles, again.tiles, mosaic.count * sizeof *mosaic.tiles);
        assert_true((double)mosaic.count >= 0.13 * (double)all.count);
        assert_true((double)mosaic.count <= 0.17 * (double)all.count + KIN_MOSAIC_COLOURS);
        unsigned colours = 0, all_colours = 0;
        for (size_t k = 0; k < mosaic.count; k++)
            colours |= 1u << mosaic.tiles[k].colour;
        for (size_t k = 0; k < all.count; k++)
            all_colours |= 1u << all.tiles[k].colour;
        assert_int_equal(colours, all_colours);
        double worst = reach(&mosaic, &all);
        print_message("%s: %zu of %zu tiles; no tissue is further than %.1f tiles from one\n",
                      real->patient, mosaic.count, all.count, worst);
        assert_true(worst <= 9);
        kin_mosaic_release(&mosaic);
        kin_mosaic_release(&again);
        kin_mosaic_release(&all);
    }
}

int main(void)
{
    kin_error err;
    if (kin_dicom_prepare(&err) != KIN_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_found),
        cmocka_unit_test(test_points_that_coincide),
        cmocka_unit_test(test_otsu),
        cmocka_unit_test(test_tissue_is_the_disc),
        cmocka_unit_test(test_glass_is_no_tissue),
        cmocka_unit_test(test_a_small_slide_is_one_tile),
        cmocka_unit_test(test_too_coarse),
        cmocka_unit_test(test_a_survey_can_be_stopped),
        cmocka_unit_test(test_patches_lie_where_they_were),
        cmocka_unit_test(test_real_tissue_is_found),
        cmocka_unit_test(test_the_mosaic_stands_for_the_slide),
    };
    return cmocka_run_group_tests(tests, NULL, release_reals);
}
