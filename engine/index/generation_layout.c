#include "base/checked.h"
#include "index/generation_file.h"

static bool to_page(uint64_t at, uint64_t *out)
{
    size_t end;
    if (!kin_add_size((size_t)at, GENERATION_PAGE - 1, &end))
        return false;
    *out = end / GENERATION_PAGE * GENERATION_PAGE;
    return true;
}

bool kin_generation_lay_out(const uint64_t sizes[SECTIONS], struct generation_layout *out)
{
    uint64_t at = sizeof(struct generation_header);
    size_t end;
    for (size_t s = 0; s < SECTIONS; s++) {
        if (!to_page(at, &out->at[s]) || !kin_add_size((size_t)out->at[s], (size_t)sizes[s], &end))
            return false;
        at = end;
    }
    if (!to_page(at, &out->hashes_at))
        return false;
    out->pieces = (out->hashes_at + GENERATION_PIECE - 1) / GENERATION_PIECE;
    if (!kin_add_size((size_t)out->hashes_at, (out->pieces + 1) * sizeof(XXH64_hash_t), &end))
        return false;
    out->size = end;
    return true;
}
