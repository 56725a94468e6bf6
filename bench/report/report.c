#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 32, CELL_SIZE = 128 };

/* --- tables --- */

static void format_grouped(char *out, size_t size, double value)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", fabs(value));
    size_t at = 0;
    if (value < 0 && at + 1 < size)
        out[at++] = '-';
    for (int i = 0; i < length && at + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void format_bytes(char *out, size_t size, double value)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1000;
    snprintf(out, size, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void format_cell(char out[CELL_SIZE], const json_t *row, const bench_column *column)
{
    const json_t *value = json_object_get(row, column->key);
    if (json_is_string(value))
        snprintf(out, CELL_SIZE, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(out, CELL_SIZE, "%s", json_is_true(value) ? "yes" : "no");
    else if (!json_is_number(value))
        snprintf(out, CELL_SIZE, "-");
    else if (column->form == BENCH_GROUPED)
        format_grouped(out, CELL_SIZE, json_number_value(value));
    else if (column->form == BENCH_BYTES)
        format_bytes(out, CELL_SIZE, json_number_value(value));
    else
        snprintf(out, CELL_SIZE, "%.*f", column->decimals, json_number_value(value));
}

/* Characters of UTF-8: what a column's width is counted in. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void print_cell(FILE *out, const char *text, int width, const bench_column *column,
                       bool last)
{
    int padding = width - width_of(text);
    if (column->form == BENCH_TEXT)
        fprintf(out, "%s%*s", text, last ? 0 : padding, "");
    else
        fprintf(out, "%*s%s", padding, "", text);
    fputs(last ? "\n" : "  ", out);
}

void bench_table_print(FILE *out, const char *title, const json_t *rows,
                       const bench_column *columns, size_t column_count)
{
    char cell[CELL_SIZE];
    int widths[COLUMNS_MAX] = {0};
    size_t index;
    const json_t *row;
    if (column_count > COLUMNS_MAX)
        column_count = COLUMNS_MAX;
    for (size_t c = 0; c < column_count; c++)
        widths[c] = width_of(columns[c].head);
    json_array_foreach(rows, index, row) for (size_t c = 0; c < column_count; c++)
    {
        format_cell(cell, row, &columns[c]);
        if (width_of(cell) > widths[c])
            widths[c] = width_of(cell);
    }
    fprintf(out, "%s\n", title);
    for (size_t c = 0; c < column_count; c++)
        print_cell(out, columns[c].head, widths[c], &columns[c], c + 1 == column_count);
    json_array_foreach(rows, index, row) for (size_t c = 0; c < column_count; c++)
    {
        format_cell(cell, row, &columns[c]);
        print_cell(out, cell, widths[c], &columns[c], c + 1 == column_count);
    }
}

kin_status bench_json_write(const json_t *json, const char *path, kin_error *err)
{
    errno = 0;
    return json_dump_file(json, path, JSON_INDENT(2)) == 0
               ? KIN_OK
               : kin_fail_errno(err, path, "cannot write");
}

/* --- numbers --- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_percentile(double *values, size_t count, double share)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, by_value);
    size_t rank = (size_t)ceil(share * (double)count);
    return values[rank > 0 ? (rank <= count ? rank - 1 : count - 1) : 0];
}

/* --- memory --- */

/* A field of /proc/self/status, in bytes. */
static size_t read_status(const char *field)
{
    char line[256];
    size_t kilobytes = 0, length = strlen(field);
    FILE *in = fopen("/proc/self/status", "re");
    while (in != NULL && kilobytes == 0 && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, field, length) == 0 && line[length] == ':')
            kilobytes = strtoull(line + length + 1, NULL, 10);
    if (in != NULL)
        fclose(in);
    return kilobytes * 1024;
}

size_t bench_memory_anonymous(void)
{
    return read_status("RssAnon");
}

size_t bench_memory_file(void)
{
    return read_status("RssFile") + read_status("RssShmem");
}

size_t bench_memory_peak(void)
{
    return read_status("VmHWM");
}

bool bench_memory_peak_reset(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "we");
    if (out == NULL)
        return false;
    bool written = fputs("5", out) >= 0;
    return fclose(out) == 0 && written;
}
