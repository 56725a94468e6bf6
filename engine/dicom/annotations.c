#include "dicom/annotations.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/annotation_reader.h"

enum { TAG_REFERENCED_INSTANCE = 0x00081155, TAG_REFERENCED_FRAME = 0x00081160 };

/* A kind of annotation object, by its SOP class. */
typedef struct kin_annotation_kind {
    const char *sop_class_uid;
    kin_status (*read)(kin_annotation_reader *reader, kin_error *err);
    bool (*has_regions)(const kin_dicom *dicom); /* NULL: by its nature */
} kin_annotation_kind;

static const kin_annotation_kind kinds[] = {
    {"1.2.840.10008.5.1.4.1.1.66.4", kin_segmentation_read, NULL},
    {"1.2.840.10008.5.1.4.1.1.66.7", kin_segmentation_read, NULL}, /* label map */
    {"1.2.840.10008.5.1.4.1.1.481.3", kin_structure_set_read, NULL},
    {"1.2.840.10008.5.1.4.1.1.88.22", kin_report_read, kin_report_has_regions}, /* Enhanced */
    {"1.2.840.10008.5.1.4.1.1.88.33", kin_report_read, kin_report_has_regions}, /* Comprehensive */
    {"1.2.840.10008.5.1.4.1.1.88.34", kin_report_read, kin_report_has_regions}, /* and 3D */
    {"1.2.840.10008.5.1.4.1.1.88.35", kin_report_read, kin_report_has_regions}, /* Extensible */
    {"1.2.840.10008.5.1.4.1.1.88.50", kin_report_read, kin_report_has_regions}, /* CAD: breast */
    {"1.2.840.10008.5.1.4.1.1.88.65", kin_report_read, kin_report_has_regions}, /* chest */
    {"1.2.840.10008.5.1.4.1.1.88.69", kin_report_read, kin_report_has_regions}, /* colon */
};

static const kin_annotation_kind *kind_of(const kin_dicom *dicom)
{
    const char *uid = dicom->header.sop_class_uid;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(uid, kinds[i].sop_class_uid) == 0)
            return &kinds[i];
    return NULL;
}

bool kin_dicom_is_annotation(const kin_dicom *dicom)
{
    const kin_annotation_kind *kind = kind_of(dicom);
    return kind != NULL && (kind->has_regions == NULL || kind->has_regions(dicom));
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

kin_status kin_annotation_emit(kin_annotation_reader *reader, kin_region *region, kin_error *err)
{
    kin_status status = KIN_OK;
    if (!is_set(region->sop_instance_uid) && !is_set(region->series_instance_uid) &&
        !is_set(region->frame_of_reference_uid) && !is_set(region->segmentation_uid)) {
        reader->skipped += region->shape_count;
        reader->homeless += region->shape_count;
    } else if (reader->regions == KIN_ANNOTATION_REGIONS_MAX) {
        status = kin_fail(err, KIN_E_LIMIT, NULL, "more than %d regions",
                          (int)KIN_ANNOTATION_REGIONS_MAX);
    } else {
        reader->regions++;
        status = reader->sink->region(reader->sink->ctx, region, err);
    }
    kin_region_release(region);
    return status;
}

static char *copy(const char *text)
{
    return strdup(text != NULL ? text : "");
}

kin_status kin_annotation_begin(const kin_finding *finding, const char *sop_instance_uid,
                                const char *series_instance_uid, const char *frame_of_reference_uid,
                                kin_region *out, kin_error *err)
{
    *out = (kin_region){.sop_instance_uid = copy(sop_instance_uid),
                        .series_instance_uid = copy(series_instance_uid),
                        .frame_of_reference_uid = copy(frame_of_reference_uid),
                        .frame = KIN_REGION_ANY_FRAME,
                        .number = finding->number,
                        .label = copy(finding->label),
                        .code = copy(finding->code),
                        .site = copy(finding->site),
                        .tracking_uid = copy(finding->tracking_uid),
                        .segmentation_uid = copy(NULL)};
    if (out->sop_instance_uid != NULL && out->series_instance_uid != NULL &&
        out->frame_of_reference_uid != NULL && out->label != NULL && out->code != NULL &&
        out->site != NULL && out->tracking_uid != NULL && out->segmentation_uid != NULL)
        return KIN_OK;
    kin_region_release(out);
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
}

size_t kin_annotation_references(kin_item *item, kin_image_reference *list, size_t most)
{
    size_t count = 0;
    int number;
    char uid[KIN_UID_SIZE];
    if (most == 0 || !kin_dicom_item_uid(item, TAG_REFERENCED_INSTANCE, uid))
        return 0;
    while (count < most &&
           kin_dicom_item_int(item, TAG_REFERENCED_FRAME, (unsigned)count, &number) && number > 0) {
        list[count].frame = (uint32_t)number - 1;
        memcpy(list[count++].sop_instance_uid, uid, sizeof uid);
    }
    if (count > 0)
        return count;
    list[0].frame = KIN_REGION_ANY_FRAME;
    memcpy(list[0].sop_instance_uid, uid, sizeof uid);
    return 1;
}

static kin_status no_annotation(const kin_dicom *dicom, kin_error *err)
{
    return kin_fail(err, KIN_E_ARG, NULL, "no annotation: %s", dicom->header.kind_reason);
}

static kin_status read_all(const kin_annotation_kind *kind, kin_annotation_reader *reader,
                           kin_error *err)
{
    enum { TAG_CHARACTER_SET = 0x00080005 };
    const char *terms = NULL;
    size_t length = 0;
    kin_dicom_item_text(reader->dicom->root, TAG_CHARACTER_SET, &terms, &length);
    kin_dicom_charset_init(&reader->charset, terms, length);
    kin_status status = kind->read(reader, err);
    kin_dicom_charset_release(&reader->charset);
    if (status != KIN_OK || reader->regions > 0)
        return status;
    if (kind->has_regions != NULL && reader->skipped == 0)
        return no_annotation(reader->dicom, err);
    if (reader->homeless > 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "names no image that its regions lie on");
    return KIN_OK;
}

kin_status kin_dicom_annotations_read(kin_dicom *dicom, const kin_region_sink *sink,
                                      size_t *skipped, kin_error *err)
{
    const kin_annotation_kind *kind = kind_of(dicom);
    kin_annotation_reader reader = {.dicom = dicom, .sink = sink};
    kin_status status = kind != NULL ? read_all(kind, &reader, err) : no_annotation(dicom, err);
    if (skipped != NULL)
        *skipped = reader.skipped;
    return status;
}
