/* file_list.h - the files that an image is made of. */
#ifndef KIN_MEASURE_FILE_LIST_H
#define KIN_MEASURE_FILE_LIST_H

#include <stddef.h>

#include "base/status.h"

typedef struct kin_file_list {
    char **paths; /* ascending; owned */
    size_t count;
} kin_file_list;

/* A file itself, or the regular files in a folder (not in folders within; hidden ones left out).
 * KIN_E_NOT_FOUND for an empty one, KIN_E_LIMIT beyond KIN_MEASURE_FILES_MAX. */
kin_status kin_file_list_make(const char *path, kin_file_list *out, kin_error *err);
void kin_file_list_release(kin_file_list *list);

#endif
