#include "catalog/compare.h"

#include <string.h>

/* Exponents beyond this are not numbers that anybody meant. */
enum { EXPONENT_MAX = 9999, YEAR_MIN = 1000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- decimal numbers --- */

/* Reads "e[+-]digits" at text up to its end. */
static bool parse_exponent(const char *text, int64_t *exponent)
{
    bool negative = text[1] == '-';
    const char *at = text + 1 + (text[1] == '-' || text[1] == '+');
    *exponent = 0;
    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++) {
        *exponent = *exponent * 10 + (*at - '0');
        if (*exponent > EXPONENT_MAX)
            return false;
    }
    if (negative)
        *exponent = -*exponent;
    return *at == '\0';
}

bool kin_decimal_parse(const char *text, kin_decimal *out)
{
    const char *start = text + (text[0] == '-' || text[0] == '+');
    const char *at = start, *point = NULL, *first = NULL, *last = NULL;
    size_t digits = 0;
    for (; is_digit(*at) || (*at == '.' && point == NULL); at++) {
        if (*at == '.') {
            point = at;
            continue;
        }
        digits++;
        if (*at != '0') {
            first = first != NULL ? first : at;
            last = at;
        }
    }
    int64_t exponent = 0;
    if (digits == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        if (!parse_exponent(at, &exponent))
            return false;
    } else if (*at != '\0') {
        return false;
    }
    *out = (kin_decimal){.negative = text[0] == '-'};
    if (first == NULL) { /* zero has no sign */
        out->negative = false;
        return true;
    }
    ptrdiff_t before = (point != NULL ? point : at) - first; /* below 0: behind the point */
    out->digits = first;
    out->size = (size_t)(last - first) + 1;
    out->magnitude = exponent + (before > 0 ? before - 1 : before);
    return true;
}

/* Compares the digits of two numbers whose first digits have the same weight. */
static int compare_digits(const kin_decimal *a, const kin_decimal *b)
{
    const char *at_a = a->digits, *at_b = b->digits;
    const char *end_a = at_a + a->size, *end_b = at_b + b->size;
    for (;;) {
        if (at_a < end_a && *at_a == '.')
            at_a++;
        if (at_b < end_b && *at_b == '.')
            at_b++;
        if (at_a == end_a || at_b == end_b)
            return (at_a < end_a) - (at_b < end_b);
        if (*at_a != *at_b)
            return *at_a < *at_b ? -1 : 1;
        at_a++;
        at_b++;
    }
}

int kin_decimal_compare(const kin_decimal *a, const kin_decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int order;
    if (a->size == 0 || b->size == 0)
        order = (a->size > 0) - (b->size > 0);
    else if (a->magnitude != b->magnitude)
        order = a->magnitude < b->magnitude ? -1 : 1;
    else
        order = compare_digits(a, b);
    return a->negative ? -order : order;
}

/* --- dates --- */

static unsigned digits_value(const char *text, size_t count)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value;
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Copies the digits of one of the five forms to digits[8]; returns their number, 0 for another
 * form. */
static size_t date_digits(const char *text, char digits[8], bool *dashed)
{
    size_t length = strnlen(text, 11), count = 0;
    *dashed = length == 10 || length == 7;
    if (length != 4 && length != 6 && length != 8 && !*dashed)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (*dashed && (i == 4 || i == 7)) {
            if (text[i] != '-')
                return 0;
        } else if (!is_digit(text[i])) {
            return 0;
        } else {
            digits[count++] = text[i];
        }
    }
    return count;
}

bool kin_period_parse(const char *text, kin_period *out)
{
    char digits[8];
    bool dashed;
    size_t count = date_digits(text, digits, &dashed);
    if (count == 0)
        return false;
    unsigned year = digits_value(digits, 4);
    unsigned first_month = 1, last_month = 12;
    if (count >= 6)
        first_month = last_month = digits_value(digits + 4, 2);
    if (year < YEAR_MIN || first_month < 1 || first_month > 12)
        return false;
    unsigned first_day = 1, last_day = days_of(year, last_month);
    if (count == 8) {
        unsigned day = digits_value(digits + 6, 2);
        if (day < 1 || day > last_day)
            return false;
        first_day = last_day = day;
    }
    out->first = year * 10000 + first_month * 100 + first_day;
    out->last = year * 10000 + last_month * 100 + last_day;
    out->sure = dashed || count == 8;
    return true;
}

/* --- both --- */

kin_operand kin_operand_read(const char *text, kin_compare_as as)
{
    kin_operand operand = {.text = text};
    if (as != KIN_COMPARE_TEXT)
        operand.is_number = kin_decimal_parse(text, &operand.number);
    if (as == KIN_COMPARE_AUTO)
        operand.is_period = kin_period_parse(text, &operand.period);
    return operand;
}

static bool order_holds(int comparison, kin_order order)
{
    switch (order) {
    case KIN_ORDER_LESS:
        return comparison < 0;
    case KIN_ORDER_LESS_EQUAL:
        return comparison <= 0;
    case KIN_ORDER_GREATER:
        return comparison > 0;
    case KIN_ORDER_GREATER_EQUAL:
        return comparison >= 0;
    }
    return false;
}

/* Both are periods: each bound of the wanted one is that which makes the comparison certain. */
static bool periods_in_order(const kin_period *value, kin_order order, const kin_period *wanted)
{
    switch (order) {
    case KIN_ORDER_LESS:
        return value->last < wanted->first;
    case KIN_ORDER_LESS_EQUAL:
        return value->last <= wanted->last;
    case KIN_ORDER_GREATER:
        return value->first > wanted->last;
    case KIN_ORDER_GREATER_EQUAL:
        return value->first >= wanted->first;
    }
    return false;
}

bool kin_operand_in_order(const kin_operand *value, kin_order order, const kin_operand *wanted)
{
    if (value->is_period && wanted->is_period && (value->period.sure || wanted->period.sure))
        return periods_in_order(&value->period, order, &wanted->period);
    if (value->is_number && wanted->is_number)
        return order_holds(kin_decimal_compare(&value->number, &wanted->number), order);
    return order_holds(strcmp(value->text, wanted->text), order);
}
