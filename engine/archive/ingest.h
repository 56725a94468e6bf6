/*
 * ingest.h - folders of files into an archive.
 */
#ifndef KIN_ARCHIVE_INGEST_H
#define KIN_ARCHIVE_INGEST_H

#include "archive/archive.h"
#include "archive/manifest.h"

typedef enum kin_ingest_event {
    KIN_INGEST_STORED, /* reported after the commit: durable */
    KIN_INGEST_DUPLICATE,
    KIN_INGEST_UPDATED,
    KIN_INGEST_REPLACED,
    KIN_INGEST_SKIPPED, /* holds no image; reason says why */
    KIN_INGEST_FAILED   /* reason says why */
} kin_ingest_event;

typedef struct kin_ingest_progress {
    uint64_t files_found; /* so far by the walk */
    bool walk_done;       /* files_found is final */
    uint64_t files_done, images;
    double seconds;
} kin_ingest_progress;

typedef struct kin_ingest_options {
    const kin_manifest *manifest; /* NULL: none */
    const char *worker;           /* see kin_decoder_new() */
    kin_decode_limits limits;
    int jobs; /* files decoded at once; 0: one per processor */
    /* Both may be NULL; called from the calling thread only. images: frames of the file, or regions that
     * an annotation marks.  reason: of skips and failures; of others what is missing ("3 of the 5 images
     * that it marks are stored"), or "". */
    void (*event)(void *ctx, kin_ingest_event event, const char *path, uint64_t images,
                  const char *reason);
    /* Called several times a second; nonzero stops the ingest (what is stored stays). */
    int (*progress)(void *ctx, const kin_ingest_progress *progress);
    void *ctx;
} kin_ingest_options;

/* A reason for skipping and how many files it held for. */
typedef struct kin_ingest_reason {
    char text[128];
    uint64_t files;
} kin_ingest_reason;

enum { KIN_INGEST_REASONS_MAX = 64 /* further ones are counted together as "other" */ };

typedef struct kin_ingest_summary {
    uint64_t files;       /* seen */
    uint64_t images;      /* stored, replaced ones included */
    uint64_t regions;     /* of images, likewise */
    uint64_t annotations; /* of the files, those that mark regions of other files' images */
    uint64_t stored, duplicate, updated, replaced, skipped, failed; /* files */
    kin_ingest_reason reasons[KIN_INGEST_REASONS_MAX];              /* of skips */
    size_t reason_count;
    unsigned worker_restarts; /* crashes and time-outs survived */
    double seconds;
    double decode_seconds, commit_seconds; /* summed over threads: where the time went */
} kin_ingest_summary;

/* Counts the end of one file: for whoever ingests by other means and reports in the same form.  Its
 * images are counted where they are stored. */
void kin_ingest_count(kin_ingest_summary *summary, kin_ingest_event event, const char *reason);

/* Walks paths (files or folders; folders in name order, symbolic links followed, loops reported),
 * decodes, describes, stores.  Files that mark regions of images (SEG, RTSTRUCT, SR) come last, so that
 * their images are there: annotation.h. Failures of single files are events; the status tells only whether
 * the whole could go on (KIN_E_CANCELLED, disk full, …). */
kin_status kin_ingest(kin_archive *archive, const char *const *paths, size_t path_count,
                      const kin_ingest_options *options, kin_ingest_summary *summary,
                      kin_error *err);

#endif
