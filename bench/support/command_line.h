/* command_line.h - what the measurements' command lines share: numbers, progress, complaints. */
#ifndef KIN_BENCH_COMMAND_LINE_H
#define KIN_BENCH_COMMAND_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* A whole number, at least 1: "1000000" or "1e6"; false when text is anything else, or more than
 * 2^53. */
bool bench_parse_count(const char *text, size_t *out);

/* "0.1,1,10": up to max numbers above 0, none beyond `most`; false when text is anything else. */
bool bench_parse_list(const char *text, double most, size_t max, double *out, size_t *count);

/* Seconds: a number above 0, at most a day. */
bool bench_parse_seconds(const char *text, double *out);

/* Says on the error stream what is being done, where a person watches. */
void bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints why a measurement ended. */
void bench_complain(const kin_error *err);

/* Prints a report for machines, indented, and lets go of it. */
void bench_json_print(json_t *report);

#endif
