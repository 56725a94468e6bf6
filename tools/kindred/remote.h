/* remote.h - what the files of the remote target share. */
#ifndef KINDRED_REMOTE_H
#define KINDRED_REMOTE_H

#include "client/client.h"
#include "target.h"

typedef struct kin_remote {
    kin_target target;
    kin_client *client;
    char *archive; /* owned; what target.archive says */
} kin_remote;

/*
 * Makes a call's failure read as the local command's: what the server says of `subject` (may be
 * NULL) loses its name in the text and has it as its subject; all else is about the server.
 */
kin_status kin_remote_fail(const kin_remote *remote, kin_status status, const char *subject,
                           kin_error *err);

/* Takes "SUBJECT: " off the beginning of a text; whether it was there. */
bool kin_remote_cut_subject(char *text, const char *subject);

/* The search, the ingest and the reindex of target.h. */
kin_status kin_remote_search(kin_target *target, const kin_search_request *request,
                             kin_search_answer *answer, kin_error *err);
kin_status kin_remote_ingest(kin_target *target, const char *const *paths, size_t path_count,
                             const kin_ingest_options *options, kin_ingest_summary *summary,
                             kin_error *err);
kin_status kin_remote_reindex(kin_target *target, const kin_reindex_options *options,
                              kin_reindexed *reindexed, kin_error *err);

#endif
