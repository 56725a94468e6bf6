/* plane.c - where a frame lies: PS3.3 C.7.6.2 (image plane), C.7.6.16.2.3 and .4 (its functional
 * groups), C.8.12.4 and C.8.12.6.1 (slides), C.7.6.17.3 (the order of tiles). */
#include <math.h>
#include <string.h>

#include "dicom/annotations.h"
#include "dicom/item_text.h"
#include "dicom/module.h"
#include "dicom/tile_order.h"

enum {
    TAG_POSITION_GROUP = 0x00209113,
    TAG_POSITION = 0x00200032,
    TAG_ORIENTATION_GROUP = 0x00209116,
    TAG_ORIENTATION = 0x00200037,
    TAG_MEASURES_GROUP = 0x00289110,
    TAG_PIXEL_SPACING = 0x00280030,
    TAG_THICKNESS = 0x00180050,
    TAG_SLIDE_POSITION_GROUP = 0x0048021a,
    TAG_SLIDE_X = 0x0040072a,
    TAG_SLIDE_Y = 0x0040073a,
    TAG_SLIDE_Z = 0x0040074a, /* in micrometres */
    TAG_MATRIX_ORIGIN = 0x00480008,
    TAG_SLIDE_ORIENTATION = 0x00480102,
    TAG_SLIDE_WIDTH = 0x00480001,
    TAG_COLUMN_IN_MATRIX = 0x0048021e, /* from 1 */
    TAG_ROW_IN_MATRIX = 0x0048021f
};

static const double mm_per_um = 1e-3;

static bool read_three(kin_item *item, kin_tag tag, unsigned from, double out[3])
{
    for (unsigned i = 0; i < 3; i++)
        if (!kin_dicom_item_number(item, tag, from + i, &out[i]))
            return false;
    return true;
}

/* Makes a direction a unit vector; false when it is none. */
static bool normalise(double v[3])
{
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (!(length > 0.5 && length < 2)) /* direction cosines, rounded at worst */
        return false;
    for (int i = 0; i < 3; i++)
        v[i] /= length;
    return true;
}

static bool read_directions(kin_item *item, kin_tag tag, kin_plane *out)
{
    static const double square = 0.02; /* how far from a right angle they may be: its cosine */
    double *a = out->along_row, *b = out->along_column;
    return read_three(item, tag, 0, a) && read_three(item, tag, 3, b) && normalise(a) &&
           normalise(b) && fabs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) < square;
}

/* The item that holds an attribute: a frame's functional group, or else the data set. */
static kin_item *holder(const kin_dicom *dicom, int frame, kin_tag group, kin_tag tag)
{
    kin_item *item = kin_dicom_frame_group(dicom, frame, group);
    return kin_dicom_item_has(item, tag) ? item : dicom->root;
}

static void read_thickness(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_item *item = holder(dicom, frame, TAG_MEASURES_GROUP, TAG_THICKNESS);
    if (!kin_dicom_item_number(item, TAG_THICKNESS, 0, &out->thickness_mm) ||
        !(out->thickness_mm > 0))
        out->thickness_mm = 0;
}

/* Pixel sizes that are lengths: not an aspect ratio. */
static bool read_spacing(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_item *item = holder(dicom, frame, TAG_MEASURES_GROUP, TAG_PIXEL_SPACING);
    if (!kin_dicom_item_has(item, TAG_PIXEL_SPACING) &&
        !kin_dicom_item_has(dicom->root, TAG_SLIDE_WIDTH))
        return false;
    kin_dicom_frame_spacing(dicom, frame, &out->spacing_x_mm, &out->spacing_y_mm);
    return out->spacing_x_mm > 0 && out->spacing_y_mm > 0;
}

static bool read_patient_plane(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_item *position = holder(dicom, frame, TAG_POSITION_GROUP, TAG_POSITION);
    kin_item *orientation = holder(dicom, frame, TAG_ORIENTATION_GROUP, TAG_ORIENTATION);
    return read_three(position, TAG_POSITION, 0, out->origin) &&
           read_directions(orientation, TAG_ORIENTATION, out);
}

static bool read_offsets(kin_item *item, double out[3])
{
    if (!kin_dicom_item_number(item, TAG_SLIDE_X, 0, &out[0]) ||
        !kin_dicom_item_number(item, TAG_SLIDE_Y, 0, &out[1]))
        return false;
    if (!kin_dicom_item_number(item, TAG_SLIDE_Z, 0, &out[2]))
        out[2] = 0;
    out[2] *= mm_per_um;
    return true;
}

/* A tile without a position of its own lies where its place in the matrix says. */
static bool read_slide_plane(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_item *position = kin_dicom_frame_group(dicom, frame, TAG_SLIDE_POSITION_GROUP);
    if (!read_directions(dicom->root, TAG_SLIDE_ORIENTATION, out))
        return false;
    if (read_offsets(position, out->origin))
        return true;
    if (!read_offsets(kin_dicom_item_at(dicom->root, TAG_MATRIX_ORIGIN, 0), out->origin))
        return false;
    for (int i = 0; i < 3; i++)
        out->origin[i] += out->matrix_column * out->spacing_x_mm * out->along_row[i] +
                          out->matrix_row * out->spacing_y_mm * out->along_column[i];
    return true;
}

static void read_place_in_matrix(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_item *position = kin_dicom_frame_group(dicom, frame, TAG_SLIDE_POSITION_GROUP);
    int column, row;
    kin_tile_order tiles;
    if (kin_dicom_item_int(position, TAG_COLUMN_IN_MATRIX, 0, &column) &&
        kin_dicom_item_int(position, TAG_ROW_IN_MATRIX, 0, &row) && column > 0 && row > 0) {
        out->matrix_column = column - 1;
        out->matrix_row = row - 1;
    } else if (kin_dicom_tile_order(dicom, &tiles)) {
        int tile = frame % (tiles.across * tiles.down);
        out->matrix_column = tile % tiles.across * dicom->header.columns;
        out->matrix_row = tile / tiles.across * dicom->header.rows;
    }
}

void kin_dicom_plane(const kin_dicom *dicom, int frame, kin_plane *out)
{
    kin_plane plane = {0};
    read_place_in_matrix(dicom, frame, &plane);
    if (read_spacing(dicom, frame, &plane))
        plane.known =
            read_patient_plane(dicom, frame, &plane) || read_slide_plane(dicom, frame, &plane);
    read_thickness(dicom, frame, &plane);
    if (plane.known)
        *out = plane;
    else
        *out = (kin_plane){.matrix_column = plane.matrix_column, .matrix_row = plane.matrix_row};
}
