#include "index/kinds.h"

#include <faiss/c_api/error_c.h>
#include <string.h>

/* Below this the exact scan of the store is as good as any index: 8,192 x 256 floats are 8 MiB,
 * which one core reads in about half a millisecond, and nothing has to be rebuilt. */
enum { FLAT_ROWS_MAX = 8192 };

/* Up to this size the graph is built: it needs no training, keeps its recall on data without
 * clusters and under filters that let most through, but holds the vectors themselves besides 64
 * links each.  2 GiB are about 1.6 million rows of 256 floats.  Beyond, inverted lists with product
 * quantisation take a sixteenth of the vectors' size and build in a fraction of the time. */
#define HNSW_BYTES_MAX ((size_t)2 << 30)

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

const struct index_kind *kin_index_kind_for(size_t count, size_t dim)
{
    if (count <= FLAT_ROWS_MAX)
        return &kin_index_flat;
    return kin_index_hnsw_bytes(count, dim) <= HNSW_BYTES_MAX ? &kin_index_hnsw : &kin_index_ivfpq;
}

kin_status kin_index_faiss_failed(int code, const char *what, kin_error *err)
{
    const char *reason = faiss_get_last_error();
    bool out_of_memory = reason != NULL && strstr(reason, "bad_alloc") != NULL;
    return kin_fail(err, out_of_memory ? KIN_E_NOMEM : KIN_E_INTERNAL, NULL,
                    "cannot %s: FAISS error %d: %s", what, code,
                    reason != NULL ? reason : "unknown");
}
