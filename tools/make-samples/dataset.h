/* dataset.h - a list of DICOM attributes being put together. */
#ifndef SAMPLES_DATASET_H
#define SAMPLES_DATASET_H

#include "dicom/write.h"

enum { DATASET_MAX = 128, DATASET_TEXT = 8192 };

typedef struct dataset {
    kin_dicom_new_attribute items[DATASET_MAX];
    size_t count;
    char text[DATASET_TEXT]; /* the values */
    size_t used;
    bool full; /* something did not fit: the file must not be written */
} dataset;

/* Adds an attribute; `path` must outlive the data set, the value is copied. */
void dataset_add(dataset *d, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As dataset_add, with a VR where the dictionary leaves a choice. */
void dataset_add_as(dataset *d, const char *path, const char *vr, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Bytes or 16-bit words, as kin_dicom_new_attribute's; they must outlive the data set. */
void dataset_add_words(dataset *d, const char *path, const unsigned short *words, size_t count);

/* An attribute without a value. */
void dataset_add_empty(dataset *d, const char *path);

#endif
