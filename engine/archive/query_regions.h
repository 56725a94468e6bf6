/* query_regions.h - the lesions that a query is about: boxes and masks on its picture, described as
 * stored regions are. */
#ifndef KIN_ARCHIVE_QUERY_REGIONS_H
#define KIN_ARCHIVE_QUERY_REGIONS_H

#include "decode/decoder.h"
#include "dicom/region.h"

/* A lesion as a person marks it. */
typedef struct kin_query_part {
    kin_decode_region box; /* where mask is NULL */
    /* A picture of the query's size (PNG, JPEG, TIFF, DICOM): inside is what is at least half as
     * bright as its brightest pixel; each page or frame is a lesion.  The file at this path, or with
     * `bytes` the name of what is in memory. */
    const char *mask;
    const void *bytes;
    size_t size;
} kin_query_part;

enum { KIN_QUERY_PARTS_MAX = 64 };

/* Lesions made ready to be asked with. */
typedef struct kin_query_regions {
    kin_region *list;
    size_t count;
} kin_query_regions;

/* Reads the masks by decoder.  KIN_E_ARG: a box without pixels, or too many parts; what a mask's
 * file has wrong is kin_decoder_run()'s error, with its path as subject. */
kin_status kin_query_regions_read(kin_decoder *decoder, const kin_query_part *parts, size_t count,
                                  kin_query_regions *out, kin_error *err);
/* A zeroed one is fine. */
void kin_query_regions_release(kin_query_regions *regions);

/* KIN_E_ARG where a box does not lie within a frame of width x height pixels. */
kin_status kin_query_regions_check(const kin_query_regions *regions, uint32_t width,
                                   uint32_t height, kin_error *err);

#endif
