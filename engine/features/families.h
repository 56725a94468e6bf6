/* families.h - the families that registry.c lists, one file each (private to engine/features). */
#ifndef KIN_FEATURES_FAMILIES_H
#define KIN_FEATURES_FAMILIES_H

#include "features/features.h"

extern const kin_family kin_family_pixels;
extern const kin_family kin_family_hog;
extern const kin_family kin_family_lbp;
extern const kin_family kin_family_glcm;
extern const kin_family kin_family_intensity;
extern const kin_family kin_family_gabor;
extern const kin_family kin_family_colour;
extern const kin_family kin_family_stain;
extern const kin_family kin_family_stain_texture;
extern const kin_family kin_family_fisher_colour;
extern const kin_family kin_family_fisher_stain;

#endif
