/* network_input.h - from a picture to what a network is fed with; private to engine/features and its
 * tests. */
#ifndef KIN_FEATURES_NETWORK_INPUT_H
#define KIN_FEATURES_NETWORK_INPUT_H

#include "features/network_manifest.h"

/* out: channels * height * width floats in the manifest's layout. */
kin_status kin_network_input(const kin_network_manifest *manifest, const kin_picture *picture,
                             float *out, kin_error *err);

#endif
