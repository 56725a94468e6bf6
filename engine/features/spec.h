/* spec.h - the words of an extractor's spec (private to engine/features). */
#ifndef KIN_FEATURES_SPEC_H
#define KIN_FEATURES_SPEC_H

#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

#define KIN_SPEC_STANDARD "standard"
#define KIN_SPEC_CLASSIC  "classic"
#define KIN_SPEC_NETWORK "net:" /* and the folder */

enum { KIN_SPEC_WORD_SIZE = 4096 + 8 /* a path and the prefix */ };

/* The next word of a spec, unescaped, into word; *more says whether there was one.  Moves *at
 * behind it.  KIN_E_ARG: it is too long, or ends in a backslash. */
kin_status kin_spec_next(const char **at, char word[KIN_SPEC_WORD_SIZE], bool *more,
                         kin_error *err);

/* Writes length bytes of text so that they stay in one word. */
void kin_spec_escape(FILE *to, const char *text, size_t length);

#endif
