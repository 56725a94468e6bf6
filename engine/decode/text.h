/*
 * text.h - text from a stranger, made fit for records, tables and terminals.
 *
 * Every function is idempotent: the worker cleans what a file says, and the program cleans what the
 * worker says, by the same rules and with the same result.
 */
#ifndef KIN_DECODE_TEXT_H
#define KIN_DECODE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/uid.h"

enum { KIN_DATE_SIZE = 9 /* YYYYMMDD and NUL */ };

/*
 * Copies src (NULL counts as "") into dst of size bytes (at least 1) as one clean line of UTF-8:
 * bytes that are not UTF-8 (overlong forms, surrogates, values beyond U+10FFFF, …) become U+FFFD
 * each; tabs and line breaks become spaces; other control characters (C0, DEL, C1) and the marks
 * that turn writing around (U+202A to U+202E, U+2066 to U+2069), by which text could forge what
 * stands beside it, are left out; spaces at the ends are trimmed.  What does not fit is cut at a
 * character's end.
 */
void kin_text_clean(char *dst, size_t size, const char *src);

/* Copies a UID: trimmed of spaces, and kept when it has 1 to 64 characters that are digits and
 * dots, a digit among them; else "".  That is more lenient than kin_uid_valid(): real files have
 * leading zeros and empty components, and their references use the same spelling. */
void kin_text_clean_uid(char dst[KIN_UID_SIZE], const char *src);

/* Copies a date: YYYYMMDD, or ACR-NEMA's YYYY.MM.DD without its dots; anything else becomes "". */
void kin_text_clean_date(char dst[KIN_DATE_SIZE], const char *src);

/* True when name is [a-z0-9_]+ of fewer than size bytes. */
bool kin_text_is_name(const char *name, size_t size);

#endif
