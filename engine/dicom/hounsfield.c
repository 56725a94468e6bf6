/* hounsfield.c - the frames of a CT in Hounsfield units. */
#include <stdlib.h>
#include <string.h>

#include "dicom/modality.h"

/* CT values are Hounsfield units only after a modality transformation. */
bool kin_dicom_is_hounsfield(const kin_dicom *dicom, const kin_modality *modality)
{
    return strcmp(dicom->header.modality, "CT") == 0 && (modality->rescaled || modality->has_lut);
}

kin_status kin_dicom_hounsfield(kin_dicom *dicom, int frame, kin_raster *out, kin_error *err)
{
    const kin_dicom_header *header = &dicom->header;
    kin_modality modality;
    memset(out, 0, sizeof *out);
    if (!kin_is_monochrome(dicom))
        return KIN_OK;
    kin_dicom_modality_load(dicom, frame, &modality);
    bool known = kin_dicom_is_hounsfield(dicom, &modality);
    kin_dicom_modality_release(&modality);
    if (!known)
        return KIN_OK;
    kin_status status = kin_raster_init(out, header->columns, header->rows, 1, err);
    if (status == KIN_OK)
        status = kin_dicom_read_values(dicom, frame, out->px, err);
    if (status != KIN_OK)
        kin_raster_release(out);
    return status;
}
