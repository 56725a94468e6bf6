/*
 * eval.h - how good retrieval is, on images whose class is known.
 *
 * Images.  A manifest names images and their classes.  Those that the archive lacks are described on
 * the fly, in a scratch archive in $TMPDIR (or /tmp) that is removed at the end; without an archive
 * all of them are.  Rows marked duplicate_of, and images of a content seen before, are left out.
 *
 * Split.  Queries are a manifest of their own; or every image is one, in `folds` parts of which
 * each asks the others.  Images that belong together - by leave_out's value, the same patient where
 * patients are known, near-duplicates (near_groups.h) where they are not - are a group, which no
 * split divides.  A query is ranked against all images that are no queries (of its fold), but never
 * against those of its own group, nor its near-duplicates by the wider bound.
 *
 * Models, each in every fold:
 *   serving    the archive's, as it is: it may have been learnt from the queries' pictures
 *   bootstrap  embed.h's: nothing is learnt
 *   pca        embed.h's, learnt from the database without labels
 *   learnt     learn.h's, from the database's labels; where it refuses (nothing beats pca there) or
 *              labels are too few, pca, as `kindred learn` leaves the model alone
 * What is learnt is learnt from the fold's database without anything that shares a group with, or is
 * a near-duplicate of, any of the fold's queries.
 *
 * Measures, per query, over relevance "same label" (Manning, Raghavan and Schütze 2008, chapter 8),
 * R of the database's images being relevant:
 *   P@n      relevant ones among the first n, over n
 *   mMV@5    1 when the majority of the first 5 (ties: the better ranked) has the query's label, as
 *            ImageCLEF's majority vote
 *   AP       sum of the precision at each relevant rank over the whole ranking, over R; mAP its mean
 *   AP@10    the same over the first 10 ranks, over min(10, R): dividing by the hits among the 10, as
 *            some do, gives a single lucky hit full marks
 *   nDCG@10  gain 2^relevance - 1, discount 1 / log2(rank + 1), over the ideal ranking's (Järvelin
 *            and Kekäläinen 2002; gain after Burges et al. 2005).  Relevance 2: the same label; 1: the
 *            same value of the column `grade`, where there is one; 0: else
 *   F1@n     of the class that most of the first n have (ties: the better ranked), against the
 *            query's: 2 tp / (2 tp + fp + fn) per class, and their mean over the classes that
 *            queries have (macro-average), n = 1, 3, 5
 * A query without relevant images is not judged.
 *
 * Intervals are 95% percentile bootstrap (Efron 1979), seeded; groups are resampled, not queries,
 * since images of one patient are not independent.
 */
#ifndef KIN_ARCHIVE_EVAL_H
#define KIN_ARCHIVE_EVAL_H

#include "archive/archive.h"
#include "archive/manifest.h"
#include "archive/near_groups.h"

enum {
    KIN_EVAL_DEFAULT_FOLDS = 5,
    KIN_EVAL_FOLDS_MAX = 100,
    KIN_EVAL_MODELS_MAX = 16,
    KIN_EVAL_LISTED = 10, /* ranks of each query that are kept */
    KIN_EVAL_NOTE_SIZE = 256
};
#define KIN_EVAL_DESCRIPTORS_MAX ((size_t)8 << 30) /* bytes of descriptors in memory */
#define KIN_EVAL_LEAVE_OUT_NONE  "none"

typedef struct kin_eval_figure {
    double value, low, high; /* with its 95% interval */
} kin_eval_figure;

typedef struct kin_eval_measures {
    size_t queries;
    kin_eval_figure p_at_1, p_at_5, p_at_10, mmv_at_5, map, map_at_10, ndcg_at_10;
    kin_eval_figure f1_at_1, f1_at_3, f1_at_5; /* macro-averaged; of one class: its own */
} kin_eval_measures;

/* The scores of a fold before they are ranked, for trying other rankings on the same ground. */
typedef struct kin_eval_scores {
    size_t queries, database, dim;
    const float *query_vectors;    /* [queries x dim], of length 1 */
    const float *database_vectors; /* [database x dim] */
    const unsigned char
        *left_out; /* [queries x database]: 1 where the query may not see the image */
    float *scores; /* [queries x database]: inner products, to be changed */
    int threads;
} kin_eval_scores;
typedef kin_status kin_eval_rescore(void *ctx, kin_eval_scores *scores, kin_error *err);

typedef struct kin_eval_model {
    const char *model;         /* "serving", "bootstrap", "pca", "learnt" */
    const char *method;        /* of "learnt": one of learn.h's, without its validation; NULL */
    const char *name;          /* in the report; NULL: the model's */
    kin_eval_rescore *rescore; /* NULL: none */
    void *ctx;
} kin_eval_model;

typedef struct kin_eval_options {
    const kin_manifest *queries;  /* NULL: folds */
    int folds;                    /* without queries; 0: KIN_EVAL_DEFAULT_FOLDS; 1: every image asks
                                    all others, which leaves nothing to learn from (KIN_E_ARG for
                                    pca and learnt).  No more than there are groups */
    const kin_eval_model *models; /* NULL: learnt, pca */
    size_t model_count;
    const char *label; /* column that says what is relevant; NULL: "diagnosis" */
    const char *grade; /* column of graded relevance; NULL: "grade" where there is one */
    const char
        *leave_out; /* column (or field of stored records) of groups; NULL: "patient_id" where
                              known; KIN_EVAL_LEAVE_OUT_NONE: near-duplicates alone */
    bool keep_near; /* near-duplicates are nothing special */
    kin_near_turned turned;
    size_t bootstrap; /* resamples; 0: 1000 */
    uint64_t seed;    /* of resampling and folds; 0: fixed default */
    int threads;
    const char *worker;   /* for describing; see kin_decoder_new() */
    const char *features; /* without an archive: kin_extractor_new()'s spec; NULL: the default */
    /* Progress: a stage's name and the share done of it; nonzero cancels.  May be NULL. */
    int (*progress)(void *ctx, const char *stage, double done);
    void *progress_ctx;
    /* A contact sheet of the first model, as PNG; NULL: none. */
    const char *sheet;
    int sheet_rows; /* queries on it, the classes in turn; 0: a dozen */
} kin_eval_options;

/* One query's part: which image, what was judged of it, and the first of its ranking. */
typedef struct kin_eval_answer {
    size_t image;
    bool judged; /* it had something relevant; else nothing below holds but the list */
    double ap, p_at_1;
    size_t listed;
    struct {
        size_t image;
        float score;
        bool relevant;
    } list[KIN_EVAL_LISTED];
} kin_eval_answer;

typedef struct kin_eval_model_report {
    char *name;
    char note
        [KIN_EVAL_NOTE_SIZE]; /* what was learnt in each fold, or why not; "" for nothing to say */
    kin_eval_measures all;
    kin_eval_measures *per_class; /* [class_count] */
    size_t *confusion;        /* [class_count x class_count]: rows the query's class, columns the
                                     majority of its first 5 */
    kin_eval_answer *answers; /* [queries], in the report's order of queries */
    double learn_seconds;     /* all folds together */
} kin_eval_model_report;

typedef struct kin_eval_report {
    size_t database;   /* images that are ranked for some query */
    size_t duplicates; /* rows left out as such */
    size_t missing;    /* rows without a readable image */
    size_t described;  /* images that the archive lacked */
    size_t near;       /* images that have near-duplicates, by the wider bound, among the others */
    size_t groups;     /* that splits leave whole */
    size_t unjudged;   /* queries without any relevant image */
    int folds;         /* 0: queries of their own */
    const char *grouping; /* static, or the options': the column, or "near-duplicates", "images" */
    char features[512];   /* the descriptors' signature */
    size_t class_count;
    char **classes;      /* names, sorted */
    size_t *class_sizes; /* in the database */
    size_t query_count;
    int *query_groups; /* [query_count]: for intervals of one's own */
    kin_eval_model_report *models;
    size_t model_count;
    double describe_seconds;
} kin_eval_report;

/* archive: may be NULL, but for the model "serving" (KIN_E_ARG). */
kin_status kin_eval(kin_archive *archive, const kin_manifest *manifest,
                    const kin_eval_options *options, kin_eval_report *out, kin_error *err);
void kin_eval_report_release(kin_eval_report *report);

/* The mean gain in average precision of `better` over `base`, models of one report, over the queries
 * that were judged, with its 95% interval over groups. */
kin_status kin_eval_gain(const kin_eval_report *report, size_t base, size_t better,
                         const kin_eval_options *options, kin_eval_figure *out, kin_error *err);

/* "serving", "bootstrap", "pca", "learnt". */
bool kin_eval_is_model(const char *name);

#endif
