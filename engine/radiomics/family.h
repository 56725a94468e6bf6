/* family.h - what a family of features is, and how it reports its figures. */
#ifndef KIN_RADIOMICS_FAMILY_H
#define KIN_RADIOMICS_FAMILY_H

#include "radiomics/roi.h"

typedef struct kin_feature {
    const char *name, *code;
} kin_feature;

/* Takes the figures of one family. */
typedef struct kin_report {
    kin_radiomics *to;
    size_t capacity;
    uint16_t family; /* the one that reports now */
    size_t features; /* how many it has */
} kin_report;

/* values: one for each feature of the family. */
kin_status kin_report_add(kin_report *report, kin_aggregation aggregation, const double *values,
                          kin_error *err);

typedef struct kin_radiomics_family {
    const char *name;
    const kin_feature *features;
    size_t count;
    kin_status (*compute)(const kin_roi *roi, kin_report *report, kin_error *err);
} kin_radiomics_family;

enum { KIN_FEATURES_MAX = 32 }; /* of one family */

extern const kin_radiomics_family kin_radiomics_morphology_family;
extern const kin_radiomics_family kin_radiomics_local_intensity_family;
extern const kin_radiomics_family kin_radiomics_statistics_family;
extern const kin_radiomics_family kin_radiomics_histogram_family;
extern const kin_radiomics_family kin_radiomics_volume_histogram_family;
extern const kin_radiomics_family kin_radiomics_glcm_family;
extern const kin_radiomics_family kin_radiomics_glrlm_family;
extern const kin_radiomics_family kin_radiomics_glszm_family;
extern const kin_radiomics_family kin_radiomics_gldzm_family;
extern const kin_radiomics_family kin_radiomics_ngtdm_family;
extern const kin_radiomics_family kin_radiomics_ngldm_family;
extern const kin_radiomics_family kin_radiomics_shape_2d_family;

#endif
