/* damage.h - catalogs that are damaged by hand, with LMDB itself, for tests. */
#ifndef KIN_TEST_CATALOG_DAMAGE_H
#define KIN_TEST_CATALOG_DAMAGE_H

#include <lmdb.h>

#include "samples.h"

enum { DAMAGE_IMAGES = 60, DAMAGE_REMOVED = 13 };

static inline kin_status damage_remove_one(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    kin_status status = kin_block_put(txn, "set", 1, 2, err);
    return status == KIN_OK ? kin_catalog_remove(txn, DAMAGE_REMOVED, err) : status;
}

/* A catalog of some images, one removed, closed. */
static inline void damage_make_catalog(sample_catalog *sample)
{
    sample_batch batch = {.seed = 101, .count = DAMAGE_IMAGES};
    sample_make(sample);
    assert_ok(kin_catalog_write(sample->catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_write(sample->catalog, damage_remove_one, NULL, NULL));
    assert_int_equal(sample_verify(sample->catalog), 0);
    kin_catalog_close(sample->catalog);
    sample->catalog = NULL;
}

/* A change to a named database. */
typedef void damage(MDB_txn *txn, MDB_dbi dbi);

/* Opens the database of that name, with LMDB alone, and lets `change` at it. */
static inline void damage_database(const char *dir, const char *name, unsigned flags,
                                   damage *change)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0644), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, flags, &dbi), 0);
    change(txn, dbi);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static inline MDB_val damage_text(const char *text)
{
    return (MDB_val){.mv_size = strlen(text), .mv_data = (void *)text};
}

#endif
