/*
 * nrrd.h - reading volumes in the NRRD format ("nearly raw raster data", teem's definition of
 * NRRD0001 to NRRD0005), as 3D Slicer, ITK and PyRadiomics write them.
 *
 * Read: scalar types of 8 to 64 bits and floats, two or three dimensions; encodings raw, gzip,
 * ascii (text) and hex; both byte orders; line and byte skip; the space by name (left-posterior-
 * superior, right-anterior-superior, left-anterior-superior and their abbreviations; all turned to
 * LPS) or by its dimension, with directions and origin, or else spacings.  Detached headers (.nhdr)
 * with one data file.  Not read: bzip2, blocks, files in several parts, more dimensions, sheared
 * grids; each is refused by name.
 *
 * Files are strangers' input: sizes are checked against KIN_VOLUME_VOXELS_MAX before memory is
 * taken, what is inflated stops at what the sizes promise, and too few or too many data are
 * KIN_E_FORMAT.
 */
#ifndef KIN_VOLUME_NRRD_H
#define KIN_VOLUME_NRRD_H

#include "volume/volume.h"

enum { KIN_NRRD_NAME_MAX = 256 }; /* bytes of a data file's name, with its NUL */

/* True when the bytes begin as an NRRD file does. */
bool kin_nrrd_recognise(const void *bytes, size_t size);

/* The name of the data file beside a detached header, "" where the data follow the header.  The
 * name has no folder in it: KIN_E_UNSUPPORTED for paths, lists and patterns of several files. */
kin_status kin_nrrd_data_file(const void *bytes, size_t size, char name[KIN_NRRD_NAME_MAX],
                              kin_error *err);

/* Reads a volume.  data: the content of the file that kin_nrrd_data_file() names; NULL for none
 * (KIN_E_ARG where one is needed).  Integers beyond 2^24 are rounded to floats.  KIN_E_FORMAT,
 * KIN_E_LIMIT, KIN_E_UNSUPPORTED, with the reason. */
kin_status kin_nrrd_read(const void *bytes, size_t size, const void *data, size_t data_size,
                         kin_volume *out, kin_error *err);

#endif
