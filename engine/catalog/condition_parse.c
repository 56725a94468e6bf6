#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "catalog/condition_node.h"
#include "catalog/condition_token.h"

/* --- memory: everything a condition owns is on one list --- */

struct owned {
    struct owned *next;
    max_align_t memory[];
};

static void *own(kin_condition *condition, size_t count, size_t each)
{
    size_t size;
    if (!kin_mul_size(count, each, &size) || !kin_add_size(size, sizeof(struct owned), &size))
        return NULL;
    struct owned *block = calloc(1, size);
    if (block == NULL)
        return NULL;
    block->next = condition->owned;
    condition->owned = block;
    return block->memory;
}

void kin_condition_free(kin_condition *condition)
{
    if (condition == NULL)
        return;
    struct owned *block = condition->owned;
    while (block != NULL) {
        struct owned *next = block->next;
        free(block);
        block = next;
    }
    free(condition);
}

/* --- the parser --- */

struct parser {
    kin_condition *condition;
    kin_scanner scanner;
    kin_operand *terms; /* room for all values; each comparison's lie side by side */
    size_t term_count;
    int depth;
    kin_node **last_comparison;
};

static kin_status no_memory(struct parser *parser)
{
    return kin_fail(parser->scanner.err, KIN_E_NOMEM, NULL, "no memory for a condition");
}

static kin_status advance(struct parser *parser)
{
    return kin_scanner_advance(&parser->scanner);
}

static kin_status expected(struct parser *parser, const char *what)
{
    return kin_scanner_expected(&parser->scanner, what);
}

/* --- comparisons --- */

static kin_node *new_node(struct parser *parser, kin_node_kind kind)
{
    kin_node *node = own(parser->condition, 1, sizeof *node);
    if (node != NULL)
        node->kind = kind;
    return node;
}

static kin_status set_key(struct parser *parser, kin_node *node)
{
    node->key_size = kin_node_key(node, NULL);
    char *key = own(parser->condition, node->key_size, 1);
    if (key == NULL)
        return no_memory(parser);
    kin_node_key(node, key);
    node->key = key;
    return KIN_OK;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(((const kin_operand *)a)->text, ((const kin_operand *)b)->text);
}

static int compare_numbers(const void *a, const void *b)
{
    return kin_decimal_compare(&(*(const kin_operand *const *)a)->number,
                               &(*(const kin_operand *const *)b)->number);
}

/* Sorts the terms of an IN and lists those among them that are numbers and dates. */
static kin_status index_terms(struct parser *parser, kin_node *node)
{
    node->numbers = own(parser->condition, node->term_count, sizeof(void *));
    node->periods = own(parser->condition, node->term_count, sizeof(void *));
    if (node->numbers == NULL || node->periods == NULL)
        return no_memory(parser);
    qsort(node->terms, node->term_count, sizeof node->terms[0], compare_text);
    for (size_t i = 0; i < node->term_count; i++) {
        const kin_operand *term = &node->terms[i];
        if (term->is_number)
            node->numbers[node->number_count++] = term;
        if (term->is_period)
            node->periods[node->period_count++] = term;
    }
    qsort(node->numbers, node->number_count, sizeof(void *), compare_numbers);
    return KIN_OK;
}

/* Adds the value at the current token to the node's terms, and goes past it. */
static kin_status parse_value(struct parser *parser, kin_node *node)
{
    if (parser->scanner.kind != KIN_TOKEN_WORD)
        return expected(parser, "a value");
    if (parser->term_count == KIN_CONDITION_MAX_TERMS)
        return kin_scanner_fail(&parser->scanner, parser->scanner.start, KIN_E_LIMIT,
                                "more than %d values", KIN_CONDITION_MAX_TERMS);
    parser->terms[parser->term_count++] = kin_operand_read(parser->scanner.word, node->compare);
    node->term_count++;
    return advance(parser);
}

static kin_status parse_list(struct parser *parser, kin_node *node)
{
    kin_status status = KIN_OK;
    if (parser->scanner.kind != KIN_TOKEN_OPEN)
        return expected(parser, "\"(\" and a list of values");
    node->terms = parser->terms + parser->term_count;
    do {
        status = advance(parser); /* past "(" or "," */
        if (status == KIN_OK)
            status = parse_value(parser, node);
        if (status != KIN_OK)
            return status;
    } while (parser->scanner.kind == KIN_TOKEN_COMMA);
    if (parser->scanner.kind != KIN_TOKEN_CLOSE)
        return expected(parser, "\",\" or \")\"");
    return advance(parser);
}

static kin_status parse_single(struct parser *parser, kin_node *node)
{
    node->terms = parser->terms + parser->term_count;
    kin_status status = advance(parser); /* past the operator */
    return status == KIN_OK ? parse_value(parser, node) : status;
}

/* Wraps *node in a NOT. */
static kin_status negate(struct parser *parser, kin_node **node)
{
    kin_node *negation = new_node(parser, KIN_NODE_NOT);
    if (negation == NULL)
        return no_memory(parser);
    negation->child = *node;
    *node = negation;
    return KIN_OK;
}

/* What stands behind the name of a comparison: an operator and its values. */
static kin_status parse_operator(struct parser *parser, kin_node *node, bool *negated)
{
    static const struct {
        kin_token token;
        kin_order order;
    } orders[] = {{KIN_TOKEN_LESS, KIN_ORDER_LESS},
                  {KIN_TOKEN_LESS_EQUAL, KIN_ORDER_LESS_EQUAL},
                  {KIN_TOKEN_GREATER, KIN_ORDER_GREATER},
                  {KIN_TOKEN_GREATER_EQUAL, KIN_ORDER_GREATER_EQUAL}};
    kin_status status;
    *negated = parser->scanner.kind == KIN_TOKEN_NOT || parser->scanner.kind == KIN_TOKEN_NOT_EQUAL;
    if (parser->scanner.kind == KIN_TOKEN_EQUAL || parser->scanner.kind == KIN_TOKEN_NOT_EQUAL) {
        status = parse_single(parser, node);
        return status == KIN_OK ? index_terms(parser, node) : status;
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (parser->scanner.kind == orders[i].token) {
            node->kind = KIN_NODE_ORDER;
            node->order = orders[i].order;
            return parse_single(parser, node);
        }
    }
    if (*negated && (status = advance(parser)) != KIN_OK)
        return status;
    if (parser->scanner.kind != KIN_TOKEN_IN)
        return expected(parser, *negated ? "\"in\"" : "=, !=, <, <=, >, >=, \"in\" or \"not in\"");
    status = advance(parser);
    if (status == KIN_OK)
        status = parse_list(parser, node);
    return status == KIN_OK ? index_terms(parser, node) : status;
}

static kin_status parse_comparison(struct parser *parser, kin_node **out)
{
    bool negated;
    if (parser->scanner.kind != KIN_TOKEN_WORD)
        return expected(parser, "the name of a field or label, \"not\" or \"(\"");
    if (parser->scanner.word[0] == '\0')
        return kin_scanner_fail(&parser->scanner, parser->scanner.start, KIN_E_ARG,
                                "a name cannot be empty");
    kin_node *node = new_node(parser, KIN_NODE_IN);
    if (node == NULL)
        return no_memory(parser);
    node->name = parser->scanner.word;
    const kin_field *field = kin_field_find(node->name);
    node->compare = field != NULL ? field->compare : KIN_COMPARE_AUTO;
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = parse_operator(parser, node, &negated);
    if (status == KIN_OK)
        status = set_key(parser, node);
    if (status != KIN_OK)
        return status;
    *parser->last_comparison = node;
    parser->last_comparison = &node->next_comparison;
    *out = node;
    return negated ? negate(parser, out) : KIN_OK;
}

/* --- the grammar above comparisons --- */

static kin_status parse_or(struct parser *parser, kin_node **out);

static kin_status parse_unary(struct parser *parser, kin_node **out)
{
    kin_token kind = parser->scanner.kind;
    if (kind != KIN_TOKEN_NOT && kind != KIN_TOKEN_OPEN)
        return parse_comparison(parser, out);
    if (++parser->depth > KIN_CONDITION_MAX_DEPTH)
        return kin_scanner_fail(&parser->scanner, parser->scanner.start, KIN_E_LIMIT,
                                "nested more than %d deep", KIN_CONDITION_MAX_DEPTH);
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = kind == KIN_TOKEN_NOT ? parse_unary(parser, out) : parse_or(parser, out);
    if (status != KIN_OK)
        return status;
    parser->depth--;
    if (kind == KIN_TOKEN_NOT)
        return negate(parser, out);
    if (parser->scanner.kind != KIN_TOKEN_CLOSE)
        return expected(parser, "\"and\", \"or\" or \")\"");
    return advance(parser);
}

/* item { joint item }, as one flat node where there are several. */
static kin_status parse_chain(struct parser *parser, kin_token joint, kin_node_kind kind,
                              kin_status (*parse_item)(struct parser *parser, kin_node **out),
                              kin_node **out)
{
    kin_node *first = NULL, *item = NULL, **end = &first;
    kin_status status = parse_item(parser, &item);
    while (status == KIN_OK && item != NULL && parser->scanner.kind == joint) {
        *end = item;
        end = &item->next;
        item = NULL;
        status = advance(parser);
        if (status == KIN_OK)
            status = parse_item(parser, &item);
    }
    *end = item;
    if (status != KIN_OK || first == item) {
        *out = first; /* a single one stands for itself */
        return status;
    }
    kin_node *chain = new_node(parser, kind);
    if (chain == NULL)
        return no_memory(parser);
    chain->child = first;
    *out = chain;
    return KIN_OK;
}

static kin_status parse_and(struct parser *parser, kin_node **out)
{
    return parse_chain(parser, KIN_TOKEN_AND, KIN_NODE_AND, parse_unary, out);
}

static kin_status parse_or(struct parser *parser, kin_node **out)
{
    return parse_chain(parser, KIN_TOKEN_OR, KIN_NODE_OR, parse_and, out);
}

static kin_status parse_all(struct parser *parser)
{
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = parse_or(parser, &parser->condition->root);
    if (status == KIN_OK && parser->scanner.kind != KIN_TOKEN_END)
        status = expected(parser, "\"and\", \"or\" or the end");
    if (status == KIN_OK && parser->condition->root->key == NULL)
        status = set_key(parser, parser->condition->root);
    return status;
}

kin_status kin_condition_parse(const char *text, kin_condition **out, kin_error *err)
{
    size_t length = strlen(text);
    if (length > KIN_CONDITION_MAX_TEXT)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a condition has at most %d bytes",
                        KIN_CONDITION_MAX_TEXT);
    kin_condition *condition = calloc(1, sizeof *condition);
    if (condition == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a condition");
    struct parser parser = {
        .condition = condition,
        .scanner = {.text = text, .at = text, .err = err},
        .last_comparison = &condition->comparisons,
    };
    /* Between two values stands a mark at least, so that they are no more than half the bytes. */
    size_t terms = length / 2 + 1;
    if (terms > KIN_CONDITION_MAX_TERMS)
        terms = KIN_CONDITION_MAX_TERMS;
    parser.scanner.words = own(condition, kin_scanner_room(length), 1);
    parser.terms = own(condition, terms, sizeof parser.terms[0]);
    kin_status status = parser.scanner.words != NULL && parser.terms != NULL ? parse_all(&parser)
                                                                             : no_memory(&parser);
    if (status != KIN_OK) {
        kin_condition_free(condition);
        return status;
    }
    *out = condition;
    return KIN_OK;
}
