/* condition_node.h - a parsed condition (internal to the catalog). */
#ifndef KIN_CATALOG_CONDITION_NODE_H
#define KIN_CATALOG_CONDITION_NODE_H

#include "catalog/compare.h"
#include "catalog/condition.h"

typedef enum kin_node_kind {
    KIN_NODE_AND,
    KIN_NODE_OR,
    KIN_NODE_NOT, /* of its one child */
    KIN_NODE_IN,  /* the value equals one of the terms; `=` too */
    KIN_NODE_ORDER
} kin_node_kind;

typedef struct kin_node kin_node;
struct kin_node {
    kin_node_kind kind;
    kin_node *next;  /* sibling: chains of `and` and `or` are flat, so that depth stays bounded */
    kin_node *child; /* the first */
    /* Of KIN_NODE_IN and KIN_NODE_ORDER: */
    const char *name;
    kin_compare_as compare;
    kin_order order;
    kin_operand *terms; /* of IN sorted by text; of ORDER one */
    size_t term_count;
    /* Of IN, for answers in logarithmic time: the terms that are numbers, in their order; the terms
     * that are dates. */
    const kin_operand **numbers, **periods;
    size_t number_count, period_count;
    kin_node *next_comparison; /* all comparisons of the condition, in the order of the text */
    /* What the cache knows it by; only comparisons and the root have one, others NULL. */
    const char *key;
    size_t key_size;
};

struct kin_condition {
    kin_node *root;
    kin_node *comparisons;
    void *owned; /* list of all memory, condition_parse.c's */
};

/* --- condition_key.c --- */

/* Writes what tells the node from any that means another thing, and returns its size; with NULL
 * only that. */
size_t kin_node_key(const kin_node *node, char *out);

/* --- condition_match.c: against one image's values --- */

/* The empty value, which sorts first, stands for an absent one. */
bool kin_node_accepts_absence(const kin_node *node);
/* A comparison against a value that the image has. */
bool kin_node_meets(const kin_node *node, const char *value);
bool kin_node_matches(const kin_node *node, const kin_record *record);

/* --- condition_bitmap.c: against the index, for all images at once --- */

/* An evaluation in one snapshot. */
typedef struct kin_evaluation {
    kin_txn *txn;
    kin_error *err;
    uint32_t from; /* ids below are not asked about */
    uint64_t rows; /* of the snapshot */
    /* What it took: */
    uint64_t keys;        /* of the index that were looked at */
    uint64_t nanoseconds; /* about, by what was done: no clock is read */
} kin_evaluation;

/* Counts the making of a bitmap like these ids. */
void kin_evaluation_count_bitmap(kin_evaluation *evaluation, const roaring_bitmap_t *ids);

/* A bitmap that is the holder's to change, or one that it shares; the other is NULL. */
typedef struct kin_node_ids {
    roaring_bitmap_t *own;
    kin_bitmap *shared;
} kin_node_ids;

const roaring_bitmap_t *kin_node_ids_borrow(const kin_node_ids *ids);
void kin_node_ids_release(kin_node_ids *ids);

/*
 * The ids in [from, rows) that meet the node, and any of the dead ones: an image that is gone has
 * no values, and so may be in a negation.  From 0 on comparisons are asked of the cache.
 */
kin_status kin_node_evaluate(kin_evaluation *evaluation, const kin_node *node, kin_node_ids *out);

/* A comparison alone, without the cache. */
kin_status kin_node_compare(kin_evaluation *evaluation, const kin_node *node,
                            roaring_bitmap_t **out);

/* Adds those of [from, rows) whose records meet the node: where they are few, cheaper than to walk
 * through a name's many values. */
kin_status kin_node_match_rows(kin_evaluation *evaluation, const kin_node *node,
                               roaring_bitmap_t *out);

/* --- condition_members.c: the cache --- */

/* Does the cache hold the ids of this node, or of that which it negates, of some snapshot? */
bool kin_node_is_known(const kin_evaluation *evaluation, const kin_node *node);

/* The live ids that meet a node which has a key.  Adds to the evaluation what it took. */
kin_status kin_node_members(kin_evaluation *evaluation, const kin_node *node, kin_bitmap **out);

#endif
