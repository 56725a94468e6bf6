/*
 * measure.h - radiomics of files, with the reading of them left to a process in a sandbox.
 *
 * Images and masks are strangers' input to large parsers (DICOM, NRRD, inflation), so the program
 * only opens files and hands their descriptors to kindred-measure, which reads them, puts slices
 * together, draws annotations, computes, and sends figures back.  It is a program of its own beside
 * kindred-worker: one task holds a whole series in memory and takes minutes, where a worker answers
 * file by file, and it ends when the task does.
 */
#ifndef KIN_MEASURE_MEASURE_H
#define KIN_MEASURE_MEASURE_H

#include "decode/decode.h"
#include "radiomics/radiomics.h"

enum {
    KIN_MEASURE_FILES_MAX = 16384, /* of a series */
    KIN_MEASURE_FIGURES_MAX = 4096 /* far beyond what is defined */
};

typedef struct kin_measure_task {
    const char *image;      /* a file (NRRD, DICOM), or a folder with the files of a series */
    const char *mask;       /* a file (NRRD, DICOM segmentation, structure set or report) */
    int label;              /* value of the mask's voxels, number of the segment or ROI */
    const char *series_uid; /* of the image's pictures; NULL or "": there must be only one series */
    kin_radiomics_settings settings;
    const char *program; /* kindred-measure; NULL: where it was installed, or beside the program */
    double seconds;      /* patience; 0: KIN_MEASURE_SECONDS */
} kin_measure_task;

#define KIN_MEASURE_SECONDS 3600.0

/* Measures.  *out as from kin_radiomics_compute(), released by kin_radiomics_release().  *err has the
 * file's name where it concerns one.  KIN_E_CRASHED, KIN_E_TIMEOUT: what became of the process. */
kin_status kin_measure_run(const kin_measure_task *task, kin_radiomics *out, kin_error *err);

/* The other side: the life of kindred-measure, on socket `fd`, with the reading end of its lifeline
 * (-1: none).  Returns the process's exit status. */
int kin_measure_serve(int fd, int lifeline, const kin_decode_limits *limits);

#endif
