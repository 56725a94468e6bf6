/* extractor.c - families in a row, which together describe an image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features/families.h"
#include "features/spec.h"
#include "features/view.h"

enum { PARTS_MAX = 64 };

struct kin_extractor {
    const kin_family *parts[PARTS_MAX];
    size_t count, length;
    char signature[KIN_LAYOUT_SIGNATURE_SIZE];
};

static kin_status write_signature(kin_extractor *extractor, const kin_family *family,
                                  kin_error *err)
{
    char *text = extractor->signature;
    size_t used = strlen(text), left = sizeof extractor->signature - used;
    int n = snprintf(text + used, left, "%s%s/%d:%zu", used > 0 ? " " : "", family->name,
                     family->version, family->length);
    if (n < 0 || (size_t)n >= left)
        return kin_fail(err, KIN_E_ARG, NULL, "features: too many families");
    return KIN_OK;
}

static kin_status add_family(kin_extractor *extractor, const kin_family *family, kin_error *err)
{
    for (size_t i = 0; i < extractor->count; i++)
        if (extractor->parts[i] == family)
            return kin_fail(err, KIN_E_ARG, NULL, "features: %s stands there twice", family->name);
    if (extractor->count == PARTS_MAX || family->length > KIN_LAYOUT_LENGTH_MAX - extractor->length)
        return kin_fail(err, KIN_E_ARG, NULL, "features: too many families");
    kin_status status = write_signature(extractor, family, err);
    if (status != KIN_OK)
        return status;
    extractor->parts[extractor->count++] = family;
    extractor->length += family->length;
    return KIN_OK;
}

static kin_status add_classic(kin_extractor *extractor, kin_error *err)
{
    size_t count;
    const kin_family *const *families = kin_families(&count);
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (!families[i]->by_name_only)
            status = add_family(extractor, families[i], err);
    return status;
}

static kin_status add_word(kin_extractor *extractor, const char *word, kin_error *err)
{
    const kin_family *family = kin_family_named(word, strlen(word));
    if (strcmp(word, KIN_SPEC_CLASSIC) == 0)
        return add_classic(extractor, err);
    if (strncmp(word, KIN_SPEC_NETWORK, strlen(KIN_SPEC_NETWORK)) == 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "features: this program knows no networks");
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
    kin_status status = add_words(extractor, spec != NULL ? spec : KIN_SPEC_CLASSIC, err);
    if (status != KIN_OK) {
        kin_extractor_free(extractor);
        return status;
    }
    *out = extractor;
    return KIN_OK;
}

void kin_extractor_free(kin_extractor *extractor)
{
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

static kin_status describe(const kin_extractor *extractor, const kin_view *view, float *out,
                           kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < extractor->count; i++) {
        const kin_family *family = extractor->parts[i];
        if (family->colour && view->colour.px == NULL)
            memset(out, 0, family->length * sizeof(float));
        else
            status = family->describe(view, out, err);
        out += family->length;
    }
    return status;
}

kin_status kin_extractor_describe(const kin_extractor *extractor, const kin_raster *raster,
                                  float *out, kin_error *err)
{
    return kin_extractor_describe_part(extractor, raster, NULL, out, err);
}

kin_status kin_extractor_describe_part(const kin_extractor *extractor, const kin_raster *raster,
                                       const kin_view_focus *focus, float *out, kin_error *err)
{
    kin_view *view;
    kin_status status = kin_view_new_focused(raster, focus, &view, err);
    if (status == KIN_OK)
        status = describe(extractor, view, out, err);
    kin_view_free(view);
    return status;
}
