#include "slide/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 512 /* pixels a side: small tiles are read several at once */ };

/* A pass over one level. */
typedef struct pass {
    kin_survey *survey;
    kin_slide *slide;
    size_t level;
    const kin_slide_level *at;
    int *cell_of_column; /* for each pixel of a block's row: its column of cells */
} pass;

static kin_status survey_init(kin_survey *out, const kin_slide_info *info, double tile_um,
                              kin_error *err)
{
    const kin_slide_level *l = &info->levels[0];
    double across = ceil((double)l->width * l->mpp_x / tile_um);
    double down = ceil((double)l->height * l->mpp_y / tile_um);
    if (!(across * down <= KIN_SURVEY_TILES_MAX))
        return kin_fail(err, KIN_E_LIMIT, NULL, "a slide of %.3g tiles is over the limit of %d",
                        across * down, KIN_SURVEY_TILES_MAX);
    *out = (kin_survey){.tile_um = tile_um,
                        .across = across < 1 ? 1 : (int)across,
                        .down = down < 1 ? 1 : (int)down,
                        .channels = info->channels};
    out->columns = out->across * KIN_SURVEY_CELLS;
    out->rows = out->down * KIN_SURVEY_CELLS;
    size_t cells = (size_t)out->columns * (size_t)out->rows;
    size_t tiles = (size_t)out->across * (size_t)out->down;
    out->rgb = calloc(cells, 3 * sizeof *out->rgb);
    out->pixels = calloc(cells, sizeof *out->pixels);
    out->histograms = calloc(tiles, KIN_SURVEY_BINS * sizeof *out->histograms);
    if (out->rgb == NULL || out->pixels == NULL || out->histograms == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to survey a slide");
    return KIN_OK;
}

void kin_survey_release(kin_survey *survey)
{
    free(survey->rgb);
    free(survey->pixels);
    free(survey->histograms);
    *survey = (kin_survey){0};
}

/* The cell that the centre of a pixel lies in. */
static int cell_of(const kin_survey *survey, int64_t pixel, double mpp, int cells)
{
    double at = ((double)pixel + 0.5) * mpp / survey->tile_um * KIN_SURVEY_CELLS;
    return at < cells ? (int)at : cells - 1;
}

static int bin_of(float v)
{
    int bin = (int)(v * KIN_SURVEY_LEVELS);
    return bin < 0 ? 0 : bin >= KIN_SURVEY_LEVELS ? KIN_SURVEY_LEVELS - 1 : bin;
}

/* Adds `count` neighbouring pixels of one cell. */
static void add_run(kin_survey *survey, const float *px, int channels, int count, int column,
                    int row)
{
    size_t cell = (size_t)row * (size_t)survey->columns + (size_t)column;
    size_t tile = (size_t)(row / KIN_SURVEY_CELLS) * (size_t)survey->across +
                  (size_t)(column / KIN_SURVEY_CELLS);
    float *histogram = survey->histograms + tile * KIN_SURVEY_BINS;
    for (int c = 0; c < 3; c++) {
        const float *v = px + (channels == 3 ? c : 0);
        float sum = 0;
        for (int i = 0; i < count; i++, v += channels) {
            sum += *v;
            histogram[c * KIN_SURVEY_LEVELS + bin_of(*v)] += 1;
        }
        survey->rgb[3 * cell + (size_t)c] += sum;
    }
    survey->pixels[cell] += (uint32_t)count;
}

/* Adds a block whose upper left pixel is (x, y) of the level. */
static void add_block(const pass *p, const kin_raster *block, int64_t x, int64_t y)
{
    kin_survey *survey = p->survey;
    for (int i = 0; i < block->width; i++)
        p->cell_of_column[i] = cell_of(survey, x + i, p->at->mpp_x, survey->columns);
    for (int j = 0; j < block->height; j++) {
        int row = cell_of(survey, y + j, p->at->mpp_y, survey->rows);
        const float *line = block->px + (size_t)j * (size_t)block->width * (size_t)block->channels;
        for (int i = 0, end; i < block->width; i = end) {
            for (end = i + 1; end < block->width && p->cell_of_column[end] == p->cell_of_column[i];)
                end++;
            add_run(survey, line + (size_t)i * (size_t)block->channels, block->channels, end - i,
                    p->cell_of_column[i], row);
        }
    }
}

/* The smallest multiple of a block of the file that is not tiny. */
static int block_side(int of_file)
{
    return of_file < BLOCK_MIN ? (BLOCK_MIN + of_file - 1) / of_file * of_file : of_file;
}

static int within(int64_t from, int side, int64_t length)
{
    return length - from < side ? (int)(length - from) : side;
}

static kin_status look_over(pass *p, const kin_slide_watch *watch, kin_error *err)
{
    const kin_slide_level *l = p->at;
    int wide = block_side(l->block_width), high = block_side(l->block_height);
    kin_status status = KIN_OK;
    p->cell_of_column = calloc((size_t)wide, sizeof *p->cell_of_column);
    if (p->cell_of_column == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to survey a slide");
    for (int64_t y = 0; status == KIN_OK && y < l->height; y += high)
        for (int64_t x = 0; status == KIN_OK && x < l->width; x += wide) {
            int width = within(x, wide, l->width), height = within(y, high, l->height);
            kin_raster block;
            if (!kin_slide_has(p->slide, p->level, x, y, width, height))
                continue;
            status = kin_slide_read(p->slide, p->level, x, y, width, height, &block, err);
            if (status != KIN_OK)
                break;
            add_block(p, &block, x, y);
            kin_raster_release(&block);
            if (watch != NULL)
                status = watch->step(watch->ctx, err);
        }
    free(p->cell_of_column);
    return status;
}

/* Sums to means, counts to shares. */
static void normalise(kin_survey *survey)
{
    size_t cells = (size_t)survey->columns * (size_t)survey->rows;
    size_t tiles = (size_t)survey->across * (size_t)survey->down;
    for (size_t i = 0; i < cells; i++)
        for (size_t c = 0; survey->pixels[i] > 0 && c < 3; c++)
            survey->rgb[3 * i + c] /= (float)survey->pixels[i];
    for (size_t i = 0; i < tiles; i++) {
        float *h = survey->histograms + i * KIN_SURVEY_BINS, sum = 0;
        for (size_t b = 0; b < KIN_SURVEY_BINS; b++)
            sum += h[b];
        for (size_t b = 0; sum > 0 && b < KIN_SURVEY_BINS; b++)
            h[b] /= sum;
    }
}

kin_status kin_survey_make(kin_slide *slide, double tile_um, const kin_slide_watch *watch,
                           kin_survey *out, kin_error *err)
{
    const kin_slide_info *info = kin_slide_info_borrow(slide);
    size_t level = kin_slide_level_for(info, tile_um / KIN_SURVEY_CELLS / KIN_SURVEY_FINENESS);
    pass p = {.survey = out, .slide = slide, .level = level, .at = &info->levels[level]};
    *out = (kin_survey){0};
    kin_status status = survey_init(out, info, tile_um, err);
    if (status == KIN_OK)
        status = look_over(&p, watch, err);
    if (status == KIN_OK)
        normalise(out);
    else
        kin_survey_release(out);
    return status;
}
