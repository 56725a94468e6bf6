/* extractor.c - families in a row, which together describe an image. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "features/families.h"
#include "features/spec.h"
#include "features/view.h"

enum { PARTS_MAX = 64, NAME_SIZE = 128 };

/* One of the two. */
struct part {
    const kin_family *family;
    kin_network *network;
    size_t length;
};

struct kin_extractor {
    struct part parts[PARTS_MAX];
    size_t count, length;
    bool has_families; /* built-in ones */
    char signature[KIN_LAYOUT_SIGNATURE_SIZE];
};

/* Adds a part, which name stands for in the signature. */
static kin_status add_part(kin_extractor *extractor, const struct part *part, const char *name,
                           kin_error *err)
{
    char *text = extractor->signature;
    size_t used = strlen(text), left = sizeof extractor->signature - used;
    int n = snprintf(text + used, left, "%s%s", used > 0 ? " " : "", name);
    if (n < 0 || (size_t)n >= left || extractor->count == PARTS_MAX ||
        part->length > KIN_LAYOUT_LENGTH_MAX - extractor->length)
        return kin_fail(err, KIN_E_ARG, NULL, "features: too many families");
    extractor->parts[extractor->count++] = *part;
    extractor->length += part->length;
    return KIN_OK;
}

static kin_status add_family(kin_extractor *extractor, const kin_family *family, kin_error *err)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < extractor->count; i++)
        if (extractor->parts[i].family == family)
            return kin_fail(err, KIN_E_ARG, NULL, "features: %s stands there twice", family->name);
    snprintf(name, sizeof name, "%s/%d:%zu", family->name, family->version, family->length);
    extractor->has_families = true;
    return add_part(extractor, &(struct part){.family = family, .length = family->length}, name,
                    err);
}

static bool has_network(const kin_extractor *extractor, const char *id)
{
    for (size_t i = 0; i < extractor->count; i++)
        if (extractor->parts[i].network != NULL &&
            strcmp(kin_network_id_borrow(extractor->parts[i].network), id) == 0)
            return true;
    return false;
}

static kin_status add_network(kin_extractor *extractor, const char *folder, kin_error *err)
{
    char name[NAME_SIZE];
    kin_network *network = NULL;
    kin_status status = kin_network_open(folder, &network, err);
    if (status != KIN_OK)
        return status;
    const char *id = kin_network_id_borrow(network);
    struct part part = {.network = network, .length = kin_network_length(network)};
    snprintf(name, sizeof name, "%s%s/%d:%zu@%ld", KIN_SPEC_NETWORK, id,
             kin_network_version(network), part.length,
             lroundf(kin_network_weight(network) * 1000));
    status = has_network(extractor, id)
                 ? kin_fail(err, KIN_E_ARG, folder, "features: the network stands there twice")
                 : add_part(extractor, &part, name, err);
    if (status != KIN_OK)
        kin_network_close(network);
    return status;
}

/* All built-in families, or those of the layout before Fisher vectors came. */
static kin_status add_built_in(kin_extractor *extractor, bool classic, kin_error *err)
{
    size_t count;
    const kin_family *const *families = kin_families(&count);
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (!classic || !families[i]->since_classic)
            status = add_family(extractor, families[i], err);
    return status;
}

static kin_status add_word(kin_extractor *extractor, const char *word, kin_error *err)
{
    const kin_family *family = kin_family_named(word, strlen(word));
    if (strcmp(word, KIN_SPEC_STANDARD) == 0 || strcmp(word, KIN_SPEC_CLASSIC) == 0)
        return add_built_in(extractor, strcmp(word, KIN_SPEC_CLASSIC) == 0, err);
    if (strncmp(word, KIN_SPEC_NETWORK, strlen(KIN_SPEC_NETWORK)) == 0)
        return add_network(extractor, word + strlen(KIN_SPEC_NETWORK), err);
    if (family == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "features: there is no family named %.64s", word);
    return add_family(extractor, family, err);
}

static kin_status add_words(kin_extractor *extractor, const char *spec, kin_error *err)
{
    char word[KIN_SPEC_WORD_SIZE];
    bool more = true;
    kin_status status = KIN_OK;
    while (status == KIN_OK && more) {
        status = kin_spec_next(&spec, word, &more, err);
        if (status == KIN_OK && more)
            status = add_word(extractor, word, err);
    }
    if (status == KIN_OK && extractor->count == 0)
        status = kin_fail(err, KIN_E_ARG, NULL, "features: no family is named");
    return status;
}

kin_status kin_extractor_new(const char *spec, kin_extractor **out, kin_error *err)
{
    kin_extractor *extractor = calloc(1, sizeof *extractor);
    if (extractor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an extractor");
    kin_status status = add_words(extractor, spec != NULL ? spec : KIN_SPEC_STANDARD, err);
    if (status != KIN_OK) {
        kin_extractor_free(extractor);
        return status;
    }
    *out = extractor;
    return KIN_OK;
}

void kin_extractor_free(kin_extractor *extractor)
{
    if (extractor == NULL)
        return;
    for (size_t i = 0; i < extractor->count; i++)
        kin_network_close(extractor->parts[i].network);
    free(extractor);
}

size_t kin_extractor_length(const kin_extractor *extractor)
{
    return extractor->length;
}

const char *kin_extractor_signature_borrow(const kin_extractor *extractor)
{
    return extractor->signature;
}

bool kin_extractor_wants_hounsfield(const kin_extractor *extractor)
{
    for (size_t i = 0; i < extractor->count; i++)
        if (extractor->parts[i].network != NULL &&
            kin_network_wants_hounsfield(extractor->parts[i].network))
            return true;
    return false;
}

/* view: NULL where no part is a built-in family. */
static kin_status describe_part(const struct part *part, const kin_picture *picture,
                                const kin_view *view, float *out, kin_error *err)
{
    if (part->network != NULL)
        return kin_network_describe(part->network, picture, 1, out, err);
    if (!part->family->colour || view->colour.px != NULL)
        return part->family->describe(view, out, err);
    memset(out, 0, part->length * sizeof *out);
    return KIN_OK;
}

/* Seconds that the calling thread has had a processor for. */
static double processor_seconds(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0
               ? (double)t.tv_sec + (double)t.tv_nsec * 1e-9
               : 0;
}

/* Adds the seconds since *since to *sum, and begins anew. */
static void lap(double *since, double *sum)
{
    double now = processor_seconds();
    *sum += now - *since;
    *since = now;
}

kin_status kin_extractor_describe_timed(const kin_extractor *extractor, const kin_picture *picture,
                                        float *out, double *spent, kin_error *err)
{
    double since = spent != NULL ? processor_seconds() : 0;
    kin_view *view = NULL;
    kin_status status = KIN_OK;
    if (extractor->has_families)
        status = kin_view_new_focused(picture->display, picture->focus, &view, err);
    if (spent != NULL)
        lap(&since, &spent[0]);
    for (size_t i = 0; status == KIN_OK && i < extractor->count; i++) {
        status = describe_part(&extractor->parts[i], picture, view, out, err);
        out += extractor->parts[i].length;
        if (spent != NULL)
            lap(&since, &spent[1 + i]);
    }
    kin_view_free(view);
    return status;
}

kin_status kin_extractor_describe_picture(const kin_extractor *extractor,
                                          const kin_picture *picture, float *out, kin_error *err)
{
    return kin_extractor_describe_timed(extractor, picture, out, NULL, err);
}

kin_status kin_extractor_describe(const kin_extractor *extractor, const kin_raster *raster,
                                  float *out, kin_error *err)
{
    return kin_extractor_describe_part(extractor, raster, NULL, out, err);
}

kin_status kin_extractor_describe_part(const kin_extractor *extractor, const kin_raster *raster,
                                       const kin_view_focus *focus, float *out, kin_error *err)
{
    const kin_picture picture = {.display = raster, .focus = focus};
    return kin_extractor_describe_picture(extractor, &picture, out, err);
}

kin_status kin_extractor_copy_networks(const kin_extractor *extractor, const kin_fs *fs,
                                       const char *networks, kin_error *err)
{
    kin_status status = KIN_OK;
    bool made = false;
    for (size_t i = 0; status == KIN_OK && i < extractor->count; i++) {
        if (extractor->parts[i].network == NULL)
            continue;
        if (!made)
            status = kin_fs_make_dirs(fs, networks, err);
        made = true;
        if (status == KIN_OK)
            status = kin_network_copy(extractor->parts[i].network, fs, networks, err);
    }
    return status;
}
