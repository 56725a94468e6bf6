/*
 * network.h - a user's neural network as a family of descriptors.
 *
 * A network is a folder with network.json, the manifest, and the weights as ONNX in one file.  The
 * manifest is one JSON object (unknown members are refused, so that a slip of the pen is found):
 *
 *   kindred_network   1, the version of this description
 *   name              1 to 32 of a-z, 0-9 and -; it becomes part of the family's name
 *   version           of the network, an integer from 1
 *   model             the weights' file in the same folder ("model.onnx")
 *   input, output     names of the model's tensors (where it has one only, its name)
 *   width, height     of the input in pixels, 1 to 1024
 *   channels          of the input: 1 or 3, or as many as there are windows
 *   layout            "NCHW" (default) or "NHWC"
 *   order             of three colours: "RGB" (default) or "BGR"
 *   colour            "rgb" (default where channels is 3): a grey picture has three equal channels;
 *                     "grey" (default otherwise): a coloured one becomes its luminance, in each
 *                     channel
 *   region            "whole" (default), or "foreground": the body's box (image/foreground.h)
 *                     widened towards a square, as the built-in families see it.  Of a picture's
 *                     focus (picture.h), its box: as it is, or widened so
 *   resize            "stretch": to width x height, whatever the proportions; "fit" (default):
 *                     in proportion, centred, the rest filled with pad; "crop": in proportion,
 *                     filling width x height, what sticks out equally at both sides cut off.  In
 *                     proportion means in space: pixels that are not square count as they are
 *   pad               a level in [0, 1] (0)
 *   intensity         "display" (default): levels as displayed; "robust": grey pictures are
 *                     stretched from their 1st to their 99th percentile (image/normalise.h), of the
 *                     resized picture without its padding; of a focus by the levels it brings
 *   windows           up to 8 pairs [centre, width] in Hounsfield units, one for each channel: what
 *                     a CT in these units is shown through, linearly, before it is resized.  Other
 *                     pictures give every channel their displayed grey levels; "intensity" is
 *                     for these only
 *   mean, std         lists of one number for each channel (0 and 1): input is (level - mean) / std,
 *                     levels from 0 to 1
 *   length            floats of the output for one picture, 1 to 8192
 *   normalise         true (default): the output is divided by its Euclidean length
 *   weight            of the family in an embedding (1), 0.001 to 1000
 *
 * The model has one input, of 32-bit floats, [n, channels, height, width] or [n, height, width,
 * channels], where each size is as in the manifest or open; n is open or 1.  Its output is of 32-bit
 * floats, length of them for each picture.  Weights outside the file are refused.
 *
 * It is run by ONNX Runtime on one thread (onnx.h finds it).
 */
#ifndef KIN_FEATURES_NETWORK_H
#define KIN_FEATURES_NETWORK_H

#include <stdbool.h>

#include "base/fs.h"
#include "features/picture.h"

enum {
    KIN_NETWORK_NAME_MAX = 32,
    KIN_NETWORK_SIDE_MAX = 1024,
    KIN_NETWORK_WINDOWS_MAX = 8,
    KIN_NETWORK_LENGTH_MAX = 8192,
    KIN_NETWORK_MANIFEST_MAX = 64 * 1024,      /* bytes */
    KIN_NETWORK_MODEL_MAX = 512 * 1024 * 1024, /* bytes: a worker has 3 GiB of addresses */
    KIN_NETWORK_ID_SIZE = KIN_NETWORK_NAME_MAX + 1 + 16 + 1
};

#define KIN_NETWORK_MANIFEST "network.json"

/* Immutable; safe from several threads. */
typedef struct kin_network kin_network;

/* Reads, checks and loads the network in that folder, and runs it once.  KIN_E_NOT_FOUND: no
 * manifest or no model; KIN_E_FORMAT: one of them is malformed or they contradict each other;
 * KIN_E_LIMIT; KIN_E_UNSUPPORTED: no ONNX Runtime here (the message says what was looked for), or a
 * model that it cannot run. */
kin_status kin_network_open(const char *folder, kin_network **out, kin_error *err);
void kin_network_close(kin_network *network);

/* "NAME.DIGEST", the digest being that of manifest and weights: 16 hexadecimal digits. */
const char *kin_network_id_borrow(const kin_network *network);
int kin_network_version(const kin_network *network);
size_t kin_network_length(const kin_network *network); /* floats of a description */
float kin_network_weight(const kin_network *network);
bool kin_network_wants_hounsfield(const kin_network *network);

/* Describes count pictures: out has count * kin_network_length() floats, all finite
 * (KIN_E_UNSUPPORTED when the network gives anything else). */
kin_status kin_network_describe(const kin_network *network, const kin_picture *pictures,
                                size_t count, float *out, kin_error *err);

/* Writes the network's files into a folder of its id within `networks`, durably; one that is there
 * already is written anew.  KIN_E_CORRUPT: the files have changed since they were loaded. */
kin_status kin_network_copy(const kin_network *network, const kin_fs *fs, const char *networks,
                            kin_error *err);

/* The same without loading the network, from the folder of that id within `from` into one within
 * `to`. */
kin_status kin_network_copy_files(const kin_fs *fs, const char *from, const char *to,
                                  const char *id, kin_error *err);

/* Checks that the files in the folder of that id within `networks` are the network's, without
 * loading it: KIN_E_CORRUPT when they are not, and what reading them gives. */
kin_status kin_network_check_files(const kin_fs *fs, const char *networks, const char *id,
                                   kin_error *err);

#endif
