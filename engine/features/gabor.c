/*
 * Gabor energies: the magnitudes of complex Gabor filters (Daugman, J Opt Soc Am A 2, 1985; for
 * retrieval Manjunath and Ma, PAMI 18, 1996), in 6 directions at 4 octaves, averaged over a 4 x 4
 * grid as in Oliva and Torralba's "gist" (Int J Comput Vis 42, 2001).
 */
#include "features/gabor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/families.h"
#include "features/scale.h"
#include "features/view.h"

enum { TAPS = 2 * KIN_GABOR_RADIUS + 1 };
enum { OCTAVES = 4, DIRECTIONS = 6, GRID = 4, LENGTH = OCTAVES * DIRECTIONS * GRID * GRID };

static const double WAVELENGTH = 4, SIGMA = 2;

void kin_gabor_init(kin_gabor *gabor, double wavelength, double sigma, double angle)
{
    double sum = 0, dc_x = 0, dc_y = 0;
    for (int k = -KIN_GABOR_RADIUS; k <= KIN_GABOR_RADIUS; k++)
        sum += exp(-k * k / (2 * sigma * sigma));
    for (int k = -KIN_GABOR_RADIUS; k <= KIN_GABOR_RADIUS; k++) {
        double g = exp(-k * k / (2 * sigma * sigma)) / sum;
        double px = 2 * M_PI * k * cos(angle) / wavelength;
        double py = 2 * M_PI * k * sin(angle) / wavelength;
        int i = k + KIN_GABOR_RADIUS;
        gabor->gauss[i] = (float)g;
        gabor->cos_x[i] = (float)(g * cos(px));
        gabor->sin_x[i] = (float)(g * sin(px));
        gabor->cos_y[i] = (float)(g * cos(py));
        gabor->sin_y[i] = (float)(g * sin(py));
        dc_x += g * cos(px);
        dc_y += g * cos(py);
    }
    gabor->dc = (float)(dc_x * dc_y); /* the sines are odd and sum to 0 */
}

/* Three one-dimensional filters along a row at once: cosine, sine and Gaussian. */
static void filter_row(const kin_gabor *gabor, const float *padded, int n, float *real, float *imag,
                       float *blur)
{
    memset(real, 0, (size_t)n * sizeof(float));
    memset(imag, 0, (size_t)n * sizeof(float));
    memset(blur, 0, (size_t)n * sizeof(float));
    for (int k = 0; k < TAPS; k++) {
        const float *in = padded + k;
        float c = gabor->cos_x[k], s = gabor->sin_x[k], g = gabor->gauss[k];
        for (int x = 0; x < n; x++) {
            real[x] += c * in[x];
            imag[x] += s * in[x];
            blur[x] += g * in[x];
        }
    }
}

/* One output row: columns of the three filtered planes, combined as complex numbers. */
static void filter_columns(const kin_gabor *gabor, const float *scratch, int w, int h, int y,
                           float *out)
{
    size_t plane = (size_t)w * (size_t)h;
    float real[KIN_VIEW_SIDE] = {0}, imag[KIN_VIEW_SIDE] = {0};
    for (int k = 0; k < TAPS; k++) {
        int from = y + k - KIN_GABOR_RADIUS;
        from = from < 0 ? 0 : from >= h ? h - 1 : from;
        const float *re = scratch + (size_t)from * (size_t)w, *im = re + plane, *blur = im + plane;
        float c = gabor->cos_y[k], s = gabor->sin_y[k], flat = gabor->gauss[k] * gabor->dc;
        for (int x = 0; x < w; x++) {
            real[x] += c * re[x] - s * im[x] - flat * blur[x];
            imag[x] += s * re[x] + c * im[x];
        }
    }
    for (int x = 0; x < w; x++)
        out[x] = sqrtf(real[x] * real[x] + imag[x] * imag[x]);
}

void kin_gabor_magnitude(const kin_gabor *gabor, const kin_raster *image, float *scratch,
                         float *out)
{
    int w = image->width, h = image->height;
    size_t plane = (size_t)w * (size_t)h;
    float padded[KIN_VIEW_SIDE + 2 * KIN_GABOR_RADIUS] = {0};
    for (int y = 0; y < h; y++) {
        const float *row = image->px + (size_t)y * (size_t)w;
        for (int i = 0; i < w + 2 * KIN_GABOR_RADIUS; i++) {
            int x = i - KIN_GABOR_RADIUS;
            padded[i] = row[x < 0 ? 0 : x >= w ? w - 1 : x];
        }
        float *to = scratch + (size_t)y * (size_t)w;
        filter_row(gabor, padded, w, to, to + plane, to + 2 * plane);
    }
    for (int y = 0; y < h; y++)
        filter_columns(gabor, scratch, w, h, y, out + (size_t)y * (size_t)w);
}

/* Means of a side x side plane over the grid. */
static void pool(const float *plane, int side, float *out)
{
    int cell = side / GRID;
    memset(out, 0, GRID * GRID * sizeof(float));
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++)
            out[y / cell * GRID + x / cell] += plane[y * side + x];
    }
    for (int i = 0; i < GRID * GRID; i++)
        out[i] = kin_signed_sqrt(out[i] / (float)(cell * cell));
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    enum { PLANE = KIN_VIEW_SIDE * KIN_VIEW_SIDE };
    float *scratch = calloc(4 * PLANE, sizeof *scratch);
    kin_status status = KIN_OK;
    if (scratch == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for Gabor filters");
    for (int octave = 0; status == KIN_OK && octave < OCTAVES; octave++) {
        int side = KIN_VIEW_SIDE >> octave;
        kin_raster image;
        status = kin_raster_resample(&view->square, side, side, &image, err);
        for (int d = 0; status == KIN_OK && d < DIRECTIONS; d++, out += GRID * GRID) {
            kin_gabor gabor;
            kin_gabor_init(&gabor, WAVELENGTH, SIGMA, M_PI * d / DIRECTIONS);
            kin_gabor_magnitude(&gabor, &image, scratch, scratch + 3 * PLANE);
            pool(scratch + 3 * PLANE, side, out);
        }
        kin_raster_release(&image);
    }
    free(scratch);
    return status;
}

const kin_family kin_family_gabor = {
    .name = "gabor",
    .version = 1,
    .length = LENGTH,
    .weight = 1.0f,
    .describe = describe,
};
