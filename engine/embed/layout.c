#include <stdlib.h>
#include <string.h>

#include "embed/embedder.h"
#include "features/features.h"

/* How much the family that is named up to the slash counts. */
static float weight_of(const char *name)
{
    const kin_family *family = kin_family_named(name, strcspn(name, "/"));
    return family != NULL ? family->weight : 1.0f;
}

/* Reads "name/version:length" at *at and moves past it and the space behind it; 0 when
 * malformed. */
static size_t next_length(const char **at)
{
    const char *slash = strchr(*at, '/'), *space = strchr(*at, ' ');
    const char *colon = slash != NULL ? strchr(slash, ':') : NULL;
    if (colon == NULL || slash == *at || colon == slash + 1 || (space != NULL && space < colon))
        return 0;
    if (colon[1] < '1' || colon[1] > '9')
        return 0;
    char *end;
    unsigned long length = strtoul(colon + 1, &end, 10);
    if ((*end != '\0' && *end != ' ') || (*end == ' ' && end[1] == '\0'))
        return 0;
    *at = *end == ' ' ? end + 1 : end;
    return length <= KIN_EMBED_INPUT_MAX ? length : 0;
}

kin_status kin_embed_layout_parse(const char *signature, size_t input, struct embed_layout *layout,
                                  kin_error *err)
{
    if (strlen(signature) >= KIN_EMBED_SIGNATURE_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "descriptors' signature is too long");
    *layout = (struct embed_layout){0};
    for (const char *at = signature; *at != '\0';) {
        const char *name = at;
        size_t length = next_length(&at);
        if (length == 0 || layout->count == EMBED_FAMILIES_MAX)
            return kin_fail(err, KIN_E_ARG, NULL, "descriptors' signature is malformed");
        layout->first[layout->count + 1] = layout->first[layout->count] + length;
        layout->weight[layout->count] = weight_of(name);
        layout->count++;
    }
    if (layout->count == 0 || layout->first[layout->count] != input)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "descriptors of %zu floats do not fit their signature", input);
    return KIN_OK;
}
