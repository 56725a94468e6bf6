/* prepare.h - one file to arrivals: known already, or decoded and described. */
#ifndef KIN_ARCHIVE_PREPARE_H
#define KIN_ARCHIVE_PREPARE_H

#include "archive/marking.h"
#include "archive/queue.h"

/* A file, and what is known of it. */
typedef struct kin_source {
    const char *name; /* its path, absolute; of an upload the client's name for it, never opened */
    bool uploaded;
    int fd;                       /* an upload's bytes */
    const kin_manifest *manifest; /* has a row about the file at that path, or not; may be NULL */
    const kin_label *fields;      /* of an upload, as a manifest's columns */
    size_t field_count;
} kin_source;

/* Where arrivals go, and with them their ownership; false: no more are taken, nor was this one. */
typedef struct kin_receiver {
    bool (*take)(void *ctx, kin_arrival *arrival);
    void *ctx;
} kin_receiver;

/* A part of a file to give away. */
typedef struct kin_part {
    const char *name;       /* the file's */
    kin_instance *instance; /* emptied, where status is KIN_OK; NULL: nothing to store */
    bool last;
    kin_status status;
    const char *reason;
    kin_marking *marking; /* shared, not taken; or NULL */
    bool annotation;      /* see kin_arrival */
    size_t floats;        /* of a descriptor */
} kin_part;

/* Makes an arrival of a part and gives it to the receiver.  False: no more are taken, or there is no
 * memory, so that the file cannot be told of. */
bool kin_part_give(const kin_part *part, const kin_receiver *receiver);

/*
 * Prepares a file and gives one or more arrivals to the receiver, the last of them marked.  A file
 * whose very bytes are stored is not decoded again: its records are laid anew under the manifest or
 * the fields.  Regions that those mark come behind the image.  Of an annotation (annotation.h) there is
 * one arrival, which says so and has nothing to store.  `failed` is what is already known to be wrong (KIN_OK when nothing).  Returns false
 * when the receiver takes no more, or memory is gone.
 */
bool kin_prepare_file(kin_archive *archive, kin_decoder *decoder, const kin_source *source,
                      kin_status failed, const kin_error *why, const kin_receiver *receiver);

#endif
