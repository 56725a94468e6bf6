#include "samples_files.h"

#include <csv.h>
#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "shared_data.h"

extern char **environ;

enum { FILE_LIMIT = 16 << 20, OPEN_FOLDERS = 16 };

typedef struct reading {
    samples_table *table;
    size_t cells, room, column;
} reading;

static void take_cell(void *text, size_t length, void *context)
{
    reading *r = context;
    if (r->cells == r->room) {
        r->room = 2 * r->room + 256;
        r->table->cells = realloc(r->table->cells, r->room * sizeof *r->table->cells);
        assert_non_null(r->table->cells);
    }
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    r->table->cells[r->cells++] = copy;
    r->column++;
}

static void take_row(int end, void *context)
{
    (void)end;
    reading *r = context;
    if (r->table->rows == 0)
        r->table->columns = r->column;
    assert_int_equal(r->column, r->table->columns);
    r->table->rows++;
    r->column = 0;
}

void samples_table_read(samples_table *table, const char *path)
{
    *table = (samples_table){0};
    reading r = {.table = table};
    samples_bytes file = samples_read(path, NULL);
    struct csv_parser parser;
    assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI), 0);
    assert_int_equal(csv_parse(&parser, file.data, file.size, take_cell, take_row, &r), file.size);
    assert_int_equal(csv_fini(&parser, take_cell, take_row, &r), 0);
    csv_free(&parser);
    free(file.data);
}

void samples_table_release(samples_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
}

const char *samples_cell(const samples_table *table, size_t row, const char *column)
{
    for (size_t i = 0; i < table->columns; i++)
        if (strcmp(table->cells[i], column) == 0)
            return table->cells[row * table->columns + i];
    fail_msg("the manifest has no column %s", column);
    return NULL;
}

samples_bytes samples_read(const char *folder, const char *name)
{
    char path[SAMPLES_PATH_MAX];
    snprintf(path, sizeof path, "%s%s%s", folder, name != NULL ? "/" : "",
             name != NULL ? name : "");
    samples_bytes file = {0};
    kin_error err;
    if (kin_fs_read_file(kin_fs_posix(), path, FILE_LIMIT, &file.data, &file.size, &err) != KIN_OK)
        fail_msg("%s: %s", path, err.message);
    return file;
}

/* nftw() has no context argument; a test is one thread. */
static struct {
    const char *suffix;
    size_t count, bytes;
} measured;

static int measure_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)where;
    if (kind == FTW_F) {
        size_t length = strlen(path), suffix = strlen(measured.suffix);
        measured.bytes += (size_t)info->st_size;
        measured.count += length > suffix && strcmp(path + length - suffix, measured.suffix) == 0;
    }
    return 0;
}

void samples_measure(const char *folder, const char *suffix, size_t *count, size_t *bytes)
{
    measured.suffix = suffix;
    measured.count = measured.bytes = 0;
    assert_int_equal(nftw(folder, measure_one, OPEN_FOLDERS, FTW_PHYS), 0);
    *count = measured.count;
    *bytes = measured.bytes;
}

void samples_make_folder(char *path, size_t size)
{
    const char *root = getenv("TMPDIR");
    snprintf(path, size, "%s/kindred-samples-XXXXXX", root != NULL ? root : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void samples_remove(const char *folder)
{
    nftw(folder, remove_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
}

int samples_run(const char *program, const char *argument)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    pid_t child;
    int status;
    if (posix_spawn(&child, program, NULL, NULL, argv, environ) != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
