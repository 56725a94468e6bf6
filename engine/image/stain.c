#include "image/stain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/colour.h"

enum { H, E, SWEEPS = 32 };

struct kin_stain_sample {
    float (*density)[3];
    size_t count;
    size_t stride, skipped; /* every stride-th stained pixel is kept */
};

kin_status kin_stain_sample_new(kin_stain_sample **out, kin_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out != NULL) {
        (*out)->density = calloc(KIN_STAIN_PIXELS_MAX, sizeof *(*out)->density);
        (*out)->stride = 1;
        if ((*out)->density != NULL)
            return KIN_OK;
    }
    free(*out);
    *out = NULL;
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a sample of stains");
}

void kin_stain_sample_free(kin_stain_sample *sample)
{
    if (sample == NULL)
        return;
    free(sample->density);
    free(sample);
}

static void density_of(const float rgb[3], float density[3])
{
    for (int c = 0; c < 3; c++)
        density[c] = -log10f(fminf(fmaxf(rgb[c], KIN_OD_FLOOR), 1));
}

/* Where the sample is full every second pixel goes, and half as many come. */
static void thin(kin_stain_sample *sample)
{
    for (size_t i = 0; 2 * i < sample->count; i++)
        memcpy(sample->density[i], sample->density[2 * i], sizeof sample->density[i]);
    sample->count = (sample->count + 1) / 2;
    sample->stride *= 2;
}

void kin_stain_sample_add(kin_stain_sample *sample, const kin_raster *raster)
{
    size_t count = (size_t)raster->width * (size_t)raster->height;
    for (size_t i = 0; raster->channels == 3 && i < count; i++) {
        float d[3];
        density_of(raster->px + 3 * i, d);
        if (d[0] < KIN_STAIN_DENSITY_MIN && d[1] < KIN_STAIN_DENSITY_MIN &&
            d[2] < KIN_STAIN_DENSITY_MIN)
            continue;
        if (++sample->skipped < sample->stride)
            continue;
        sample->skipped = 0;
        if (sample->count == KIN_STAIN_PIXELS_MAX)
            thin(sample);
        memcpy(sample->density[sample->count++], d, sizeof d);
    }
}

static void covariance(const kin_stain_sample *sample, double out[3][3])
{
    double mean[3] = {0}, n = (double)sample->count;
    for (size_t i = 0; i < sample->count; i++)
        for (int a = 0; a < 3; a++)
            mean[a] += (double)sample->density[i][a] / n;
    memset(out, 0, 9 * sizeof(double));
    for (size_t i = 0; i < sample->count; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                out[a][b] += ((double)sample->density[i][a] - mean[a]) *
                             ((double)sample->density[i][b] - mean[b]) / n;
}

/* Turns the plane of axes p and q so that m[p][q] vanishes (Jacobi, 1846). */
static void rotate(double m[3][3], double vectors[3][3], int p, int q)
{
    if (m[p][q] == 0)
        return;
    double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < 3; k++) {
        double kp = m[k][p], kq = m[k][q];
        m[k][p] = c * kp - s * kq;
        m[k][q] = s * kp + c * kq;
    }
    for (int k = 0; k < 3; k++) {
        double pk = m[p][k], qk = m[q][k];
        m[p][k] = c * pk - s * qk;
        m[q][k] = s * pk + c * qk;
        double vp = vectors[k][p], vq = vectors[k][q];
        vectors[k][p] = c * vp - s * vq;
        vectors[k][q] = s * vp + c * vq;
    }
}

/* The two eigenvectors of a symmetric matrix with the largest eigenvalues, the larger first. */
static void main_plane(double m[3][3], double plane[2][3])
{
    double vectors[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        rotate(m, vectors, 0, 1);
        rotate(m, vectors, 0, 2);
        rotate(m, vectors, 1, 2);
    }
    int order[3] = {0, 1, 2};
    for (int i = 0; i < 2; i++)
        for (int j = i + 1; j < 3; j++)
            if (m[order[j]][order[j]] > m[order[i]][order[i]]) {
                int other = order[i];
                order[i] = order[j];
                order[j] = other;
            }
    for (int i = 0; i < 2; i++) {
        double sum = 0;
        for (int c = 0; c < 3; c++)
            sum += vectors[c][order[i]];
        for (int c = 0; c < 3; c++) /* densities are positive: so is the axis */
            plane[i][c] = sum < 0 ? -vectors[c][order[i]] : vectors[c][order[i]];
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* The value that a share of the values (which get sorted) lies below. */
static float quantile(float *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, by_value);
    return values[(size_t)(share * (double)(count - 1) + 0.5)];
}

/* The unit vector at an angle in the plane. */
static void direction_at(const double plane[2][3], double angle, float out[3])
{
    double v[3], length = 0;
    for (int c = 0; c < 3; c++) {
        v[c] = cos(angle) * plane[0][c] + sin(angle) * plane[1][c];
        length += v[c] * v[c];
    }
    for (int c = 0; c < 3; c++)
        out[c] = (float)(v[c] / sqrt(length));
}

static float dot(const float a[3], const float b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Could these be two stains?  Apart, and each weakening light (a little noise aside). */
static bool is_pair(const kin_stain_basis *basis)
{
    static const double pi = 3.14159265358979323846;
    static const float noise = -0.1f;
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < 3; c++)
            if (!(basis->direction[s][c] > noise))
                return false;
    double angle = acos(fmin(1, (double)dot(basis->direction[H], basis->direction[E])));
    return angle * 180 / pi >= KIN_STAIN_ANGLE_MIN;
}

/* Finds the outermost directions; values has room for one number a pixel. */
static void find_directions(const kin_stain_sample *sample, float *values, kin_stain_basis *out)
{
    double m[3][3], plane[2][3];
    covariance(sample, m);
    main_plane(m, plane);
    for (size_t i = 0; i < sample->count; i++) {
        double along[2] = {0};
        for (int a = 0; a < 2; a++)
            for (int c = 0; c < 3; c++)
                along[a] += (double)sample->density[i][c] * plane[a][c];
        values[i] = (float)atan2(along[1], along[0]);
    }
    double low = (double)quantile(values, sample->count, KIN_STAIN_OUTLIERS);
    double high = (double)quantile(values, sample->count, 1 - KIN_STAIN_OUTLIERS);
    direction_at(plane, low, out->direction[0]);
    direction_at(plane, high, out->direction[1]);
    /* Haematoxylin is blue: of the two it takes more of the red light. */
    if (out->direction[0][0] < out->direction[1][0]) {
        float other[3];
        memcpy(other, out->direction[0], sizeof other);
        memcpy(out->direction[0], out->direction[1], sizeof other);
        memcpy(out->direction[1], other, sizeof other);
    }
}

static void amounts_of(const kin_stain_basis *basis, const float density[3], float amounts[2])
{
    float c = dot(basis->direction[H], basis->direction[E]), scale = 1 / (1 - c * c);
    float h = dot(basis->direction[H], density), e = dot(basis->direction[E], density);
    amounts[H] = (h - c * e) * scale;
    amounts[E] = (e - c * h) * scale;
}

bool kin_stain_estimate(const kin_stain_sample *sample, kin_stain_basis *out)
{
    static const float least = 0.05f; /* an amount that is noise */
    if (sample->count < KIN_STAIN_PIXELS_MIN)
        return false;
    float *values = malloc(sample->count * sizeof *values);
    if (values == NULL)
        return false;
    find_directions(sample, values, out);
    bool found = is_pair(out);
    for (int s = 0; found && s < 2; s++) {
        for (size_t i = 0; i < sample->count; i++) {
            float amounts[2];
            amounts_of(out, sample->density[i], amounts);
            values[i] = amounts[s];
        }
        out->most[s] = quantile(values, sample->count, 1 - KIN_STAIN_OUTLIERS);
        found = out->most[s] > least;
    }
    free(values);
    return found;
}

kin_stain_basis kin_stain_reference(void)
{
    return (kin_stain_basis){
        .direction = {{0.6402f, 0.7255f, 0.2524f}, {0.0933f, 0.8731f, 0.4784f}},
        .most = {0.986f, 0.696f},
    };
}

void kin_stain_amounts(const kin_stain_basis *basis, const float rgb[3], float amounts[2])
{
    float density[3];
    density_of(rgb, density);
    amounts_of(basis, density, amounts);
}

void kin_stain_normalise(kin_raster *raster, const kin_stain_basis *from, const kin_stain_basis *to)
{
    size_t count = (size_t)raster->width * (size_t)raster->height;
    const float scale[2] = {to->most[H] / from->most[H], to->most[E] / from->most[E]};
    for (size_t i = 0; raster->channels == 3 && i < count; i++) {
        float density[3], amounts[2];
        density_of(raster->px + 3 * i, density);
        amounts_of(from, density, amounts);
        for (int c = 0; c < 3; c++) {
            float d = density[c];
            for (int s = 0; s < 2; s++)
                d += amounts[s] * (scale[s] * to->direction[s][c] - from->direction[s][c]);
            raster->px[3 * i + (size_t)c] = powf(10, -fmaxf(d, 0));
        }
    }
}
