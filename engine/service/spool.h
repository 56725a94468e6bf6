/* spool.h - a file that is still arriving: without a name, so that nothing of it outlives us. */
#ifndef KIN_SERVICE_SPOOL_H
#define KIN_SERVICE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_spool {
    int fd; /* -1: none */
    uint64_t bytes, limit;
} kin_spool;

/* Begins a file in folder dir, which may hold at most `limit` bytes. */
kin_status kin_spool_begin(kin_spool *spool, const char *dir, uint64_t limit, kin_error *err);
/* KIN_E_LIMIT beyond the limit, KIN_E_FULL, KIN_E_IO: the file is of no use then. */
kin_status kin_spool_append(kin_spool *spool, const void *bytes, size_t size, kin_error *err);
/* Lets go of it; one that was never begun is fine. */
void kin_spool_end(kin_spool *spool);

#endif
