/* Values of options from text and back, by their kinds. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/config_option.h"

static const char suffixes[] = "KMGT";

static void *field(const kin_option *option, kin_config *config)
{
    return (char *)config + option->offset;
}

static const void *field_borrow(const kin_option *option, const kin_config *config)
{
    return (const char *)config + option->offset;
}

/* Digits, with nothing before or behind them; false too where they do not fit. */
static bool parse_digits(const char *text, uint64_t *out, const char **end)
{
    char *stop;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *out = strtoull(text, &stop, 10);
    *end = stop;
    return errno == 0;
}

static bool parse_count(const char *text, double low, double high, unsigned *out)
{
    uint64_t number;
    const char *end;
    if (!parse_digits(text, &number, &end) || *end != '\0' || (double)number < low ||
        (double)number > high)
        return false;
    *out = (unsigned)number;
    return true;
}

static bool parse_size(const char *text, double low, double high, uint64_t *out)
{
    uint64_t number, scale = 1;
    const char *end;
    if (!parse_digits(text, &number, &end))
        return false;
    if (*end != '\0') {
        const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
        if (suffix == NULL || end[1] != '\0')
            return false;
        scale = UINT64_C(1024) << (10 * (suffix - suffixes));
    }
    if (__builtin_mul_overflow(number, scale, &number) || (double)number < low ||
        (double)number > high)
        return false;
    *out = number;
    return true;
}

/* Digits and a point: neither signs, exponents, hexadecimal nor infinity. */
static bool parse_real(const char *text, double low, double high, double *out)
{
    char *end;
    if (!isdigit((unsigned char)text[0]) || text[strspn(text, "0123456789.")] != '\0')
        return false;
    double number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number) || number < low || number > high)
        return false;
    *out = number;
    return true;
}

static bool parse_flag(const char *text, bool *out)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"on", true},   {"off", false},   {"yes", true}, {"no", false},
                 {"true", true}, {"false", false}, {"1", true},   {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i].text) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

/* True when text is one of "a, b, c". */
static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0 && at != NULL;) {
        size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, text, length) == 0)
            return true;
        at = at[word] == ',' ? at + word + 2 : NULL;
    }
    return false;
}

static kin_status check_text(const kin_option *option, const char *text, kin_error *err)
{
    size_t length = strlen(text);
    const char *fault = NULL;
    for (size_t i = 0; i < length; i++) {
        if (iscntrl((unsigned char)text[i]))
            fault = "control characters are not allowed in it";
        else if (i > 0 && text[i - 1] == ' ' && (text[i] == ';' || text[i] == '#'))
            fault = "a comment stands on a line of its own";
    }
    if (length > 0 && (text[0] == ' ' || text[length - 1] == ' '))
        fault = "blanks at its ends are not allowed";
    if (length >= option->size)
        fault = "it is too long";
    if (fault != NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "%s.%s: %s", option->section, option->name, fault);
    return KIN_OK;
}

kin_status kin_option_set(const kin_option *option, kin_config *config, const char *value,
                          kin_error *err)
{
    void *to = field(option, config);
    bool good = false;
    switch (option->kind) {
    case KIN_OPTION_TEXT:
        if (check_text(option, value, err) != KIN_OK)
            return KIN_E_ARG;
        good = true;
        break;
    case KIN_OPTION_CHOICE:
        good = is_choice(option->choices, value);
        break;
    case KIN_OPTION_FLAG:
        good = parse_flag(value, to);
        break;
    case KIN_OPTION_COUNT:
        good = parse_count(value, option->low, option->high, to);
        break;
    case KIN_OPTION_SIZE:
        good = parse_size(value, option->low, option->high, to);
        break;
    case KIN_OPTION_SECONDS:
    case KIN_OPTION_SHARE:
        good = parse_real(value, option->low, option->high, to);
        break;
    }
    if (!good) {
        char accepts[160];
        kin_option_accepts(option, accepts, sizeof accepts);
        return kin_fail(err, KIN_E_ARG, NULL, "%s.%s must be %s", option->section, option->name,
                        accepts);
    }
    if (option->kind == KIN_OPTION_TEXT || option->kind == KIN_OPTION_CHOICE)
        snprintf(to, option->size, "%s", value);
    return KIN_OK;
}

/* With the largest suffix that leaves nothing over. */
static void print_size(uint64_t number, char *buffer, size_t size)
{
    int scale = 0;
    while (number != 0 && number % 1024 == 0 && suffixes[scale] != '\0') {
        number /= 1024;
        scale++;
    }
    snprintf(buffer, size, "%" PRIu64 "%.*s", number, scale > 0,
             &suffixes[scale > 0 ? scale - 1 : 0]);
}

/* Without an exponent, which is not read. */
static void print_real(double number, char *buffer, size_t size)
{
    snprintf(buffer, size, "%.9f", number);
    size_t length = strlen(buffer);
    while (length > 0 && buffer[length - 1] == '0')
        buffer[--length] = '\0';
    if (length > 0 && buffer[length - 1] == '.')
        buffer[length - 1] = '\0';
}

void kin_option_print(const kin_option *option, const kin_config *config, char *buffer, size_t size)
{
    const void *from = field_borrow(option, config);
    switch (option->kind) {
    case KIN_OPTION_TEXT:
    case KIN_OPTION_CHOICE:
        snprintf(buffer, size, "%s", (const char *)from);
        return;
    case KIN_OPTION_FLAG:
        snprintf(buffer, size, "%s", *(const bool *)from ? "on" : "off");
        return;
    case KIN_OPTION_COUNT:
        snprintf(buffer, size, "%u", *(const unsigned *)from);
        return;
    case KIN_OPTION_SIZE:
        print_size(*(const uint64_t *)from, buffer, size);
        return;
    case KIN_OPTION_SECONDS:
    case KIN_OPTION_SHARE:
        print_real(*(const double *)from, buffer, size);
        return;
    }
}

void kin_option_accepts(const kin_option *option, char *buffer, size_t size)
{
    char low[32], high[32];
    switch (option->kind) {
    case KIN_OPTION_TEXT:
        snprintf(buffer, size, "text");
        return;
    case KIN_OPTION_CHOICE:
        snprintf(buffer, size, "one of %s", option->choices);
        return;
    case KIN_OPTION_FLAG:
        snprintf(buffer, size, "on or off");
        return;
    case KIN_OPTION_COUNT:
        snprintf(buffer, size, "a whole number from %.0f to %.0f", option->low, option->high);
        return;
    case KIN_OPTION_SIZE:
        print_size((uint64_t)option->low, low, sizeof low);
        print_size((uint64_t)option->high, high, sizeof high);
        snprintf(buffer, size, "a size from %s to %s", low, high);
        return;
    case KIN_OPTION_SECONDS:
        snprintf(buffer, size, "seconds, from %.0f to %.0f", option->low, option->high);
        return;
    case KIN_OPTION_SHARE:
        snprintf(buffer, size, "a number from %.0f to %.0f", option->low, option->high);
        return;
    }
}
