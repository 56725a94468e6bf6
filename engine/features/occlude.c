#include "features/occlude.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/parts.h"
#include "image/foreground.h"

/* Pixels a side of the picture from far off: half as many as the grid has cells. */
enum { FAR_SHARE = 2 };

/* A picture of which one cell after another is hidden. */
typedef struct kin_occlusion {
    const kin_extractor *extractor;
    const kin_mask *mask;
    kin_view_focus focus; /* of the whole, where there is no mask */
    int side;
    kin_raster shown; /* with the cell hidden */
    kin_raster here;  /* the box as it is */
    kin_raster far;   /* the box from far off */
    float *descriptor;
} kin_occlusion;

/* How much of a line of pixels is hidden at `at`, `cell` pixels a cell: all of the cell and half a
 * cell beyond it, fading out within another half: in windows of single cells too little is hidden
 * to tell. */
static float hidden(double at, double cell, int index)
{
    double off = fabs(at - (index + 0.5) * cell) / cell; /* in cells from its centre */
    return (float)fmin(1, fmax(0, 2 * (1.5 - off)));
}

/* Shows the box with a cell hidden. */
static void show(kin_occlusion *job, int cell)
{
    const kin_box box = job->focus.box;
    size_t channels = (size_t)job->shown.channels, stride = (size_t)job->shown.width * channels;
    double cell_width = (double)box.width / job->side, cell_height = (double)box.height / job->side;
    const float *here = job->here.px, *far = job->far.px;
    for (int y = 0; y < box.height; y++) {
        float *to = job->shown.px + (size_t)(box.y + y) * stride + (size_t)box.x * channels;
        float down = hidden(y + 0.5, cell_height, cell / job->side);
        for (int x = 0; x < box.width; x++) {
            float share = down * hidden(x + 0.5, cell_width, cell % job->side);
            for (size_t c = 0; c < channels; c++, to++, here++, far++)
                *to = *here + share * (*far - *here);
        }
    }
}

static kin_status describe(kin_occlusion *job, kin_error *err)
{
    if (job->mask == NULL)
        return kin_extractor_describe_part(job->extractor, &job->shown, &job->focus,
                                           job->descriptor, err);
    return kin_describe_region(job->extractor, &job->shown, job->mask, kin_part_weights_default(),
                               NULL, job->descriptor, err);
}

/* Where to look, and in which levels. */
static kin_status look(const kin_raster *raster, const kin_mask *mask, kin_view_focus *focus,
                       kin_error *err)
{
    if (mask != NULL)
        return kin_region_surroundings(raster, mask, &focus->box, err);
    kin_status status = kin_foreground_box(raster, &focus->box, err);
    if (status == KIN_OK)
        status = kin_view_levels(raster, &focus->low, &focus->high, err);
    focus->box = kin_box_towards_square(focus->box, raster->width, raster->height,
                                        kin_raster_aspect(raster));
    return status;
}

static kin_status from_far(const kin_raster *here, int side, kin_raster *out, kin_error *err)
{
    kin_raster small = {0};
    kin_status status = kin_raster_resample(here, side, side, &small, err);
    if (status == KIN_OK)
        status = kin_raster_resample(&small, here->width, here->height, out, err);
    kin_raster_release(&small);
    return status;
}

static kin_status prepare(kin_occlusion *job, const kin_raster *raster, kin_error *err)
{
    const kin_box all = {0, 0, raster->width, raster->height};
    kin_status status = kin_raster_crop(raster, all, &job->shown, err);
    if (status == KIN_OK)
        status = kin_raster_crop(raster, job->focus.box, &job->here, err);
    if (status == KIN_OK)
        status = from_far(&job->here, (job->side + 1) / FAR_SHARE, &job->far, err);
    if (status != KIN_OK)
        return status;
    job->descriptor = malloc(kin_extractor_length(job->extractor) * sizeof *job->descriptor);
    return job->descriptor != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory to describe what is hidden");
}

kin_status kin_describe_occluded(const kin_extractor *extractor, const kin_raster *raster,
                                 const kin_mask *mask, int side, kin_box *box, kin_occluded_fn *fn,
                                 void *ctx, kin_error *err)
{
    kin_occlusion job = {.extractor = extractor, .mask = mask, .side = side};
    if (side < 2 || side > KIN_OCCLUDE_SIDE_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "a grid of %d cells a side", side);
    kin_status status = look(raster, mask, &job.focus, err);
    if (status == KIN_OK)
        status = prepare(&job, raster, err);
    *box = job.focus.box;
    for (int cell = 0; status == KIN_OK && cell < side * side; cell++) {
        show(&job, cell);
        status = describe(&job, err);
        if (status == KIN_OK)
            status = fn(ctx, cell, job.descriptor, err);
    }
    free(job.descriptor);
    kin_raster_release(&job.far);
    kin_raster_release(&job.here);
    kin_raster_release(&job.shown);
    return status;
}
