#include "catalog/condition_token.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t kin_scanner_room(size_t length)
{
    return 2 * length + 1;
}

kin_status kin_scanner_fail(kin_scanner *scanner, const char *where, kin_status code,
                            const char *fmt, ...)
{
    char reason[KIN_ERROR_MESSAGE_MAX / 2];
    size_t column = 1; /* counts characters: all bytes but UTF-8's continuations */
    for (const char *at = scanner->text; at < where; at++)
        column += ((unsigned char)*at & 0xC0) != 0x80;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    return kin_fail(scanner->err, code, NULL, "condition, column %zu: %s", column, reason);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
    return c == '\0' || is_space(c) || strchr("'\"(),=!<>", c) != NULL;
}

static kin_status read_quoted(kin_scanner *scanner)
{
    char quote = *scanner->at++;
    scanner->kind = KIN_TOKEN_WORD;
    scanner->word = scanner->words;
    for (;; scanner->at++) {
        if (*scanner->at == '\0')
            return kin_scanner_fail(scanner, scanner->start, KIN_E_ARG,
                                    "the quote that opens here must close");
        if (*scanner->at == quote && *++scanner->at != quote)
            break; /* a single one closes, of two the second is meant */
        *scanner->words++ = *scanner->at;
    }
    *scanner->words++ = '\0';
    return KIN_OK;
}

static void read_word(kin_scanner *scanner)
{
    static const struct {
        const char *word;
        kin_token kind;
    } keywords[] = {
        {"and", KIN_TOKEN_AND}, {"or", KIN_TOKEN_OR}, {"not", KIN_TOKEN_NOT}, {"in", KIN_TOKEN_IN}};
    scanner->word = scanner->words;
    while (!ends_word(*scanner->at))
        *scanner->words++ = *scanner->at++;
    *scanner->words++ = '\0';
    scanner->kind = KIN_TOKEN_WORD;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strcasecmp(scanner->word, keywords[i].word) == 0)
            scanner->kind = keywords[i].kind;
}

/* Reads a punctuation mark; false for a character that is none. */
static bool read_mark(kin_scanner *scanner)
{
    static const struct {
        const char *mark;
        kin_token kind;
    } marks[] = {
        {"!=", KIN_TOKEN_NOT_EQUAL}, {"<=", KIN_TOKEN_LESS_EQUAL}, {">=", KIN_TOKEN_GREATER_EQUAL},
        {"=", KIN_TOKEN_EQUAL},      {"<", KIN_TOKEN_LESS},        {">", KIN_TOKEN_GREATER},
        {"(", KIN_TOKEN_OPEN},       {")", KIN_TOKEN_CLOSE},       {",", KIN_TOKEN_COMMA}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t length = strlen(marks[i].mark);
        if (strncmp(scanner->at, marks[i].mark, length) == 0) {
            scanner->kind = marks[i].kind;
            scanner->at += length;
            return true;
        }
    }
    return false;
}

kin_status kin_scanner_advance(kin_scanner *scanner)
{
    while (is_space(*scanner->at))
        scanner->at++;
    scanner->start = scanner->at;
    if (*scanner->at == '\0') {
        scanner->kind = KIN_TOKEN_END;
        return KIN_OK;
    }
    if (*scanner->at == '\'' || *scanner->at == '"')
        return read_quoted(scanner);
    if (read_mark(scanner))
        return KIN_OK;
    if (*scanner->at == '!')
        return kin_scanner_fail(scanner, scanner->start, KIN_E_ARG, "expected \"!=\"");
    read_word(scanner);
    return KIN_OK;
}

kin_status kin_scanner_expected(kin_scanner *scanner, const char *what)
{
    bool keyword = scanner->kind >= KIN_TOKEN_AND && scanner->kind <= KIN_TOKEN_IN;
    return kin_scanner_fail(scanner, scanner->start, KIN_E_ARG, "expected %s%s%s", what,
                            scanner->kind == KIN_TOKEN_END ? " before the end" : "",
                            keyword ? " (a word such as this must be quoted)" : "");
}
