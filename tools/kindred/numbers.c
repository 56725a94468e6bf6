#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"

/* strtol and its kin skip blanks before the number: a number given as an option has none. */
static bool starts_as_number(const char *text)
{
    return isdigit((unsigned char)text[0]) || text[0] == '-' || text[0] == '.';
}

bool kin_parse_size(const char *text, size_t *out)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || number == 0 || number > (size_t)-1)
        return false;
    size_t unit = 1;
    if (*end != '\0' && strcasecmp(end, "B") != 0) {
        static const char units[] = "KMGT";
        const char *which = strchr(units, toupper((unsigned char)*end));
        if (which == NULL)
            return false;
        unit = (size_t)1 << (10 * (which - units + 1));
        end++;
        if (*end != '\0' && strcasecmp(end, "B") != 0 && strcasecmp(end, "iB") != 0)
            return false;
    }
    return kin_mul_size((size_t)number, unit, out);
}

bool kin_parse_long(const char *text, long low, long high, long *out)
{
    if (!starts_as_number(text))
        return false;
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < low || number > high)
        return false;
    *out = number;
    return true;
}

bool kin_parse_double(const char *text, double low, double high, double *out)
{
    if (!starts_as_number(text))
        return false;
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(number >= low && number <= high))
        return false;
    *out = number;
    return true;
}

void kin_format_bytes(unsigned long long bytes, char out[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(out, 16, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void kin_format_duration(double seconds, char out[16])
{
    static const double longest = 999 * 3600.0;
    out[0] = '\0';
    if (!(seconds >= 0 && seconds <= longest))
        return;
    unsigned whole = (unsigned)lround(seconds);
    if (whole < 60)
        snprintf(out, 16, "%u s", whole);
    else if (whole < 3600)
        snprintf(out, 16, "%u:%02u", whole / 60, whole % 60);
    else
        snprintf(out, 16, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
}
