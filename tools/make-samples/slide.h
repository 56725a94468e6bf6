/*
 * slide.h - a small field of a haematoxylin and eosin stained section, as a slide scanner sees it.
 *
 * The field is painted as a whole and then cut into tiles, so that tiles fit at their borders.
 * Colour follows Beer and Lambert: the amounts of both stains add up to optical densities, with the
 * stain vectors of Ruifrok and Johnston (Anal Quant Cytol Histol 2001;23:291-299).
 */
#ifndef SAMPLES_SLIDE_H
#define SAMPLES_SLIDE_H

#include <stdint.h>

#include "base/status.h"

enum {
    TILE_SIDE = 128,
    TILES_ACROSS = 3,
    TILES_DOWN = 2,
    FIELD_WIDTH = TILE_SIDE * TILES_ACROSS,
    FIELD_HEIGHT = TILE_SIDE * TILES_DOWN,
    TILE_BYTES = TILE_SIDE * TILE_SIDE * 3,
    FIELD_BYTES = TILE_BYTES * TILES_ACROSS * TILES_DOWN
};

typedef enum tissue {
    TISSUE_BENIGN_GLANDS, /* round glands, one even layer of nuclei, open lumina, loose stroma */
    TISSUE_CARCINOMA,     /* crowded nests, large uneven nuclei, few small lumina, dense stroma */
    TISSUE_GLIOMA         /* cells strewn through a fibrillary ground, uneven dark nuclei */
} tissue;

typedef struct section {
    uint64_t seed;       /* of the tissue */
    uint64_t stain_seed; /* of the laboratory: stain strengths, thickness, focus */
    tissue tissue;
    double pixel_um; /* 0.5 … 1.2 */
} section;

/* Paints the field and cuts it: TILES_ACROSS * TILES_DOWN tiles of TILE_BYTES, row after row,
 * RGB. */
kin_status slide_paint(const section *what, uint8_t tiles[FIELD_BYTES], kin_error *err);

#endif
