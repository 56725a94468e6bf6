/* lut.h - lookup tables: modality, VOI and palette (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5). */
#ifndef KIN_DICOM_LUT_H
#define KIN_DICOM_LUT_H

#include "dicom/tags.h"

typedef struct kin_lut {
    uint16_t *entries; /* owned */
    size_t count;      /* at least 1 */
    long first;        /* the input that the first entry is for */
    int bits;          /* of an entry, 1 to 16 */
} kin_lut;

/* Reads descriptor and data of a table out of an item.  `inputs_signed` tells whether inputs may be
 * negative, which decides how a first input above 32,767 is meant where its VR does not.  False
 * where there is no such table, or a broken one. */
bool kin_dicom_lut_load(kin_item *item, kin_tag descriptor, kin_tag data, bool inputs_signed,
                        kin_lut *out);
void kin_dicom_lut_release(kin_lut *lut);

/* Inputs below the first and above the last take the first and last entry. */
static inline unsigned kin_lut_at(const kin_lut *lut, long input)
{
    long at = input - lut->first;
    return lut->entries[at < 0 ? 0 : (size_t)at >= lut->count ? lut->count - 1 : (size_t)at];
}

/* Parses a descriptor alone (entries, first input, bits): false where it makes no sense. */
bool kin_dicom_lut_descriptor(kin_item *item, kin_tag tag, bool inputs_signed, kin_lut *out);

#endif
