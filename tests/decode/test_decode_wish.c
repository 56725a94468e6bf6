/* kin_decode_wish in this process: a region is described as if it were the file, one frame as among
 * all, and previews show what was described. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "standard.h"
#include "collect.h"
#include "decode/decode.h"
#include "dicom/dicom.h"
#include "image/raster.h"
#include "image/write.h"
#include "random.h"
#include "samples.h"

enum { WIDTH = 90, HEIGHT = 70 };

static collected got, other;

static kin_status decode(const void *bytes, size_t size, const kin_decode_wish *wish, collected *c,
                         kin_error *err)
{
    kin_error_clear(err);
    c->first = wish != NULL && wish->one_frame ? wish->frame : 0;
    kin_decode_sink sink = collect_into(c);
    return kin_decode_bytes(standard_extractor(), bytes, size, NULL, NULL, wish, &sink, err);
}

static void expect_decoded(const void *bytes, size_t size, const kin_decode_wish *wish,
                           collected *c)
{
    kin_error err;
    if (decode(bytes, size, wish, c, &err) != KIN_OK)
        fail_msg("%s", err.message);
}

static void expect_failure(const void *bytes, size_t size, const kin_decode_wish *wish,
                           kin_status wanted, const char *message)
{
    kin_error err;
    kin_status status = decode(bytes, size, wish, &got, &err);
    collected_release(&got);
    if (status != wanted || strcmp(err.message, message) != 0)
        fail_msg("status %d, \"%s\" (not \"%s\")", status, err.message, message);
}

/* Noise with a bright disc, in 8 bits; colours but for a grey strip along the left of 30 pixels. */
static kin_raster make_scene(int channels)
{
    kin_raster raster;
    uint64_t random = 5;
    assert_int_equal(kin_raster_init(&raster, WIDTH, HEIGHT, channels, NULL), KIN_OK);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int dx = x - 50, dy = y - 30, light = dx * dx + dy * dy < 400 ? 150 : 10;
            float *px = raster.px + (y * WIDTH + x) * channels;
            px[0] = (float)(light + (int)(random_bits(&random) % 40)) / 255.0f;
            for (int c = 1; c < channels; c++)
                px[c] = x < 30 ? px[0] : (float)((light + 30 * c + x + y) % 256) / 255.0f;
        }
    return raster;
}

static void *as_png(const kin_raster *raster, size_t *size)
{
    void *bytes = NULL;
    assert_int_equal(kin_image_encode_png(raster, &bytes, size, NULL), KIN_OK);
    return bytes;
}

static void expect_same_descriptor(const collected *a, const collected *b)
{
    assert_int_equal(a->frames, 1);
    assert_int_equal(b->frames, 1);
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->descriptors, b->descriptors, a->length * sizeof(float));
}

static void test_region_is_as_a_file(void **state)
{
    (void)state;
    /* The second of a colour image is all grey, as a file of it would be. */
    static const kin_decode_region regions[] = {
        {30, 10, 40, 44}, {3, 5, 25, 60}, {0, 0, WIDTH, HEIGHT}, {WIDTH - 1, HEIGHT - 1, 1, 1}};
    for (int channels = 1; channels <= 3; channels += 2) {
        kin_raster scene = make_scene(channels);
        size_t size = 0, part_size = 0;
        void *bytes = as_png(&scene, &size);
        for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
            const kin_decode_region *r = &regions[i];
            const kin_box box = {(int)r->x, (int)r->y, (int)r->width, (int)r->height};
            kin_raster part;
            assert_int_equal(kin_raster_crop(&scene, box, &part, NULL), KIN_OK);
            void *part_bytes = as_png(&part, &part_size);
            kin_raster_release(&part);
            expect_decoded(bytes, size, &(kin_decode_wish){.region = r, .preview_side = 32}, &got);
            expect_decoded(part_bytes, part_size, &(kin_decode_wish){.preview_side = 32}, &other);
            expect_same_descriptor(&got, &other);
            assert_int_equal(got.width[0], WIDTH); /* as stored, whatever was described */
            assert_int_equal(got.height[0], HEIGHT);
            got.width[0] = r->width;
            got.height[0] = r->height;
            assert_true(collected_equal(&got, &other)); /* and the preview is of the region */
            collected_release(&got);
            collected_release(&other);
            free(part_bytes);
        }
        free(bytes);
        kin_raster_release(&scene);
    }
}

/* A part has the window of the whole: cropped before that, it would be stretched to its own. */
static void test_region_under_the_frames_window(void **state)
{
    (void)state;
    static const kin_decode_region dark = {0, 0, 8, 6};
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 1, NULL, 0, &size);
    expect_decoded(bytes, size, &(kin_decode_wish){.region = &dark, .preview_side = 16}, &got);
    expect_decoded(bytes, size, &(kin_decode_wish){.preview_side = 32}, &other);
    assert_int_equal(got.preview_width, 8);
    assert_int_equal(got.preview_height, 6);
    assert_int_equal(other.preview_width, 32);
    for (uint32_t y = 0; y < 6; y++)
        assert_memory_equal(got.preview + 8 * y, other.preview + 32 * y, 8);
    collected_release(&got);
    collected_release(&other);
    free(bytes);
}

static void test_region_outside(void **state)
{
    (void)state;
    static const kin_decode_region outside[] = {
        {0, 0, 51, 40},        {0, 0, 50, 41},
        {1, 0, 50, 40},        {0, 1, 50, 40},
        {50, 0, 1, 1},         {0, 40, 1, 1},
        {UINT32_MAX, 0, 1, 1}, {1, 1, UINT32_MAX, 1},
        {1, 1, 1, UINT32_MAX}, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    size_t size = 0, tiff_size = 0;
    void *png = sample_png(50, 40, &size), *tiff = sample_tiff(3, &tiff_size);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        expect_failure(png, size, &(kin_decode_wish){.region = &outside[i]}, KIN_E_ARG,
                       "region: lies outside the frame of 50 x 40");
    expect_failure(tiff, tiff_size, &(kin_decode_wish){.region = &outside[0]}, KIN_E_ARG,
                   "frame 1 of 3: region: lies outside the frame of 16 x 12");
    static const kin_decode_region empty = {1, 1, 0, 1};
    expect_failure(png, size, &(kin_decode_wish){.region = &empty}, KIN_E_ARG,
                   "region: has no pixels");
    expect_failure(png, size, &(kin_decode_wish){.preview_side = 257}, KIN_E_ARG,
                   "preview: a side of 257 is over the limit of 256");
    free(png);
    free(tiff);
}

static void test_one_frame_as_among_all(void **state)
{
    (void)state;
    enum { FRAMES = 4 };
    size_t sizes[4];
    void *files[4] = {sample_tiff(FRAMES, &sizes[0]),
                      sample_dicom(KIN_DICOM_EXPLICIT_LE, FRAMES, NULL, 0, &sizes[1]),
                      sample_dicom(KIN_DICOM_RLE, FRAMES, NULL, 0, &sizes[2]), NULL};
    files[3] = sample_zstd(files[0], sizes[0], &sizes[3]);
    for (size_t f = 0; f < 4; f++) {
        expect_decoded(files[f], sizes[f], NULL, &other);
        assert_int_equal(other.frames, FRAMES);
        for (uint32_t i = 0; i < FRAMES; i++) {
            expect_decoded(files[f], sizes[f], &(kin_decode_wish){.one_frame = true, .frame = i},
                           &got);
            assert_int_equal(got.frames, 1);
            assert_int_equal(got.announced, FRAMES);
            assert_string_equal(got.text, other.text);
            assert_memory_equal(got.descriptors, other.descriptors + i * other.length,
                                other.length * sizeof(float));
            collected_release(&got);
        }
        collected_release(&other);
        expect_failure(files[f], sizes[f], &(kin_decode_wish){.one_frame = true, .frame = FRAMES},
                       KIN_E_NOT_FOUND, "the file has no frame 4");
        expect_failure(files[f], sizes[f],
                       &(kin_decode_wish){.one_frame = true, .frame = UINT32_MAX}, KIN_E_NOT_FOUND,
                       "the file has no frame 4294967295");
        free(files[f]);
    }
}

/* The frames that nobody asked for are not even decoded: one of them is broken. */
static void test_one_frame_costs_one_frame(void **state)
{
    (void)state;
    enum { PAGE = 2 + 9 * 12 + 4 + 16 * 12, STRIP_OFFSETS = 2 + 5 * 12 + 8 };
    size_t size = 0;
    uint8_t *tiff = sample_tiff(3, &size);
    memset(tiff + 8 + PAGE + STRIP_OFFSETS, 0x7F, 4); /* the second page's pixels lie nowhere */
    kin_error err;
    assert_int_equal(decode(tiff, size, NULL, &got, &err), KIN_E_FORMAT);
    assert_non_null(strstr(err.message, "frame 2 of 3: "));
    collected_release(&got);
    assert_int_equal(
        decode(tiff, size, &(kin_decode_wish){.one_frame = true, .frame = 1}, &got, &err),
        KIN_E_FORMAT);
    collected_release(&got);
    for (uint32_t i = 0; i < 3; i += 2) {
        expect_decoded(tiff, size, &(kin_decode_wish){.one_frame = true, .frame = i}, &got);
        assert_int_equal(got.frames, 1);
        collected_release(&got);
    }
    free(tiff);
}

/* Every frame has its own, and they change nothing else. */
static void test_previews_beside_descriptors(void **state)
{
    (void)state;
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_RLE, 3, NULL, 0, &size);
    expect_decoded(bytes, size, NULL, &other);
    assert_int_equal(other.previews, 0);
    expect_decoded(bytes, size, &(kin_decode_wish){.preview_side = 16}, &got);
    assert_int_equal(got.previews, 3);
    assert_int_equal(got.preview_width, 16);
    assert_int_equal(got.preview_height, 12);
    assert_int_equal(got.preview_channels, 1);
    assert_memory_equal(got.descriptors, other.descriptors, 3 * got.length * sizeof(float));
    collected_release(&got);
    collected_release(&other);
    free(bytes);
}

static void test_preview_is_the_picture(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        kin_raster scene = make_scene(channels);
        size_t size = 0;
        void *bytes = as_png(&scene, &size);
        expect_decoded(bytes, size, &(kin_decode_wish){.preview_side = KIN_DECODE_PREVIEW_MAX},
                       &got); /* not enlarged: the samples themselves */
        assert_int_equal(got.preview_width, WIDTH);
        assert_int_equal(got.preview_height, HEIGHT);
        assert_int_equal(got.preview_channels, channels);
        for (int i = 0; i < WIDTH * HEIGHT * channels; i++)
            assert_float_equal(got.preview[i], scene.px[i] * 255, 0.01);
        collected_release(&got);

        expect_decoded(bytes, size, &(kin_decode_wish){.preview_side = WIDTH / 2}, &got);
        assert_int_equal(got.preview_width, WIDTH / 2);
        assert_int_equal(got.preview_height, HEIGHT / 2);
        for (int y = 0; y < HEIGHT / 2; y++)
            for (int x = 0; x < WIDTH / 2; x++)
                for (int c = 0; c < channels; c++) {
                    const float *px = scene.px + (2 * y * WIDTH + 2 * x) * channels + c;
                    float mean =
                        (px[0] + px[channels] + px[WIDTH * channels] + px[(WIDTH + 1) * channels]) /
                        4;
                    assert_float_equal(got.preview[(y * WIDTH / 2 + x) * channels + c], mean * 255,
                                       0.51);
                }
        collected_release(&got);
        free(bytes);
        kin_raster_release(&scene);
    }
}

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_region_is_as_a_file),
        cmocka_unit_test(test_region_under_the_frames_window),
        cmocka_unit_test(test_region_outside),
        cmocka_unit_test(test_one_frame_as_among_all),
        cmocka_unit_test(test_one_frame_costs_one_frame),
        cmocka_unit_test(test_previews_beside_descriptors),
        cmocka_unit_test(test_preview_is_the_picture),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
