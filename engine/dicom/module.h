/* module.h - an opened file as the parts of this folder see it.  Not for other layers. */
#ifndef KIN_DICOM_MODULE_H
#define KIN_DICOM_MODULE_H

#include "dicom/codec.h"
#include "dicom/container.h"
#include "dicom/dicom.h"
#include "dicom/fragments.h"
#include "dicom/tags.h"

/* What PhotometricInterpretation says (PS3.3 C.7.6.3.1.2). */
typedef enum kin_photometric {
    KIN_PHOTO_MONOCHROME1,
    KIN_PHOTO_MONOCHROME2,
    KIN_PHOTO_PALETTE,
    KIN_PHOTO_RGB,
    KIN_PHOTO_YBR_FULL,
    KIN_PHOTO_YBR_FULL_422,
    KIN_PHOTO_YBR_PARTIAL, /* _422 and _420 */
    KIN_PHOTO_YBR_ICT,
    KIN_PHOTO_YBR_RCT,
    KIN_PHOTO_OTHER /* retired ones: HSV, ARGB, CMYK */
} kin_photometric;

struct kin_dicom {
    kin_dicom_container container;
    const uint8_t *data_set; /* the container's, or `inflated` */
    size_t data_set_size;
    void *inflated; /* owned */
    kin_dicom_layout layout;
    kin_tags *tags; /* owned */
    kin_item *root;
    kin_item *shared_groups; /* item of SharedFunctionalGroupsSequence, or NULL */
    kin_item **frame_groups; /* owned list of items of PerFrameFunctionalGroupsSequence */
    size_t frame_group_count;
    kin_fragments fragments; /* of encapsulated pixel data */
    kin_image_limits limits;
    kin_photometric photometric;
    bool planar;
    bool encapsulated; /* pixels are compressed, and decoded by container.codec */
    size_t frame_bits; /* of native pixel data */
    kin_dicom_header header;
    char **texts; /* owned strings that the header points to */
    size_t text_count;
};

/* pixels.c: fills the header's image fields from the Image Pixel module and checks all sizes
 * against the limits and the bytes that are there. */
kin_status kin_dicom_pixels_describe(kin_dicom *dicom, kin_error *err);

/* describe.c: fills the header's kind, identity and attributes. */
kin_status kin_dicom_describe(kin_dicom *dicom, kin_error *err);

/* spacing.c: size of a frame's pixels in millimetres, 0 where unknown. */
void kin_dicom_frame_spacing(const kin_dicom *dicom, int frame, double *x_mm, double *y_mm);

/* groups.c: the first item of a functional group's sequence for a frame: its own, or the shared
 * one, or NULL (PS3.3 C.7.6.16). */
kin_item *kin_dicom_frame_group(const kin_dicom *dicom, int frame, kin_tag sequence);

/* groups.c: finds the functional groups once, when the file is opened. */
kin_status kin_dicom_groups_load(kin_dicom *dicom, kin_error *err);

/* frame.c: as kin_dicom_read_samples(), and tells what the samples' colour is. */
kin_status kin_dicom_frame_decode(kin_dicom *dicom, int frame, kin_samples *out,
                                  kin_codec_colour *colour, kin_error *err);

/* True when samples are one number each with a meaning of its own. */
static inline bool kin_is_monochrome(const kin_dicom *dicom)
{
    return dicom->photometric == KIN_PHOTO_MONOCHROME1 ||
           dicom->photometric == KIN_PHOTO_MONOCHROME2;
}

static inline size_t kin_samples_count(const kin_samples *samples)
{
    return (size_t)samples->width * (size_t)samples->height * (size_t)samples->channels;
}

#endif
