/*
 * fake_service.h - a server with KindredService's methods that answer what tests can foresee.
 *
 *   Search, Get, …  one response made of the request (see fake_service.c); a UID of "missing" is
 *                   NOT_FOUND with the text "missing: not stored"
 *   SearchMany      the same for each search
 *   Reindex         three steps, a forecast behind the first, and a report; index_kind "endless": steps until the client goes,
 *                   "none": no report, "late": a report and then a failure
 *   Ingest          a receipt with each file's number of bytes as its images, their digest
 *                   (fake_digest()) as its UID, and its fields as its reason
 *   Health/Check    SERVING for "" and KindredService
 */
#ifndef KIN_TEST_FAKE_SERVICE_H
#define KIN_TEST_FAKE_SERVICE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/server.h"

typedef struct fake_service {
    kin_rpc_server *server;
    char address[64];
    char token[128];       /* that the last call brought; "" for none */
    char agent[128];       /* its user agent */
    atomic_uint calls;     /* admitted */
    atomic_uint cancelled; /* reindexes whose client went */
    kin_rpc_method *methods;
} fake_service;

enum { FAKE_DIGEST_SIZE = 17 };
/* FNV-1a, which may be continued: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FAKE_DIGEST_BEGIN 0xCBF29CE484222325u
uint64_t fake_digest(uint64_t before, const void *bytes, size_t size);

void fake_service_start(fake_service *out);
void fake_service_stop(fake_service *service);

#endif
