/* spacing.c - how large a pixel is (PS3.3 10.7, C.7.6.3.1.7, C.7.6.16.2.1, C.8.5.5, C.8.12.4). */
#include <math.h>

#include "dicom/module.h"

enum {
    TAG_PIXEL_MEASURES = 0x00289110,
    TAG_PIXEL_SPACING = 0x00280030,
    TAG_IMAGER_SPACING = 0x00181164,
    TAG_SCANNED_SPACING = 0x00182010,
    TAG_OBJECT_SPACING = 0x00189404,
    TAG_ASPECT_RATIO = 0x00280034,
    TAG_ULTRASOUND_REGIONS = 0x00186011,
    TAG_UNITS_X = 0x00186024,
    TAG_UNITS_Y = 0x00186026,
    TAG_DELTA_X = 0x0018602c,
    TAG_DELTA_Y = 0x0018602e,
    TAG_VOLUME_WIDTH = 0x00480001, /* of a whole slide, in millimetres */
    TAG_VOLUME_HEIGHT = 0x00480002,
    TAG_MATRIX_COLUMNS = 0x00480006,
    TAG_MATRIX_ROWS = 0x00480007,
    UNITS_CENTIMETRES = 3,
    MAX_REGIONS = 32 /* looked at */
};

/* A pair "between rows \ between columns", that is, y before x. */
static bool read_pair(kin_item *item, kin_tag tag, double *x, double *y)
{
    return kin_dicom_item_number(item, tag, 0, y) && kin_dicom_item_number(item, tag, 1, x) &&
           *x > 0 && *y > 0;
}

/* Size of a region's pixels, when its axes are lengths. */
static bool read_region(kin_item *region, double *x, double *y)
{
    int units_x, units_y;
    if (!kin_dicom_item_int(region, TAG_UNITS_X, 0, &units_x) || units_x != UNITS_CENTIMETRES ||
        !kin_dicom_item_int(region, TAG_UNITS_Y, 0, &units_y) || units_y != UNITS_CENTIMETRES ||
        !kin_dicom_item_number(region, TAG_DELTA_X, 0, x) ||
        !kin_dicom_item_number(region, TAG_DELTA_Y, 0, y))
        return false;
    *x = 10 * fabs(*x);
    *y = 10 * fabs(*y);
    return *x > 0 && *y > 0;
}

/* Ultrasound: the scale that all regions of tissue share (others show spectra and curves). */
static bool read_ultrasound(kin_item *root, double *x, double *y)
{
    bool found = false;
    for (size_t i = 0; i < MAX_REGIONS; i++) {
        double region_x, region_y;
        kin_item *region = kin_dicom_item_at(root, TAG_ULTRASOUND_REGIONS, i);
        if (region == NULL)
            break;
        if (!read_region(region, &region_x, &region_y))
            continue;
        if (found && (region_x != *x || region_y != *y))
            return false;
        *x = region_x;
        *y = region_y;
        found = true;
    }
    return found;
}

/* A whole slide's extent over its matrix. */
static bool read_slide(kin_item *root, double *x, double *y)
{
    double width, height, columns, rows;
    if (!kin_dicom_item_number(root, TAG_VOLUME_WIDTH, 0, &width) ||
        !kin_dicom_item_number(root, TAG_VOLUME_HEIGHT, 0, &height) ||
        !kin_dicom_item_number(root, TAG_MATRIX_COLUMNS, 0, &columns) ||
        !kin_dicom_item_number(root, TAG_MATRIX_ROWS, 0, &rows) || columns < 1 || rows < 1)
        return false;
    *x = width / columns;
    *y = height / rows;
    return *x > 0 && *y > 0;
}

void kin_dicom_frame_spacing(const kin_dicom *dicom, int frame, double *x_mm, double *y_mm)
{
    kin_item *measures = kin_dicom_frame_group(dicom, frame, TAG_PIXEL_MEASURES);
    kin_item *root = dicom->root;
    if (read_pair(measures, TAG_PIXEL_SPACING, x_mm, y_mm) ||
        read_pair(root, TAG_PIXEL_SPACING, x_mm, y_mm) ||
        read_pair(root, TAG_IMAGER_SPACING, x_mm, y_mm) ||
        read_pair(root, TAG_SCANNED_SPACING, x_mm, y_mm) ||
        read_pair(root, TAG_OBJECT_SPACING, x_mm, y_mm) || read_ultrasound(root, x_mm, y_mm) ||
        read_slide(root, x_mm, y_mm))
        return;
    double x, y; /* the ratio of heights to widths: vertical \ horizontal */
    *x_mm = *y_mm = 0;
    if (read_pair(root, TAG_ASPECT_RATIO, &x, &y) && x != y) {
        *x_mm = 1;
        *y_mm = y / x;
    }
}
