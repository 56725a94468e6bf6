#include "dicom/syntax.h"

#include <string.h>

#define LE      KIN_DICOM_EXPLICIT_LITTLE
#define JPEG    KIN_CODEC_JPEG
#define JPEG_LL KIN_CODEC_JPEG_LL
#define J2K     KIN_CODEC_J2K
#define NONE    KIN_CODEC_NONE

static const kin_dicom_syntax_info syntaxes[] = {
    {"1.2.840.10008.1.2", "Implicit VR Little Endian", KIN_DICOM_IMPLICIT_LITTLE, false,
     KIN_CODEC_NATIVE},
    {"1.2.840.10008.1.2.1", "Explicit VR Little Endian", LE, false, KIN_CODEC_NATIVE},
    {"1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", LE, false,
     NONE},
    {"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", LE, true, KIN_CODEC_NATIVE},
    {"1.2.840.10008.1.2.2", "Explicit VR Big Endian", KIN_DICOM_EXPLICIT_BIG, false,
     KIN_CODEC_NATIVE},
    {"1.2.840.10008.1.2.4.50", "JPEG Baseline", LE, false, JPEG},
    {"1.2.840.10008.1.2.4.51", "JPEG Extended", LE, false, JPEG},
    {"1.2.840.10008.1.2.4.53", "JPEG Spectral Selection", LE, false, JPEG},
    {"1.2.840.10008.1.2.4.55", "JPEG Full Progression", LE, false, JPEG},
    {"1.2.840.10008.1.2.4.57", "JPEG Lossless, Process 14", LE, false, JPEG_LL},
    {"1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", LE, false, JPEG_LL},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", LE, false, KIN_CODEC_JPEG_LS},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", LE, false, KIN_CODEC_JPEG_LS},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless Only", LE, false, J2K},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", LE, false, J2K},
    {"1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless Only", LE, false, J2K},
    {"1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2", LE, false, J2K},
    {"1.2.840.10008.1.2.4.94", "JPIP Referenced", LE, false, NONE},
    {"1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", LE, true, NONE},
    {"1.2.840.10008.1.2.4.100", "MPEG-2 Main Level", LE, false, NONE},
    {"1.2.840.10008.1.2.4.101", "MPEG-2 High Level", LE, false, NONE},
    {"1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264", LE, false, NONE},
    {"1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible", LE, false, NONE},
    {"1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 4.2 2D", LE, false, NONE},
    {"1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 4.2 3D", LE, false, NONE},
    {"1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo", LE, false, NONE},
    {"1.2.840.10008.1.2.4.107", "HEVC/H.265 Main", LE, false, NONE},
    {"1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10", LE, false, NONE},
    {"1.2.840.10008.1.2.4.201", "HTJ2K Lossless Only", LE, false, J2K},
    {"1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", LE, false, J2K},
    {"1.2.840.10008.1.2.4.203", "HTJ2K", LE, false, J2K},
    {"1.2.840.10008.1.2.5", "RLE Lossless", LE, false, KIN_CODEC_RLE},
};

const kin_dicom_syntax_info *kin_dicom_syntax_of(const char *uid)
{
    for (size_t i = 0; i < sizeof syntaxes / sizeof syntaxes[0]; i++)
        if (strcmp(syntaxes[i].uid, uid) == 0)
            return &syntaxes[i];
    return NULL;
}

const kin_dicom_syntax_info *kin_dicom_syntax_native(kin_dicom_encoding encoding)
{
    switch (encoding) {
    case KIN_DICOM_IMPLICIT_LITTLE:
        return kin_dicom_syntax_of("1.2.840.10008.1.2");
    case KIN_DICOM_EXPLICIT_BIG:
        return kin_dicom_syntax_of("1.2.840.10008.1.2.2");
    default:
        return kin_dicom_syntax_of("1.2.840.10008.1.2.1");
    }
}
