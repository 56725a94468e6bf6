/* tile_order.h - the frames of a tiled image whose order alone says where they lie (TILED_FULL). */
#ifndef KIN_DICOM_TILE_ORDER_H
#define KIN_DICOM_TILE_ORDER_H

#include "dicom/module.h"

typedef struct kin_tile_order {
    int across, down; /* at least 1; their product fits an int */
    int planes;       /* focal planes, at least 1; the whole product fits an int */
} kin_tile_order;

/* False when the image is not TILED_FULL (PS3.3 C.7.6.17.3), or its sizes make no sense.  Frames
 * are ordered by column, row, focal plane, then optical path or segment. */
bool kin_dicom_tile_order(const kin_dicom *dicom, kin_tile_order *out);

#endif
