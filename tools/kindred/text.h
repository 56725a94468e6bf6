/*
 * text.h - printing text that came from files: no control character and no broken UTF-8 reaches a
 * terminal.
 *
 * File names, labels and UIDs are data from strangers. An escape sequence in a label must not move
 * the cursor, and a right-to-left override must not reorder a line. Everything that people read
 * goes through here; what is for machines (JSON, CSV) keeps its content and is quoted by its format
 * instead.
 *
 * Output is UTF-8. Widths are wcwidth()'s, so LC_CTYPE must be a UTF-8 locale (kin_text_locale()).
 */
#ifndef KINDRED_TEXT_H
#define KINDRED_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Sets LC_CTYPE from the environment, or to C.UTF-8 where that is not UTF-8.  Other categories
 * stay "C". */
void kin_text_locale(void);

/* One character, ready to print. */
typedef struct kin_glyph {
    const char *bytes; /* not terminated; into the text or a static replacement */
    size_t size;
    int width; /* terminal columns: 0 (combining), 1 or 2 */
} kin_glyph;

/* The first character of text and where the next one starts; NULL at the end.  What is not valid
 * UTF-8, a control character, a direction override or unprintable becomes U+FFFD. */
const char *kin_text_next(const char *text, kin_glyph *out);

/* Terminal columns of a whole text. */
size_t kin_text_width(const char *text);

/* Prints text. */
void kin_text_put(FILE *out, const char *text);

typedef enum kin_text_cut {
    KIN_CUT_END,  /* "beginn…" */
    KIN_CUT_START /* "…the end": for paths, whose end says more */
} kin_text_cut;

/* Prints text in at most `width` columns, cut with an ellipsis where it is wider; returns the
 * columns used. */
size_t kin_text_put_cut(FILE *out, const char *text, size_t width, kin_text_cut cut);

/* What kin_text_put() prints, from malloc; NULL without memory. */
char *kin_text_safe(const char *text);

#endif
