/* forecast.h - what a build will take, and which kind it will make; private to this folder. */
#ifndef KIN_INDEX_FORECAST_H
#define KIN_INDEX_FORECAST_H

#include "index/kinds.h"

/* The kind that the options mean for count vectors of dim floats, and what building it takes:
 * KIN_E_ARG for no kind, KIN_E_LIMIT where a kind that was named takes more memory than may be. */
kin_status kin_forecast_kind(size_t count, size_t dim, const kin_index_options *options,
                             const struct index_kind **kind, kin_index_forecast *out,
                             kin_error *err);

#endif
