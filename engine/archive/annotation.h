/*
 * annotation.h - a file that marks regions (SEG, RTSTRUCT, SR) to arrivals: regions of stored images.
 *
 * The images that it names are looked up in the archive, and the file of each is decoded again with the
 * regions that lie on it.  Images whose regions are stored already, of the very same version, are not.
 */
#ifndef KIN_ARCHIVE_ANNOTATION_H
#define KIN_ARCHIVE_ANNOTATION_H

#include "archive/claims.h"
#include "archive/prepare.h"

/* Opens the file of a stored image: *fd is the caller's to close.  NULL in a kin_annotation: files of
 * this machine are opened by their paths, and must have the bytes that they had. */
typedef kin_status kin_open_image(void *ctx, const kin_record *image, int *fd, kin_error *err);

typedef struct kin_annotation {
    kin_archive *archive;
    kin_decoder *decoder;
    const kin_source *source;
    kin_open_image *open; /* NULL: kin_open_stored() */
    void *open_ctx;
    kin_claims
        *claims; /* where several are prepared at once: whoever takes its last arrival gives back
                           what is claimed of its marking's source.  Else NULL */
} kin_annotation;

/* The file of an image that was ingested from this machine.  KIN_E_NOT_FOUND: it came over the network,
 * or it is gone or has changed since. */
kin_status kin_open_stored(void *ctx, const kin_record *image, int *fd, kin_error *err);

/* Gives arrivals to the receiver, the last of them marked; they share a kin_marking.  Returns false when
 * the receiver takes no more, or memory is gone. */
bool kin_annotation_prepare(const kin_annotation *annotation, const kin_receiver *receiver);

#endif
