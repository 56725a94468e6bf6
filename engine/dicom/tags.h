/*
 * tags.h - a parsed data set, item by item, for C.
 *
 * The bridge to DCMTK's parser (tags_bridge.cc).  Getters say false where an attribute is absent,
 * empty or of another kind; they never fail otherwise.  Everything handed out is borrowed until
 * kin_dicom_tags_free().
 */
#ifndef KIN_DICOM_TAGS_H
#define KIN_DICOM_TAGS_H

#include <stdbool.h>

#include "dicom/prescan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_tags kin_tags;
typedef struct kin_item kin_item; /* the data set, or an item of a sequence in it */
typedef unsigned kin_tag;         /* group << 16 | element */

/* Loads the dictionary, silences the log, registers decoders: see kin_dicom_prepare(). */
kin_status kin_dicom_tags_prepare(kin_error *err);

/* Parses a data set that kin_dicom_walk() found sound, up to its layout's end. */
kin_status kin_dicom_tags_parse(const void *bytes, size_t size, kin_dicom_encoding encoding,
                                kin_tags **out, kin_error *err);
void kin_dicom_tags_free(kin_tags *tags);
kin_item *kin_dicom_tags_root_borrow(kin_tags *tags);

/* True when the attribute is there, empty or not. */
bool kin_dicom_item_has(kin_item *item, kin_tag tag);

/* The bytes of a text attribute as stored (all values, padded, in the file's character set). */
bool kin_dicom_item_text(kin_item *item, kin_tag tag, const char **text, size_t *length);

/* A number out of a DS, IS or binary attribute; index counts from 0.  Not-a-number and infinity
 * count as absent. */
bool kin_dicom_item_number(kin_item *item, kin_tag tag, unsigned index, double *out);

/* As kin_dicom_item_number(), for whole numbers that fit an int. */
bool kin_dicom_item_int(kin_item *item, kin_tag tag, unsigned index, int *out);

/* All numbers of a DS, FL, FD, OF or OD attribute: *out from malloc, the caller's to free (NULL and
 * 0 where it is absent or empty).  KIN_E_LIMIT for more than `most`, KIN_E_FORMAT for another kind
 * of attribute or one that is no number, KIN_E_NOMEM. */
kin_status kin_dicom_item_numbers(kin_item *item, kin_tag tag, size_t most, double **out,
                                  size_t *count, kin_error *err);

/* The words of a US, SS, OW or OB attribute in native order; *is_signed tells SS (may be NULL). */
bool kin_dicom_item_words(kin_item *item, kin_tag tag, const uint16_t **words, size_t *count,
                          bool *is_signed);

/* The 64-bit integers of an OV or UV attribute. */
bool kin_dicom_item_longs(kin_item *item, kin_tag tag, const uint64_t **longs, size_t *count);

/* Items of a sequence: their number (0 when absent), and one of them or NULL.  Reaching an item
 * takes time in proportion to its index; kin_dicom_item_list() gives all in one pass. */
size_t kin_dicom_item_count(kin_item *item, kin_tag tag);
kin_item *kin_dicom_item_at(kin_item *item, kin_tag tag, size_t index);

/* The first `count` items into list; returns how many there were. */
size_t kin_dicom_item_list(kin_item *item, kin_tag tag, kin_item **list, size_t count);

/* The first sequence item, one level below, that holds the attribute; NULL when there is none. */
kin_item *kin_dicom_item_find_below(kin_item *item, kin_tag tag);

#ifdef __cplusplus
}
#endif

#endif
