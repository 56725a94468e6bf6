/* condition_token.h - the words and marks of a condition (internal to the catalog). */
#ifndef KIN_CATALOG_CONDITION_TOKEN_H
#define KIN_CATALOG_CONDITION_TOKEN_H

#include <stddef.h>

#include "base/status.h"

typedef enum kin_token {
    KIN_TOKEN_END,
    KIN_TOKEN_WORD, /* a name or a value */
    KIN_TOKEN_AND,
    KIN_TOKEN_OR,
    KIN_TOKEN_NOT,
    KIN_TOKEN_IN,
    KIN_TOKEN_OPEN,
    KIN_TOKEN_CLOSE,
    KIN_TOKEN_COMMA,
    KIN_TOKEN_EQUAL,
    KIN_TOKEN_NOT_EQUAL,
    KIN_TOKEN_LESS,
    KIN_TOKEN_LESS_EQUAL,
    KIN_TOKEN_GREATER,
    KIN_TOKEN_GREATER_EQUAL
} kin_token;

/* Where reading is: at the token that begins at `start` and ends before `at`. */
typedef struct kin_scanner {
    const char *text, *start, *at;
    kin_token kind;
    const char *word; /* what KIN_TOKEN_WORD says, unquoted and terminated; in `words` */
    char *words;      /* the next free byte of the room for them */
    kin_error *err;
} kin_scanner;

/* Bytes that all words of `length` bytes of text need.  They lose their quotes and gain a NUL, and
 * between two there is at least a mark, a space or a quote: twice the text is more than enough. */
size_t kin_scanner_room(size_t length);

/* Goes to the next token; KIN_E_ARG where there is none that may begin like this. */
kin_status kin_scanner_advance(kin_scanner *scanner);

/* kin_fail() with the column of `where` in the text, from 1, in characters. */
kin_status kin_scanner_fail(kin_scanner *scanner, const char *where, kin_status code,
                            const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Fails at the current token with KIN_E_ARG: "expected <what>". */
kin_status kin_scanner_expected(kin_scanner *scanner, const char *what);

#endif
