/*
 * views.h - one image seen otherwise, as another picture of the same body would show it: part of it,
 * turned a little, mirrored, brighter or flatter, a trifle less sharp.
 *
 * So a few thousand images become a few hundred thousand that differ as images do.  Noise added to
 * vectors would make sets of the same size, but of round clouds that real embeddings are not.
 */
#ifndef KIN_BENCH_VIEWS_H
#define KIN_BENCH_VIEWS_H

#include <stdbool.h>

#include "image/raster.h"

/* What is done to an image, in this order. */
typedef struct bench_view {
    double scale;      /* side of the part that is seen, of the whole's: 0.5 to 1 */
    double x, y;       /* where it lies, of the room there is: 0 to 1 */
    double angle;      /* radians, within 20 degrees of upright; of slides also quarter turns */
    bool mirrored;     /* left for right */
    double gamma;      /* 0.8 to 1.25 */
    double contrast;   /* 0.8 to 1.25, about the middle level */
    double brightness; /* -0.1 to 0.1 of the range */
    double blur;       /* of each neighbour's share in a pixel, 0 (half of all views) to 0.25 */
} bench_view;

/* The view of that number of that source: always the same for a seed.  slide: microscopy, which has
 * no up and down. */
bench_view bench_view_draw(uint64_t seed, uint64_t source, uint64_t number, bool slide);

/* Makes it of an image with square pixels.  What a turn brings in from beyond the edge is the image
 * mirrored there. */
kin_status bench_view_make(const kin_raster *source, const bench_view *view, kin_raster *out,
                           kin_error *err);

#endif
