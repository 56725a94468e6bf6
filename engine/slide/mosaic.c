#include "slide/mosaic.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "slide/kmeans.h"
#include "slide/tissue.h"

static const float tissue_enough = 0.5f; /* of a tile's cells */
static const float tissue_some = 0.5f;   /* of the best tile's, where none has enough */
static const double micrometres_per_mm = 1000;
static const uint64_t seed = 0x6b696e6472656421u; /* any, but always the same */

static kin_mosaic_options effective(const kin_mosaic_options *given)
{
    kin_mosaic_options o = given != NULL ? *given : (kin_mosaic_options){0};
    if (!(o.mpp > 0))
        o.mpp = KIN_MOSAIC_MPP;
    if (o.side < 1)
        o.side = KIN_MOSAIC_SIDE;
    if (!(o.share > 0))
        o.share = KIN_MOSAIC_SHARE;
    if (o.colours == 0)
        o.colours = KIN_MOSAIC_COLOURS;
    if (o.most == 0)
        o.most = KIN_MOSAIC_MOST;
    return o;
}

static float tissue_of(const kin_survey *survey, const uint8_t *mask, int column, int row)
{
    size_t in = 0;
    for (int y = 0; y < KIN_SURVEY_CELLS; y++)
        for (int x = 0; x < KIN_SURVEY_CELLS; x++)
            in += mask[(size_t)(row * KIN_SURVEY_CELLS + y) * (size_t)survey->columns +
                       (size_t)(column * KIN_SURVEY_CELLS + x)];
    return (float)in / (KIN_SURVEY_CELLS * KIN_SURVEY_CELLS);
}

/* Lists the tiles with enough tissue; where none has, those with the most. */
static kin_status list_candidates(const kin_survey *survey, kin_mosaic_tile **out, size_t *count,
                                  kin_error *err)
{
    uint8_t *mask = NULL;
    float most = 0;
    size_t tiles = (size_t)survey->across * (size_t)survey->down;
    *count = 0;
    *out = calloc(tiles, sizeof **out);
    if (*out == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    kin_status status = kin_tissue_find(survey, &mask, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < tiles; i++)
        most = fmaxf(most, tissue_of(survey, mask, (int)(i % (size_t)survey->across),
                                     (int)(i / (size_t)survey->across)));
    float enough = most >= tissue_enough ? tissue_enough : most * tissue_some;
    for (size_t i = 0; most > 0 && i < tiles; i++) {
        int column = (int)(i % (size_t)survey->across), row = (int)(i / (size_t)survey->across);
        float tissue = tissue_of(survey, mask, column, row);
        if (tissue >= enough)
            (*out)[(*count)++] = (kin_mosaic_tile){.column = column, .row = row, .tissue = tissue};
    }
    free(mask);
    if (*count == 0)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "a slide without tissue");
    return KIN_OK;
}

/* Room for grouping `count` points. */
typedef struct bench {
    float *points, *centres;
    uint32_t *groups;
} bench;

static kin_status bench_init(bench *b, size_t count, size_t dim, kin_error *err)
{
    b->points = calloc(count, dim * sizeof *b->points);
    b->centres = calloc(count, dim * sizeof *b->centres);
    b->groups = calloc(count, sizeof *b->groups);
    if (b->points == NULL || b->centres == NULL || b->groups == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    return KIN_OK;
}

static void bench_release(bench *b)
{
    free(b->points);
    free(b->centres);
    free(b->groups);
}

static kin_status group_colours(const kin_survey *survey, kin_mosaic_tile *tiles, size_t count,
                                size_t colours, kin_error *err)
{
    bench b = {0};
    kin_status status = bench_init(&b, count, KIN_SURVEY_BINS, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        size_t at = (size_t)tiles[i].row * (size_t)survey->across + (size_t)tiles[i].column;
        for (size_t k = 0; k < KIN_SURVEY_BINS; k++)
            b.points[i * KIN_SURVEY_BINS + k] = sqrtf(survey->histograms[at * KIN_SURVEY_BINS + k]);
    }
    if (status == KIN_OK)
        status = kin_kmeans(b.points, count, KIN_SURVEY_BINS, colours < count ? colours : count,
                            seed, b.groups, b.centres, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        tiles[i].colour = b.groups[i];
    bench_release(&b);
    return status;
}

/* Of tiles of one colour, which `members` are indices of, marks `keep` that lie apart. */
static kin_status keep_apart(const kin_mosaic_tile *tiles, const size_t *members, size_t count,
                             size_t keep, bool *kept, kin_error *err)
{
    bench b = {0};
    kin_status status = bench_init(&b, count, 2, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        b.points[2 * i] = (float)tiles[members[i]].column;
        b.points[2 * i + 1] = (float)tiles[members[i]].row;
    }
    if (status == KIN_OK)
        status = kin_kmeans(b.points, count, 2, keep, seed, b.groups, b.centres, err);
    for (size_t g = 0; status == KIN_OK && g < keep; g++) {
        size_t best = SIZE_MAX;
        double least = INFINITY;
        for (size_t i = 0; i < count; i++) {
            double d = kin_squared_distance(b.points + 2 * i, b.centres + 2 * g, 2);
            if (b.groups[i] == g && d < least) {
                least = d;
                best = i;
            }
        }
        if (best != SIZE_MAX)
            kept[members[best]] = true;
    }
    bench_release(&b);
    return status;
}

/* The share of every colour's tiles that is kept. */
static double share_kept(const kin_mosaic_options *o, size_t count)
{
    double share = o->share;
    if (share * (double)count < KIN_MOSAIC_LEAST)
        share = (double)KIN_MOSAIC_LEAST / (double)count;
    if (share * (double)count > (double)o->most)
        share = (double)o->most / (double)count;
    return fmin(share, 1);
}

static kin_status choose(const kin_mosaic_options *o, const kin_mosaic_tile *tiles, size_t count,
                         bool *kept, kin_error *err)
{
    kin_status status = KIN_OK;
    double share = share_kept(o, count);
    size_t *members = calloc(count, sizeof *members);
    if (members == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    for (size_t colour = 0; status == KIN_OK && colour < o->colours; colour++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (tiles[i].colour == colour)
                members[n++] = i;
        size_t keep = (size_t)fmax(1, round(share * (double)n));
        if (n > 0)
            status = keep_apart(tiles, members, n, keep < n ? keep : n, kept, err);
    }
    free(members);
    return status;
}

/* Leaves of the candidates those that stand for all. */
static kin_status thin(const kin_survey *survey, kin_mosaic *mosaic, kin_error *err)
{
    bool *kept = calloc(mosaic->count, sizeof *kept);
    kin_status status = KIN_OK;
    size_t left = 0;
    if (kept == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    mosaic->candidates = mosaic->count;
    status = group_colours(survey, mosaic->tiles, mosaic->count, mosaic->options.colours, err);
    if (status == KIN_OK)
        status = choose(&mosaic->options, mosaic->tiles, mosaic->count, kept, err);
    for (size_t i = 0; i < mosaic->count; i++)
        if (kept[i])
            mosaic->tiles[left++] = mosaic->tiles[i];
    mosaic->count = left;
    free(kept);
    return status;
}

static kin_status one_tile(kin_mosaic *mosaic, kin_error *err)
{
    mosaic->tiles = calloc(1, sizeof *mosaic->tiles);
    if (mosaic->tiles == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    mosaic->count = mosaic->candidates = 1;
    mosaic->tiles[0].tissue = 1;
    return KIN_OK;
}

kin_status kin_mosaic_make(kin_slide *slide, const kin_mosaic_options *options,
                           const kin_slide_watch *watch, kin_mosaic *out, kin_error *err)
{
    const kin_slide_level *finest = &kin_slide_info_borrow(slide)->levels[0];
    kin_survey survey = {0};
    *out = (kin_mosaic){.options = effective(options)};
    double tile_um = out->options.mpp * out->options.side;
    if (fmax(finest->mpp_x, finest->mpp_y) > KIN_MOSAIC_COARSEST * out->options.mpp)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "a slide of %.3g micrometres a pixel is too coarse to be searched",
                        fmax(finest->mpp_x, finest->mpp_y));
    if ((double)finest->width * finest->mpp_x <= tile_um &&
        (double)finest->height * finest->mpp_y <= tile_um)
        return one_tile(out, err);
    kin_status status = kin_survey_make(slide, tile_um, watch, &survey, err);
    if (status == KIN_OK)
        status = list_candidates(&survey, &out->tiles, &out->count, err);
    if (status == KIN_OK)
        status = thin(&survey, out, err);
    kin_survey_release(&survey);
    if (status != KIN_OK)
        kin_mosaic_release(out);
    return status;
}

void kin_mosaic_release(kin_mosaic *mosaic)
{
    free(mosaic->tiles);
    *mosaic = (kin_mosaic){0};
}

kin_status kin_mosaic_read(kin_slide *slide, const kin_mosaic *mosaic, size_t index,
                           kin_raster *out, kin_mosaic_place *place, kin_error *err)
{
    const kin_slide_level *finest = &kin_slide_info_borrow(slide)->levels[0];
    const kin_mosaic_tile *tile = &mosaic->tiles[index];
    double side_um = mosaic->options.mpp * mosaic->options.side;
    double x_um = tile->column * side_um, y_um = tile->row * side_um;
    size_t level = 0;
    kin_status status =
        kin_slide_read_square(slide, x_um, y_um, side_um, mosaic->options.mpp, out, &level, err);
    if (status == KIN_OK && place != NULL)
        *place = (kin_mosaic_place){.x = (int64_t)llround(x_um / finest->mpp_x),
                                    .y = (int64_t)llround(y_um / finest->mpp_y),
                                    .level = level,
                                    .mpp = fmax(out->spacing_x_mm, out->spacing_y_mm) *
                                           micrometres_per_mm};
    return status;
}
