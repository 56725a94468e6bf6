#include "archive/file_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { DIGEST_BYTES = 1 << 18 };

/* Read, not mapped: a file cut off meanwhile must not raise SIGBUS. */
static kin_status digest_contents(int fd, const char *name, XXH3_state_t *state, char *buf,
                                  kin_error *err)
{
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(fd, buf, DIGEST_BYTES, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kin_fail_errno(err, name, "cannot read");
        if (got == 0)
            return KIN_OK;
        XXH3_128bits_update(state, buf, (size_t)got);
        at += got;
    }
}

kin_status kin_file_digest_fd(int fd, const char *name, kin_digest *digest, kin_error *err)
{
    struct stat st;
    kin_status status = KIN_OK;
    char *buf = malloc(DIGEST_BYTES);
    XXH3_state_t *state = XXH3_createState();
    if (fstat(fd, &st) != 0)
        status = kin_fail_errno(err, name, "cannot stat");
    else if (!S_ISREG(st.st_mode))
        status = kin_fail(err, KIN_E_UNSUPPORTED, name, "not a regular file");
    else if (buf == NULL || state == NULL)
        status = kin_fail(err, KIN_E_NOMEM, name, "no memory to read the file");
    if (status == KIN_OK) {
        XXH3_128bits_reset(state);
        status = digest_contents(fd, name, state, buf, err);
    }
    if (status == KIN_OK) {
        XXH128_hash_t hash = XXH3_128bits_digest(state);
        *digest = (kin_digest){.low = hash.low64, .high = hash.high64};
    }
    XXH3_freeState(state);
    free(buf);
    return status;
}

kin_status kin_file_digest(const char *path, kin_digest *digest, kin_error *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open");
    kin_status status = kin_file_digest_fd(fd, path, digest, err);
    close(fd);
    return status;
}
