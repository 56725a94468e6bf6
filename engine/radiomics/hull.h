/* hull.h - the convex hull of points in space. */
#ifndef KIN_RADIOMICS_HULL_H
#define KIN_RADIOMICS_HULL_H

#include "radiomics/mesh.h"

typedef struct kin_hull {
    double volume;   /* mm^3 */
    double area;     /* mm^2 */
    double diameter; /* between the two points farthest from each other, mm */
} kin_hull;

/*
 * Adds the points one by one, replacing the faces that see them.  Grid points lie in common planes
 * by the dozen, so each is moved by up to 1e-4 half voxels first, in whole numbers and exactly
 * decided; measured are the points as they were.  A hull without volume has volume and area NaN.
 */
kin_status kin_hull_of(const kin_vertex *points, size_t count, const double spacing[3],
                       kin_hull *out, kin_error *err);

#endif
