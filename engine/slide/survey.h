/*
 * survey.h - a slide seen once, at low power.
 *
 * The slide is divided into square tiles of one physical size, and each tile into cells.  One pass
 * over a level that is fine enough gives every cell's mean colour and every tile's histogram of
 * colours, so that memory depends on the slide's area alone, and every tile of the file is decoded
 * about once.
 */
#ifndef KIN_SLIDE_SURVEY_H
#define KIN_SLIDE_SURVEY_H

#include "slide/slide.h"

enum {
    KIN_SURVEY_CELLS = 8,  /* cells along a tile's side */
    KIN_SURVEY_LEVELS = 8, /* histogram bins of a channel */
    KIN_SURVEY_BINS = 3 * KIN_SURVEY_LEVELS,
    KIN_SURVEY_TILES_MAX = 1 << 18, /* a slide of 25 x 75 mm has 37,000 tiles of 224 micrometres */
    KIN_SURVEY_FINENESS = 4 /* pixels along a cell's side, at least, where the slide has them */
};

typedef struct kin_survey {
    double tile_um;    /* side of a tile, in micrometres */
    int across, down;  /* tiles; the last ones may reach beyond the slide */
    int columns, rows; /* cells: KIN_SURVEY_CELLS times those */
    int channels;      /* of the slide: of a grey one the three colours are equal */
    float *rgb;        /* 3 a cell: its mean colour; owned */
    uint32_t *pixels;  /* a cell's pixels; 0: beyond the slide, or of no tile; owned */
    float *histograms; /* KIN_SURVEY_BINS a tile: shares of red, green, blue; owned */
} kin_survey;

/* Somebody to tell that work goes on, and who may stop it; called after every block read. */
typedef struct kin_slide_watch {
    kin_status (*step)(void *ctx, kin_error *err); /* not KIN_OK: stop, with that */
    void *ctx;
} kin_slide_watch;

/* Surveys the slide; watch may be NULL.  KIN_E_LIMIT: more than KIN_SURVEY_TILES_MAX tiles.  Filled
 * on success only; kin_survey_release() frees. */
kin_status kin_survey_make(kin_slide *slide, double tile_um, const kin_slide_watch *watch,
                           kin_survey *out, kin_error *err);
void kin_survey_release(kin_survey *survey);

#endif
