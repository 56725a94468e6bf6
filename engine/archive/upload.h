/*
 * upload.h - single files that arrive from elsewhere, into an archive.
 *
 * An upload gathers files and commits them together: when it holds many, and at its end.  Several
 * uploads may run at once, each on its own thread.  Nothing of a file is acknowledged before its
 * commit: read the outcomes after kin_upload_finish().
 */
#ifndef KIN_ARCHIVE_UPLOAD_H
#define KIN_ARCHIVE_UPLOAD_H

#include "archive/ingest.h"

typedef struct kin_upload kin_upload;

enum {
    KIN_UPLOAD_NAME_MAX = 4096,     /* bytes of a file's name */
    KIN_UPLOAD_KEPT_BYTES = 1 << 30 /* of the files that are kept for annotations */
};

/* What became of one file. */
typedef struct kin_uploaded {
    const char *name; /* as given, made one clean line of UTF-8 (see kin_text_clean()) */
    kin_ingest_event
        event;          /* FAILED with the reason "not stored" for what finish could not commit */
    uint32_t images;    /* frames, or regions that an annotation marks; 0 when skipped or failed */
    const char *reason; /* why it was skipped or failed, or what is missing of it; else "" */
    const char
        *sop_instance_uid; /* of its (last) images, or an annotation's own; "" when skipped or
                                     failed */
} kin_uploaded;

kin_status kin_upload_new(kin_archive *archive, kin_upload **out, kin_error *err);
/*
 * Decodes and describes the regular file open at fd (read from its beginning; stays the caller's)
 * with `decoder`, under the name and fields given (fields as a manifest's columns, see manifest.h;
 * text is made clean as in kin_text_clean(), names and values have the manifest's bounds).  A file
 * whose very bytes are stored is not decoded again.  The name becomes the record's path, marked as
 * an upload's: nothing is ever opened or looked for under it.
 *
 * A file that cannot be stored is an outcome, not an error: the status tells only whether the upload
 * can go on (KIN_E_NOMEM, KIN_E_IO and KIN_E_FULL for the archive's disk, …).  Files added before a
 * failure that were not committed count as not stored.
 */
kin_status kin_upload_add(kin_upload *upload, kin_decoder *decoder, int fd, const char *name,
                          const kin_label *fields, size_t field_count, kin_error *err);
/* Records a file as failed without looking at it (it arrived incomplete, …). */
kin_status kin_upload_add_failed(kin_upload *upload, const char *name, const char *reason,
                                 kin_error *err);
/* How many files mark regions of other files' images (SEG, RTSTRUCT, SR): they wait for the end. */
size_t kin_upload_annotations(const kin_upload *upload);
/* Commits what is left, then the regions that annotations mark: on images that were ingested from this
 * machine and still lie there, and on those that came in this very upload, as many as there was room to
 * keep (KIN_UPLOAD_KEPT_BYTES, half of the process's file descriptors).  decoder: for those, may be NULL where there are none (or else
 * they count as not stored).  After a failure the files committed before still count as stored. */
kin_status kin_upload_finish(kin_upload *upload, kin_decoder *decoder, kin_error *err);
size_t kin_upload_count(const kin_upload *upload);
kin_uploaded kin_upload_outcome(const kin_upload *upload, size_t at); /* borrowed from it */
uint64_t kin_upload_images(const kin_upload *upload); /* stored, replaced ones included */
void kin_upload_free(kin_upload *upload);

#endif
