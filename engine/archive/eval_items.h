/* eval_items.h - the stored images that a manifest speaks of, with their labels and vectors. */
#ifndef KIN_ARCHIVE_EVAL_ITEMS_H
#define KIN_ARCHIVE_EVAL_ITEMS_H

#include "archive/internal.h"
#include "archive/manifest.h"

typedef struct kin_eval_item {
    uint64_t id;
    int label; /* number of its class */
    int group; /* number of its leave_out value, or -1 for none */
    kin_digest content;
} kin_eval_item;

/* Names numbered in order of arrival. */
typedef struct kin_names {
    char **names;
    size_t count, capacity;
    struct kin_name_entry *by_name; /* for finding them */
} kin_names;

typedef struct kin_eval_items {
    kin_eval_item *items;
    size_t count, capacity;
    float *vectors; /* count x dim */
    size_t duplicates, missing;
} kin_eval_items;

/* Loads the items of manifest: rows with an empty label are left out silently, those with
 * duplicate_of or of a content seen before are counted as duplicates, those not in the archive as
 * missing.  leave_out: column number or -1. */
kin_status kin_eval_items_load(const kin_snapshot *snapshot, const kin_manifest *manifest,
                               int label, int leave_out, kin_names *classes, kin_names *groups,
                               kin_eval_items *out, kin_error *err);
void kin_eval_items_release(kin_eval_items *items);

/* The number of name, given to it now if it is new; -1 without memory. */
int kin_names_number(kin_names *names, const char *name);
void kin_names_release(kin_names *names);

#endif
