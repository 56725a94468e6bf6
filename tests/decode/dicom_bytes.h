/* Hostile DICOM files, byte by byte: what no proper writer would write.  Memory is from malloc. */
#ifndef KIN_TEST_DICOM_BYTES_H
#define KIN_TEST_DICOM_BYTES_H

#include <stddef.h>

/* 8 x 8 pixels inside as many levels of sequences (explicit little endian, undefined lengths). */
void *dicom_nested(size_t levels, size_t *size);

/* A CT of a few hundred bytes that claims 65,535 x 65,535 pixels of 16 bits. */
void *dicom_huge_claim(size_t *size);

#endif
