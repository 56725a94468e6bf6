#include <stdlib.h>
#include <string.h>

#include "catalog/condition_node.h"
#include "catalog/internal.h"

/* --- one value against a comparison --- */

static int compare_text(const void *text, const void *term)
{
    return strcmp(text, ((const kin_operand *)term)->text);
}

static bool among_texts(const kin_node *node, const char *text)
{
    return bsearch(text, node->terms, node->term_count, sizeof *node->terms, compare_text) != NULL;
}

static int compare_number(const void *number, const void *term)
{
    return kin_decimal_compare(number, &(*(const kin_operand *const *)term)->number);
}

static bool among_numbers(const kin_node *node, const kin_decimal *number)
{
    return bsearch(number, node->numbers, node->number_count, sizeof *node->numbers,
                   compare_number) != NULL;
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

bool kin_node_meets(const kin_node *node, const char *text)
{
    kin_operand value = kin_operand_read(text, node->compare);
    if (node->kind == KIN_NODE_ORDER)
        return kin_operand_in_order(&value, node->order, &node->terms[0]);
    return among_texts(node, text) || (value.is_number && among_numbers(node, &value.number)) ||
           (value.is_period && within_periods(node, &value.period));
}

bool kin_node_accepts_absence(const kin_node *node)
{
    return node->kind == KIN_NODE_IN && node->terms[0].text[0] == '\0';
}

/* --- one record --- */

bool kin_node_matches(const kin_node *node, const kin_record *record)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *value;
    switch (node->kind) {
    case KIN_NODE_AND:
        for (const kin_node *child = node->child; child != NULL; child = child->next)
            if (!kin_node_matches(child, record))
                return false;
        return true;
    case KIN_NODE_OR:
        for (const kin_node *child = node->child; child != NULL; child = child->next)
            if (kin_node_matches(child, record))
                return true;
        return false;
    case KIN_NODE_NOT:
        return !kin_node_matches(node->child, record);
    case KIN_NODE_IN:
    case KIN_NODE_ORDER:
        break;
    }
    value = kin_record_value(record, node->name, scratch);
    return value != NULL ? kin_node_meets(node, value) : kin_node_accepts_absence(node);
}

bool kin_condition_matches(const kin_condition *condition, const kin_record *record)
{
    return kin_node_matches(condition->root, record);
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
