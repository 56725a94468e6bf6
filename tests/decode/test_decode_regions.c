/* What a wish says of regions, annotations and masks: in this process and by a worker alike. */
#include "shared_data.h"

#include <math.h>
#include <string.h>

#include "base/uid.h"
#include "standard.h"
#include "decode/decode.h"
#include "decode/decoder.h"
#include "decode/region_pack.h"
#include "dicom/dicom.h"
#include "features/features.h"
#include "features/parts.h"
#include "image/read.h"
#include "image/write.h"
#include "samples.h"

enum { WIDTH = 64, HEIGHT = 48, MOST = 64 };

/* All that came of one decoding. */
typedef struct heard {
    int headers, announced, frames;
    char sop_instance_uid[KIN_UID_SIZE];
    kin_region regions[MOST];
    size_t region_count;
    uint64_t skipped;
    struct {
        uint32_t frame;
        kin_decode_marked marked; /* its descriptor is owned */
    } marks[MOST];
    size_t mark_count;
    float *whole; /* of the last frame */
    size_t length;
} heard;

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    heard *h = ctx;
    (void)err;
    h->headers++;
    h->announced = header->frames;
    snprintf(h->sop_instance_uid, sizeof h->sop_instance_uid, "%s", header->sop_instance_uid);
    return KIN_OK;
}

static float *copy_floats(const float *from, size_t count)
{
    float *copy = malloc(count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, from, count * sizeof *copy);
    return copy;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    heard *h = ctx;
    (void)err;
    h->frames++;
    free(h->whole);
    h->whole = copy_floats(frame->descriptor, frame->length);
    h->length = frame->length;
    for (size_t i = 0; i < frame->region_count; i++) {
        assert_true(h->mark_count < MOST);
        h->marks[h->mark_count].frame = frame->index;
        h->marks[h->mark_count].marked = frame->regions[i];
        h->marks[h->mark_count++].marked.descriptor =
            copy_floats(frame->regions[i].descriptor, frame->length);
    }
    return KIN_OK;
}

static kin_status on_region(void *ctx, kin_region *region, kin_error *err)
{
    heard *h = ctx;
    (void)err;
    assert_true(h->region_count < MOST);
    h->regions[h->region_count++] = *region;
    memset(region, 0, sizeof *region);
    return KIN_OK;
}

static void on_skipped(void *ctx, uint64_t shapes)
{
    heard *h = ctx;
    h->skipped = shapes;
}

static void forget(heard *h)
{
    for (size_t i = 0; i < h->region_count; i++)
        kin_region_release(&h->regions[i]);
    for (size_t i = 0; i < h->mark_count; i++)
        free((void *)(uintptr_t)h->marks[i].marked.descriptor);
    free(h->whole);
    memset(h, 0, sizeof *h);
}

static kin_decode_sink sink_of(heard *h)
{
    memset(h, 0, sizeof *h);
    return (kin_decode_sink){.header = on_header,
                             .frame = on_frame,
                             .region = on_region,
                             .skipped = on_skipped,
                             .ctx = h};
}

static kin_decoder *decoder; /* with a worker of its own */

static kin_status here(const void *bytes, size_t size, const kin_decode_wish *wish, heard *h,
                       kin_error *err)
{
    kin_decode_sink sink = sink_of(h);
    kin_error_clear(err);
    return kin_decode_bytes(standard_extractor(), bytes, size, "a", NULL, wish, &sink, err);
}

static void assert_same_region(const kin_region *a, const kin_region *b)
{
    assert_string_equal(a->sop_instance_uid, b->sop_instance_uid);
    assert_string_equal(a->series_instance_uid, b->series_instance_uid);
    assert_string_equal(a->frame_of_reference_uid, b->frame_of_reference_uid);
    assert_string_equal(a->label, b->label);
    assert_string_equal(a->code, b->code);
    assert_string_equal(a->site, b->site);
    assert_string_equal(a->tracking_uid, b->tracking_uid);
    assert_string_equal(a->segmentation_uid, b->segmentation_uid);
    assert_int_equal(a->frame, b->frame);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->segment, b->segment);
    assert_int_equal(a->shape_count, b->shape_count);
    for (size_t i = 0; i < a->shape_count; i++) {
        const kin_shape *x = &a->shapes[i], *y = &b->shapes[i];
        assert_int_equal(x->kind, y->kind);
        if (x->kind == KIN_SHAPE_MASK) {
            assert_int_equal(x->mask.width, y->mask.width);
            assert_int_equal(x->mask.height, y->mask.height);
            assert_memory_equal(x->mask.in, y->mask.in,
                                (size_t)x->mask.width * (size_t)x->mask.height);
            assert_int_equal(x->plane.known, y->plane.known);
            assert_int_equal(x->of_frame, y->of_frame);
            assert_memory_equal(x->plane.origin, y->plane.origin, sizeof x->plane.origin);
            assert_true(x->plane.thickness_mm == y->plane.thickness_mm);
        } else {
            size_t each = x->kind == KIN_SHAPE_OUTLINE_MM ? 3 : 2;
            assert_int_equal(x->count, y->count);
            assert_memory_equal(x->points, y->points, x->count * each * sizeof(double));
        }
    }
}

/* A worker must say what this process says, UIDs and labels that are unknown here left aside. */
static void assert_worker_agrees(const void *bytes, size_t size, const kin_decode_wish *wish,
                                 const heard *wanted)
{
    static heard h;
    kin_error err;
    kin_decode_sink sink = sink_of(&h);
    if (kin_decoder_run_bytes(decoder, bytes, size, "a", wish, &sink, &err) != KIN_OK)
        fail_msg("the worker: %s", err.message);
    assert_int_equal(h.headers, wanted->headers);
    assert_int_equal(h.frames, wanted->frames);
    assert_int_equal(h.announced, wanted->announced);
    assert_int_equal(h.skipped, wanted->skipped);
    assert_int_equal(h.region_count, wanted->region_count);
    for (size_t i = 0; wish->annotations && i < h.region_count; i++)
        assert_same_region(&h.regions[i], &wanted->regions[i]);
    assert_int_equal(h.mark_count, wanted->mark_count);
    for (size_t i = 0; i < h.mark_count; i++) {
        const kin_decode_marked *a = &h.marks[i].marked, *b = &wanted->marks[i].marked;
        assert_int_equal(h.marks[i].frame, wanted->marks[i].frame);
        assert_int_equal(a->index, b->index);
        assert_int_equal(a->number, b->number);
        assert_int_equal(a->x, b->x);
        assert_int_equal(a->y, b->y);
        assert_int_equal(a->width, b->width);
        assert_int_equal(a->height, b->height);
        assert_int_equal(a->area, b->area);
        assert_memory_equal(a->descriptor, b->descriptor, h.length * sizeof(float));
    }
    forget(&h);
}

static void hear(const void *bytes, size_t size, const kin_decode_wish *wish, heard *h)
{
    kin_error err;
    if (here(bytes, size, wish, h, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_worker_agrees(bytes, size, wish, h);
}

/* Both ways must fail alike. */
static void assert_refused(const void *bytes, size_t size, const kin_decode_wish *wish,
                           kin_status wanted)
{
    static heard h;
    kin_error err;
    assert_int_equal(here(bytes, size, wish, &h, &err), wanted);
    forget(&h);
    kin_decode_sink sink = sink_of(&h);
    assert_int_equal(kin_decoder_run_bytes(decoder, bytes, size, "a", wish, &sink, &err), wanted);
    forget(&h);
}

static kin_region region_of_mask(uint32_t number, kin_box box)
{
    kin_region region = {.frame = KIN_REGION_ANY_FRAME, .number = number, .shape_count = 1};
    region.shapes = calloc(1, sizeof *region.shapes);
    assert_non_null(region.shapes);
    assert_int_equal(kin_mask_init(&region.shapes[0].mask, WIDTH, HEIGHT, NULL), KIN_OK);
    kin_mask_add_box(&region.shapes[0].mask, box);
    return region;
}

static kin_region region_of_outline(uint32_t frame, const double *xy, size_t count)
{
    kin_region region = {.frame = frame, .number = 9, .shape_count = 1};
    region.shapes = calloc(1, sizeof *region.shapes);
    assert_non_null(region.shapes);
    region.shapes[0] = (kin_shape){.kind = KIN_SHAPE_OUTLINE, .count = count};
    region.shapes[0].points = malloc(2 * count * sizeof *xy);
    assert_non_null(region.shapes[0].points);
    memcpy(region.shapes[0].points, xy, 2 * count * sizeof *xy);
    return region;
}

static void *make_png(size_t *size)
{
    return sample_png(WIDTH, HEIGHT, size);
}

/* A frame comes with its regions in their order; one without pixels is left out; the descriptor is
 * kin_describe_region()'s, given the same raster and mask. */
static void frames_come_with_their_regions(void **state)
{
    (void)state;
    static heard h;
    size_t size = 0;
    void *png = make_png(&size);
    const double corners[] = {10, 8, 30, 8, 30, 20, 10, 20}, beside[] = {200, 8, 230, 8, 230, 20};
    kin_region regions[] = {region_of_mask(4, (kin_box){5, 6, 20, 10}),
                            region_of_outline(0, beside, 3), region_of_outline(0, corners, 4),
                            region_of_outline(1, corners, 4),
                            region_of_mask(8, (kin_box){0, 0, 0, 0})};
    const kin_decode_wish wish = {.regions = regions, .region_count = 5};
    hear(png, size, &wish, &h);
    assert_int_equal(h.mark_count, 2);
    const kin_decode_marked *first = &h.marks[0].marked, *second = &h.marks[1].marked;
    assert_int_equal(first->index, 0);
    assert_int_equal(first->number, 4);
    assert_int_equal(first->x, 5);
    assert_int_equal(first->height, 10);
    assert_int_equal(first->area, 200);
    assert_int_equal(second->index, 2);
    assert_int_equal(second->number, 9);
    assert_int_equal(second->y, 8);
    assert_int_equal(second->width, 20);
    assert_int_equal(second->area, 240);
    assert_memory_not_equal(first->descriptor, second->descriptor, h.length * sizeof(float));
    assert_memory_not_equal(first->descriptor, h.whole, h.length * sizeof(float));

    kin_raster raster;
    const kin_image_limits limits = kin_image_limits_effective(NULL);
    float *wanted = calloc(h.length, sizeof *wanted);
    assert_non_null(wanted);
    assert_int_equal(kin_image_format_of(png, size)->read(png, size, 0, &limits, &raster, NULL),
                     KIN_OK);
    assert_int_equal(kin_describe_region(standard_extractor(), &raster, &regions[0].shapes[0].mask,
                                         kin_part_weights_default(), h.whole, wanted, NULL),
                     KIN_OK);
    assert_memory_equal(first->descriptor, wanted, h.length * sizeof(float));
    kin_raster_release(&raster);
    free(wanted);
    for (size_t i = 0; i < 5; i++)
        kin_region_release(&regions[i]);
    forget(&h);
    free(png);
}

/* Frames of a file: each gets the regions that are for it, also when it comes alone. */
static void regions_are_for_frames(void **state)
{
    (void)state;
    static heard h;
    size_t size = 0;
    void *tiff = sample_tiff(4, &size);
    const double corners[] = {2, 2, 12, 2, 12, 9, 2, 9};
    kin_region regions[] = {region_of_outline(2, corners, 4),
                            region_of_outline(KIN_REGION_ANY_FRAME, corners, 4),
                            region_of_outline(77, corners, 4)};
    kin_decode_wish wish = {.regions = regions, .region_count = 3};
    hear(tiff, size, &wish, &h);
    assert_int_equal(h.mark_count, 5);
    static const struct {
        uint32_t frame;
        size_t index;
    } wanted[] = {{0, 1}, {1, 1}, {2, 0}, {2, 1}, {3, 1}};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(h.marks[i].frame, wanted[i].frame);
        assert_int_equal(h.marks[i].marked.index, wanted[i].index);
    }
    forget(&h);
    /* Frames without marks can be left out. */
    wish.marked_only = true;
    wish.region_count = 1;
    hear(tiff, size, &wish, &h);
    assert_int_equal(h.frames, 1);
    assert_int_equal(h.announced, 4);
    assert_int_equal(h.mark_count, 1);
    assert_int_equal(h.marks[0].frame, 2);
    forget(&h);
    wish.one_frame = true;
    wish.frame = 1;
    hear(tiff, size, &wish, &h);
    assert_int_equal(h.frames, 0);
    forget(&h);
    wish.marked_only = false;
    wish.region_count = 3;
    wish.frame = 2;
    hear(tiff, size, &wish, &h);
    assert_int_equal(h.frames, 1);
    assert_int_equal(h.mark_count, 2);
    forget(&h);
    for (size_t i = 0; i < 3; i++)
        kin_region_release(&regions[i]);
    free(tiff);
}

static void senseless_wishes_are_refused(void **state)
{
    (void)state;
    size_t size = 0;
    void *png = sample_png(WIDTH + 1, HEIGHT, &size);
    kin_region other_size = region_of_mask(1, (kin_box){5, 6, 20, 10});
    const kin_decode_region box = {0, 0, 8, 8};
    assert_refused(png, size, &(kin_decode_wish){.regions = &other_size, .region_count = 1},
                   KIN_E_ARG);
    assert_refused(png, size,
                   &(kin_decode_wish){.regions = &other_size, .region_count = 1, .region = &box},
                   KIN_E_ARG);
    assert_refused(
        png, size,
        &(kin_decode_wish){.regions = &other_size, .region_count = KIN_DECODE_REGIONS_MAX + 1},
        KIN_E_ARG);
    assert_refused(png, size, &(kin_decode_wish){.as_mask = true, .region = &box}, KIN_E_ARG);
    assert_refused(png, size, &(kin_decode_wish){.marked_only = true}, KIN_E_ARG);
    kin_region_release(&other_size);
    free(png);
}

/* A picture as a mask: its bright half, whatever its brightest is. */
static void pictures_serve_as_masks(void **state)
{
    (void)state;
    static const float levels[] = {1.0f, 1.0f / 255};
    static heard h;
    for (size_t i = 0; i < 2; i++) {
        kin_raster raster;
        void *png;
        size_t size;
        assert_int_equal(kin_raster_init(&raster, WIDTH, HEIGHT, 1, NULL), KIN_OK);
        for (int y = 10; y < 20; y++)
            for (int x = 30; x < 60; x++)
                raster.px[y * WIDTH + x] = levels[i];
        assert_int_equal(kin_image_encode_png(&raster, &png, &size, NULL), KIN_OK);
        hear(png, size, &(kin_decode_wish){.as_mask = true}, &h);
        assert_int_equal(h.frames, 0);
        assert_int_equal(h.region_count, 1);
        assert_int_equal(h.regions[0].shape_count, 1);
        kin_box box;
        assert_true(kin_mask_box(&h.regions[0].shapes[0].mask, &box));
        assert_int_equal(kin_mask_area(&h.regions[0].shapes[0].mask), 300);
        assert_int_equal(box.x, 30);
        assert_int_equal(box.y, 10);
        forget(&h);
        free(png);
        memset(raster.px, 0, WIDTH * HEIGHT * sizeof *raster.px);
        assert_int_equal(kin_image_encode_png(&raster, &png, &size, NULL), KIN_OK);
        assert_refused(png, size, &(kin_decode_wish){.as_mask = true}, KIN_E_FORMAT);
        free(png);
        kin_raster_release(&raster);
    }
}

static void *load(const char *name, size_t *size)
{
    char path[4096];
    FILE *in = fopen(shared_data(path, sizeof path, name), "rb");
    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    *size = (size_t)ftell(in);
    rewind(in);
    void *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, in), *size);
    fclose(in);
    return bytes;
}

/* A region is the same again, and much smaller meanwhile. */
static void assert_packs(const kin_region *region)
{
    void *bytes;
    size_t size, pixels = 0;
    kin_region back;
    for (size_t i = 0; i < region->shape_count; i++)
        pixels += (size_t)region->shapes[i].mask.width * (size_t)region->shapes[i].mask.height;
    assert_int_equal(kin_region_pack(region, &bytes, &size, NULL), KIN_OK);
    assert_true(pixels == 0 || size < 1000 + pixels / 50);
    assert_int_equal(kin_region_unpack(bytes, size, &back, NULL), KIN_OK);
    assert_same_region(region, &back);
    kin_region_release(&back);
    assert_int_equal(kin_region_unpack(bytes, size - 1, &back, NULL), KIN_E_FORMAT);
    free(bytes);
}

/* From an annotation to a description: its regions, given back with the image that they name. */
static void annotations_lead_to_descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *annotation, *image;
        size_t regions;
        uint64_t skipped, area; /* of the last region, on the image */
    } cases[] = {
        {"dicom/wsi-and-seg/seg_image_ct_binary_single_frame.dcm", "dicom/wsi-and-seg/ct_image.dcm",
         1, 0, 1832},
        {"dicom/wsi-and-seg/sr_document_with_multiple_groups.dcm", "dicom/wsi-and-seg/ct_image.dcm",
         2, 1, 400}, /* 20 x 20 */
        {"dicom/dcmqi/sr-example/sr.dcm.zst", NULL, 1, 0, 0},
        {"dicom/dcmqi/segmentations/liver.dcm.zst",
         "dicom/dcmqi/segmentations/ct-3slice/01.dcm.zst", 3, 0, 0},
    };
    static heard h, described;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size;
        void *bytes = load(cases[i].annotation, &size);
        assert_refused(bytes, size, NULL, KIN_E_NO_IMAGE);
        hear(bytes, size, &(kin_decode_wish){.annotations = true}, &h);
        assert_int_equal(h.announced, 0);
        assert_int_equal(h.frames, 0);
        assert_int_equal(h.region_count, cases[i].regions);
        assert_int_equal(h.skipped, cases[i].skipped);
        assert_true(strlen(h.sop_instance_uid) > 0);
        for (size_t k = 0; k < h.region_count; k++)
            assert_packs(&h.regions[k]);
        free(bytes);
        if (cases[i].area > 0) {
            kin_region *last = &h.regions[h.region_count - 1];
            bytes = load(cases[i].image, &size);
            hear(bytes, size,
                 &(kin_decode_wish){.regions = last, .region_count = 1, .annotations = true},
                 &described);
            assert_string_equal(last->sop_instance_uid, described.sop_instance_uid);
            assert_int_equal(described.mark_count, 1);
            assert_int_equal(described.marks[0].marked.area, cases[i].area);
            forget(&described);
            free(bytes);
        }
        forget(&h);
    }
}

/* More than a socket's buffer holds: the request is read while it is written. */
static void large_wishes_arrive(void **state)
{
    (void)state;
    static heard h;
    enum { REGIONS = 10, POINTS = 20000 }; /* 3.2 MB */
    size_t size = 0;
    void *png = make_png(&size);
    static kin_region regions[REGIONS];
    static double ring[2 * POINTS];
    for (int k = 0; k < POINTS; k++) {
        ring[2 * k] = 20 + 10 * cos(k * 2 * 3.14159265358979 / POINTS);
        ring[2 * k + 1] = 20 + 10 * sin(k * 2 * 3.14159265358979 / POINTS);
    }
    for (size_t i = 0; i < REGIONS; i++)
        regions[i] = region_of_outline(0, ring, POINTS);
    hear(png, size, &(kin_decode_wish){.regions = regions, .region_count = REGIONS}, &h);
    assert_int_equal(h.mark_count, REGIONS);
    assert_in_range(h.marks[REGIONS - 1].marked.area, 310, 318);
    forget(&h);
    for (size_t i = 0; i < REGIONS; i++)
        kin_region_release(&regions[i]);
    free(png);
}

/* More than a message may hold is refused before anything is sent. */
static void too_large_a_wish_is_refused(void **state)
{
    (void)state;
    static heard h;
    enum { POINTS = 300000 }; /* 4.8 MB */
    size_t size = 0;
    kin_error err;
    void *png = make_png(&size);
    double *points = calloc(2 * POINTS, sizeof *points);
    assert_non_null(points);
    kin_region region = region_of_outline(0, points, POINTS);
    const kin_decode_wish wish = {.regions = &region, .region_count = 1};
    kin_decode_sink sink = sink_of(&h);
    unsigned starts = kin_decoder_starts(decoder);
    assert_int_equal(kin_decoder_run_bytes(decoder, png, size, "a", &wish, &sink, &err),
                     KIN_E_LIMIT);
    hear(png, size, &(kin_decode_wish){0}, &h);
    assert_int_equal(kin_decoder_starts(decoder), starts);
    kin_region_release(&region);
    forget(&h);
    free(points);
    free(png);
}

static int set_up(void **state)
{
    (void)state;
    const kin_decode_features features = {.length = standard_length()};
    if (kin_dicom_prepare(NULL) != KIN_OK)
        return -1;
    return kin_decoder_new(WORKER, &features, NULL, &decoder, NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kin_decoder_free(decoder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_with_their_regions),
        cmocka_unit_test(regions_are_for_frames),
        cmocka_unit_test(senseless_wishes_are_refused),
        cmocka_unit_test(pictures_serve_as_masks),
        cmocka_unit_test(annotations_lead_to_descriptions),
        cmocka_unit_test(large_wishes_arrive),
        cmocka_unit_test(too_large_a_wish_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
