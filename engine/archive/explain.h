/*
 * explain.h - where two images agree: a picture for a person.
 *
 * Of the query and of each result a grid of places is hidden, one after another
 * (features/occlude.h), and the image is embedded again.  How far its similarity to the other image
 * falls is the place's share in the agreement; where it rises the place speaks against it.  Nothing
 * is assumed of the descriptor or the model.
 */
#ifndef KIN_ARCHIVE_EXPLAIN_H
#define KIN_ARCHIVE_EXPLAIN_H

#include "archive/archive.h"

enum {
    KIN_EXPLAIN_GRID = 8, /* cells a side */
    KIN_EXPLAIN_CELLS = KIN_EXPLAIN_GRID * KIN_EXPLAIN_GRID,
    KIN_EXPLAIN_RESULTS_MAX = 10 /* rows of a picture */
};

/* An image, or a region of it, seen with one place after another hidden. */
typedef struct kin_explained {
    kin_raster picture;         /* a preview of the frame: square pixels */
    double x, y, width, height; /* what the grid covers, in pixels of the picture */
    size_t dim;
    float *whole;  /* its embedding under the model that serves: dim floats */
    float *hidden; /* with each cell hidden: KIN_EXPLAIN_CELLS x dim floats */
    bool from_preview;
} kin_explained;

/* A zeroed one is fine. */
void kin_explained_release(kin_explained *explained);

/* The frame (from 0) of the file at path, or the first of `regions` that is on it, where there are
 * any. */
kin_status kin_explain_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                            uint32_t frame, const kin_region *regions, size_t region_count,
                            kin_explained *out, kin_error *err);

/* A stored image, or a stored region of it: from its file, where that still has the bytes that were
 * ingested, else from its preview (from_preview).  KIN_E_NOT_FOUND: it has neither. */
kin_status kin_explain_stored(kin_archive *archive, kin_decoder *decoder, const kin_record *record,
                              kin_explained *out, kin_error *err);

/* How far the similarity of two images falls with each place of `one` hidden. */
void kin_explain_agreement(const kin_explained *one, const kin_explained *other,
                           float falls[KIN_EXPLAIN_CELLS]);

/* A row for each of the results: the query, where it agrees with the result, where the result
 * agrees with it, the result.  The heat of either is as hot as its own strongest place. */
kin_status kin_explain_draw(const kin_explained *query, const kin_explained *results, size_t count,
                            kin_raster *out, kin_error *err);

#endif
