/* registry.c - the families, and the way from a volume to all their figures. */
#include <stdlib.h>

#include "radiomics/family.h"

static const kin_radiomics_family *const families[] = {&kin_radiomics_morphology_family,
                                                       &kin_radiomics_local_intensity_family,
                                                       &kin_radiomics_statistics_family,
                                                       &kin_radiomics_histogram_family,
                                                       &kin_radiomics_volume_histogram_family,
                                                       &kin_radiomics_glcm_family,
                                                       &kin_radiomics_glrlm_family,
                                                       &kin_radiomics_glszm_family,
                                                       &kin_radiomics_gldzm_family,
                                                       &kin_radiomics_ngtdm_family,
                                                       &kin_radiomics_ngldm_family,
                                                       &kin_radiomics_shape_2d_family};
enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

static const struct kin_aggregation_name {
    const char *name, *code;
} aggregations[] = {[KIN_AGGREGATION_NONE] = {"", "DHQ4"},
                    [KIN_AGGREGATION_2D_AVERAGE] = {"2D averaged", "BTW3"},
                    [KIN_AGGREGATION_2D_MERGED] = {"2D merged", "SUJT"},
                    [KIN_AGGREGATION_25D_AVERAGE] = {"2.5D averaged", "JJUI"},
                    [KIN_AGGREGATION_25D_MERGED] = {"2.5D merged", "ZW7Z"},
                    [KIN_AGGREGATION_3D_AVERAGE] = {"3D averaged", "ITBB"},
                    [KIN_AGGREGATION_3D_MERGED] = {"3D merged", "IAZD"},
                    [KIN_AGGREGATION_2D] = {"2D", "8QNN"},
                    [KIN_AGGREGATION_25D] = {"2.5D", "62GR"},
                    [KIN_AGGREGATION_3D] = {"3D", "KOBO"},
                    [KIN_AGGREGATION_SLICE] = {"largest slice", ""}};
enum { AGGREGATION_COUNT = sizeof aggregations / sizeof aggregations[0] };

bool kin_radiomics_describe(const kin_radiomics_value *value, kin_radiomics_description *out)
{
    if (value->family >= FAMILY_COUNT || value->feature >= families[value->family]->count ||
        value->aggregation >= AGGREGATION_COUNT)
        return false;
    const kin_radiomics_family *family = families[value->family];
    *out = (kin_radiomics_description){.family = family->name,
                                       .name = family->features[value->feature].name,
                                       .code = family->features[value->feature].code,
                                       .aggregation = aggregations[value->aggregation].name,
                                       .aggregation_code = aggregations[value->aggregation].code};
    return true;
}

kin_status kin_report_add(kin_report *report, kin_aggregation aggregation, const double *values,
                          kin_error *err)
{
    kin_radiomics *to = report->to;
    if (to->count + report->features > report->capacity) {
        size_t capacity = 2 * report->capacity + report->features;
        kin_radiomics_value *grown = reallocarray(to->values, capacity, sizeof *grown);
        if (grown == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu figures", capacity);
        to->values = grown;
        report->capacity = capacity;
    }
    for (size_t i = 0; i < report->features; i++)
        to->values[to->count++] = (kin_radiomics_value){.family = report->family,
                                                        .feature = (uint16_t)i,
                                                        .aggregation = aggregation,
                                                        .value = values[i]};
    return KIN_OK;
}

kin_status kin_radiomics_compute(const kin_volume *image, const kin_volume *mask, int label,
                                 const kin_radiomics_settings *settings, kin_radiomics *out,
                                 kin_error *err)
{
    kin_roi roi;
    kin_report report = {.to = out};
    *out = (kin_radiomics){0};
    kin_status status = kin_roi_make(image, mask, label, settings, &roi, err);
    if (status != KIN_OK)
        return status;
    out->voxels = roi.voxels;
    out->shape_voxels = roi.shape_voxels;
    out->levels = roi.levels;
    for (int a = 0; a < 3; a++)
        out->spacing[a] = roi.spacing[a];
    for (size_t i = 0; status == KIN_OK && i < FAMILY_COUNT; i++) {
        report.family = (uint16_t)i;
        report.features = families[i]->count;
        status = families[i]->compute(&roi, &report, err);
    }
    kin_roi_release(&roi);
    if (status != KIN_OK)
        kin_radiomics_release(out);
    return status;
}

void kin_radiomics_release(kin_radiomics *radiomics)
{
    free(radiomics->values);
    *radiomics = (kin_radiomics){0};
}
