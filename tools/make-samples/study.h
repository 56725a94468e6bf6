/* study.h - one examination as DICOM files. */
#ifndef SAMPLES_STUDY_H
#define SAMPLES_STUDY_H

#include <pthread.h>

#include "base/uid.h"
#include "cohort.h"

enum { MAX_IMAGES = 12, IMAGE_PATH_SIZE = 64 };

/* Where all examinations go. */
typedef struct output {
    uint64_t seed;
    const char *folder;
    pthread_mutex_t
        encoder; /* DCMTK's codecs register themselves without a lock: one file at a time */
} output;

/* What was written of one examination: rows of the manifest. */
typedef struct study {
    exam exam;
    char patient_id[16], lesion_id[20], accession[20];
    char study_uid[KIN_UID_SIZE];
    double lesion_mm; /* 0 without a lesion */
    int images;
    char paths[MAX_IMAGES][IMAGE_PATH_SIZE]; /* below the output folder */
} study;

/* Paints and writes the files of `e`, and says in *out what they are.  May run on several
 * threads. */
kin_status study_write(output *to, const exam *e, study *out, kin_error *err);

#endif
