/*
 * What small places of a slide look like: Fisher vectors (fisher.h) of patches of 7 x 7 pixels, of
 * their colours as stored, and of the amounts of haematoxylin and eosin (Ruifrok and Johnston, 2001)
 * in units of the picture's own mean and spread, which differ from laboratory to laboratory.
 */
#include <math.h>
#include <stdlib.h>

#include "features/families.h"
#include "features/fisher.h"
#include "features/view.h"

enum { SIDE_MIN = 7, STAINS = 2, LENGTH = KIN_FISHER_LENGTH(32, 20) };

static const size_t stains[STAINS] = {KIN_STAIN_HAEMATOXYLIN, KIN_STAIN_EOSIN};
static const double spread_wanted = 0.3, spread_min = 0.01;

/* The tissue's raster, or where a patch is larger, an enlarged copy that the caller releases. */
static kin_status at_least_a_patch(const kin_raster *tissue, kin_raster *copy,
                                   const kin_raster **out, kin_error *err)
{
    *out = tissue;
    if (tissue->width >= SIDE_MIN && tissue->height >= SIDE_MIN)
        return KIN_OK;
    *out = copy;
    int width = tissue->width > SIDE_MIN ? tissue->width : SIDE_MIN;
    int height = tissue->height > SIDE_MIN ? tissue->height : SIDE_MIN;
    return kin_raster_resample(tissue, width, height, copy, err);
}

static kin_status describe_colour(const kin_view *view, float *out, kin_error *err)
{
    kin_raster copy = {0};
    const kin_raster *tissue;
    kin_status status = at_least_a_patch(&view->tissue, &copy, &tissue, err);
    if (status == KIN_OK)
        kin_fisher_encode(&kin_dictionary_colour,
                          &(kin_field){tissue->px, tissue->width, tissue->height, 3}, out);
    kin_raster_release(&copy);
    return status;
}

/* Gives one channel of n pixels the mean 0 and the spread that is wanted. */
static void standardise(float *amounts, size_t n, size_t channel)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += amounts[i * STAINS + channel];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double off = amounts[i * STAINS + channel] - mean;
        squares += off * off;
    }
    double scale = spread_wanted / (sqrt(squares / (double)n) + spread_min);
    for (size_t i = 0; i < n; i++) {
        float *amount = &amounts[i * STAINS + channel];
        *amount = (float)((*amount - mean) * scale);
    }
}

static kin_status amounts_of(const kin_raster *tissue, float **out, kin_error *err)
{
    size_t n = (size_t)tissue->width * (size_t)tissue->height;
    float *amounts = reallocarray(NULL, n, STAINS * sizeof *amounts);
    if (amounts == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the stains of %zu pixels", n);
    for (size_t i = 0; i < n; i++) {
        float all[KIN_STAINS];
        kin_rgb_to_stains(tissue->px + 3 * i, all);
        for (size_t s = 0; s < STAINS; s++)
            amounts[i * STAINS + s] = all[stains[s]];
    }
    for (size_t s = 0; s < STAINS; s++)
        standardise(amounts, n, s);
    *out = amounts;
    return KIN_OK;
}

static kin_status describe_stain(const kin_view *view, float *out, kin_error *err)
{
    kin_raster copy = {0};
    const kin_raster *tissue;
    float *amounts = NULL;
    kin_status status = at_least_a_patch(&view->tissue, &copy, &tissue, err);
    if (status == KIN_OK)
        status = amounts_of(tissue, &amounts, err);
    if (status == KIN_OK)
        kin_fisher_encode(&kin_dictionary_stain,
                          &(kin_field){amounts, tissue->width, tissue->height, STAINS}, out);
    free(amounts);
    kin_raster_release(&copy);
    return status;
}

const kin_family kin_family_fisher_colour = {
    .name = "fisher-colour",
    .version = 1,
    .length = LENGTH,
    .weight = 3,
    .colour = true,
    .since_classic = true,
    .describe = describe_colour,
};

const kin_family kin_family_fisher_stain = {
    .name = "fisher-stain",
    .version = 1,
    .length = LENGTH,
    .weight = 3,
    .colour = true,
    .since_classic = true,
    .describe = describe_stain,
};
