/* In place of peer_hnswlib_bridge.cc where hnswlib is not installed. */
#include "peer.h"

bool peer_has_hnswlib(void)
{
    return false;
}

kin_status peer_hnswlib_new(const bench_set *set, size_t m, size_t ef_construction, int threads,
                            peer **out, kin_error *err)
{
    (void)set;
    (void)m;
    (void)ef_construction;
    (void)threads;
    *out = NULL;
    return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "built without hnswlib (libhnswlib-dev)");
}
