#include "index/faiss_ivf_bridge.h"

#include <cblas.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/BlockInvertedLists.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "index/faiss_guard.hh"
#include "index/faiss_shape.h"

namespace
{

using Label = faiss::Index::idx_t;
using Ivf = faiss::IndexIVFPQFastScan;

enum { BITS = 4, BLOCK = 32 /* vectors that fast scan takes at once */ };

/* An index's outer object shares lists and centroids with the index that it was copied from, and
 * has the number of probes of its own: what 1.7.3 has instead of parameters of a search. */
struct View : Ivf {
    explicit View(const Ivf &original) : Ivf(original)
    {
        own_fields = false;
        own_invlists = false;
    }
};

} // namespace

struct kin_ivf {
    std::unique_ptr<Ivf> index;
    std::mutex lock;
    std::vector<std::unique_ptr<View>> views; // idle

    std::unique_ptr<View> take()
    {
        {
            std::lock_guard<std::mutex> held(lock);
            if (!views.empty()) {
                auto view = std::move(views.back());
                views.pop_back();
                return view;
            }
        }
        return std::make_unique<View>(*index);
    }
    void give(std::unique_ptr<View> view)
    {
        std::lock_guard<std::mutex> held(lock);
        views.push_back(std::move(view));
    }
};

namespace
{

/* --- threads, and who may interrupt --- */

struct OpenMpThreads {
    const int before = omp_get_max_threads();
    explicit OpenMpThreads(int threads)
    {
        omp_set_num_threads(threads);
    }
    ~OpenMpThreads()
    {
        omp_set_num_threads(before);
    }
};

/* BLAS's number of threads belongs to the process. */
struct BlasThreads {
    const int before = openblas_get_num_threads();
    explicit BlasThreads(int threads)
    {
        openblas_set_num_threads(threads);
    }
    ~BlasThreads()
    {
        openblas_set_num_threads(before);
    }
};

/* Who is asked while a thread trains; null: nobody. */
struct Asked {
    int (*asked)(void *ctx);
    void *ctx;
    bool cancelled;
};
thread_local Asked *asked_here = nullptr;

/* FAISS has one callback for the whole process: it is put in place once, for good, and asks whoever
 * the thread that FAISS works on has named. */
struct Interrupt : faiss::InterruptCallback {
    bool want_interrupt() override
    {
        if (asked_here != nullptr && asked_here->asked(asked_here->ctx) != 0)
            asked_here->cancelled = true;
        return asked_here != nullptr && asked_here->cancelled;
    }
    static void install()
    {
        static std::once_flag once;
        std::call_once(once, [] {
            if (instance == nullptr)
                instance = std::make_unique<Interrupt>();
        });
    }
};

struct Asking {
    explicit Asking(Asked *asked)
    {
        asked_here = asked;
    }
    ~Asking()
    {
        asked_here = nullptr;
    }
};

/* --- reading and writing --- */

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
    const unsigned char *next;
    size_t left;
    kin_error *err;
    faiss_shape shape;

    /* As fread: fewer items where the bytes end, upon which FAISS throws. */
    size_t operator()(void *bytes, size_t size, size_t items) override
    {
        if (!kin_faiss_shape_expects(&shape, size, items))
            refuse();
        size_t given = std::min(items, left / size);
        if (given > 0)
            std::memcpy(bytes, next, size * given);
        next += size * given;
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

bool quantisers_are_sound(const Ivf &index)
{
    const auto *coarse = dynamic_cast<const faiss::IndexFlat *>(index.quantizer);
    const faiss::ProductQuantizer &pq = index.pq;
    const size_t dim = static_cast<size_t>(index.d);
    return coarse != nullptr && coarse->d == index.d && index.by_residual && index.nlist > 0 &&
           static_cast<size_t>(coarse->ntotal) == index.nlist &&
           coarse->codes.size() == index.nlist * dim * sizeof(float) &&
           coarse->metric_type == index.metric_type && pq.d == dim && pq.nbits == BITS &&
           pq.ksub == 1 << BITS && pq.M > 0 && pq.M * pq.dsub == dim &&
           pq.centroids.size() == dim * pq.ksub && index.bbs == BLOCK &&
           index.M2 == (pq.M + 1) / 2 * 2 && index.implem == 0 && index.qbs2 == 0;
}

bool lists_are_sound(const Ivf &index, size_t count)
{
    const auto *lists = dynamic_cast<const faiss::BlockInvertedLists *>(index.invlists);
    if (lists == nullptr || lists->nlist != index.nlist || lists->ids.size() != index.nlist ||
        lists->codes.size() != index.nlist || lists->n_per_block != BLOCK ||
        lists->block_size != BLOCK * index.M2 / 2)
        return false;
    size_t total = 0;
    for (size_t i = 0; i < index.nlist; i++) {
        const size_t n = lists->ids[i].size();
        const size_t blocks = (n + lists->n_per_block - 1) / lists->n_per_block;
        if (lists->codes[i].size() < blocks * lists->block_size)
            return false;
        for (Label id : lists->ids[i])
            if (id < 0 || static_cast<size_t>(id) >= count)
                return false;
        total += n;
    }
    return total == count;
}

bool is_sound(const Ivf &index, size_t dim, size_t count)
{
    return static_cast<size_t>(index.d) == dim && static_cast<size_t>(index.ntotal) == count &&
           index.metric_type == faiss::METRIC_INNER_PRODUCT && index.is_trained &&
           quantisers_are_sound(index) && lists_are_sound(index, count);
}

std::unique_ptr<kin_ivf> make(size_t dim, size_t lists, size_t subspaces)
{
    auto ivf = std::make_unique<kin_ivf>();
    auto coarse = std::make_unique<faiss::IndexFlatIP>(static_cast<Label>(dim));
    ivf->index = std::make_unique<Ivf>(coarse.get(), dim, lists, subspaces, BITS,
                                       faiss::METRIC_INNER_PRODUCT, BLOCK);
    coarse.release();
    ivf->index->own_fields = true; // frees the coarse quantizer
    ivf->index->by_residual = true;
    return ivf;
}

} // namespace

extern "C" {

kin_status kin_ivf_new(size_t dim, size_t lists, size_t subspaces, kin_ivf **out, kin_error *err)
{
    return guarded(err, [&] {
        *out = make(dim, lists, subspaces).release();
        return KIN_OK;
    });
}

kin_status kin_ivf_copy(const kin_ivf *from, kin_ivf **out, kin_error *err)
{
    return guarded(err, [&] {
        const Ivf &old = *from->index;
        const auto &coarse = dynamic_cast<const faiss::IndexFlat &>(*old.quantizer);
        const auto &lists = dynamic_cast<const faiss::BlockInvertedLists &>(*old.invlists);
        auto ivf = make(static_cast<size_t>(old.d), old.nlist, old.pq.M);
        ivf->index->quantizer->add(coarse.ntotal, coarse.get_xb());
        auto &copied = dynamic_cast<faiss::BlockInvertedLists &>(*ivf->index->invlists);
        copied.ids = lists.ids;
        copied.codes = lists.codes;
        ivf->index->pq = old.pq;
        ivf->index->is_trained = true;
        ivf->index->ntotal = old.ntotal;
        *out = ivf.release();
        return KIN_OK;
    });
}

void kin_ivf_free(kin_ivf *ivf)
{
    delete ivf;
}

size_t kin_ivf_lists(const kin_ivf *ivf)
{
    return ivf->index->nlist;
}

/* All threads are given to matrix products and none to OpenMP: training is large products (the
 * coarse lists), which BLAS divides best, and thousands of tiny loops (the product quantiser), which
 * only wait for each other when divided. */
kin_status kin_ivf_train(kin_ivf *ivf, size_t count, const float *rows, int iterations,
                         int rows_per_list, int threads, int (*asked)(void *ctx), void *ctx,
                         kin_error *err)
{
    Asked question = {asked, ctx, false};
    kin_status status = guarded(err, [&] {
        OpenMpThreads openmp(1);
        BlasThreads blas(threads);
        Interrupt::install();
        Asking asking(&question);
        ivf->index->cp.niter = iterations;
        ivf->index->cp.max_points_per_centroid = rows_per_list;
        ivf->index->cp.min_points_per_centroid = 1; // else it complains, to standard error
        ivf->index->train(static_cast<Label>(count), rows);
        return KIN_OK;
    });
    if (question.cancelled)
        status = kin_fail(err, KIN_E_CANCELLED, nullptr, "building the index was cancelled");
    return status;
}

kin_status kin_ivf_add(kin_ivf *ivf, size_t count, const float *rows, int threads, kin_error *err)
{
    return guarded(err, [&] {
        OpenMpThreads openmp(threads);
        BlasThreads blas(threads);
        ivf->index->add(static_cast<Label>(count), rows);
        return KIN_OK;
    });
}

kin_status kin_ivf_search(kin_ivf *ivf, const float *query, size_t probes, size_t count,
                          int64_t *labels, float *scores, kin_error *err)
{
    return guarded(err, [&] {
        auto view = ivf->take();
        view->nprobe = probes;
        view->search(1, query, static_cast<Label>(count), scores, labels);
        ivf->give(std::move(view));
        return KIN_OK;
    });
}

kin_status kin_ivf_errors(const kin_ivf *ivf, size_t count, const float *rows, double *error,
                          double *square, kin_error *err)
{
    return guarded(err, [&] {
        const Ivf &index = *ivf->index;
        const size_t dim = static_cast<size_t>(index.d);
        std::vector<Label> lists(count);
        std::vector<float> residual(dim), decoded(dim);
        std::vector<uint8_t> code(index.pq.code_size);
        index.quantizer->assign(static_cast<Label>(count), rows, lists.data());
        for (size_t i = 0; i < count; i++) {
            const float *row = rows + i * dim;
            index.quantizer->compute_residual(row, residual.data(), lists[i]);
            index.pq.compute_code(residual.data(), code.data());
            index.pq.decode(code.data(), decoded.data());
            for (size_t d = 0; d < dim; d++) {
                const double off = static_cast<double>(residual[d]) - decoded[d];
                *error += off * off;
                *square += static_cast<double>(row[d]) * row[d];
            }
        }
        return KIN_OK;
    });
}

kin_status kin_ivf_write(const kin_ivf *ivf, kin_faiss_sink sink, void *ctx, kin_error *err)
{
    return guarded(err, [&] {
        Writer writer;
        writer.sink = sink;
        writer.ctx = ctx;
        writer.err = err;
        faiss::write_index(ivf->index.get(), &writer);
        return KIN_OK;
    });
}

kin_status kin_ivf_read(const void *bytes, size_t size, size_t dim, size_t count, kin_ivf **out,
                        kin_error *err)
{
    kin_status status = guarded(err, [&] {
        Reader reader;
        reader.next = static_cast<const unsigned char *>(bytes);
        reader.left = size;
        reader.err = err;
        reader.shape = kin_faiss_shape(dim, count);
        auto ivf = std::make_unique<kin_ivf>();
        std::unique_ptr<faiss::Index> index(faiss::read_index(&reader));
        auto *lists = dynamic_cast<Ivf *>(index.get());
        if (reader.left != 0 || lists == nullptr || !is_sound(*lists, dim, count))
            return kin_fail(err, KIN_E_CORRUPT, nullptr, "index contradicts itself");
        index.release();
        ivf->index.reset(lists);
        *out = ivf.release();
        return KIN_OK;
    });
    if (status == KIN_E_INTERNAL) // FAISS refused the bytes
        status = kin_fail(err, KIN_E_CORRUPT, nullptr, "index cannot be read");
    return status;
}

} // extern "C"
