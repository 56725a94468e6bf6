#include "labels_line.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"

static const char DIAGNOSIS[] = "diagnosis";

/* Labels that tell how a picture was made or filed rather than what it shows; sorted by bytes.
 * `show` prints them. */
static const char *const headers[] = {
    "accession_number",
    "acquisition_date",
    "acquisition_number",
    "bits_allocated",
    "bits_stored",
    "burned_in_annotation",
    "columns",
    "content_date",
    "conversion_type",
    "convolution_kernel",
    "derivation_description",
    "echo_time",
    "exposure",
    "exposure_time",
    "flip_angle",
    "format",
    "frame_of_reference_uid",
    "image_comments",
    "image_type",
    "instance_number",
    "institution_name",
    "institutional_department_name",
    "inversion_time",
    "kvp",
    "lossy_image_compression",
    "lossy_image_compression_ratio",
    "magnetic_field_strength",
    "manufacturer",
    "manufacturer_model_name",
    "mr_acquisition_type",
    "number_of_frames",
    "patient_orientation",
    "patient_position",
    "photometric_interpretation",
    "pixel_representation",
    "pixel_spacing",
    "presentation_intent_type",
    "reconstruction_diameter",
    "repetition_time",
    "rescale_intercept",
    "rescale_slope",
    "rescale_type",
    "rows",
    "samples_per_pixel",
    "scan_options",
    "scanning_sequence",
    "sequence_name",
    "sequence_variant",
    "series_date",
    "series_number",
    "slice_location",
    "slice_thickness",
    "software_versions",
    "sop_class",
    "sop_class_name",
    "sop_class_uid",
    "spacing_between_slices",
    "station_name",
    "study_id",
    "study_time",
    "transfer_syntax",
    "transfer_syntax_uid",
    "window_center",
    "window_width",
    "x_ray_tube_current",
};

static int compare_names(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

static bool is_header(const char *name)
{
    return bsearch(name, headers, sizeof headers / sizeof headers[0], sizeof headers[0],
                   compare_names) != NULL;
}

static bool has_digit(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* Puts "name=value" of the labels that are no headers, with or without a digit in their value. */
static void put_labels(FILE *out, const kin_record *record, bool digits, bool *first)
{
    for (size_t i = 0; i < record->label_count; i++) {
        const kin_label *label = &record->labels[i];
        if (strcmp(label->name, DIAGNOSIS) == 0 || is_header(label->name) ||
            kin_record_is_region_label(label->name) || has_digit(label->value) != digits)
            continue;
        fprintf(out, "%s%s=%s", *first ? "" : ", ", label->name, label->value);
        *first = false;
    }
}

char *kin_labels_line(const kin_record *record)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return NULL;
    const char *diagnosis = kin_label_text(record, DIAGNOSIS);
    bool first = diagnosis[0] == '\0';
    fputs(diagnosis, out);
    put_labels(out, record, false,
               &first); /* words say more than numbers, which may be mere keys */
    put_labels(out, record, true, &first);
    if (fclose(out) == 0)
        return line;
    free(line);
    return NULL;
}
