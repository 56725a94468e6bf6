/* file_digest.h - the fingerprint of a file's bytes. */
#ifndef KIN_ARCHIVE_FILE_DIGEST_H
#define KIN_ARCHIVE_FILE_DIGEST_H

#include "base/status.h"
#include "base/uid.h"

/* XXH3-128 of the file at path, the same as kin_digest_of() its bytes.  What is not a regular file is
 * KIN_E_UNSUPPORTED. */
kin_status kin_file_digest(const char *path, kin_digest *digest, kin_error *err);

/* The same for a file that is open at fd, which it reads from the beginning and leaves where it
 * stands.  name: the error's subject. */
kin_status kin_file_digest_fd(int fd, const char *name, kin_digest *digest, kin_error *err);

#endif
