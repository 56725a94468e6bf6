/*
 * client.h - kindred-client: a Kindred server's archive for programs in C11, C++11 and later.
 *
 *     #include <kindred/client.h>          cc program.c $(pkg-config --cflags --libs kindred-client)
 *
 *     kin_error err = {0};
 *     kin_client *client;
 *     if (kin_client_open(&(kin_client_options){.target = "127.0.0.1:7443"}, &client, &err) != KIN_OK)
 *         …
 *     Kindred__V1__SearchRequest request;
 *     Kindred__V1__SearchResponse *response;
 *     kindred__v1__search_request__init(&request);
 *     request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_UID;
 *     request.uid = "1.2.840.1";
 *     if (kin_client_search(client, &request, &response, NULL, &err) == KIN_OK)
 *         for (size_t i = 0; i < response->n_results; i++)
 *             … response->results[i]->image->sop_instance_uid …
 *     kin_client_free(response);
 *     kin_client_close(client);
 *
 * Requests and responses are the messages of kindred.v1 as protobuf-c generates them; what each field
 * means stands in the .proto files, which are installed in share/kindred/proto.  A request stays the
 * caller's and is not changed; a response is freed by kin_client_free().  Text in a response is never
 * NULL; a message in it is where the server left it out.
 *
 * Threads.  A kin_client may be shared by threads, each of which may make calls at the same time; it
 * holds one connection, made by the first call and made again when it is lost.  A stream belongs to
 * one thread, except that one thread may send while another receives.
 *
 * Failure.  Functions return KIN_OK or a negative kin_status, with the reason in a kin_error that the
 * caller owns (NULL: not wanted); its message is the server's, or says why the server was not
 * reached.  Calls also give gRPC's own status code (https://grpc.io/docs/guides/status-codes/) through
 * `code`, which may be NULL: it tells more than the status does, 14 UNAVAILABLE from 8
 * RESOURCE_EXHAUSTED for one.
 *
 * Nothing is tried again by itself but this: search, get, thumbnail, stats, health and set-outcome, of
 * which doing them twice changes nothing, are sent once more when they fail with UNAVAILABLE at a
 * server that had answered before, because the connection is lost or the server is restarted; a new
 * one is waited for, 2 seconds at most.  Whether to repeat anything else after UNAVAILABLE is the caller's
 * to say: a delete or an ingest may have been done although the answer did not arrive.  Doing it again
 * does no harm: a file that is stored already is a duplicate, a UID that is gone is NOT_FOUND.
 *
 * gRPC writes complaints of its own, on handshakes say, on standard error; GRPC_VERBOSITY=NONE in the
 * environment, set before the first kin_client_open(), silences it.
 */
#ifndef KIN_CLIENT_CLIENT_H
#define KIN_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kindred/v1/image.pb-c.h"
#include "kindred/v1/ingest.pb-c.h"
#include "kindred/v1/manage.pb-c.h"
#include "kindred/v1/search.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- connections --- */

typedef struct kin_client kin_client;

typedef struct kin_client_options {
    /* "HOST:PORT" ("[::1]:7443" for IPv6), or "unix:/PATH" for a socket of this machine. */
    const char *target;

    /* TLS, which any of the following implies; `tls` alone trusts the system's authorities.  Paths of
     * PEM files, each NULL for none. */
    bool tls;
    const char *tls_ca;          /* authorities that may sign the server's certificate */
    const char *tls_certificate; /* the client's own chain, where the server asks for one … */
    const char *tls_key;         /* … and its key, without pass phrase; both or neither */
    const char *tls_server_name; /* expected in the server's certificate; NULL: the target's host */

    /* The bearer token, itself or the file that holds it (blanks at its ends are cut off); not both.
     * It goes over TLS only, or to this machine. */
    const char *token;
    const char *token_file;

    double timeout;         /* seconds for each unary call; 0: none */
    size_t message_bytes;   /* largest response; 0: 64 MiB */
    const char *user_agent; /* "NAME/VERSION" of the program, for the server's log; may be NULL */
} kin_client_options;

/* Reads the files and makes a client; does not connect yet.  Nothing of options is kept.  KIN_E_ARG:
 * options that contradict each other, no HOST:PORT; KIN_E_NOT_FOUND, KIN_E_IO: a file cannot be read;
 * KIN_E_FORMAT: it is no PEM, or the key is another certificate's. */
kin_status kin_client_open(const kin_client_options *options, kin_client **out, kin_error *err);
/* Every stream is closed.  NULL is fine. */
void kin_client_close(kin_client *client);

/* "0.1.0": the library's version. */
const char *kin_client_version(void);

/* Frees a response of any kind; NULL is fine. */
void kin_client_free(void *response);

/* --- calls: one request, one response.  On failure *response is NULL. --- */

kin_status kin_client_search(kin_client *client, const Kindred__V1__SearchRequest *request,
                             Kindred__V1__SearchResponse **response, int *code, kin_error *err);
kin_status kin_client_get(kin_client *client, const Kindred__V1__GetRequest *request,
                          Kindred__V1__GetResponse **response, int *code, kin_error *err);
kin_status kin_client_thumbnail(kin_client *client, const Kindred__V1__ThumbnailRequest *request,
                                Kindred__V1__ThumbnailResponse **response, int *code,
                                kin_error *err);
kin_status kin_client_delete(kin_client *client, const Kindred__V1__DeleteRequest *request,
                             Kindred__V1__DeleteResponse **response, int *code, kin_error *err);
kin_status kin_client_set_outcome(kin_client *client, const Kindred__V1__SetOutcomeRequest *request,
                                  Kindred__V1__SetOutcomeResponse **response, int *code,
                                  kin_error *err);
kin_status kin_client_stats(kin_client *client, const Kindred__V1__StatsRequest *request,
                            Kindred__V1__StatsResponse **response, int *code, kin_error *err);
/* Takes as long as it takes: the client's timeout does not count here. */
kin_status kin_client_backup(kin_client *client, const Kindred__V1__BackupRequest *request,
                             Kindred__V1__BackupResponse **response, int *code, kin_error *err);

/* gRPC's health checking (grpc.health.v1.Health/Check), which needs no token.  service: NULL or ""
 * for the server as a whole, or "kindred.v1.KindredService".  *serving: whether it says so. */
kin_status kin_client_health(kin_client *client, const char *service, bool *serving, int *code,
                             kin_error *err);

/* --- reindex --- */

/* Who watches a reindex. */
typedef struct kin_client_watch {
    /* Called for each step that the server reports, and with stage NULL ten times a second while
     * nothing arrives; nonzero cancels the call, at which the server stops the reindex
     * (KIN_E_CANCELLED).  May be NULL. */
    int (*progress)(void *ctx, const char *stage, double done);
    /* Told once, before the index is built: its kind, and the memory that building it will take at
     * its peak.  May be NULL. */
    void (*forecast)(void *ctx, const char *index_kind, uint64_t peak_bytes);
    void *ctx;
} kin_client_watch;

/* Runs a reindex to its end.  watch may be NULL.  *report is freed with kin_client_free(). */
kin_status kin_client_reindex(kin_client *client, const Kindred__V1__ReindexRequest *request,
                              const kin_client_watch *watch, Kindred__V1__ReindexReport **report,
                              int *code, kin_error *err);

/* --- many searches over one stream --- */

typedef struct kin_client_searches kin_client_searches;

kin_status kin_client_searches_open(kin_client *client, kin_client_searches **out, kin_error *err);
/* Sends a search; waits until there is room, so somebody must receive meanwhile, or few are under
 * way.  `tag` comes back with the answer.  KIN_E_CANCELLED: the stream is over, and
 * kin_client_searches_receive() says why. */
kin_status kin_client_searches_send(kin_client_searches *searches, uint64_t tag,
                                    const Kindred__V1__SearchRequest *request, kin_error *err);
/* No more searches will be sent. */
kin_status kin_client_searches_finish(kin_client_searches *searches, kin_error *err);
/* The answer to the next search, in the order of sending (response or error, see its outcome_case).
 * *response NULL with KIN_OK: all are answered and the stream has ended. */
kin_status kin_client_searches_receive(kin_client_searches *searches,
                                       Kindred__V1__SearchManyResponse **response, int *code,
                                       kin_error *err);
/* Ends the stream, whatever is under way.  NULL is fine. */
void kin_client_searches_close(kin_client_searches *searches);

/* --- ingest: files over one stream, and a receipt for all of them at its end --- */

typedef struct kin_client_ingest kin_client_ingest;

/* Asked ten times a second while the stream waits; true cancels it.  May be NULL. */
typedef bool (*kin_client_stop)(void *ctx);

kin_status kin_client_ingest_open(kin_client *client, kin_client_stop stop, void *ctx,
                                  kin_client_ingest **out, kin_error *err);
/* The next file: its name (kept as the image's path; proto: text, so bytes that are no UTF-8 are
 * replaced), its size (0: unknown), and what is known of it, as a manifest's columns. */
kin_status kin_client_ingest_file_begin(kin_client_ingest *ingest, const char *name, uint64_t size,
                                        Kindred__V1__Label *const *fields, size_t field_count,
                                        kin_error *err);
/* A part of it, of any size: longer ones are cut into several messages. */
kin_status kin_client_ingest_file_chunk(kin_client_ingest *ingest, const void *bytes, size_t size,
                                        kin_error *err);
/* Begins a file and sends all that fd holds from where it stands.  A read that fails is KIN_E_IO, and
 * KIN_E_ARG fd is a folder.  After a failed read from a regular file the stream goes on: its size was
 * told, so that the server reports it as failed.  From anything else (a pipe) it is cancelled, since
 * half a file must not be taken for a whole. */
kin_status kin_client_ingest_file(kin_client_ingest *ingest, const char *name, int fd,
                                  Kindred__V1__Label *const *fields, size_t field_count,
                                  kin_error *err);
/* Nothing more: waits until all is stored.  What the receipt names as stored, updated or replaced is
 * on the server's disk for good.  Without a receipt any of it may have been stored: send it again.
 * Sends that failed with KIN_E_CANCELLED are explained here. */
kin_status kin_client_ingest_finish(kin_client_ingest *ingest,
                                    Kindred__V1__IngestResponse **receipt, int *code,
                                    kin_error *err);
/* After kin_client_ingest_finish(), or instead of it: then the server stops where it is.  NULL is
 * fine. */
void kin_client_ingest_close(kin_client_ingest *ingest);

#ifdef __cplusplus
}
#endif

#endif
