#include "image/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* While a polygon is filled, this bit of a pixel says that an edge crosses its row on its left. */
enum { EDGE_FLAG = 2 };

kin_status kin_mask_init(kin_mask *mask, int width, int height, kin_error *err)
{
    size_t bytes;
    memset(mask, 0, sizeof *mask);
    if (width <= 0 || height <= 0 || !kin_mul_size((size_t)width, (size_t)height, &bytes))
        return kin_fail(err, KIN_E_LIMIT, NULL, "mask of %d x %d pixels", width, height);
    mask->in = calloc(bytes, 1);
    if (mask->in == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %d x %d pixels", width, height);
    mask->width = width;
    mask->height = height;
    return KIN_OK;
}

void kin_mask_release(kin_mask *mask)
{
    free(mask->in);
    memset(mask, 0, sizeof *mask);
}

size_t kin_mask_area(const kin_mask *mask)
{
    size_t n = (size_t)mask->width * (size_t)mask->height, area = 0;
    for (size_t i = 0; i < n; i++)
        area += mask->in[i];
    return area;
}

bool kin_mask_box(const kin_mask *mask, kin_box *out)
{
    int left = mask->width, right = -1, top = -1, bottom = -1;
    size_t w = (size_t)mask->width;
    *out = (kin_box){0};
    for (int y = 0; y < mask->height; y++) {
        const uint8_t *row = mask->in + (size_t)y * w;
        const uint8_t *first = memchr(row, 1, w);
        if (first == NULL)
            continue;
        int from = (int)(first - row), to = mask->width - 1;
        while (row[to] == 0)
            to--;
        left = from < left ? from : left;
        right = to > right ? to : right;
        top = top < 0 ? y : top;
        bottom = y;
    }
    if (right < 0)
        return false;
    *out = (kin_box){left, top, right - left + 1, bottom - top + 1};
    return true;
}

/* [*from, *to) becomes what start and length have within [0, limit). */
static void clip(int start, int length, int limit, int *from, int *to)
{
    long long end = (long long)start + length;
    *from = start > 0 ? start : 0;
    *to = end < limit ? (int)(end > 0 ? end : 0) : limit;
}

void kin_mask_add_box(kin_mask *mask, kin_box box)
{
    int left, right, top, bottom;
    clip(box.x, box.width, mask->width, &left, &right);
    clip(box.y, box.height, mask->height, &top, &bottom);
    for (int y = top; y < bottom && left < right; y++)
        memset(mask->in + (size_t)y * (size_t)mask->width + left, 1, (size_t)(right - left));
}

/* The first of `count` pixels in a row or column whose centre is not before `at`, or count. */
static int first_centre(double at, int count)
{
    double index = ceil(at - 0.5);
    return index <= 0 ? 0 : index >= count ? count : (int)index;
}

/* Flags, in every row that the edge crosses, the first pixel that lies to the right of it. */
static void flag_edge(kin_mask *mask, const double *a, const double *b)
{
    /* From the upper end, whichever way it is drawn: a shared edge must fall alike for both. */
    if (a[1] > b[1]) {
        const double *swap = a;
        a = b;
        b = swap;
    }
    int top = first_centre(a[1], mask->height), bottom = first_centre(b[1], mask->height);
    double slope = (b[0] - a[0]) / (b[1] - a[1]); /* not used where the edge crosses no row */
    for (int y = top; y < bottom; y++) {
        int x = first_centre(a[0] + (y + 0.5 - a[1]) * slope, mask->width);
        if (x < mask->width)
            mask->in[(size_t)y * (size_t)mask->width + (size_t)x] ^= EDGE_FLAG;
    }
}

static bool is_drawable(const double *xy, size_t count)
{
    for (size_t i = 0; i < 2 * count; i++)
        if (!(fabs(xy[i]) <= KIN_MASK_COORDINATE_MAX))
            return false;
    return count >= 3;
}

/* Edge flags, then one pass over the rows: the work is that of the outline and the pixels, however
 * the edges cross each other, and needs no memory (Ackland and Weste, "The edge flag algorithm",
 * IEEE Transactions on Computers C-30, 1981). */
void kin_mask_add_polygon(kin_mask *mask, const double *xy, size_t count)
{
    if (!is_drawable(xy, count))
        return;
    double upper = xy[1], lower = xy[1];
    for (size_t i = 0; i < count; i++) {
        const double *from = xy + 2 * i, *to = xy + 2 * (i + 1 < count ? i + 1 : 0);
        flag_edge(mask, from, to);
        upper = fmin(upper, from[1]);
        lower = fmax(lower, from[1]);
    }
    int top = first_centre(upper, mask->height), bottom = first_centre(lower, mask->height);
    for (int y = top; y < bottom; y++) {
        uint8_t *row = mask->in + (size_t)y * (size_t)mask->width, inside = 0;
        for (int x = 0; x < mask->width; x++) {
            inside ^= row[x] / EDGE_FLAG;
            row[x] = (row[x] ^ inside) & 1;
        }
    }
}

/* out: how many rows each pixel is from the nearest one inside in its own column, or infinity. */
static void distance_in_columns(const kin_mask *mask, float *out)
{
    size_t w = (size_t)mask->width, n = w * (size_t)mask->height;
    for (size_t i = 0; i < n; i++)
        out[i] = mask->in[i] ? 0 : i >= w ? out[i - w] + 1 : INFINITY;
    for (size_t i = n - w; i-- > 0;)
        out[i] = fminf(out[i], out[i + w] + 1);
}

/* Scratch of one row's pass. */
typedef struct kin_envelope {
    double *height; /* of each pixel's parabola at its apex; mm^2 */
    double *from;   /* where each parabola of the envelope begins to be the lowest; mm */
    int *apex;      /* the pixel it belongs to */
} kin_envelope;

/* Where the parabola of pixel q comes to lie below that of pixel p, p < q. */
static double crossing(const kin_envelope *e, int p, int q, double step)
{
    double a = p * step, b = q * step;
    return ((e->height[q] + b * b) - (e->height[p] + a * a)) / (2 * (b - a));
}

/* Replaces the row's column distances by squared distances in the plane: the lower envelope of the
 * parabolas over its pixels. */
static void distance_in_row(float *row, int width, double step_x, double step_y, kin_envelope *e)
{
    int count = 0;
    for (int q = 0; q < width; q++) {
        double away = row[q] * step_y;
        e->height[q] = away * away;
        if (isinf(row[q]))
            continue;
        double from = -INFINITY;
        while (count > 0) {
            from = crossing(e, e->apex[count - 1], q, step_x);
            if (from > e->from[count - 1])
                break;
            count--;
            from = -INFINITY;
        }
        e->apex[count] = q;
        e->from[count++] = from;
    }
    for (int x = 0, k = 0; x < width && count > 0; x++) {
        while (k + 1 < count && e->from[k + 1] < x * step_x)
            k++;
        double across = (x - e->apex[k]) * step_x;
        row[x] = (float)(across * across + e->height[e->apex[k]]);
    }
}

kin_status kin_mask_distance(const kin_mask *mask, double spacing_x_mm, double spacing_y_mm,
                             float *out, kin_error *err)
{
    bool in_mm =
        spacing_x_mm > 0 && spacing_y_mm > 0 && isfinite(spacing_x_mm) && isfinite(spacing_y_mm);
    size_t w = (size_t)mask->width;
    kin_envelope e = {.height = calloc(w, sizeof *e.height),
                      .from = calloc(w, sizeof *e.from),
                      .apex = calloc(w, sizeof *e.apex)};
    kin_status status = KIN_OK;
    if (e.height == NULL || e.from == NULL || e.apex == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for distances");
    } else {
        distance_in_columns(mask, out);
        for (int y = 0; y < mask->height; y++)
            distance_in_row(out + (size_t)y * w, mask->width, in_mm ? spacing_x_mm : 1,
                            in_mm ? spacing_y_mm : 1, &e);
    }
    free(e.height);
    free(e.from);
    free(e.apex);
    return status;
}
