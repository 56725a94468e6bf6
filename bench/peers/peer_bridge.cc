#include "peer_bridge.hh"

void peer_free(peer *index)
{
    delete index;
}

void peer_set(peer *index, size_t width, size_t candidates)
{
    index->set(width, candidates);
}

kin_status peer_search(const peer *index, const float *query, size_t k, const uint8_t *allowed,
                       uint64_t *ids, size_t *found, kin_error *err)
{
    *found = 0;
    if (allowed != nullptr && !index->takes_filter())
        return kin_fail(err, KIN_E_UNSUPPORTED, nullptr, "this index takes no filter");
    return peer_guard(err, [&] { *found = index->search(query, k, allowed, ids); });
}

size_t peer_bytes(const peer *index)
{
    return index->bytes();
}
