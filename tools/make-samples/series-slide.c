/* series-slide.c - a slide as a tiled multi-frame DICOM file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "random.h"
#include "series.h"
#include "slide.h"

static const char SLIDE_STORAGE[] = "1.2.840.10008.5.1.4.1.1.77.1.6";

/* VL Whole Slide Microscopy Image IOD: PS3.3 A.32.8, tiles in order (TILED_FULL). */
static void describe_slide(dataset *d, const series *s, double pixel_mm,
                           const unsigned short *profile)
{
    static const char *const place[] = {"39607008\\SCT\\Lung", "10200004\\SCT\\Liver",
                                        "12738006\\SCT\\Brain", "76752008\\SCT\\Breast"};
    char specimen_uid[KIN_UID_SIZE], dimension_uid[KIN_UID_SIZE], code[64];
    series_uid(s->seed, s->exam, 0, 0, "dimension organization", dimension_uid);
    series_uid(s->seed, s->exam, 0, 0, "specimen", specimen_uid);
    snprintf(code, sizeof code, "%s", place[s->exam->who->region]);
    char *scheme = strchr(code, '\\'), *meaning = strrchr(code, '\\');
    *scheme++ = '\0';
    *meaning++ = '\0';
    dataset_add(d, "ImageType", "DERIVED\\PRIMARY\\VOLUME\\NONE");
    dataset_add(d, "StudyDescription", "Synthetic H&E section");
    dataset_add(d, "SeriesDescription", "H&E %.2f um", 1000.0 * pixel_mm);
    dataset_add(d, "InstanceNumber", "1");
    dataset_add(d, "AcquisitionDateTime", "20190101120000");
    dataset_add_empty(d, "AcquisitionContextSequence");
    dataset_add(d, "VolumetricProperties", "VOLUME");
    dataset_add(d, "LossyImageCompression", "00");
    dataset_add(d, "SpecimenLabelInImage", "NO");
    dataset_add(d, "FocusMethod", "AUTO");
    dataset_add(d, "ExtendedDepthOfField", "NO");
    dataset_add(d, "ImagedVolumeWidth", "%.6f", FIELD_WIDTH * pixel_mm);
    dataset_add(d, "ImagedVolumeHeight", "%.6f", FIELD_HEIGHT * pixel_mm);
    dataset_add(d, "ImagedVolumeDepth", "4");
    dataset_add(d, "TotalPixelMatrixColumns", "%d", FIELD_WIDTH);
    dataset_add(d, "TotalPixelMatrixRows", "%d", FIELD_HEIGHT);
    dataset_add(d, "TotalPixelMatrixFocalPlanes", "1");
    dataset_add(d, "NumberOfOpticalPaths", "1");
    dataset_add(d, "TotalPixelMatrixOriginSequence[0].XOffsetInSlideCoordinateSystem", "20");
    dataset_add(d, "TotalPixelMatrixOriginSequence[0].YOffsetInSlideCoordinateSystem", "40");
    dataset_add(d, "ImageOrientationSlide", "0\\-1\\0\\-1\\0\\0");
    dataset_add(d, "DimensionOrganizationSequence[0].DimensionOrganizationUID", "%s",
                dimension_uid);
    dataset_add(d, "DimensionOrganizationType", "TILED_FULL");
    dataset_add(d, "OpticalPathSequence[0].OpticalPathIdentifier", "1");
    dataset_add(d, "OpticalPathSequence[0].OpticalPathDescription", "Brightfield");
    dataset_add(d, "OpticalPathSequence[0].ColorSpace", "SRGB");
    dataset_add_words(d, "OpticalPathSequence[0].ICCProfile", profile, PROFILE_WORDS);
    dataset_add(d, "OpticalPathSequence[0].IlluminationTypeCodeSequence[0].CodeValue", "111744");
    dataset_add(d, "OpticalPathSequence[0].IlluminationTypeCodeSequence[0].CodingSchemeDesignator",
                "DCM");
    dataset_add(d, "OpticalPathSequence[0].IlluminationTypeCodeSequence[0].CodeMeaning",
                "Brightfield illumination");
    dataset_add(d, "OpticalPathSequence[0].IlluminationColorCodeSequence[0].CodeValue",
                "414298005");
    dataset_add(d, "OpticalPathSequence[0].IlluminationColorCodeSequence[0].CodingSchemeDesignator",
                "SCT");
    dataset_add(d, "OpticalPathSequence[0].IlluminationColorCodeSequence[0].CodeMeaning",
                "Full Spectrum");
    dataset_add(d, "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing",
                "%.6f\\%.6f", pixel_mm, pixel_mm);
    dataset_add(d, "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness",
                "0.004");
    dataset_add(
        d,
        "SharedFunctionalGroupsSequence[0].WholeSlideMicroscopyImageFrameTypeSequence[0].FrameType",
        "DERIVED\\PRIMARY\\VOLUME\\NONE");
    dataset_add(d,
                "SharedFunctionalGroupsSequence[0].OpticalPathIdentificationSequence[0]."
                "OpticalPathIdentifier",
                "1");
    dataset_add(d, "ContainerIdentifier", "%s-S1", s->study->patient_id);
    dataset_add_empty(d, "IssuerOfTheContainerIdentifierSequence");
    dataset_add(d, "ContainerTypeCodeSequence[0].CodeValue", "433466003");
    dataset_add(d, "ContainerTypeCodeSequence[0].CodingSchemeDesignator", "SCT");
    dataset_add(d, "ContainerTypeCodeSequence[0].CodeMeaning", "Microscope slide");
    dataset_add(d, "SpecimenDescriptionSequence[0].SpecimenIdentifier", "%s-S1",
                s->study->patient_id);
    dataset_add_empty(d, "SpecimenDescriptionSequence[0].IssuerOfTheSpecimenIdentifierSequence");
    dataset_add(d, "SpecimenDescriptionSequence[0].SpecimenUID", "%s", specimen_uid);
    dataset_add(d, "SpecimenDescriptionSequence[0].SpecimenShortDescription",
                "Synthetic section of %s", s->study->lesion_id);
    dataset_add_empty(d, "SpecimenDescriptionSequence[0].SpecimenPreparationSequence");
    dataset_add(d, "SpecimenDescriptionSequence[0].PrimaryAnatomicStructureSequence[0].CodeValue",
                "%s", code);
    dataset_add(
        d,
        "SpecimenDescriptionSequence[0].PrimaryAnatomicStructureSequence[0].CodingSchemeDesignator",
        "%s", scheme);
    dataset_add(d, "SpecimenDescriptionSequence[0].PrimaryAnatomicStructureSequence[0].CodeMeaning",
                "%s", meaning);
}

kin_status series_write_slide(series *s, kin_error *err)
{
    rng r = rng_make(s->seed, "section", (uint64_t)s->exam->who->number);
    section what = {.seed = rng_next(&r), .tissue = s->exam->who->tissue};
    what.stain_seed = rng_next(&r);
    what.pixel_um = floor(rng_range(&r, 80, 111)) / 100.0;
    uint8_t *tiles = malloc(FIELD_BYTES);
    if (tiles == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide");
    }
    kin_status status = slide_paint(&what, tiles, err);
    if (status == KIN_OK) {
        dataset d = {.count = 0};
        char uid[KIN_UID_SIZE];
        series_uid(s->seed, s->exam, s->number, 1, "instance", uid);
        series_describe(&d, s);
        unsigned short profile[PROFILE_WORDS];
        profile_srgb(profile);
        describe_slide(&d, s, what.pixel_um / 1000.0, profile);
        kin_dicom_new spec = {.sop_class_uid = SLIDE_STORAGE,
                              .sop_instance_uid = uid,
                              .pixels = tiles,
                              .pixels_size = FIELD_BYTES,
                              .rows = TILE_SIDE,
                              .columns = TILE_SIDE,
                              .frames = TILES_ACROSS * TILES_DOWN,
                              .samples_per_pixel = 3,
                              .bits_allocated = 8};
        status = series_write_image(s, 1, &d, &spec, err);
    }
    free(tiles);
    return status;
}
