/* regions.h - volumes for tests of radiomics, and figures found by name. */
#ifndef KIN_TEST_REGIONS_H
#define KIN_TEST_REGIONS_H

#include "radiomics/radiomics.h"
#include "shared_data.h"

/* The digital phantom of the IBSI (reference manual, chapter "Reference data sets"), and its mask. */
void phantom_make(kin_volume *image, kin_volume *mask);

/* A volume of zeros, of voxels of 1 mm. */
kin_volume volume_of(int nx, int ny, int nz);

/* The volume in tumour-volumes/NAME; skips the test where there are no shared data. */
kin_volume volume_load(const char *name);

/* The value of a figure; fails the test when there is no such. */
double figure_of(const kin_radiomics *radiomics, const char *family, const char *aggregation,
                 const char *name);

/* Computes, and fails the test when that fails. */
kin_radiomics measured(const kin_volume *image, const kin_volume *mask, int label,
                       const kin_radiomics_settings *settings);

#endif
