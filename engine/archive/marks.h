/* marks.h - the regions that one object or one row of a manifest marks, on their way to its images. */
#ifndef KIN_ARCHIVE_MARKS_H
#define KIN_ARCHIVE_MARKS_H

#include "archive/archive.h"
#include "archive/marking.h"
#include "dicom/region.h"

typedef struct kin_marks {
    kin_region *regions;
    size_t count, capacity;
} kin_marks;

/* Adds a region, moved: *region is zeroed. */
kin_status kin_marks_add(kin_marks *marks, kin_region *region, kin_error *err);

/* Sorts by image (or, where none is named, by series and frame of reference), then frame and number,
 * and makes one region of those that are equal in all of these: of the same thing on the same frame. */
kin_status kin_marks_merge(kin_marks *marks, kin_error *err);

/* Whether both are for the same image, or the same series or frame of reference. */
bool kin_marks_same_image(const kin_region *a, const kin_region *b);

void kin_marks_release(kin_marks *marks);

/* Fills a zeroed item with a region that a decoder has found on a frame of the image: its record as
 * kin_archive_put() takes it, and its descriptor of `length` floats.  After a failure *item is the
 * caller's to release. */
kin_status kin_marked_item(const char *sop_instance_uid, uint32_t frame, const kin_region *region,
                           const kin_decode_marked *marked, size_t length,
                           const kin_marking *marking, kin_item *item, kin_error *err);

/* Is the region stored as a row among `count` of its image, in this very version? */
bool kin_marks_is_stored(const kin_region *region, const kin_marking *marking,
                         const kin_record *records, size_t count);

#endif
