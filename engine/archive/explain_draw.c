/* explain_draw.c - the picture of an explanation. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "archive/explain.h"
#include "image/heat.h"

enum { TILE = 256, GAP = 8, COLUMNS = 4 }; /* pixels; pictures in a row */

static const float BACKGROUND = 0.12f;

/* Puts a picture into the middle of a tile, as large as it fits. */
static kin_status put(const kin_raster *picture, int column, int row, kin_raster *sheet,
                      kin_error *err)
{
    double scale = (double)TILE / fmax(picture->width, picture->height);
    int width = (int)fmax(1, round(picture->width * scale));
    int height = (int)fmax(1, round(picture->height * scale));
    kin_raster fitted = {0};
    kin_status status = kin_raster_resample(picture, width, height, &fitted, err);
    int left = GAP + column * (TILE + GAP) + (TILE - width) / 2;
    int top = GAP + row * (TILE + GAP) + (TILE - height) / 2;
    for (int y = 0; status == KIN_OK && y < height; y++)
        for (int x = 0; x < width; x++) {
            const float *from =
                fitted.px + ((size_t)y * (size_t)width + (size_t)x) * (size_t)fitted.channels;
            float *to =
                sheet->px + 3 * ((size_t)(top + y) * (size_t)sheet->width + (size_t)(left + x));
            for (int c = 0; c < 3; c++)
                to[c] = from[fitted.channels == 3 ? c : 0];
        }
    kin_raster_release(&fitted);
    return status;
}

static kin_status put_heat(const kin_explained *one, const kin_explained *other, int column,
                           int row, kin_raster *sheet, kin_error *err)
{
    float falls[KIN_EXPLAIN_CELLS];
    kin_raster glowing = {0};
    kin_heat heat = {.x = one->x,
                     .y = one->y,
                     .width = one->width,
                     .height = one->height,
                     .side = KIN_EXPLAIN_GRID,
                     .values = falls,
                     .hottest = FLT_MIN}; /* nothing agrees: nothing glows */
    kin_explain_agreement(one, other, falls);
    for (int i = 0; i < KIN_EXPLAIN_CELLS; i++)
        heat.hottest = fmaxf(heat.hottest, falls[i]);
    kin_status status = kin_heat_draw(&one->picture, &heat, &glowing, err);
    if (status == KIN_OK)
        status = put(&glowing, column, row, sheet, err);
    kin_raster_release(&glowing);
    return status;
}

kin_status kin_explain_draw(const kin_explained *query, const kin_explained *results, size_t count,
                            kin_raster *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (count == 0 || count > KIN_EXPLAIN_RESULTS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "%zu results to draw, not 1 to %d", count,
                        KIN_EXPLAIN_RESULTS_MAX);
    int rows = (int)count;
    kin_status status =
        kin_raster_init(out, GAP + COLUMNS * (TILE + GAP), GAP + rows * (TILE + GAP), 3, err);
    for (size_t i = 0; status == KIN_OK && i < (size_t)out->width * (size_t)out->height * 3; i++)
        out->px[i] = BACKGROUND;
    for (int row = 0; status == KIN_OK && row < rows; row++) {
        status = put(&query->picture, 0, row, out, err);
        if (status == KIN_OK)
            status = put_heat(query, &results[row], 1, row, out, err);
        if (status == KIN_OK)
            status = put_heat(&results[row], query, 2, row, out, err);
        if (status == KIN_OK)
            status = put(&results[row].picture, 3, row, out, err);
    }
    if (status != KIN_OK)
        kin_raster_release(out);
    return status;
}
