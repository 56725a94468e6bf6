#include "dicom/report_shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/annotations.h"
#include "dicom/item_text.h"

enum {
    TAG_VALUE_TYPE = 0x0040a040,
    TAG_GRAPHIC_TYPE = 0x00700023,
    TAG_GRAPHIC_DATA = 0x00700022,
    TAG_ORIGIN = 0x00480301 /* PixelOriginInterpretation */
};

static const double pi = 3.14159265358979323846;

static bool is_spatial(kin_item *item)
{
    return kin_dicom_item_text_is(item, TAG_VALUE_TYPE, "SCOORD3D");
}

bool kin_report_is_shape(kin_item *item)
{
    return is_spatial(item) || kin_dicom_item_text_is(item, TAG_VALUE_TYPE, "SCOORD");
}

/* A corner of an ellipse: centre + cos(t) a + sin(t) b, of two or three coordinates each. */
static void fill_arc(const double *centre, const double *a, const double *b, size_t dimensions,
                     double *out)
{
    for (int i = 0; i < KIN_REPORT_ARC_POINTS; i++) {
        double t = 2 * pi * i / KIN_REPORT_ARC_POINTS;
        for (size_t k = 0; k < dimensions; k++)
            *out++ = centre[k] + cos(t) * a[k] + sin(t) * b[k];
    }
}

/* CIRCLE: centre, a point on it.  ELLIPSE: the ends of the major axis, then of the minor one. */
static kin_status make_arc(const double *numbers, size_t count, size_t dimensions, bool circle,
                           kin_report_shape *out, kin_error *err)
{
    double centre[3] = {0}, a[3] = {0}, b[3] = {0};
    if (count != (circle ? 2 : 4) * dimensions)
        return kin_fail(err, KIN_E_FORMAT, NULL, "%s of %zu coordinates",
                        circle ? "a circle" : "an ellipse", count);
    for (size_t k = 0; k < dimensions; k++) {
        const double *p = numbers + k;
        centre[k] = circle ? p[0] : (p[0] + p[dimensions]) / 2;
        a[k] = circle ? p[dimensions] - p[0] : (p[dimensions] - p[0]) / 2;
        if (!circle)
            b[k] = (p[3 * dimensions] - p[2 * dimensions]) / 2;
    }
    if (circle) {
        b[0] = -a[1];
        b[1] = a[0];
    }
    out->points = calloc(KIN_REPORT_ARC_POINTS * dimensions, sizeof *out->points);
    if (out->points == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an outline");
    out->count = KIN_REPORT_ARC_POINTS;
    fill_arc(centre, a, b, dimensions, out->points);
    return KIN_OK;
}

/* Takes the numbers over when they are a closed line with an inside. */
static kin_status take_line(double **numbers, size_t count, size_t dimensions, bool closed,
                            kin_report_shape *out, kin_error *err)
{
    if (count % dimensions != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "an outline of %zu coordinates", count);
    size_t points = count / dimensions;
    if (points > 1 &&
        memcmp(*numbers, *numbers + count - dimensions, dimensions * sizeof **numbers) == 0) {
        closed = true;
        points--; /* the first once more */
    }
    if (!closed || points < 3)
        return KIN_OK;
    out->points = *numbers;
    out->count = points;
    *numbers = NULL;
    return KIN_OK;
}

kin_status kin_report_shape_read(kin_item *item, bool region, kin_report_shape *out, kin_error *err)
{
    bool spatial = is_spatial(item);
    size_t dimensions = spatial ? 3 : 2, count;
    double *numbers;
    *out = (kin_report_shape){.kind = KIN_SHAPE_OUTLINE};
    if (spatial)
        out->kind = KIN_SHAPE_OUTLINE_MM;
    else if (kin_dicom_item_text_is(item, TAG_ORIGIN, "VOLUME"))
        out->kind = KIN_SHAPE_OUTLINE_SLIDE;
    kin_status status = kin_dicom_item_numbers(
        item, TAG_GRAPHIC_DATA, 3 * (size_t)KIN_ANNOTATION_POINTS_MAX, &numbers, &count, err);
    if (status != KIN_OK)
        return status;
    if (kin_dicom_item_text_is(item, TAG_GRAPHIC_TYPE, "POLYLINE"))
        status = take_line(&numbers, count, dimensions, region, out, err);
    else if (spatial && kin_dicom_item_text_is(item, TAG_GRAPHIC_TYPE, "POLYGON"))
        status = take_line(&numbers, count, dimensions, true, out, err);
    else if (kin_dicom_item_text_is(item, TAG_GRAPHIC_TYPE, "ELLIPSE"))
        status = make_arc(numbers, count, dimensions, false, out, err);
    else if (!spatial && kin_dicom_item_text_is(item, TAG_GRAPHIC_TYPE, "CIRCLE"))
        status = make_arc(numbers, count, dimensions, true, out, err);
    free(numbers);
    return status;
}
