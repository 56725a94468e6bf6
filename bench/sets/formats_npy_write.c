#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats.h"

/* Magic, version, length and text together: a multiple of 64, as NumPy's format wants it. */
enum { HEAD_SIZE = 128 };

struct bench_npy_writer {
    FILE *file;
    size_t count, dim, written;
    char path[PATH_MAX], temporary[PATH_MAX];
};

static kin_status write_head(bench_npy_writer *writer, kin_error *err)
{
    char head[HEAD_SIZE];
    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = HEAD_SIZE - 10;
    head[9] = 0;
    int length = snprintf(head + 10, sizeof head - 10,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
                          writer->count, writer->dim);
    head[10 + length] = ' ';
    head[HEAD_SIZE - 1] = '\n';
    return fwrite(head, sizeof head, 1, writer->file) == 1
               ? KIN_OK
               : kin_fail_errno(err, writer->temporary, "cannot write");
}

kin_status bench_npy_begin(const char *path, size_t count, size_t dim, bench_npy_writer **out,
                           kin_error *err)
{
    *out = NULL;
    bench_npy_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return kin_fail(err, KIN_E_NOMEM, path, "no memory");
    writer->count = count;
    writer->dim = dim;
    if ((size_t)snprintf(writer->temporary, sizeof writer->temporary, "%s.part", path) >=
        sizeof writer->temporary) {
        free(writer);
        return kin_fail(err, KIN_E_ARG, path, "the name is too long");
    }
    snprintf(writer->path, sizeof writer->path, "%s", path);
    writer->file = fopen(writer->temporary, "we");
    kin_status status = writer->file != NULL
                            ? write_head(writer, err)
                            : kin_fail_errno(err, writer->temporary, "cannot make the file");
    if (status == KIN_OK)
        *out = writer;
    else
        bench_npy_abandon(writer);
    return status;
}

kin_status bench_npy_rows(bench_npy_writer *writer, const float *rows, size_t count, kin_error *err)
{
    if (count > writer->count - writer->written)
        return kin_fail(err, KIN_E_ARG, writer->path, "more rows than were promised");
    if (fwrite(rows, writer->dim * sizeof *rows, count, writer->file) != count)
        return kin_fail_errno(err, writer->temporary, "cannot write");
    writer->written += count;
    return KIN_OK;
}

kin_status bench_npy_end(bench_npy_writer *writer, kin_error *err)
{
    kin_status status = writer->written == writer->count
                            ? KIN_OK
                            : kin_fail(err, KIN_E_ARG, writer->path, "fewer rows than promised");
    if (fclose(writer->file) != 0 && status == KIN_OK)
        status = kin_fail_errno(err, writer->temporary, "cannot write");
    writer->file = NULL;
    if (status == KIN_OK && rename(writer->temporary, writer->path) != 0)
        status = kin_fail_errno(err, writer->path, "cannot put the file in its place");
    if (status == KIN_OK)
        free(writer);
    else
        bench_npy_abandon(writer);
    return status;
}

void bench_npy_abandon(bench_npy_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->file != NULL)
        fclose(writer->file);
    unlink(writer->temporary);
    free(writer);
}
