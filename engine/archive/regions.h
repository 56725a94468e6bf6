/*
 * regions.h - rows that describe a part of a stored image: a lesion that someone marked.
 *
 * A region's record is that of its image, with a number of its own (record.h's `region`) and labels of
 * its own: those whose names begin with "region_".
 */
#ifndef KIN_ARCHIVE_REGIONS_H
#define KIN_ARCHIVE_REGIONS_H

#include "archive/internal.h"

/* Makes the record of a region (own labels and content) of an image, with all else from the image.
 * out's former content is not looked at. */
kin_status kin_region_record(const kin_record *image, const kin_record *region, kin_record *out,
                             kin_error *err);

/* The live regions among all rows, shared.  Where there are none it costs next to nothing. */
kin_status kin_regions_all(kin_txn *txn, kin_bitmap **out, kin_error *err);

/* Adds to ids the rows of the image that row `id` belongs to: the whole, and its regions. */
kin_status kin_regions_of_image(kin_txn *txn, uint64_t id, const roaring_bitmap_t *regions,
                                roaring_bitmap_t *ids, kin_error *err);

/* All live records of a SOP instance UID, regions among them: *count 0 where none is stored. */
kin_status kin_regions_load(kin_archive *archive, const char *sop_instance_uid,
                            kin_record **records, size_t *count, kin_error *err);

/* The SOP instance UIDs of the images of which field or label `name` is `value`: each once, both they
 * and the array from malloc. */
kin_status kin_regions_instances(kin_archive *archive, const char *name, const char *value,
                                 char ***uids, size_t *count, kin_error *err);

#endif
