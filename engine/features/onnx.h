/*
 * onnx.h - ONNX Runtime, as far as networks need it; private to engine/features and its tests.
 *
 * The library is looked for when the first model is opened, and stays loaded: the file that
 * KINDRED_ONNXRUNTIME names, and nothing else where it is set; where tools/setup put it when this
 * program was built; the system's.  Its symbols stay its own, so nothing links it.  Any release that
 * offers the interface of the header that this program was built with will do.
 */
#ifndef KIN_FEATURES_ONNX_H
#define KIN_FEATURES_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define KIN_ONNX_LIBRARY_VARIABLE "KINDRED_ONNXRUNTIME"

typedef struct kin_onnx kin_onnx;

/* What a model must be. */
typedef struct kin_onnx_shape {
    const char *input, *output; /* "": the only one */
    int64_t input_sizes[3];     /* of one picture, in the tensor's order */
    size_t length;              /* floats of the output for one picture */
} kin_onnx_shape;

/* KIN_E_UNSUPPORTED: no ONNX Runtime, or it cannot run the model; KIN_E_FORMAT: the model is not of
 * that shape.  The model's bytes are not needed any more. */
kin_status kin_onnx_open(const void *model, size_t size, const kin_onnx_shape *shape,
                         kin_onnx **out, kin_error *err);
void kin_onnx_close(kin_onnx *onnx);

/* Whether several pictures can be run at once. */
bool kin_onnx_takes_many(const kin_onnx *onnx);

/* Runs `count` pictures, one behind the other in `input`; out: count * length floats, which may be
 * anything.  Safe from several threads. */
kin_status kin_onnx_run(const kin_onnx *onnx, const float *input, size_t count, float *out,
                        kin_error *err);

#endif
