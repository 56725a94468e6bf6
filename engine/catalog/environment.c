/* Opening and closing the LMDB environment, its schema, and migrating from older ones. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "catalog/internal.h"

enum { DATABASE_MODE = 0666 }; /* before the umask */

/* --- schema --- */

/* From nothing at all to version 1: the databases are there, no row is. */
static kin_status lay_down_version_1(kin_txn *txn, kin_error *err)
{
    return kin_meta_store_u64(txn, KIN_META_ROWS, 0, err);
}

/* To version 2: what changes values is counted (changes.c).  Nothing has been counted so far, but
 * programs of version 1, which would not count, must keep out. */
static kin_status begin_to_count_changes(kin_txn *txn, kin_error *err)
{
    return kin_meta_store_u64(txn, KIN_META_CHANGES, 0, err);
}

/* migrations[n] takes a catalog of schema n to n + 1, inside the transaction that opens it. */
static kin_status (*const migrations[KIN_CATALOG_SCHEMA_VERSION])(kin_txn *txn, kin_error *err) = {
    lay_down_version_1,
    begin_to_count_changes,
    kin_migrate_regions,
};

kin_status kin_catalog_check_schema(kin_txn *txn, kin_error *err)
{
    uint64_t version;
    kin_status status = kin_meta_get_u64(txn, KIN_META_SCHEMA, 0, &version, err);
    if (status == KIN_OK && version != KIN_CATALOG_SCHEMA_VERSION)
        status = kin_fail(err, KIN_E_UNSUPPORTED, txn->catalog->dir,
                          "the catalog has schema %" PRIu64 ", this program knows %d", version,
                          KIN_CATALOG_SCHEMA_VERSION);
    return status;
}

/* Opens the handles of the named databases; LMDB's code where one is missing.  `previews`, which
 * older catalogs lack, is opened by previews.c. */
static int open_databases(kin_txn *txn, unsigned create)
{
    kin_catalog *catalog = txn->catalog;
    const unsigned ids = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP;
    const struct {
        const char *name;
        unsigned flags;
        MDB_dbi *out;
    } databases[] = {
        {"meta", 0, &catalog->meta},           {"images", 0, &catalog->images},
        {"by_value", ids, &catalog->by_value}, {"dead", ids, &catalog->dead},
        {"blocks", 0, &catalog->blocks},
    };
    for (size_t i = 0; i < sizeof databases / sizeof databases[0]; i++) {
        unsigned flags;
        int rc = mdb_dbi_open(txn->mdb, databases[i].name, databases[i].flags | create,
                              databases[i].out);
        if (rc == 0)
            rc = mdb_dbi_flags(txn->mdb, *databases[i].out, &flags);
        if (rc != 0)
            return rc;
        if (flags != databases[i].flags) /* LMDB opens it all the same */
            return MDB_INCOMPATIBLE;
    }
    return 0;
}

/* A file that holds named databases, and none of ours, is another program's. */
static kin_status refuse_foreign(kin_txn *txn, kin_error *err)
{
    MDB_dbi names, meta;
    MDB_stat stat;
    int rc = mdb_dbi_open(txn->mdb, NULL, 0, &names);
    if (rc == 0)
        rc = mdb_stat(txn->mdb, names, &stat);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot look into the catalog", err);
    if (stat.ms_entries > 0 && mdb_dbi_open(txn->mdb, "meta", 0, &meta) == MDB_NOTFOUND)
        return kin_fail(err, KIN_E_UNSUPPORTED, txn->catalog->dir,
                        "the folder holds another program's LMDB database");
    return KIN_OK;
}

static kin_status create_or_migrate(kin_txn *txn, void *ctx, kin_error *err)
{
    const bool *create = ctx;
    uint64_t version = 0;
    kin_status status = refuse_foreign(txn, err);
    if (status != KIN_OK)
        return status;
    int rc = open_databases(txn, MDB_CREATE);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot open the catalog's databases", err);
    status = kin_meta_get_u64(txn, KIN_META_SCHEMA, 0, &version, err);
    if (status != KIN_OK)
        return status;
    if (version == 0 && !*create)
        return kin_fail(err, KIN_E_NOT_FOUND, txn->catalog->dir,
                        "no catalog here: its making was interrupted");
    if (version > KIN_CATALOG_SCHEMA_VERSION)
        return kin_catalog_check_schema(txn, err);
    for (uint64_t from = version; from < KIN_CATALOG_SCHEMA_VERSION && status == KIN_OK; from++)
        status = migrations[from](txn, err);
    if (status == KIN_OK)
        status = kin_meta_store_u64(txn, KIN_META_SCHEMA, KIN_CATALOG_SCHEMA_VERSION, err);
    return status;
}

/* Opens the databases of a catalog that is up to date, by a reader, which waits for no writer;
 * *done is false where there is something to make or to migrate. */
static kin_status open_up_to_date(kin_catalog *catalog, bool *done, kin_error *err)
{
    kin_txn txn;
    uint64_t version = 0;
    *done = false;
    kin_status status = kin_txn_begin(catalog, false, &txn, err);
    if (status != KIN_OK)
        return status;
    int rc = open_databases(&txn, 0);
    if (rc == 0)
        status = kin_meta_get_u64(&txn, KIN_META_SCHEMA, 0, &version, err);
    else if (rc != MDB_NOTFOUND)
        status = kin_txn_fail(&txn, rc, "cannot open the catalog's databases", err);
    if (rc != 0 || status != KIN_OK || version < KIN_CATALOG_SCHEMA_VERSION) {
        kin_txn_abandon(&txn);
        return status;
    }
    status = kin_catalog_check_schema(&txn, err);
    if (status != KIN_OK) {
        kin_txn_abandon(&txn);
        return status;
    }
    *done = true;
    return kin_txn_commit(&txn, err);
}

/* --- files --- */

static kin_status file_size(const kin_catalog *catalog, off_t *size, kin_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/data.mdb", catalog->dir) >= (int)sizeof path)
        return kin_fail(err, KIN_E_ARG, catalog->dir, "path is too long");
    if (stat(path, &st) != 0)
        return kin_fail_errno(err, catalog->dir, "no catalog here");
    *size = st.st_size;
    return KIN_OK;
}

/* Bytes up to the last page that the newest commit has given out. */
static off_t claimed_size(const kin_catalog *catalog)
{
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(catalog->env, &info);
    mdb_env_stat(catalog->env, &stat);
    return (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
}

/*
 * A data file that is shorter than the pages it has given out would kill us with SIGBUS when one of
 * them is touched.  Pages at its end may be missing for an honest reason (given out and freed again
 * in one transaction, LMDB never wrote them); or the file was cut, say by an unfinished copy.  So
 * it is lengthened: free pages may hold anything, and where a page that counts is gone, LMDB finds
 * zeros in its place and says MDB_CORRUPTED.  The write lock keeps other processes from writing
 * meanwhile.
 */
static kin_status lengthen(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_catalog *catalog = txn->catalog;
    off_t size = 0;
    mdb_filehandle_t fd;
    (void)ctx;
    kin_status status = file_size(catalog, &size, err);
    if (status != KIN_OK)
        return status;
    mdb_env_get_fd(catalog->env, &fd);
    if (size < claimed_size(catalog) && ftruncate(fd, claimed_size(catalog)) != 0)
        return kin_fail_errno(err, catalog->dir, "cannot lengthen the catalog's cut-off file");
    return KIN_OK;
}

static kin_status lengthen_if_short(kin_catalog *catalog, kin_error *err)
{
    off_t size = 0;
    off_t claimed = claimed_size(catalog);
    kin_status status = file_size(catalog, &size, err);
    if (status == KIN_OK && size < claimed)
        status = kin_txn_run(catalog, lengthen, NULL, err);
    return status;
}

/* Makes the new files' names durable, and the folder's own. */
static kin_status sync_folders(const kin_catalog *catalog, kin_error *err)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof parent, "%s/..", catalog->dir) >= (int)sizeof parent)
        return kin_fail(err, KIN_E_ARG, catalog->dir, "path is too long");
    kin_status status = kin_fs_sync_dir(kin_fs_posix(), catalog->dir, err);
    if (status == KIN_OK)
        status = kin_fs_sync_dir(kin_fs_posix(), parent, err);
    return status;
}

/* --- opening --- */

static kin_status open_environment(kin_catalog *catalog, kin_error *err)
{
    int dead;
    int rc = mdb_env_create(&catalog->env);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(catalog->env, KIN_LMDB_MAX_READERS);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(catalog->env, KIN_LMDB_DATABASES);
    /* Synchronous, and never MDB_WRITEMAP: a full disk would be a SIGBUS.  MDB_NOTLS: a snapshot
     * belongs to its transaction, so that a thread may hold several, or hand one on. */
    if (rc == 0)
        rc = mdb_env_open(catalog->env, catalog->dir, MDB_NOTLS, DATABASE_MODE);
    if (rc == 0)
        rc = mdb_reader_check(catalog->env, &dead);
    if (rc != 0)
        return kin_fail_lmdb(err, rc, catalog->dir, "cannot open the catalog");
    if (mdb_env_get_maxkeysize(catalog->env) < KIN_LMDB_MAX_KEY)
        return kin_fail(err, KIN_E_UNSUPPORTED, catalog->dir, "LMDB was built for keys of %d bytes",
                        mdb_env_get_maxkeysize(catalog->env));
    return lengthen_if_short(catalog, err);
}

/* The folder exists afterwards; where it is not to be made, a catalog has to be in it. */
static kin_status find_folder(const kin_catalog *catalog, bool create, kin_error *err)
{
    off_t size = 0;
    if (create)
        return kin_fs_make_dirs(kin_fs_posix(), catalog->dir, err);
    kin_status status = file_size(catalog, &size, err);
    if (status == KIN_OK && size == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, catalog->dir, "no catalog here: the file is empty");
    return status;
}

static kin_status catalog_new(const char *dir, kin_catalog **out, kin_error *err)
{
    pthread_mutexattr_t checking;
    kin_catalog *catalog = calloc(1, sizeof *catalog);
    kin_cache *cache = kin_cache_new(KIN_CATALOG_CACHE_BYTES);
    char *copy = strdup(dir);
    if (catalog == NULL || cache == NULL || copy == NULL || kin_gate_init(catalog, err) != KIN_OK) {
        kin_cache_free(cache);
        free(catalog);
        free(copy);
        kin_fail(err, KIN_E_NOMEM, dir, "no memory to open the catalog");
        return KIN_E_NOMEM;
    }
    pthread_mutexattr_init(&checking);
    pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&catalog->write_lock, &checking);
    pthread_mutex_init(&catalog->previews_lock, NULL);
    pthread_mutexattr_destroy(&checking);
    catalog->dir = copy;
    catalog->cache = cache;
    *out = catalog;
    return KIN_OK;
}

kin_status kin_catalog_open(const char *dir, bool create, kin_catalog **out, kin_error *err)
{
    kin_catalog *catalog = NULL;
    bool up_to_date = false;
    kin_status status = catalog_new(dir, &catalog, err);
    if (status != KIN_OK)
        return status;
    status = find_folder(catalog, create, err);
    if (status == KIN_OK)
        status = kin_open_once_enter(catalog, err);
    if (status == KIN_OK)
        status = open_environment(catalog, err);
    if (status == KIN_OK)
        status = open_up_to_date(catalog, &up_to_date, err);
    if (status == KIN_OK && !up_to_date) {
        status = kin_txn_run(catalog, create_or_migrate, &create, err);
        if (status == KIN_OK)
            status = sync_folders(catalog, err);
    }
    if (status == KIN_OK)
        status = kin_previews_find(catalog, err);
    if (status != KIN_OK) {
        kin_catalog_close(catalog);
        return status;
    }
    *out = catalog;
    return KIN_OK;
}

void kin_catalog_close(kin_catalog *catalog)
{
    if (catalog == NULL)
        return;
    if (catalog->env != NULL)
        mdb_env_close(catalog->env);
    kin_open_once_leave(catalog);
    pthread_mutex_destroy(&catalog->write_lock);
    pthread_mutex_destroy(&catalog->previews_lock);
    kin_gate_destroy(catalog);
    kin_cache_free(catalog->cache);
    free(catalog->dir);
    free(catalog);
}

void kin_catalog_limit_cache(kin_catalog *catalog, size_t bytes)
{
    kin_cache_set_limit(catalog->cache, bytes);
}

void kin_catalog_measure_cache(kin_catalog *catalog, size_t *bytes, size_t *bitmaps)
{
    kin_cache_measure(catalog->cache, bytes, bitmaps);
}

kin_status kin_catalog_size(kin_catalog *catalog, uint64_t *used, uint64_t *map, kin_error *err)
{
    kin_txn txn;
    MDB_envinfo info;
    kin_status status = kin_txn_begin(catalog, false, &txn, err);
    if (status != KIN_OK)
        return status;
    mdb_env_info(catalog->env, &info);
    *used = (uint64_t)claimed_size(catalog);
    *map = info.me_mapsize;
    kin_txn_abandon(&txn);
    return KIN_OK;
}
