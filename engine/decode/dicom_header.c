#include "decode/dicom_header.h"

#include <stdbool.h>
#include <string.h>

/* Attributes that the header has as fields of its own. */
static bool is_field(const char *name)
{
    static const char *const fields[] = {"modality", "body_part_examined", "study_date"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(name, fields[i]) == 0)
            return true;
    return false;
}

void kin_header_of_dicom(const kin_dicom_header *header, int frames, kin_header_builder *builder)
{
    kin_header_begin(builder,
                     &(kin_decode_header){.format = "dicom",
                                          .sop_instance_uid = header->sop_instance_uid,
                                          .series_instance_uid = header->series_instance_uid,
                                          .study_instance_uid = header->study_instance_uid,
                                          .patient_id = header->patient_id,
                                          .modality = header->modality,
                                          .body_part = header->body_part,
                                          .study_date = header->study_date,
                                          .frames = frames});
    kin_header_addf(builder, "number_of_frames", "%d", header->frames);
    kin_header_add(builder, "transfer_syntax_uid", header->transfer_syntax_uid);
    kin_header_add(builder, "sop_class_uid", header->sop_class_uid);
    kin_header_add(builder, "sop_class_name", header->kind_reason);
    kin_header_add(builder, "photometric_interpretation", header->photometric_interpretation);
    kin_header_addf(builder, "rows", "%d", header->rows);
    kin_header_addf(builder, "columns", "%d", header->columns);
    kin_header_addf(builder, "samples_per_pixel", "%d", header->samples_per_pixel);
    kin_header_addf(builder, "bits_allocated", "%d", header->bits_allocated);
    kin_header_addf(builder, "bits_stored", "%d", header->bits_stored);
    kin_header_addf(builder, "pixel_representation", "%d", header->is_signed ? 1 : 0);
    if (header->spacing_x_mm > 0.0 && header->spacing_y_mm > 0.0)
        kin_header_addf(builder, "pixel_spacing", "%.6g\\%.6g", header->spacing_y_mm,
                        header->spacing_x_mm);
    for (size_t i = 0; i < header->attribute_count; i++)
        if (!is_field(header->attributes[i].name))
            kin_header_add(builder, header->attributes[i].name, header->attributes[i].value);
}
