/*
 * Conditions against the index of values: for all images at once, by bitmaps.
 *
 * Nobody takes the dead out on the way: the result of a negation holds some, and they are left out
 * once, at the end (condition_members.c).
 */
#include <stdlib.h>
#include <string.h>

#include "catalog/collect.h"
#include "catalog/condition_node.h"
#include "catalog/internal.h"

enum {
    /* About what things take, in nanoseconds, when the pages are in memory. */
    COST_KEY = 200,
    COST_ID = 2,
    COST_RECORD = 3000,
    BITMAP_BYTES_PER_NANOSECOND = 8,
    /* So few images are asked for their records, rather than the index for all images. */
    FEW = 128
};

/* --- what is shared, and what is not --- */

const roaring_bitmap_t *kin_node_ids_borrow(const kin_node_ids *ids)
{
    return ids->own != NULL ? ids->own : kin_bitmap_borrow(ids->shared);
}

void kin_node_ids_release(kin_node_ids *ids)
{
    if (ids->own != NULL)
        roaring_bitmap_free(ids->own);
    kin_bitmap_free(ids->shared);
    *ids = (kin_node_ids){0};
}

static kin_status no_memory(kin_evaluation *evaluation)
{
    return kin_fail(evaluation->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}

void kin_evaluation_count_bitmap(kin_evaluation *evaluation, const roaring_bitmap_t *ids)
{
    evaluation->nanoseconds +=
        roaring_bitmap_portable_size_in_bytes(ids) / BITMAP_BYTES_PER_NANOSECOND;
}

/* Makes `made`, which may be NULL for lack of memory, the ids in place of what they were. */
static kin_status replace(kin_evaluation *evaluation, kin_node_ids *ids, roaring_bitmap_t *made)
{
    if (made == NULL)
        return no_memory(evaluation);
    kin_evaluation_count_bitmap(evaluation, made);
    kin_node_ids_release(ids);
    ids->own = made;
    return KIN_OK;
}

/* The rows from evaluation->from on that are not in the ids. */
static kin_status negate(kin_evaluation *evaluation, kin_node_ids *ids)
{
    return replace(
        evaluation, ids,
        roaring_bitmap_flip(kin_node_ids_borrow(ids), evaluation->from, evaluation->rows));
}

/* --- comparisons --- */

/* Is each term looked up by its bytes?  Numbers and dates have several spellings, and the absence
 * of a value is not in the index: then all values of the name are looked at. */
static bool is_looked_up(const kin_node *node)
{
    return node->kind == KIN_NODE_IN && node->number_count == 0 && node->period_count == 0 &&
           !kin_node_accepts_absence(node);
}

static kin_status look_terms_up(kin_evaluation *evaluation, const kin_node *node,
                                kin_collector *collector)
{
    for (size_t i = 0; i < node->term_count; i++) {
        evaluation->keys++;
        kin_status status =
            kin_values_look_up(evaluation->txn, node->name, node->terms[i].text, evaluation->from,
                               kin_collect, collector, evaluation->err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

struct value_walk {
    kin_evaluation *evaluation;
    const kin_node *node;
    bool wanted; /* collects the images whose value meets the node, or those whose does not */
    kin_collector *collector;
};

static kin_status collect_if_wanted(void *ctx, const char *value, const kin_value_ids *ids)
{
    struct value_walk *walk = ctx;
    walk->evaluation->keys++;
    if (kin_node_meets(walk->node, value) != walk->wanted)
        return KIN_OK;
    return kin_value_ids_visit(ids, kin_collect, walk->collector);
}

static kin_status collect(kin_evaluation *evaluation, const kin_node *node,
                          kin_collector *collector)
{
    struct value_walk walk = {evaluation, node, !kin_node_accepts_absence(node), collector};
    if (is_looked_up(node))
        return look_terms_up(evaluation, node, collector);
    return kin_values_walk(evaluation->txn, node->name, evaluation->from, collect_if_wanted, &walk,
                           evaluation->err);
}

kin_status kin_node_compare(kin_evaluation *evaluation, const kin_node *node,
                            roaring_bitmap_t **out)
{
    kin_collector collector;
    uint64_t keys = evaluation->keys;
    kin_status status = kin_collector_begin(&collector, evaluation->rows, evaluation->err);
    if (status == KIN_OK)
        status = collect(evaluation, node, &collector);
    evaluation->nanoseconds += (evaluation->keys - keys) * COST_KEY + collector.collected * COST_ID;
    if (status == KIN_OK)
        status = kin_collector_finish(&collector, out);
    else
        kin_collector_abandon(&collector);
    /* Of what accepts an absent value the others were collected. */
    if (status == KIN_OK && kin_node_accepts_absence(node))
        roaring_bitmap_flip_inplace(*out, evaluation->from, evaluation->rows);
    return status;
}

static kin_status evaluate_comparison(kin_evaluation *evaluation, const kin_node *node,
                                      kin_node_ids *out)
{
    if (evaluation->from > 0)
        return kin_node_compare(evaluation, node, &out->own);
    return kin_node_members(evaluation, node, &out->shared);
}

/* --- by records --- */

/* Adds the id to `out` if it lives and its record meets the node. */
static kin_status add_if_met(kin_evaluation *evaluation, const kin_node *node, uint32_t id,
                             roaring_bitmap_t *out)
{
    kin_record record;
    kin_status status = kin_catalog_get(evaluation->txn, id, &record, evaluation->err);
    evaluation->nanoseconds += COST_RECORD;
    if (status == KIN_E_NOT_FOUND)
        return KIN_OK;
    if (status != KIN_OK)
        return status;
    if (kin_node_matches(node, &record))
        roaring_bitmap_add(out, id);
    kin_record_release(&record);
    return KIN_OK;
}

kin_status kin_node_match_rows(kin_evaluation *evaluation, const kin_node *node,
                               roaring_bitmap_t *out)
{
    kin_status status = KIN_OK;
    for (uint64_t id = evaluation->from; id < evaluation->rows && status == KIN_OK; id++)
        status = add_if_met(evaluation, node, (uint32_t)id, out);
    return status;
}

/* Leaves those of the ids whose records meet the node. */
static kin_status keep_matching(kin_evaluation *evaluation, const kin_node *node, kin_node_ids *ids)
{
    roaring_uint32_iterator_t at;
    kin_status status = KIN_OK;
    roaring_bitmap_t *matching = roaring_bitmap_create();
    if (matching == NULL)
        return no_memory(evaluation);
    roaring_init_iterator(kin_node_ids_borrow(ids), &at);
    for (; at.has_value && status == KIN_OK; roaring_advance_uint32_iterator(&at))
        status = add_if_met(evaluation, node, at.current_value, matching);
    if (status == KIN_OK)
        return replace(evaluation, ids, matching);
    roaring_bitmap_free(matching);
    return status;
}

/* --- and, or, not --- */

/* ids and (or: and not) others. */
static kin_status intersect(kin_evaluation *evaluation, kin_node_ids *ids, const kin_node *child)
{
    bool negated = child->kind == KIN_NODE_NOT;
    kin_node_ids others = {0};
    kin_status status = kin_node_evaluate(evaluation, negated ? child->child : child, &others);
    if (status != KIN_OK)
        return status;
    const roaring_bitmap_t *a = kin_node_ids_borrow(ids), *b = kin_node_ids_borrow(&others);
    status =
        replace(evaluation, ids, negated ? roaring_bitmap_andnot(a, b) : roaring_bitmap_and(a, b));
    kin_node_ids_release(&others);
    return status;
}

static kin_status narrow(kin_evaluation *evaluation, const kin_node *child, kin_node_ids *ids)
{
    uint64_t left = roaring_bitmap_get_cardinality(kin_node_ids_borrow(ids));
    if (left == 0)
        return KIN_OK;
    if (left <= FEW && !is_looked_up(child) && !kin_node_is_known(evaluation, child)) {
        kin_status status = keep_matching(evaluation, child, ids);
        /* A record that is damaged is no reason not to answer from the index. */
        if (status != KIN_E_CORRUPT)
            return status;
    }
    return intersect(evaluation, ids, child);
}

/* The order in which the parts of an `and` are asked: what costs least, and leaves fewest, first. */
static int rank(const kin_node *node)
{
    if (node->kind == KIN_NODE_NOT)
        return 2;
    return is_looked_up(node) ? 0 : 1;
}

enum { RANKS = 3 };

static kin_status evaluate_and(kin_evaluation *evaluation, const kin_node *node, kin_node_ids *out)
{
    const kin_node *first = node->child;
    for (const kin_node *child = node->child; child != NULL; child = child->next)
        if (rank(child) < rank(first))
            first = child;
    kin_status status = kin_node_evaluate(evaluation, first, out);
    for (int at = 0; at < RANKS; at++)
        for (const kin_node *child = node->child; child != NULL && status == KIN_OK;
             child = child->next)
            if (rank(child) == at && child != first)
                status = narrow(evaluation, child, out);
    return status;
}

static kin_status unite(kin_evaluation *evaluation, const kin_node *child, kin_node_ids *ids)
{
    kin_node_ids others = {0};
    kin_status status = kin_node_evaluate(evaluation, child, &others);
    if (status != KIN_OK)
        return status;
    const roaring_bitmap_t *b = kin_node_ids_borrow(&others);
    if (ids->own != NULL)
        roaring_bitmap_or_inplace(ids->own, b);
    else
        status = replace(evaluation, ids, roaring_bitmap_or(kin_node_ids_borrow(ids), b));
    kin_node_ids_release(&others);
    return status;
}

static kin_status evaluate_or(kin_evaluation *evaluation, const kin_node *node, kin_node_ids *out)
{
    kin_status status = kin_node_evaluate(evaluation, node->child, out);
    for (const kin_node *child = node->child->next; child != NULL && status == KIN_OK;
         child = child->next)
        status = unite(evaluation, child, out);
    return status;
}

kin_status kin_node_evaluate(kin_evaluation *evaluation, const kin_node *node, kin_node_ids *out)
{
    kin_status status = KIN_OK;
    *out = (kin_node_ids){0};
    switch (node->kind) {
    case KIN_NODE_AND:
        status = evaluate_and(evaluation, node, out);
        break;
    case KIN_NODE_OR:
        status = evaluate_or(evaluation, node, out);
        break;
    case KIN_NODE_NOT:
        status = kin_node_evaluate(evaluation, node->child, out);
        if (status == KIN_OK)
            status = negate(evaluation, out);
        break;
    case KIN_NODE_IN:
    case KIN_NODE_ORDER:
        status = evaluate_comparison(evaluation, node, out);
        break;
    }
    if (status != KIN_OK)
        kin_node_ids_release(out);
    return status;
}
