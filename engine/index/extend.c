#include "index/extend.h"

struct overlap kin_extend_compare(const kin_index *previous, const kin_index_source *source)
{
    struct overlap overlap = {.fits = true};
    size_t at = 0;
    uint64_t last = previous->count > 0 ? previous->ids[previous->count - 1] : 0;
    for (size_t i = 0; i < source->count && previous->count > 0 && source->ids[i] <= last; i++) {
        while (previous->ids[at] < source->ids[i])
            at++;
        if (previous->ids[at] != source->ids[i] || kin_generation_has_gone(previous, at))
            overlap.fits = false;
        else
            overlap.kept++;
    }
    overlap.gone = previous->count - overlap.kept;
    return overlap;
}

kin_status kin_extend_judge(const struct index_kind *kind, struct index_build *build,
                            kin_error *err)
{
    const kin_index *previous = build->options->previous;
    if (previous == NULL || previous->kind != kind || previous->dim != build->source->dim ||
        previous->count == 0)
        return KIN_OK;
    struct overlap overlap = kin_extend_compare(previous, build->source);
    size_t fresh = build->source->count - overlap.kept;
    if (!overlap.fits || previous->count + fresh > KIN_INDEX_COUNT_MAX ||
        (double)overlap.gone > KIN_INDEX_GONE_MAX * (double)previous->count)
        return KIN_OK;
    if (kind->trains) {
        kin_index_drift_report drift;
        kin_status status = kin_index_drift(previous, build->source, &drift, err);
        if (status != KIN_OK || drift.retrain)
            return status;
    }
    build->previous = previous;
    build->kept = overlap.kept;
    return KIN_OK;
}

kin_status kin_extend_mark_gone(kin_index *index, const struct index_build *build, kin_error *err)
{
    const kin_index_source *source = build->source;
    index->gone_count = index->count - source->count;
    if (index->gone_count == 0)
        return KIN_OK;
    kin_status status = kin_generation_own(index, SECTION_GONE,
                                           kin_gone_words(index->count) * sizeof(uint64_t), err);
    if (status != KIN_OK)
        return status;
    uint64_t *gone = index->sections[SECTION_GONE].bytes;
    const uint64_t *ids = index->sections[SECTION_IDS].bytes;
    for (size_t at = 0, i = 0; at < index->count; at++)
        if (i < source->count && source->ids[i] == ids[at])
            i++;
        else
            gone[at / 64] |= UINT64_C(1) << (at % 64);
    return KIN_OK;
}
