/* inputs.h - from files' bytes to an image and a mask on one grid. */
#ifndef KIN_MEASURE_INPUTS_H
#define KIN_MEASURE_INPUTS_H

#include "measure/measure.h"

/* A file's content. */
typedef struct kin_content {
    void *bytes; /* from malloc */
    size_t size;
} kin_content;

/* Asks for the file of that name beside the image or the mask; its content is the callee's. */
typedef kin_status kin_companion(void *ctx, bool mask, const char *name, kin_content *out,
                                 kin_error *err);

typedef struct kin_inputs {
    kin_content *files; /* image_count of the image, then mask_count of the mask */
    size_t image_count, mask_count;
    const char *series_uid;
    int label;
    kin_decode_limits limits;
    kin_companion *companion;
    void *companion_ctx;
    size_t failed_file; /* of the image's, from 1: the one that a failure is about; 0: all */
} kin_inputs;

/* What a failure concerns: the numbers of Result.about. */
enum { KIN_ABOUT_NEITHER, KIN_ABOUT_IMAGE, KIN_ABOUT_MASK };

/* Reads both volumes; contents are freed as soon as they are not needed any more.  *about says which
 * one an error concerns. */
kin_status kin_inputs_read(kin_inputs *inputs, kin_volume *image, kin_volume *mask, int *about,
                           kin_error *err);

#endif
