/*
 * features.h - what an image looks like, in numbers: descriptor families and their concatenation.
 *
 * A family is a named, versioned function from a prepared view of an image to a fixed number of
 * floats.  A descriptor is the concatenation of the families of an extractor, in its order; its
 * layout has a signature ("pixels/1:256 hog/1:1764 …"), which the archive stores: rows of one
 * layout are never mixed with rows of another.
 *
 * Each family's source in the literature stands at the head of its file.  Histograms come as unit
 * vectors of square roots (Hellinger), statistics in units of their largest values, so that
 * Euclidean distances within a family make sense as they are; how families compare is for the
 * embedding to learn (embed.h), with their weights as its start.
 *
 * Descriptors are finite for every raster.  Gain and offset of the grey levels hardly change them
 * (colour families excepted: there the colour itself is the finding).
 */
#ifndef KIN_FEATURES_FEATURES_H
#define KIN_FEATURES_FEATURES_H

#include <stdbool.h>

#include "base/fs.h"
#include "features/network.h"
#include "features/picture.h"

/* An image made ready once for all families: foreground cropped, intensities robustly
 * normalised. */
typedef struct kin_view kin_view;

typedef struct kin_family {
    const char *name;   /* lower case, no spaces or colons */
    int version;        /* raised whenever its numbers change */
    size_t length;      /* floats */
    float weight;       /* of its share in an embedding that gives every family the same variance;
                       * chosen by retrieval quality over several kinds of images */
    bool colour;        /* describes colour: zeros for a grey image, and never called for one */
    bool since_classic; /* no part of "classic", the layout of archives made before it came */
    kin_status (*describe)(const kin_view *view, float *out, kin_error *err);
} kin_family;

/* The family of that name in the registry, or NULL. */
const kin_family *kin_family_named(const char *name, size_t name_length);

/* Makes the view of a raster (grey or RGB); freed with kin_view_free(). */
kin_status kin_view_new(const kin_raster *raster, kin_view **out, kin_error *err);

/* The view of a part (focus NULL: as kin_view_new()).  KIN_E_ARG: the box is not within the
 * raster. */
kin_status kin_view_new_focused(const kin_raster *raster, const kin_view_focus *focus,
                                kin_view **out, kin_error *err);

/* The luminances that kin_view_new() stretches to black and white. */
kin_status kin_view_levels(const kin_raster *raster, float *low, float *high, kin_error *err);
void kin_view_free(kin_view *view);

/* The built-in registry, in the order of concatenation; *count families. */
const kin_family *const *kin_families(size_t *count);

/*
 * An extractor: an ordered list of families, built-in ones and networks, which together make a
 * descriptor.  Immutable; safe from several threads.  An archive keeps the signature of the
 * extractor that described its images, and describes all later ones by the same.
 */
typedef struct kin_extractor kin_extractor;

enum {
    KIN_LAYOUT_SIGNATURE_SIZE = 512,
    KIN_LAYOUT_LENGTH_MAX = 65536 /* floats of a descriptor */
};

/*
 * spec: families by name, separated by spaces; "standard" stands for all built-in ones,
 * "classic" for those without Fisher vectors, "net:FOLDER" for the network in that folder (network.h: manifest and weights).  A
 * backslash takes the next character as it is (a space in a folder's name).  NULL: the default,
 * "standard".  KIN_E_UNSUPPORTED: networks are not available on this machine (the message says what
 * is missing); KIN_E_ARG: no such family, or one twice, or none; a network's own errors.
 */
kin_status kin_extractor_new(const char *spec, kin_extractor **out, kin_error *err);
void kin_extractor_free(kin_extractor *extractor);

/* Floats in a whole descriptor. */
size_t kin_extractor_length(const kin_extractor *extractor);

/* The layout's signature: "name/version:length" of each family, separated by spaces; a network's
 * name is "net:NAME.DIGEST", of its weights and manifest, and its weight follows in thousandths
 * ("@1500"). */
const char *kin_extractor_signature_borrow(const kin_extractor *extractor);

/* Describes an image: out has kin_extractor_length() floats, all finite. */
kin_status kin_extractor_describe(const kin_extractor *extractor, const kin_raster *raster,
                                  float *out, kin_error *err);

/* The same of a part of it (focus NULL: of the whole).  KIN_E_ARG: the focus is not within it. */
kin_status kin_extractor_describe_part(const kin_extractor *extractor, const kin_raster *raster,
                                       const kin_view_focus *focus, float *out, kin_error *err);

/* The same of a picture of which more is known: where an extractor wants Hounsfield units, and it is
 * a CT. */
kin_status kin_extractor_describe_picture(const kin_extractor *extractor,
                                          const kin_picture *picture, float *out, kin_error *err);

/* The same, and what it cost: the thread's seconds of a processor are added to spent[0] for the
 * view, which all built-in families share, and to spent[1 + i] for the family i of the signature.
 * spent may be NULL. */
kin_status kin_extractor_describe_timed(const kin_extractor *extractor, const kin_picture *picture,
                                        float *out, double *spent, kin_error *err);
bool kin_extractor_wants_hounsfield(const kin_extractor *extractor);

/* Copies the files of its networks, if it has any, into folder `networks` (made where it is
 * missing), each into a folder of its name without "net:". */
kin_status kin_extractor_copy_networks(const kin_extractor *extractor, const kin_fs *fs,
                                       const char *networks, kin_error *err);

/* --- signatures, without the families behind them: whoever only searches loads no network --- */

/* What a signature says of one family. */
typedef struct kin_layout_part {
    const char *name; /* name_length bytes within the signature */
    size_t name_length;
    size_t version, length; /* both at least 1; length in floats */
    float weight;           /* as written, else the registry's, else 1 */
} kin_layout_part;

/* Reads the family at *at and moves *at behind it and the space that follows; false, with *at where
 * it was, at the end of the text and where it is malformed. */
bool kin_layout_next(const char **at, kin_layout_part *out);

/* Floats of the descriptors that signature stands for; KIN_E_FORMAT when it is malformed, stands
 * for none or for more than KIN_LAYOUT_LENGTH_MAX. */
kin_status kin_layout_length(const char *signature, size_t *out, kin_error *err);

/* True when the part is a network; its name without "net:" goes to id. */
bool kin_layout_is_network(const kin_layout_part *part, char id[KIN_NETWORK_ID_SIZE]);

/* The spec that makes an extractor of that signature, in memory from malloc, where folder `networks`
 * holds each network in a folder of its name without "net:".  KIN_E_FORMAT, KIN_E_NOMEM. */
kin_status kin_layout_spec(const char *signature, const char *networks, char **out, kin_error *err);

#endif
