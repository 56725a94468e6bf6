/*
 * report.h - results, once: rows of JSON objects, which a table shows to people and --json writes
 * for machines; and what machine they are from.
 */
#ifndef KIN_BENCH_REPORT_H
#define KIN_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a column shows the numbers of its key. */
enum bench_form {
    BENCH_TEXT,    /* left-aligned; the others right-aligned */
    BENCH_NUMBER,  /* with `decimals` */
    BENCH_GROUPED, /* whole, with commas between thousands */
    BENCH_BYTES    /* as kB, MB or GB of 1000 */
};

typedef struct bench_column {
    const char *key;  /* in each row's object; absent or null shows as "-" */
    const char *head; /* what stands above */
    enum bench_form form;
    int decimals;
} bench_column;

/* Prints the title, a line of heads, and a line for each object in the array `rows`. */
void bench_table_print(FILE *out, const char *title, const json_t *rows,
                       const bench_column *columns, size_t column_count);

/* Processor, number of them in use, memory, kernel, compiler, Kindred's SIMD table, versions of
 * OpenBLAS and of what else is measured here: a new object. */
json_t *bench_machine(void);
/* The same in one line or two. */
void bench_machine_print(FILE *out, const json_t *machine);

/* Writes an object or array to a file, indented. */
kin_status bench_json_write(const json_t *json, const char *path, kin_error *err);

/* The value below which `share` (0 to 1) of the count values lie (nearest rank); sorts them.  0 of
 * none. */
double bench_percentile(double *values, size_t count, double share);

/* Bytes of memory that the process holds that no file backs (anonymous: RssAnon), and file pages
 * mapped (RssFile); 0 where unknown. */
size_t bench_memory_anonymous(void);
size_t bench_memory_file(void);
/* Most that it has ever held of both (VmHWM), and a new beginning for that (it is a property of the
 * process; false where the system refuses). */
size_t bench_memory_peak(void);
bool bench_memory_peak_reset(void);

#ifdef __cplusplus
}
#endif

#endif
