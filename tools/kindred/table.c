#include "table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

enum {
    GAP = 2,           /* spaces between columns */
    NARROWEST = 8,     /* no column is cut below this */
    DEFAULT_WIDTH = 80 /* of a terminal that does not tell */
};

struct kin_table {
    const kin_column *columns;
    size_t column_count;
    char **cells;
    size_t cell_count, capacity;
    bool failed; /* a cell found no memory */
};

kin_table *kin_table_new(const kin_column *columns, size_t count)
{
    kin_table *table = calloc(1, sizeof *table);
    if (table != NULL) {
        table->columns = columns;
        table->column_count = count;
    }
    return table;
}

void kin_table_free(kin_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

/* Takes text, which is NULL when memory ran out. */
static void add(kin_table *table, char *text)
{
    if (text != NULL && table->cell_count == table->capacity) {
        size_t capacity = table->capacity > 0 ? table->capacity * 2 : 64;
        char **grown = reallocarray(table->cells, capacity, sizeof *grown);
        if (grown == NULL) {
            free(text);
            text = NULL;
        } else {
            table->cells = grown;
            table->capacity = capacity;
        }
    }
    if (text == NULL)
        table->failed = true;
    else
        table->cells[table->cell_count++] = text;
}

void kin_table_cell(kin_table *table, const char *text)
{
    if (table != NULL)
        add(table, strdup(text != NULL ? text : ""));
}

void kin_table_cellf(kin_table *table, const char *fmt, ...)
{
    if (table == NULL)
        return;
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    add(table, text);
}

static bool may_be_cut(const kin_column *column)
{
    return column->kind == KIN_COLUMN_TEXT || column->kind == KIN_COLUMN_PATH;
}

/* The width that a column's cells ask for; 0 hides it. */
static size_t natural_width(const kin_table *table, size_t column)
{
    const kin_column *spec = &table->columns[column];
    size_t width = 0;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        size_t cell = kin_text_width(table->cells[i]);
        width = cell > width ? cell : width;
    }
    if (width == 0 && spec->hide_if_empty)
        return 0;
    size_t heading = spec->heading != NULL ? kin_text_width(spec->heading) : 1;
    width = heading > width ? heading : width;
    return spec->max > 0 && width > spec->max ? spec->max : width;
}

/* Narrows the widest columns that may be cut until the line fits, or none can give any more. */
static void fit(const kin_table *table, size_t *widths, size_t terminal)
{
    size_t line = 0;
    for (size_t i = 0; i < table->column_count; i++)
        line += widths[i] > 0 ? widths[i] + (line > 0 ? GAP : 0) : 0;
    while (line > terminal) {
        size_t widest = SIZE_MAX;
        for (size_t i = 0; i < table->column_count; i++)
            if (may_be_cut(&table->columns[i]) && widths[i] > NARROWEST &&
                (widest == SIZE_MAX || widths[i] > widths[widest]))
                widest = i;
        if (widest == SIZE_MAX)
            return;
        widths[widest]--;
        line--;
    }
}

static void put_spaces(FILE *out, size_t count)
{
    for (; count > 0; count--)
        fputc(' ', out);
}

/* Prints one line of cells; nothing follows the last one. */
static void put_row(const kin_table *table, const size_t *widths, const char *const *cells,
                    FILE *out)
{
    size_t owed = 0; /* spaces before the next text */
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0)
            continue;
        const kin_column *column = &table->columns[i];
        size_t width = kin_text_width(cells[i]);
        width = width < widths[i] ? width : widths[i];
        size_t left = column->kind == KIN_COLUMN_NUMBER ? widths[i] - width : 0;
        if (width == 0) {
            owed += widths[i] + GAP;
            continue;
        }
        put_spaces(out, owed + left);
        width = kin_text_put_cut(out, cells[i], width,
                                 column->kind == KIN_COLUMN_PATH ? KIN_CUT_START : KIN_CUT_END);
        owed = GAP + (column->kind == KIN_COLUMN_NUMBER ? 0 : widths[i] - width);
    }
    fputc('\n', out);
}

bool kin_table_print(const kin_table *table, FILE *out, size_t width)
{
    if (table == NULL || table->failed)
        return false;
    size_t *widths = calloc(table->column_count, sizeof *widths);
    const char **headings = calloc(table->column_count, sizeof *headings);
    bool ok = widths != NULL && headings != NULL;
    if (!ok)
        goto out;
    bool headed = false;
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = natural_width(table, i);
        headings[i] = table->columns[i].heading != NULL ? table->columns[i].heading : "";
        headed = headed || headings[i][0] != '\0';
    }
    if (width > 0)
        fit(table, widths, width);
    if (headed)
        put_row(table, widths, headings, out);
    for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
        put_row(table, widths, (const char *const *)table->cells + i, out);
out:
    free(headings);
    free(widths);
    return ok;
}

size_t kin_terminal_width(FILE *out)
{
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd))
        return 0;
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return DEFAULT_WIDTH;
}
