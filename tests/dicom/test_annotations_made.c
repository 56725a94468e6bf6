/* Annotations that no shared file has: every type of segmentation, contours with holes and without
 * images, reports by reference and of CAD, and what is broken or too much. */
#include "dicom/annotations.h"

#include <math.h>
#include <string.h>

#include "data_set.h"
#include "shared_data.h"

#define SEG_CLASS   "1.2.840.10008.5.1.4.1.1.66.4"
#define LABEL_CLASS "1.2.840.10008.5.1.4.1.1.66.7"
#define RT_CLASS    "1.2.840.10008.5.1.4.1.1.481.3"
#define SR_CLASS    "1.2.840.10008.5.1.4.1.1.88.34"

enum { MOST = 64 };

static struct {
    kin_region list[MOST];
    size_t count, skipped;
    kin_error err;
} got;

static kin_status keep(void *ctx, kin_region *region, kin_error *err)
{
    (void)ctx;
    (void)err;
    assert_true(got.count < MOST);
    got.list[got.count++] = *region;
    memset(region, 0, sizeof *region);
    return KIN_OK;
}

static void forget(void)
{
    for (size_t i = 0; i < got.count; i++)
        kin_region_release(&got.list[i]);
    memset(&got, 0, sizeof got);
}

/* Reads the file and frees its bytes; what came is in `got`. */
static kin_status read_file(builder *b)
{
    kin_dicom *dicom = NULL;
    const kin_region_sink sink = {keep, NULL};
    forget();
    kin_status status = kin_dicom_open(b->bytes, b->size, NULL, &dicom, &got.err);
    if (status == KIN_OK) {
        assert_true(kin_dicom_is_annotation(dicom));
        status = kin_dicom_annotations_read(dicom, &sink, &got.skipped, &got.err);
    }
    kin_dicom_close(dicom);
    free(b->bytes);
    memset(b, 0, sizeof *b);
    return status;
}

static void read_well(builder *b, size_t regions)
{
    if (read_file(b) != KIN_OK)
        fail_msg("%s", got.err.message);
    assert_int_equal(got.count, regions);
}

/* --- segmentations --- */

enum { SIDE = 4 };

typedef struct seg_spec {
    const char *sop_class, *type;
    unsigned bits, frames, segments;
    unsigned maximum;         /* 0: not said */
    int padding;              /* -1: not said */
    const char *source;       /* of every frame, or NULL */
    const char *source_frame; /* or NULL */
    const char *series;       /* or NULL */
    const char *space;        /* frame of reference, or NULL */
    bool unnamed_segments;    /* frames do not say theirs */
} seg_spec;

static void put_frame_groups(builder *b, const seg_spec *spec, unsigned frame)
{
    open_item(b);
    if (spec->source != NULL) {
        open_one(b, 0x00089124);
        open_one(b, 0x00082112);
        put_text(b, 0x00081155, "UI", spec->source);
        if (spec->source_frame != NULL)
            put_text(b, 0x00081160, "IS", spec->source_frame);
        close_one(b);
        close_one(b);
    }
    if (!spec->unnamed_segments) {
        open_one(b, 0x0062000a);
        put_us(b, 0x0062000b, frame % spec->segments + 1);
        close_one(b);
    }
    close_item(b);
}

static builder make_seg(const seg_spec *spec, const void *pixels, size_t size)
{
    char text[24];
    builder b = {0};
    begin_file(&b, spec->sop_class);
    if (spec->series != NULL) {
        open_one(&b, 0x00081115);
        put_text(&b, 0x0020000e, "UI", spec->series);
        close_one(&b);
    }
    if (spec->space != NULL)
        put_text(&b, 0x00200052, "UI", spec->space);
    put_us(&b, 0x00280002, 1);
    put_text(&b, 0x00280004, "CS", "MONOCHROME2");
    snprintf(text, sizeof text, "%u", spec->frames);
    put_text(&b, 0x00280008, "IS", text);
    put_us(&b, 0x00280010, SIDE);
    put_us(&b, 0x00280011, SIDE);
    put_us(&b, 0x00280100, spec->bits);
    put_us(&b, 0x00280101, spec->bits);
    put_us(&b, 0x00280102, spec->bits - 1);
    put_us(&b, 0x00280103, 0);
    if (spec->padding >= 0)
        put_us(&b, 0x00280120, (unsigned)spec->padding);
    put_text(&b, 0x00620001, "CS", spec->type);
    open_sequence(&b, 0x00620002);
    for (unsigned i = 0; i < spec->segments; i++) {
        open_item(&b);
        put_us(&b, 0x00620004, i + 1);
        snprintf(text, sizeof text, "segment %u", i + 1);
        put_text(&b, 0x00620005, "LO", text);
        close_item(&b);
    }
    close_sequence(&b);
    if (spec->maximum > 0)
        put_us(&b, 0x0062000e, spec->maximum);
    open_sequence(&b, 0x52009230);
    for (unsigned i = 0; i < spec->frames; i++)
        put_frame_groups(&b, spec, i);
    close_sequence(&b);
    put_pixels(&b, spec->bits > 8 ? "OW" : "OB", pixels, size);
    return b;
}

static void fractions_count_from_half_on(void **state)
{
    (void)state;
    uint8_t pixels[SIDE * SIDE] = {0, 1, 49, 50, 51, 100};
    static const struct {
        unsigned maximum;
        size_t area;
    } cases[] = {{100, 3}, {255, 0}, {101, 2}, {1, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const seg_spec spec = {SEG_CLASS, "FRACTIONAL", 8,    1,    1,    cases[i].maximum,
                               -1,        "1.2.3",      NULL, NULL, NULL, false};
        builder b = make_seg(&spec, pixels, sizeof pixels);
        read_well(&b, cases[i].area > 0);
        if (cases[i].area > 0)
            assert_int_equal(kin_mask_area(&got.list[0].shapes[0].mask), cases[i].area);
    }
    const seg_spec spec = {SEG_CLASS, "FRACTIONAL", 8,    1,    1,    0,
                           -1,        "1.2.3",      NULL, NULL, NULL, false};
    builder b = make_seg(&spec, pixels, sizeof pixels);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
}

static void label_maps_hold_any_number_of_segments(void **state)
{
    (void)state;
    uint16_t pixels[SIDE * SIDE] = {0, 0, 1, 1, 1, 7, 7, 65535, 2, 2, 2, 2, 2};
    seg_spec spec = {LABEL_CLASS, "LABELMAP", 16, 1, 2, 0, 7, "1.2.3", NULL, NULL, NULL, true};
    builder b = make_seg(&spec, pixels, sizeof pixels);
    read_well(&b, 4); /* 7 is no segment: so it says */
    static const struct {
        uint32_t number;
        size_t area;
        const char *label;
    } wanted[] = {{0, 5, ""}, {1, 3, "segment 1"}, {2, 5, "segment 2"}, {65535, 1, ""}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(got.list[i].number, wanted[i].number);
        assert_int_equal(kin_mask_area(&got.list[i].shapes[0].mask), wanted[i].area);
        assert_string_equal(got.list[i].label, wanted[i].label);
    }
    assert_int_equal(got.list[3].shapes[0].mask.in[7], 1);
    spec.padding = -1; /* then 0 is none */
    b = make_seg(&spec, pixels, sizeof pixels);
    read_well(&b, 4);
    assert_int_equal(got.list[0].number, 1);
    assert_int_equal(got.list[2].number, 7);
}

/* Frames of 16 bits, whose bytes come in pairs; two segments by turns. */
static void bits_are_unpacked(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0x01, 0x80, 0xff, 0x00, 0x00, 0x00, 0x10, 0x10};
    const seg_spec spec = {SEG_CLASS, "BINARY", 1, 4, 2, 0, -1, "1.2.3", "5\\9", NULL, NULL, false};
    builder b = make_seg(&spec, pixels, sizeof pixels);
    read_well(&b, 6); /* three frames with pixels, of two frames each */
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(got.list[i].frame, i % 2 == 0 ? 4 : 8);
        assert_string_equal(got.list[i].sop_instance_uid, "1.2.3");
    }
    static const uint8_t first[SIDE * SIDE] = {[0] = 1, [15] = 1};
    assert_memory_equal(got.list[0].shapes[0].mask.in, first, sizeof first);
    assert_memory_equal(got.list[1].shapes[0].mask.in, first, sizeof first);
    assert_int_equal(got.list[0].number, 1);
    assert_int_equal(got.list[2].number, 2);
    assert_int_equal(kin_mask_area(&got.list[2].shapes[0].mask), 8);
    assert_int_equal(got.list[4].number, 2); /* the third frame is empty */
}

static void images_may_be_named_by_series_or_space(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0xff, 0xff};
    seg_spec spec = {SEG_CLASS, "BINARY", 1, 1, 1, 0, -1, NULL, NULL, "1.2.4", "1.2.5", false};
    builder b = make_seg(&spec, pixels, sizeof pixels);
    read_well(&b, 1);
    assert_string_equal(got.list[0].sop_instance_uid, "");
    assert_string_equal(got.list[0].series_instance_uid, "1.2.4");
    assert_string_equal(got.list[0].frame_of_reference_uid, "1.2.5");
    assert_true(got.list[0].frame == KIN_REGION_ANY_FRAME);
    spec.series = spec.space = NULL;
    b = make_seg(&spec, pixels, sizeof pixels);
    assert_int_equal(read_file(&b), KIN_E_UNSUPPORTED);
    assert_int_equal(got.skipped, 1);
}

static void broken_segmentations_are_refused(void **state)
{
    (void)state;
    static const uint8_t pixels[8];
    const seg_spec unnamed = {SEG_CLASS, "BINARY", 1, 2, 2, 0, -1, "1.2.3", NULL, NULL, NULL, true};
    builder b = make_seg(&unnamed, pixels, 4);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
    const seg_spec none = {SEG_CLASS, "BINARY", 1, 1, 0, 0, -1, "1.2.3", NULL, NULL, NULL, true};
    b = make_seg(&none, pixels, 2);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
    const seg_spec odd = {SEG_CLASS, "MANIFOLD", 1, 1, 1, 0, -1, "1.2.3", NULL, NULL, NULL, false};
    b = make_seg(&odd, pixels, 2);
    assert_int_equal(read_file(&b), KIN_E_UNSUPPORTED);
    const seg_spec cut = {SEG_CLASS, "BINARY", 1, 5, 1, 0, -1, "1.2.3", NULL, NULL, NULL, false};
    b = make_seg(&cut, pixels, 8); /* 80 bits in 8 bytes */
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
}

/* --- structure sets --- */

/* One contour; image NULL: names none. */
typedef struct contour {
    const char *geometry, *data, *image;
} contour;

static builder make_structures(const contour *contours, size_t count)
{
    builder b = {0};
    begin_file(&b, RT_CLASS);
    open_one(&b, 0x30060020);
    put_text(&b, 0x30060022, "IS", "5");
    put_text(&b, 0x30060024, "UI", "1.2.6");
    put_text(&b, 0x30060026, "LO", "GTV-1");
    close_one(&b);
    open_one(&b, 0x30060039);
    open_sequence(&b, 0x30060040);
    for (size_t i = 0; i < count; i++) {
        open_item(&b);
        if (contours[i].image != NULL) {
            open_one(&b, 0x30060016);
            put_text(&b, 0x00081155, "UI", contours[i].image);
            close_one(&b);
        }
        put_text(&b, 0x30060042, "CS", contours[i].geometry);
        put_text(&b, 0x30060050, "DS", contours[i].data);
        close_item(&b);
    }
    close_sequence(&b);
    put_text(&b, 0x30060084, "IS", "5");
    close_one(&b);
    open_one(&b, 0x30060080);
    put_text(&b, 0x30060084, "IS", "5");
    put_text(&b, 0x300600a4, "CS", "GTV");
    close_one(&b);
    return b;
}

#define SQUARE_10 "0\\0\\7\\10\\0\\7\\10\\10\\7\\0\\10\\7"
#define SQUARE_4  "3\\3\\7\\3\\7\\7\\7\\7\\7\\7\\3\\7"
#define KEYHOLE                                                                                    \
    "0\\5\\7\\0\\0\\7\\10\\0\\7\\10\\10\\7\\0\\10\\7\\0\\5\\7\\"                                   \
    "3\\5\\7\\3\\7\\7\\7\\7\\7\\7\\3\\7\\3\\3\\7\\3\\5\\7"

static size_t area_at(const kin_region *region, double z)
{
    const kin_plane plane = {.known = true,
                             .origin = {-4.5, -4.5, z},
                             .along_row = {1, 0, 0},
                             .along_column = {0, 1, 0},
                             .spacing_x_mm = 1,
                             .spacing_y_mm = 1};
    kin_mask mask;
    bool empty;
    assert_int_equal(kin_region_draw(region, &plane, 20, 20, &mask, &empty, NULL), KIN_OK);
    size_t area = empty ? 0 : kin_mask_area(&mask);
    kin_mask_release(&mask);
    return area;
}

static void holes_are_cut_out(void **state)
{
    (void)state;
    static const contour two[] = {{"CLOSED_PLANAR", SQUARE_10, "1.2.3"},
                                  {"CLOSED_PLANAR", SQUARE_4, "1.2.3"}};
    static const contour exclusive[] = {{"CLOSEDPLANAR_XOR", SQUARE_4, "1.2.3"},
                                        {"CLOSEDPLANAR_XOR", SQUARE_10, "1.2.3"}};
    static const contour keyhole[] = {{"CLOSED_PLANAR", KEYHOLE, "1.2.3"}};
    builder files[] = {make_structures(two, 2), make_structures(exclusive, 2),
                       make_structures(keyhole, 1)};
    for (size_t i = 0; i < 3; i++) {
        read_well(&files[i], 1);
        assert_int_equal(got.list[0].number, 5);
        assert_string_equal(got.list[0].label, "GTV-1");
        assert_string_equal(got.list[0].code, "GTV");
        assert_int_equal(area_at(&got.list[0], 7), 100 - 16);
        assert_int_equal(area_at(&got.list[0], 9), 0);
    }
}

/* Contours that name no image are one region for each plane, whatever their order and winding. */
static void planes_group_contours(void **state)
{
    (void)state;
    static const contour list[] = {
        {"CLOSED_PLANAR", SQUARE_10, NULL},
        {"CLOSED_PLANAR", "0\\0\\-2\\10\\0\\-2\\10\\10\\-2\\0\\10\\-2", NULL},
        {"CLOSED_PLANAR", "3\\7\\7.004\\7\\7\\7.004\\7\\3\\7.004\\3\\3\\7.004", NULL},
        {"CLOSED_PLANAR", "0\\0\\9\\10\\0\\9\\10\\10\\9", NULL}};
    builder b = make_structures(list, 4);
    read_well(&b, 3);
    static const double heights[] = {-2, 7, 9};
    static const size_t areas[] = {100, 84, 45};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(got.list[i].frame_of_reference_uid, "1.2.6");
        assert_true(got.list[i].frame == KIN_REGION_ANY_FRAME);
        assert_in_range(area_at(&got.list[i], heights[i]), areas[i], areas[i] + 10);
    }
}

static void what_has_no_inside_is_counted(void **state)
{
    (void)state;
    static const contour list[] = {{"POINT", "1\\2\\7", "1.2.3"},
                                   {"OPEN_PLANAR", SQUARE_10, "1.2.3"},
                                   {"OPEN_NONPLANAR", SQUARE_10, "1.2.3"},
                                   {"CLOSED_PLANAR", "1\\2\\7\\5\\6\\7", "1.2.3"},
                                   {"CLOSED_PLANAR", SQUARE_10, "1.2.3"}};
    builder b = make_structures(list, 5);
    read_well(&b, 1);
    assert_int_equal(got.skipped, 4);
    static const contour odd[] = {{"CLOSED_PLANAR", SQUARE_10 "\\1", "1.2.3"}};
    b = make_structures(odd, 1);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
    static const contour words[] = {{"CLOSED_PLANAR", "1\\2\\x\\1\\2\\3\\4\\5\\6", "1.2.3"}};
    b = make_structures(words, 1);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
    static const contour endless[] = {{"CLOSED_PLANAR", "1\\2\\inf\\1\\2\\3\\4\\5\\6", "1.2.3"}};
    b = make_structures(endless, 1);
    assert_int_equal(read_file(&b), KIN_E_FORMAT);
}

/* --- reports --- */

static void put_code(builder *b, uint32_t sequence, const char *scheme, const char *value,
                     const char *meaning)
{
    open_one(b, sequence);
    put_text(b, 0x00080100, "SH", value);
    put_text(b, 0x00080102, "SH", scheme);
    put_text(b, 0x00080104, "LO", meaning);
    close_one(b);
}

static void open_content(builder *b, const char *relation, const char *type, const char *concept)
{
    open_item(b);
    put_text(b, 0x0040a010, "CS", relation);
    put_text(b, 0x0040a040, "CS", type);
    if (concept != NULL)
        put_code(b, 0x0040a043, "DCM", concept, "concept");
}

static void put_image(builder *b, const char *uid, const char *frames)
{
    open_content(b, "SELECTED FROM", "IMAGE", NULL);
    open_one(b, 0x00081199);
    put_text(b, 0x00081155, "UI", uid);
    if (frames != NULL)
        put_text(b, 0x00081160, "IS", frames);
    close_one(b);
    close_item(b);
}

/* A shape that was selected from an image (NULL: from none). */
static void put_shape(builder *b, const char *concept, const char *graphic, const float *xy,
                      size_t count, const char *image, const char *frames)
{
    open_content(b, "CONTAINS", "SCOORD", concept);
    put_floats(b, 0x00700022, xy, count);
    put_text(b, 0x00700023, "CS", graphic);
    if (image != NULL) {
        open_sequence(b, 0x0040a730);
        put_image(b, image, frames);
        close_sequence(b);
    }
    close_item(b);
}

static void begin_report(builder *b)
{
    memset(b, 0, sizeof *b);
    begin_file(b, SR_CLASS);
    put_text(b, 0x0040a040, "CS", "CONTAINER");
    open_sequence(b, 0x0040a730);
}

static void open_group(builder *b)
{
    open_content(b, "CONTAINS", "CONTAINER", "125007");
    open_sequence(b, 0x0040a730);
}

static const float square[] = {2, 2, 12, 2, 12, 12, 2, 12, 2, 2};

static size_t area_of(const kin_region *region)
{
    kin_mask mask;
    bool empty;
    assert_int_equal(kin_region_draw(region, NULL, 40, 30, &mask, &empty, NULL), KIN_OK);
    size_t area = empty ? 0 : kin_mask_area(&mask);
    kin_mask_release(&mask);
    return area;
}

static void graphics_become_outlines(void **state)
{
    (void)state;
    static const float ellipse[] = {5, 15, 35, 15, 20, 5, 20, 25}, circle[] = {20, 15, 20, 24};
    static const struct {
        const char *concept, *graphic;
        const float *xy;
        size_t count;
        double area; /* 0: none */
    } cases[] = {
        {"111030", "POLYLINE", square, 10, 100},
        {"111030", "POLYLINE", square, 8, 100}, /* a region, though not closed */
        {"121055", "POLYLINE", square, 10, 100},
        {"121055", "POLYLINE", square, 8, 0}, /* a path */
        {"111030", "POLYLINE", square, 4, 0},
        {"111030", "POINT", square, 2, 0},
        {"111030", "MULTIPOINT", square, 8, 0},
        {"111030", "ELLIPSE", ellipse, 8, 3.14159265 * 15 * 10},
        {"111030", "CIRCLE", circle, 4, 3.14159265 * 81},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        builder b;
        begin_report(&b);
        open_group(&b);
        put_shape(&b, cases[i].concept, cases[i].graphic, cases[i].xy, cases[i].count, "1.2.3",
                  NULL);
        close_sequence(&b);
        close_item(&b);
        close_sequence(&b);
        read_well(&b, cases[i].area > 0);
        assert_int_equal(got.skipped, cases[i].area == 0);
        if (cases[i].area > 0)
            assert_true(fabs((double)area_of(&got.list[0]) - cases[i].area) < 6);
    }
    static const struct {
        const char *graphic;
        size_t count;
    } broken[] = {{"POLYLINE", 7}, {"CIRCLE", 6}, {"ELLIPSE", 4}, {"CIRCLE", 2}};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        builder b;
        begin_report(&b);
        put_shape(&b, "111030", broken[i].graphic, square, broken[i].count, "1.2.3", NULL);
        close_sequence(&b);
        assert_int_equal(read_file(&b), KIN_E_FORMAT);
    }
}

/* Regions of one group on several images and frames; those of one frame together. */
static void groups_gather_their_shapes(void **state)
{
    (void)state;
    static const float hole[] = {4, 4, 8, 4, 8, 8, 4, 8, 4, 4};
    builder b;
    begin_report(&b);
    open_group(&b);
    put_shape(&b, "111030", "POLYLINE", square, 10, "1.2.3", "2\\7");
    put_shape(&b, "111030", "POLYLINE", square, 10, "1.2.2", NULL);
    put_shape(&b, "111030", "POLYLINE", hole, 10, "1.2.3", "7");
    close_sequence(&b);
    close_item(&b);
    open_group(&b);
    put_shape(&b, "111030", "POLYLINE", hole, 10, "1.2.3", "7");
    close_sequence(&b);
    close_item(&b);
    close_sequence(&b);
    read_well(&b, 4);
    static const struct {
        const char *uid;
        uint32_t frame, number;
        size_t area;
    } wanted[] = {{"1.2.2", KIN_REGION_ANY_FRAME, 1, 100},
                  {"1.2.3", 1, 1, 100},
                  {"1.2.3", 6, 1, 84},
                  {"1.2.3", 6, 2, 16}};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(got.list[i].sop_instance_uid, wanted[i].uid);
        assert_int_equal(got.list[i].frame, wanted[i].frame);
        assert_int_equal(got.list[i].number, wanted[i].number);
        assert_int_equal(area_of(&got.list[i]), wanted[i].area);
    }
}

/* A CAD finding: its outline is a property, and its image is pointed to. */
static void cad_findings_are_groups(void **state)
{
    (void)state;
    static const uint32_t path[] = {1, 1};
    builder b;
    begin_report(&b);
    put_image(&b, "1.2.3", NULL); /* 1.1 */
    open_content(&b, "CONTAINS", "CODE", "111059");
    put_code(&b, 0x0040a168, "SCT", "4147007", "Mass");
    open_sequence(&b, 0x0040a730);
    open_content(&b, "HAS PROPERTIES", "SCOORD", "111041");
    put_floats(&b, 0x00700022, square, 8);
    put_text(&b, 0x00700023, "CS", "POLYLINE");
    open_one(&b, 0x0040a730);
    put_text(&b, 0x0040a010, "CS", "SELECTED FROM");
    put_value(&b, 0x0040db73, "UL", path, sizeof path, 0);
    close_one(&b);
    close_item(&b);
    put_shape(&b, "111010", "POINT", square, 2, "1.2.3", NULL); /* its centre */
    close_sequence(&b);
    close_item(&b);
    close_sequence(&b);
    read_well(&b, 1);
    assert_int_equal(got.skipped, 1);
    assert_string_equal(got.list[0].sop_instance_uid, "1.2.3");
    assert_string_equal(got.list[0].label, "Mass");
    assert_string_equal(got.list[0].code, "SCT:4147007");
    assert_int_equal(area_of(&got.list[0]), 100);
}

static void paths_that_lead_nowhere_are_survived(void **state)
{
    (void)state;
    static const uint32_t paths[][3] = {{1, 99, 1}, {1, 0, 0}, {0, 0, 0}, {1, 1, 1}};
    for (size_t i = 0; i < 4; i++) {
        builder b;
        begin_report(&b);
        open_content(&b, "CONTAINS", "SCOORD", "111030");
        put_floats(&b, 0x00700022, square, 10);
        put_text(&b, 0x00700023, "CS", "POLYLINE");
        open_one(&b, 0x0040a730);
        put_value(&b, 0x0040db73, "UL", paths[i], sizeof paths[i], 0);
        close_one(&b);
        close_item(&b);
        close_sequence(&b);
        assert_int_equal(read_file(&b), KIN_E_UNSUPPORTED);
        assert_int_equal(got.skipped, 1);
    }
}

static void outlines_in_space_name_their_space(void **state)
{
    (void)state;
    static const float corners[] = {0, 0, 7, 10, 0, 7, 10, 10, 7, 0, 10, 7, 0, 0, 7};
    builder b;
    begin_report(&b);
    open_group(&b);
    open_content(&b, "CONTAINS", "SCOORD3D", "111030");
    put_floats(&b, 0x00700022, corners, 15);
    put_text(&b, 0x00700023, "CS", "POLYGON");
    put_text(&b, 0x30060024, "UI", "1.2.6");
    close_item(&b);
    close_sequence(&b);
    close_item(&b);
    close_sequence(&b);
    read_well(&b, 1);
    assert_string_equal(got.list[0].frame_of_reference_uid, "1.2.6");
    assert_int_equal(got.list[0].shapes[0].kind, KIN_SHAPE_OUTLINE_MM);
    assert_int_equal(area_at(&got.list[0], 7), 100);
}

static void deep_reports_are_read(void **state)
{
    (void)state;
    enum { LEVELS = 60 };
    builder b;
    begin_report(&b);
    for (int i = 0; i < LEVELS; i++) {
        open_content(&b, "CONTAINS", "CONTAINER", NULL);
        open_sequence(&b, 0x0040a730);
    }
    put_shape(&b, "111030", "POLYLINE", square, 10, "1.2.3", NULL);
    for (int i = 0; i < LEVELS; i++) {
        close_sequence(&b);
        close_item(&b);
    }
    close_sequence(&b);
    read_well(&b, 1);
}

static void too_many_groups_are_refused(void **state)
{
    (void)state;
    builder b;
    begin_report(&b);
    for (int i = 0; i <= KIN_ANNOTATION_ROIS_MAX; i++) {
        open_group(&b);
        if (i == 0)
            put_shape(&b, "111030", "POLYLINE", square, 10, "1.2.3", NULL);
        close_sequence(&b);
        close_item(&b);
    }
    close_sequence(&b);
    assert_int_equal(read_file(&b), KIN_E_LIMIT);
}

static int set_up(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fractions_count_from_half_on),
        cmocka_unit_test(label_maps_hold_any_number_of_segments),
        cmocka_unit_test(bits_are_unpacked),
        cmocka_unit_test(images_may_be_named_by_series_or_space),
        cmocka_unit_test(broken_segmentations_are_refused),
        cmocka_unit_test(holes_are_cut_out),
        cmocka_unit_test(planes_group_contours),
        cmocka_unit_test(what_has_no_inside_is_counted),
        cmocka_unit_test(graphics_become_outlines),
        cmocka_unit_test(groups_gather_their_shapes),
        cmocka_unit_test(cad_findings_are_groups),
        cmocka_unit_test(paths_that_lead_nowhere_are_survived),
        cmocka_unit_test(outlines_in_space_name_their_space),
        cmocka_unit_test(deep_reports_are_read),
        cmocka_unit_test(too_many_groups_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
