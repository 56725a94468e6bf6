#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "catalog/condition_node.h"

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

/* --- tokens --- */

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD, /* a name or a value */
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_IN,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL
} token_kind;

struct parser {
    kin_condition *condition;
    kin_error *err;
    const char *text, *at; /* at: behind the current token */
    token_kind kind;       /* of the current token */
    const char *start;     /* where it begins in the text */
    const char *word;      /* what TOKEN_WORD says, in `words` */
    char *words;           /* room for all words of the text, unquoted and terminated */
    size_t terms;
    int depth;
    kin_node **last_comparison;
};

static kin_status fail_at(struct parser *parser, const char *where, kin_status code,
                          const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static kin_status fail_at(struct parser *parser, const char *where, kin_status code,
                          const char *fmt, ...)
{
    char reason[KIN_ERROR_MESSAGE_MAX / 2];
    size_t column = 1; /* counts characters: all bytes but UTF-8's continuations */
    for (const char *at = parser->text; at < where; at++)
        column += ((unsigned char)*at & 0xC0) != 0x80;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    return kin_fail(parser->err, code, NULL, "condition, column %zu: %s", column, reason);
}

static kin_status no_memory(struct parser *parser)
{
    return kin_fail(parser->err, KIN_E_NOMEM, NULL, "no memory for a condition");
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
    return c == '\0' || is_space(c) || strchr("'\"(),=!<>", c) != NULL;
}

static kin_status read_quoted(struct parser *parser)
{
    char quote = *parser->at++;
    parser->kind = TOKEN_WORD;
    parser->word = parser->words;
    for (;; parser->at++) {
        if (*parser->at == '\0')
            return fail_at(parser, parser->start, KIN_E_ARG,
                           "the quote that opens here must close");
        if (*parser->at == quote && *++parser->at != quote)
            break; /* a single one closes, of two the second is meant */
        *parser->words++ = *parser->at;
    }
    *parser->words++ = '\0';
    return KIN_OK;
}

static void read_word(struct parser *parser)
{
    static const struct {
        const char *word;
        token_kind kind;
    } keywords[] = {{"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT}, {"in", TOKEN_IN}};
    parser->word = parser->words;
    while (!ends_word(*parser->at))
        *parser->words++ = *parser->at++;
    *parser->words++ = '\0';
    parser->kind = TOKEN_WORD;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strcasecmp(parser->word, keywords[i].word) == 0)
            parser->kind = keywords[i].kind;
}

/* Reads a punctuation mark; false for a character that is none. */
static bool read_mark(struct parser *parser)
{
    static const struct {
        const char *mark;
        token_kind kind;
    } marks[] = {{"!=", TOKEN_NOT_EQUAL}, {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL},
                 {"=", TOKEN_EQUAL},      {"<", TOKEN_LESS},        {">", TOKEN_GREATER},
                 {"(", TOKEN_OPEN},       {")", TOKEN_CLOSE},       {",", TOKEN_COMMA}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t length = strlen(marks[i].mark);
        if (strncmp(parser->at, marks[i].mark, length) == 0) {
            parser->kind = marks[i].kind;
            parser->at += length;
            return true;
        }
    }
    return false;
}

static kin_status advance(struct parser *parser)
{
    while (is_space(*parser->at))
        parser->at++;
    parser->start = parser->at;
    if (*parser->at == '\0') {
        parser->kind = TOKEN_END;
        return KIN_OK;
    }
    if (*parser->at == '\'' || *parser->at == '"')
        return read_quoted(parser);
    if (read_mark(parser))
        return KIN_OK;
    if (*parser->at == '!')
        return fail_at(parser, parser->start, KIN_E_ARG, "expected \"!=\"");
    read_word(parser);
    return KIN_OK;
}

static kin_status expected(struct parser *parser, const char *what)
{
    bool keyword = parser->kind >= TOKEN_AND && parser->kind <= TOKEN_IN;
    return fail_at(parser, parser->start, KIN_E_ARG, "expected %s%s%s", what,
                   parser->kind == TOKEN_END ? " before the end" : "",
                   keyword ? " (a word such as this must be quoted)" : "");
}

/* --- comparisons --- */

static kin_node *new_node(struct parser *parser, kin_node_kind kind)
{
    kin_node *node = own(parser->condition, 1, sizeof *node);
    if (node != NULL)
        node->kind = kind;
    return node;
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

/* Reads one value into term and goes past it. */
static kin_status parse_value(struct parser *parser, const kin_node *node, kin_operand *term)
{
    if (parser->kind != TOKEN_WORD)
        return expected(parser, "a value");
    if (++parser->terms > KIN_CONDITION_MAX_TERMS)
        return fail_at(parser, parser->start, KIN_E_LIMIT, "more than %d values",
                       KIN_CONDITION_MAX_TERMS);
    *term = kin_operand_read(parser->word, node->compare);
    return advance(parser);
}

/* The most values that a list can have which begins at the current token. */
static size_t count_commas(const struct parser *parser)
{
    size_t count = 0;
    for (const char *at = parser->at; *at != '\0' && count < KIN_CONDITION_MAX_TERMS; at++)
        count += *at == ',';
    return count;
}

static kin_status parse_list(struct parser *parser, kin_node *node)
{
    kin_status status = KIN_OK;
    if (parser->kind != TOKEN_OPEN)
        return expected(parser, "\"(\" and a list of values");
    node->terms = own(parser->condition, count_commas(parser) + 1, sizeof node->terms[0]);
    if (node->terms == NULL)
        return no_memory(parser);
    do {
        status = advance(parser); /* past "(" or "," */
        if (status == KIN_OK)
            status = parse_value(parser, node, &node->terms[node->term_count]);
        if (status != KIN_OK)
            return status;
        node->term_count++;
    } while (parser->kind == TOKEN_COMMA);
    if (parser->kind != TOKEN_CLOSE)
        return expected(parser, "\",\" or \")\"");
    return advance(parser);
}

static kin_status parse_single(struct parser *parser, kin_node *node)
{
    node->terms = own(parser->condition, 1, sizeof node->terms[0]);
    if (node->terms == NULL)
        return no_memory(parser);
    kin_status status = advance(parser); /* past the operator */
    if (status == KIN_OK)
        status = parse_value(parser, node, node->terms);
    node->term_count = 1;
    return status;
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
        token_kind token;
        kin_order order;
    } orders[] = {{TOKEN_LESS, KIN_ORDER_LESS},
                  {TOKEN_LESS_EQUAL, KIN_ORDER_LESS_EQUAL},
                  {TOKEN_GREATER, KIN_ORDER_GREATER},
                  {TOKEN_GREATER_EQUAL, KIN_ORDER_GREATER_EQUAL}};
    kin_status status;
    *negated = parser->kind == TOKEN_NOT || parser->kind == TOKEN_NOT_EQUAL;
    if (parser->kind == TOKEN_EQUAL || parser->kind == TOKEN_NOT_EQUAL) {
        status = parse_single(parser, node);
        return status == KIN_OK ? index_terms(parser, node) : status;
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (parser->kind == orders[i].token) {
            node->kind = KIN_NODE_ORDER;
            node->order = orders[i].order;
            return parse_single(parser, node);
        }
    }
    if (*negated && (status = advance(parser)) != KIN_OK)
        return status;
    if (parser->kind != TOKEN_IN)
        return expected(parser, *negated ? "\"in\"" : "=, !=, <, <=, >, >=, \"in\" or \"not in\"");
    status = advance(parser);
    if (status == KIN_OK)
        status = parse_list(parser, node);
    return status == KIN_OK ? index_terms(parser, node) : status;
}

static kin_status parse_comparison(struct parser *parser, kin_node **out)
{
    bool negated;
    if (parser->kind != TOKEN_WORD)
        return expected(parser, "the name of a field or label, \"not\" or \"(\"");
    if (parser->word[0] == '\0')
        return fail_at(parser, parser->start, KIN_E_ARG, "a name cannot be empty");
    kin_node *node = new_node(parser, KIN_NODE_IN);
    if (node == NULL)
        return no_memory(parser);
    node->name = parser->word;
    const kin_field *field = kin_field_find(node->name);
    node->compare = field != NULL ? field->compare : KIN_COMPARE_AUTO;
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = parse_operator(parser, node, &negated);
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
    token_kind kind = parser->kind;
    if (kind != TOKEN_NOT && kind != TOKEN_OPEN)
        return parse_comparison(parser, out);
    if (++parser->depth > KIN_CONDITION_MAX_DEPTH)
        return fail_at(parser, parser->start, KIN_E_LIMIT, "nested more than %d deep",
                       KIN_CONDITION_MAX_DEPTH);
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = kind == TOKEN_NOT ? parse_unary(parser, out) : parse_or(parser, out);
    if (status != KIN_OK)
        return status;
    parser->depth--;
    if (kind == TOKEN_NOT)
        return negate(parser, out);
    if (parser->kind != TOKEN_CLOSE)
        return expected(parser, "\"and\", \"or\" or \")\"");
    return advance(parser);
}

/* item { joint item }, as one flat node where there are several. */
static kin_status parse_chain(struct parser *parser, token_kind joint, kin_node_kind kind,
                              kin_status (*parse_item)(struct parser *parser, kin_node **out),
                              kin_node **out)
{
    kin_node *first = NULL, *item = NULL, **end = &first;
    kin_status status = parse_item(parser, &item);
    while (status == KIN_OK && item != NULL && parser->kind == joint) {
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
    return parse_chain(parser, TOKEN_AND, KIN_NODE_AND, parse_unary, out);
}

static kin_status parse_or(struct parser *parser, kin_node **out)
{
    return parse_chain(parser, TOKEN_OR, KIN_NODE_OR, parse_and, out);
}

static kin_status parse_all(struct parser *parser)
{
    kin_status status = advance(parser);
    if (status == KIN_OK)
        status = parse_or(parser, &parser->condition->root);
    if (status == KIN_OK && parser->kind != TOKEN_END)
        status = expected(parser, "\"and\", \"or\" or the end");
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
    struct parser parser = {.condition = condition, .err = err, .text = text, .at = text};
    parser.last_comparison = &condition->comparisons;
    /* Words lose their quotes and gain a NUL, and between two there is at least a mark or a space
     * (or a quote): twice the text is more than they can need. */
    parser.words = own(condition, 2 * length + 1, 1);
    kin_status status = parser.words != NULL ? parse_all(&parser) : no_memory(&parser);
    if (status != KIN_OK) {
        kin_condition_free(condition);
        return status;
    }
    *out = condition;
    return KIN_OK;
}
