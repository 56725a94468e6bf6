#include "dicom/write_spec.h"

#include "base/checked.h"

enum { SIDE_MAX = 65535, LOSSY_BITS_MAX = 12, QUALITY_DEFAULT = 90 };

static const size_t pixels_max = 0xfffffffe; /* a length of 32 bits, and even */

static kin_status refuse(kin_error *err, const char *why)
{
    return kin_fail(err, KIN_E_ARG, NULL, "cannot write DICOM: %s", why);
}

static void set_defaults(kin_dicom_new *spec)
{
    if (spec->frames == 0)
        spec->frames = 1;
    if (spec->samples_per_pixel == 0)
        spec->samples_per_pixel = 1;
    if (spec->bits_allocated == 0)
        spec->bits_allocated = 8;
    if (spec->bits_stored == 0)
        spec->bits_stored = spec->bits_allocated;
    if (spec->photometric == NULL)
        spec->photometric = spec->samples_per_pixel == 3 ? "RGB" : "MONOCHROME2";
    if (spec->jpeg_quality == 0)
        spec->jpeg_quality = QUALITY_DEFAULT;
}

static kin_status check_size(const kin_dicom_new *spec, kin_error *err)
{
    size_t expected;
    if (!kin_mul_size((size_t)spec->rows * (size_t)spec->columns,
                      (size_t)spec->samples_per_pixel * (size_t)spec->bits_allocated / 8,
                      &expected) ||
        !kin_mul_size(expected, (size_t)spec->frames, &expected) || expected != spec->pixels_size)
        return refuse(err, "the size of the pixels does not match their description");
    if (expected > pixels_max)
        return refuse(err, "uncompressed pixel data of a DICOM file end at 4 GiB");
    return KIN_OK;
}

static kin_status check_pixels(const kin_dicom_new *spec, kin_error *err)
{
    const bool native = spec->syntax <= KIN_DICOM_DEFLATED;
    if (spec->rows < 1 || spec->rows > SIDE_MAX || spec->columns < 1 || spec->columns > SIDE_MAX)
        return refuse(err, "rows and columns must be from 1 to 65,535");
    if (spec->frames < 1)
        return refuse(err, "the number of frames must be at least 1");
    if (spec->samples_per_pixel != 1 && spec->samples_per_pixel != 3)
        return refuse(err, "samples per pixel must be 1 or 3");
    if (spec->bits_allocated != 8 && spec->bits_allocated != 16 &&
        !(native && spec->bits_allocated == 32))
        return refuse(err, "bits allocated must be 8 or 16, or 32 in an uncompressed syntax");
    if (spec->bits_stored < 1 || spec->bits_stored > spec->bits_allocated)
        return refuse(err, "bits stored must be from 1 to the bits allocated");
    if (spec->syntax == KIN_DICOM_JPEG && spec->bits_stored > LOSSY_BITS_MAX)
        return refuse(err, "lossy JPEG holds at most 12 bits");
    return check_size(spec, err);
}

kin_status kin_dicom_write_spec(const kin_dicom_new *given, kin_dicom_new *out, kin_error *err)
{
    *out = *given;
    set_defaults(out);
    if (out->sop_class_uid == NULL || out->sop_instance_uid == NULL)
        return refuse(err, "a SOP class and a SOP instance UID are required");
    return out->pixels != NULL ? check_pixels(out, err) : KIN_OK;
}
