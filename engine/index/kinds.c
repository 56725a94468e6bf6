#include "index/kinds.h"

#include <string.h>

static const struct index_kind *const kinds[] = {&kin_index_flat, &kin_index_hnsw,
                                                 &kin_index_ivfpq};

const struct index_kind *kin_index_kind_named(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

bool kin_index_is_kind(const char *name)
{
    return strcmp(name, "auto") == 0 || kin_index_kind_named(name) != NULL;
}
