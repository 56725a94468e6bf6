/*
 * learn.h - a metric learnt from the archive's own labels, in the place of the model that serves.
 *
 * Any field or label may be what images are told apart by.  Images of one patient, study, series or
 * instance stay together in validation, and where the patient is not known near-duplicates do
 * (near_groups.h); what is taken, and when, is embed/learn.h's to say.
 *
 * The model comes in as a reindex's does: all vectors are made anew from one snapshot beside those
 * that serve, the index on them, and one transaction swaps it all in.  The reindexes after that keep
 * it: see kin_reindex_model.
 */
#ifndef KIN_ARCHIVE_LEARN_H
#define KIN_ARCHIVE_LEARN_H

#include "archive/archive.h"
#include "embed/learn.h"

#define KIN_LEARN_DEFAULT_LABEL "diagnosis"

/* The method that goes back to the projection that knows no labels. */
#define KIN_LEARN_NONE "none"

enum { KIN_LEARN_CLASSES_MAX = 1000 };

typedef struct kin_archive_learn_options {
    const char *label;           /* NULL: KIN_LEARN_DEFAULT_LABEL */
    const char *method;          /* "lda", "mlp", or KIN_LEARN_NONE; NULL: the better of the two */
    const char *where;           /* learn from the images that meet this condition; NULL: all */
    bool dry_run;                /* validate and tell, but change nothing */
    bool force;                  /* take the best candidate even without a gain */
    int folds;                   /* 0: KIN_LEARN_DEFAULT_FOLDS */
    uint64_t seed;               /* 0: a fixed one */
    kin_reindex_options reindex; /* threads, progress, the index's; its model is not looked at */
} kin_archive_learn_options;

typedef struct kin_archive_learn_class {
    char *name; /* the label's value */
    uint64_t images;
} kin_archive_learn_class;

typedef struct kin_archive_learn_report {
    kin_learn_report learn; /* empty for KIN_LEARN_NONE */
    uint64_t images;        /* that could have a label: live, and meeting the condition */
    uint64_t by_patient; /* labelled ones whose patient is known; the others' near-duplicates were
                               sought */
    kin_archive_learn_class *classes; /* by name */
    size_t class_count;
    bool changed;               /* a model was put in place, or would have been in a dry run */
    kin_reindex_report reindex; /* where one was, its report */
    double seconds;
} kin_archive_learn_report;

/* "lda", "mlp", "none". */
bool kin_learn_is_method(const char *name);

/*
 * Learns, validates and swaps in.  KIN_OK also when no candidate is better than the unsupervised
 * projection (report.changed is false; the report says by how much).  KIN_E_ARG: the condition or
 * the options make no sense, or labels are too few or too many to learn from: the message says what
 * is missing.  KIN_E_BUSY: another reindex runs.  KIN_E_CANCELLED.  The report is to be released
 * whatever happened.
 */
kin_status kin_archive_learn(kin_archive *archive, const kin_archive_learn_options *options,
                             kin_archive_learn_report *report, kin_error *err);
void kin_archive_learn_release(kin_archive_learn_report *report);

#endif
