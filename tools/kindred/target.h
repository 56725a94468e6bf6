/*
 * target.h - the archive that a command works on: a folder of this machine, or a server's.
 *
 * The operations are those of archive.h that commands need, so that a command is written once; what
 * is printed is the same.  target_local.c runs them here, target_remote.c at a server.
 */
#ifndef KINDRED_TARGET_H
#define KINDRED_TARGET_H

#include "archive/ingest.h"
#include "archive/search_set.h"
#include "cli.h"

typedef struct kin_target kin_target;

/* A search as the options of the command tell it. */
typedef struct kin_search_request {
    const char *file, *uid; /* one of them */
    uint32_t frame;
    uint32_t stored_region;      /* of the stored image; 0: the whole */
    const kin_query_part *parts; /* lesions on the file's image */
    size_t part_count;           /* 0: the whole */
    bool set; /* all frames of the file, or images of the UID, together: search_set.h */
    kin_set_rule rule;
    const char *where;  /* the text of options.where; NULL: none */
    const char *worker; /* see kin_decoder_new() */
    kin_search_options options;
} kin_search_request;

enum { KIN_UNKNOWN_NAMES_SIZE = 256, KIN_KIND_NAME_SIZE = 32 };

typedef struct kin_search_answer {
    kin_query query; /* its name, its patient and whether it is stored */
    kin_results results;
    bool query_failed; /* the failure is the query's own: a broken file, an unknown UID */
    char unknown_names
        [KIN_UNKNOWN_NAMES_SIZE]; /* of the condition, as kin_archive_unknown_names() */
    /* What results.plan may point to: an answer stays where it is. */
    char method[KIN_KIND_NAME_SIZE], index_kind[KIN_KIND_NAME_SIZE];
    char considered[KIN_PLAN_METHODS][KIN_KIND_NAME_SIZE];
} kin_search_answer;

/* A picture of why, and what it lacks. */
typedef struct kin_explanation {
    kin_raster picture; /* released with kin_raster_release() */
    size_t rows;        /* results that it shows */
    size_t previews; /* of which so many by their previews: their files are gone or have changed */
    size_t missing;  /* results that it lacks: they have neither file nor preview */
} kin_explanation;

/* A reindex's report, and the texts that it may point to. */
typedef struct kin_reindexed {
    kin_reindex_report report;
    char model_kind[KIN_KIND_NAME_SIZE], index_kind[KIN_KIND_NAME_SIZE];
} kin_reindexed;

/* The operations, as those of archive.h and ingest.h.  An error whose subject is the target's own
 * name is about the archive as a whole. */
typedef struct kin_target_ops {
    kin_status (*search)(kin_target *target, const kin_search_request *request,
                         kin_search_answer *answer, kin_error *err);
    kin_status (*find)(kin_target *target, const char *uid, size_t max, kin_record **records,
                       size_t *count, kin_level *level, bool *more, kin_error *err);
    kin_status (*remove)(kin_target *target, const char *uid, uint64_t *removed, uint64_t *regions,
                         kin_error *err);
    kin_status (*stats)(kin_target *target, kin_archive_stats *stats, kin_error *err);
    kin_status (*each_value)(kin_target *target, const char *name,
                             int (*visit)(void *ctx, const char *value, uint64_t images), void *ctx,
                             kin_error *err);
    kin_status (*ingest)(kin_target *target, const char *const *paths, size_t path_count,
                         const kin_ingest_options *options, kin_ingest_summary *summary,
                         kin_error *err);
    kin_status (*reindex)(kin_target *target, const kin_reindex_options *options,
                          kin_reindexed *reindexed, kin_error *err);
    /* Draws where the query and each of its best results agree into a PNG.  NULL: not here. */
    kin_status (*explain)(kin_target *target, const kin_search_request *request,
                          const kin_search_answer *answer, kin_explanation *out, kin_error *err);
    void (*close)(kin_target *target);
} kin_target_ops;

/* What every kind of target begins with. */
struct kin_target {
    const kin_target_ops *ops;
    const char *name;    /* the archive's folder or the server: for messages */
    const char *archive; /* the archive's folder, at the server where it is a server's: known once
                            its stats have been asked for */
    bool is_remote;
};

/* Opens what the options say; prints why it cannot and returns the exit code otherwise, with *out
 * NULL.  make: a folder that holds no archive gets one. */
int kin_target_open(const kin_cli *cli, bool make, kin_target **out);
/* NULL is fine. */
void kin_target_close(kin_target *target);

/* Frees what an answer holds. */
void kin_search_answer_release(kin_search_answer *answer);

/* The kinds of targets, for kin_target_open(). */
int kin_target_open_local(const kin_cli *cli, bool make, kin_target **out);
int kin_target_open_remote(const kin_cli *cli, kin_target **out);

#endif
