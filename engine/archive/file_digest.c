#include "archive/file_digest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { DIGEST_BYTES = 1 << 18 };

/* Read, not mapped: a file cut off meanwhile must not raise SIGBUS.
 */
kin_status kin_file_digest(const char *path, kin_digest *digest, kin_error *err)
{
    struct stat st;
    kin_status status = KIN_OK;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open");
    char *buf = malloc(DIGEST_BYTES);
    XXH3_state_t *state = XXH3_createState();
    if (fstat(fd, &st) != 0)
        status = kin_fail_errno(err, path, "cannot stat");
    else if (!S_ISREG(st.st_mode))
        status = kin_fail(err, KIN_E_UNSUPPORTED, path, "not a regular file");
    else if (buf == NULL || state == NULL)
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory to read the file");
    if (status == KIN_OK) {
        XXH3_128bits_reset(state);
        while ((got = read(fd, buf, DIGEST_BYTES)) > 0)
            XXH3_128bits_update(state, buf, (size_t)got);
        if (got < 0)
            status = kin_fail_errno(err, path, "cannot read");
        XXH128_hash_t hash = XXH3_128bits_digest(state);
        *digest = (kin_digest){.low = hash.low64, .high = hash.high64};
    }
    XXH3_freeState(state);
    free(buf);
    close(fd);
    return status;
}
