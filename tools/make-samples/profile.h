/* profile.h - an ICC profile for the slides' colours. */
#ifndef SAMPLES_PROFILE_H
#define SAMPLES_PROFILE_H

#include <stddef.h>

enum { PROFILE_BYTES = 444, PROFILE_WORDS = PROFILE_BYTES / 2 };

/* sRGB's primaries under D50 with a gamma of 2.2, as an ICC version 2.1 input profile
 * (ICC.1:2001-04, clause 6.3.2): bytes two to a word, low byte first, as kin_dicom_new_attribute
 * takes them. */
void profile_srgb(unsigned short words[PROFILE_WORDS]);

#endif
