/*
 * compare.h - values as numbers and as dates (internal to the catalog's conditions).
 *
 * Decimal numbers are compared exactly, digit by digit: no rounding makes two long numbers equal,
 * and no locale changes the decimal point.
 */
#ifndef KIN_CATALOG_COMPARE_H
#define KIN_CATALOG_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/fields.h"

/* [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point. */
typedef struct kin_decimal {
    bool negative;
    const char *digits; /* in the text: from the first digit other than 0, the point among them */
    size_t size;        /* up to the last digit other than 0; 0 for zero */
    int64_t magnitude;  /* the first digit stands for digit * 10^magnitude */
} kin_decimal;

/* False when the text is no number.  *out borrows the text. */
bool kin_decimal_parse(const char *text, kin_decimal *out);

/* Below, equal or above 0, as a is below, equal to or above b. */
int kin_decimal_compare(const kin_decimal *a, const kin_decimal *b);

/* The days from first to last, both as the number YYYYMMDD. */
typedef struct kin_period {
    uint32_t first, last;
    /* YYYYMMDD, YYYY-MM-DD or YYYY-MM; while YYYY and YYYYMM may as well be plain numbers. */
    bool sure;
} kin_period;

/* A day, a month or a year of the Gregorian calendar, from the year 1000 on; or else false. */
bool kin_period_parse(const char *text, kin_period *out);

typedef enum kin_order {
    KIN_ORDER_LESS,
    KIN_ORDER_LESS_EQUAL,
    KIN_ORDER_GREATER,
    KIN_ORDER_GREATER_EQUAL
} kin_order;

/* A value of a condition, with what it may be read as. */
typedef struct kin_operand {
    const char *text;
    bool is_number, is_period;
    kin_decimal number;
    kin_period period;
} kin_operand;

/* What `text` is, compared as `as` says.  The operand borrows the text. */
kin_operand kin_operand_read(const char *text, kin_compare_as as);

/* Is the image's value of the given order to the condition's?  As dates, where both may be dates
 * and one surely is; else as numbers, where both are; else by bytes.  (See condition.h for
 * periods.) */
bool kin_operand_in_order(const kin_operand *value, kin_order order, const kin_operand *wanted);

#endif
