/* preview.h: sizes of previews, and that the program's side takes every one that a worker makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/answers.h"
#include "decode/preview.h"
#include "random.h"

static kin_raster make(int width, int height, double spacing_x, double spacing_y)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, 1, NULL), KIN_OK);
    raster.spacing_x_mm = spacing_x;
    raster.spacing_y_mm = spacing_y;
    return raster;
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        int width, height;
        double x, y; /* spacing */
        uint32_t side, wanted_width, wanted_height;
    } cases[] = {
        {512, 512, 0, 0, 256, 256, 256},
        {512, 512, 0.7, 0.7, 128, 128, 128},
        {640, 480, 0, 0, 256, 256, 192},
        {480, 640, 0, 0, 256, 192, 256},
        {100, 60, 0, 0, 256, 100, 60}, /* never enlarged */
        {1, 1, 0, 0, 1, 1, 1},
        {5000, 3, 0, 0, 256, 256, 1}, /* never without pixels */
        {3, 5000, 0, 0, 64, 1, 64},
        {512, 256, 1, 2, 256, 256, 256}, /* high pixels: square in space */
        {512, 256, 2, 1, 256, 256, 64},
        {100, 60, 2, 1, 256, 100, 30}, /* also where nothing shrinks */
        {100, 60, 1, 2, 256, 50, 60},
        {100, 60, 1, 100, 256, 100, 60}, /* beyond belief: an error of the spacing */
        {100, 60, 1.0001, 1, 256, 100, 60},
        {2, 60, 1, 16, 256, 1, 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_raster raster = make(cases[i].width, cases[i].height, cases[i].x, cases[i].y);
        kin_preview preview;
        assert_int_equal(kin_preview_make(&raster, cases[i].side, &preview, NULL), KIN_OK);
        if (preview.width != cases[i].wanted_width || preview.height != cases[i].wanted_height)
            fail_msg("case %zu: %u x %u", i, preview.width, preview.height);
        kin_preview_release(&preview);
        assert_null(preview.samples);
        kin_raster_release(&raster);
    }
}

static void test_grey_colours_are_grey(void **state)
{
    (void)state;
    kin_raster raster;
    kin_preview preview;
    assert_int_equal(kin_raster_init(&raster, 20, 20, 3, NULL), KIN_OK);
    for (int i = 0; i < 20 * 20 * 3; i++)
        raster.px[i] = (float)(i / 3 % 7) / 7.0f;
    assert_int_equal(kin_preview_make(&raster, 9, &preview, NULL), KIN_OK);
    assert_int_equal(preview.channels, 1);
    kin_preview_release(&preview);
    raster.px[0] = 1.0f; /* one coloured pixel, and it shows */
    assert_int_equal(kin_preview_make(&raster, 9, &preview, NULL), KIN_OK);
    assert_int_equal(preview.channels, 3);
    assert_true(preview.samples[0] > preview.samples[1]);
    kin_preview_release(&preview);
    kin_raster_release(&raster);
}

/* A sink that takes all. */
static kin_status take(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)err;
    *(uint32_t *)ctx = frame->preview_width * frame->preview_height;
    return KIN_OK;
}

static kin_status offer(const kin_raster *raster, const kin_preview *preview, uint32_t side,
                        uint32_t *taken, kin_error *err)
{
    float descriptor = 0.5f;
    const kin_decode_sink sink = {.frame = take, .ctx = taken};
    kin_answers answers = {.length = 1,
                           .wish = {.preview_side = side},
                           .sink = &sink,
                           .has_header = true,
                           .frames = 1};
    Kindred__Worker__V1__Preview picture = KINDRED__WORKER__V1__PREVIEW__INIT;
    picture.width = preview->width;
    picture.height = preview->height;
    picture.channels = preview->channels;
    picture.samples.data = preview->samples;
    picture.samples.len = (size_t)preview->width * preview->height * preview->channels;
    Kindred__Worker__V1__Frame frame = KINDRED__WORKER__V1__FRAME__INIT;
    frame.width = (uint32_t)raster->width;
    frame.height = (uint32_t)raster->height;
    frame.n_descriptor = 1;
    frame.descriptor = &descriptor;
    frame.preview = &picture;
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &frame;
    return kin_answers_take(&answers, &answer, err);
}

/* From 1 to about 4000, small ones as often as large ones. */
static int random_side(uint64_t *random)
{
    return 1 + (int)(random_bits(random) % (UINT64_C(1) << (random_bits(random) % 13)));
}

/* The check of shapes is for liars: no frame, however odd, has a preview that it refuses. */
static void test_every_preview_is_taken(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int i = 0; i < 1000; i++) {
        int width = random_side(&random), height = random_side(&random);
        if (width * height > 100000)
            height = 1 + 100000 / width;
        double x = 0.1 + 4 * random_unit(&random), y = 0.1 + 4 * random_unit(&random);
        uint32_t side = 1 + (uint32_t)(random_bits(&random) % 256), taken = 0;
        kin_raster raster = make(width, height, x, y);
        kin_preview preview;
        kin_error err;
        kin_error_clear(&err);
        assert_int_equal(kin_preview_make(&raster, side, &preview, NULL), KIN_OK);
        if (offer(&raster, &preview, side, &taken, &err) != KIN_OK)
            fail_msg("%d x %d of %g x %g mm as %u x %u: %s", width, height, x, y, preview.width,
                     preview.height, err.message);
        assert_int_equal(taken, preview.width * preview.height);
        kin_preview_release(&preview);
        kin_raster_release(&raster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_grey_colours_are_grey),
        cmocka_unit_test(test_every_preview_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
