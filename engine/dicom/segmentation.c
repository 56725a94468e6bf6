/* segmentation.c - regions of a DICOM Segmentation or Label Map Segmentation (PS3.3 A.51, A.95,
 * C.8.20.2; functional groups C.7.6.16.2.6 and C.8.20.3). */
#include <stdlib.h>
#include <string.h>

#include "dicom/annotation_reader.h"
#include "dicom/tile_order.h"

enum {
    TAG_TYPE = 0x00620001,
    TAG_SEGMENTS = 0x00620002,
    TAG_PROPERTY_TYPE = 0x0062000f,
    TAG_SEGMENT_NUMBER = 0x00620004,
    TAG_SEGMENT_LABEL = 0x00620005,
    TAG_MAXIMUM = 0x0062000e,
    TAG_TRACKING_UID = 0x00620021,
    TAG_SITE = 0x00082218, /* anatomic region */
    TAG_SEGMENT_OF_FRAME = 0x0062000a,
    TAG_REFERENCED_SEGMENT = 0x0062000b,
    TAG_DERIVATION = 0x00089124,
    TAG_SOURCES = 0x00082112,
    TAG_PLACES_KEPT = 0x0028135a, /* SpatialLocationsPreserved */
    TAG_REFERENCED_SERIES = 0x00081115,
    TAG_REFERENCED_INSTANCES = 0x0008114a,
    TAG_SERIES_UID = 0x0020000e,
    TAG_FRAME_OF_REFERENCE = 0x00200052,
    TAG_PADDING = 0x00280120, /* in a label map: what is no segment */
    LABELS = 65536            /* that a pixel can have, and numbers of segments */
};

typedef enum kin_seg_type { SEG_BINARY, SEG_FRACTIONAL, SEG_LABELS } kin_seg_type;

typedef struct kin_segment {
    uint16_t number;
    char *label, *code, *site; /* owned */
    char tracking_uid[KIN_UID_SIZE];
} kin_segment;

/* Pixels of one label in a frame: a box; empty while left > right. */
typedef struct kin_extent {
    int left, right, top, bottom;
} kin_extent;

typedef struct kin_seg {
    kin_annotation_reader *reader;
    kin_seg_type type;
    double maximum; /* of a fractional one */
    int background; /* of a label map */
    kin_segment *segments;
    size_t segment_count;
    const kin_segment **of_number; /* LABELS of them, NULL where there is none */
    kin_extent *extents;           /* of a label map: LABELS of them */
    char series_uid[KIN_UID_SIZE], frame_of_reference[KIN_UID_SIZE];
    kin_image_reference whole; /* the one image that the object names, if it is one */
    /* Of the frame at hand. */
    kin_plane plane;
    kin_image_reference sources[KIN_ANNOTATION_SOURCES_MAX];
    size_t source_count;
    bool of_frame; /* its pixels are those of the one frame that it was made from */
} kin_seg;

static kin_status load_segment(kin_seg *seg, kin_item *item, kin_error *err)
{
    kin_charset *charset = &seg->reader->charset;
    kin_segment *segment = &seg->segments[seg->segment_count++];
    int number;
    if (!kin_dicom_item_int(item, TAG_SEGMENT_NUMBER, 0, &number) || number < 0 || number >= LABELS)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a segment without a number");
    segment->number = (uint16_t)number;
    if (seg->of_number[number] == NULL)
        seg->of_number[number] = segment;
    segment->label = kin_dicom_item_utf8(item, TAG_SEGMENT_LABEL, charset, KIN_TEXT_ALL_VALUES);
    segment->code = kin_dicom_item_code(item, TAG_PROPERTY_TYPE, charset);
    segment->site = kin_dicom_item_code(item, TAG_SITE, charset);
    kin_dicom_item_uid(item, TAG_TRACKING_UID, segment->tracking_uid);
    if (segment->label == NULL || segment->code == NULL || segment->site == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for segments");
    return KIN_OK;
}

static kin_status load_segments(kin_seg *seg, kin_error *err)
{
    kin_item *root = seg->reader->dicom->root;
    size_t count = kin_dicom_item_count(root, TAG_SEGMENTS);
    if (count > KIN_ANNOTATION_SEGMENTS_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu segments", count);
    if (count == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a segmentation without segments");
    kin_item **items = calloc(count, sizeof(kin_item *));
    seg->segments = calloc(count, sizeof *seg->segments);
    seg->of_number = calloc(LABELS, sizeof(kin_segment *));
    kin_status status = KIN_OK;
    if (items == NULL || seg->segments == NULL || seg->of_number == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for segments");
    else
        count = kin_dicom_item_list(root, TAG_SEGMENTS, items, count);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = load_segment(seg, items[i], err);
    free(items);
    return status;
}

static void release_segments(kin_seg *seg)
{
    for (size_t i = 0; i < seg->segment_count; i++) {
        free(seg->segments[i].label);
        free(seg->segments[i].code);
        free(seg->segments[i].site);
    }
    free(seg->segments);
    free(seg->of_number);
}

/* The object's one source image, where it names no more than that; else its frames say. */
static void find_whole_source(kin_seg *seg)
{
    kin_item *root = seg->reader->dicom->root;
    kin_item *series = kin_dicom_item_at(root, TAG_REFERENCED_SERIES, 0);
    kin_image_reference found[2];
    size_t count = 0;
    if (kin_dicom_item_count(root, TAG_REFERENCED_SERIES) == 1) {
        kin_dicom_item_uid(series, TAG_SERIES_UID, seg->series_uid);
        if (kin_dicom_item_count(series, TAG_REFERENCED_INSTANCES) == 1)
            count = kin_annotation_references(
                kin_dicom_item_at(series, TAG_REFERENCED_INSTANCES, 0), found, 2);
    }
    if (count == 0 && kin_dicom_item_count(root, TAG_SOURCES) == 1)
        count = kin_annotation_references(kin_dicom_item_at(root, TAG_SOURCES, 0), found, 2);
    if (count == 1)
        seg->whole = found[0];
    kin_dicom_item_uid(root, TAG_FRAME_OF_REFERENCE, seg->frame_of_reference);
}

static kin_status load_type(kin_seg *seg, kin_error *err)
{
    const kin_dicom *dicom = seg->reader->dicom;
    kin_item *root = dicom->root;
    if (dicom->header.samples_per_pixel != 1 || dicom->header.bits_allocated > 16)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a segmentation of %d-bit %s pixels",
                        dicom->header.bits_allocated, dicom->header.photometric_interpretation);
    if (kin_dicom_item_text_is(root, TAG_TYPE, "BINARY"))
        seg->type = SEG_BINARY;
    else if (kin_dicom_item_text_is(root, TAG_TYPE, "FRACTIONAL"))
        seg->type = SEG_FRACTIONAL;
    else if (kin_dicom_item_text_is(root, TAG_TYPE, "LABELMAP"))
        seg->type = SEG_LABELS;
    else
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a segmentation of unknown type");
    if (seg->type == SEG_FRACTIONAL &&
        (!kin_dicom_item_number(root, TAG_MAXIMUM, 0, &seg->maximum) || !(seg->maximum > 0)))
        return kin_fail(err, KIN_E_FORMAT, NULL, "a fractional segmentation without a maximum");
    if (seg->type != SEG_LABELS)
        return KIN_OK;
    kin_dicom_item_int(root, TAG_PADDING, 0, &seg->background);
    seg->extents = calloc(LABELS, sizeof *seg->extents);
    return seg->extents != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for labels");
}

/* The segment that a frame shows (PS3.3 C.8.20.3.1; in a TILED_FULL one segments come in order). */
static kin_status segment_of_frame(const kin_seg *seg, int frame, uint32_t *number, kin_error *err)
{
    const kin_dicom *dicom = seg->reader->dicom;
    kin_item *item = kin_dicom_frame_group(dicom, frame, TAG_SEGMENT_OF_FRAME);
    int value;
    kin_tile_order tiles;
    if (kin_dicom_item_int(item, TAG_REFERENCED_SEGMENT, 0, &value) && value >= 0) {
        *number = (uint32_t)value;
        return KIN_OK;
    }
    size_t index = 0;
    if (seg->segment_count > 1) {
        if (!kin_dicom_tile_order(dicom, &tiles))
            return kin_fail(err, KIN_E_FORMAT, NULL, "frame %d says no segment", frame + 1);
        index = (size_t)(frame / (tiles.across * tiles.down * tiles.planes));
    }
    if (index >= seg->segment_count)
        return kin_fail(err, KIN_E_FORMAT, NULL, "frame %d is of no segment", frame + 1);
    *number = seg->segments[index].number;
    return KIN_OK;
}

static void find_sources(kin_seg *seg, int frame)
{
    const kin_dicom *dicom = seg->reader->dicom;
    kin_item *derivation = kin_dicom_frame_group(dicom, frame, TAG_DERIVATION);
    kin_item *items[KIN_ANNOTATION_SOURCES_MAX];
    size_t count = kin_dicom_item_list(derivation, TAG_SOURCES, items, KIN_ANNOTATION_SOURCES_MAX);
    seg->source_count = 0;
    seg->of_frame = false;
    for (size_t i = 0; i < count; i++)
        seg->source_count +=
            kin_annotation_references(items[i], seg->sources + seg->source_count,
                                      KIN_ANNOTATION_SOURCES_MAX - seg->source_count);
    if (seg->source_count > 0) {
        seg->of_frame = seg->source_count == 1 && seg->sources[0].frame != KIN_REGION_ANY_FRAME &&
                        kin_dicom_item_text_is(items[0], TAG_PLACES_KEPT, "YES");
        return;
    }
    seg->sources[0] = seg->whole; /* at worst "": the series or the frame of reference is left */
    seg->source_count = 1;
}

/* Hands out one region of the frame at hand; the mask is moved into it. */
static kin_status emit(kin_seg *seg, const kin_finding *finding, const kin_image_reference *source,
                       kin_mask *mask, kin_error *err)
{
    kin_region region;
    kin_status status = kin_annotation_begin(finding, source->sop_instance_uid, seg->series_uid,
                                             seg->frame_of_reference, &region, err);
    if (status == KIN_OK) {
        region.frame = source->sop_instance_uid[0] != '\0' ? source->frame : KIN_REGION_ANY_FRAME;
        region.shapes = calloc(1, sizeof *region.shapes);
        if (region.shapes == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    }
    if (status != KIN_OK) {
        kin_mask_release(mask);
        kin_region_release(&region);
        return status;
    }
    region.shapes[0] = (kin_shape){
        .kind = KIN_SHAPE_MASK, .mask = *mask, .plane = seg->plane, .of_frame = seg->of_frame};
    region.shape_count = 1;
    memset(mask, 0, sizeof *mask);
    return kin_annotation_emit(seg->reader, &region, err);
}

/* Hands out a segment's mask for every image that the frame was made from. */
static kin_status emit_all(kin_seg *seg, uint32_t number, kin_mask *mask, kin_error *err)
{
    const kin_segment *found = number < LABELS ? seg->of_number[number] : NULL;
    kin_finding finding = {.number = number};
    if (found != NULL) {
        finding.label = found->label;
        finding.code = found->code;
        finding.site = found->site;
        finding.tracking_uid = found->tracking_uid;
    }
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < seg->source_count; i++) {
        kin_mask one = *mask;
        if (i + 1 < seg->source_count) {
            status = kin_mask_init(&one, mask->width, mask->height, err);
            if (status == KIN_OK)
                memcpy(one.in, mask->in, (size_t)mask->width * (size_t)mask->height);
        } else {
            memset(mask, 0, sizeof *mask);
        }
        if (status == KIN_OK)
            status = emit(seg, &finding, &seg->sources[i], &one, err);
    }
    kin_mask_release(mask);
    return status;
}

static unsigned label_at(const kin_samples *samples, size_t i)
{
    if (samples->type == KIN_SAMPLE_U16 || samples->type == KIN_SAMPLE_S16)
        return ((const uint16_t *)samples->data)[i];
    return ((const uint8_t *)samples->data)[i];
}

/* One segment a frame. */
static kin_status read_single(kin_seg *seg, int frame, const kin_samples *samples, kin_error *err)
{
    uint32_t number = 0;
    kin_mask mask = {0};
    kin_box box;
    kin_status status = segment_of_frame(seg, frame, &number, err);
    if (status == KIN_OK)
        status = kin_mask_init(&mask, samples->width, samples->height, err);
    if (status != KIN_OK)
        return status;
    size_t n = (size_t)samples->width * (size_t)samples->height;
    for (size_t i = 0; i < n; i++) {
        unsigned value = label_at(samples, i);
        mask.in[i] = value > 0 && (seg->type == SEG_BINARY || 2.0 * value >= seg->maximum);
    }
    if (kin_mask_box(&mask, &box))
        return emit_all(seg, number, &mask, err);
    kin_mask_release(&mask);
    return KIN_OK;
}

static void measure_labels(kin_extent *extents, const kin_samples *samples)
{
    for (int i = 0; i < LABELS; i++)
        extents[i] = (kin_extent){samples->width, -1, samples->height, -1};
    size_t i = 0;
    for (int y = 0; y < samples->height; y++)
        for (int x = 0; x < samples->width; x++) {
            kin_extent *e = &extents[label_at(samples, i++)];
            e->left = x < e->left ? x : e->left;
            e->right = x > e->right ? x : e->right;
            e->top = y < e->top ? y : e->top;
            e->bottom = y;
        }
}

/* Any number of segments a frame, each pixel of one. */
static kin_status read_labels(kin_seg *seg, const kin_samples *samples, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t w = (size_t)samples->width;
    measure_labels(seg->extents, samples);
    for (int label = 0; status == KIN_OK && label < LABELS; label++) {
        const kin_extent *e = &seg->extents[label];
        kin_mask mask;
        if (label == seg->background || e->left > e->right)
            continue;
        status = kin_mask_init(&mask, samples->width, samples->height, err);
        for (int y = e->top; status == KIN_OK && y <= e->bottom; y++)
            for (int x = e->left; x <= e->right; x++) {
                size_t i = (size_t)y * w + (size_t)x;
                mask.in[i] = label_at(samples, i) == (unsigned)label;
            }
        if (status == KIN_OK)
            status = emit_all(seg, (uint32_t)label, &mask, err);
    }
    return status;
}

static kin_status read_frame(kin_seg *seg, int frame, kin_error *err)
{
    kin_samples samples;
    kin_status status = kin_dicom_read_samples(seg->reader->dicom, frame, &samples, err);
    if (status != KIN_OK)
        return status;
    kin_dicom_plane(seg->reader->dicom, frame, &seg->plane);
    find_sources(seg, frame);
    status = seg->type == SEG_LABELS ? read_labels(seg, &samples, err)
                                     : read_single(seg, frame, &samples, err);
    free(samples.data);
    return status;
}

kin_status kin_segmentation_read(kin_annotation_reader *reader, kin_error *err)
{
    const kin_dicom *dicom = reader->dicom;
    kin_seg seg = {.reader = reader};
    if (dicom->header.kind == KIN_DICOM_NO_PIXELS)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a segmentation without pixels");
    kin_status status = load_type(&seg, err);
    if (status == KIN_OK)
        status = load_segments(&seg, err);
    if (status == KIN_OK)
        find_whole_source(&seg);
    for (int i = 0; status == KIN_OK && i < dicom->header.frames; i++)
        status = read_frame(&seg, i, err);
    release_segments(&seg);
    free(seg.extents);
    return status;
}
