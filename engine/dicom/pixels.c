/* pixels.c - the Image Pixel module (PS3.3 C.7.6.3), believed as far as the bytes bear it out. */
#include <string.h>

#include "base/checked.h"
#include "dicom/module.h"
#include "dicom/tiles.h"

enum {
    TAG_SAMPLES = 0x00280002,
    TAG_PHOTOMETRIC = 0x00280004,
    TAG_PLANAR = 0x00280006,
    TAG_FRAMES = 0x00280008,
    TAG_ROWS = 0x00280010,
    TAG_COLUMNS = 0x00280011,
    TAG_BITS_ALLOCATED = 0x00280100,
    TAG_BITS_STORED = 0x00280101,
    TAG_HIGH_BIT = 0x00280102,
    TAG_REPRESENTATION = 0x00280103,
    TAG_FLOAT_PIXELS = 0x7fe00008,
    TAG_DOUBLE_PIXELS = 0x7fe00009,
    TAG_PIXELS = 0x7fe00010
};

static int int_or(kin_item *item, kin_tag tag, int absent)
{
    int value;
    return kin_dicom_item_int(item, tag, 0, &value) ? value : absent;
}

static kin_photometric photometric_of(const char *name, int samples)
{
    static const struct {
        const char *name;
        kin_photometric value;
    } names[] = {
        {"MONOCHROME1", KIN_PHOTO_MONOCHROME1},
        {"MONOCHROME2", KIN_PHOTO_MONOCHROME2},
        {"PALETTE COLOR", KIN_PHOTO_PALETTE},
        {"RGB", KIN_PHOTO_RGB},
        {"YBR_FULL", KIN_PHOTO_YBR_FULL},
        {"YBR_FULL_422", KIN_PHOTO_YBR_FULL_422},
        {"YBR_PARTIAL_422", KIN_PHOTO_YBR_PARTIAL},
        {"YBR_PARTIAL_420", KIN_PHOTO_YBR_PARTIAL},
        {"YBR_ICT", KIN_PHOTO_YBR_ICT},
        {"YBR_RCT", KIN_PHOTO_YBR_RCT},
    };
    if (name[0] == '\0') /* required, but absent from some old files */
        return samples == 3 ? KIN_PHOTO_RGB : KIN_PHOTO_MONOCHROME2;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].value;
    return KIN_PHOTO_OTHER;
}

static kin_status check_shape(const kin_dicom *dicom, kin_error *err)
{
    const kin_dicom_header *h = &dicom->header;
    if (h->rows < 1 || h->columns < 1)
        return kin_fail(err, KIN_E_FORMAT, NULL, "pixel data without rows or columns");
    if (h->samples_per_pixel != 1 && h->samples_per_pixel != 3)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "%d samples per pixel", h->samples_per_pixel);
    bool one = kin_is_monochrome(dicom) || dicom->photometric == KIN_PHOTO_PALETTE;
    if (dicom->photometric == KIN_PHOTO_OTHER)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "photometric interpretation %s",
                        h->photometric_interpretation);
    if (one != (h->samples_per_pixel == 1))
        return kin_fail(err, KIN_E_FORMAT, NULL, "%d samples per pixel do not go with %s",
                        h->samples_per_pixel, h->photometric_interpretation);
    return KIN_OK;
}

/* Bits: allocated of a kind that exists, stored within them; a high bit that cannot be is
 * mended. */
static kin_status settle_bits(kin_dicom *dicom, kin_error *err)
{
    kin_dicom_header *h = &dicom->header;
    unsigned tag = dicom->layout.pixel_tag;
    if (tag == TAG_FLOAT_PIXELS || tag == TAG_DOUBLE_PIXELS) {
        h->bits_allocated = h->bits_stored = tag == TAG_FLOAT_PIXELS ? 32 : 64;
        h->high_bit = h->bits_stored - 1;
        h->is_signed = true;
        return h->samples_per_pixel == 1
                   ? KIN_OK
                   : kin_fail(err, KIN_E_FORMAT, NULL, "floating-point pixels in colour");
    }
    int a = h->bits_allocated;
    if (a != 1 && a != 8 && a != 16 && a != 32)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "%d bits allocated", a);
    if (h->bits_stored < 0 || h->bits_stored > a)
        return kin_fail(err, KIN_E_FORMAT, NULL, "%d bits stored in %d allocated", h->bits_stored,
                        a);
    if (h->bits_stored == 0)
        h->bits_stored = a;
    if (h->high_bit >= a || h->high_bit < h->bits_stored - 1)
        h->high_bit = h->bits_stored - 1;
    return KIN_OK;
}

/* Checked arithmetic on everything that later code multiplies. */
static kin_status check_limits(kin_dicom *dicom, kin_error *err)
{
    const kin_dicom_header *h = &dicom->header;
    const kin_image_limits *limits = &dicom->limits;
    bool halved = !dicom->encapsulated && (dicom->photometric == KIN_PHOTO_YBR_FULL_422 ||
                                           dicom->photometric == KIN_PHOTO_YBR_PARTIAL);
    /* A slide is read tile by tile, as far as somebody wants to see it. */
    bool slide = kin_dicom_is_slide(dicom);
    int max_frames = slide ? KIN_DICOM_TILES_MAX : limits->max_frames;
    size_t pixels, samples, float_bytes, total_bits, max_total = limits->max_total_bytes;
    if (slide && !kin_mul_size(max_total, KIN_DICOM_SLIDE_TOTAL, &max_total))
        max_total = SIZE_MAX;
    if (halved && h->columns % 2 != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "pairs of pixels in rows of %d", h->columns);
    if (h->frames > max_frames)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%d frames, the limit is %d", h->frames,
                        max_frames);
    if (!kin_mul_size((size_t)h->rows, (size_t)h->columns, &pixels) ||
        !kin_mul_size(pixels, (size_t)h->samples_per_pixel, &samples) ||
        !kin_mul_size(samples, sizeof(float), &float_bytes) ||
        float_bytes > limits->max_frame_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a frame of %d x %d x %d samples is over the limit",
                        h->columns, h->rows, h->samples_per_pixel);
    if (!kin_mul_size(halved ? 2 * pixels : samples, (size_t)h->bits_allocated,
                      &dicom->frame_bits) ||
        !kin_mul_size(dicom->frame_bits, (size_t)h->frames, &total_bits) ||
        total_bits / 8 > max_total)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%d frames of %d x %d are over the limit",
                        h->frames, h->columns, h->rows);
    if (!dicom->encapsulated && total_bits / 8 + (total_bits % 8 != 0) > dicom->layout.pixel_size)
        return kin_fail(
            err, KIN_E_FORMAT, NULL, "truncated: %zu bytes of pixel data where %d frames need %zu",
            dicom->layout.pixel_size, h->frames, total_bits / 8 + (total_bits % 8 != 0));
    return KIN_OK;
}

static kin_status check_codec(kin_dicom *dicom, kin_error *err)
{
    const kin_dicom_header *h = &dicom->header;
    if (!dicom->encapsulated)
        return KIN_OK;
    if (dicom->container.codec == KIN_CODEC_NONE)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "pixel data in transfer syntax %s",
                        h->transfer_syntax_uid);
    if (dicom->container.codec == KIN_CODEC_NATIVE)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "encapsulated pixel data in an uncompressed transfer syntax");
    if (h->bits_allocated == 1 || dicom->layout.pixel_tag != TAG_PIXELS)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "compressed single bits or floating-point pixels");
    return kin_dicom_fragments_load(dicom->data_set, &dicom->layout, dicom->root,
                                    dicom->container.codec, h->frames, &dicom->fragments, err);
}

kin_status kin_dicom_pixels_describe(kin_dicom *dicom, kin_error *err)
{
    kin_dicom_header *h = &dicom->header;
    h->rows = int_or(dicom->root, TAG_ROWS, 0);
    h->columns = int_or(dicom->root, TAG_COLUMNS, 0);
    h->samples_per_pixel = int_or(dicom->root, TAG_SAMPLES, 1);
    h->frames = int_or(dicom->root, TAG_FRAMES, 1);
    if (h->frames < 1)
        h->frames = 1;
    h->bits_allocated = int_or(dicom->root, TAG_BITS_ALLOCATED, 0);
    h->bits_stored = int_or(dicom->root, TAG_BITS_STORED, 0);
    h->high_bit = int_or(dicom->root, TAG_HIGH_BIT, -1);
    h->is_signed = int_or(dicom->root, TAG_REPRESENTATION, 0) != 0;
    dicom->planar = int_or(dicom->root, TAG_PLANAR, 0) == 1;
    dicom->photometric = photometric_of(h->photometric_interpretation, h->samples_per_pixel);
    dicom->encapsulated = dicom->layout.encapsulated;
    kin_status status = check_shape(dicom, err);
    if (status == KIN_OK)
        status = settle_bits(dicom, err);
    if (status == KIN_OK)
        status = check_limits(dicom, err);
    if (status == KIN_OK)
        status = check_codec(dicom, err);
    return status;
}
