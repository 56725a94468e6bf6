/* inflate.h - the deflated transfer syntax (PS3.5 A.5), undone within a bound. */
#ifndef KIN_DICOM_INFLATE_H
#define KIN_DICOM_INFLATE_H

#include <stddef.h>

#include "base/status.h"

/* Inflates a raw deflate stream (RFC 1951) into memory from malloc, which the caller frees.
 * KIN_E_LIMIT when more than `limit` bytes come out; KIN_E_FORMAT when the stream is broken or cut
 * off. */
kin_status kin_dicom_inflate(const void *bytes, size_t size, size_t limit, void **out,
                             size_t *out_size, kin_error *err);

#endif
