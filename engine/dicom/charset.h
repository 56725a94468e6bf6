/*
 * charset.h - text in DICOM's character sets to UTF-8 (PS3.3 C.12.1.1.2, PS3.5 section 6.1).
 *
 * Code extensions (ISO/IEC 2022 escapes) are followed here; single characters are converted by the
 * C library's iconv.  Its converters are files: kin_dicom_charset_prepare() loads and keeps them,
 * after which no file is opened any more.
 */
#ifndef KIN_DICOM_CHARSET_H
#define KIN_DICOM_CHARSET_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { KIN_CHARSET_CONVERTERS = 16 };

/* The character sets of a data set: what is in force at the start of a text. */
typedef struct kin_charset {
    int g0, g1;  /* sets in the lower and upper half, as numbered in charset.c */
    bool whole;  /* a multi-byte set without code extensions: UTF-8, GB18030, GBK */
    bool stated; /* SpecificCharacterSet named a set that is known */
    iconv_t converters[KIN_CHARSET_CONVERTERS]; /* opened at first use */
} kin_charset;

/* Loads every converter, once per process; later calls do nothing.  Converters that the system
 * lacks are no error: their characters become U+FFFD. */
void kin_dicom_charset_prepare(void);

/* Reads the values of SpecificCharacterSet (0008,0005); text may be NULL where it is absent. */
void kin_dicom_charset_init(kin_charset *charset, const char *text, size_t length);
void kin_dicom_charset_release(kin_charset *charset);

/*
 * Text to UTF-8 in memory from malloc, ended by NUL, which the caller frees; NULL only when memory
 * is gone.  What cannot be converted becomes U+FFFD.  Bytes above 127 where no set is stated are
 * taken for UTF-8 when they are valid as such, else for Latin-1.  `backslash_divides` says that a
 * backslash separates values (all VRs but ST, LT, UT), so that the sets are back at their start
 * behind it.
 */
char *kin_dicom_charset_utf8(kin_charset *charset, const char *text, size_t length,
                             bool backslash_divides);

#endif
