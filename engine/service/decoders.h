/*
 * decoders.h - a few decoding processes, shared by many calls.
 */
#ifndef KIN_SERVICE_DECODERS_H
#define KIN_SERVICE_DECODERS_H

#include "decode/decoder.h"

typedef struct kin_decoders kin_decoders;

/* count of them (at least 1), each started at its first use. */
kin_status kin_decoders_new(size_t count, const char *worker, const kin_decode_features *features,
                            const kin_decode_limits *limits, kin_decoders **out, kin_error *err);
/* All have been given back.  NULL is fine. */
void kin_decoders_free(kin_decoders *decoders);

/* Waits for a free one, asking stop(ctx) now and then: KIN_E_CANCELLED when it says so.  Until it is
 * given back the decoder asks the same. */
kin_status kin_decoders_take(kin_decoders *decoders, bool (*stop)(void *ctx), void *ctx,
                             kin_decoder **out, kin_error *err);
void kin_decoders_give_back(kin_decoders *decoders, kin_decoder *decoder);

/* Crashes and time-outs survived so far. */
uint64_t kin_decoders_restarts(kin_decoders *decoders);

#endif
