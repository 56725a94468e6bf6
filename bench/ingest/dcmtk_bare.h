/* dcmtk_bare.h - DCMTK's own way from a file to pixels: what Kindred's decoding is measured beside.
 */
#ifndef KIN_BENCH_DCMTK_BARE_H
#define KIN_BENCH_DCMTK_BARE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers DCMTK's codecs; once. */
void dcmtk_bare_prepare(void);

/* Loads the file and renders every frame to 8 bits with DicomImage.  Returns the number of frames,
 * or 0 where DCMTK cannot (JPEG 2000, no pixels, broken). */
size_t dcmtk_bare_decode(const char *path);

#ifdef __cplusplus
}
#endif

#endif
