#include "slide/tissue.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image/colour.h"

enum {
    BINS = 256,
    PART_MIN = KIN_SURVEY_CELLS * KIN_SURVEY_CELLS / 4 /* cells of a part that is kept */
};

float kin_otsu(const float *values, size_t count)
{
    size_t histogram[BINS] = {0};
    double total = 0, below = 0, best = 0;
    size_t below_count = 0;
    int at = -1;
    for (size_t i = 0; i < count; i++) {
        int bin = (int)(values[i] * BINS);
        histogram[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
    }
    for (int b = 0; b < BINS; b++)
        total += (double)b * (double)histogram[b];
    for (int b = 0; b < BINS - 1; b++) {
        below_count += histogram[b];
        below += (double)b * (double)histogram[b];
        if (below_count == 0 || below_count == count)
            continue;
        double above_count = (double)(count - below_count);
        double apart = below / (double)below_count - (total - below) / above_count;
        double between = (double)below_count * above_count * apart * apart;
        if (between > best) {
            best = between;
            at = b;
        }
    }
    return (float)(at + 1) / BINS;
}

static float clamp(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

static size_t cells_of(const kin_survey *survey)
{
    return (size_t)survey->columns * (size_t)survey->rows;
}

/* What a colour slide's cells are told apart by; *count values of the cells that were seen, packed
 * into values. */
static void gather(const kin_survey *survey, float *values, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < cells_of(survey); i++) {
        float hsv[3];
        if (survey->pixels[i] == 0)
            continue;
        kin_rgb_to_hsv(survey->rgb + 3 * i, hsv);
        values[(*count)++] = survey->channels == 3 ? hsv[1] : survey->rgb[3 * i];
    }
}

static void mark_colour(const kin_survey *survey, float threshold, uint8_t *mask)
{
    threshold = clamp(threshold, KIN_TISSUE_SATURATION_MIN, KIN_TISSUE_SATURATION_MAX);
    for (size_t i = 0; i < cells_of(survey); i++) {
        float hsv[3];
        kin_rgb_to_hsv(survey->rgb + 3 * i, hsv);
        mask[i] = survey->pixels[i] > 0 && hsv[1] > threshold && hsv[2] > KIN_TISSUE_BLACK;
    }
}

/* The class that fewer cells of the slide's own edge belong to is tissue; where the two are not far
 * enough apart, nothing is. */
static void mark_grey(const kin_survey *survey, float threshold, uint8_t *mask)
{
    double sum[2] = {0}, count[2] = {0};
    size_t bright_edge = 0, edge = 0;
    for (size_t i = 0; i < cells_of(survey); i++) {
        int x = (int)(i % (size_t)survey->columns), y = (int)(i / (size_t)survey->columns);
        bool bright = survey->rgb[3 * i] > threshold;
        if (survey->pixels[i] == 0)
            continue;
        sum[bright] += (double)survey->rgb[3 * i];
        count[bright] += 1;
        if (x == 0 || y == 0 || x == survey->columns - 1 || y == survey->rows - 1) {
            edge++;
            bright_edge += bright;
        }
    }
    bool apart = count[0] > 0 && count[1] > 0 &&
                 sum[1] / count[1] - sum[0] / count[0] > (double)KIN_TISSUE_CONTRAST_MIN;
    bool dark_tissue = 2 * bright_edge > edge;
    for (size_t i = 0; i < cells_of(survey); i++)
        mask[i] = apart && survey->pixels[i] > 0 && (survey->rgb[3 * i] > threshold) != dark_tissue;
}

/* Each cell goes with the majority of its neighbourhood, itself included. */
static void smooth(const kin_survey *survey, const uint8_t *mask, uint8_t *out)
{
    int w = survey->columns, h = survey->rows;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int in = 0, all = 0;
            for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < h; v++)
                for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < w; u++) {
                    size_t at = (size_t)v * (size_t)w + (size_t)u;
                    all += survey->pixels[at] > 0;
                    in += mask[at];
                }
            size_t at = (size_t)y * (size_t)w + (size_t)x;
            out[at] = survey->pixels[at] > 0 && 2 * in > all;
        }
}

/* Marks the part that cell `seed` belongs to with `mark`, by its four neighbours; returns its size.
 * stack has room for every cell. */
static size_t fill(uint8_t *mask, int w, int h, size_t seed, uint8_t from, uint8_t mark,
                   uint32_t *stack)
{
    size_t size = 0, top = 0;
    stack[top++] = (uint32_t)seed;
    mask[seed] = mark;
    while (top > 0) {
        uint32_t at = stack[--top];
        int x = (int)(at % (uint32_t)w), y = (int)(at / (uint32_t)w);
        size++;
        const struct {
            bool there;
            size_t cell;
        } next[4] = {{x > 0, at - 1u},
                     {x < w - 1, at + 1u},
                     {y > 0, at - (size_t)w},
                     {y < h - 1, at + (size_t)w}};
        for (int i = 0; i < 4; i++)
            if (next[i].there && mask[next[i].cell] == from) {
                mask[next[i].cell] = mark;
                stack[top++] = (uint32_t)next[i].cell;
            }
    }
    return size;
}

/* Drops parts that are too small; where all are, the largest stays. */
static void drop_specks(uint8_t *mask, int w, int h, uint32_t *stack)
{
    enum { RAW = 1, SEEN = 2, KEPT = 3 };
    size_t cells = (size_t)w * (size_t)h, largest = 0, largest_seed = 0;
    bool any = false;
    for (size_t i = 0; i < cells; i++) {
        if (mask[i] != RAW)
            continue;
        size_t size = fill(mask, w, h, i, RAW, SEEN, stack);
        if (size > largest) {
            largest = size;
            largest_seed = i;
        }
        if (size >= PART_MIN) {
            fill(mask, w, h, i, SEEN, KEPT, stack);
            any = true;
        }
    }
    if (!any && largest > 0)
        fill(mask, w, h, largest_seed, SEEN, KEPT, stack);
    for (size_t i = 0; i < cells; i++)
        mask[i] = mask[i] == KEPT;
}

kin_status kin_tissue_find(const kin_survey *survey, uint8_t **out, kin_error *err)
{
    size_t cells = cells_of(survey), seen;
    uint8_t *raw = malloc(cells), *mask = malloc(cells);
    float *values = malloc(cells * sizeof *values);
    kin_status status = KIN_OK;
    *out = NULL;
    if (raw == NULL || mask == NULL || values == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to find tissue");
        goto end;
    }
    gather(survey, values, &seen);
    float threshold = kin_otsu(values, seen);
    if (survey->channels == 3)
        mark_colour(survey, threshold, raw);
    else
        mark_grey(survey, threshold, raw);
    smooth(survey, raw, mask);
    free(values);
    values = NULL;
    uint32_t *stack = malloc(cells * sizeof *stack);
    if (stack == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to find tissue");
        goto end;
    }
    drop_specks(mask, survey->columns, survey->rows, stack);
    free(stack);
    *out = mask;
    mask = NULL;
end:
    free(raw);
    free(mask);
    free(values);
    return status;
}
