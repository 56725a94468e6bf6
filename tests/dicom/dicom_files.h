/* dicom_files.h - test files in memory. */
#ifndef KIN_TEST_DICOM_FILES_H
#define KIN_TEST_DICOM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dicom/dicom.h"

typedef struct test_file {
    uint8_t
        *bytes; /* from malloc, exactly `size` bytes: reading beyond is seen by AddressSanitizer */
    size_t size;
} test_file;

/* Reads a file of the shared data by its name below dicom/ ("pydicom/CT_small.dcm"); one that ends
 * in .zst is decompressed.  Skips the running test where the shared data are absent. */
test_file test_file_load(const char *name);
void test_file_free(test_file *file);

/* Opens a shared file that must open; the test fails with its name and the reason otherwise.  The
 * bytes stay in *file, which must outlive the result. */
kin_dicom *test_dicom_open(const char *name, test_file *file);

/* All samples of a frame, which must decode. */
kin_samples test_samples(kin_dicom *dicom, int frame, const char *name);

/* Sample i as a number, whatever the type. */
double test_sample(const kin_samples *samples, size_t i);
size_t test_sample_count(const kin_samples *samples);

#endif
