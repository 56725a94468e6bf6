/* peer_bridge.hh - what each of the others is behind peer.h. */
#ifndef KIN_BENCH_PEER_BRIDGE_HH
#define KIN_BENCH_PEER_BRIDGE_HH

#include <exception>
#include <new>

#include "peer.h"

/* Members may throw; peer_bridge.cc sees to it that nothing leaves. */
struct peer {
    virtual ~peer() = default;
    virtual void set(size_t width, size_t candidates) = 0;
    virtual size_t search(const float *query, size_t k, const uint8_t *allowed,
                          uint64_t *ids) const = 0;
    virtual size_t bytes() const = 0;
    virtual bool takes_filter() const = 0;
};

/* Runs work, which may throw, to a status. */
template <typename Work> kin_status peer_guard(kin_error *err, Work work)
{
    try {
        work();
        return KIN_OK;
    } catch (const std::bad_alloc &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "no memory for an index to compare with");
    } catch (const std::exception &problem) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "%s", problem.what());
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "an index to compare with failed");
    }
}

#endif
