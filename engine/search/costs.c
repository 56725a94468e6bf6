#include "search/costs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

/* A plain machine: what memory gives to one thread, in bytes a nanosecond, and waits for it. */
static const double stream = 10, scatter_wait = 25;

kin_costs kin_costs_default(size_t dim, const kin_codec *codec)
{
    double row = (double)kin_codec_stride(codec, dim) / stream;
    double code = (double)kin_codec_stride(kin_codec_int8, dim) / stream;
    return (kin_costs){.scan_row = row,
                       .scatter_row = row + scatter_wait,
                       .scan_code = code,
                       .scatter_code = code + scatter_wait,
                       .beam_code = code + 2 * scatter_wait,
                       .member = 5,
                       .next_member = 2,
                       .keep = 60,
                       .thread = 50000,
                       .threads = kin_cpu_count()};
}

static const char *const keys[] = {"scan_row",     "scatter_row", "scan_code",
                                   "scatter_code", "beam_code",   "member",
                                   "next_member",  "keep",        "thread"};
enum { KEYS = sizeof keys / sizeof keys[0] };

static double *figure(kin_costs *costs, size_t i)
{
    double *const figures[KEYS] = {&costs->scan_row,     &costs->scatter_row, &costs->scan_code,
                                   &costs->scatter_code, &costs->beam_code,   &costs->member,
                                   &costs->next_member,  &costs->keep,        &costs->thread};
    return figures[i];
}

void kin_costs_print(const kin_costs *costs, char text[KIN_COSTS_TEXT_SIZE])
{
    kin_costs copy = *costs;
    size_t used = 0;
    for (size_t i = 0; i < KEYS; i++)
        used += (size_t)snprintf(text + used, KIN_COSTS_TEXT_SIZE - used, "%s=%.3g ", keys[i],
                                 *figure(&copy, i));
    snprintf(text + used, KIN_COSTS_TEXT_SIZE - used, "threads=%d", costs->threads);
}

/* The number after "key=" in text; false where there is none that is finite and above 0. */
static bool find_number(const char *text, const char *key, double *out)
{
    size_t length = strlen(key);
    for (const char *at = text; (at = strstr(at, key)) != NULL; at += length) {
        char *end;
        if ((at != text && at[-1] != ' ') || at[length] != '=')
            continue;
        *out = strtod(at + length + 1, &end);
        return end != at + length + 1 && (*end == ' ' || *end == '\0') && isfinite(*out) &&
               *out > 0;
    }
    return false;
}

bool kin_costs_parse(const char *text, kin_costs *out)
{
    double threads;
    for (size_t i = 0; i < KEYS; i++)
        if (!find_number(text, keys[i], figure(out, i)))
            return false;
    if (!find_number(text, "threads", &threads) || threads > 1 << 16)
        return false;
    out->threads = (int)threads;
    return out->threads >= 1;
}
