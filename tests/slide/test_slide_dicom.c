/* DICOM slides read region by region, against the picture that they were cut from. */
#include <math.h>
#include <string.h>

#include "dicom/tiles.h"
#include "made_slide.h"
#include "shared_data.h"
#include "slide/slide.h"

#include "base/fs.h"

typedef struct opened {
    void *bytes;
    kin_dicom *dicom;
    kin_slide *slide;
    kin_status status;
    kin_error err;
} opened;

static opened open_bytes(void *bytes, size_t size)
{
    opened o = {.bytes = bytes};
    kin_error_clear(&o.err);
    if (kin_dicom_open(bytes, size, NULL, &o.dicom, &o.err) != KIN_OK)
        fail_msg("cannot open: %s", o.err.message);
    o.status = kin_slide_open_dicom(o.dicom, NULL, &o.slide, &o.err);
    return o;
}

static opened open_made(const made_slide *slide)
{
    size_t size;
    void *bytes = made_slide_bytes(slide, &size);
    return open_bytes(bytes, size);
}

static void close_opened(opened *o)
{
    kin_slide_close(o->slide);
    kin_dicom_close(o->dicom);
    free(o->bytes);
}

/* No two pixels near each other are alike, and yet it compresses: DCMTK 3.6.7's JPEG-LS encoder
 * writes beyond its buffer where a frame does not. */
static made_picture patterned(int width, int height, int channels)
{
    made_picture p = made_picture_new(width, height, channels, 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                p.px[(y * width + x) * channels + c] = (uint8_t)(x + 4 * y + c * 20);
    return p;
}

/* The sample that a reader should see at x, y: the picture's, or background. */
static int expected_at(const made_picture *p, int x, int y, int c)
{
    if (x >= p->width || y >= p->height)
        return p->channels == 3 ? 255 : 0;
    return p->px[(y * p->width + x) * p->channels + c];
}

/* Reads a region and compares it, within `tolerance` of 255ths. */
static void expect_region(opened *o, const made_picture *p, int x, int y, int width, int height,
                          int tolerance)
{
    kin_raster r;
    if (kin_slide_read(o->slide, 0, x, y, width, height, &r, &o->err) != KIN_OK)
        fail_msg("cannot read %d x %d at %d, %d: %s", width, height, x, y, o->err.message);
    assert_int_equal(r.channels, p->channels);
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
            for (int c = 0; c < p->channels; c++) {
                float v = r.px[(row * width + column) * p->channels + c];
                int got = (int)lrintf(v * 255), want = expected_at(p, x + column, y + row, c);
                if (abs(got - want) > tolerance)
                    fail_msg("sample %d of pixel %d, %d is %d, not %d", c, x + column, y + row, got,
                             want);
            }
    kin_raster_release(&r);
}

/* Within one tile, over borders, over the edge, single pixels, all of it. */
static void expect_picture(opened *o, const made_picture *p, int tolerance)
{
    if (o->status != KIN_OK)
        fail_msg("no slide: %s", o->err.message);
    const kin_slide_info *info = kin_slide_info_borrow(o->slide);
    assert_int_equal(info->level_count, 1);
    assert_int_equal(info->levels[0].width, p->width);
    assert_int_equal(info->levels[0].height, p->height);
    expect_region(o, p, 0, 0, p->width, p->height, tolerance);
    expect_region(o, p, 3, 2, 5, 4, tolerance);
    expect_region(o, p, 14, 9, 9, 11, tolerance);
    expect_region(o, p, p->width - 4, p->height - 3, 30, 25, tolerance);
    expect_region(o, p, p->width - 1, 0, 1, 1, tolerance);
}

static void test_tiles_make_the_picture(void **state)
{
    (void)state;
    static const kin_dicom_syntax lossless[] = {KIN_DICOM_EXPLICIT_LE, KIN_DICOM_IMPLICIT_LE,
                                                KIN_DICOM_RLE, KIN_DICOM_JPEG_LOSSLESS,
                                                KIN_DICOM_JPEG_LS};
    made_picture colour = patterned(53, 37, 3), grey = patterned(53, 37, 1);
    for (size_t i = 0; i < sizeof lossless / sizeof lossless[0]; i++)
        for (int sparse = 0; sparse < 2; sparse++)
            for (int g = 0; g < 2; g++) {
                const made_slide made = {.picture = g ? &grey : &colour,
                                         .tile_width = 16,
                                         .tile_height = 10,
                                         .mpp = 0.5,
                                         .syntax = lossless[i],
                                         .sparse = sparse != 0};
                opened o = open_made(&made);
                expect_picture(&o, made.picture, 0);
                close_opened(&o);
            }
    made_picture_release(&colour);
    made_picture_release(&grey);
}

static void test_jpeg_is_close(void **state)
{
    (void)state;
    made_picture p = made_picture_new(48, 48, 3, 200);
    for (int i = 0; i < 48 * 48; i++) {
        p.px[3 * i] = (uint8_t)(100 + 2 * (i % 48));
        p.px[3 * i + 1] = (uint8_t)(80 + i / 48);
    }
    const made_slide made = {
        .picture = &p, .tile_width = 16, .tile_height = 16, .mpp = 0.25, .syntax = KIN_DICOM_JPEG};
    opened o = open_made(&made);
    expect_picture(&o, &p, 8);
    close_opened(&o);
    made_picture_release(&p);
}

static void test_one_plane_of_a_stack(void **state)
{
    (void)state;
    made_picture p = patterned(30, 20, 3);
    for (int sparse = 0; sparse < 2; sparse++)
        for (int planes = 2; planes <= 5; planes++) {
            const made_slide made = {.picture = &p,
                                     .tile_width = 16,
                                     .tile_height = 16,
                                     .focal_planes = planes,
                                     .sparse = sparse != 0};
            opened o = open_made(&made);
            expect_picture(&o, &p, 0);
            close_opened(&o);
        }
    made_picture_release(&p);
}

static void test_missing_tiles_are_background(void **state)
{
    (void)state;
    made_picture p = patterned(64, 48, 3);
    for (int y = 0; y < 48; y++)
        memset(p.px + (y * 64 + 16) * 3, 255, 32 * 3); /* the middle two columns of tiles */
    const made_slide made = {.picture = &p,
                             .tile_width = 16,
                             .tile_height = 16,
                             .sparse = true,
                             .leave_out_blank = true};
    opened o = open_made(&made);
    expect_picture(&o, &p, 0);
    assert_int_equal(kin_dicom_header_borrow(o.dicom)->frames, 6);
    assert_true(kin_slide_has(o.slide, 0, 0, 0, 16, 16));
    assert_true(kin_slide_has(o.slide, 0, 15, 20, 2, 2));
    assert_false(kin_slide_has(o.slide, 0, 16, 0, 32, 48));
    assert_true(kin_slide_has(o.slide, 0, 16, 0, 33, 48));
    close_opened(&o);
    made_picture_release(&p);
}

/* Two parts of a concatenation: each has its own tiles in their places, and nothing else. */
static void test_parts_of_a_concatenation(void **state)
{
    (void)state;
    made_picture p = patterned(64, 32, 3), upper = patterned(64, 32, 3),
                 lower = patterned(64, 32, 3);
    memset(upper.px + 16 * 64 * 3, 255, 16 * 64 * 3);
    memset(lower.px, 255, 16 * 64 * 3);
    made_slide made = {.picture = &p, .tile_width = 16, .tile_height = 16, .part_count = 4};
    opened o = open_made(&made);
    expect_picture(&o, &upper, 0);
    close_opened(&o);
    made.part_from = 4;
    o = open_made(&made);
    expect_picture(&o, &lower, 0);
    close_opened(&o);
    made_picture_release(&p);
    made_picture_release(&upper);
    made_picture_release(&lower);
}

static void test_labels_and_levels_are_no_slides(void **state)
{
    (void)state;
    static const struct {
        const char *type, *reason;
    } others[] = {
        {"ORIGINAL\\PRIMARY\\LABEL\\NONE", "a slide's label"},
        {"ORIGINAL\\PRIMARY\\OVERVIEW\\NONE", "a slide's overview"},
        {"DERIVED\\PRIMARY\\THUMBNAIL\\RESAMPLED", "a slide's thumbnail"},
        {"ORIGINAL\\PRIMARY\\LOCALIZER\\NONE", "a slide's thumbnail"},
        {"DERIVED\\PRIMARY\\VOLUME\\RESAMPLED",
         "a slide's coarser level (its finest one is searched)"},
    };
    made_picture p = patterned(20, 20, 3);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const made_slide made = {
            .picture = &p, .tile_width = 16, .tile_height = 16, .image_type = others[i].type};
        opened o = open_made(&made);
        assert_int_equal(o.status, KIN_E_NO_IMAGE);
        assert_string_equal(o.err.message, others[i].reason);
        close_opened(&o);
    }
    made_picture_release(&p);
}

static void test_size_of_a_pixel(void **state)
{
    (void)state;
    made_picture p = patterned(20, 20, 3);
    made_slide made = {.picture = &p, .tile_width = 16, .tile_height = 16, .mpp = 0.2345};
    opened o = open_made(&made);
    const kin_slide_info *info = kin_slide_info_borrow(o.slide);
    assert_int_equal(info->mpp_source, KIN_MPP_STATED);
    assert_true(fabs(info->levels[0].mpp_x - 0.2345) < 1e-9);
    close_opened(&o);
    made.mpp = 0;
    made.objective_power = "40";
    o = open_made(&made);
    info = kin_slide_info_borrow(o.slide);
    assert_int_equal(info->mpp_source, KIN_MPP_OBJECTIVE);
    assert_true(fabs(info->levels[0].mpp_y - 0.25) < 1e-9);
    close_opened(&o);
    made.objective_power = NULL;
    o = open_made(&made);
    info = kin_slide_info_borrow(o.slide);
    assert_int_equal(info->mpp_source, KIN_MPP_ASSUMED);
    assert_true(info->levels[0].mpp_x == KIN_SLIDE_MPP_ASSUMED);
    close_opened(&o);
    made_picture_release(&p);
}

/* Squares are as large as they are said to be, whatever the pixels' size. */
static void test_squares_are_physical(void **state)
{
    (void)state;
    made_picture p = patterned(200, 100, 3);
    const made_slide made = {.picture = &p, .tile_width = 64, .tile_height = 64, .mpp = 0.25};
    opened o = open_made(&made);
    kin_raster r, by_hand, shrunk;
    assert_int_equal(kin_slide_read_square(o.slide, 5, 2.5, 20, 0.5, &r, NULL, &o.err), KIN_OK);
    assert_int_equal(r.width, 40);
    assert_int_equal(r.height, 40);
    assert_true(fabs(r.spacing_x_mm - 0.0005) < 1e-12);
    assert_int_equal(kin_slide_read(o.slide, 0, 20, 10, 80, 80, &by_hand, &o.err), KIN_OK);
    assert_int_equal(kin_raster_resample(&by_hand, 40, 40, &shrunk, &o.err), KIN_OK);
    assert_memory_equal(r.px, shrunk.px, 40 * 40 * 3 * sizeof(float));
    kin_raster_release(&shrunk);
    kin_raster_release(&by_hand);
    kin_raster_release(&r);
    /* Nothing is enlarged, and the edge cuts off. */
    assert_int_equal(kin_slide_read_square(o.slide, 45, 20, 20, 0.125, &r, NULL, &o.err), KIN_OK);
    assert_int_equal(r.width, 20);
    assert_int_equal(r.height, 20);
    kin_raster_release(&r);
    close_opened(&o);
    made_picture_release(&p);
}

static void test_no_such_region(void **state)
{
    (void)state;
    made_picture p = patterned(20, 20, 3);
    const made_slide made = {.picture = &p, .tile_width = 16, .tile_height = 16};
    opened o = open_made(&made);
    kin_raster r;
    assert_int_equal(kin_slide_read(o.slide, 0, 20, 0, 4, 4, &r, &o.err), KIN_E_ARG);
    assert_int_equal(kin_slide_read(o.slide, 0, -1, 0, 4, 4, &r, &o.err), KIN_E_ARG);
    assert_int_equal(kin_slide_read(o.slide, 1, 0, 0, 4, 4, &r, &o.err), KIN_E_ARG);
    assert_int_equal(kin_slide_read(o.slide, 0, 0, 0, 0, 4, &r, &o.err), KIN_E_ARG);
    assert_int_equal(kin_slide_read(o.slide, 0, 0, 0, 60000, 60000, &r, &o.err), KIN_E_LIMIT);
    assert_null(r.px);
    close_opened(&o);
    made_picture_release(&p);
}

static void expect_no_layout(const kin_dicom_new_attribute *attributes, size_t count, int frames,
                             kin_status status)
{
    static const uint8_t pixels[64 * 3 * 4];
    const kin_dicom_new spec = {.sop_class_uid = "1.2.840.10008.5.1.4.1.1.77.1.6",
                                .sop_instance_uid = "1.2.3",
                                .attributes = attributes,
                                .attribute_count = count,
                                .pixels = pixels,
                                .pixels_size = (size_t)(64 * 3 * frames),
                                .rows = 8,
                                .columns = 8,
                                .frames = frames,
                                .samples_per_pixel = 3};
    void *bytes = NULL;
    size_t size = 0;
    kin_error err;
    assert_int_equal(kin_dicom_write_memory(&spec, &bytes, &size, &err), KIN_OK);
    opened o = open_bytes(bytes, size);
    assert_int_equal(o.status, status);
    close_opened(&o);
}

static void test_lies_about_the_matrix(void **state)
{
    (void)state;
#define MATRIX(columns, rows, type)                                                                \
    {.path = "TotalPixelMatrixColumns", .value = (columns)},                                       \
        {.path = "TotalPixelMatrixRows", .value = (rows)},                                         \
    {                                                                                              \
        .path = "DimensionOrganizationType", .value = (type)                                       \
    }
#define PLACE(column, row)                                                                         \
    {.path = "PerFrameFunctionalGroupsSequence[0].PlanePositionSlideSequence[0]."                  \
             "ColumnPositionInTotalImagePixelMatrix",                                              \
     .value = (column)},                                                                           \
    {                                                                                              \
        .path = "PerFrameFunctionalGroupsSequence[0].PlanePositionSlideSequence[0]."               \
                "RowPositionInTotalImagePixelMatrix",                                              \
        .value = (row)                                                                             \
    }
    const kin_dicom_new_attribute few[] = {MATRIX("17", "8", "TILED_FULL")};
    expect_no_layout(few, 3, 2, KIN_E_FORMAT);
    const kin_dicom_new_attribute many[] = {MATRIX("4294967295", "4294967295", "TILED_FULL")};
    expect_no_layout(many, 3, 1, KIN_E_LIMIT);
    const kin_dicom_new_attribute nowhere[] = {MATRIX("16", "8", "TILED_SPARSE")};
    expect_no_layout(nowhere, 3, 1, KIN_E_FORMAT);
    const kin_dicom_new_attribute beyond[] = {MATRIX("16", "8", "TILED_SPARSE"), PLACE("17", "1")};
    expect_no_layout(beyond, 5, 1, KIN_E_FORMAT);
    const kin_dicom_new_attribute before[] = {MATRIX("16", "8", "TILED_SPARSE"), PLACE("1", "0")};
    expect_no_layout(before, 5, 1, KIN_E_FORMAT);
    const kin_dicom_new_attribute last[] = {MATRIX("4294967295", "4294967295", "TILED_SPARSE"),
                                            PLACE("2147483647", "2147483647")};
    expect_no_layout(last, 5, 1, KIN_OK);
}

/* highdicom's slides: their frames stand in the order of rows and columns (5 x 5 of 10 x 10). */
static void test_real_slides(void **state)
{
    (void)state;
    static const char *const names[] = {"sm_image.dcm", "sm_image_numbers.dcm",
                                        "sm_image_jpegls.dcm", "sm_image_control.dcm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512], name[128];
        snprintf(name, sizeof name, "dicom/wsi-and-seg/%s", names[i]);
        void *bytes;
        size_t size;
        kin_error err;
        shared_data(path, sizeof path, name);
        assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 20, &bytes, &size, &err),
                         KIN_OK);
        opened o = open_bytes(bytes, size);
        assert_int_equal(o.status, KIN_OK);
        assert_true(fabs(kin_slide_info_borrow(o.slide)->levels[0].mpp_x - 0.499) < 1e-6);
        const kin_dicom_header *h = kin_dicom_header_borrow(o.dicom);
        int channels = h->samples_per_pixel;
        made_picture p = made_picture_new(50, 50, channels, 0);
        for (int f = 0; f < h->frames; f++) {
            kin_samples samples;
            assert_int_equal(kin_dicom_read_samples(o.dicom, f, &samples, &err), KIN_OK);
            for (int y = 0; y < 10; y++)
                memcpy(p.px + ((f / 5 * 10 + y) * 50 + f % 5 * 10) * channels,
                       (const uint8_t *)samples.data + y * 10 * channels, (size_t)(10 * channels));
            free(samples.data);
        }
        expect_picture(&o, &p, 0);
        made_picture_release(&p);
        close_opened(&o);
    }
}

int main(void)
{
    kin_error err;
    if (kin_dicom_prepare(&err) != KIN_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_make_the_picture),
        cmocka_unit_test(test_jpeg_is_close),
        cmocka_unit_test(test_one_plane_of_a_stack),
        cmocka_unit_test(test_missing_tiles_are_background),
        cmocka_unit_test(test_parts_of_a_concatenation),
        cmocka_unit_test(test_labels_and_levels_are_no_slides),
        cmocka_unit_test(test_size_of_a_pixel),
        cmocka_unit_test(test_squares_are_physical),
        cmocka_unit_test(test_no_such_region),
        cmocka_unit_test(test_lies_about_the_matrix),
        cmocka_unit_test(test_real_slides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
