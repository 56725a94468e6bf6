#include "image/phash.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image/write.h"

enum { SIDE = 32, KEPT = 8 };

/* Coefficient (u, v) at [v][u], counted from the first that is kept. */
typedef float spectrum[KEPT][KEPT];

/* Row u of the DCT-II's kept basis: cos(pi (2 x + 1)(u + 1) / (2 SIDE)). */
static void make_basis(float basis[KEPT][SIDE])
{
    for (int u = 0; u < KEPT; u++)
        for (int x = 0; x < SIDE; x++)
            basis[u][x] = (float)cos(M_PI * (2 * x + 1) * (u + 1) / (2.0 * SIDE));
}

/* Of SIDE x SIDE samples. */
static void transform(const float *px, spectrum out)
{
    float basis[KEPT][SIDE], across[SIDE][KEPT];
    make_basis(basis);
    for (int y = 0; y < SIDE; y++) {
        for (int u = 0; u < KEPT; u++) {
            float sum = 0;
            for (int x = 0; x < SIDE; x++)
                sum += px[y * SIDE + x] * basis[u][x];
            across[y][u] = sum;
        }
    }
    for (int v = 0; v < KEPT; v++) {
        for (int u = 0; u < KEPT; u++) {
            float sum = 0;
            for (int y = 0; y < SIDE; y++)
                sum += across[y][u] * basis[v][y];
            out[v][u] = sum;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static uint64_t hash_of(const spectrum values)
{
    float sorted[KEPT * KEPT];
    uint64_t hash = 0;
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, KEPT * KEPT, sizeof *sorted, by_value);
    float median = (sorted[KEPT * KEPT / 2 - 1] + sorted[KEPT * KEPT / 2]) / 2;
    for (int v = 0; v < KEPT; v++)
        for (int u = 0; u < KEPT; u++)
            hash |= (uint64_t)(values[v][u] > median) << (KEPT * v + u);
    return hash;
}

/* The spectrum of the picture mirrored (bit 0: left and right, bit 1: top and bottom) and then
 * transposed (bit 2).  Kept coefficients count from 1: those of even index are the odd ones. */
static uint64_t form_of(const spectrum values, int form)
{
    spectrum turned;
    for (int v = 0; v < KEPT; v++) {
        for (int u = 0; u < KEPT; u++) {
            bool negative = ((form & 1) && u % 2 == 0) != ((form & 2) && v % 2 == 0);
            float value = negative ? -values[v][u] : values[v][u];
            if (form & 4)
                turned[u][v] = value;
            else
                turned[v][u] = value;
        }
    }
    return hash_of(turned);
}

static kin_status spectrum_of(const kin_raster *raster, spectrum out, kin_error *err)
{
    kin_raster grey = {0}, small = {0};
    kin_status status = kin_raster_grey(raster, &grey, err);
    if (status == KIN_OK)
        status = kin_raster_resample(&grey, SIDE, SIDE, &small, err);
    if (status == KIN_OK)
        transform(small.px, out);
    kin_raster_release(&grey);
    kin_raster_release(&small);
    return status;
}

kin_status kin_phash(const kin_raster *raster, uint64_t *out, kin_error *err)
{
    spectrum values;
    kin_status status = spectrum_of(raster, values, err);
    if (status == KIN_OK)
        *out = hash_of(values);
    return status;
}

kin_status kin_phash_forms(const kin_raster *raster, uint64_t forms[KIN_PHASH_FORMS],
                           kin_error *err)
{
    spectrum values;
    kin_status status = spectrum_of(raster, values, err);
    for (int form = 0; status == KIN_OK && form < KIN_PHASH_FORMS; form++)
        forms[form] = form_of(values, form);
    return status;
}

/* --- any angle --- */

#define MIDDLE     0.5 /* of the side */
#define ANGLE_STEP (5 * M_PI / 180)
#define SIZE_STEP  1.0582 /* its fifth power is 4/3 */
#define CONTRAST   0.02   /* standard deviation of grey levels below which a middle is flat */

kin_status kin_phash_thumb_of(const kin_raster *raster, kin_phash_thumb *out, kin_error *err)
{
    kin_raster square = {0}, grey = {0}, small = {0};
    int side = raster->width < raster->height ? raster->width : raster->height;
    const kin_box middle = {(raster->width - side) / 2, (raster->height - side) / 2, side, side};
    kin_status status = kin_raster_crop(raster, middle, &square, err);
    if (status == KIN_OK)
        status = kin_raster_grey(&square, &grey, err);
    if (status == KIN_OK)
        status = kin_raster_resample(&grey, KIN_PHASH_THUMB, KIN_PHASH_THUMB, &small, err);
    if (status == KIN_OK)
        kin_image_quantise(small.px, sizeof out->px, out->px);
    kin_raster_release(&square);
    kin_raster_release(&grey);
    kin_raster_release(&small);
    return status;
}

/* Between four samples whose centres lie at (i + 0.5). */
static float sample(const kin_phash_thumb *thumb, float x, float y)
{
    const float last = KIN_PHASH_THUMB - 1.001f;
    x = fminf(fmaxf(x - 0.5f, 0), last);
    y = fminf(fmaxf(y - 0.5f, 0), last);
    int column = (int)x, row = (int)y;
    float right = x - (float)column, below = y - (float)row;
    const uint8_t *at = thumb->px + row * KIN_PHASH_THUMB + column;
    float above_row = (1 - right) * at[0] + right * at[1];
    float below_row = (1 - right) * at[KIN_PHASH_THUMB] + right * at[KIN_PHASH_THUMB + 1];
    return ((1 - below) * above_row + below * below_row) / 255;
}

/* The middle, as large as that share of the side, turned by the angle. */
static void look(const kin_phash_thumb *thumb, double share, double angle, float px[SIDE * SIDE])
{
    const double centre = KIN_PHASH_THUMB / 2.0, scale = share * KIN_PHASH_THUMB / SIDE;
    const float cosine = (float)(scale * cos(angle)), sine = (float)(scale * sin(angle));
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            float right = (float)x + 0.5f - SIDE / 2.0f, down = (float)y + 0.5f - SIDE / 2.0f;
            px[y * SIDE + x] = sample(thumb, (float)centre + cosine * right - sine * down,
                                      (float)centre + sine * right + cosine * down);
        }
    }
}

bool kin_phash_middle(const kin_phash_thumb *thumb, uint64_t *out)
{
    float px[SIDE * SIDE];
    double sum = 0, squares = 0;
    spectrum values;
    look(thumb, MIDDLE, 0, px);
    for (int i = 0; i < SIDE * SIDE; i++) {
        sum += px[i];
        squares += (double)px[i] * px[i];
    }
    double mean = sum / (SIDE * SIDE);
    transform(px, values);
    *out = hash_of(values);
    return squares / (SIDE * SIDE) - mean * mean > CONTRAST * CONTRAST;
}

void kin_phash_turned(const kin_phash_thumb *thumb, uint64_t out[KIN_PHASH_TURNED])
{
    float px[SIDE * SIDE];
    spectrum values;
    for (int angle = 0; angle < KIN_PHASH_ANGLES; angle++) {
        for (int size = 0; size < KIN_PHASH_SIZES; size++) {
            look(thumb, MIDDLE * pow(SIZE_STEP, size - KIN_PHASH_SIZES / 2),
                 (angle - KIN_PHASH_ANGLES / 2) * ANGLE_STEP, px);
            transform(px, values);
            for (int form = 0; form < KIN_PHASH_FORMS; form++)
                *out++ = form_of(values, form);
        }
    }
}
