/* Frames with places hidden: what comes through a worker is what this process computes, and a
 * worker's lies are told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "standard.h"
#include "decode/answers.h"
#include "decode/decoder.h"
#include "features/occlude.h"
#include "image/write.h"

enum { GRID = 3, CELLS = GRID * GRID };

typedef struct grid {
    float *values;
    kin_box box;
    int cells, headers, frames;
} grid;

static void keep(grid *to, int cell, const float *descriptor)
{
    assert_int_equal(cell, to->cells++);
    memcpy(to->values + standard_length() * (size_t)cell, descriptor,
           standard_length() * sizeof(float));
}

static kin_status keep_occluded(void *ctx, const kin_decode_occluded *occluded, kin_error *err)
{
    grid *to = ctx;
    (void)err;
    assert_int_equal(to->headers, 1);
    assert_int_equal(to->frames, 0);
    to->box =
        (kin_box){(int)occluded->x, (int)occluded->y, (int)occluded->width, (int)occluded->height};
    keep(to, (int)occluded->cell, occluded->descriptor);
    return KIN_OK;
}

static kin_status keep_here(void *ctx, int cell, const float *descriptor, kin_error *err)
{
    (void)err;
    keep(ctx, cell, descriptor);
    return KIN_OK;
}

static kin_status count_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)header;
    (void)err;
    ((grid *)ctx)->headers++;
    return KIN_OK;
}

static kin_status count_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)frame;
    (void)err;
    ((grid *)ctx)->frames++;
    return KIN_OK;
}

static grid empty_grid(void)
{
    grid made = {.values = calloc(CELLS * standard_length(), sizeof(float))};
    assert_non_null(made.values);
    return made;
}

static kin_decoder *decoder_new(void)
{
    const kin_decode_features features = {.length = standard_length()};
    kin_decoder *decoder = NULL;
    assert_int_equal(kin_decoder_new(WORKER, &features, NULL, &decoder, NULL), KIN_OK);
    return decoder;
}

/* A picture through a worker and in this process, whole or (mask, region) a part of it. */
static void expect_the_same(const kin_mask *mask, const kin_region *region)
{
    kin_raster raster;
    void *png;
    size_t size;
    assert_int_equal(kin_raster_init(&raster, 80, 60, 1, NULL), KIN_OK);
    for (int y = 20; y < 50; y++)
        for (int x = 10; x < 60; x++)
            raster.px[y * 80 + x] = (float)(100 + (x * 5 + y * 3) % 90) / 255;
    assert_int_equal(kin_image_encode_png(&raster, &png, &size, NULL), KIN_OK);
    grid here = empty_grid(), there = empty_grid();
    assert_int_equal(kin_describe_occluded(standard_extractor(), &raster, mask, GRID, &here.box,
                                           keep_here, &here, NULL),
                     KIN_OK);
    kin_decoder *decoder = decoder_new();
    const kin_decode_wish wish = {.one_frame = true,
                                  .occlude = GRID,
                                  .regions = region,
                                  .region_count = region != NULL ? 1 : 0};
    const kin_decode_sink sink = {
        .header = count_header, .frame = count_frame, .occluded = keep_occluded, .ctx = &there};
    kin_error err = {0};
    if (kin_decoder_run_bytes(decoder, png, size, "x.png", &wish, &sink, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(there.cells, CELLS);
    assert_int_equal(there.frames, 1);
    assert_memory_equal(&there.box, &here.box, sizeof here.box);
    assert_memory_equal(there.values, here.values, CELLS * standard_length() * sizeof(float));
    kin_decoder_free(decoder);
    free(there.values);
    free(here.values);
    free(png);
    kin_raster_release(&raster);
}

static void through_a_worker_as_here(void **state)
{
    (void)state;
    expect_the_same(NULL, NULL);
}

static void a_region_through_a_worker_as_here(void **state)
{
    double corners[8] = {22, 28, 40, 28, 40, 44, 22, 44};
    kin_shape shape = {.kind = KIN_SHAPE_OUTLINE, .points = corners, .count = 4};
    const kin_region region = {
        .frame = KIN_REGION_ANY_FRAME, .number = 1, .shapes = &shape, .shape_count = 1};
    kin_mask mask;
    (void)state;
    assert_int_equal(kin_mask_init(&mask, 80, 60, NULL), KIN_OK);
    kin_mask_add_box(&mask, (kin_box){22, 28, 18, 16});
    expect_the_same(&mask, &region);
    kin_mask_release(&mask);
}

static void wishes_that_make_no_sense(void **state)
{
    static const kin_decode_region part = {0, 0, 5, 5};
    static const kin_decode_wish wishes[] = {
        {.occlude = GRID},
        {.one_frame = true, .occlude = 1},
        {.one_frame = true, .occlude = KIN_OCCLUDE_SIDE_MAX + 1},
        {.one_frame = true, .occlude = GRID, .region = &part}};
    grid none = {0};
    const kin_decode_sink sink = {.ctx = &none};
    (void)state;
    kin_decoder *decoder = decoder_new();
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        kin_error err;
        assert_int_equal(
            kin_decoder_run_bytes(decoder, "bytes", 5, "x.png", &wishes[i], &sink, &err),
            KIN_E_ARG);
        assert_non_null(strstr(err.message, "occlude: "));
    }
    assert_int_equal(kin_decoder_starts(decoder), 0);
    kin_decoder_free(decoder);
}

/* One answer of a worker to a wish for a grid of 2 x 2, after `seen` cells. */
typedef struct offer {
    bool has_header, has_box;
    int frames_seen;
    uint32_t seen, cell, x, width, height;
    size_t length;
    float value;
    const char *fault; /* NULL: it is taken */
} offer;

static kin_status take(void *ctx, const kin_decode_occluded *occluded, kin_error *err)
{
    (void)occluded;
    (void)err;
    ++*(int *)ctx;
    return KIN_OK;
}

static void lies_are_told(void **state)
{
    static const offer offers[] = {
        {true, true, 0, 0, 0, 5, 8, 9, 2, 0.5f, NULL},
        {true, true, 0, 3, 3, 5, 8, 9, 2, 0.5f, NULL},
        {false, true, 0, 0, 0, 5, 8, 9, 2, 0.5f, "out of order"},
        {true, true, 1, 3, 3, 5, 8, 9, 2, 0.5f, "out of order"},
        {true, true, 0, 1, 0, 5, 8, 9, 2, 0.5f, "nobody asked for"},
        {true, true, 0, 4, 4, 5, 8, 9, 2, 0.5f, "nobody asked for"},
        {true, false, 0, 0, 0, 5, 8, 9, 2, 0.5f, "impossible size"},
        {true, true, 0, 0, 0, 5, 0, 9, 2, 0.5f, "impossible size"},
        {true, true, 0, 0, 0, 5, 8, UINT32_MAX, 2, 0.5f, "impossible size"},
        {true, true, 0, 0, 0, INT32_MAX, 8, 9, 2, 0.5f, "impossible size"},
        {true, true, 0, 0, 0, 5, 8, 9, 1, 0.5f, "another length"},
        {true, true, 0, 0, 0, 5, 8, 9, 2, NAN, "not finite"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        const offer *given = &offers[i];
        int taken = 0;
        const kin_decode_sink sink = {.occluded = take, .ctx = &taken};
        kin_answers answers = {.length = 2,
                               .wish = {.one_frame = true, .occlude = 2},
                               .sink = &sink,
                               .has_header = given->has_header,
                               .frames = 1,
                               .frames_seen = given->frames_seen,
                               .hidden_seen = given->seen};
        float values[2] = {0.5f, given->value};
        Kindred__Worker__V1__Region box = KINDRED__WORKER__V1__REGION__INIT;
        box.x = given->x;
        box.width = given->width;
        box.height = given->height;
        Kindred__Worker__V1__Occluded occluded = KINDRED__WORKER__V1__OCCLUDED__INIT;
        occluded.cell = given->cell;
        occluded.box = given->has_box ? &box : NULL;
        occluded.n_descriptor = given->length;
        occluded.descriptor = values;
        Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
        answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_OCCLUDED;
        answer.occluded = &occluded;
        kin_error err = {0};
        kin_status status = kin_answers_take(&answers, &answer, &err);
        if (given->fault == NULL
                ? status != KIN_OK
                : status != KIN_E_INTERNAL || strstr(err.message, given->fault) == NULL)
            fail_msg("offer %zu: status %d, \"%s\"", i, status, err.message);
        assert_int_equal(taken, given->fault == NULL);
    }
}

/* A frame that comes before all of its hidden places have. */
static void none_is_left_out(void **state)
{
    int taken = 0;
    const kin_decode_sink sink = {.occluded = take, .ctx = &taken};
    kin_answers answers = {.length = 1,
                           .wish = {.one_frame = true, .occlude = 2},
                           .sink = &sink,
                           .has_header = true,
                           .frames = 1,
                           .hidden_seen = 3};
    float value = 1;
    Kindred__Worker__V1__Frame frame = KINDRED__WORKER__V1__FRAME__INIT;
    frame.width = frame.height = 9;
    frame.n_descriptor = 1;
    frame.descriptor = &value;
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &frame;
    kin_error err = {0};
    (void)state;
    assert_int_equal(kin_answers_take(&answers, &answer, &err), KIN_E_INTERNAL);
    assert_non_null(strstr(err.message, "without its hidden places"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_a_worker_as_here),
        cmocka_unit_test(a_region_through_a_worker_as_here),
        cmocka_unit_test(wishes_that_make_no_sense),
        cmocka_unit_test(lies_are_told),
        cmocka_unit_test(none_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
