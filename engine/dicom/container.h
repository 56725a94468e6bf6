/* container.h - what stands before the data set: preamble, file meta group, transfer syntax. */
#ifndef KIN_DICOM_CONTAINER_H
#define KIN_DICOM_CONTAINER_H

#include "base/uid.h"
#include "dicom/syntax.h"

typedef struct kin_dicom_container {
    const uint8_t *data_set; /* borrowed from the file's bytes */
    size_t data_set_size;
    char syntax_uid[KIN_UID_SIZE]; /* as named by the file, or of the encoding that was found */
    kin_dicom_encoding encoding;
    bool deflated;         /* data_set is compressed with deflate (PS3.5 A.5) */
    kin_dicom_codec codec; /* KIN_CODEC_NONE when the syntax is not known */
} kin_dicom_container;

/*
 * Finds the data set.  Preamble and meta group may be missing (PS3.10 demands them; many files are
 * without): then the first element tells how the data set is coded.  So it does where the meta
 * group names an uncompressed syntax that contradicts it.  KIN_E_FORMAT for what is not DICOM.
 */
kin_status kin_dicom_container_read(const void *bytes, size_t size, kin_dicom_container *out,
                                    kin_error *err);

#endif
