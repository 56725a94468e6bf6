/* The default extractor for tests, made once for the program and left to its end. */
#ifndef KIN_TEST_STANDARD_H
#define KIN_TEST_STANDARD_H

#include <stdlib.h>

#include "features/features.h"

static inline const kin_extractor *standard_extractor(void)
{
    static kin_extractor *extractor;
    if (extractor == NULL && kin_extractor_new(NULL, &extractor, NULL) != KIN_OK)
        abort();
    return extractor;
}

static inline size_t standard_length(void)
{
    return kin_extractor_length(standard_extractor());
}

static inline kin_status standard_describe(const kin_raster *raster, float *out, kin_error *err)
{
    return kin_extractor_describe(standard_extractor(), raster, out, err);
}

#endif
