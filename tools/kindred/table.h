/*
 * table.h - tables for people: columns aligned, fitted to the terminal's width.
 *
 * Cells hold raw text; it is made safe when printed (text.h). On a terminal the widest text
 * columns are cut with an ellipsis until a line fits; elsewhere (a pipe, a file) only columns with
 * a `max` are cut.
 */
#ifndef KINDRED_TABLE_H
#define KINDRED_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum kin_column_kind {
    KIN_COLUMN_TEXT,   /* to the left, cut at its end */
    KIN_COLUMN_PATH,   /* to the left, cut at its start */
    KIN_COLUMN_NUMBER, /* to the right, never cut */
    KIN_COLUMN_NAME    /* to the left, never cut */
} kin_column_kind;

typedef struct kin_column {
    const char *heading; /* NULL in every column: no line of headings */
    size_t max;          /* never wider than this; 0: no bound */
    kin_column_kind kind;
    bool hide_if_empty; /* left out when every cell is empty */
} kin_column;

typedef struct kin_table kin_table;

/* columns: borrowed for the table's life.  NULL without memory; a cell that finds no memory is
 * remembered and makes kin_table_print() fail, so that callers need not check each. */
kin_table *kin_table_new(const kin_column *columns, size_t count);
void kin_table_free(kin_table *table);

/* Adds the next cell, row by row; NULL counts as "". */
void kin_table_cell(kin_table *table, const char *text);
void kin_table_cellf(kin_table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints; width: columns of the terminal, 0 for as many as it takes.  False when memory ran out
 * (nothing is printed) or the table is NULL. */
bool kin_table_print(const kin_table *table, FILE *out, size_t width);

/* Columns of the terminal that `out` is, 0 when it is none. */
size_t kin_terminal_width(FILE *out);

#endif
