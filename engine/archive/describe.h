/* describe.h - records of a file's frames: from what the decoder says, what the manifest says, and
 * the bytes. */
#ifndef KIN_ARCHIVE_DESCRIBE_H
#define KIN_ARCHIVE_DESCRIBE_H

#include "archive/manifest.h"
#include "catalog/record.h"
#include "decode/decode.h"

/* Labels that tell how many frames the instance has, and the format of its file. */
#define KIN_LABEL_FRAMES "number_of_frames"
#define KIN_LABEL_FORMAT "format"

/* Labels of a slide's tiles: kin_decode_tile. */
#define KIN_LABEL_TILE_X     "tile_x"
#define KIN_LABEL_TILE_Y     "tile_y"
#define KIN_LABEL_TILE_LEVEL "tile_level"
#define KIN_LABEL_TILE_MPP   "tile_mpp"

/* Fills a record (initialised by the caller) from a decoder's header.  Missing UIDs are derived
 * from the file's digest: the same each time for the same bytes. */
kin_status kin_describe_header(kin_record *record, const kin_decode_header *header,
                               const char *path, kin_digest file, kin_error *err);

/* Says as labels where on its slide a tile lies. */
kin_status kin_describe_tile(kin_record *record, const kin_decode_tile *tile, kin_error *err);

/* Lays a manifest's row over a record: see manifest.h for which column goes where.  Empty values
 * change nothing. */
kin_status kin_describe_manifest(kin_record *record, const kin_manifest *manifest, size_t row,
                                 kin_error *err);

/* The same for columns that came otherwise. */
kin_status kin_describe_fields(kin_record *record, const kin_label *fields, size_t count,
                               kin_error *err);

#endif
