#include "image/phash.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
