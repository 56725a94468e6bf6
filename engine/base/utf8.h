/* utf8.h - UTF-8 as RFC 3629 has it: shortest form, no surrogates, at most U+10FFFF. */
#ifndef KIN_BASE_UTF8_H
#define KIN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What stands in the place of a broken byte: U+FFFD. */
#define KIN_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* The character at the start of a NUL-terminated text, into *character, and its length in bytes; 0
 * where the bytes are malformed.  Never looks beyond the NUL. */
size_t kin_utf8_decode(const char *text, uint32_t *character);

/* Is all of a NUL-terminated text well-formed? */
bool kin_utf8_is_valid(const char *text);

/* A copy in which each broken byte became U+FFFD, from malloc; NULL without memory. */
char *kin_utf8_repair(const char *text);

#ifdef __cplusplus
}
#endif

#endif
