/*
 * marking.h - what becomes of a file that marks regions: an annotation, or an image whose manifest does.
 *
 * Such a file arrives in parts: regions of several images, or an image and then its regions.  Its parts
 * share a marking.  The thread that prepares them fills its first half before it lets the last part go;
 * the thread that stores them the second, and tells the file's end by it.
 */
#ifndef KIN_ARCHIVE_MARKING_H
#define KIN_ARCHIVE_MARKING_H

#include <stdatomic.h>

#include "archive/ingest.h"
#include "base/uid.h"

enum { KIN_DIGEST_TEXT_SIZE = 33 /* 32 hexadecimal digits */ };

typedef struct kin_marking {
    atomic_int references;
    bool annotation;                 /* the file is one; else an image */
    char source[KIN_UID_SIZE];       /* region_source of all its regions */
    char file[KIN_DIGEST_TEXT_SIZE]; /* region_file of this version */
    uint64_t images;                 /* that it marks, as far as is known; of those … */
    uint64_t stored;                 /* … stored ones … */
    uint64_t unreadable;             /* … whose files could not be decoded again */
    uint64_t regions;                /* put, or there already */
    uint64_t frames;                 /* of an image: its own */
    uint64_t elsewhere;              /* findings that point to segments of another object */
    char trouble
        [KIN_ERROR_MESSAGE_MAX]; /* of the first unreadable image, or of the manifest's row */

    kin_put_outcome outcome; /* of the part that changed most */
    bool refused;            /* a part could not be stored */
    char refusal[KIN_ERROR_MESSAGE_MAX];
} kin_marking;

/* One reference; KIN_E_NOMEM. */
kin_status kin_marking_new(kin_marking **out, kin_error *err);
kin_marking *kin_marking_share(kin_marking *marking);
/* Gives a reference up; NULL is fine. */
void kin_marking_free(kin_marking *marking);

/* Notes what became of a part that came with items. */
void kin_marking_note(kin_marking *marking, kin_put_outcome outcome, kin_status status,
                      const char *reason);

/*
 * After all parts: takes out what an earlier version marked and this one does not, and says what became
 * of the file.  reason: why it failed or was skipped; or what is missing of one that was stored ("3 of
 * the 5 images that it marks are stored"), or "".  A failure is the archive's.
 */
kin_status kin_marking_finish(kin_marking *marking, kin_archive *archive, kin_ingest_event *event,
                              char reason[KIN_ERROR_MESSAGE_MAX], kin_error *err);

#endif
