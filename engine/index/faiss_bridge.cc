#include "index/faiss_bridge.h"

#include <cblas.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/BlockInvertedLists.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "index/faiss_shape.h"
#include "simd/kernels.h"

namespace
{

using Label = faiss::Index::idx_t;

const faiss::Index *as_index(const FaissIndex *index)
{
    return reinterpret_cast<const faiss::Index *>(index);
}

const faiss::IndexHNSWFlat *as_hnsw(const FaissIndex *index)
{
    return dynamic_cast<const faiss::IndexHNSWFlat *>(as_index(index));
}

const faiss::IndexIVFPQFastScan *as_ivfpq(const FaissIndex *index)
{
    return dynamic_cast<const faiss::IndexIVFPQFastScan *>(as_index(index));
}

/* A status on its way through FAISS's code, which knows only exceptions. */
struct Failure {
    kin_status status;
};

/* Runs body() and turns whatever it throws into a status. */
template <class Body> kin_status guarded(kin_error *err, Body body)
{
    try {
        return body();
    } catch (const Failure &failure) { // *err is filled
        return failure.status;
    } catch (const std::bad_alloc &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "no memory for the index");
    } catch (const std::length_error &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "no memory for the index");
    } catch (const std::exception &e) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "FAISS: %s", e.what());
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "FAISS failed");
    }
}

/* FAISS's graph search minimises: the distance is the negative inner product. */
struct NegativeProduct : faiss::DistanceComputer {
    const kin_kernels *kernels;
    const float *rows, *query = nullptr;
    size_t dim;

    NegativeProduct(const kin_kernels *k, const float *r, size_t d) : kernels(k), rows(r), dim(d)
    {
    }
    void set_query(const float *x) override
    {
        query = x;
    }
    float operator()(idx_t i) override
    {
        return -kernels->dot(query, rows + static_cast<size_t>(i) * dim, dim);
    }
    float symmetric_dis(idx_t i, idx_t j) override
    {
        return -kernels->dot(rows + static_cast<size_t>(i) * dim,
                             rows + static_cast<size_t>(j) * dim, dim);
    }
};

struct Writer : faiss::IOWriter {
    kin_faiss_sink sink;
    void *ctx;
    kin_error *err;

    size_t operator()(const void *bytes, size_t size, size_t items) override
    {
        size_t total;
        if (__builtin_mul_overflow(size, items, &total))
            throw std::bad_alloc();
        kin_status status = sink(ctx, bytes, total, err);
        if (status != KIN_OK)
            throw Failure{status};
        return items;
    }
};

struct Reader : faiss::IOReader {
    kin_faiss_origin origin;
    void *ctx;
    kin_error *err;
    size_t left;
    faiss_shape shape;

    /* As fread: fewer items where the bytes end, upon which FAISS throws. */
    size_t operator()(void *bytes, size_t size, size_t items) override
    {
        if (!kin_faiss_shape_expects(&shape, size, items))
            refuse();
        size_t given = std::min(items, left / size);
        kin_status status = origin(ctx, bytes, size * given, err);
        if (status != KIN_OK)
            throw Failure{status};
        left -= size * given;
        if (given == items && !kin_faiss_shape_accepts(&shape, bytes, left))
            refuse();
        return given;
    }

    [[noreturn]] void refuse() const
    {
        throw Failure{
            kin_fail(err, KIN_E_CORRUPT, nullptr, "index is not what FAISS would have written")};
    }
};

/* --- is what was read fit to be searched? --- */

bool hnsw_is_sound(const faiss::IndexHNSWFlat &index, size_t count)
{
    const faiss::HNSW &graph = index.hnsw;
    const auto *storage = dynamic_cast<const faiss::IndexFlat *>(index.storage);
    if (storage == nullptr || storage->d != index.d ||
        static_cast<size_t>(storage->ntotal) != count ||
        storage->codes.size() != count * static_cast<size_t>(index.d) * sizeof(float))
        return false;
    const auto &per_level = graph.cum_nneighbor_per_level;
    if (graph.levels.size() != count || graph.offsets.size() != count + 1 ||
        graph.offsets[0] != 0 || graph.offsets[count] != graph.neighbors.size() ||
        per_level.empty() || per_level[0] != 0 ||
        !std::is_sorted(per_level.begin(), per_level.end()))
        return false;
    for (size_t i = 0; i < count; i++) {
        int level = graph.levels[i]; // the number of levels that the node is on
        if (level < 1 || static_cast<size_t>(level) >= per_level.size() ||
            graph.offsets[i + 1] - graph.offsets[i] != static_cast<size_t>(per_level[level]))
            return false;
    }
    auto bad = [count](int node) { return node < -1 || node >= static_cast<int>(count); };
    if (std::any_of(graph.neighbors.begin(), graph.neighbors.end(), bad))
        return false;
    int entry = graph.entry_point;
    return graph.upper_beam == 1 && !bad(entry) && (entry >= 0) == (count > 0) &&
           (entry < 0 || (graph.max_level >= 0 && graph.max_level < graph.levels[entry]));
}

/* A node that is reached on a level must have neighbours there: the greedy descent does not ask. */
bool hnsw_levels_are_sound(const faiss::HNSW &graph)
{
    for (size_t i = 0; i < graph.levels.size(); i++)
        for (int level = 1; level < graph.levels[i]; level++) {
            size_t begin, end;
            graph.neighbor_range(static_cast<Label>(i), level, &begin, &end);
            for (size_t j = begin; j < end; j++)
                if (graph.neighbors[j] >= 0 && graph.levels[graph.neighbors[j]] <= level)
                    return false;
        }
    return true;
}

bool ivfpq_is_sound(const faiss::IndexIVFPQFastScan &index, size_t count)
{
    const auto *lists = dynamic_cast<const faiss::BlockInvertedLists *>(index.invlists);
    const auto *coarse = dynamic_cast<const faiss::IndexFlat *>(index.quantizer);
    const faiss::ProductQuantizer &pq = index.pq;
    size_t dim = static_cast<size_t>(index.d);
    if (lists == nullptr || coarse == nullptr || coarse->d != index.d || !index.by_residual ||
        static_cast<size_t>(coarse->ntotal) != index.nlist || index.nlist == 0 ||
        coarse->codes.size() != index.nlist * dim * sizeof(float) ||
        coarse->metric_type != index.metric_type)
        return false;
    if (pq.d != dim || pq.nbits != 4 || pq.ksub != 16 || pq.M == 0 || pq.M * pq.dsub != dim ||
        pq.centroids.size() != dim * pq.ksub || index.bbs != 32 || index.M2 != (pq.M + 1) / 2 * 2 ||
        index.implem != 0 || index.qbs2 != 0)
        return false;
    if (lists->nlist != index.nlist || lists->ids.size() != index.nlist ||
        lists->codes.size() != index.nlist ||
        lists->n_per_block != static_cast<size_t>(index.bbs) ||
        lists->block_size != static_cast<size_t>(index.bbs) * index.M2 / 2)
        return false;
    size_t total = 0;
    for (size_t i = 0; i < index.nlist; i++) {
        size_t n = lists->ids[i].size();
        size_t blocks = (n + lists->n_per_block - 1) / lists->n_per_block;
        if (lists->codes[i].size() < blocks * lists->block_size)
            return false;
        for (Label id : lists->ids[i])
            if (id < 0 || static_cast<size_t>(id) >= count)
                return false;
        total += n;
    }
    return total == count;
}

bool is_sound(const faiss::Index &index, bool hnsw, size_t dim, size_t count)
{
    if (static_cast<size_t>(index.d) != dim || static_cast<size_t>(index.ntotal) != count ||
        index.metric_type != faiss::METRIC_INNER_PRODUCT || !index.is_trained)
        return false;
    if (hnsw) {
        const auto *graph = dynamic_cast<const faiss::IndexHNSWFlat *>(&index);
        return graph != nullptr && hnsw_is_sound(*graph, count) &&
               hnsw_levels_are_sound(graph->hnsw);
    }
    const auto *lists = dynamic_cast<const faiss::IndexIVFPQFastScan *>(&index);
    return lists != nullptr && ivfpq_is_sound(*lists, count);
}

} // namespace

struct kin_faiss_scratch {
    std::mutex lock;
    std::vector<std::unique_ptr<faiss::VisitedTable>> tables;

    std::unique_ptr<faiss::VisitedTable> take(size_t count)
    {
        {
            std::lock_guard<std::mutex> held(lock);
            if (!tables.empty()) {
                auto table = std::move(tables.back());
                tables.pop_back();
                return table;
            }
        }
        return std::make_unique<faiss::VisitedTable>(static_cast<int>(count));
    }
    void give(std::unique_ptr<faiss::VisitedTable> table)
    {
        std::lock_guard<std::mutex> held(lock);
        tables.push_back(std::move(table));
    }
};

extern "C" {

int kin_faiss_set_threads(int threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
}

int kin_faiss_train(FaissIndex *index, size_t count, const float *rows, int threads)
{
    int openmp = kin_faiss_set_threads(1), blas = openblas_get_num_threads();
    openblas_set_num_threads(threads);
    int code = faiss_Index_train(index, static_cast<idx_t>(count), rows);
    openblas_set_num_threads(blas);
    kin_faiss_set_threads(openmp);
    return code;
}

kin_status kin_faiss_hnsw_prepare(FaissIndex *index, int ef_construction, size_t count,
                                  kin_error *err)
{
    return guarded(err, [&] {
        auto *hnsw = dynamic_cast<faiss::IndexHNSWFlat *>(reinterpret_cast<faiss::Index *>(index));
        auto *storage = hnsw != nullptr ? dynamic_cast<faiss::IndexFlat *>(hnsw->storage) : nullptr;
        if (storage == nullptr)
            return kin_fail(err, KIN_E_INTERNAL, nullptr,
                            "FAISS made another index than asked for");
        hnsw->hnsw.efConstruction = ef_construction;
        storage->codes.reserve(count * storage->code_size); // else it grows by doubling
        return KIN_OK;
    });
}

const float *kin_faiss_hnsw_vectors(const FaissIndex *index)
{
    const faiss::IndexHNSWFlat *hnsw = as_hnsw(index);
    const auto *storage =
        hnsw != nullptr ? dynamic_cast<faiss::IndexFlat *>(hnsw->storage) : nullptr;
    return storage != nullptr ? storage->get_xb() : nullptr;
}

kin_status kin_faiss_scratch_new(kin_faiss_scratch **out, kin_error *err)
{
    return guarded(err, [&] {
        *out = new kin_faiss_scratch();
        return KIN_OK;
    });
}

void kin_faiss_scratch_free(kin_faiss_scratch *scratch)
{
    delete scratch;
}

kin_status kin_faiss_hnsw_search(const FaissIndex *index, kin_faiss_scratch *scratch,
                                 const float *query, size_t width, int64_t *labels, float *scores,
                                 size_t *found, kin_error *err)
{
    return guarded(err, [&] {
        const faiss::IndexHNSWFlat *hnsw = as_hnsw(index);
        const size_t dim = static_cast<size_t>(hnsw->d);
        NegativeProduct distance(kin_kernels_best(), kin_faiss_hnsw_vectors(index), dim);
        faiss::SearchParametersHNSW params;
        /* 1.7.3 sizes the queue of candidates by max(k, the index's own efSearch) and takes only
         * the stopping rule from the parameters: so k is the width as well. */
        params.efSearch = static_cast<int>(width);
        distance.set_query(query);
        faiss::maxheap_heapify(width, scores, labels);
        auto table = scratch->take(static_cast<size_t>(hnsw->ntotal));
        hnsw->hnsw.search(distance, static_cast<int>(width), labels, scores, *table, &params);
        scratch->give(std::move(table));
        *found = 0;
        for (size_t i = 0; i < width; i++)
            if (labels[i] >= 0) {
                labels[*found] = labels[i];
                scores[(*found)++] = -scores[i];
            }
        return KIN_OK;
    });
}

size_t kin_faiss_ivf_lists(const FaissIndex *index)
{
    const faiss::IndexIVFPQFastScan *lists = as_ivfpq(index);
    return lists != nullptr ? lists->nlist : 0;
}

kin_status kin_faiss_ivf_search(const FaissIndex *index, const float *query, size_t probes,
                                size_t count, int64_t *labels, float *scores, kin_error *err)
{
    return guarded(err, [&] {
        faiss::IndexIVFPQFastScan view(*as_ivfpq(index));
        view.own_fields = false; // the quantizer's owner, and the lists', is the original
        view.own_invlists = false;
        view.nprobe = probes;
        view.search(1, query, static_cast<Label>(count), scores, labels);
        return KIN_OK;
    });
}

kin_status kin_faiss_write(const FaissIndex *index, kin_faiss_sink sink, void *ctx, kin_error *err)
{
    return guarded(err, [&] {
        Writer writer;
        writer.sink = sink;
        writer.ctx = ctx;
        writer.err = err;
        faiss::write_index(as_index(index), &writer);
        return KIN_OK;
    });
}

kin_status kin_faiss_read(kin_faiss_origin origin, void *ctx, size_t size, bool hnsw, size_t dim,
                          size_t count, FaissIndex **out, kin_error *err)
{
    kin_status status = guarded(err, [&] {
        Reader reader;
        reader.origin = origin;
        reader.ctx = ctx;
        reader.err = err;
        reader.left = size;
        reader.shape = kin_faiss_shape(hnsw, dim, count);
        std::unique_ptr<faiss::Index> index(faiss::read_index(&reader));
        if (reader.left != 0 || !is_sound(*index, hnsw, dim, count))
            return kin_fail(err, KIN_E_CORRUPT, nullptr, "index contradicts itself");
        *out = reinterpret_cast<FaissIndex *>(index.release());
        return KIN_OK;
    });
    if (status == KIN_E_INTERNAL) // FAISS refused the bytes
        status = kin_fail(err, KIN_E_CORRUPT, nullptr, "index cannot be read");
    return status;
}

} // extern "C"
