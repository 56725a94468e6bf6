/* slides.h - whole slides on their way to descriptors: each is its mosaic's tiles
 * (slide/mosaic.h). */
#ifndef KIN_DECODE_SLIDES_H
#define KIN_DECODE_SLIDES_H

#include "decode/pictures.h"
#include "slide/slide.h"

/* Describes an open slide, which it closes.  dicom: the file's, for its header; NULL: a vendor's.
 * KIN_E_UNSUPPORTED: a wish that slides cannot fulfil (regions of lesions, masks). */
kin_status kin_decode_slide(kin_slide *slide, const kin_dicom_header *dicom, const kin_job *job,
                            kin_error *err);

#endif
