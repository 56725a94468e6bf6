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
};

struct kin_condition {
    kin_node *root;
    kin_node *comparisons;
    void *owned; /* list of all memory, condition_parse.c's */
};

#endif
