/* structure_set.c - regions of an RT Structure Set (PS3.3 A.19, C.8.8.5, C.8.8.6, C.8.8.8). */
#include <stdlib.h>
#include <string.h>

#include "dicom/annotation_reader.h"
#include "dicom/outline_set.h"

enum {
    TAG_ROIS = 0x30060020, /* StructureSetROISequence */
    TAG_ROI_NUMBER = 0x30060022,
    TAG_ROI_FRAME_OF_REFERENCE = 0x30060024,
    TAG_ROI_NAME = 0x30060026,
    TAG_CONTOURS_OF_ROI = 0x30060039, /* ROIContourSequence */
    TAG_CONTOURS = 0x30060040,
    TAG_GEOMETRY = 0x30060042,
    TAG_CONTOUR_DATA = 0x30060050,
    TAG_CONTOUR_IMAGES = 0x30060016,
    TAG_REFERENCED_ROI = 0x30060084,
    TAG_OBSERVATIONS = 0x30060080,
    TAG_OBSERVED_CODE = 0x30060086,
    TAG_OBSERVED_TYPE = 0x300600a4,
    TAG_OBSERVED_SITE = 0x00082218,
    TAG_FRAMES_OF_REFERENCE = 0x30060010,
    TAG_STUDIES = 0x30060012,
    TAG_SERIES = 0x30060014,
    TAG_SERIES_UID = 0x0020000e,
    TAG_FRAME_OF_REFERENCE = 0x00200052
};

/* The items of a sequence, or none; the list is the caller's to free. */
static kin_status list_items(kin_item *item, kin_tag tag, size_t most, kin_item ***list,
                             size_t *count, kin_error *err)
{
    *list = NULL;
    *count = kin_dicom_item_count(item, tag);
    if (*count > most)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu items in (%04x,%04x)", *count, tag >> 16,
                        tag & 0xffff);
    if (*count == 0)
        return KIN_OK;
    *list = calloc(*count, sizeof(kin_item *));
    if (*list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a sequence");
    *count = kin_dicom_item_list(item, tag, *list, *count);
    return KIN_OK;
}

/* A sequence whose items are told apart by a number. */
typedef struct kin_numbered {
    kin_item **items; /* owned */
    size_t count;
    kin_tag number;
} kin_numbered;

static kin_item *find_numbered(const kin_numbered *list, int number)
{
    int value;
    for (size_t i = 0; i < list->count; i++)
        if (kin_dicom_item_int(list->items[i], list->number, 0, &value) && value == number)
            return list->items[i];
    return NULL;
}

typedef struct kin_structures {
    kin_annotation_reader *reader;
    kin_numbered rois, observations;
} kin_structures;

/* The one series of images in a frame of reference, or "" when there are several. */
static void find_series(kin_item *root, const char *frame_of_reference, char out[KIN_UID_SIZE])
{
    enum { LOOKED_AT = 64 };
    kin_item *frames[LOOKED_AT];
    char uid[KIN_UID_SIZE];
    size_t count = kin_dicom_item_list(root, TAG_FRAMES_OF_REFERENCE, frames, LOOKED_AT);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        kin_dicom_item_uid(frames[i], TAG_FRAME_OF_REFERENCE, uid);
        kin_item *study = kin_dicom_item_at(frames[i], TAG_STUDIES, 0);
        if (strcmp(uid, frame_of_reference) == 0 &&
            kin_dicom_item_count(frames[i], TAG_STUDIES) == 1 &&
            kin_dicom_item_count(study, TAG_SERIES) == 1)
            kin_dicom_item_uid(kin_dicom_item_at(study, TAG_SERIES, 0), TAG_SERIES_UID, out);
    }
}

static kin_status read_contour(kin_structures *structures, kin_item *contour, kin_outline_set *set,
                               kin_error *err)
{
    double *numbers;
    size_t count;
    kin_image_reference image = {{0}, KIN_REGION_ANY_FRAME};
    /* Others have no inside: POINT, OPEN_PLANAR, OPEN_NONPLANAR. */
    if (!kin_dicom_item_text_is(contour, TAG_GEOMETRY, "CLOSED_PLANAR") &&
        !kin_dicom_item_text_is(contour, TAG_GEOMETRY, "CLOSEDPLANAR_XOR")) {
        structures->reader->skipped++;
        return KIN_OK;
    }
    kin_status status = kin_dicom_item_numbers(
        contour, TAG_CONTOUR_DATA, 3 * (size_t)KIN_ANNOTATION_POINTS_MAX, &numbers, &count, err);
    if (status == KIN_OK && count % 3 != 0)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "a contour of %zu coordinates", count);
    if (status != KIN_OK || count < 9) {
        structures->reader->skipped += status == KIN_OK;
        free(numbers);
        return status;
    }
    kin_annotation_references(kin_dicom_item_at(contour, TAG_CONTOUR_IMAGES, 0), &image, 1);
    return kin_outline_add(set, KIN_SHAPE_OUTLINE_MM, numbers, count / 3, &image, err);
}

/* Texts of a ROI, each from malloc. */
typedef struct kin_roi_texts {
    char *label, *code, *site;
} kin_roi_texts;

/* What the ROI is: its code, or at least its type in radiotherapy ("GTV", "ORGAN"). */
static char *code_of(const kin_structures *structures, kin_item *observation)
{
    kin_charset *charset = &structures->reader->charset;
    char *code = kin_dicom_item_code(observation, TAG_OBSERVED_CODE, charset);
    if (code == NULL || code[0] != '\0')
        return code;
    free(code);
    return kin_dicom_item_utf8(observation, TAG_OBSERVED_TYPE, charset, KIN_TEXT_FIRST_VALUE);
}

static kin_status read_texts(const kin_structures *structures, int number, kin_roi_texts *out,
                             kin_error *err)
{
    kin_charset *charset = &structures->reader->charset;
    kin_item *roi = find_numbered(&structures->rois, number);
    kin_item *observation = find_numbered(&structures->observations, number);
    out->label = kin_dicom_item_utf8(roi, TAG_ROI_NAME, charset, KIN_TEXT_ALL_VALUES);
    out->code = code_of(structures, observation);
    out->site = kin_dicom_item_code(observation, TAG_OBSERVED_SITE, charset);
    if (out->label == NULL || out->code == NULL || out->site == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a ROI");
    return KIN_OK;
}

static void release_texts(kin_roi_texts *texts)
{
    free(texts->label);
    free(texts->code);
    free(texts->site);
}

static kin_status emit_roi(kin_structures *structures, int number, kin_outline_set *set,
                           kin_error *err)
{
    char frame_of_reference[KIN_UID_SIZE], series[KIN_UID_SIZE];
    kin_roi_texts texts = {0};
    kin_dicom_item_uid(find_numbered(&structures->rois, number), TAG_ROI_FRAME_OF_REFERENCE,
                       frame_of_reference);
    find_series(structures->reader->dicom->root, frame_of_reference, series);
    kin_status status = read_texts(structures, number, &texts, err);
    const kin_finding finding = {
        .number = (uint32_t)number, .label = texts.label, .code = texts.code, .site = texts.site};
    if (status == KIN_OK)
        status =
            kin_outline_emit(set, structures->reader, &finding, series, frame_of_reference, err);
    release_texts(&texts);
    return status;
}

static kin_status read_roi(kin_structures *structures, kin_item *roi, kin_error *err)
{
    kin_item **contours;
    size_t count;
    int number;
    kin_outline_set set = {0};
    if (!kin_dicom_item_int(roi, TAG_REFERENCED_ROI, 0, &number) || number < 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "contours of no ROI");
    kin_status status = list_items(roi, TAG_CONTOURS, KIN_OUTLINES_MAX, &contours, &count, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = read_contour(structures, contours[i], &set, err);
    free(contours);
    if (status == KIN_OK && set.count > 0)
        status = emit_roi(structures, number, &set, err);
    kin_outline_release(&set);
    return status;
}

kin_status kin_structure_set_read(kin_annotation_reader *reader, kin_error *err)
{
    enum { MOST = KIN_ANNOTATION_ROIS_MAX };
    kin_item *root = reader->dicom->root, **rois = NULL;
    size_t count = 0;
    kin_structures structures = {.reader = reader,
                                 .rois = {.number = TAG_ROI_NUMBER},
                                 .observations = {.number = TAG_REFERENCED_ROI}};
    kin_status status =
        list_items(root, TAG_ROIS, MOST, &structures.rois.items, &structures.rois.count, err);
    if (status == KIN_OK)
        status = list_items(root, TAG_OBSERVATIONS, MOST, &structures.observations.items,
                            &structures.observations.count, err);
    if (status == KIN_OK)
        status = list_items(root, TAG_CONTOURS_OF_ROI, MOST, &rois, &count, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = read_roi(&structures, rois[i], err);
    free(rois);
    free(structures.rois.items);
    free(structures.observations.items);
    return status;
}
