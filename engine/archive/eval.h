/*
 * eval.h - how good retrieval is, on images whose class is known.
 *
 * Every image of a manifest that the archive holds is a query once; all the others are ranked by
 * similarity, exactly. Left out of a query's ranking: the image itself, rows marked duplicate_of
 * and images with the same content (they are no part of the database at all), and with `leave_out`
 * every image that shares that column's value with the query.
 *
 * Measures, per query, over relevance "same label" (Manning, Raghavan and Schütze 2008, chapter 8):
 *   P@n      share of relevant among the first n
 *   mMV@5    1 when the majority of the first 5 (ties: the better ranked) has the query's label, as
 * ImageCLEF's majority vote AP       mean of precision at each relevant rank over the whole
 * ranking; mAP its mean.  A query without relevant images is left out. nDCG@10  binary gain, log2
 * discount, over the ideal ranking Intervals are 95% percentile bootstrap over queries (Efron
 * 1979), seeded; with a leave_out column groups are resampled, not queries.
 */
#ifndef KIN_ARCHIVE_EVAL_H
#define KIN_ARCHIVE_EVAL_H

#include "archive/archive.h"
#include "archive/manifest.h"

typedef struct kin_eval_figure {
    double value, low, high; /* with its 95% interval */
} kin_eval_figure;

typedef struct kin_eval_measures {
    size_t queries;
    kin_eval_figure p_at_1, p_at_10, mmv_at_5, map, ndcg_at_10;
} kin_eval_measures;

typedef struct kin_eval_options {
    const kin_manifest *queries; /* NULL: every image of the manifest */
    const char *label;           /* column that says what is relevant; NULL: "diagnosis" */
    const char *leave_out;       /* column, or NULL */
    size_t bootstrap;            /* resamples; 0: 1000 */
    uint64_t seed;               /* 0: fixed default */
    int threads;
} kin_eval_options;

typedef struct kin_eval_report {
    size_t database, duplicates,
        missing;     /* images ranked; rows left out as duplicates; rows not in the archive */
    size_t unjudged; /* queries without any relevant image */
    kin_eval_measures all;
    size_t class_count;
    char **classes;      /* names, sorted */
    size_t *class_sizes; /* in the database */
    kin_eval_measures *per_class;
    size_t *confusion; /* [class_count x class_count]: rows the query's class, columns the majority
                          of its first 5 */
} kin_eval_report;

kin_status kin_eval(kin_archive *archive, const kin_manifest *manifest,
                    const kin_eval_options *options, kin_eval_report *out, kin_error *err);
void kin_eval_report_release(kin_eval_report *report);

#endif
