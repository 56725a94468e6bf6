/*
 * header.h - a kin_decode_header made of a stranger's words: cleaned, cut, with storage of its own.
 *
 * Used on both sides: the worker makes one from what a file says, the program from what the worker
 * says.
 */
#ifndef KIN_DECODE_HEADER_H
#define KIN_DECODE_HEADER_H

#include "decode/decode.h"

typedef struct kin_header_builder kin_header_builder;

/* Holds one header at a time; NULL when memory is gone. */
kin_header_builder *kin_header_builder_new(void);
void kin_header_builder_free(kin_header_builder *builder);

/* Begins a new header: cleans raw's texts (NULL ones count as "") by the rules of text.h, each by
 * its meaning, and takes its format (borrowed) and frames as they are.  raw's attributes are
 * ignored. */
void kin_header_begin(kin_header_builder *builder, const kin_decode_header *raw);

/* Adds an attribute.  Left out: an improper name (see kin_text_is_name()), a name that is there
 * already, a value that is empty once cleaned, and those beyond KIN_DECODE_ATTRIBUTES_MAX. */
void kin_header_add(kin_header_builder *builder, const char *name, const char *value);

/* kin_header_add() with a value made as by printf. */
void kin_header_addf(kin_header_builder *builder, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The header so far; valid until the next call for the builder. */
const kin_decode_header *kin_header_borrow(const kin_header_builder *builder);

#endif
