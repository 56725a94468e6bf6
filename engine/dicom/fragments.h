/* fragments.h - which parts of encapsulated pixel data make up which frame (PS3.5 A.4). */
#ifndef KIN_DICOM_FRAGMENTS_H
#define KIN_DICOM_FRAGMENTS_H

#include "dicom/syntax.h"
#include "dicom/tags.h"

/* Offsets count from the data set's first byte. */
typedef struct kin_fragment {
    size_t item;         /* of the item's tag */
    size_t offset, size; /* of its value */
} kin_fragment;

typedef struct kin_fragments {
    kin_fragment *list; /* owned */
    size_t count;
    size_t *first; /* owned; frame f is list[first[f]] to list[first[f + 1] - 1] */
} kin_fragments;

/*
 * Lists the fragments of a walked data set and divides them among `frames`: one each where the
 * numbers agree; else by the extended or basic offset table, or by the codec's start and end
 * markers. KIN_E_FORMAT where none of these gives every frame at least one.
 */
kin_status kin_dicom_fragments_load(const uint8_t *data_set, const kin_dicom_layout *layout,
                                    kin_item *root, kin_dicom_codec codec, int frames,
                                    kin_fragments *out, kin_error *err);
void kin_dicom_fragments_release(kin_fragments *fragments);

/* The bytes of a frame: *bytes in place where it is one fragment, else joined in *owned (from
 * malloc, which the caller frees; NULL in the first case). */
kin_status kin_dicom_fragments_join(const kin_fragments *fragments, const uint8_t *data_set,
                                    int frame, const uint8_t **bytes, size_t *size, void **owned,
                                    kin_error *err);

#endif
