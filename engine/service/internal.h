/* internal.h - the service's parts, and what a call's handlers share. */
#ifndef KIN_SERVICE_INTERNAL_H
#define KIN_SERVICE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "archive/archive.h"
#include "rpc/server.h"
#include "service/access.h"
#include "service/audit.h"
#include "service/decoders.h"
#include "service/health.h"
#include "service/http.h"
#include "service/metrics.h"
#include "service/reflection.h"
#include "service/service.h"

enum {
    KIN_SERVICE_METHODS = 10, /* of kindred.v1.KindredService */
    KIN_METHODS_MAX = KIN_SERVICE_METHODS + KIN_HEALTH_METHODS + KIN_REFLECTION_METHODS
};

/* What a watcher thread last read of the archive. */
typedef struct kin_watch {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    bool has_stats;
    kin_archive_stats stats;
} kin_watch;

struct kin_service {
    kin_config config;
    kin_log log;
    kin_archive *archive;
    kin_decoders *query_decoders, *ingest_decoders;
    pthread_rwlock_t access_lock;
    atomic_uint access_reloads;
    kin_access *access; /* NULL: no access file */
    kin_role open_role; /* of everybody, where there is none */
    char *pem[3];       /* texts handed to the RPC layer: certificate, key, client CA */
    kin_audit *audit;
    bool audits; /* there is a trail to write */
    kin_metrics *metrics;
    kin_health *health;
    kin_reflection *reflection;
    kin_http *http;
    kin_http_page pages[3];
    kin_rpc_method methods[KIN_METHODS_MAX];
    size_t method_count;
    char addresses_text[KIN_CONFIG_TEXT_MAX];
    const char *addresses[KIN_CONFIG_ADDRESSES_MAX];
    kin_rpc_server *server;
    kin_watch watch;
};

/* --- gate.c: who calls, and the trail that the call leaves --- */

kin_rpc_code kin_gate_admit(void *service, kin_rpc_call *call);
kin_rpc_code kin_gate_finish(void *service, kin_rpc_call *call, kin_rpc_code code);
/* kin_rpc_call_fail_with() for what the archive and its parts say: the server's own paths stay here, and
 * what is the server's own fault (a disk, damage) goes to the log as well. */
kin_rpc_code kin_gate_fail(kin_rpc_call *call, const kin_error *err);
/* RESOURCE_EXHAUSTED: there is no memory for the answer. */
kin_rpc_code kin_gate_no_memory(kin_rpc_call *call);
/* Whether the caller's role still stands, after the access rules were read anew: for streams, between
 * two of their requests.  The code, with the call's text, when it does not. */
kin_rpc_code kin_gate_check_again(kin_rpc_call *call);
/* Notes, for the audit trail, what was asked and which objects came back; copies the value. */
void kin_gate_asked(kin_rpc_call *call, const char *type, const char *value);
void kin_gate_answered(kin_rpc_call *call, const char *type, const char *value);
void kin_gate_answered_record(kin_rpc_call *call, const kin_record *record);
/* Writes what has been noted as a line of its own and forgets it: for one query of a stream.  The
 * code, or UNAVAILABLE when the line cannot be written. */
kin_rpc_code kin_gate_note(kin_service *service, kin_rpc_call *call, kin_rpc_code code,
                           double seconds);

/* --- watch.c --- */
kin_status kin_watch_start(kin_service *service, kin_error *err);
void kin_watch_stop(kin_service *service);
/* The last statistics; false before the first. */
bool kin_watch_stats(kin_service *service, kin_archive_stats *out);

/* --- pages.c: what the HTTP server shows --- */
size_t kin_pages(kin_service *service, kin_http_page *out);

/* --- methods: run(call, service) --- */
kin_rpc_code kin_method_search(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_search_many(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_ingest(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_get(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_thumbnail(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_delete(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_set_outcome(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_stats(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_reindex(kin_rpc_call *call, void *service);
kin_rpc_code kin_method_backup(kin_rpc_call *call, void *service);

#endif
