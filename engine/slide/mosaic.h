/*
 * mosaic.h - the tiles that stand for a slide (Kalra et al., "Yottixel", Medical Image Analysis 65,
 * 2020).
 *
 * Tiles of one physical size, at least half tissue, are grouped by their colours (k-means on the
 * square roots of their histograms), and within each group by their places: the tile nearest to
 * the middle of each place stays.  So rare colours and far corners have their tile, and the number
 * of tiles is a share of the tissue's area, bounded.
 */
#ifndef KIN_SLIDE_MOSAIC_H
#define KIN_SLIDE_MOSAIC_H

#include "slide/slide.h"
#include "slide/survey.h"

/* Zeroed fields mean their default. */
typedef struct kin_mosaic_options {
    double mpp;     /* micrometres a pixel of a tile; default KIN_MOSAIC_MPP */
    int side;       /* pixels of a tile's side at that; default KIN_MOSAIC_SIDE */
    double share;   /* of the tiles with tissue that are kept; default KIN_MOSAIC_SHARE */
    size_t colours; /* groups of colours; default KIN_MOSAIC_COLOURS */
    size_t most;    /* tiles kept, about: each group of colours keeps at least one; default
                      KIN_MOSAIC_MOST */
} kin_mosaic_options;

#define KIN_MOSAIC_MPP   1.0
#define KIN_MOSAIC_SHARE 0.15
enum {
    KIN_MOSAIC_SIDE = 224,
    KIN_MOSAIC_COLOURS = 9,
    KIN_MOSAIC_MOST = 64,
    KIN_MOSAIC_LEAST = 8 /* a small slide keeps so many, where it has them */
};

/* A slide coarser than this many times a tile's mpp shows no cells: it is no slide to search. */
enum { KIN_MOSAIC_COARSEST = 8 };

typedef struct kin_mosaic_tile {
    int column, row; /* of the grid of tiles */
    float tissue;    /* share of its cells */
    uint32_t colour; /* its group */
} kin_mosaic_tile;

typedef struct kin_mosaic {
    kin_mosaic_options options; /* with the defaults filled in */
    kin_mosaic_tile *tiles;     /* from the top, in a row from the left; owned */
    size_t count;
    size_t candidates; /* tiles with enough tissue that they were chosen from */
} kin_mosaic;

/*
 * Chooses the mosaic of a slide; the same slide gives the same one.  A slide no larger than a tile
 * is one tile, whatever it shows.  KIN_E_NO_IMAGE: no tissue was found; KIN_E_UNSUPPORTED: coarser
 * than KIN_MOSAIC_COARSEST.  watch: see survey.h; may be NULL.  Released by kin_mosaic_release().
 */
kin_status kin_mosaic_make(kin_slide *slide, const kin_mosaic_options *options,
                           const kin_slide_watch *watch, kin_mosaic *out, kin_error *err);
void kin_mosaic_release(kin_mosaic *mosaic);

/* Where a tile lies and what it was read from. */
typedef struct kin_mosaic_place {
    int64_t x, y; /* of its upper left corner, in pixels of level 0 */
    size_t level; /* that it was read from */
    double mpp;   /* of the picture: the larger one, should pixels not be square */
} kin_mosaic_place;

/* Reads tile number `index`; at the slide's edge it is smaller.  place may be NULL. */
kin_status kin_mosaic_read(kin_slide *slide, const kin_mosaic *mosaic, size_t index,
                           kin_raster *out, kin_mosaic_place *place, kin_error *err);

#endif
