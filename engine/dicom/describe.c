/* describe.c - identity and description of a file, in UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/classes.h"
#include "dicom/item_text.h"
#include "dicom/module.h"

enum {
    TAG_CHARACTER_SET = 0x00080005,
    TAG_PIXEL_PROVIDER = 0x00287fe0,
    TAG_ROWS = 0x00280010,
    TAG_ANATOMIC_REGION = 0x00082218,
    TAG_CODE_MEANING = 0x00080104
};

/* Attributes handed out by name.  None names the patient, a relative or a physician, or tells the
 * day of birth. */
static const struct {
    kin_tag tag;
    const char *name;
} described[] = {
    {0x00080008, "image_type"},
    {0x00080020, "study_date"},
    {0x00080021, "series_date"},
    {0x00080022, "acquisition_date"},
    {0x00080023, "content_date"},
    {0x00080030, "study_time"},
    {0x00080050, "accession_number"},
    {0x00080060, "modality"},
    {0x00080064, "conversion_type"},
    {0x00080068, "presentation_intent_type"},
    {0x00080070, "manufacturer"},
    {0x00080080, "institution_name"},
    {0x00081010, "station_name"},
    {0x00081030, "study_description"},
    {0x0008103e, "series_description"},
    {0x00081040, "institutional_department_name"},
    {0x00081090, "manufacturer_model_name"},
    {0x00082111, "derivation_description"},
    {0x00100040, "patient_sex"},
    {0x00101010, "patient_age"},
    {0x00101020, "patient_size"},
    {0x00101030, "patient_weight"},
    {0x00180010, "contrast_bolus_agent"},
    {0x00180015, "body_part_examined"},
    {0x00180020, "scanning_sequence"},
    {0x00180021, "sequence_variant"},
    {0x00180022, "scan_options"},
    {0x00180023, "mr_acquisition_type"},
    {0x00180024, "sequence_name"},
    {0x00180050, "slice_thickness"},
    {0x00180060, "kvp"},
    {0x00180080, "repetition_time"},
    {0x00180081, "echo_time"},
    {0x00180082, "inversion_time"},
    {0x00180087, "magnetic_field_strength"},
    {0x00180088, "spacing_between_slices"},
    {0x00181020, "software_versions"},
    {0x00181030, "protocol_name"},
    {0x00181100, "reconstruction_diameter"},
    {0x00181150, "exposure_time"},
    {0x00181151, "x_ray_tube_current"},
    {0x00181152, "exposure"},
    {0x00181210, "convolution_kernel"},
    {0x00181314, "flip_angle"},
    {0x00185100, "patient_position"},
    {0x00185101, "view_position"},
    {0x00200010, "study_id"},
    {0x00200011, "series_number"},
    {0x00200012, "acquisition_number"},
    {0x00200013, "instance_number"},
    {0x00200020, "patient_orientation"},
    {0x00200052, "frame_of_reference_uid"},
    {0x00200060, "laterality"},
    {0x00200062, "image_laterality"},
    {0x00201041, "slice_location"},
    {0x00204000, "image_comments"},
    {0x00280004, "photometric_interpretation"},
    {0x00280301, "burned_in_annotation"},
    {0x00281050, "window_center"},
    {0x00281051, "window_width"},
    {0x00281052, "rescale_intercept"},
    {0x00281053, "rescale_slope"},
    {0x00281054, "rescale_type"},
    {0x00282110, "lossy_image_compression"},
    {0x00282112, "lossy_image_compression_ratio"},
};

enum { DESCRIBED = sizeof described / sizeof described[0], EXTRA_ATTRIBUTES = 3 };

/* Keeps a string for as long as the file is open; "" needs no keeping, and stands for no memory. */
static const char *keep(kin_dicom *dicom, char *text)
{
    if (text == NULL)
        return "";
    if (text[0] == '\0') {
        free(text);
        return "";
    }
    dicom->texts[dicom->text_count++] = text;
    return text;
}

/* All values of an attribute, or "". */
static const char *text_of(kin_dicom *dicom, kin_charset *charset, kin_item *item, kin_tag tag)
{
    return keep(dicom, kin_dicom_item_utf8(item, tag, charset, KIN_TEXT_ALL_VALUES));
}

/* The first value of an identifier. */
static const char *first_text_of(kin_dicom *dicom, kin_charset *charset, kin_tag tag)
{
    return keep(dicom, kin_dicom_item_utf8(dicom->root, tag, charset, KIN_TEXT_FIRST_VALUE));
}

/* UIDs identify: anything that could not be one counts as absent. */
static const char *uid_of(kin_dicom *dicom, kin_charset *charset, kin_tag tag)
{
    const char *uid = first_text_of(dicom, charset, tag);
    return strspn(uid, "0123456789.") == strlen(uid) && strlen(uid) < KIN_UID_SIZE ? uid : "";
}

static void describe_identity(kin_dicom *dicom, kin_charset *charset)
{
    kin_dicom_header *h = &dicom->header;
    h->transfer_syntax_uid = dicom->container.syntax_uid;
    h->sop_class_uid = uid_of(dicom, charset, 0x00080016);
    h->sop_instance_uid = uid_of(dicom, charset, 0x00080018);
    h->study_instance_uid = uid_of(dicom, charset, 0x0020000d);
    h->series_instance_uid = uid_of(dicom, charset, 0x0020000e);
    h->patient_id = first_text_of(dicom, charset, 0x00100020);
    h->modality = first_text_of(dicom, charset, 0x00080060);
    h->body_part = first_text_of(dicom, charset, 0x00180015);
    h->study_date = first_text_of(dicom, charset, 0x00080020);
    h->photometric_interpretation = first_text_of(dicom, charset, 0x00280004);
}

static void add_attribute(kin_dicom *dicom, kin_dicom_attribute *list, const char *name,
                          const char *value)
{
    if (value[0] != '\0')
        list[dicom->header.attribute_count++] = (kin_dicom_attribute){name, value};
}

/* An attribute of the data set or, in enhanced images, of its shared or first frame's groups. */
static const char *attribute_of(kin_dicom *dicom, kin_charset *charset, kin_tag tag)
{
    const char *value = text_of(dicom, charset, dicom->root, tag);
    if (value[0] == '\0')
        value = text_of(dicom, charset, kin_dicom_item_find_below(dicom->shared_groups, tag), tag);
    if (value[0] == '\0' && dicom->frame_group_count > 0)
        value =
            text_of(dicom, charset, kin_dicom_item_find_below(dicom->frame_groups[0], tag), tag);
    return value;
}

static void describe_attributes(kin_dicom *dicom, kin_charset *charset, kin_dicom_attribute *list)
{
    kin_dicom_header *h = &dicom->header;
    const kin_sop_class *class = kin_dicom_sop_class_of(h->sop_class_uid);
    const kin_dicom_syntax_info *syntax = kin_dicom_syntax_of(h->transfer_syntax_uid);
    kin_item *region = kin_dicom_item_at(dicom->root, TAG_ANATOMIC_REGION, 0);
    for (size_t i = 0; i < DESCRIBED; i++)
        add_attribute(dicom, list, described[i].name,
                      attribute_of(dicom, charset, described[i].tag));
    add_attribute(dicom, list, "anatomic_region",
                  text_of(dicom, charset, region, TAG_CODE_MEANING));
    add_attribute(dicom, list, "sop_class", class != NULL ? class->name : h->sop_class_uid);
    add_attribute(dicom, list, "transfer_syntax",
                  syntax != NULL ? syntax->name : h->transfer_syntax_uid);
    h->attributes = list;
}

/* The SOP class decides; without a known one, whether there are pixels and their shape.  An image
 * class whose pixels are missing is broken, unless they are said to be elsewhere. */
static kin_status settle_kind(kin_dicom *dicom, kin_error *err)
{
    kin_dicom_header *h = &dicom->header;
    const kin_sop_class *class = kin_dicom_sop_class_of(h->sop_class_uid);
    bool has_pixels = dicom->layout.has_pixels;
    if (class == NULL && has_pixels && !kin_dicom_item_has(dicom->root, TAG_ROWS)) {
        h->kind = KIN_DICOM_NO_PIXELS;
        h->kind_reason = "Pixel data without rows and columns";
        return KIN_OK;
    }
    h->kind = class != NULL ? class->kind : has_pixels ? KIN_DICOM_IMAGE : KIN_DICOM_NO_PIXELS;
    h->kind_reason = class != NULL ? class->name : has_pixels ? "Image" : "No pixel data";
    if (h->kind == KIN_DICOM_NO_PIXELS || has_pixels)
        return KIN_OK;
    if (kin_dicom_item_has(dicom->root, TAG_ROWS) &&
        !kin_dicom_item_has(dicom->root, TAG_PIXEL_PROVIDER))
        return kin_fail(err, KIN_E_FORMAT, NULL, "truncated: rows and columns, but no pixel data");
    h->kind = KIN_DICOM_NO_PIXELS;
    return KIN_OK;
}

kin_status kin_dicom_describe(kin_dicom *dicom, kin_error *err)
{
    enum { IDENTITY_TEXTS = 16 };
    const char *terms = NULL;
    size_t length = 0;
    kin_charset charset;
    kin_dicom_attribute *list = calloc(DESCRIBED + EXTRA_ATTRIBUTES, sizeof *list);
    dicom->texts = calloc(IDENTITY_TEXTS + DESCRIBED + EXTRA_ATTRIBUTES, sizeof *dicom->texts);
    dicom->header.attributes = list;
    if (list == NULL || dicom->texts == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    kin_dicom_item_text(dicom->root, TAG_CHARACTER_SET, &terms, &length);
    kin_dicom_charset_init(&charset, terms, length);
    describe_identity(dicom, &charset);
    describe_attributes(dicom, &charset, list);
    kin_dicom_charset_release(&charset);
    return settle_kind(dicom, err);
}
