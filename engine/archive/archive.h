/*
 * archive.h - store, index and catalog as one: what programs talk to.
 *
 * An archive is a folder:
 *   catalog/            LMDB: the truth
 *   descriptors/SET/    raw descriptors, one row an image (segments.h)
 *   vectors/MODEL/      the same rows as embeddings under a model
 *   models/MODEL.model  the model
 *   networks/NETWORK/   the networks among its features (features/network.h)
 *   generations/N.index an index generation
 *   reindex.lock        held by the one reindex
 *
 * Put, get, search, delete and snapshot are all that callers may know of it; a store in another
 * place (PostgreSQL, say) would offer the same.
 *
 * A kin_archive may be shared by threads, and an archive by processes: one writes at a time (LMDB's
 * lock, taken per batch), all read meanwhile.  Structs that are returned filled have a _release
 * function.
 */
#ifndef KIN_ARCHIVE_ARCHIVE_H
#define KIN_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/query_regions.h"
#include "base/fs.h"
#include "catalog/condition.h"
#include "catalog/record.h"
#include "decode/decoder.h"
#include "image/raster.h"

typedef struct kin_archive kin_archive;

/* --- life --- */

/* What is settled for good when an archive is made; zeros and NULLs mean the defaults. */
typedef struct kin_archive_settings {
    size_t dim;           /* of embeddings */
    const char *codec;    /* of stored embeddings: "fp32" (the default), "fp16", "int8"
                             (store/codec.h); what is called exact below is exact with regard to
                             them */
    const char *features; /* that describe images: the spec of an extractor (features.h) */
} kin_archive_settings;

/* Makes an empty archive in folder dir, which must be absent or empty (KIN_E_EXISTS).  settings may
 * be NULL; KIN_E_ARG: one makes no sense; kin_extractor_new()'s errors.  Of several programs that do
 * so at once one succeeds; the others wait for it and get KIN_E_EXISTS. */
kin_status kin_archive_init(const kin_fs *fs, const char *dir, const kin_archive_settings *settings,
                            kin_error *err);

/* Opens; KIN_E_NOT_FOUND when dir holds no archive, KIN_E_UNSUPPORTED when it was made by a newer
 * program, KIN_E_CORRUPT when the catalog cannot be read.  Whether this program can describe images
 * as the archive's were shows when a decoder starts (decoder.h): without it all else works. */
kin_status kin_archive_open(const kin_fs *fs, const char *dir, kin_archive **out, kin_error *err);
void kin_archive_close(kin_archive *archive);

/* What describes the archive's images: for kin_decoder_new().  Good until the archive is closed. */
const kin_decode_features *kin_archive_features_borrow(const kin_archive *archive);

/* Opens the archive in dir, or makes one where there is none (*made; may be NULL) and opens it;
 * another program may do so at the same time. */
kin_status kin_archive_open_or_make(const kin_fs *fs, const char *dir, kin_archive **out,
                                    bool *made, kin_error *err);

/* Loads what a reindex of another process has put in place since the last query, so that the next
 * one need not: for a thread of a server that calls it every second or so.  *changed: something was
 * loaded (also the first time).  Queries go on meanwhile; those that came after the swap wait. */
kin_status kin_archive_refresh(kin_archive *archive, bool *changed, kin_error *err);

/* --- put --- */

/* One image to store.  record: everything but id and ingested_us; descriptor:
 * of the archive's features, or NULL for a stored image whose description alone may have
 * changed (KIN_E_NOT_FOUND when its picture is not stored). */
typedef struct kin_item {
    kin_record record;
    float *descriptor;
    void *preview; /* a JPEG made by kin_image_encode_jpeg(), of at most KIN_PREVIEW_MAX bytes, or
                      NULL: none.  The same picture's stored preview stays as it is */
    size_t preview_size;
} kin_item;
enum { KIN_PREVIEW_MAX = 256 * 1024 };

typedef enum kin_put_outcome {
    KIN_PUT_STORED,    /* new */
    KIN_PUT_DUPLICATE, /* the very same is there: nothing done */
    KIN_PUT_UPDATED,   /* same picture, other labels: the record was replaced */
    KIN_PUT_REPLACED   /* other picture under a known UID: the new one took the old one's place */
} kin_put_outcome;

/*
 * Frames of one instance that are put together; see KIN_PUT_INSTANCE_MAX.
 *
 * Or regions of its stored images (`regions`).  Of a region's record count the SOP instance UID and the
 * frame, the labels region_… and the content; region_source and region_number say which it is (another
 * one of the same two is a newer version of it), and all else is taken over from the stored image.  Its
 * `region` is filled.  The regions of an image share its fate: they follow its description, and go when
 * it goes or has another picture.  KIN_E_NOT_FOUND: the image is not stored.
 */
typedef struct kin_instance {
    kin_item *items;
    size_t count;
    bool complete; /* these are its last frames: stored ones of the UID past them are taken out */
    bool regions;
    kin_put_outcome outcome; /* filled by kin_archive_put(): of the frame that changed most */
} kin_instance;

enum {
    KIN_PUT_INSTANCE_MAX = 4096 /* frames of one instance in one put: larger ones come in several */
};

/* Frees the records, descriptors and previews of an instance and the array itself. */
void kin_instance_release(kin_instance *instance);

/* Stores instances in one transaction: all or none.  When it returns KIN_OK they are durable. */
kin_status kin_archive_put(kin_archive *archive, kin_instance *instances, size_t count,
                           kin_error *err);

/* Takes out the regions that the object `source` marked in an earlier version: those whose
 * region_file is not `file`.  *removed counts them, *left those that stay. */
kin_status kin_archive_retire_regions(kin_archive *archive, const char *source, const char *file,
                                      uint64_t *removed, uint64_t *left, kin_error *err);

/* --- get, delete --- */

typedef enum kin_level {
    KIN_LEVEL_IMAGE,
    KIN_LEVEL_SERIES,
    KIN_LEVEL_STUDY,
    KIN_LEVEL_PATIENT,
    KIN_LEVEL_REGION /* of a search: every region and whole image by itself; of a UID: the regions that
                        the object of this UID marks */
} kin_level;

/* "image", "series", "study", "patient", "region" (and "instance" for image); false when text is none
 * of them. */
bool kin_level_parse(const char *text, kin_level *out);

/* Records of a SOP instance, series or study UID, a patient id, or the UID of an object that marks
 * regions, in id order, regions among them; *level says which it was (found by trying them in this
 * order).  KIN_E_NOT_FOUND.  At most max. */
kin_status kin_archive_find(kin_archive *archive, const char *uid, size_t max, kin_record **records,
                            size_t *count, kin_level *level, kin_error *err);
void kin_records_free(kin_record *records, size_t count);

/* Sets the outcome of all images that the UID or patient id stands for, and of their regions, in one
 * transaction for each few thousand of them; "" takes it away.  *changed counts images whose outcome was
 * another, *images all; *level as kin_archive_find().  KIN_E_NOT_FOUND, also for an object that marks
 * regions; KIN_E_ARG: outcome is no single line of UTF-8
 * text of at most KIN_OUTCOME_MAX bytes, without control characters or spaces at its ends.  After
 * any other failure *changed and *images say how far it came, and the same call again does the
 * rest. */
enum { KIN_OUTCOME_MAX = 1024 };
kin_status kin_archive_set_outcome(kin_archive *archive, const char *uid, const char *outcome,
                                   uint64_t *changed, uint64_t *images, kin_level *level,
                                   kin_error *err);

/* Embeddings of stored images, dim floats each into out[count * dim], under the model that serves,
 * whose id goes to model.  KIN_E_NOT_FOUND when one of the ids is not live. */
kin_status kin_archive_embeddings(kin_archive *archive, const uint64_t *ids, size_t count,
                                  float *out, char model[17], kin_error *err);
/* Floats of an embedding. */
size_t kin_archive_dim(const kin_archive *archive);

/* The preview of a whole stored image (kin_item.preview), decoded; released with kin_raster_release().
 * KIN_E_NOT_FOUND: no such image, or it was stored without a preview (the message says which). */
kin_status kin_archive_preview(kin_archive *archive, const char *sop_instance_uid, uint32_t frame,
                               kin_raster *out, kin_error *err);

/* The whole images that came from a file of these very bytes; *count 0 when none did. */
kin_status kin_archive_find_file(kin_archive *archive, kin_digest file, kin_record **records,
                                 size_t *count, kin_error *err);

/* Takes out all images of the instance, series, study or patient with their regions; or the regions that
 * the object of this UID marks: they never appear again.  *removed counts images, *regions their regions
 * (may be NULL); KIN_E_NOT_FOUND.  Their rows stay on the disk, out of reach, until a reindex writes
 * the descriptors anew; the one after it removes the old files. */
kin_status kin_archive_delete(kin_archive *archive, const char *uid, uint64_t *removed,
                              uint64_t *regions, kin_error *err);

/* --- search --- */

/* What to look for: made by one of the kin_query_from_… functions, released with
 * kin_query_release(). */
typedef struct kin_query {
    char *name;        /* the file or the UID, for people */
    char *patient_id;  /* "" where unknown */
    float *descriptor; /* of the archive's features; NULL: the query is an embedding */
    float *embedding;  /* kin_archive_dim() floats, or NULL */
    char model[17];    /* that made the embedding; "": whichever serves */
    uint64_t self;     /* the stored image it is, or KIN_QUERY_NOT_STORED */
} kin_query;
#define KIN_QUERY_NOT_STORED UINT64_MAX

/* A frame (from 0) of the file at path, decoded by decoder; or lesions on it (regions NULL or empty:
 * the whole), of several the mean.  KIN_E_ARG: a region is not on the frame, or a mask has another
 * size. */
kin_status kin_query_from_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                               uint32_t frame, const kin_query_regions *regions, kin_query *out,
                               kin_error *err);
/* The same for a file's bytes. */
kin_status kin_query_from_bytes(kin_archive *archive, kin_decoder *decoder, const void *bytes,
                                size_t size, const char *name, uint32_t frame,
                                const kin_query_regions *regions, kin_query *out, kin_error *err);
/* A descriptor or an embedding, told apart by their lengths (KIN_E_ARG: neither, or a value is not
 * finite, or all are 0).  model: see kin_query; a search under another one is KIN_E_EXISTS. */
kin_status kin_query_from_vector(kin_archive *archive, const float *values, size_t count,
                                 const char *model, kin_query *out, kin_error *err);
/* A stored image, or a region of it (region 0: the whole), by its SOP instance UID; results leave the
 * image out, with all its regions.  A series, study or patient stands for its first image, an object that
 * marks regions for its first region. */
kin_status kin_query_from_uid(kin_archive *archive, const char *uid, uint32_t frame,
                              uint32_t region, kin_query *out, kin_error *err);
void kin_query_release(kin_query *query);

typedef struct kin_search_options {
    size_t k;                   /* results wanted; 0: 10 */
    const kin_condition *where; /* NULL: everything */
    kin_level fold;             /* the best row of each image, series, study, patient; regions: no
                                folding */
    bool not_same_patient;      /* leaves out the query's patient (needs a known patient) */
    bool exact;                 /* every member's row compared; the same as a recall of 1 */
    double recall;           /* share of the exact answer that must come back on average, in (0, 1];
                                0: KIN_SEARCH_RECALL */
    const char *way;         /* NULL: the planner's choice; else a plan's method, for comparing */
    bool (*stop)(void *ctx); /* asked every few thousand rows, by several threads at once; true
                                ends the search with KIN_E_CANCELLED.  May be NULL */
    void *stop_ctx;
} kin_search_options;

typedef struct kin_result {
    float score; /* cosine similarity, at most 1 */
    kin_record record;
} kin_result;

#define KIN_SEARCH_RECALL 0.99
enum { KIN_PLAN_METHODS = 5 };

/* How the answer was found (search/search.h describes the methods). */
typedef struct kin_plan {
    const char *method; /* "scan", "two-stage scan", "index", "filtered index", "widening" */
    bool fell_back;     /* the method gave up, and a surer one answered, in the end the scan */
    double recall, expected_recall; /* asked for; promised by the tuning */
    uint32_t width, candidates;     /* the index's setting */
    struct {
        const char *method;
        double milliseconds; /* estimated; negative: not possible here */
    } considered[KIN_PLAN_METHODS];
    size_t considered_count;
    double estimated_milliseconds; /* of the ranking */
    double ranking_milliseconds;   /* what it took */
    const char *index_kind;        /* "flat", "hnsw", "ivfpq", or "none" before the first reindex */
    char model[17];                /* the embedding's id */
    uint64_t generation;
    uint64_t live, members;      /* images and regions; those that may be answers */
    uint64_t tail;               /* members newer than the generation, scanned exactly */
    uint64_t scored;             /* int8 codes compared */
    uint64_t scanned;            /* exact scores computed */
    double members_milliseconds; /* finding out who may be an answer */
    double milliseconds;         /* all of it */
} kin_plan;

typedef struct kin_results {
    kin_result *items; /* best first */
    size_t count;
    bool complete; /* these are all there are, where fewer than k came; never because the search
                      gave up */
    bool exact;    /* every image that may be an answer was compared exactly */
    kin_plan plan;
} kin_results;

kin_status kin_archive_search(kin_archive *archive, const kin_query *query,
                              const kin_search_options *options, kin_results *out, kin_error *err);
void kin_results_release(kin_results *results);

/* --- reindex, verify, backup, stats --- */

/* A model that was learnt from labels (learn.h) is kept where it would be judged outgrown, with a
 * word in the report, and learnt anew by its own method and label, without another validation. */
typedef enum kin_reindex_model {
    KIN_REINDEX_JUDGE, /* learn anew where the archive has outgrown the model or moved from it */
    KIN_REINDEX_KEEP,
    KIN_REINDEX_LEARN
} kin_reindex_model;

typedef struct kin_reindex_options {
    const char *index_kind; /* NULL: "auto"; see kin_reindex_is_kind() */
    kin_reindex_model model;
    bool rebuild;         /* build the index anew even where the last one could be extended */
    uint64_t memory_max;  /* see kin_index_options */
    size_t check_queries; /* sample for the tuning; 0: the default */
    double recall_bound;  /* an index that no setting brings to it gives way to the scan; 0: 0.95 */
    int threads;          /* 0: all */
    /* Told once, before the work begins.  May be NULL. */
    void (*forecast)(void *ctx, const char *index_kind, uint64_t peak_bytes);
    /* Progress: a stage's name and the share done of it; nonzero cancels.  May be NULL. */
    int (*progress)(void *ctx, const char *stage, double done);
    void *progress_ctx;
} kin_reindex_options;

/* What a generation's settings give (index/index.h, search/tune.h). */
enum { KIN_TUNINGS_MAX = 8 };
typedef struct kin_tuning {
    double target, recall, microseconds;
    uint32_t width, candidates;
} kin_tuning;

/* Whether what has come since has moved away: see kin_reindex_report. */
typedef struct kin_drift {
    bool judged; /* there was an earlier model or generation to judge by */
    double old_error,
        new_error; /* share of a descriptor's variance that the model does not keep: of
                                   images it was learnt from, and of newer ones */
    bool learn;    /* the model's */
    double old_index_error, new_index_error;
    bool retrain; /* the index's */
} kin_drift;

typedef struct kin_reindex_report {
    uint64_t images, generation;
    char model[17];
    const char *model_kind, *index_kind; /* static text */
    bool learnt;                         /* a new model; else the one before serves on */
    bool metric_due; /* the model was learnt from labels, and should be learnt anew (learn.h) */
    bool extended;   /* the index before was extended by what was new, and not trained again */
    kin_drift drift;
    double recall_at_10; /* of the setting that serves a query's default recall */
    size_t recall_queries;
    double recall_bound; /* that it was held to */
    bool below_bound;    /* no setting reached the bound: a scan serves */
    kin_tuning tunings[KIN_TUNINGS_MAX];
    size_t tuning_count;
    uint64_t forecast_bytes, peak_bytes; /* building's memory: foretold; measured, beyond what the
                                            process had before */
    double build_seconds, tune_seconds, swap_seconds, seconds;
} kin_reindex_report;

/* "auto", "flat", "hnsw", "ivfpq". */
bool kin_reindex_is_kind(const char *name);

/* KIN_E_BUSY when another reindex runs; KIN_E_CANCELLED.  Whatever happens, the old generation
 * serves until the swap. */
kin_status kin_archive_reindex(kin_archive *archive, const kin_reindex_options *options,
                               kin_reindex_report *report, kin_error *err);

/* Checks every checksum and every cross-reference; fault(ctx, text) for each thing wrong, *images counts
 * live rows, regions among them.  KIN_OK
 * with *faults == 0 means sound; KIN_E_… only when the check itself could not be done. */
kin_status kin_archive_verify(kin_archive *archive, void (*fault)(void *ctx, const char *text),
                              void *ctx, uint64_t *faults, uint64_t *images, kin_error *err);

/* Copies a consistent archive into folder dest (absent or empty) while others write. */
kin_status kin_archive_backup(kin_archive *archive, const char *dest, kin_error *err);

typedef struct kin_archive_stats {
    uint64_t images, regions; /* live */
    uint64_t rows, dead,
        tail; /* rows ever; deleted or replaced; live ones newer than the generation */
    uint64_t patients, studies, series, instances;
    char model[17], model_kind[32], index_kind[32], layout[512];
    size_t model_trained_on, dim, descriptor_length;
    /* Of a model that was learnt from labels (learn.h); else all empty. */
    struct {
        char label[256], where[1024]; /* the label's name; the condition, "" for all images */
        uint64_t images, classes, groups;
        double map, base_map; /* by validation; negative where it was learnt again without one */
    } metric;
    uint64_t generation;
    char generation_time[32]; /* ISO 8601, "" before the first */
    double generation_recall; /* at the default recall, measured; negative before the first */
    char codec[8];            /* of stored embeddings */
    kin_tuning tunings[KIN_TUNINGS_MAX];
    size_t tuning_count;
    uint64_t previews;      /* images that have one */
    uint64_t preview_bytes; /* of catalog_bytes, what they take */
    uint64_t catalog_bytes, descriptor_bytes, vector_bytes, index_bytes;
} kin_archive_stats;

kin_status kin_archive_stats_read(kin_archive *archive, kin_archive_stats *out, kin_error *err);

/* Calls visit for every distinct value of a field or label and its number of images ("modality",
 * "diagnosis", …); of `region` and the labels region_… of regions. */
kin_status kin_archive_each_value(kin_archive *archive, const char *name,
                                  int (*visit)(void *ctx, const char *value, uint64_t images),
                                  void *ctx, kin_error *err);
/* Every field and label name in use. */
kin_status kin_archive_each_name(kin_archive *archive, int (*visit)(void *ctx, const char *name),
                                 void *ctx, kin_error *err);

/* Writes the names that a condition uses and no live image has, separated by ", " ("" when all are
 * known): most likely slips of the pen. */
kin_status kin_archive_unknown_names(kin_archive *archive, const kin_condition *where, char *out,
                                     size_t size, kin_error *err);

/* Calls visit for every live record that meets where (NULL: all), in id order, from one snapshot;
 * nonzero stops. */
kin_status kin_archive_each_record(kin_archive *archive, const kin_condition *where,
                                   int (*visit)(void *ctx, const kin_record *record), void *ctx,
                                   kin_error *err);

#endif
