/* eval_set.h - the images of an evaluation: where they are stored, what they are, who belongs
 * together. */
#ifndef KIN_ARCHIVE_EVAL_SET_H
#define KIN_ARCHIVE_EVAL_SET_H

#include "archive/eval.h"
#include "archive/internal.h"
#include "archive/names.h"

typedef struct kin_eval_image {
    uint64_t id;
    bool scratch;            /* of the scratch archive */
    bool query;              /* of a manifest of queries */
    int label, grade, value; /* numbers of its class, graded class and leave_out value; -1: none */
    int group, fold;
    kin_digest content;
} kin_eval_image;

/* Images [0, stored) are the archive's, the others the scratch archive's. */
typedef struct kin_eval_set {
    const kin_eval_options *options;
    kin_archive *archive, *scratch; /* either may be NULL */
    char scratch_dir[PATH_MAX];     /* "" for none */
    kin_eval_image *images;
    size_t count, capacity, stored;
    kin_names classes, grades, values;
    size_t duplicates, missing;
    size_t length, dim;    /* of descriptors and of the archive's vectors */
    float *descriptors;    /* [count x length]; NULL when no model wants them */
    float *serving;        /* [count x dim]; NULL when no model wants them */
    const char *signature; /* of descriptors; the archives own it */
    size_t *near_first;    /* [count + 1]: image i's near-duplicates are near[near_first[i] … ] */
    uint32_t *near;
    size_t near_images, groups;
    const char *grouping;
    double describe_seconds;
} kin_eval_set;

/* Finds the images of the queries and of the manifest, and describes those that are not stored. */
kin_status kin_eval_set_load(kin_eval_set *set, const kin_manifest *manifest, kin_error *err);
void kin_eval_set_release(kin_eval_set *set);

/* Its parts, each in a file of its own. */

/* Puts files into a scratch archive, which is made. */
kin_status kin_eval_describe(kin_eval_set *set, const char *const *paths, size_t count,
                             kin_error *err);
void kin_eval_scratch_remove(kin_eval_set *set);

/* Reads descriptors and serving vectors, as the options' models want them. */
kin_status kin_eval_vectors_load(kin_eval_set *set, kin_error *err);

/* Says who belongs together, and deals groups out to `folds` folds of like size and classes; fewer
 * where there are fewer groups. */
kin_status kin_eval_groups_make(kin_eval_set *set, kin_error *err);
kin_status kin_eval_folds_deal(kin_eval_set *set, int *folds, kin_error *err);

/* Whether one image is no part of the other's database. */
bool kin_eval_apart(const kin_eval_set *set, size_t query, size_t image);

/* Tells the options' progress; KIN_E_CANCELLED. */
kin_status kin_eval_step(const kin_eval_options *options, const char *stage, double done,
                         kin_error *err);

#endif
