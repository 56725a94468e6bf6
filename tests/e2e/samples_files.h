/* samples_files.h - files, folders and the manifest, for the test of data-samples. */
#ifndef KIN_TEST_SAMPLES_FILES_H
#define KIN_TEST_SAMPLES_FILES_H

#include <stdbool.h>
#include <stddef.h>

enum { SAMPLES_COLUMNS = 24, SAMPLES_PATH_MAX = 4096 };

typedef struct samples_table {
    char **cells; /* rows * columns; row 0 is the header */
    size_t rows, columns;
} samples_table;

/* Reads a CSV file whose rows are all as long as its first; fails the test where it is not so. */
void samples_table_read(samples_table *table, const char *path);
void samples_table_release(samples_table *table);

/* A cell of data row `row` (from 1) by its column's name; fails the test where there is none. */
const char *samples_cell(const samples_table *table, size_t row, const char *column);

typedef struct samples_bytes {
    void *data; /* from malloc */
    size_t size;
} samples_bytes;

/* A whole file; fails the test where it cannot be read. */
samples_bytes samples_read(const char *folder, const char *name);

/* Counts the regular files below folder whose names end in `suffix`, and adds up all files' bytes. */
void samples_measure(const char *folder, const char *suffix, size_t *count, size_t *bytes);

/* Makes a new folder for this test and writes its name; samples_remove() deletes it and all in it. */
void samples_make_folder(char *path, size_t size);
void samples_remove(const char *folder);

/* Runs a program with one argument and waits: its exit status, or -1. */
int samples_run(const char *program, const char *argument);

#endif
