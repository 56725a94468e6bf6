/* numbers.h - numbers from the command line: whole text or nothing, within bounds. */
#ifndef KINDRED_NUMBERS_H
#define KINDRED_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>

/* A size such as "64M": digits, then nothing or K, M, G, T (powers of 1024, either case, "B" or
 * "iB" may follow). False when text is anything else, 0, or too large. */
bool kin_parse_size(const char *text, size_t *out);

/* A decimal integer in [low, high]. */
bool kin_parse_long(const char *text, long low, long high, long *out);

/* A finite decimal number in [low, high]; the point is '.' in every locale. */
bool kin_parse_double(const char *text, double low, double high, double *out);

/* Bytes for people: "517 B", "3.4 KiB", … into 16 bytes. */
void kin_format_bytes(unsigned long long bytes, char out[16]);

/* Seconds for people: "7 s" below a minute, else "m:ss" or "h:mm:ss", into 16 bytes; "" for
 * negative, not finite or absurd ones. */
void kin_format_duration(double seconds, char out[16]);

#endif
