/* faiss_guard.hh - no exception leaves a bridge; for the bridges of this folder. */
#ifndef KIN_INDEX_FAISS_GUARD_HH
#define KIN_INDEX_FAISS_GUARD_HH

#include <exception>
#include <new>
#include <stdexcept>

extern "C" {
#include "base/status.h"
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

#endif
