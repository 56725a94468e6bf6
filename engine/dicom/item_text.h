/* item_text.h - an item's text, UIDs and codes, ready for use. */
#ifndef KIN_DICOM_ITEM_TEXT_H
#define KIN_DICOM_ITEM_TEXT_H

#include "base/uid.h"
#include "dicom/charset.h"
#include "dicom/tags.h"

typedef enum kin_text_values { KIN_TEXT_ALL_VALUES, KIN_TEXT_FIRST_VALUE } kin_text_values;

enum { KIN_TEXT_VALUE_MAX = 1024 }; /* bytes of a text that are kept */

/* An attribute's text in UTF-8, spaces off both ends, cut to KIN_TEXT_VALUE_MAX bytes at a
 * character's start; "" where it is absent.  From malloc; NULL only when memory is gone. */
char *kin_dicom_item_utf8(kin_item *item, kin_tag tag, kin_charset *charset,
                          kin_text_values values);

/* A UID: anything that could not be one counts as absent, and is "". */
bool kin_dicom_item_uid(kin_item *item, kin_tag tag, char out[KIN_UID_SIZE]);

/* The first code of a code sequence (PS3.3 8.8) as "SCHEME:VALUE"; "" where there is none.  From
 * malloc; NULL only when memory is gone. */
char *kin_dicom_item_code(kin_item *item, kin_tag sequence, kin_charset *charset);

/* Whether that code is the one of the given scheme and value. */
bool kin_dicom_item_code_is(kin_item *item, kin_tag sequence, const char *scheme,
                            const char *value);

/* Whether a text attribute (CS, UI) is exactly `wanted`, padding aside. */
bool kin_dicom_item_text_is(kin_item *item, kin_tag tag, const char *wanted);

#endif
