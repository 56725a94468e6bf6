#include "features/view.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "image/foreground.h"
#include "image/normalise.h"

/* The size that fits `most` pixels on the longer side, in the proportions of width x height; at
 * least 1 x 1, and never larger. */
static void fit(double width, double height, int most, int *to_width, int *to_height)
{
    double scale = fmin(1, most / fmax(width, height));
    *to_width = (int)fmax(1, round(width * scale));
    *to_height = (int)fmax(1, round(height * scale));
}

/* NaN and what lies outside [0, 1] would spread through every sum. */
static void clamp(kin_raster *raster)
{
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    for (size_t i = 0; i < n; i++) {
        float v = raster->px[i];
        raster->px[i] = v > 0 ? (v < 1 ? v : 1) : 0;
    }
}

static bool is_within(kin_box box, const kin_raster *raster)
{
    return box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 &&
           box.x <= raster->width - box.width && box.y <= raster->height - box.height;
}

/* *out = the focus, or without one the foreground, in its own colours and levels, with square
 * pixels, of texture's size. */
static kin_status body_of(const kin_raster *raster, const kin_view_focus *focus, kin_raster *out,
                          kin_error *err)
{
    kin_raster cropped = {0};
    kin_box box = focus != NULL ? focus->box : (kin_box){0};
    double aspect = kin_raster_aspect(raster);
    if (focus != NULL && !is_within(box, raster))
        return kin_fail(err, KIN_E_ARG, NULL, "a part outside of its picture");
    kin_status status = focus == NULL ? kin_foreground_box(raster, &box, err) : KIN_OK;
    if (status == KIN_OK) {
        box = kin_box_towards_square(box, raster->width, raster->height, aspect);
        status = kin_raster_crop(raster, box, &cropped, err);
    }
    if (status == KIN_OK) {
        int width, height;
        /* The axis with the larger pixels is the one to stretch. */
        fit(box.width * fmax(aspect, 1), box.height * fmax(1 / aspect, 1), KIN_VIEW_TEXTURE_SIDE,
            &width, &height);
        status = kin_raster_resample(&cropped, width, height, out, err);
    }
    if (status == KIN_OK)
        clamp(out);
    kin_raster_release(&cropped);
    return status;
}

int kin_stain_level(float amount, int levels)
{
    float at = (amount - KIN_STAIN_LOW) / (KIN_STAIN_HIGH - KIN_STAIN_LOW) * (float)levels;
    return at > 0 ? (at < (float)levels ? (int)at : levels - 1) : 0;
}

static kin_status fill_grey(kin_view *view, const kin_raster *body, const kin_view_focus *focus,
                            kin_error *err)
{
    kin_status status = kin_raster_grey(body, &view->texture, err);
    if (status != KIN_OK)
        return status;
    if (focus != NULL)
        kin_normalise_between(&view->texture, focus->low, focus->high);
    else
        kin_normalise(&view->texture);
    return kin_raster_resample(&view->texture, KIN_VIEW_SIDE, KIN_VIEW_SIDE, &view->square, err);
}

/* Takes body over. */
static kin_status fill_colour(kin_view *view, kin_raster *body, kin_error *err)
{
    int width, height;
    fit(body->width, body->height, KIN_VIEW_COLOUR_SIDE, &width, &height);
    kin_status status = kin_raster_resample(body, width, height, &view->colour, err);
    if (status == KIN_OK)
        status = kin_raster_init(&view->stains, width, height, 3, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0, n = (size_t)width * (size_t)height; i < n; i++)
        kin_rgb_to_stains(view->colour.px + 3 * i, view->stains.px + 3 * i);
    view->tissue = *body;
    *body = (kin_raster){0};
    return KIN_OK;
}

kin_status kin_view_levels(const kin_raster *raster, float *low, float *high, kin_error *err)
{
    kin_raster body = {0}, grey = {0};
    kin_status status = body_of(raster, NULL, &body, err);
    if (status == KIN_OK)
        status = kin_raster_grey(&body, &grey, err);
    if (status == KIN_OK)
        kin_normalise_levels(&grey, low, high);
    kin_raster_release(&grey);
    kin_raster_release(&body);
    return status;
}

kin_status kin_view_new(const kin_raster *raster, kin_view **out, kin_error *err)
{
    return kin_view_new_focused(raster, NULL, out, err);
}

kin_status kin_view_new_focused(const kin_raster *raster, const kin_view_focus *focus,
                                kin_view **out, kin_error *err)
{
    kin_raster body = {0};
    *out = NULL;
    kin_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a view");
    kin_status status = body_of(raster, focus, &body, err);
    if (status == KIN_OK)
        status = fill_grey(view, &body, focus, err);
    if (status == KIN_OK && body.channels == 3)
        status = fill_colour(view, &body, err);
    kin_raster_release(&body);
    if (status == KIN_OK)
        *out = view;
    else
        kin_view_free(view);
    return status;
}

void kin_view_free(kin_view *view)
{
    if (view == NULL)
        return;
    kin_raster_release(&view->square);
    kin_raster_release(&view->texture);
    kin_raster_release(&view->tissue);
    kin_raster_release(&view->colour);
    kin_raster_release(&view->stains);
    free(view);
}
