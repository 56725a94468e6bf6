/*
 * Real annotations: segmentations equal to what pydicom reads, pixel by pixel; contours on their
 * image equal to a test of every pixel against every edge; reports by their content.
 * annotations_reference.py made the expected numbers.
 */
#include "dicom/annotations.h"

#include <math.h>
#include <string.h>

#include "dicom_files.h"
#include "shared_data.h"

enum { MOST = 512 };

/* What a reading gave. */
typedef struct reading {
    kin_region list[MOST];
    size_t count, skipped;
} reading;

static kin_status keep(void *ctx, kin_region *region, kin_error *err)
{
    reading *r = ctx;
    (void)err;
    assert_true(r->count < MOST);
    r->list[r->count++] = *region;
    memset(region, 0, sizeof *region);
    return KIN_OK;
}

static void forget(reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        kin_region_release(&r->list[i]);
    memset(r, 0, sizeof *r);
}

static kin_status read_file(const char *name, reading *r)
{
    test_file file;
    kin_error err = {0};
    memset(r, 0, sizeof *r);
    kin_dicom *dicom = test_dicom_open(name, &file);
    const kin_region_sink sink = {keep, r};
    kin_status status = kin_dicom_annotations_read(dicom, &sink, &r->skipped, &err);
    kin_dicom_close(dicom);
    test_file_free(&file);
    return status;
}

static void read_well(const char *name, reading *r)
{
    if (read_file(name, r) != KIN_OK)
        fail_msg("%s cannot be read", name);
}

/* FNV-1a: the digest of annotations_reference.py. */
static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ b[i]) * UINT64_C(0x100000001B3);
    return digest;
}

static uint64_t digest_mask(uint64_t digest, const kin_mask *mask)
{
    return digest_bytes(digest, mask->in, (size_t)mask->width * (size_t)mask->height);
}

static const uint64_t digest_start = UINT64_C(0xCBF29CE484222325);

static uint64_t digest_regions(const reading *r)
{
    uint64_t digest = digest_start;
    for (size_t i = 0; i < r->count; i++) {
        char line[128];
        const kin_region *region = &r->list[i];
        int frame = region->frame == KIN_REGION_ANY_FRAME ? -1 : (int)region->frame;
        int length = snprintf(line, sizeof line, "%u|%s|%d|", (unsigned)region->number,
                              region->sop_instance_uid, frame);
        digest = digest_bytes(digest, line, (size_t)length);
        digest = digest_mask(digest, &region->shapes[0].mask);
    }
    return digest;
}

static void segmentations_equal_those_of_pydicom(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count, area;
        uint64_t digest;
    } expected[] = {
        {"wsi-and-seg/seg_image_cr_binary.dcm", 1, 151, UINT64_C(0xd6b1930499cbb808)},
        {"wsi-and-seg/seg_image_ct_binary.dcm", 3, 638, UINT64_C(0x1b6155c58f6ea1aa)},
        {"wsi-and-seg/seg_image_ct_binary_fractional.dcm", 3, 638, UINT64_C(0x1b6155c58f6ea1aa)},
        {"wsi-and-seg/seg_image_ct_true_fractional.dcm", 3, 638, UINT64_C(0x1b6155c58f6ea1aa)},
        {"wsi-and-seg/seg_image_ct_binary_overlap.dcm", 8, 80, UINT64_C(0x1ee939b68c75c4d9)},
        {"wsi-and-seg/seg_image_ct_binary_single_frame.dcm", 1, 1832, UINT64_C(0x619f67383ae5cb87)},
        {"wsi-and-seg/seg_image_sm_control.dcm", 20, 523, UINT64_C(0xc29b27b228fb67f5)},
        {"wsi-and-seg/seg_image_sm_control_labelmap.dcm", 20, 523, UINT64_C(0x77ee9119203692e3)},
        {"wsi-and-seg/seg_image_sm_control_labelmap_palette_color.dcm", 20, 523,
         UINT64_C(0x77ee9119203692e3)},
        {"wsi-and-seg/seg_image_sm_dots.dcm", 62, 200, UINT64_C(0xfc5ac114ca059c5e)},
        {"wsi-and-seg/seg_image_sm_dots_tiled_full.dcm", 62, 200, UINT64_C(0x678dc4b400f520ae)},
        {"wsi-and-seg/seg_image_sm_numbers.dcm", 20, 523, UINT64_C(0xc29b27b228fb67f5)},
        {"dcmqi/segmentations/23x38x3/seg/label.seg.zst", 3, 322, UINT64_C(0xd478606268f5ad33)},
        {"dcmqi/segmentations/24x38x3/seg/label.seg.zst", 1, 315, UINT64_C(0xa8c9e75e8855b562)},
        {"dcmqi/segmentations/liver.dcm.zst", 3, 107098, UINT64_C(0xc5663cdd7c9ec806)},
        {"dcmqi/segmentations/partial_overlaps.dcm.zst", 7, 43639, UINT64_C(0xbf76e77ad832b1d3)},
        {"dcmqi/sr-example/seg.dcm.zst", 13, 795, UINT64_C(0x6dec8137e1586b14)},
    };
    static reading r;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        size_t area = 0;
        read_well(expected[i].name, &r);
        for (size_t k = 0; k < r.count; k++)
            area += kin_mask_area(&r.list[k].shapes[0].mask);
        if (r.count != expected[i].count || area != expected[i].area ||
            digest_regions(&r) != expected[i].digest)
            fail_msg("%s: %zu regions of %zu pixels, digest %016llx", expected[i].name, r.count,
                     area, (unsigned long long)digest_regions(&r));
        assert_int_equal(r.skipped, 0);
        forget(&r);
    }
}

static const kin_region *only(const reading *r)
{
    assert_int_equal(r->count, 1);
    return &r->list[0];
}

static void segments_have_their_names(void **state)
{
    (void)state;
    static reading r;
    read_well("wsi-and-seg/seg_image_ct_binary_single_frame.dcm", &r);
    assert_string_equal(only(&r)->label, "first segment");
    assert_string_equal(only(&r)->code, "SCT:272673000");
    assert_string_equal(only(&r)->sop_instance_uid,
                        "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322");
    assert_string_equal(only(&r)->frame_of_reference_uid,
                        "1.3.6.1.4.1.5962.1.4.1.1.20040119072730.12322");
    forget(&r);
    read_well("dcmqi/sr-example/seg.dcm.zst", &r);
    assert_string_equal(r.list[12].label, "Neoplasm, Primary");
    assert_string_equal(r.list[12].code, "SRT:M-80003");
    assert_string_equal(r.list[12].site, "SRT:T-C5300");
    forget(&r);
}

static kin_status draw_on(const char *image, const kin_region *region, kin_mask *mask, bool *empty)
{
    test_file file;
    kin_plane plane;
    kin_dicom *dicom = test_dicom_open(image, &file);
    const kin_dicom_header *h = kin_dicom_header_borrow(dicom);
    kin_dicom_plane(dicom, 0, &plane);
    kin_status status = kin_region_draw(region, &plane, h->columns, h->rows, mask, empty, NULL);
    kin_dicom_close(dicom);
    test_file_free(&file);
    return status;
}

/* A segmentation's frame is drawn on its own slice, and on no other of the series. */
static void slices_find_their_masks(void **state)
{
    (void)state;
    static const char *const slices[] = {"dcmqi/segmentations/ct-3slice/01.dcm.zst",
                                         "dcmqi/segmentations/ct-3slice/02.dcm.zst",
                                         "dcmqi/segmentations/ct-3slice/03.dcm.zst"};
    static reading r;
    read_well("dcmqi/segmentations/liver.dcm.zst", &r);
    for (size_t s = 0; s < 3; s++) {
        test_file file;
        char uid[128];
        kin_dicom *dicom = test_dicom_open(slices[s], &file);
        snprintf(uid, sizeof uid, "%s", kin_dicom_header_borrow(dicom)->sop_instance_uid);
        kin_dicom_close(dicom);
        test_file_free(&file);
        for (size_t i = 0; i < r.count; i++) {
            kin_mask mask;
            bool empty;
            bool own = strcmp(r.list[i].sop_instance_uid, uid) == 0;
            assert_int_equal(draw_on(slices[s], &r.list[i], &mask, &empty), KIN_OK);
            assert_int_equal(empty, !own);
            if (own)
                assert_memory_equal(mask.in, r.list[i].shapes[0].mask.in, (size_t)(512 * 512));
            kin_mask_release(&mask);
        }
    }
    forget(&r);
}

/* The tiles of a slide: each region is found by its place in space on the one tile that it is of,
 * whether the segmentation lists places or only their order. */
static void tiles_are_found_by_their_place(void **state)
{
    (void)state;
    static reading r;
    test_file file;
    kin_dicom *slide = test_dicom_open("wsi-and-seg/sm_image.dcm", &file);
    read_well("wsi-and-seg/seg_image_sm_dots_tiled_full.dcm", &r);
    assert_string_equal(r.list[0].sop_instance_uid,
                        kin_dicom_header_borrow(slide)->sop_instance_uid);
    for (size_t i = 0; i < r.count; i++) {
        const kin_shape *shape = &r.list[i].shapes[0];
        int found = 0;
        assert_true(r.list[i].frame == KIN_REGION_ANY_FRAME && shape->plane.known);
        for (int frame = 0; frame < 25; frame++) {
            kin_plane plane;
            kin_mask mask;
            bool empty;
            kin_dicom_plane(slide, frame, &plane);
            assert_int_equal(kin_region_draw(&r.list[i], &plane, 10, 10, &mask, &empty, NULL),
                             KIN_OK);
            if (!empty) {
                found++;
                assert_int_equal(plane.matrix_column, shape->plane.matrix_column);
                assert_int_equal(plane.matrix_row, shape->plane.matrix_row);
                assert_memory_equal(mask.in, shape->mask.in, 100);
            }
            kin_mask_release(&mask);
        }
        assert_int_equal(found, 1);
    }
    forget(&r);
    kin_dicom_close(slide);
    test_file_free(&file);
}

/* The same slices as one multi-frame image that the segmentation does not name: each mask is found
 * on the frame of its plane. */
static void frames_are_found_by_their_plane(void **state)
{
    (void)state;
    static const char *const sets[] = {"23x38x3", "24x38x3"};
    for (size_t s = 0; s < 2; s++) {
        static reading r;
        test_file file;
        char name[128];
        snprintf(name, sizeof name, "dcmqi/segmentations/%s/multiframe/mf.dcm.zst", sets[s]);
        kin_dicom *image = test_dicom_open(name, &file);
        const kin_dicom_header *h = kin_dicom_header_borrow(image);
        assert_int_equal(h->frames, 3);
        snprintf(name, sizeof name, "dcmqi/segmentations/%s/seg/label.seg.zst", sets[s]);
        read_well(name, &r);
        for (size_t i = 0; i < r.count; i++) {
            const kin_shape *shape = &r.list[i].shapes[0];
            int found = 0;
            for (int frame = 0; frame < 3; frame++) {
                kin_plane plane;
                kin_mask mask;
                bool empty;
                kin_dicom_plane(image, frame, &plane);
                assert_int_equal(
                    kin_region_draw(&r.list[i], &plane, h->columns, h->rows, &mask, &empty, NULL),
                    KIN_OK);
                if (!empty) {
                    found++;
                    assert_true(fabs(plane.origin[2] - shape->plane.origin[2]) < 0.01);
                    assert_memory_equal(mask.in, shape->mask.in,
                                        (size_t)h->columns * (size_t)h->rows);
                }
                kin_mask_release(&mask);
            }
            assert_int_equal(found, 1);
        }
        forget(&r);
        kin_dicom_close(image);
        test_file_free(&file);
    }
}

static void contours_fill_the_pixels_that_they_enclose(void **state)
{
    (void)state;
    static reading r;
    test_file file;
    kin_dicom *ct = test_dicom_open("dicompyler/ct.0.dcm", &file);
    size_t found = 0;
    read_well("dicompyler/rtss.dcm", &r);
    for (size_t i = 0; i < r.count; i++) {
        kin_mask mask;
        kin_box box;
        bool empty;
        if (strcmp(r.list[i].sop_instance_uid, kin_dicom_header_borrow(ct)->sop_instance_uid) != 0)
            continue;
        found++;
        assert_int_equal(r.list[i].number, 1);
        assert_int_equal(r.list[i].shape_count, 4);
        assert_int_equal(draw_on("dicompyler/ct.0.dcm", &r.list[i], &mask, &empty), KIN_OK);
        assert_false(empty);
        assert_int_equal(kin_mask_area(&mask), 40396);
        assert_int_equal(digest_mask(digest_start, &mask), UINT64_C(0x331d4103f3af7869));
        assert_true(kin_mask_box(&mask, &box));
        assert_int_equal(box.x, 88);
        assert_int_equal(box.y, 98);
        assert_int_equal(box.x + box.width - 1, 483);
        assert_int_equal(box.y + box.height - 1, 305);
        kin_mask_release(&mask);
    }
    assert_int_equal(found, 1);
    forget(&r);
    kin_dicom_close(ct);
    test_file_free(&file);
}

/* Area and length of an axial contour, in mm. */
static void measure(const kin_shape *shape, double *area, double *length)
{
    *area = *length = 0;
    for (size_t i = 0; i < shape->count; i++) {
        const double *a = shape->points + 3 * i, *b = shape->points + 3 * ((i + 1) % shape->count);
        *area += (a[0] * b[1] - b[0] * a[1]) / 2;
        *length += hypot(a[0] - b[0], a[1] - b[1]);
    }
    *area = fabs(*area);
}

/* Every contour of every slice: as many pixels as its area (by the shoelace formula) wants, within
 * the pixels that its line runs through, and together within a thousandth. */
static void contours_have_their_areas(void **state)
{
    (void)state;
    static reading r;
    test_file file;
    kin_plane plane;
    double wanted = 0, pixels = 0;
    size_t contours = 0;
    kin_dicom *ct = test_dicom_open("dicompyler/ct.0.dcm", &file);
    kin_dicom_plane(ct, 0, &plane);
    double pixel = plane.spacing_x_mm * plane.spacing_y_mm;
    read_well("dicompyler/rtss.dcm", &r);
    for (size_t i = 0; i < r.count; i++)
        for (size_t k = 0; k < r.list[i].shape_count; k++) {
            kin_region one = {.shapes = &r.list[i].shapes[k], .shape_count = 1};
            kin_mask mask;
            bool empty;
            double area, length;
            plane.origin[2] = one.shapes[0].points[2];
            measure(&one.shapes[0], &area, &length);
            assert_int_equal(kin_region_draw(&one, &plane, 512, 512, &mask, &empty, NULL), KIN_OK);
            double found = empty ? 0 : (double)kin_mask_area(&mask);
            assert_true(fabs(found - area / pixel) <= length / plane.spacing_x_mm + 1);
            wanted += area / pixel;
            pixels += found;
            contours++;
            kin_mask_release(&mask);
        }
    assert_int_equal(contours, 441);
    assert_true(fabs(pixels - wanted) < wanted / 1000);
    forget(&r);
    kin_dicom_close(ct);
    test_file_free(&file);
}

static void structures_have_their_names(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        const char *label;
        size_t contours;
    } rois[] = {{1, "BODY", 141}, {3, "Borders", 2},    {4, "Breast", 48},
                {5, "Heart", 33}, {6, "Lt Lung", 165},  {7, "Nodes", 4},
                {8, "Scar", 6},   {9, "Tumor Bed", 18}, {10, "Tumor Bed Block", 24}};
    static reading r;
    read_well("dicompyler/rtss.dcm", &r);
    assert_int_equal(r.skipped, 0);
    for (size_t i = 0; i < sizeof rois / sizeof rois[0]; i++) {
        size_t contours = 0;
        for (size_t k = 0; k < r.count; k++) {
            if (r.list[k].number != rois[i].number)
                continue;
            assert_string_equal(r.list[k].label, rois[i].label);
            contours += r.list[k].shape_count;
        }
        assert_int_equal(contours, rois[i].contours);
    }
    forget(&r);
    /* Three contours that name no image, and two points. */
    read_well("pydicom/rtstruct.dcm", &r);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.skipped, 2);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(r.list[i].sop_instance_uid, "");
        assert_true(r.list[i].frame_of_reference_uid[0] != '\0');
        assert_string_equal(r.list[i].label, "patient");
        assert_string_equal(r.list[i].code, "EXTERNAL");
    }
    forget(&r);
}

static void reports_have_their_regions(void **state)
{
    (void)state;
    static reading r;
    kin_mask mask;
    bool empty;
    read_well("wsi-and-seg/sr_document.dcm", &r);
    assert_string_equal(only(&r)->label, "Spinal cord");
    assert_string_equal(only(&r)->code, "SRT:T-A7010");
    assert_string_equal(only(&r)->site, "SRT:T-D00F7");
    assert_string_equal(only(&r)->tracking_uid,
                        "1.2.826.0.1.3680043.8.498.95005499519195632686309166061552196996");
    assert_int_equal(draw_on("wsi-and-seg/ct_image.dcm", only(&r), &mask, &empty), KIN_OK);
    assert_in_range(kin_mask_area(&mask), 376, 384); /* a circle of radius 11: 380.1 */
    kin_mask_release(&mask);
    forget(&r);

    read_well("wsi-and-seg/sr_document_with_multiple_groups.dcm", &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.skipped, 1); /* a volume's surface of one point */
    assert_int_equal(r.list[0].number, 2);
    assert_string_equal(r.list[0].label, "Nodule");
    assert_string_equal(r.list[0].site, "SCT:39607008");
    assert_string_equal(r.list[1].label, "Aorta");
    assert_int_equal(draw_on("wsi-and-seg/ct_image.dcm", &r.list[1], &mask, &empty), KIN_OK);
    assert_int_equal(kin_mask_area(&mask), 400);
    kin_box box;
    assert_true(kin_mask_box(&mask, &box));
    assert_int_equal(box.x, 25);
    assert_int_equal(box.y, 45);
    kin_mask_release(&mask);
    forget(&r);

    read_well("dcmqi/sr-example/sr.dcm.zst", &r);
    assert_int_equal(only(&r)->shape_count, 0);
    assert_int_equal(only(&r)->segment, 1);
    assert_string_equal(only(&r)->segmentation_uid,
                        "1.2.276.0.7230010.3.1.4.8323329.18591.1440001312.777033");
    assert_string_equal(only(&r)->label, "Neoplasm, Primary");
    forget(&r);
}

static void others_are_no_annotations(void **state)
{
    (void)state;
    static const char *const names[] = {"wsi-and-seg/ct_image.dcm", "wsi-and-seg/sm_image.dcm",
                                        "dicompyler/rtplan.dcm", "pydicom/reportsi.dcm"};
    static reading r;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_file file;
        kin_dicom *dicom = test_dicom_open(names[i], &file);
        assert_false(kin_dicom_is_annotation(dicom));
        kin_dicom_close(dicom);
        test_file_free(&file);
        assert_int_equal(read_file(names[i], &r), KIN_E_ARG);
        assert_int_equal(r.count, 0);
    }
    /* It has a circle that was selected from no image. */
    assert_int_equal(read_file("pydicom/test-SR.dcm", &r), KIN_E_UNSUPPORTED);
    assert_int_equal(r.skipped, 1);
}

static kin_status refuse(void *ctx, kin_region *region, kin_error *err)
{
    (void)region;
    ++*(int *)ctx;
    return kin_fail(err, KIN_E_FULL, NULL, "enough");
}

static void a_sink_may_fail(void **state)
{
    (void)state;
    static const char *const names[] = {
        "wsi-and-seg/seg_image_ct_binary.dcm", "wsi-and-seg/seg_image_sm_control_labelmap.dcm",
        "dicompyler/rtss.dcm", "wsi-and-seg/sr_document.dcm", "dcmqi/sr-example/sr.dcm.zst"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_file file;
        int calls = 0;
        const kin_region_sink sink = {refuse, &calls};
        kin_error err = {0};
        kin_dicom *dicom = test_dicom_open(names[i], &file);
        assert_int_equal(kin_dicom_annotations_read(dicom, &sink, NULL, &err), KIN_E_FULL);
        assert_string_equal(err.message, "enough");
        assert_int_equal(calls, 1);
        kin_dicom_close(dicom);
        test_file_free(&file);
    }
}

static int set_up(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segmentations_equal_those_of_pydicom),
        cmocka_unit_test(segments_have_their_names),
        cmocka_unit_test(slices_find_their_masks),
        cmocka_unit_test(tiles_are_found_by_their_place),
        cmocka_unit_test(frames_are_found_by_their_plane),
        cmocka_unit_test(contours_fill_the_pixels_that_they_enclose),
        cmocka_unit_test(contours_have_their_areas),
        cmocka_unit_test(structures_have_their_names),
        cmocka_unit_test(reports_have_their_regions),
        cmocka_unit_test(others_are_no_annotations),
        cmocka_unit_test(a_sink_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
