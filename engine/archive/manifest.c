#include "archive/manifest.h"

#include <csv.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { READ_BYTES = 1 << 16 };

/* Which row is about a file; the key is the row's resolved path. */
struct by_path {
    const char *path;
    long row;
    UT_hash_handle hh;
};

struct kin_manifest {
    char *text; /* every field, each ended by NUL */
    size_t text_size, text_capacity;
    size_t *cells; /* offsets into text: the header's columns, then rows x columns */
    size_t cell_count, cell_capacity;
    size_t columns, rows;
    int path_column;
    char *folder; /* the CSV's, absolute */
    char **paths; /* one a row */
    struct by_path *entries, *by_path;
};

/* The state of a reading. */
struct reading {
    kin_manifest *manifest;
    const char *csv;
    size_t line;   /* records seen, the header included; names the place in messages */
    size_t column; /* of the record at hand */
    bool blank;    /* nothing but empty fields so far */
    kin_status status;
    kin_error *err;
};

static bool grow(void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return true;
    size_t wanted = *capacity > 0 ? *capacity * 2 : 1024;
    while (wanted < needed)
        wanted *= 2;
    void *larger = reallocarray(*array, wanted, size);
    if (larger == NULL)
        return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

static kin_status add_cell(struct reading *reading, const char *value, size_t size)
{
    kin_manifest *manifest = reading->manifest;
    if (size > KIN_MANIFEST_FIELD_MAX)
        return kin_fail(reading->err, KIN_E_LIMIT, reading->csv,
                        "line %zu: a field is longer than %d bytes", reading->line,
                        KIN_MANIFEST_FIELD_MAX);
    if (!grow((void **)&manifest->text, &manifest->text_capacity, manifest->text_size + size + 1,
              1) ||
        !grow((void **)&manifest->cells, &manifest->cell_capacity, manifest->cell_count + 1,
              sizeof(size_t)))
        return kin_fail(reading->err, KIN_E_NOMEM, reading->csv, "no memory for the manifest");
    manifest->cells[manifest->cell_count++] = manifest->text_size;
    memcpy(manifest->text + manifest->text_size, value, size);
    manifest->text[manifest->text_size + size] = '\0';
    manifest->text_size += size + 1;
    return KIN_OK;
}

static void on_field(void *field, size_t size, void *ctx)
{
    struct reading *reading = ctx;
    kin_manifest *manifest = reading->manifest;
    if (reading->status != KIN_OK)
        return;
    size_t limit = manifest->columns > 0 ? manifest->columns : KIN_MANIFEST_COLUMNS_MAX;
    if (reading->column >= limit) {
        reading->status =
            kin_fail(reading->err, KIN_E_FORMAT, reading->csv,
                     "line %zu: more fields than the header's %zu columns", reading->line, limit);
        return;
    }
    const char *text = field != NULL ? field : "";
    size_t length = strnlen(text, size); /* a NUL inside ends the field */
    /* A byte-order mark before the first column's name is not part of it. */
    if (manifest->cell_count == 0 && length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    reading->status = add_cell(reading, text, length);
    reading->column++;
    reading->blank = reading->blank && length == 0;
}

static void end_header(struct reading *reading)
{
    kin_manifest *manifest = reading->manifest;
    manifest->columns = reading->column;
    manifest->path_column = kin_manifest_find_column(manifest, "path");
    if (manifest->path_column < 0)
        reading->status = kin_fail(reading->err, KIN_E_FORMAT, reading->csv,
                                   "line 1: the header has no column `path`");
}

static void on_record(int end, void *ctx)
{
    struct reading *reading = ctx;
    kin_manifest *manifest = reading->manifest;
    (void)end;
    if (reading->status == KIN_OK && manifest->columns == 0) {
        end_header(reading);
    } else if (reading->status == KIN_OK && reading->blank) {
        manifest->cell_count -= reading->column; /* an empty line is no row */
    } else if (reading->status == KIN_OK) {
        while (reading->status == KIN_OK && reading->column < manifest->columns) {
            reading->status = add_cell(reading, "", 0);
            reading->column++;
        }
        if (++manifest->rows > KIN_MANIFEST_ROWS_MAX)
            reading->status = kin_fail(reading->err, KIN_E_LIMIT, reading->csv, "more than %d rows",
                                       KIN_MANIFEST_ROWS_MAX);
    }
    reading->line++;
    reading->column = 0;
    reading->blank = true;
}

static kin_status parse(FILE *file, struct reading *reading)
{
    struct csv_parser parser;
    char *buf = malloc(READ_BYTES);
    /* Strict: a quote out of place is a mistake to tell, not to guess at. */
    if (buf == NULL || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0) {
        free(buf);
        return kin_fail(reading->err, KIN_E_NOMEM, reading->csv, "no memory to read the manifest");
    }
    size_t got;
    while (reading->status == KIN_OK && (got = fread(buf, 1, READ_BYTES, file)) > 0)
        if (csv_parse(&parser, buf, got, on_field, on_record, reading) != got &&
            reading->status == KIN_OK)
            reading->status = kin_fail(reading->err, KIN_E_FORMAT, reading->csv, "line %zu: %s",
                                       reading->line, csv_strerror(csv_error(&parser)));
    if (reading->status == KIN_OK && ferror(file))
        reading->status = kin_fail(reading->err, KIN_E_IO, reading->csv, "cannot read");
    if (reading->status == KIN_OK && csv_fini(&parser, on_field, on_record, reading) != 0)
        reading->status = kin_fail(reading->err, KIN_E_FORMAT, reading->csv,
                                   "line %zu: a quote has no end", reading->line);
    csv_free(&parser);
    free(buf);
    return reading->status;
}

/* The file a row is about: relative to the CSV's folder, links resolved where the file exists. */
static char *resolve(const char *folder, const char *path)
{
    char joined[PATH_MAX], resolved[PATH_MAX];
    if (path[0] == '/')
        snprintf(joined, sizeof joined, "%s", path);
    else if (snprintf(joined, sizeof joined, "%s/%s", folder, path) >= (int)sizeof joined)
        return strdup(path); /* too long for any file */
    return strdup(realpath(joined, resolved) != NULL ? resolved : joined);
}

static kin_status resolve_paths(kin_manifest *manifest, const char *csv, kin_error *err)
{
    char folder[PATH_MAX];
    if (realpath(csv, folder) == NULL)
        return kin_fail_errno(err, csv, "cannot resolve the path");
    *strrchr(folder, '/') = '\0';
    manifest->folder = strdup(folder);
    if (manifest->folder == NULL)
        return kin_fail(err, KIN_E_NOMEM, csv, "no memory for a path");
    manifest->paths = calloc(manifest->rows > 0 ? manifest->rows : 1, sizeof *manifest->paths);
    manifest->entries = calloc(manifest->rows > 0 ? manifest->rows : 1, sizeof *manifest->entries);
    if (manifest->paths == NULL || manifest->entries == NULL)
        return kin_fail(err, KIN_E_NOMEM, csv, "no memory for %zu rows", manifest->rows);
    for (size_t row = 0; row < manifest->rows; row++) {
        struct by_path *entry = &manifest->entries[row], *earlier = NULL;
        manifest->paths[row] = resolve(
            folder, kin_manifest_value_borrow(manifest, row, (size_t)manifest->path_column));
        if (manifest->paths[row] == NULL)
            return kin_fail(err, KIN_E_NOMEM, csv, "no memory for %zu rows", manifest->rows);
        entry->path = manifest->paths[row];
        entry->row = (long)row;
        HASH_FIND(hh, manifest->by_path, entry->path, strlen(entry->path), earlier);
        if (earlier != NULL)
            HASH_DEL(manifest->by_path, earlier);
        HASH_ADD_KEYPTR(hh, manifest->by_path, entry->path, strlen(entry->path), entry);
    }
    return KIN_OK;
}

kin_status kin_manifest_read(const char *csv, kin_manifest **out, kin_error *err)
{
    kin_manifest *manifest = calloc(1, sizeof *manifest);
    if (manifest == NULL)
        return kin_fail(err, KIN_E_NOMEM, csv, "no memory for the manifest");
    struct reading reading = {
        .manifest = manifest, .csv = csv, .line = 1, .blank = true, .status = KIN_OK, .err = err};
    FILE *file = fopen(csv, "re");
    kin_status status =
        file != NULL ? parse(file, &reading) : kin_fail_errno(err, csv, "cannot open the manifest");
    if (file != NULL)
        fclose(file);
    if (status == KIN_OK && manifest->columns == 0)
        status = kin_fail(err, KIN_E_FORMAT, csv, "the manifest is empty");
    if (status == KIN_OK)
        status = resolve_paths(manifest, csv, err);
    if (status != KIN_OK) {
        kin_manifest_free(manifest);
        return status;
    }
    *out = manifest;
    return KIN_OK;
}

void kin_manifest_free(kin_manifest *manifest)
{
    if (manifest == NULL)
        return;
    HASH_CLEAR(hh, manifest->by_path);
    for (size_t row = 0; manifest->paths != NULL && row < manifest->rows; row++)
        free(manifest->paths[row]);
    free(manifest->paths);
    free(manifest->folder);
    free(manifest->entries);
    free(manifest->cells);
    free(manifest->text);
    free(manifest);
}

size_t kin_manifest_rows(const kin_manifest *manifest)
{
    return manifest->rows;
}

size_t kin_manifest_columns(const kin_manifest *manifest)
{
    return manifest->columns;
}

const char *kin_manifest_column_borrow(const kin_manifest *manifest, size_t column)
{
    return manifest->text + manifest->cells[column];
}

const char *kin_manifest_value_borrow(const kin_manifest *manifest, size_t row, size_t column)
{
    return manifest->text + manifest->cells[(row + 1) * manifest->columns + column];
}

const char *kin_manifest_path_borrow(const kin_manifest *manifest, size_t row)
{
    return manifest->paths[row];
}

int kin_manifest_find_column(const kin_manifest *manifest, const char *name)
{
    for (size_t column = 0; column < manifest->columns; column++)
        if (strcmp(kin_manifest_column_borrow(manifest, column), name) == 0)
            return (int)column;
    return -1;
}

kin_status kin_manifest_resolve(const kin_manifest *manifest, const char *path, char buf[PATH_MAX],
                                kin_error *err)
{
    int length = path[0] == '/' ? snprintf(buf, PATH_MAX, "%s", path)
                                : snprintf(buf, PATH_MAX, "%s/%s", manifest->folder, path);
    return length >= 0 && length < PATH_MAX ? KIN_OK
                                            : kin_fail(err, KIN_E_ARG, path, "path is too long");
}

long kin_manifest_find_path(const kin_manifest *manifest, const char *path)
{
    struct by_path *entry = NULL;
    HASH_FIND(hh, manifest->by_path, path, strlen(path), entry);
    return entry != NULL ? entry->row : -1;
}
