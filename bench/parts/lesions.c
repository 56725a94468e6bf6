#include "lesions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/manifest.h"

/* Pixels a side of mini-MIAS's films, which roi.csv counts in. */
static const double FILM_SIDE = 1024;

void bench_lesions_release(bench_lesions *lesions)
{
    free(lesions->list);
    *lesions = (bench_lesions){0};
}

static const char *value(const kin_manifest *table, size_t row, const char *column)
{
    int at = kin_manifest_find_column(table, column);
    return at >= 0 ? kin_manifest_value_borrow(table, row, (size_t)at) : "";
}

static double number(const kin_manifest *table, size_t row, const char *column)
{
    return strtod(value(table, row, column), NULL);
}

/* Reads a table, and each of its rows by fill. */
static kin_status read_table(const char *csv, const char *data,
                             kin_status (*fill)(const kin_manifest *table, size_t row,
                                                const char *data, bench_lesion *out,
                                                kin_error *err),
                             bench_lesions *out, kin_error *err)
{
    kin_manifest *table = NULL;
    *out = (bench_lesions){0};
    kin_status status = kin_manifest_read(csv, &table, err);
    if (status != KIN_OK)
        return status;
    size_t rows = kin_manifest_rows(table);
    out->list = calloc(rows > 0 ? rows : 1, sizeof *out->list);
    if (out->list == NULL)
        status = kin_fail(err, KIN_E_NOMEM, csv, "no memory for lesions");
    for (; status == KIN_OK && out->count < rows; out->count++)
        status = fill(table, out->count, data, &out->list[out->count], err);
    kin_manifest_free(table);
    if (status != KIN_OK)
        bench_lesions_release(out);
    return status;
}

static kin_status fill_brain(const kin_manifest *table, size_t row, const char *data,
                             bench_lesion *out, kin_error *err)
{
    (void)err;
    snprintf(out->path, sizeof out->path, "%.2000s/%.2000s", data, value(table, row, "path"));
    snprintf(out->kind, sizeof out->kind, "%s", value(table, row, "kind"));
    snprintf(out->patient, sizeof out->patient, "%zu", row);
    out->x = number(table, row, "x");
    out->y = number(table, row, "y");
    out->radius_x = number(table, row, "radius_x");
    out->radius_y = number(table, row, "radius_y");
    return KIN_OK;
}

static kin_status fill_film(const kin_manifest *table, size_t row, const char *data,
                            bench_lesion *out, kin_error *err)
{
    static const char *const folders[] = {"benign", "malignant", "normal"};
    static const double smallest = 3; /* pixels of a film at half its size */
    const char *film = value(table, row, "film");
    double radius = number(table, row, "radius_px");
    size_t at = 0;
    do
        snprintf(out->path, sizeof out->path, "%.2000s/mammography/%s/%.64s.png", data, folders[at],
                 film);
    while (access(out->path, R_OK) != 0 && ++at < sizeof folders / sizeof folders[0]);
    if (access(out->path, R_OK) != 0)
        return kin_fail(err, KIN_E_NOT_FOUND, film, "there is no such film");
    snprintf(out->kind, sizeof out->kind, "%s", value(table, row, "abnormality"));
    /* mdb001 and mdb002 are the two breasts of one patient. */
    long pair = strlen(film) > 3 ? (strtol(film + 3, NULL, 10) + 1) / 2 : 0;
    snprintf(out->patient, sizeof out->patient, "%ld", pair);
    out->x = number(table, row, "x_px") / FILM_SIDE;
    out->y = number(table, row, "y_px_from_top") / FILM_SIDE;
    radius = radius > 2 * smallest ? radius : 2 * smallest;
    out->radius_x = out->radius_y = radius / FILM_SIDE;
    return KIN_OK;
}

kin_status bench_lesions_brain(const char *data, bench_lesions *out, kin_error *err)
{
    return read_table(BENCH_SOURCE_DIR "/parts/brain-lesions.csv", data, fill_brain, out, err);
}

kin_status bench_lesions_films(const char *data, bench_lesions *out, kin_error *err)
{
    char csv[PATH_MAX];
    snprintf(csv, sizeof csv, "%.4000s/mammography-roi/roi.csv", data);
    return read_table(csv, data, fill_film, out, err);
}
