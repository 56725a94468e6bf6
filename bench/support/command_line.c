#include "command_line.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_MAX   0x1p53
#define SECONDS_MAX 86400.0

/* A decimal number up to `end` (a comma or the text's end). */
static bool parse_number(const char *text, const char **end, double *out)
{
    char *stop;
    if (text[0] != '.' && (text[0] < '0' || text[0] > '9'))
        return false; /* no signs, spaces, names of infinities */
    *out = strtod(text, &stop);
    *end = stop;
    return stop != text && isfinite(*out);
}

bool bench_parse_count(const char *text, size_t *out)
{
    const char *end;
    double value;
    if (!parse_number(text, &end, &value) || *end != '\0' || value < 1 || value > COUNT_MAX ||
        value != floor(value))
        return false;
    *out = (size_t)value;
    return true;
}

bool bench_parse_list(const char *text, double most, size_t max, double *out, size_t *count)
{
    const char *end = text;
    *count = 0;
    for (;; text = end + 1) {
        if (*count == max || !parse_number(text, &end, &out[*count]) || out[*count] <= 0 ||
            out[*count] > most)
            return false;
        (*count)++;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
    }
}

bool bench_parse_seconds(const char *text, double *out)
{
    const char *end;
    return parse_number(text, &end, out) && *end == '\0' && *out > 0 && *out <= SECONDS_MAX;
}

void bench_say(const char *format, ...)
{
    va_list arguments;
    if (!isatty(STDERR_FILENO))
        return;
    va_start(arguments, format);
    fputs("  … ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void bench_complain(const kin_error *err)
{
    fprintf(stderr, "kindred-bench: %s%s%s\n", err->subject, err->subject[0] != '\0' ? ": " : "",
            err->message);
}

void bench_json_print(json_t *report)
{
    if (report == NULL)
        return;
    json_dumpf(report, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(report);
}
