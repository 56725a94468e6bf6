#include "index/faiss_hnsw_bridge.h"

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/HNSW.h>
#include <omp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "index/faiss_guard.hh"
#include "simd/kernels.h"

struct kin_graph {
    faiss::HNSW hnsw{HNSW_LINKS};
};

namespace
{

using Node = faiss::HNSW::storage_idx_t;

enum {
    ALONE = 1000,         // nodes of a new graph that are put in one after the other…
    NODES_AT_A_TIME = 16, // …and that a thread takes at a time afterwards
    SEED = 12345,
    LAY_OUT_NODES = 1 << 12 // between two givings back of memory
};

/* FAISS's graph minimises: the distance of two codes is their negative inner product. */
struct CodeDistance : faiss::DistanceComputer {
    const kin_kernels *kernels = kin_kernels_best();
    const graph_codes &codes;
    const size_t scale_at;
    const int8_t *query = nullptr;

    explicit CodeDistance(const graph_codes &c) : codes(c), scale_at((c.dim + 3) / 4 * 4)
    {
    }
    const int8_t *row(Node i) const
    {
        return codes.rows + static_cast<size_t>(i) * codes.stride;
    }
    float distance(const int8_t *a, const int8_t *b) const
    {
        float scale_a, scale_b;
        std::memcpy(&scale_a, a + scale_at, sizeof scale_a);
        std::memcpy(&scale_b, b + scale_at, sizeof scale_b);
        return -scale_a * scale_b * static_cast<float>(kernels->dot_code(a, b, codes.dim));
    }
    void set_query(const float *) override // nodes are compared with nodes only
    {
    }
    float operator()(idx_t i) override
    {
        return distance(query, row(static_cast<Node>(i)));
    }
    float symmetric_dis(idx_t i, idx_t j) override
    {
        return distance(row(static_cast<Node>(i)), row(static_cast<Node>(j)));
    }
};

class Locks
{
  public:
    explicit Locks(size_t count) : locks(count)
    {
        for (omp_lock_t &lock : locks)
            omp_init_lock(&lock);
    }
    Locks(const Locks &) = delete;
    Locks &operator=(const Locks &) = delete;
    ~Locks()
    {
        for (omp_lock_t &lock : locks)
            omp_destroy_lock(&lock);
    }
    std::vector<omp_lock_t> locks;
};

/* Levels for the nodes up to `count`, and room for their links: reserved at once, since what grows
 * by doubling is held twice. */
void make_room(faiss::HNSW &hnsw, size_t count)
{
    const size_t first = hnsw.levels.size();
    size_t links = hnsw.neighbors.size();
    hnsw.rng = faiss::RandomGenerator(SEED + static_cast<int64_t>(first));
    hnsw.levels.reserve(count);
    for (size_t i = first; i < count; i++) {
        hnsw.levels.push_back(std::min<int>(hnsw.random_level(), HNSW_LEVELS_MAX) + 1);
        links += static_cast<size_t>(hnsw.cum_nb_neighbors(hnsw.levels.back()));
    }
    hnsw.offsets.reserve(count + 1);
    hnsw.neighbors.reserve(links);
    hnsw.prepare_level_tab(count - first, true);
}

/* The new nodes, those of the highest levels first, otherwise in random order: an archive's own
 * order has all images of a kind beside each other. */
std::vector<Node> insertion_order(const faiss::HNSW &hnsw, size_t first)
{
    std::vector<Node> order(hnsw.levels.size() - first);
    faiss::RandomGenerator random(SEED);
    std::iota(order.begin(), order.end(), static_cast<Node>(first));
    for (size_t i = order.size(); i > 1; i--)
        std::swap(order[i - 1], order[static_cast<size_t>(random.rand_int(static_cast<int>(i)))]);
    const auto upper =
        std::partition(order.begin(), order.end(), [&](Node i) { return hnsw.levels[i] > 1; });
    std::sort(order.begin(), upper,
              [&](Node a, Node b) { return hnsw.levels[a] > hnsw.levels[b]; });
    return order;
}

/* Threads that put nodes into one graph. */
struct Growth {
    faiss::HNSW &hnsw;
    const graph_codes &codes;
    const std::vector<Node> order;
    Locks locks;
    int (*progress)(void *ctx, double share);
    void *ctx;
    pthread_t caller = pthread_self();
    std::atomic<size_t> next{0};
    std::atomic<bool> stop{false};
    std::atomic<bool> cancelled{false}, out_of_memory{false};

    void add(CodeDistance &distance, faiss::VisitedTable &visited, size_t from, size_t to)
    {
        for (size_t i = from; i < to && !stop; i++) {
            distance.query = distance.row(order[i]);
            hnsw.add_with_locks(distance, hnsw.levels[order[i]] - 1, order[i], locks.locks,
                                visited);
        }
    }
    void tell(size_t done)
    {
        if (progress(ctx, static_cast<double>(done) / static_cast<double>(order.size())) != 0)
            stop = cancelled = true;
    }
    void work()
    {
        CodeDistance distance(codes);
        faiss::VisitedTable visited(static_cast<int>(codes.count));
        const bool tells = pthread_equal(pthread_self(), caller) != 0;
        for (size_t from; !stop && (from = next.fetch_add(NODES_AT_A_TIME)) < order.size();) {
            add(distance, visited, from, std::min(from + NODES_AT_A_TIME, order.size()));
            if (tells)
                tell(from);
        }
    }
    static void body(void *growth, size_t, size_t)
    {
        Growth &g = *static_cast<Growth *>(growth);
        try {
            g.work();
        } catch (...) { // nothing else is thrown there
            g.stop = g.out_of_memory = true;
        }
    }
};

void copy_block(const faiss::HNSW &hnsw, Node node, int level, uint32_t *to)
{
    size_t begin, end;
    hnsw.neighbor_range(node, level, &begin, &end);
    for (size_t i = begin; i < end; i++)
        *to++ = hnsw.neighbors[i] < 0 ? NO_NODE : static_cast<uint32_t>(hnsw.neighbors[i]);
}

/* The links up to `end` are needed no more: their whole pages go back to the system, though the
 * vector keeps its addresses. */
void give_back(std::vector<Node> &links, size_t end)
{
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t from = (reinterpret_cast<uintptr_t>(links.data()) + page - 1) / page * page;
    const uintptr_t to = reinterpret_cast<uintptr_t>(links.data() + end) / page * page;
    if (to > from)
        madvise(reinterpret_cast<void *>(from), to - from, MADV_DONTNEED);
}

} // namespace

extern "C" {

kin_status kin_graph_new(kin_graph **out, kin_error *err)
{
    return guarded(err, [&] {
        *out = new kin_graph();
        (*out)->hnsw.efConstruction = HNSW_EF_CONSTRUCTION;
        return KIN_OK;
    });
}

void kin_graph_free(kin_graph *graph)
{
    delete graph;
}

kin_status kin_graph_restore(kin_graph *graph, const struct hnsw_graph *from, size_t room,
                             kin_error *err)
{
    return guarded(err, [&] {
        faiss::HNSW &hnsw = graph->hnsw;
        const auto bad = [&] {
            return kin_fail(err, KIN_E_CORRUPT, nullptr, "index's graph contradicts itself");
        };
        const size_t levels_max = std::min<size_t>(HNSW_LEVELS_MAX, hnsw.assign_probas.size() - 1);
        if (from->links != HNSW_LINKS || from->levels > levels_max)
            return bad();
        /* A node's blocks end where the next node's begin. */
        hnsw.levels.assign(from->count, 1);
        size_t next = from->upper_blocks;
        for (size_t i = from->count; i-- > 0;) {
            const size_t at = from->upper_at[i];
            if (at == NO_NODE)
                continue;
            if (at >= next || next - at > from->levels)
                return bad();
            hnsw.levels[i] += static_cast<int>(next - at);
            next = at;
        }
        if (next != 0 || (from->count > 0 && hnsw.levels[from->entry] != (int)from->levels + 1))
            return bad();
        hnsw.neighbors.reserve(room * 2 * HNSW_LINKS + room / (HNSW_LINKS - 2) * HNSW_LINKS);
        hnsw.prepare_level_tab(from->count, true);
        for (size_t i = 0; i < from->count; i++)
            for (int level = 0; level < hnsw.levels[i]; level++) {
                const uint32_t *links =
                    hnsw_links(from, static_cast<uint32_t>(i), static_cast<uint32_t>(level));
                size_t begin, end;
                hnsw.neighbor_range(static_cast<Node>(i), level, &begin, &end);
                for (size_t j = begin; j < end && links[j - begin] != NO_NODE; j++) {
                    const uint32_t link = links[j - begin];
                    if (link >= from->count || hnsw.levels[link] <= level)
                        return bad();
                    hnsw.neighbors[j] = static_cast<Node>(link);
                }
            }
        hnsw.max_level = static_cast<int>(from->levels);
        hnsw.entry_point = from->count > 0 ? static_cast<Node>(from->entry) : -1;
        return KIN_OK;
    });
}

kin_status kin_graph_grow(kin_graph *graph, const struct graph_codes *codes, int threads,
                          int (*progress)(void *ctx, double share), void *ctx, kin_error *err)
{
    return guarded(err, [&] {
        faiss::HNSW &hnsw = graph->hnsw;
        const size_t first = hnsw.levels.size();
        make_room(hnsw, codes->count);
        Growth growth{hnsw,     *codes, insertion_order(hnsw, first), Locks(codes->count),
                      progress, ctx};
        /* The first nodes, and those above all others, go in alone: each of them changes what the
         * next begins from. */
        size_t alone = 0;
        if (first == 0)
            alone = std::min<size_t>(ALONE, growth.order.size());
        else
            while (alone < growth.order.size() &&
                   hnsw.levels[growth.order[alone]] - 1 > hnsw.max_level)
                alone++;
        {
            CodeDistance distance(*codes);
            faiss::VisitedTable visited(static_cast<int>(codes->count));
            growth.add(distance, visited, 0, alone);
        }
        growth.next = alone;
        kin_parallel_for(static_cast<size_t>(threads), 1, threads, Growth::body, &growth);
        if (growth.out_of_memory)
            throw std::bad_alloc();
        if (growth.cancelled)
            return kin_fail(err, KIN_E_CANCELLED, nullptr, "building the index was cancelled");
        return KIN_OK;
    });
}

size_t kin_graph_upper_blocks(const kin_graph *graph)
{
    size_t blocks = 0;
    for (int levels : graph->hnsw.levels)
        blocks += static_cast<size_t>(levels - 1);
    return blocks;
}

void kin_graph_lay_out(kin_graph *graph, uint32_t *lowest, uint32_t *upper_at, uint32_t *upper,
                       struct hnsw_graph *out)
{
    faiss::HNSW &hnsw = graph->hnsw;
    const size_t count = hnsw.levels.size();
    uint32_t block = 0;
    for (size_t i = 0; i < count; i++) {
        const Node node = static_cast<Node>(i);
        copy_block(hnsw, node, 0, lowest + i * 2 * HNSW_LINKS);
        upper_at[i] = hnsw.levels[i] > 1 ? block : NO_NODE;
        for (int level = 1; level < hnsw.levels[i]; level++)
            copy_block(hnsw, node, level, upper + HNSW_LINKS * static_cast<size_t>(block++));
        if (i % LAY_OUT_NODES == LAY_OUT_NODES - 1)
            give_back(hnsw.neighbors, hnsw.offsets[i + 1]);
    }
    *out = {.count = static_cast<uint32_t>(count),
            .links = HNSW_LINKS,
            .entry = static_cast<uint32_t>(hnsw.entry_point),
            .levels = static_cast<uint32_t>(hnsw.max_level),
            .lowest = lowest,
            .upper_at = upper_at,
            .upper = upper,
            .upper_blocks = block};
}

} // extern "C"
