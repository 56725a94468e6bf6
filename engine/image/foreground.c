#include "image/foreground.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Detection runs on a reduced copy of at most this many pixels a side. */
enum { PREVIEW_SIDE = 128 };

enum { LEVELS = 64 };

/* The share of edge pixels, and the width of levels around their mode, that make a background. */
static const double BACKGROUND_SHARE = 0.4;
static const float BACKGROUND_BAND = 0.08f;

/* Parts smaller than this fraction of the largest one are letters, markers, noise. */
static const double PART_SHARE = 0.1;

/* A foreground below this share of the image is not believed. */
static const double FOREGROUND_SHARE = 0.02;

/* Margin around the foreground, as a fraction of its size. */
static const double MARGIN = 0.02;

struct part {
    int area;
    int left, top, right, bottom; /* inclusive */
};

/* Finds the commonest level along the image's edge; false when no level is common enough. */
static bool background_level(const kin_raster *image, float *level)
{
    int histogram[LEVELS] = {0}, count = 0, best = 0;
    int w = image->width, h = image->height;
    for (int y = 0; y < h; y++) {
        int step = y == 0 || y == h - 1 || w == 1 ? 1 : w - 1;
        for (int x = 0; x < w; x += step, count++) {
            float v = fminf(fmaxf(image->px[(size_t)y * (size_t)w + (size_t)x], 0), 1);
            histogram[(int)(v * (LEVELS - 1) + 0.5f)]++;
        }
    }
    for (int i = 1; i < LEVELS; i++) {
        if (histogram[i] > histogram[best])
            best = i;
    }
    int reach = (int)(BACKGROUND_BAND * LEVELS / 2 + 0.5f), near = 0;
    for (int i = best - reach; i <= best + reach; i++) {
        if (i >= 0 && i < LEVELS)
            near += histogram[i];
    }
    *level = (float)best / (LEVELS - 1);
    return near >= BACKGROUND_SHARE * count;
}

/* Marks the connected part (4 neighbours) around a pixel with 2 and measures it. */
static struct part flood(uint8_t *mask, int w, int h, int start, int *stack)
{
    struct part part = {0, w, h, -1, -1};
    int depth = 0;
    mask[start] = 2;
    stack[depth++] = start;
    while (depth > 0) {
        int at = stack[--depth], x = at % w, y = at / w;
        part.area++;
        part.left = x < part.left ? x : part.left;
        part.right = x > part.right ? x : part.right;
        part.top = y < part.top ? y : part.top;
        part.bottom = y > part.bottom ? y : part.bottom;
        const int next[4] = {x > 0 ? at - 1 : -1, x < w - 1 ? at + 1 : -1, y > 0 ? at - w : -1,
                             y < h - 1 ? at + w : -1};
        for (int k = 0; k < 4; k++) {
            if (next[k] >= 0 && mask[next[k]] == 1) {
                mask[next[k]] = 2;
                stack[depth++] = next[k];
            }
        }
    }
    return part;
}

/* The union of the large parts of mask (w x h, 1 = foreground; used up).  stack, parts: n
 * entries. */
static struct part large_parts(uint8_t *mask, int w, int h, int *stack, struct part *parts)
{
    int count = 0, largest = 0;
    for (int i = 0; i < w * h; i++) {
        if (mask[i] != 1)
            continue;
        parts[count] = flood(mask, w, h, i, stack);
        if (parts[count].area > largest)
            largest = parts[count].area;
        count++;
    }
    struct part all = {0, w, h, -1, -1};
    for (int i = 0; i < count; i++) {
        if (parts[i].area < PART_SHARE * largest)
            continue;
        all.area += parts[i].area;
        all.left = parts[i].left < all.left ? parts[i].left : all.left;
        all.top = parts[i].top < all.top ? parts[i].top : all.top;
        all.right = parts[i].right > all.right ? parts[i].right : all.right;
        all.bottom = parts[i].bottom > all.bottom ? parts[i].bottom : all.bottom;
    }
    return all;
}

/* [first, last] of `small` samples, with the margin, as a range of `large` samples. */
static void scale_range(int first, int last, int small, int large, int *start, int *length)
{
    double scale = (double)large / small, margin = MARGIN * (last - first + 1);
    double low = floor((first - margin) * scale), high = ceil((last + 1 + margin) * scale);
    int begin = low > 0 ? (int)low : 0;
    int end = high < large ? (int)high : large;
    *start = begin;
    *length = end - begin;
}

static kin_status find_in_preview(const kin_raster *preview, float level, struct part *found,
                                  kin_error *err)
{
    size_t n = (size_t)preview->width * (size_t)preview->height;
    uint8_t *mask = calloc(n, 1);
    int *stack = malloc(n * sizeof *stack);
    struct part *parts = malloc(n * sizeof *parts);
    kin_status status = KIN_OK;
    if (mask == NULL || stack == NULL || parts == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to find the foreground");
    } else {
        for (size_t i = 0; i < n; i++)
            mask[i] = fabsf(preview->px[i] - level) > BACKGROUND_BAND;
        *found = large_parts(mask, preview->width, preview->height, stack, parts);
    }
    free(parts);
    free(stack);
    free(mask);
    return status;
}

kin_status kin_foreground_box(const kin_raster *raster, kin_box *box, kin_error *err)
{
    kin_raster small = {0}, preview = {0};
    struct part found = {0};
    float level;
    *box = (kin_box){0, 0, raster->width, raster->height};
    int w = raster->width < PREVIEW_SIDE ? raster->width : PREVIEW_SIDE;
    int h = raster->height < PREVIEW_SIDE ? raster->height : PREVIEW_SIDE;
    kin_status status = kin_raster_resample(raster, w, h, &small, err);
    if (status == KIN_OK)
        status = kin_raster_grey(&small, &preview, err);
    if (status != KIN_OK || !background_level(&preview, &level))
        goto end;
    status = find_in_preview(&preview, level, &found, err);
    if (status != KIN_OK || found.area < FOREGROUND_SHARE * w * h)
        goto end;
    scale_range(found.left, found.right, w, raster->width, &box->x, &box->width);
    scale_range(found.top, found.bottom, h, raster->height, &box->y, &box->height);
end:
    kin_raster_release(&preview);
    kin_raster_release(&small);
    return status;
}

/* Widens [*start, *start + *length) about its centre to `wanted`, within [0, limit). */
static void widen(int *start, int *length, double wanted, int limit)
{
    int to = wanted < limit ? (int)wanted : limit;
    if (to <= *length)
        return;
    int begin = *start - (to - *length) / 2;
    *start = begin < 0 ? 0 : begin > limit - to ? limit - to : begin;
    *length = to;
}

kin_box kin_box_towards_square(kin_box box, int width, int height, double aspect)
{
    double across = box.width * aspect, down = box.height;
    if (across < down)
        widen(&box.x, &box.width, down / aspect, width);
    else
        widen(&box.y, &box.height, across, height);
    return box;
}
