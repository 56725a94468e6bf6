#include "index/generation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ascending.h"
#include "index/kinds.h"
#include "store/codec.h"

kin_status kin_generation_new(const struct index_kind *kind, size_t count, size_t dim,
                              kin_index **out, kin_error *err)
{
    kin_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an index");
    index->kind = kind;
    index->kernels = kin_kernels_best();
    index->count = index->trained = count;
    index->dim = dim;
    index->stride = kin_codec_stride(kin_codec_int8, dim);
    *out = index;
    return KIN_OK;
}

kin_status kin_generation_own(kin_index *index, enum generation_section section, size_t size,
                              kin_error *err)
{
    void *bytes = NULL;
    if (size > 0) {
        bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the index (%zu bytes)", size);
        madvise(bytes, size, MADV_HUGEPAGE); /* it does without where the system has none */
    }
    index->sections[section] = (struct section){.bytes = bytes, .size = size, .owned = size > 0};
    return KIN_OK;
}

void kin_generation_point(kin_index *index)
{
    const struct section *s = index->sections;
    index->ids = s[SECTION_IDS].bytes;
    index->codes = s[SECTION_CODES].bytes;
    index->gone = s[SECTION_GONE].size > 0 ? s[SECTION_GONE].bytes : NULL;
    index->graph.count = (uint32_t)index->count;
    index->graph.lowest = s[SECTION_LINKS].bytes;
    index->graph.upper_at = s[SECTION_UPPER_AT].bytes;
    index->graph.upper = s[SECTION_UPPER].bytes;
    index->graph.upper_blocks =
        index->graph.links > 0
            ? s[SECTION_UPPER].size / (index->graph.links * sizeof *index->graph.upper)
            : 0;
}

void kin_index_free(kin_index *index)
{
    if (index == NULL)
        return;
    if (index->kind->drop != NULL)
        index->kind->drop(index);
    for (size_t s = 0; s < SECTIONS; s++)
        if (index->sections[s].owned)
            munmap(index->sections[s].bytes, index->sections[s].size);
    if (index->map != NULL)
        munmap(index->map, index->map_size);
    free(index);
}

bool kin_index_position(const kin_index *index, uint64_t id, size_t *position)
{
    size_t at = kin_ascending_find(index->ids, 0, index->count, id);
    if (at == index->count || index->ids[at] != id || kin_generation_has_gone(index, at))
        return false;
    *position = at;
    return true;
}

kin_index_codes kin_index_codes_borrow(const kin_index *index)
{
    return (kin_index_codes){
        .rows = index->codes, .ids = index->ids, .count = index->count, .dim = index->dim};
}

void kin_index_set_tunings(kin_index *index, const kin_index_tuning *tunings, size_t count)
{
    index->tuning_count = count < KIN_INDEX_TUNINGS_MAX ? count : KIN_INDEX_TUNINGS_MAX;
    if (index->tuning_count > 0)
        memcpy(index->tunings, tunings, index->tuning_count * sizeof *tunings);
}

const kin_index_tuning *kin_index_tunings_borrow(const kin_index *index, size_t *count)
{
    *count = index->tuning_count;
    return index->tunings;
}

bool kin_index_is_flat(const kin_index *index)
{
    return index->kind == &kin_index_flat;
}

const char *kin_index_kind_borrow(const kin_index *index)
{
    return index->kind->name;
}

size_t kin_index_count(const kin_index *index)
{
    return index->count;
}

size_t kin_index_gone(const kin_index *index)
{
    return index->gone_count;
}

size_t kin_index_dim(const kin_index *index)
{
    return index->dim;
}
