/* names.h - texts numbered in order of arrival. */
#ifndef KIN_ARCHIVE_NAMES_H
#define KIN_ARCHIVE_NAMES_H

#include <stddef.h>

typedef struct kin_names {
    char **names;
    size_t count, capacity;
    struct kin_name_entry *by_name; /* for finding them */
} kin_names;

/* The number of name, given to it now if it is new; -1 without memory. */
int kin_names_number(kin_names *names, const char *name);
void kin_names_release(kin_names *names);

#endif
