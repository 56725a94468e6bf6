/* series.h - what the files that write a study's series share (private to them). */
#ifndef SAMPLES_SERIES_H
#define SAMPLES_SERIES_H

#include "dataset.h"
#include "study.h"

/* All that a series' files have in common. */
typedef struct series {
    uint64_t seed; /* the generator's */
    output *output;
    const exam *exam;
    study *study;
    int number; /* from 1 */
    int images;
    kin_dicom_syntax syntax;
    char uid[KIN_UID_SIZE], frame_of_reference[KIN_UID_SIZE];
} series;

/* The UID of a thing by its place in the cohort and its role: the same for the same seed. */
void series_uid(uint64_t seed, const exam *e, int number, int image, const char *role,
                char uid[KIN_UID_SIZE]);

/* Patient, study, series and equipment: PS3.3 C.7.1 to C.7.5. */
void series_describe(dataset *d, const series *s);

/* Writes image `image` (from 1) and notes its path in the study. */
kin_status series_write_image(series *s, int image, const dataset *d, kin_dicom_new *spec,
                              kin_error *err);

/* Paints and writes all images of a CT or MR series, or of a slide. */
kin_status series_write_scan(series *s, kin_error *err);
kin_status series_write_slide(series *s, kin_error *err);

#endif
