/* glyphs.h - small capitals and figures, for words in pictures that programs make. */
#ifndef KIN_IMAGE_GLYPHS_H
#define KIN_IMAGE_GLYPHS_H

#include "image/raster.h"

enum {
    KIN_GLYPH_WIDTH = 5,
    KIN_GLYPH_HEIGHT = 7,
    KIN_GLYPH_STEP = 6 /* from one letter to the next */
};

/* Draws text with its top left corner at x, y of an RGB raster, cut at the raster's edges.  Letters
 * are drawn as capitals, what is neither letter, digit, space nor one of . , : ; - _ + / ( ) % as a
 * small box. */
void kin_glyphs_draw(kin_raster *raster, int x, int y, const char *text, const float colour[3]);

#endif
