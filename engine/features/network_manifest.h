/* network_manifest.h - a network's manifest (network.h), read and checked; private to
 * engine/features and its tests. */
#ifndef KIN_FEATURES_NETWORK_MANIFEST_H
#define KIN_FEATURES_NETWORK_MANIFEST_H

#include "features/network.h"

enum { KIN_NETWORK_FILE_SIZE = 128, KIN_NETWORK_TENSOR_SIZE = 256 };

typedef enum kin_network_resize {
    KIN_RESIZE_FIT,
    KIN_RESIZE_STRETCH,
    KIN_RESIZE_CROP
} kin_network_resize;

typedef struct kin_network_manifest {
    char name[KIN_NETWORK_NAME_MAX + 1];
    char model[KIN_NETWORK_FILE_SIZE];
    char input[KIN_NETWORK_TENSOR_SIZE], output[KIN_NETWORK_TENSOR_SIZE]; /* "": the only one */
    int version, width, height, channels;
    size_t length;
    bool channels_last, bgr, colour, foreground, robust, normalise;
    kin_network_resize resize;
    float pad, weight;
    float mean[KIN_NETWORK_WINDOWS_MAX], std[KIN_NETWORK_WINDOWS_MAX];
    size_t windows; /* 0, or as many as channels */
    float centre[KIN_NETWORK_WINDOWS_MAX], range[KIN_NETWORK_WINDOWS_MAX]; /* Hounsfield units */
} kin_network_manifest;

/* KIN_E_FORMAT: not a manifest (the message says where); KIN_E_UNSUPPORTED: of a later version. */
kin_status kin_network_manifest_parse(const void *bytes, size_t size, kin_network_manifest *out,
                                      kin_error *err);

#endif
