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

typedef struct kin_family {
    const char *name;
    const kin_feature *features;
    size_t count;
    kin_status (*compute)(const kin_roi *roi, kin_report *report, kin_error *err);
} kin_family;

enum { KIN_FEATURES_MAX = 32 }; /* of one family */

extern const kin_family kin_family_morphology;
extern const kin_family kin_family_local_intensity;
extern const kin_family kin_family_statistics;
extern const kin_family kin_family_histogram;
extern const kin_family kin_family_volume_histogram;
extern const kin_family kin_family_glcm;
extern const kin_family kin_family_glrlm;
extern const kin_family kin_family_glszm;
extern const kin_family kin_family_gldzm;
extern const kin_family kin_family_ngtdm;
extern const kin_family kin_family_ngldm;
extern const kin_family kin_family_shape_2d;

#endif
