/* syntax.h - the transfer syntaxes (PS3.5 annex A, PS3.6 annex A) and who decodes their pixels. */
#ifndef KIN_DICOM_SYNTAX_H
#define KIN_DICOM_SYNTAX_H

#include "dicom/prescan.h"

typedef enum kin_dicom_codec {
    KIN_CODEC_NATIVE,  /* uncompressed */
    KIN_CODEC_RLE,     /* PS3.5 annex G */
    KIN_CODEC_JPEG,    /* ISO/IEC 10918-1, lossy processes */
    KIN_CODEC_JPEG_LL, /* the same, lossless processes */
    KIN_CODEC_JPEG_LS, /* ISO/IEC 14495-1 */
    KIN_CODEC_J2K,     /* ISO/IEC 15444-1 and -15 */
    KIN_CODEC_NONE     /* video and whatever else is not decoded */
} kin_dicom_codec;

typedef struct kin_dicom_syntax_info {
    const char *uid;
    const char *name;
    kin_dicom_encoding encoding;
    bool deflated;
    kin_dicom_codec codec;
} kin_dicom_syntax_info;

/* The syntax of that UID, or NULL.  Static. */
const kin_dicom_syntax_info *kin_dicom_syntax_of(const char *uid);

/* The uncompressed syntax of an encoding.  Static. */
const kin_dicom_syntax_info *kin_dicom_syntax_native(kin_dicom_encoding encoding);

#endif
