#include <errno.h>

#include "catalog/internal.h"

static kin_status status_of(int rc)
{
    switch (rc) {
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE: /* a named database of another kind than ours */
        return KIN_E_CORRUPT;
    case MDB_VERSION_MISMATCH: /* another LMDB made the file, or has it open */
        return KIN_E_UNSUPPORTED;
    case MDB_READERS_FULL:
        return KIN_E_BUSY;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return KIN_E_LIMIT;
    case MDB_PANIC: /* writing the meta page failed: this environment is of no more use */
        return KIN_E_IO;
    case MDB_NOTFOUND:
    case ENOENT:
        return KIN_E_NOT_FOUND;
    case ENOMEM:
        return KIN_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return KIN_E_FULL;
    default:
        return rc > 0 ? KIN_E_IO : KIN_E_INTERNAL; /* errno, or a misuse of LMDB */
    }
}

kin_status kin_fail_lmdb(kin_error *err, int rc, const char *dir, const char *what)
{
    return kin_fail(err, status_of(rc), dir, "%s: %s", what, mdb_strerror(rc));
}

kin_status kin_txn_fail(kin_txn *txn, int rc, const char *what, kin_error *err)
{
    if (rc == MDB_MAP_FULL)
        txn->map_full = true;
    return kin_fail_lmdb(err, rc, txn->catalog->dir, what);
}

kin_status kin_txn_check_writing(const kin_txn *txn, kin_error *err)
{
    if (!txn->writing)
        return kin_fail(err, KIN_E_ARG, NULL, "this transaction only reads");
    return KIN_OK;
}
