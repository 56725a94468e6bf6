/* scale.h - the last step of several families (private to engine/features and its tests). */
#ifndef KIN_FEATURES_SCALE_H
#define KIN_FEATURES_SCALE_H

#include <stddef.h>

/*
 * Divides counts (none negative) by their sum and takes square roots, so that the vector has unit
 * length and the inner product of two is the Bhattacharyya coefficient of the histograms
 * ("Hellinger kernel"; Arandjelovic and Zisserman, CVPR 2012).  All zero stays so.
 */
void kin_hellinger(float *counts, size_t n);

/* sign(v) sqrt(|v|): tames heavy-tailed statistics. */
float kin_signed_sqrt(float v);

/* Mean, standard deviation and signed_sqrt-like cube root of the third central moment, after
 * Stricker and Orengo (SPIE 2420, 1995): all in the unit of the values.  n >= 1. */
void kin_moments(const float *values, size_t n, size_t stride, float out[3]);

#endif
