/* Slides through the decoders' worker: what comes out of its sandbox is what the slide shows. */
#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "decode/decoder.h"
#include "features/features.h"
#include "patch_slide.h"
#include "shared_data.h"
#include "slide/mosaic.h"

enum { TILES_MAX = 128, FLOATS_MAX = 8192 };

typedef struct received {
    int announced, frames;
    char attributes[2048]; /* "name=value\n" */
    kin_decode_tile tiles[TILES_MAX];
    bool placed[TILES_MAX];
    uint32_t index[TILES_MAX], width[TILES_MAX], height[TILES_MAX];
    float descriptors[TILES_MAX][FLOATS_MAX];
} received;

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)err;
    received *got = ctx;
    size_t used = 0;
    got->announced = header->frames;
    for (size_t i = 0; i < header->attribute_count && used < sizeof got->attributes; i++)
        used += (size_t)snprintf(got->attributes + used, sizeof got->attributes - used, "%s=%s\n",
                                 header->attributes[i].name, header->attributes[i].value);
    return KIN_OK;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)err;
    received *got = ctx;
    assert_true(got->frames < TILES_MAX && frame->length <= FLOATS_MAX);
    int i = got->frames++;
    got->placed[i] = frame->tile != NULL;
    if (frame->tile != NULL)
        got->tiles[i] = *frame->tile;
    got->index[i] = frame->index;
    got->width[i] = frame->width;
    got->height[i] = frame->height;
    memcpy(got->descriptors[i], frame->descriptor, frame->length * sizeof(float));
    return KIN_OK;
}

static kin_extractor *extractor;
static kin_decoder *decoder;

static received *receive(const void *bytes, size_t size, const char *path,
                         const kin_decode_wish *wish, kin_status expected, kin_error *err)
{
    received *got = calloc(1, sizeof *got);
    assert_non_null(got);
    const kin_decode_sink sink = {.header = on_header, .frame = on_frame, .ctx = got};
    kin_status status = bytes != NULL
                            ? kin_decoder_run_bytes(decoder, bytes, size, "slide", wish, &sink, err)
                            : kin_decoder_run(decoder, path, wish, &sink, err);
    if (status != expected)
        fail_msg("status %d: %s", status, status != KIN_OK ? err->message : "");
    return got;
}

/* Each frame is what kin_mosaic_read() and the extractor make of its tile. */
static void expect_mosaic(const received *got, kin_slide *slide)
{
    kin_error err;
    kin_mosaic mosaic;
    size_t length = kin_extractor_length(extractor);
    assert_int_equal(kin_mosaic_make(slide, NULL, NULL, &mosaic, &err), KIN_OK);
    assert_int_equal(got->announced, mosaic.count);
    assert_int_equal(got->frames, mosaic.count);
    for (int i = 0; i < got->frames; i++) {
        kin_raster r;
        kin_mosaic_place place;
        float expected[FLOATS_MAX];
        assert_int_equal(kin_mosaic_read(slide, &mosaic, (size_t)i, &r, &place, &err), KIN_OK);
        assert_true(got->placed[i]);
        assert_int_equal(got->index[i], i);
        assert_int_equal(got->width[i], r.width);
        assert_int_equal(got->height[i], r.height);
        assert_int_equal(got->tiles[i].x, place.x);
        assert_int_equal(got->tiles[i].y, place.y);
        assert_int_equal(got->tiles[i].level, place.level);
        assert_true(got->tiles[i].mpp == place.mpp);
        if (i % 8 == 0) { /* describing takes its time */
            assert_int_equal(kin_extractor_describe(extractor, &r, expected, &err), KIN_OK);
            assert_memory_equal(got->descriptors[i], expected, length * sizeof(float));
        }
        kin_raster_release(&r);
    }
    kin_mosaic_release(&mosaic);
}

static void test_dicom_slide(void **state)
{
    (void)state;
    patch_slide patches = patch_slide_new("14082", 0, INT32_MAX);
    const made_slide made = {.picture = &patches.picture,
                             .tile_width = 256,
                             .tile_height = 256,
                             .mpp = PATCH_MPP,
                             .sparse = true,
                             .leave_out_blank = true};
    size_t size;
    kin_error err;
    void *bytes = made_slide_bytes(&made, &size);
    received *got = receive(bytes, size, NULL, NULL, KIN_OK, &err);
    assert_non_null(strstr(got->attributes, "slide_mpp=4\n"));
    assert_non_null(strstr(got->attributes, "slide_width=2900\n"));
    kin_dicom *dicom;
    kin_slide *slide;
    assert_int_equal(kin_dicom_open(bytes, size, NULL, &dicom, &err), KIN_OK);
    assert_int_equal(kin_slide_open_dicom(dicom, NULL, &slide, &err), KIN_OK);
    expect_mosaic(got, slide);
    kin_slide_close(slide);
    kin_dicom_close(dicom);

    const kin_decode_wish one = {.one_frame = true, .frame = 7, .preview_side = 40};
    received *tile = receive(bytes, size, NULL, &one, KIN_OK, &err);
    assert_int_equal(tile->frames, 1);
    assert_int_equal(tile->index[0], 7);
    assert_int_equal(tile->tiles[0].x, got->tiles[7].x);
    assert_memory_equal(tile->descriptors[0], got->descriptors[7],
                        kin_extractor_length(extractor) * sizeof(float));
    free(tile);
    const kin_decode_wish none = {.one_frame = true, .frame = 5000};
    free(receive(bytes, size, NULL, &none, KIN_E_NOT_FOUND, &err));
    free(got);
    free(bytes);
    patch_slide_release(&patches);
}

static void test_scanner_slide(void **state)
{
    (void)state;
    char path[512];
    kin_error err;
    kin_slide *slide;
    if (!kin_slide_has_openslide())
        skip();
    shared_data(path, sizeof path, "slides/cmu-1-small-region.svs");
    received *got = receive(NULL, 0, path, NULL, KIN_OK, &err);
    assert_non_null(strstr(got->attributes, "slide_format=aperio\n"));
    assert_non_null(strstr(got->attributes, "slide_objective_power=20\n"));
    assert_non_null(strstr(got->attributes, "slide_mpp_source=stated\n"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(kin_slide_open_fd(fd, NULL, &slide, &err), KIN_OK);
    expect_mosaic(got, slide);
    kin_slide_close(slide);
    close(fd);
    free(got);
}

static void test_broken_slides(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } files[] = {
        {"slides/broken.svs", "of no format that is known, in spite of its name"},
        {"slides/openslide_python_fixtures/unreadable.svs", "OpenSlide cannot read the slide"},
        {"slides/openslide_python_fixtures/unopenable.tiff", "OpenSlide cannot read the slide"},
    };
    if (!kin_slide_has_openslide())
        skip();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        kin_error err;
        shared_data(path, sizeof path, files[i].name);
        free(receive(NULL, 0, path, NULL, KIN_E_FORMAT, &err));
        if (strstr(err.message, files[i].reason) == NULL)
            fail_msg("%s: %s", files[i].name, err.message);
    }
    assert_int_equal(kin_decoder_starts(decoder), 1); /* none of them cost a worker */
}

/* A picture that begins as TIFF, but is none, is no slide either: nobody opens a database over
 * it. */
static void test_dicom_behind_a_tiff_preamble(void **state)
{
    (void)state;
    char path[512];
    kin_error err;
    shared_data(path, sizeof path, "dicom/wsi-and-seg/ct_image.dcm");
    received *got = receive(NULL, 0, path, NULL, KIN_OK, &err);
    assert_int_equal(got->frames, 1);
    assert_false(got->placed[0]);
    free(got);
    static const char stub[] = "II*\0\377\377\377\377 and nothing of what a TIFF file has";
    free(receive(stub, sizeof stub, NULL, NULL, KIN_E_FORMAT, &err));
    assert_int_equal(kin_decoder_starts(decoder), 1);
}

static int set_up(void **state)
{
    (void)state;
    kin_error err;
    const kin_decode_limits limits = {.seconds = 120};
    if (kin_dicom_prepare(&err) != KIN_OK ||
        kin_extractor_new("classic", &extractor, &err) != KIN_OK)
        return 1;
    const kin_decode_features features = {.spec = "classic",
                                          .signature = kin_extractor_signature_borrow(extractor),
                                          .length = kin_extractor_length(extractor)};
    return kin_decoder_new(WORKER, &features, &limits, &decoder, &err) != KIN_OK;
}

static int tear_down(void **state)
{
    (void)state;
    kin_decoder_free(decoder);
    kin_extractor_free(extractor);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dicom_slide),
        cmocka_unit_test(test_scanner_slide),
        cmocka_unit_test(test_broken_slides),
        cmocka_unit_test(test_dicom_behind_a_tiff_preamble),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
