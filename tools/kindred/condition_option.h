/* condition_option.h - the option --where of several commands. */
#ifndef KINDRED_CONDITION_OPTION_H
#define KINDRED_CONDITION_OPTION_H

#include "archive/archive.h"

/* Parses text (NULL: *out is NULL, everything); prints what is wrong with it and returns the
 * exit code. */
int kin_condition_option(const char *text, kin_condition **out);

/* Warns of names in the condition that no image has: a misspelt one would silently match
 * nothing. */
void kin_condition_warn(kin_archive *archive, const kin_condition *condition);

#endif
