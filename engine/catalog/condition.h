/*
 * condition.h - conditions over fields and labels: `diagnosis = glioma and not (modality in (CT, PT))`.
 *
 * Grammar (keywords in any case):
 *   condition  := or
 *   or         := and { "or" and }
 *   and        := unary { "and" unary }
 *   unary      := "not" unary | "(" condition ")" | comparison
 *   comparison := name ("=" | "!=" | "<" | "<=" | ">" | ">=") value
 *               | name ["not"] "in" "(" value { "," value } ")"
 *   name       := letters, digits, "_", "." ; value := bare word | 'single quoted' | "double quoted"
 *                 (a quote inside is doubled)
 * Comparison is by number where both sides are numbers; dates (YYYYMMDD or YYYY-MM-DD) compare as dates, also
 * when partial (YYYY, YYYYMM: the first day of the period for < and >=, the last for > and <=); text by bytes.
 * An image without the field meets no comparison on it, except `!=` and `not in`, which are the negations of `=` and
 * `in`.  A name that no image has is not an error (the set is empty), but kin_condition_unknown_names() lists it.
 */
#ifndef KIN_CATALOG_CONDITION_H
#define KIN_CATALOG_CONDITION_H

#include "catalog/catalog.h"

enum { KIN_CONDITION_MAX_DEPTH = 64, KIN_CONDITION_MAX_TERMS = 4096, KIN_CONDITION_MAX_TEXT = 65536 };

typedef struct kin_condition kin_condition;

/* KIN_E_ARG names the column (from 1) and what was expected. */
kin_status kin_condition_parse(const char *text, kin_condition **out, kin_error *err);
void kin_condition_free(kin_condition *condition);

/* The ids of the live images that meet the condition; freed with roaring_bitmap_free(). */
kin_status kin_condition_evaluate(const kin_condition *condition, kin_txn *txn, roaring_bitmap_t **out,
                                  kin_error *err);

/* Does one record meet it?  The same answer as evaluate, from the record alone. */
bool kin_condition_matches(const kin_condition *condition, const kin_record *record);

/* Writes the names that the condition uses and no live image has, separated by ", "; "" when all are known. */
kin_status kin_condition_unknown_names(const kin_condition *condition, kin_txn *txn, char *out, size_t size,
                                       kin_error *err);

#endif
