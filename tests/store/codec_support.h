/* What the tests of codecs and probes share. */
#ifndef KIN_TEST_CODEC_SUPPORT_H
#define KIN_TEST_CODEC_SUPPORT_H

#include "random.h"
#include "store/codec.h"

enum { CODECS = 3, DIM_MAX = 300 };

static const char *const codec_names[CODECS] = {"fp32", "fp16", "int8"};

/* Numbers from [-scale, scale]. */
static inline void random_vector(float *vector, size_t dim, float scale, uint64_t *seed)
{
    for (size_t i = 0; i < dim; i++)
        vector[i] = (2 * random_unit(seed) - 1) * scale;
}

#endif
