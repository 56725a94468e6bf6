/*
 * condition.h - conditions over fields and labels: `sex = F and not modality in (CT, PT)`.
 *
 * Grammar (keywords in any case)
 *   condition  := or
 *   or         := and { "or" and }
 *   and        := unary { "and" unary }
 *   unary      := "not" unary | "(" condition ")" | comparison
 *   comparison := name ("=" | "!=" | "<" | "<=" | ">" | ">=") value
 *               | name ["not"] "in" "(" value { "," value } ")"
 *   name, value := word | 'single quoted' | "double quoted"   (a quote inside is doubled)
 *   word       := any characters but white space, quotes, parentheses, comma, "=", "!", "<" and
 *                 ">"; none of the keywords and, or, not, in (which are words when quoted)
 *
 * How values compare
 *   The fields sop_instance_uid, series_instance_uid, study_instance_uid, patient_id, modality,
 *   body_part, path and file compare by their bytes: patient 007 is not patient 7.  frame, region,
 *   width and height are numbers.  All else, that is study_date, outcome and the labels, by what both
 *   sides look like:
 *   - as dates, where both may be dates and at least one surely is: YYYYMMDD and YYYY-MM-DD are
 *     days, YYYY-MM a month; YYYY and YYYYMM may be a year and a month, or mere numbers;
 *   - else as numbers, exactly, where both are numbers: [+-]digits[.digits][e[+-]digits];
 *   - else by bytes (of UTF-8: in the order of code points).
 *   `=` holds for the same bytes, the same number, or, as dates, a day (month) within the year or
 *   month that is given.  `<` and `>=` compare with the first day of a partial date, `>` and `<=`
 *   with its last; a value that is itself partial must meet them with all its days.
 *
 * Where there is no value
 *   An image without the field meets no comparison on it, except `!=` and `not in`, which are the
 *   negations of `=` and `in`.  The empty value stands for that absence: `outcome = ''` are the
 *   images without an outcome, `outcome != ''` those with one.  A name that no image has is not an
 *   error (its set is empty), but kin_condition_unknown_names() lists it.
 */
#ifndef KIN_CATALOG_CONDITION_H
#define KIN_CATALOG_CONDITION_H

#include "catalog/catalog.h"

enum {
    KIN_CONDITION_MAX_DEPTH = 64,   /* of parentheses and `not` */
    KIN_CONDITION_MAX_TERMS = 4096, /* values */
    KIN_CONDITION_MAX_TEXT = 65536  /* bytes */
};

typedef struct kin_condition kin_condition;

/*
 * KIN_E_ARG names the column (from 1, in characters) and what was expected; KIN_E_LIMIT one of the
 * bounds above.  The condition keeps no pointer into text and may be shared by threads.
 */
kin_status kin_condition_parse(const char *text, kin_condition **out, kin_error *err);
void kin_condition_free(kin_condition *condition);

/* The ids of the live images that meet the condition, shared and with their exact number: what
 * searches ask for.  The answer to a condition that was asked before, whatever was put since, costs
 * microseconds. */
kin_status kin_condition_members(const kin_condition *condition, kin_txn *txn, kin_bitmap **out,
                                 kin_error *err);

/* The same as a bitmap of the caller's own; freed with roaring_bitmap_free(). */
kin_status kin_condition_evaluate(const kin_condition *condition, kin_txn *txn,
                                  roaring_bitmap_t **out, kin_error *err);

/* Does one record meet it?  The same answer as evaluate, from the record alone. */
bool kin_condition_matches(const kin_condition *condition, const kin_record *record);

/* Writes the names that the condition uses and no live image has, each once, separated by ", ", as
 * many as size - 1 bytes hold; "" when all are known. */
kin_status kin_condition_unknown_names(const kin_condition *condition, kin_txn *txn, char *out,
                                       size_t size, kin_error *err);

#endif
