#include "mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

kin_status bench_mapping_open(const char *path, bench_mapping *out, kin_error *err)
{
    struct stat st;
    *out = (bench_mapping){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open");
    kin_status status = KIN_OK;
    if (fstat(fd, &st) != 0)
        status = kin_fail_errno(err, path, "cannot look at it");
    else if (!S_ISREG(st.st_mode))
        status = kin_fail(err, KIN_E_UNSUPPORTED, path, "not a regular file");
    else if (st.st_size == 0)
        status = kin_fail(err, KIN_E_FORMAT, path, "an empty file");
    if (status == KIN_OK) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED)
            status = kin_fail_errno(err, path, "cannot map it");
        else
            *out = (bench_mapping){bytes, (size_t)st.st_size};
    }
    close(fd);
    return status;
}

void bench_mapping_close(bench_mapping *mapping)
{
    if (mapping->bytes != NULL)
        munmap((void *)mapping->bytes, mapping->size);
    *mapping = (bench_mapping){0};
}
