/* write_spec.h - what write.h is asked for, checked and completed before any of it is written. */
#ifndef KIN_DICOM_WRITE_SPEC_H
#define KIN_DICOM_WRITE_SPEC_H

#include "base/status.h"
#include "dicom/write.h"

#ifdef __cplusplus
extern "C" {
#endif

/* *out becomes the specification with every zero replaced by its default; KIN_E_ARG where it lacks
 * an identity, or where its pixels do not match their description or fit no file. */
kin_status kin_dicom_write_spec(const kin_dicom_new *given, kin_dicom_new *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
