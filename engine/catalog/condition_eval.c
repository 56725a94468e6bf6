#include <stdlib.h>
#include <string.h>

#include "catalog/condition_node.h"
#include "catalog/internal.h"

/* --- one value against a comparison --- */

static bool among_texts(const kin_node *node, const char *text)
{
    size_t low = 0, high = node->term_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(node->terms[middle].text, text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool among_numbers(const kin_node *node, const kin_decimal *number)
{
    size_t low = 0, high = node->number_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = kin_decimal_compare(&node->numbers[middle]->number, number);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool within_periods(const kin_node *node, const kin_period *period)
{
    for (size_t i = 0; i < node->period_count; i++) {
        const kin_period *wanted = &node->periods[i]->period;
        if ((period->sure || wanted->sure) && period->first >= wanted->first &&
            period->last <= wanted->last)
            return true;
    }
    return false;
}

static bool value_meets(const kin_node *node, const char *text)
{
    kin_operand value = kin_operand_read(text, node->compare);
    if (node->kind == KIN_NODE_ORDER)
        return kin_operand_in_order(&value, node->order, &node->terms[0]);
    return among_texts(node, text) || (value.is_number && among_numbers(node, &value.number)) ||
           (value.is_period && within_periods(node, &value.period));
}

/* The empty value, which sorts first, stands for an absent one. */
static bool accepts_absence(const kin_node *node)
{
    return node->kind == KIN_NODE_IN && node->terms[0].text[0] == '\0';
}

/* --- one record --- */

static bool node_matches(const kin_node *node, const kin_record *record)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *value;
    switch (node->kind) {
    case KIN_NODE_AND:
        for (const kin_node *child = node->child; child != NULL; child = child->next)
            if (!node_matches(child, record))
                return false;
        return true;
    case KIN_NODE_OR:
        for (const kin_node *child = node->child; child != NULL; child = child->next)
            if (node_matches(child, record))
                return true;
        return false;
    case KIN_NODE_NOT:
        return !node_matches(node->child, record);
    case KIN_NODE_IN:
    case KIN_NODE_ORDER:
        break;
    }
    value = kin_record_value(record, node->name, scratch);
    return value != NULL ? value_meets(node, value) : accepts_absence(node);
}

bool kin_condition_matches(const kin_condition *condition, const kin_record *record)
{
    return node_matches(condition->root, record);
}

/* --- all images, by bitmaps --- */

struct evaluation {
    kin_txn *txn;
    roaring_bitmap_t *live; /* made when first needed */
    kin_error *err;
};

static kin_status evaluate(struct evaluation *evaluation, const kin_node *node,
                           roaring_bitmap_t **out);

static kin_status check(struct evaluation *evaluation, const roaring_bitmap_t *bitmap)
{
    return bitmap != NULL ? KIN_OK
                          : kin_fail(evaluation->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}

/* Replaces *bitmap by the live images that are not in it. */
static kin_status complement(struct evaluation *evaluation, roaring_bitmap_t **bitmap)
{
    kin_status status = KIN_OK;
    if (evaluation->live == NULL)
        status = kin_catalog_live(evaluation->txn, &evaluation->live, evaluation->err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_t *others = roaring_bitmap_andnot(evaluation->live, *bitmap);
    status = check(evaluation, others);
    if (status == KIN_OK) {
        roaring_bitmap_free(*bitmap);
        *bitmap = others;
    }
    return status;
}

struct value_walk {
    const kin_node *node; /* NULL takes every value */
    roaring_bitmap_t *ids;
};

static kin_status add_if_met(void *ctx, const char *value, const uint32_t *ids, size_t count)
{
    struct value_walk *walk = ctx;
    if (walk->node == NULL || value_meets(walk->node, value))
        roaring_bitmap_add_many(walk->ids, count, ids);
    return KIN_OK;
}

/* Adds to ids all images of which some value of `name` meets the node. */
static kin_status walk_values(struct evaluation *evaluation, const char *name,
                              const kin_node *met_by, roaring_bitmap_t *ids)
{
    struct value_walk walk = {.node = met_by, .ids = ids};
    return kin_values_walk(evaluation->txn, name, add_if_met, &walk, evaluation->err);
}

/* Adds the images whose value is one of the terms, byte by byte: one look-up each. */
static kin_status look_terms_up(struct evaluation *evaluation, const kin_node *node,
                                roaring_bitmap_t *ids)
{
    for (size_t i = 0; i < node->term_count; i++) {
        roaring_bitmap_t *found;
        if (node->terms[i].text[0] == '\0')
            continue;
        kin_status status = kin_catalog_with_value(evaluation->txn, node->name, node->terms[i].text,
                                                   &found, evaluation->err);
        if (status != KIN_OK)
            return status;
        roaring_bitmap_or_inplace(ids, found);
        roaring_bitmap_free(found);
    }
    return KIN_OK;
}

/* Adds the images that have no value of the name. */
static kin_status add_absent(struct evaluation *evaluation, const kin_node *node,
                             roaring_bitmap_t *ids)
{
    roaring_bitmap_t *without = roaring_bitmap_create();
    kin_status status = check(evaluation, without);
    if (status != KIN_OK)
        return status;
    status = walk_values(evaluation, node->name, NULL, without);
    if (status == KIN_OK)
        status = complement(evaluation, &without);
    if (status == KIN_OK)
        roaring_bitmap_or_inplace(ids, without);
    roaring_bitmap_free(without);
    return status;
}

static kin_status evaluate_comparison(struct evaluation *evaluation, const kin_node *node,
                                      roaring_bitmap_t **out)
{
    roaring_bitmap_t *ids = roaring_bitmap_create();
    kin_status status = check(evaluation, ids);
    if (status != KIN_OK)
        return status;
    /* Numbers and dates have several spellings, so all values of the name are looked at. */
    if (node->kind == KIN_NODE_IN && node->number_count == 0 && node->period_count == 0)
        status = look_terms_up(evaluation, node, ids);
    else
        status = walk_values(evaluation, node->name, node, ids);
    if (status == KIN_OK && accepts_absence(node))
        status = add_absent(evaluation, node, ids);
    if (status != KIN_OK) {
        roaring_bitmap_free(ids);
        return status;
    }
    *out = ids;
    return KIN_OK;
}

static kin_status evaluate_chain(struct evaluation *evaluation, const kin_node *node,
                                 roaring_bitmap_t **out)
{
    roaring_bitmap_t *ids;
    kin_status status = evaluate(evaluation, node->child, &ids);
    if (status != KIN_OK)
        return status;
    for (const kin_node *child = node->child->next; child != NULL; child = child->next) {
        roaring_bitmap_t *next;
        if (node->kind == KIN_NODE_AND && roaring_bitmap_is_empty(ids))
            break;
        status = evaluate(evaluation, child, &next);
        if (status != KIN_OK) {
            roaring_bitmap_free(ids);
            return status;
        }
        if (node->kind == KIN_NODE_AND)
            roaring_bitmap_and_inplace(ids, next);
        else
            roaring_bitmap_or_inplace(ids, next);
        roaring_bitmap_free(next);
    }
    *out = ids;
    return KIN_OK;
}

static kin_status evaluate(struct evaluation *evaluation, const kin_node *node,
                           roaring_bitmap_t **out)
{
    kin_status status;
    switch (node->kind) {
    case KIN_NODE_AND:
    case KIN_NODE_OR:
        return evaluate_chain(evaluation, node, out);
    case KIN_NODE_NOT:
        status = evaluate(evaluation, node->child, out);
        if (status == KIN_OK && (status = complement(evaluation, out)) != KIN_OK)
            roaring_bitmap_free(*out);
        return status;
    case KIN_NODE_IN:
    case KIN_NODE_ORDER:
        break;
    }
    return evaluate_comparison(evaluation, node, out);
}

kin_status kin_condition_evaluate(const kin_condition *condition, kin_txn *txn,
                                  roaring_bitmap_t **out, kin_error *err)
{
    struct evaluation evaluation = {.txn = txn, .err = err};
    kin_status status = evaluate(&evaluation, condition->root, out);
    if (evaluation.live != NULL)
        roaring_bitmap_free(evaluation.live);
    return status;
}

kin_status kin_condition_members(const kin_condition *condition, kin_txn *txn, kin_bitmap **out,
                                 kin_error *err)
{
    roaring_bitmap_t *ids;
    kin_status status = kin_condition_evaluate(condition, txn, &ids, err);
    return status == KIN_OK ? kin_bitmap_new(ids, out, err) : status;
}

/* --- names --- */

/* Was the name of this comparison met in one before it? */
static bool named_before(const kin_condition *condition, const kin_node *node)
{
    const kin_node *at = condition->comparisons;
    while (at != node && strcmp(at->name, node->name) != 0)
        at = at->next_comparison;
    return at != node;
}

kin_status kin_condition_unknown_names(const kin_condition *condition, kin_txn *txn, char *out,
                                       size_t size, kin_error *err)
{
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    for (const kin_node *node = condition->comparisons; node != NULL;
         node = node->next_comparison) {
        bool known;
        if (named_before(condition, node))
            continue;
        kin_status status = kin_values_name_exists(txn, node->name, &known, err);
        if (status != KIN_OK)
            return status;
        const char *separator = used > 0 ? ", " : "";
        size_t wanted = strlen(separator) + strlen(node->name);
        if (known || wanted >= size - used)
            continue;
        memcpy(out + used, separator, strlen(separator));
        memcpy(out + used + strlen(separator), node->name, strlen(node->name) + 1);
        used += wanted;
    }
    return KIN_OK;
}
