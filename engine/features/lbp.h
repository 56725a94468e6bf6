/* lbp.h - the parts of the local binary patterns that tests work by hand (private). */
#ifndef KIN_FEATURES_LBP_H
#define KIN_FEATURES_LBP_H

#include <stddef.h>
#include <stdint.h>

/* 58 uniform patterns of 8 neighbours and one bin for the rest. */
enum { KIN_LBP_BINS = 59 };

/* The bin of every code: uniform codes in rising order from 0, the others 58. */
void kin_lbp_u2_bins(uint8_t bins[256]);

/* The code of the pixel at *at in rows `stride` floats apart: bit k is set when the neighbour at 45
 * k degrees (0: right, 90: up) is no darker than the centre by more than a grey level.  All eight
 * pixels around it must exist. */
unsigned kin_lbp_code(const float *at, ptrdiff_t stride, int radius);

#endif
