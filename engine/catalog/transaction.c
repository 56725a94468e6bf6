#include <errno.h>
#include <stdlib.h>

#include "catalog/internal.h"

/* Another process may grow the map again while we take over its growth, but hardly this often. */
enum { BEGIN_ATTEMPTS = 16 };

/* One try.  LMDB's code goes to *rc; the gate stays entered only where that is 0. */
static kin_status try_begin(kin_txn *txn, int *rc, kin_error *err)
{
    kin_status status = kin_gate_enter(txn, err);
    if (status != KIN_OK)
        return status;
    *rc = mdb_txn_begin(txn->catalog->env, NULL, txn->writing ? 0 : MDB_RDONLY, &txn->mdb);
    if (*rc != 0)
        kin_gate_leave(txn);
    return KIN_OK;
}

kin_status kin_txn_begin(kin_catalog *catalog, bool writing, kin_txn *txn, kin_error *err)
{
    int rc = 0;
    *txn = (kin_txn){
        .catalog = catalog, .writing = writing, .previews = atomic_load(&catalog->has_previews)};
    for (int attempt = 0; attempt < BEGIN_ATTEMPTS; attempt++) {
        kin_status status = try_begin(txn, &rc, err);
        if (status != KIN_OK || rc == 0)
            return status;
        int dead;
        if (rc == MDB_MAP_RESIZED)
            status = kin_gate_remap(catalog, 0, err);
        else if (rc != MDB_READERS_FULL || attempt > 0 ||
                 mdb_reader_check(catalog->env, &dead) != 0)
            break;
        if (status != KIN_OK)
            return status;
    }
    return kin_fail_lmdb(err, rc, catalog->dir, "cannot begin a transaction");
}

void kin_txn_abandon(kin_txn *txn)
{
    mdb_txn_abort(txn->mdb);
    kin_gate_leave(txn);
}

kin_status kin_txn_commit(kin_txn *txn, kin_error *err)
{
    int rc = mdb_txn_commit(txn->mdb);
    kin_gate_leave(txn);
    /* LMDB reports a write that was cut short, as a full disk does, as EIO. */
    if (rc == EIO)
        return kin_txn_fail(txn, rc, "cannot commit (is the disk full?)", err);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot commit", err);
}

kin_status kin_catalog_read(kin_catalog *catalog, kin_txn **out, kin_error *err)
{
    kin_txn *txn = malloc(sizeof *txn);
    if (txn == NULL)
        return kin_fail(err, KIN_E_NOMEM, catalog->dir, "no memory for a transaction");
    kin_status status = kin_txn_begin(catalog, false, txn, err);
    if (status == KIN_OK) {
        status = kin_catalog_check_schema(txn, err);
        if (status != KIN_OK)
            kin_txn_abandon(txn);
    }
    if (status != KIN_OK) {
        free(txn);
        return status;
    }
    *out = txn;
    return KIN_OK;
}

void kin_txn_end(kin_txn *txn)
{
    if (txn == NULL)
        return;
    kin_txn_abandon(txn);
    free(txn);
}

uint64_t kin_txn_commit_number(const kin_txn *txn)
{
    return mdb_txn_id(txn->mdb);
}

/* Doubles the map.  Nothing of ours is active but other threads' readers, whose end it awaits. */
static kin_status grow(kin_catalog *catalog, size_t former_size, kin_error *err)
{
    if (former_size > KIN_CATALOG_MAX_MAP / 2)
        return kin_fail(err, KIN_E_LIMIT, catalog->dir, "the catalog's map is over its limit");
    return kin_gate_remap(catalog, 2 * former_size, err);
}

/* One run of body in a transaction; *map_full when it must be run again with a larger map. */
static kin_status run_once(kin_catalog *catalog, kin_txn_body *body, void *ctx, bool *map_full,
                           size_t *map_size, kin_error *err)
{
    kin_txn txn;
    MDB_envinfo info;
    *map_full = false;
    kin_status status = kin_txn_begin(catalog, true, &txn, err);
    if (status != KIN_OK)
        return status;
    mdb_env_info(catalog->env, &info);
    *map_size = info.me_mapsize;
    status = body(&txn, ctx, err);
    if (status == KIN_OK && !txn.map_full)
        status = kin_txn_commit(&txn, err);
    else
        kin_txn_abandon(&txn);
    *map_full = txn.map_full;
    return status;
}

kin_status kin_txn_run(kin_catalog *catalog, kin_txn_body *body, void *ctx, kin_error *err)
{
    kin_status status = KIN_OK;
    bool map_full;
    size_t map_size = 0;
    if (pthread_mutex_lock(&catalog->write_lock) == EDEADLK)
        return kin_fail(err, KIN_E_ARG, NULL, "this thread is writing already");
    if (kin_gate_thread_is_inside(catalog)) {
        pthread_mutex_unlock(&catalog->write_lock);
        return kin_fail(err, KIN_E_ARG, NULL, "a thread must end its snapshot before it writes");
    }
    do {
        status = run_once(catalog, body, ctx, &map_full, &map_size, err);
        if (map_full)
            status = grow(catalog, map_size, err);
    } while (map_full && status == KIN_OK);
    pthread_mutex_unlock(&catalog->write_lock);
    if (status == KIN_OK)
        kin_error_clear(err); /* of what a run before the last one may have left there */
    return status;
}

struct checked_body {
    kin_txn_body *body;
    void *ctx;
};

static kin_status check_then_run(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct checked_body *checked = ctx;
    kin_status status = kin_catalog_check_schema(txn, err);
    return status == KIN_OK ? checked->body(txn, checked->ctx, err) : status;
}

kin_status kin_catalog_write(kin_catalog *catalog,
                             kin_status (*body)(kin_txn *txn, void *ctx, kin_error *err), void *ctx,
                             kin_error *err)
{
    struct checked_body checked = {.body = body, .ctx = ctx};
    kin_status status = kin_previews_open(catalog, true, err);
    return status == KIN_OK ? kin_txn_run(catalog, check_then_run, &checked, err) : status;
}
