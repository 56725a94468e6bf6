/*
 * LMDB wants no transaction of this process active while the size of its map changes.  The gate
 * counts transactions in and out, and lets a change wait for the moment when there is none.
 *
 * A change that waits holds newcomers back, or else a stream of overlapping readers would starve
 * it.  But a thread may hold one snapshot and take another: were it held back, the change would
 * wait for it and it for the change.  So newcomers are held back only for GATE_PATIENCE_NS, and not
 * at all when their thread is inside already.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/wait.h"
#include "catalog/internal.h"

static const double patience = 0.1; /* seconds */

kin_status kin_gate_init(kin_catalog *catalog, kin_error *err)
{
    if (kin_cond_init(&catalog->gate_changed) != 0)
        return kin_fail(err, KIN_E_NOMEM, NULL, "cannot make a condition variable");
    pthread_mutex_init(&catalog->gate, NULL);
    return KIN_OK;
}

void kin_gate_destroy(kin_catalog *catalog)
{
    pthread_cond_destroy(&catalog->gate_changed);
    pthread_mutex_destroy(&catalog->gate);
}

/* With the gate locked. */
static bool thread_is_inside(const kin_catalog *catalog)
{
    for (const kin_txn *txn = catalog->active; txn != NULL; txn = txn->next)
        if (pthread_equal(txn->thread, pthread_self()))
            return true;
    return false;
}

bool kin_gate_thread_is_writing(kin_catalog *catalog)
{
    bool writing = false;
    pthread_mutex_lock(&catalog->gate);
    for (const kin_txn *txn = catalog->active; txn != NULL && !writing; txn = txn->next)
        writing = txn->writing && pthread_equal(txn->thread, pthread_self());
    pthread_mutex_unlock(&catalog->gate);
    return writing;
}

bool kin_gate_thread_is_inside(kin_catalog *catalog)
{
    pthread_mutex_lock(&catalog->gate);
    bool inside = thread_is_inside(catalog);
    pthread_mutex_unlock(&catalog->gate);
    return inside;
}

kin_status kin_gate_enter(kin_txn *txn, kin_error *err)
{
    kin_catalog *catalog = txn->catalog;
    kin_status status = KIN_OK;
    pthread_mutex_lock(&catalog->gate);
    if (catalog->remaps_waiting > 0 && !thread_is_inside(catalog)) {
        double until = kin_clock_monotonic() + patience;
        while (catalog->remaps_waiting > 0 &&
               kin_cond_wait_until(&catalog->gate_changed, &catalog->gate, until))
            ;
    }
    while (catalog->remapping)
        pthread_cond_wait(&catalog->gate_changed, &catalog->gate);
    if (catalog->map_lost) {
        status = kin_fail(err, KIN_E_IO, catalog->dir,
                          "the catalog could not be mapped again after it grew: open it anew");
    } else {
        txn->thread = pthread_self();
        txn->previous = NULL;
        txn->next = catalog->active;
        if (txn->next != NULL)
            txn->next->previous = txn;
        catalog->active = txn;
    }
    pthread_mutex_unlock(&catalog->gate);
    return status;
}

void kin_gate_leave(kin_txn *txn)
{
    kin_catalog *catalog = txn->catalog;
    pthread_mutex_lock(&catalog->gate);
    if (txn->previous != NULL)
        txn->previous->next = txn->next;
    else
        catalog->active = txn->next;
    if (txn->next != NULL)
        txn->next->previous = txn->previous;
    if (catalog->active == NULL)
        pthread_cond_broadcast(&catalog->gate_changed);
    pthread_mutex_unlock(&catalog->gate);
}

/* Nobody is inside.  On failure of mmap LMDB has no map at all any more. */
static kin_status set_size(kin_catalog *catalog, size_t size, kin_error *err)
{
    MDB_envinfo info;
    mdb_env_info(catalog->env, &info);
    if (size != 0 && size <= info.me_mapsize)
        return KIN_OK;
    int rc = mdb_env_set_mapsize(catalog->env, size);
    if (rc == 0)
        return KIN_OK;
    catalog->map_lost = true;
    return kin_fail_lmdb(err, rc, catalog->dir, "cannot map the catalog at its new size");
}

kin_status kin_gate_remap(kin_catalog *catalog, size_t size, kin_error *err)
{
    kin_status status = KIN_OK;
    pthread_mutex_lock(&catalog->gate);
    if (thread_is_inside(catalog)) {
        pthread_mutex_unlock(&catalog->gate);
        return kin_fail(err, KIN_E_BUSY, catalog->dir,
                        "the catalog has grown: end this thread's older snapshot first");
    }
    catalog->remaps_waiting++;
    while (catalog->active != NULL || catalog->remapping)
        pthread_cond_wait(&catalog->gate_changed, &catalog->gate);
    catalog->remaps_waiting--;
    catalog->remapping = true;
    pthread_mutex_unlock(&catalog->gate);
    if (!catalog->map_lost)
        status = set_size(catalog, size, err);
    pthread_mutex_lock(&catalog->gate);
    catalog->remapping = false;
    pthread_cond_broadcast(&catalog->gate_changed);
    pthread_mutex_unlock(&catalog->gate);
    return status;
}
