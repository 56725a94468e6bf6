/* colour.h - from sRGB to spaces in which distances and stains mean something. */
#ifndef KIN_IMAGE_COLOUR_H
#define KIN_IMAGE_COLOUR_H

/* All take red, green, blue as sRGB values from 0 to 1. */

/* Hue (0 to 1, 0 = red; 0 where grey), saturation and value (Smith, "Color gamut transform pairs",
 * 1978). */
void kin_rgb_to_hsv(const float rgb[3], float hsv[3]);

/* CIE L*a*b* (L* 0 to 100) for the D65 white, through IEC 61966-2-1's sRGB transfer function and
 * matrix and CIE 15's cube-root law. */
void kin_rgb_to_lab(const float rgb[3], float lab[3]);

/*
 * Stain amounts by colour deconvolution (Ruifrok and Johnston, Anal Quant Cytol Histol 23, 2001):
 * optical densities -log10(max(v, KIN_OD_FLOOR)), unmixed by the inverse of their matrix for
 * haematoxylin (0.650, 0.704, 0.286), eosin (0.072, 0.990, 0.105) and DAB (0.268, 0.570, 0.776),
 * each of unit length.  White has none of any; a pure stain of density d gives d in its place and 0
 * in the others.
 */
#define KIN_OD_FLOOR (1.0f / 255.0f)
enum { KIN_STAIN_HAEMATOXYLIN, KIN_STAIN_EOSIN, KIN_STAIN_DAB, KIN_STAINS };
void kin_rgb_to_stains(const float rgb[3], float stains[KIN_STAINS]);

#endif
