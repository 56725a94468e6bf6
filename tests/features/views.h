/* views.h - views painted by hand, past cropping and normalising. */
#ifndef KIN_TEST_VIEWS_H
#define KIN_TEST_VIEWS_H

#include <math.h>
#include <string.h>

#include "features/families.h"
#include "features/view.h"
#include "shared_data.h"

/* A view whose square and texture are both side x side pixels of value(x, y). */
static inline kin_view *view_of(float (*value)(int x, int y))
{
    kin_view *view = calloc(1, sizeof *view);
    assert_non_null(view);
    assert_int_equal(kin_raster_init(&view->square, KIN_VIEW_SIDE, KIN_VIEW_SIDE, 1, NULL), KIN_OK);
    assert_int_equal(kin_raster_init(&view->texture, KIN_VIEW_SIDE, KIN_VIEW_SIDE, 1, NULL),
                     KIN_OK);
    for (int y = 0; y < KIN_VIEW_SIDE; y++) {
        for (int x = 0; x < KIN_VIEW_SIDE; x++)
            view->square.px[y * KIN_VIEW_SIDE + x] = value(x, y);
    }
    memcpy(view->texture.px, view->square.px, sizeof(float) * KIN_VIEW_SIDE * KIN_VIEW_SIDE);
    return view;
}

/* A view of one colour. */
static inline kin_view *view_of_colour(const float rgb[3])
{
    kin_view *view = calloc(1, sizeof *view);
    assert_non_null(view);
    assert_int_equal(kin_raster_init(&view->colour, 20, 10, 3, NULL), KIN_OK);
    assert_int_equal(kin_raster_init(&view->stains, 20, 10, 3, NULL), KIN_OK);
    for (size_t i = 0; i < 200; i++) {
        memcpy(view->colour.px + 3 * i, rgb, 3 * sizeof(float));
        kin_rgb_to_stains(rgb, view->stains.px + 3 * i);
    }
    return view;
}

/* What a family makes of a view; freed by the caller. */
static inline float *described(const kin_family *family, const kin_view *view)
{
    float *out = malloc(family->length * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < family->length; i++)
        out[i] = NAN; /* every place must be written */
    assert_int_equal(family->describe(view, out, NULL), KIN_OK);
    for (size_t i = 0; i < family->length; i++)
        assert_true(isfinite(out[i]));
    return out;
}

static inline double squared_norm(const float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * v[i];
    return sum;
}

#endif
