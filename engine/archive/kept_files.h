/* kept_files.h - files without names that came in an upload, kept open while what marks their images may
 * still come. */
#ifndef KIN_ARCHIVE_KEPT_FILES_H
#define KIN_ARCHIVE_KEPT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uid.h"

typedef struct kin_kept_file {
    kin_digest digest; /* of its bytes */
    int fd;
} kin_kept_file;

/* All zero: none. */
typedef struct kin_kept_files {
    kin_kept_file *files;
    size_t count, capacity;
    uint64_t bytes; /* of all */
} kin_kept_files;

/* Keeps the file open at fd, which stays the caller's, unless there is no room for it (see upload.h). */
void kin_kept_files_add(kin_kept_files *kept, kin_digest digest, int fd);

/* Opens the file of these bytes: *fd is the caller's.  False: it was not kept. */
bool kin_kept_files_open(const kin_kept_files *kept, kin_digest digest, int *fd);

void kin_kept_files_release(kin_kept_files *kept);

#endif
