#include "peer_bridge.hh"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <cblas.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/IndexRefine.h>
#include <faiss/index_factory.h>
#include <omp.h>

#include "base/parallel.h"

namespace
{

using Number = faiss::Index::idx_t;

constexpr size_t ADD_AT_ONCE = 16384;
constexpr size_t TRAINING_A_LIST = 64; /* vectors; FAISS asks for at least 39 */

/* OpenMP's threads for what the calling thread starts, until the end of the scope. */
struct Threads {
    int before = omp_get_max_threads();

    explicit Threads(int threads)
    {
        omp_set_num_threads(threads);
    }
    ~Threads()
    {
        omp_set_num_threads(before);
    }
};

struct Faiss : peer {
    std::unique_ptr<faiss::Index> index;
    faiss::IndexRefine *refine; /* what index may be; */
    faiss::IndexIVF *ivf;       /* or what stands within */
    faiss::IndexHNSW *hnsw;
    size_t candidates = 0;

    explicit Faiss(faiss::Index *made) : index(made)
    {
        refine = dynamic_cast<faiss::IndexRefine *>(made);
        faiss::Index *inner = refine != nullptr ? refine->base_index : made;
        ivf = dynamic_cast<faiss::IndexIVF *>(inner);
        hnsw = dynamic_cast<faiss::IndexHNSW *>(inner);
    }

    void set(size_t width, size_t wanted) override
    {
        if (ivf != nullptr)
            ivf->nprobe = width;
        if (hnsw != nullptr)
            hnsw->hnsw.efSearch = static_cast<int>(width);
        candidates = wanted;
    }

    size_t search(const float *query, size_t k, const uint8_t *allowed,
                  uint64_t *ids) const override
    {
        std::vector<float> scores(k);
        std::vector<Number> labels(k);
        if (omp_get_max_threads() != 1) /* a search is one thread's; costs nothing once set */
            omp_set_num_threads(1);
        if (allowed != nullptr)
            search_filtered(query, k, allowed, scores.data(), labels.data());
        else if (refine != nullptr)
            search_refined(query, k, scores.data(), labels.data());
        else
            index->search(1, query, static_cast<Number>(k), scores.data(), labels.data());
        size_t found = 0;
        for (Number label : labels)
            if (label >= 0)
                ids[found++] = static_cast<uint64_t>(label);
        return found;
    }

    /* What IndexRefineFlat's search() does with k_factor = candidates / k, which belongs to the index
     * and so could not be another for another k. */
    void search_refined(const float *query, size_t k, float *scores, Number *labels) const
    {
        size_t wanted = std::max(candidates, k);
        std::vector<float> rough(wanted), exact(wanted);
        std::vector<Number> proposed(wanted);
        refine->base_index->search(1, query, static_cast<Number>(wanted), rough.data(),
                                   proposed.data());
        auto *flat = dynamic_cast<faiss::IndexFlat *>(refine->refine_index);
        flat->compute_distance_subset(1, query, static_cast<Number>(wanted), exact.data(),
                                      proposed.data());
        std::vector<size_t> order(wanted);
        for (size_t i = 0; i < wanted; i++) {
            order[i] = i;
            if (proposed[i] < 0)
                exact[i] = -HUGE_VALF;
        }
        std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(k), order.end(),
                          [&](size_t a, size_t b) { return exact[a] > exact[b]; });
        for (size_t i = 0; i < k; i++) {
            labels[i] = proposed[order[i]];
            scores[i] = exact[order[i]];
        }
    }

    void search_filtered(const float *query, size_t k, const uint8_t *allowed, float *scores,
                         Number *labels) const
    {
        faiss::IDSelectorBitmap selector((static_cast<size_t>(index->ntotal) + 7) / 8, allowed);
        faiss::SearchParameters plain;
        faiss::SearchParametersIVF lists;
        faiss::SearchParametersHNSW graph;
        faiss::SearchParameters *with = &plain;
        if (ivf != nullptr) {
            lists.nprobe = ivf->nprobe;
            with = &lists;
        } else if (hnsw != nullptr) {
            graph.efSearch = hnsw->hnsw.efSearch;
            with = &graph;
        }
        with->sel = &selector;
        index->search(1, query, static_cast<Number>(k), scores, labels, with);
    }

    static size_t bytes_of(const faiss::Index *of)
    {
        if (auto *refined = dynamic_cast<const faiss::IndexRefine *>(of))
            return bytes_of(refined->base_index) + bytes_of(refined->refine_index);
        if (auto *flat = dynamic_cast<const faiss::IndexFlatCodes *>(of))
            return flat->codes.size();
        if (auto *graph = dynamic_cast<const faiss::IndexHNSW *>(of))
            return bytes_of(graph->storage) +
                   graph->hnsw.neighbors.size() * sizeof graph->hnsw.neighbors[0] +
                   graph->hnsw.offsets.size() * sizeof graph->hnsw.offsets[0] +
                   graph->hnsw.levels.size() * sizeof graph->hnsw.levels[0];
        if (auto *lists = dynamic_cast<const faiss::IndexIVF *>(of))
            return bytes_of(lists->quantizer) + bytes_of_lists(lists);
        return 0;
    }

    static size_t bytes_of_lists(const faiss::IndexIVF *of)
    {
        auto *scan = dynamic_cast<const faiss::IndexIVFFastScan *>(of);
        size_t sum = 0;
        for (size_t i = 0; i < of->nlist; i++) {
            size_t count = of->invlists->list_size(i), room = count;
            if (scan != nullptr) /* in blocks */
                room = (count + static_cast<size_t>(scan->bbs) - 1) /
                       static_cast<size_t>(scan->bbs) * static_cast<size_t>(scan->bbs);
            sum += room * of->code_size + count * sizeof(Number);
        }
        return sum;
    }

    size_t bytes() const override
    {
        return bytes_of(index.get());
    }

    bool takes_filter() const override
    {
        return refine == nullptr && dynamic_cast<faiss::IndexIVFFastScan *>(ivf) == nullptr;
    }
};

/* Trains on rows spread evenly over the set.  All threads to matrix products and none to OpenMP:
 * they would wait for each other in the product quantiser's tiny loops. */
void train(faiss::Index *index, const faiss::IndexIVF *ivf, const bench_set *set, int threads)
{
    size_t count = ivf != nullptr ? std::min(set->count, ivf->nlist * TRAINING_A_LIST) : 0;
    count = std::max(count, std::min<size_t>(set->count, 16384));
    std::vector<float> rows(count * set->dim);
    for (size_t i = 0; i < count; i++)
        bench_set_read(set, i * set->count / count, 1, rows.data() + i * set->dim);
    Threads one(1);
    openblas_set_num_threads(threads);
    try {
        index->train(static_cast<Number>(count), rows.data());
    } catch (...) {
        openblas_set_num_threads(1);
        throw;
    }
    openblas_set_num_threads(1);
}

void add(faiss::Index *index, const bench_set *set, int threads)
{
    Threads all(threads);
    std::vector<float> rows(ADD_AT_ONCE * set->dim);
    for (size_t at = 0; at < set->count; at += ADD_AT_ONCE) {
        size_t count = std::min(ADD_AT_ONCE, set->count - at);
        bench_set_read(set, at, count, rows.data());
        index->add(static_cast<Number>(count), rows.data());
    }
}

} // namespace

kin_status peer_faiss_new(const bench_set *set, const char *factory, size_t ef_construction,
                          int threads, peer **out, kin_error *err)
{
    *out = nullptr;
    threads = threads > 0 ? threads : kin_cpu_count();
    return peer_guard(err, [&] {
        auto made = std::make_unique<Faiss>(
            faiss::index_factory(static_cast<int>(set->dim), factory, faiss::METRIC_INNER_PRODUCT));
        if (made->hnsw != nullptr)
            made->hnsw->hnsw.efConstruction = static_cast<int>(ef_construction);
        if (!made->index->is_trained)
            train(made->index.get(), made->ivf, set, threads);
        add(made->index.get(), set, threads);
        *out = made.release();
    });
}
