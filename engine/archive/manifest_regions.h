/*
 * manifest_regions.h - lesions of plain images, as a manifest's columns mark them.
 *
 *   roi        "x,y,w,h" in pixels as stored, or several of them divided by ";"
 *   mask       a picture (PNG, JPEG, TIFF) of the image's size, its path relative to the CSV: the lesion
 *              are the pixels that are at least half as bright as the brightest
 *   roi_label  what they are called, in the same order, the mask's last, divided by ";"
 *
 * On an image of several frames a roi is on each of them, a mask's page on the frame of its number.
 */
#ifndef KIN_ARCHIVE_MANIFEST_REGIONS_H
#define KIN_ARCHIVE_MANIFEST_REGIONS_H

#include "archive/marks.h"
#include "archive/prepare.h"

enum { KIN_MANIFEST_ROIS_MAX = 256 /* of one image */ };

/* Is the column of that name one of the three? */
bool kin_manifest_marks(const char *column);

/*
 * Reads what the manifest's row about the source, or its fields, mark: into marks, with *marking the
 * version's identity, which is NULL where nothing is marked.  file: the image's digest.  decoder: for
 * masks.  KIN_E_FORMAT: a roi that is none; what is wrong with a mask's file.  Masks of uploads, which
 * name files of another machine, are left out, and the marking's trouble says so.
 */
kin_status kin_manifest_regions(const kin_source *source, kin_decoder *decoder, kin_digest file,
                                kin_marks *marks, kin_marking **marking, kin_error *err);

#endif
