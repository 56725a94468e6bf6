#include <csv.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "vector_set.h"

enum { COLUMNS = 4, FILE_BYTES_MAX = 1 << 30, CLASS_NAME_MAX = 256, CLASSES_MAX = 4096 };

struct reading {
    bench_labels *out;
    size_t capacity, line;
    int column;
    uint32_t image;
    char class_name[CLASS_NAME_MAX];
    kin_status status;
    kin_error *err;
    const char *path;
};

static void fail(struct reading *read, kin_status status, const char *why)
{
    if (read->status == KIN_OK)
        read->status = kin_fail(read->err, status, read->path, "line %zu: %s", read->line + 1, why);
}

static void take_field(void *bytes, size_t size, void *ctx)
{
    struct reading *read = ctx;
    const char *text = bytes;
    int column = read->column++;
    if (read->line == 0 || read->status != KIN_OK)
        return; /* the heading */
    if (column == 0) {
        char number[16], *end;
        snprintf(number, sizeof number, "%.*s", (int)size, text);
        errno = 0;
        unsigned long value = strtoul(number, &end, 10);
        if (size == 0 || size >= sizeof number || *end != '\0' || errno != 0 || value > UINT32_MAX)
            fail(read, KIN_E_FORMAT, "no number of an image");
        read->image = (uint32_t)value;
    } else if (column == 2) {
        snprintf(read->class_name, sizeof read->class_name, "%.*s/", (int)size, text);
    } else if (column == 3) {
        size_t length = strlen(read->class_name);
        snprintf(read->class_name + length, sizeof read->class_name - length, "%.*s", (int)size,
                 text);
    }
}

static bool grow(struct reading *read)
{
    bench_labels *out = read->out;
    if (out->count < read->capacity)
        return true;
    size_t capacity = read->capacity > 0 ? 2 * read->capacity : 1024;
    uint32_t *image = reallocarray(out->image, capacity, sizeof *image);
    if (image != NULL)
        out->image = image;
    uint32_t *classes = reallocarray(out->classes, capacity, sizeof *classes);
    if (classes != NULL)
        out->classes = classes;
    if (image == NULL || classes == NULL)
        return false;
    read->capacity = capacity;
    return true;
}

/* A class's number; there are a few dozen.  -1: no memory, or too many of them. */
static long class_number(bench_labels *out, const char *name)
{
    for (size_t i = 0; i < out->class_count; i++)
        if (strcmp(out->class_names[i], name) == 0)
            return (long)i;
    char **names = out->class_count < CLASSES_MAX
                       ? reallocarray(out->class_names, out->class_count + 1, sizeof *names)
                       : NULL;
    if (names == NULL)
        return -1;
    out->class_names = names;
    names[out->class_count] = strdup(name);
    return names[out->class_count] != NULL ? (long)out->class_count++ : -1;
}

static void end_line(int end, void *ctx)
{
    struct reading *read = ctx;
    (void)end;
    if (read->line > 0 && read->status == KIN_OK) {
        bench_labels *out = read->out;
        long number = -1;
        if (read->column != COLUMNS)
            fail(read, KIN_E_FORMAT, "not image, view, set and diagnosis");
        else if (!grow(read) || (number = class_number(out, read->class_name)) < 0)
            fail(read, KIN_E_NOMEM, "no memory, or too many classes");
        if (read->status == KIN_OK) {
            out->image[out->count] = read->image;
            out->classes[out->count++] = (uint32_t)number;
        }
    }
    read->line++;
    read->column = 0;
}

static kin_status parse(struct reading *read, const void *bytes, size_t size)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return kin_fail(read->err, KIN_E_NOMEM, read->path, "no memory");
    if (csv_parse(&parser, bytes, size, take_field, end_line, read) != size ||
        csv_fini(&parser, take_field, end_line, read) != 0)
        fail(read, KIN_E_FORMAT, csv_strerror(csv_error(&parser)));
    csv_free(&parser);
    return read->status;
}

static kin_status begin_with(const bench_labels *known, bench_labels *out, kin_error *err)
{
    for (size_t i = 0; known != NULL && i < known->class_count; i++)
        if (class_number(out, known->class_names[i]) < 0)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for classes");
    return KIN_OK;
}

kin_status bench_labels_read(const char *vectors_file, const bench_labels *known, bench_labels *out,
                             kin_error *err)
{
    char path[PATH_MAX];
    void *bytes = NULL;
    size_t size = 0, length = strlen(vectors_file), ending = strlen(".npy");
    memset(out, 0, sizeof *out);
    if (length <= ending || strcmp(vectors_file + length - ending, ".npy") != 0 ||
        (size_t)snprintf(path, sizeof path, "%.*s.labels", (int)(length - ending), vectors_file) >=
            sizeof path)
        return kin_fail(err, KIN_E_NOT_FOUND, vectors_file, "only a .npy has labels beside it");
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, FILE_BYTES_MAX, &bytes, &size, err);
    if (status == KIN_OK)
        status = begin_with(known, out, err);
    if (status == KIN_OK) {
        struct reading read = {.out = out, .err = err, .path = path};
        status = parse(&read, bytes, size);
    }
    free(bytes);
    if (status != KIN_OK)
        bench_labels_release(out);
    return status;
}

void bench_labels_release(bench_labels *labels)
{
    for (size_t i = 0; i < labels->class_count; i++)
        free(labels->class_names[i]);
    free(labels->class_names);
    free(labels->classes);
    free(labels->image);
    memset(labels, 0, sizeof *labels);
}
