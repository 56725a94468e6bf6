#include "decode/read_fd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

kin_status kin_read_fd(int fd, size_t limit, void **out, size_t *out_size, kin_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return kin_fail_errno(err, NULL, "cannot stat the file");
    if (st.st_size < 0 || (size_t)st.st_size > limit)
        return kin_fail(err, KIN_E_LIMIT, NULL, "the file is over the limit of %zu bytes", limit);
    size_t size = (size_t)st.st_size;
    char *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file of %zu bytes", size);
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, bytes + have, size - have, (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            kin_status status = got < 0 ? kin_fail_errno(err, NULL, "cannot read the file")
                                        : kin_fail(err, KIN_E_IO, NULL,
                                                   "the file became shorter while it was read");
            free(bytes);
            return status;
        }
        have += (size_t)got;
    }
    *out = bytes;
    *out_size = size;
    return KIN_OK;
}
