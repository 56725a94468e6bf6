/*
 * mesh.h - the surface of a region as triangles, by marching cubes (Lorensen, Cline 1987) over the
 * morphological mask: vertices half-way between a voxel inside and a neighbour outside.
 *
 * The table of the 256 cases is not written down but made: on each of a cube's faces the edges that
 * the outline crosses are joined (two corners inside that face each other across a square belong
 * together, as zones of a level do); what is joined makes loops, and each loop is cut into
 * triangles so that their area in a cube is largest, which gives the volumes and areas of the
 * classical table.  Two cubes see the face between them alike, so the surface is closed.
 */
#ifndef KIN_RADIOMICS_MESH_H
#define KIN_RADIOMICS_MESH_H

#include "radiomics/roi.h"

typedef struct kin_mesh_measures {
    double volume;    /* mm^3 */
    double area;      /* mm^2 */
    double extent[3]; /* of the vertices along the axes, mm */
} kin_mesh_measures;

void kin_mesh_measure(const kin_roi *roi, kin_mesh_measures *out);

/* A vertex, in half voxels from the centre of the box's voxel (0, 0, 0). */
typedef struct kin_vertex {
    int32_t at[3];
} kin_vertex;

/*
 * Those vertices that may be corners of the convex hull: the outermost ones of every line along an
 * axis.  *out from malloc, the caller frees it.
 */
kin_status kin_mesh_outer_vertices(const kin_roi *roi, kin_vertex **out, size_t *count,
                                   kin_error *err);

#endif
