/*
 * A navigable small-world graph (Malkov and Yashunin, "Efficient and robust approximate nearest
 * neighbor search using hierarchical navigable small world graphs", IEEE TPAMI 2018).
 *
 * What it takes for each vector beyond id and code: 2 M links of 4 bytes on the lowest level, 4
 * bytes that say where its upper levels are, and for one of M nodes another M links or more.
 */
#include <math.h>
#include <string.h>

#include "index/faiss_hnsw_bridge.h"
#include "index/hnsw_search.h"
#include "index/kinds.h"

enum {
    WIDTH_MIN = 12,
    WIDTH_MAX = 2048,
    CANDIDATES_PER_HIT = 2 /* codes misplace a true neighbour by half as much (measured) */
};

static const double width_growth = 1.3;

/* Share of the progress that encoding is given. */
static const double encoding_share = 0.05;

static uint64_t structure_bytes(size_t count)
{
    /* Of level l there are 1 in M^l nodes. */
    double upper = (double)count / (HNSW_LINKS - 1) * HNSW_LINKS * sizeof(uint32_t);
    return (uint64_t)count * (2 * HNSW_LINKS + 1) * sizeof(uint32_t) + (uint64_t)(upper * 1.05);
}

static struct index_needs needs(size_t count, size_t dim, int threads)
{
    (void)dim;
    /* While FAISS builds: the links, and for each node its level, its offset, its lock, its place
     * in the order, and a byte of each thread's table of visited nodes.  The links are moved to
     * where they stay, which takes no second room. */
    uint64_t structure = structure_bytes(count);
    return (struct index_needs){.structure = structure,
                                .building = structure +
                                            (uint64_t)count * (4 + 8 + 4 + 4 + (uint64_t)threads)};
}

static int on_progress(void *ctx, double share)
{
    const struct index_build *build = ctx;
    return build->options->progress == NULL
               ? 0
               : build->options->progress(build->options->progress_ctx,
                                          encoding_share + (1 - encoding_share) * share);
}

static kin_status attach(kin_index *index, kin_error *err)
{
    return kin_scratch_pool_new(index->count, index->stride, &index->scratch, err);
}

static void drop(kin_index *index)
{
    kin_scratch_pool_free(index->scratch);
}

/* Gives the finished graph its sections. */
static kin_status lay_out(kin_index *index, kin_graph *graph, kin_error *err)
{
    size_t upper = kin_graph_upper_blocks(graph) * HNSW_LINKS * sizeof(uint32_t);
    size_t each = index->count * sizeof(uint32_t);
    kin_status status = kin_generation_own(index, SECTION_LINKS, each * 2 * HNSW_LINKS, err);
    if (status == KIN_OK)
        status = kin_generation_own(index, SECTION_UPPER_AT, each, err);
    if (status == KIN_OK)
        status = kin_generation_own(index, SECTION_UPPER, upper, err);
    if (status == KIN_OK)
        kin_graph_lay_out(graph, index->sections[SECTION_LINKS].bytes,
                          index->sections[SECTION_UPPER_AT].bytes,
                          index->sections[SECTION_UPPER].bytes, &index->graph);
    return status;
}

static kin_status build(kin_index *index, const struct index_build *build, kin_error *err)
{
    kin_graph *graph = NULL;
    size_t old = build->previous != NULL ? build->previous->count : 0;
    struct graph_codes codes = {
        .rows = index->codes, .stride = index->stride, .dim = index->dim, .count = index->count};
    if (old > 0)
        memcpy(index->sections[SECTION_CODES].bytes, build->previous->codes, old * index->stride);
    kin_status status = kin_build_encode(index, build, build->kept, build->source->count, old, 0,
                                         encoding_share, err);
    if (status == KIN_OK)
        status = kin_graph_new(&graph, err);
    if (status == KIN_OK && old > 0)
        status = kin_graph_restore(graph, &build->previous->graph, index->count, err);
    if (status == KIN_OK)
        status = kin_graph_grow(graph, &codes, build->threads, on_progress, (void *)build, err);
    if (status == KIN_OK)
        status = lay_out(index, graph, err);
    kin_graph_free(graph);
    return status == KIN_OK ? attach(index, err) : status;
}

static bool sizes_are_right(const kin_index *index)
{
    const struct hnsw_graph *graph = &index->graph;
    const struct section *s = index->sections;
    return graph->links == HNSW_LINKS && graph->entry < index->count &&
           graph->levels <= HNSW_LEVELS_MAX &&
           s[SECTION_LINKS].size == index->count * 2 * HNSW_LINKS * sizeof(uint32_t) &&
           s[SECTION_UPPER_AT].size == index->count * sizeof(uint32_t) &&
           s[SECTION_UPPER].size % (HNSW_LINKS * sizeof(uint32_t)) == 0;
}

/* Beams of growing width; of what they find, as many candidates as codes may misplace. */
static bool setting_at(const kin_index *index, size_t k, size_t i, kin_index_setting *out)
{
    size_t least = k > WIDTH_MIN ? k : WIDTH_MIN, most = k > WIDTH_MAX / 4 ? k * 4 : WIDTH_MAX;
    double width = (double)least * pow(width_growth, (double)i);
    (void)index;
    if (k == 0 || k > KIN_INDEX_COUNT_MAX / 4 || (width > (double)most && i > 0))
        return false;
    out->width = (uint32_t)width;
    out->candidates = (uint32_t)(k * CANDIDATES_PER_HIT);
    if (out->candidates > out->width)
        out->candidates = out->width;
    return true;
}

const struct index_kind kin_index_hnsw = {
    .name = "hnsw",
    .count_min = 1,
    .keeps_gone = true,
    .needs = needs,
    .build = build,
    .attach = attach,
    .drop = drop,
    .sizes_are_right = sizes_are_right,
    .search = kin_hnsw_search,
    .setting_at = setting_at,
    .errors = kin_code_errors,
};
