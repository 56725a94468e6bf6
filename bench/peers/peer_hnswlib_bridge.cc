#include "peer_bridge.hh"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <hnswlib/hnswlib.h>

#include "base/parallel.h"

namespace
{

using Graph = hnswlib::HierarchicalNSW<float>;

struct Hnswlib : peer {
    hnswlib::InnerProductSpace space;
    Graph graph;

    Hnswlib(const bench_set *set, size_t m, size_t ef_construction)
        : space(set->dim), graph(&space, set->count, m, ef_construction)
    {
    }

    void set(size_t width, size_t) override
    {
        graph.setEf(width);
    }

    size_t search(const float *query, size_t k, const uint8_t *, uint64_t *ids) const override
    {
        auto found = graph.searchKnn(query, k); /* the worst on top */
        size_t count = found.size();
        for (size_t i = count; i-- > 0; found.pop())
            ids[i] = found.top().second;
        return count;
    }

    size_t bytes() const override
    {
        size_t sum = graph.max_elements_ * (graph.size_data_per_element_ + sizeof(char *) +
                                            sizeof(graph.element_levels_[0]));
        for (size_t i = 0; i < graph.cur_element_count; i++)
            sum += static_cast<size_t>(graph.element_levels_[i]) * graph.size_links_per_element_;
        return sum;
    }

    bool takes_filter() const override
    {
        return false;
    }
};

/* Adds rows from several threads, as hnswlib allows. */
struct Adding {
    const bench_set *set;
    Graph *graph;
    std::mutex lock;
    std::string problem;
};

void add_some(void *ctx, size_t from, size_t to)
{
    auto *adding = static_cast<Adding *>(ctx);
    try {
        std::vector<float> row(adding->set->dim);
        for (size_t i = from; i < to; i++) {
            bench_set_read(adding->set, i, 1, row.data());
            adding->graph->addPoint(row.data(), i);
        }
    } catch (const std::exception &problem) {
        std::lock_guard<std::mutex> guard(adding->lock);
        adding->problem = problem.what();
    }
}

} // namespace

bool peer_has_hnswlib(void)
{
    return true;
}

kin_status peer_hnswlib_new(const bench_set *set, size_t m, size_t ef_construction, int threads,
                            peer **out, kin_error *err)
{
    *out = nullptr;
    return peer_guard(err, [&] {
        auto made = std::make_unique<Hnswlib>(set, m, ef_construction);
        Adding adding{set, &made->graph, {}, {}};
        kin_parallel_for(set->count, 64, threads, add_some, &adding);
        if (!adding.problem.empty())
            throw std::runtime_error(adding.problem);
        *out = made.release();
    });
}
