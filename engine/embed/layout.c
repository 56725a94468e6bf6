#include <string.h>

#include "embed/embedder.h"
#include "features/features.h"

kin_status kin_embed_layout_parse(const char *signature, size_t input, struct embed_layout *layout,
                                  kin_error *err)
{
    if (strlen(signature) >= KIN_EMBED_SIGNATURE_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "descriptors' signature is too long");
    *layout = (struct embed_layout){0};
    for (const char *at = signature; *at != '\0';) {
        kin_layout_part part;
        if (!kin_layout_next(&at, &part) || part.length > KIN_EMBED_INPUT_MAX ||
            layout->count == EMBED_FAMILIES_MAX)
            return kin_fail(err, KIN_E_ARG, NULL, "descriptors' signature is malformed");
        layout->first[layout->count + 1] = layout->first[layout->count] + part.length;
        layout->weight[layout->count] = part.weight;
        layout->count++;
    }
    if (layout->count == 0 || layout->first[layout->count] != input)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "descriptors of %zu floats do not fit their signature", input);
    return KIN_OK;
}
