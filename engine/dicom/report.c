/*
 * report.c - regions of a structured report: measurement groups of TID 1500 with planar or
 * volumetric ROIs (PS3.16 TID 1410, 1411; content items PS3.3 C.17.3, C.18), and findings of CAD
 * reports, which have their outlines as properties (TID 4003 and its likes).
 */
#include <stdlib.h>
#include <string.h>

#include "dicom/annotation_reader.h"
#include "dicom/outline_set.h"
#include "dicom/report_shape.h"

enum {
    TAG_CONTENT = 0x0040a730,
    TAG_VALUE_TYPE = 0x0040a040,
    TAG_CONCEPT = 0x0040a043,
    TAG_CODE = 0x0040a168,
    TAG_CODE_MEANING = 0x00080104,
    TAG_TEXT = 0x0040a160,
    TAG_UID = 0x0040a124,
    TAG_RELATIONSHIP = 0x0040a010,
    TAG_BY_REFERENCE = 0x0040db73, /* a path from the root, counted from 1 */
    TAG_REFERENCED_SOP = 0x00081199,
    TAG_REFERENCED_CLASS = 0x00081150,
    TAG_REFERENCED_INSTANCE = 0x00081155,
    TAG_REFERENCED_SEGMENT = 0x0062000b,
    TAG_FRAME_OF_REFERENCE = 0x30060024,
    CHILDREN_MAX = 65536, /* of one item */
    SEGMENTS_MAX = 4096,  /* that one item may name */
    PATH_MAX_STEPS = 64
};

static const char segmentation_class[] = "1.2.840.10008.5.1.4.1.1.66.4";

/* A measurement group, or whatever item has shapes of its own outside of one. */
typedef struct kin_group {
    kin_item *item;
    uint32_t number;
    kin_outline_set outlines;
    char frame_of_reference[KIN_UID_SIZE]; /* of coordinates in space */
} kin_group;

typedef struct kin_report {
    kin_annotation_reader *reader;
    uint32_t groups;
} kin_report;

static bool is_concept(kin_item *item, const char *value)
{
    return kin_dicom_item_code_is(item, TAG_CONCEPT, "DCM", value);
}

static bool is_measurement_group(kin_item *item)
{
    return is_concept(item, "125007");
}

/* Image Region, and Outline of CAD findings: a line under that name goes around something. */
static bool names_region(kin_item *item)
{
    return is_concept(item, "111030") || is_concept(item, "111041");
}

static bool is_type(kin_item *item, const char *type)
{
    return kin_dicom_item_text_is(item, TAG_VALUE_TYPE, type);
}

/* The item of ReferencedSOPSequence of an IMAGE that is a segmentation, or NULL. */
static kin_item *segmentation_of(kin_item *item)
{
    kin_item *sop = kin_dicom_item_at(item, TAG_REFERENCED_SOP, 0);
    if (is_type(item, "IMAGE") &&
        (kin_dicom_item_has(sop, TAG_REFERENCED_SEGMENT) ||
         kin_dicom_item_text_is(sop, TAG_REFERENCED_CLASS, segmentation_class)))
        return sop;
    return NULL;
}

/* Whether an item's direct children hold shapes. */
static bool has_shapes(kin_item *const *children, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kin_report_is_shape(children[i]))
            return true;
    return false;
}

static kin_status list_children(kin_item *item, kin_item ***list, size_t *count, kin_error *err)
{
    *list = NULL;
    *count = kin_dicom_item_count(item, TAG_CONTENT);
    if (*count > CHILDREN_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a content item of %zu others", *count);
    if (*count == 0)
        return KIN_OK;
    *list = calloc(*count, sizeof(kin_item *));
    if (*list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a report");
    *count = kin_dicom_item_list(item, TAG_CONTENT, *list, *count);
    return KIN_OK;
}

/* The item that another points to by its path from the root (PS3.3 C.17.3.2.5), or itself. */
static kin_item *follow(const kin_report *report, kin_item *item)
{
    kin_item *at = report->reader->dicom->root;
    int step;
    if (!kin_dicom_item_has(item, TAG_BY_REFERENCE))
        return item;
    for (unsigned i = 1; i < PATH_MAX_STEPS; i++) { /* the first step is the root */
        if (!kin_dicom_item_int(item, TAG_BY_REFERENCE, i, &step))
            return at;
        if (step < 1)
            return NULL;
        at = kin_dicom_item_at(at, TAG_CONTENT, (size_t)step - 1);
    }
    return NULL;
}

/* Images that a shape was selected from. */
static size_t find_images(const kin_report *report, kin_item *shape, kin_image_reference *list,
                          size_t most)
{
    size_t children = kin_dicom_item_count(shape, TAG_CONTENT), count = 0;
    enum { LOOKED_AT = 16 };
    for (size_t i = 0; i < children && i < LOOKED_AT && count == 0; i++) {
        kin_item *child = follow(report, kin_dicom_item_at(shape, TAG_CONTENT, i));
        if (is_type(child, "IMAGE"))
            count = kin_annotation_references(kin_dicom_item_at(child, TAG_REFERENCED_SOP, 0), list,
                                              most);
    }
    return count;
}

static double *copy_points(const kin_report_shape *shape)
{
    size_t bytes = shape->count * (shape->kind == KIN_SHAPE_OUTLINE_MM ? 3 : 2) * sizeof(double);
    double *copy = malloc(bytes); /* it exists in memory already: no product that could wrap */
    if (copy != NULL)
        memcpy(copy, shape->points, bytes);
    return copy;
}

/* Adds an outline once for every frame that it was selected from. */
static kin_status add_to_images(const kin_report *report, kin_item *item, kin_group *group,
                                const kin_report_shape *shape, kin_error *err)
{
    kin_image_reference images[KIN_ANNOTATION_SOURCES_MAX];
    size_t count = find_images(report, item, images, KIN_ANNOTATION_SOURCES_MAX);
    kin_status status = KIN_OK;
    if (count == 0 && shape->kind != KIN_SHAPE_OUTLINE_MM) {
        report->reader->skipped++;
        report->reader->homeless++;
        return KIN_OK;
    }
    if (count == 0) { /* its frame of reference must do */
        images[0] = (kin_image_reference){{0}, KIN_REGION_ANY_FRAME};
        count = 1;
    }
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        double *points = copy_points(shape);
        status = points == NULL ? kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an outline")
                                : kin_outline_add(&group->outlines, shape->kind, points,
                                                  shape->count, &images[i], err);
    }
    return status;
}

static kin_status take_shape(const kin_report *report, kin_item *item, kin_group *group,
                             kin_error *err)
{
    kin_report_shape shape;
    kin_status status = kin_report_shape_read(item, names_region(item), &shape, err);
    if (status != KIN_OK)
        return status;
    if (shape.points == NULL) {
        report->reader->skipped++;
        return KIN_OK;
    }
    if (shape.kind == KIN_SHAPE_OUTLINE_MM)
        kin_dicom_item_uid(item, TAG_FRAME_OF_REFERENCE, group->frame_of_reference);
    status = add_to_images(report, item, group, &shape, err);
    free(shape.points);
    return status;
}

/* Texts of a group, each from malloc. */
typedef struct kin_group_texts {
    char *label, *code, *site;
    char tracking_uid[KIN_UID_SIZE];
} kin_group_texts;

static bool replace(char **text, char *by)
{
    free(*text);
    *text = by;
    return by != NULL;
}

/* The meaning of the item's coded value, which is a name for people. */
static char *meaning_of(kin_item *item, kin_tag sequence, kin_charset *charset)
{
    return kin_dicom_item_utf8(kin_dicom_item_at(item, sequence, 0), TAG_CODE_MEANING, charset,
                               KIN_TEXT_ALL_VALUES);
}

/* What one child says of its group; false when memory is gone. */
static bool read_text(kin_item *child, kin_group_texts *texts, kin_charset *charset)
{
    if (is_concept(child, "121071")) /* Finding */
        return replace(&texts->code, kin_dicom_item_code(child, TAG_CODE, charset)) &&
               replace(&texts->label, meaning_of(child, TAG_CODE, charset));
    if (kin_dicom_item_code_is(child, TAG_CONCEPT, "SCT", "363698007") ||
        kin_dicom_item_code_is(child, TAG_CONCEPT, "SRT", "G-C0E3")) /* Finding Site */
        return replace(&texts->site, kin_dicom_item_code(child, TAG_CODE, charset));
    if (is_concept(child, "112040"))
        kin_dicom_item_uid(child, TAG_UID, texts->tracking_uid);
    /* Tracking Identifier: where no finding says more. */
    if (is_concept(child, "112039") && texts->label[0] == '\0')
        return replace(&texts->label,
                       kin_dicom_item_utf8(child, TAG_TEXT, charset, KIN_TEXT_ALL_VALUES));
    return true;
}

static kin_status read_texts(const kin_report *report, const kin_group *group,
                             kin_item *const *children, size_t count, kin_group_texts *out,
                             kin_error *err)
{
    kin_charset *charset = &report->reader->charset;
    bool of_item = is_type(group->item, "CODE"); /* a CAD finding is a code itself */
    *out = (kin_group_texts){
        .label = of_item ? meaning_of(group->item, TAG_CODE, charset) : calloc(1, 1),
        .code = of_item ? kin_dicom_item_code(group->item, TAG_CODE, charset) : calloc(1, 1),
        .site = calloc(1, 1)};
    bool fine = out->label != NULL && out->code != NULL && out->site != NULL;
    for (size_t i = 0; fine && i < count; i++)
        fine = read_text(children[i], out, charset);
    return fine ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a report");
}

static void release_texts(kin_group_texts *texts)
{
    free(texts->label);
    free(texts->code);
    free(texts->site);
}

/* A region for each segment that an item names; one of all segments (0) where it names none. */
static kin_status emit_segments(const kin_report *report, kin_item *sop, const kin_finding *finding,
                                kin_error *err)
{
    char uid[KIN_UID_SIZE];
    int segment;
    kin_status status = KIN_OK;
    if (!kin_dicom_item_uid(sop, TAG_REFERENCED_INSTANCE, uid))
        return KIN_OK;
    for (unsigned i = 0; status == KIN_OK && i < SEGMENTS_MAX; i++) {
        kin_region region;
        bool named = kin_dicom_item_int(sop, TAG_REFERENCED_SEGMENT, i, &segment) && segment >= 0;
        if (!named && i > 0)
            break;
        status = kin_annotation_begin(finding, NULL, NULL, NULL, &region, err);
        if (status != KIN_OK)
            break;
        free(region.segmentation_uid);
        region.segmentation_uid = strdup(uid);
        region.segment = named ? (uint32_t)segment : 0;
        if (region.segmentation_uid != NULL) {
            status = kin_annotation_emit(report->reader, &region, err);
        } else {
            kin_region_release(&region);
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
        }
    }
    return status;
}

static kin_status emit_group(const kin_report *report, kin_group *group, kin_item *const *children,
                             size_t count, kin_error *err)
{
    kin_group_texts texts;
    kin_status status = read_texts(report, group, children, count, &texts, err);
    const kin_finding finding = {.number = group->number,
                                 .label = texts.label,
                                 .code = texts.code,
                                 .site = texts.site,
                                 .tracking_uid = texts.tracking_uid};
    if (status == KIN_OK)
        status = kin_outline_emit(&group->outlines, report->reader, &finding, "",
                                  group->frame_of_reference, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        kin_item *sop = segmentation_of(children[i]);
        if (sop != NULL)
            status = emit_segments(report, sop, &finding, err);
    }
    release_texts(&texts);
    return status;
}

static kin_status visit(kin_report *report, kin_item *item, kin_group *group, kin_error *err);

static kin_status visit_children(kin_report *report, kin_item *const *children, size_t count,
                                 kin_group *group, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (group != NULL && kin_report_is_shape(children[i]))
            status = take_shape(report, children[i], group, err);
        else
            status = visit(report, children[i], group, err);
    return status;
}

/* Goes through an item and all below it (as deep as prescan.h lets any data set be).  A measurement
 * group gathers every shape below it; elsewhere the item right above a shape does. */
static kin_status visit(kin_report *report, kin_item *item, kin_group *group, kin_error *err)
{
    kin_item **children;
    size_t count;
    kin_status status = list_children(item, &children, &count, err);
    if (status != KIN_OK)
        return status;
    if (is_measurement_group(item) || (group == NULL && has_shapes(children, count))) {
        kin_group own = {.item = item, .number = ++report->groups};
        if (own.number > KIN_ANNOTATION_ROIS_MAX)
            status = kin_fail(err, KIN_E_LIMIT, NULL, "more than %d measurement groups",
                              (int)KIN_ANNOTATION_ROIS_MAX);
        else
            status = visit_children(report, children, count, &own, err);
        if (status == KIN_OK)
            status = emit_group(report, &own, children, count, err);
        kin_outline_release(&own.outlines);
    } else {
        status = visit_children(report, children, count, group, err);
    }
    free(children);
    return status;
}

kin_status kin_report_read(kin_annotation_reader *reader, kin_error *err)
{
    kin_report report = {.reader = reader};
    return visit(&report, reader->dicom->root, NULL, err);
}

/* Whether the item or any below it is a shape, or a segment. */
static bool holds_regions(kin_item *item)
{
    size_t count = kin_dicom_item_count(item, TAG_CONTENT);
    kin_item **children;
    bool found = kin_report_is_shape(item) || segmentation_of(item) != NULL;
    if (found || count == 0 || list_children(item, &children, &count, NULL) != KIN_OK)
        return found;
    for (size_t i = 0; !found && i < count; i++)
        found = holds_regions(children[i]);
    free(children);
    return found;
}

bool kin_report_has_regions(const kin_dicom *dicom)
{
    return holds_regions(dicom->root);
}
