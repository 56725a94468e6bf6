/* An extractor for tests, the quickest that describes grey and colour alike, made once for the program and left to its end. */
#ifndef KIN_TEST_CLASSIC_H
#define KIN_TEST_CLASSIC_H

#include <stdlib.h>

#include "features/features.h"

static inline const kin_extractor *classic_extractor(void)
{
    static kin_extractor *extractor;
    if (extractor == NULL && kin_extractor_new("classic", &extractor, NULL) != KIN_OK)
        abort();
    return extractor;
}

static inline size_t classic_length(void)
{
    return kin_extractor_length(classic_extractor());
}

static inline kin_status classic_describe(const kin_raster *raster, float *out, kin_error *err)
{
    return kin_extractor_describe(classic_extractor(), raster, out, err);
}

#endif
