/* Small good files that tests decode.  Memory is from malloc. */
#ifndef KIN_TEST_SAMPLES_H
#define KIN_TEST_SAMPLES_H

#include <stddef.h>

#include "dicom/write.h"

/* A grey PNG of a disc, width x height. */
void *sample_png(int width, int height, size_t *size);

/* A grey TIFF of several pages, each 16 x 12. */
void *sample_tiff(int pages, size_t *size);

/* bytes as one Zstandard frame. */
void *sample_zstd(const void *bytes, size_t size, size_t *out_size);

/* A multi-frame ultrasound, 8 bits, 32 x 24, in the given syntax, with further attributes. */
void *sample_dicom(kin_dicom_syntax syntax, int frames, const kin_dicom_new_attribute *attributes,
                   size_t attribute_count, size_t *size);

/* The same pixels under another SOP class; without pixels when frames is 0. */
void *sample_dicom_of(const char *sop_class, int frames, size_t *size);

#endif
