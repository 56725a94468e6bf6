/* report_shape.h - spatial coordinates of a structured report as closed outlines. */
#ifndef KIN_DICOM_REPORT_SHAPE_H
#define KIN_DICOM_REPORT_SHAPE_H

#include "dicom/region.h"
#include "dicom/tags.h"

typedef struct kin_report_shape {
    kin_shape_kind kind;
    double *points; /* from malloc; NULL when the item has no area (point, open line) */
    size_t count;
} kin_report_shape;

/* Whether an item is SCOORD or SCOORD3D (PS3.3 C.18.6, C.18.9). */
bool kin_report_is_shape(kin_item *item);

/*
 * The outline of such an item.  Circles and ellipses become polygons of KIN_REPORT_ARC_POINTS
 * corners (0.02% less area).  A polyline is closed when its last point is its first, or when the
 * item says that it is a region: `region`.  KIN_E_FORMAT: coordinates of another number than the
 * graphic type needs.
 */
enum { KIN_REPORT_ARC_POINTS = 180 };
kin_status kin_report_shape_read(kin_item *item, bool region, kin_report_shape *out,
                                 kin_error *err);

#endif
