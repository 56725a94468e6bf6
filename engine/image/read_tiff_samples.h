/* read_tiff_samples.h - packed TIFF samples to floats (private to engine/image). */
#ifndef KIN_IMAGE_READ_TIFF_SAMPLES_H
#define KIN_IMAGE_READ_TIFF_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/raster.h"

enum kin_tiff_number { KIN_TIFF_UNSIGNED, KIN_TIFF_SIGNED, KIN_TIFF_FLOAT };

/* How one sample is stored: libtiff has put 16, 32 and 64 bits into the machine's byte order. */
typedef struct kin_tiff_sample {
    enum kin_tiff_number number;
    int bits; /* unsigned: 1 to 16, 32; signed: 8, 16, 32; float: 32, 64 */
} kin_tiff_sample;

/* True for the combinations above. */
bool kin_tiff_sample_supported(kin_tiff_sample sample);

/* True where samples have a natural largest value (unsigned, up to 16 bits). */
bool kin_tiff_sample_has_scale(kin_tiff_sample sample);

/* The i-th sample of a packed row: divided by its largest value where it has a scale, else as it
 * is. */
float kin_tiff_sample_at(const uint8_t *row, size_t i, kin_tiff_sample sample);

/* The i-th sample of a packed row of unsigned integers of 1 to 16 bits. */
uint32_t kin_tiff_index_at(const uint8_t *row, size_t i, int bits);

/* Maps values without a scale to [0, 1], as read.h says: kept when all are there already, else
 * stretched between the finite extremes; NaN becomes 0, infinities the nearer end. */
void kin_tiff_stretch(float *values, size_t n);

#endif
