/* https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.  Numbers are printed
 * from integers: a program's locale would put a comma into printf's fractions. */
#include <inttypes.h>

#include "service/metrics_internal.h"

void kin_metrics_family(FILE *page, const char *name, const char *type, const char *help)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void kin_metrics_label(FILE *page, const char *label, const char *value)
{
    fprintf(page, "{%s=\"", label);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            fputs("\\n", page);
            continue;
        }
        if (*value == '\\' || *value == '"')
            fputc('\\', page);
        fputc(*value, page);
    }
    fputc('"', page);
}

static void put_number(FILE *page, uint64_t number)
{
    fprintf(page, " %" PRIu64 "\n", number);
}

/* NAME{label="value"}, or the name alone. */
static void put_name(FILE *page, const char *name, const char *suffix, const char *label,
                     const char *value)
{
    fprintf(page, "%s%s", name, suffix);
    if (label != NULL) {
        kin_metrics_label(page, label, value);
        fputc('}', page);
    }
}

void kin_metrics_sample(FILE *page, const char *name, const char *label, const char *value,
                        uint64_t number)
{
    put_name(page, name, "", label, value);
    put_number(page, number);
}

void kin_metrics_fixed(FILE *page, uint64_t number, int digits)
{
    uint64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    fprintf(page, " %" PRIu64 ".%0*" PRIu64 "\n", number / unit, digits, number % unit);
}

static void put_bucket(FILE *page, const char *name, const char *label, const char *value,
                       const char *bound, uint64_t number)
{
    fprintf(page, "%s_bucket", name);
    if (label != NULL)
        kin_metrics_label(page, label, value);
    fprintf(page, "%sle=\"%s\"}", label != NULL ? "," : "{", bound);
    put_number(page, number);
}

void kin_metrics_histogram(FILE *page, const char *name, const char *label, const char *value,
                           const kin_histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= KIN_METRICS_BOUNDS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        put_bucket(page, name, label, value,
                   i < KIN_METRICS_BOUNDS ? kin_metrics_bounds[i].seconds : "+Inf", count);
    }
    put_name(page, name, "_sum", label, value);
    kin_metrics_fixed(page, atomic_load_explicit(&histogram->nanoseconds, memory_order_relaxed), 9);
    put_name(page, name, "_count", label, value);
    put_number(page, count);
}
