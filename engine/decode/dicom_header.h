/* dicom_header.h - what of a DICOM header is kept, and under which names. */
#ifndef KIN_DECODE_DICOM_HEADER_H
#define KIN_DECODE_DICOM_HEADER_H

#include "decode/header.h"
#include "dicom/dicom.h"

/*
 * Fills builder from an image's header, or an annotation's; frames: pictures in it.  Besides the attributes that the header lists, and before
 * them, these are made from its fields: number_of_frames, transfer_syntax_uid, sop_class_uid,
 * sop_class_name, photometric_interpretation, rows, columns, samples_per_pixel, bits_allocated,
 * bits_stored, pixel_representation (0 or 1) and pixel_spacing ("row\column" in mm, as PS3.3
 * 10.7.1.3 has it; left out where unknown).
 */
void kin_header_of_dicom(const kin_dicom_header *header, int frames, kin_header_builder *builder);

#endif
