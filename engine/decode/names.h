/* names.h - what a file's name promises (private to the worker's side).  Of a name only the first
 * `length` bytes count: an ending that said how it is compressed has been taken off. */
#ifndef KIN_DECODE_NAMES_H
#define KIN_DECODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Whether it ends so, in capitals or not. */
bool kin_name_ends(const char *name, size_t length, const char *ending);

/* What to say of a file of `size` bytes that no format recognises: KIN_E_FORMAT where its name
 * promised an image, else KIN_E_NO_IMAGE. */
kin_status kin_name_unrecognised(const char *name, size_t length, size_t size, kin_error *err);

/*
 * KIN_E_UNSUPPORTED for slides that are several files, of which this is one (a thumbnail, or a list
 * of the others), and, without OpenSlide, for those whose pages are not pictures of tissue alone.
 */
kin_status kin_name_refuse(const char *name, size_t length, kin_error *err);

#endif
