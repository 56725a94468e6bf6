#include "features/network_input.h"

#include <math.h>
#include <string.h>

#include "image/foreground.h"
#include "image/normalise.h"

/* The part of the picture that is shown, and where of the input it comes to lie. */
struct placing {
    kin_box from; /* of the picture, in its pixels */
    kin_box to;   /* of the input */
};

static bool is_within(kin_box box, const kin_raster *raster)
{
    return box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 &&
           box.x <= raster->width - box.width && box.y <= raster->height - box.height;
}

static kin_status region_of(const kin_network_manifest *manifest, const kin_picture *picture,
                            kin_box *box, kin_error *err)
{
    const kin_raster *raster = picture->display;
    kin_status status = KIN_OK;
    *box = (kin_box){0, 0, raster->width, raster->height};
    if (picture->focus != NULL)
        *box = picture->focus->box;
    else if (manifest->foreground)
        status = kin_foreground_box(raster, box, err);
    if (status == KIN_OK && !is_within(*box, raster))
        status = kin_fail(err, KIN_E_ARG, NULL, "a part outside of its picture");
    if (status == KIN_OK && manifest->foreground)
        *box =
            kin_box_towards_square(*box, raster->width, raster->height, kin_raster_aspect(raster));
    return status;
}

static int at_least_one(double pixels, int most)
{
    double rounded = round(pixels);
    return rounded < 1 ? 1 : rounded > most ? most : (int)rounded;
}

/* Cuts what sticks out when the box fills the input; `wide` is how much wider the box is than the
 * input, in proportion. */
static void cut_to_fill(kin_box *box, double wide)
{
    if (wide > 1) {
        int width = at_least_one(box->width / wide, box->width);
        box->x += (box->width - width) / 2;
        box->width = width;
    } else {
        int height = at_least_one(box->height * wide, box->height);
        box->y += (box->height - height) / 2;
        box->height = height;
    }
}

static void place(const kin_network_manifest *manifest, double aspect, struct placing *placing)
{
    int width = manifest->width, height = manifest->height;
    double wide =
        (double)placing->from.width * aspect / placing->from.height / ((double)width / height);
    placing->to = (kin_box){0, 0, width, height};
    if (manifest->resize == KIN_RESIZE_CROP) {
        cut_to_fill(&placing->from, wide);
    } else if (manifest->resize == KIN_RESIZE_FIT) {
        if (wide > 1)
            placing->to.height = at_least_one(height / wide, height);
        else
            placing->to.width = at_least_one(width * wide, width);
        placing->to.x = (width - placing->to.width) / 2;
        placing->to.y = (height - placing->to.height) / 2;
    }
}

/* The placed part of a raster in its size within the input. */
static kin_status cut(const kin_raster *raster, const struct placing *placing, kin_raster *out,
                      kin_error *err)
{
    kin_raster part = {0};
    kin_status status = kin_raster_crop(raster, placing->from, &part, err);
    if (status == KIN_OK)
        status = kin_raster_resample(&part, placing->to.width, placing->to.height, out, err);
    kin_raster_release(&part);
    return status;
}

/* Where channel c of pixel (x, y) lies in the input. */
static size_t offset(const kin_network_manifest *manifest, int c, int x, int y)
{
    size_t width = (size_t)manifest->width, height = (size_t)manifest->height;
    size_t channels = (size_t)manifest->channels;
    if (manifest->channels_last)
        return ((size_t)y * width + (size_t)x) * channels + (size_t)c;
    return ((size_t)c * height + (size_t)y) * width + (size_t)x;
}

static float fed(const kin_network_manifest *manifest, int c, float level)
{
    float clamped = level > 0 ? (level < 1 ? level : 1) : 0; /* and NaN becomes 0 */
    return (clamped - manifest->mean[c]) / manifest->std[c];
}

/* Fills channel c of the input with channel `of` of a part, and pads around it. */
static void fill(const kin_network_manifest *manifest, int c, const kin_raster *part, int of,
                 const kin_box *to, float *out)
{
    for (int y = 0; y < manifest->height; y++)
        for (int x = 0; x < manifest->width; x++) {
            int px = x - to->x, py = y - to->y;
            bool inside = px >= 0 && px < to->width && py >= 0 && py < to->height;
            float level = manifest->pad;
            if (inside)
                level = part->px[((size_t)py * (size_t)part->width + (size_t)px) *
                                     (size_t)part->channels +
                                 (size_t)of];
            out[offset(manifest, c, x, y)] = fed(manifest, c, level);
        }
}

/* Stretches grey levels: by the picture's own, or those that a focus brings. */
static void make_robust(const kin_view_focus *focus, kin_raster *grey)
{
    if (focus != NULL)
        kin_normalise_between(grey, focus->low, focus->high);
    else
        kin_normalise(grey);
}

static kin_status feed_display(const kin_network_manifest *manifest, const kin_picture *picture,
                               const struct placing *placing, float *out, kin_error *err)
{
    kin_raster part = {0}, grey = {0};
    kin_raster *shown = &part;
    kin_status status = cut(picture->display, placing, &part, err);
    if (status == KIN_OK && part.channels == 3 && !manifest->colour) {
        status = kin_raster_grey(&part, &grey, err);
        shown = &grey;
    }
    if (status == KIN_OK && manifest->robust && shown->channels == 1)
        make_robust(picture->focus, shown);
    for (int c = 0; status == KIN_OK && c < manifest->channels; c++) {
        int of = shown->channels == 3 ? (manifest->bgr ? 2 - c : c) : 0;
        fill(manifest, c, shown, of, &placing->to, out);
    }
    kin_raster_release(&part);
    kin_raster_release(&grey);
    return status;
}

/* A CT through the window of one channel. */
static kin_status feed_window(const kin_network_manifest *manifest, int c, const kin_raster *values,
                              const struct placing *placing, float *out, kin_error *err)
{
    kin_raster shown = {0}, part = {0};
    kin_status status = kin_raster_crop(values, placing->from, &shown, err);
    if (status == KIN_OK) {
        float range = manifest->range[c], low = manifest->centre[c] - range / 2;
        size_t count = (size_t)shown.width * (size_t)shown.height;
        for (size_t i = 0; i < count; i++) {
            float level = (shown.px[i] - low) / range;
            shown.px[i] = level > 0 ? (level < 1 ? level : 1) : 0;
        }
        status = kin_raster_resample(&shown, placing->to.width, placing->to.height, &part, err);
    }
    if (status == KIN_OK)
        fill(manifest, c, &part, 0, &placing->to, out);
    kin_raster_release(&shown);
    kin_raster_release(&part);
    return status;
}

kin_status kin_network_input(const kin_network_manifest *manifest, const kin_picture *picture,
                             float *out, kin_error *err)
{
    struct placing placing;
    const kin_raster *values = manifest->windows > 0 ? picture->hounsfield : NULL;
    kin_status status = region_of(manifest, picture, &placing.from, err);
    if (status != KIN_OK)
        return status;
    place(manifest, kin_raster_aspect(picture->display), &placing);
    if (values == NULL)
        return feed_display(manifest, picture, &placing, out, err);
    for (int c = 0; status == KIN_OK && c < manifest->channels; c++)
        status = feed_window(manifest, c, values, &placing, out, err);
    return status;
}
