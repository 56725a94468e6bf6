/* classes.h - names and kinds of the storage SOP classes (PS3.4 B.5, PS3.6 annex A). */
#ifndef KIN_DICOM_CLASSES_H
#define KIN_DICOM_CLASSES_H

#include "dicom/dicom.h"

typedef struct kin_sop_class {
    const char *uid;
    const char *name;
    kin_dicom_kind kind;
} kin_sop_class;

/* The class of that UID, or NULL where it is not known.  Static. */
const kin_sop_class *kin_dicom_sop_class_of(const char *uid);

#endif
