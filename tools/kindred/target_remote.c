/* target_remote.c - a server's archive, by the library for clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "remote_records.h"

enum { CALL_SECONDS = 600 /* the server's own bound is shorter, unless it hangs */ };

bool kin_remote_cut_subject(char *text, const char *subject)
{
    size_t length = strlen(subject);
    if (length == 0 || strncmp(text, subject, length) != 0 || strncmp(text + length, ": ", 2) != 0)
        return false;
    memmove(text, text + length + 2, strlen(text + length + 2) + 1);
    return true;
}

kin_status kin_remote_fail(const kin_remote *remote, kin_status status, const char *subject,
                           kin_error *err)
{
    bool named = subject != NULL && kin_remote_cut_subject(err->message, subject);
    if (err->subject[0] == '\0')
        kin_error_name(err, named ? subject : remote->target.name);
    return status;
}

static kin_status find(kin_target *target, const char *uid, size_t max, kin_record **records,
                       size_t *count, kin_level *level, bool *more, kin_error *err)
{
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__GetRequest request = KINDRED__V1__GET_REQUEST__INIT;
    Kindred__V1__GetResponse *response;
    request.uid = (char *)uid;
    request.limit = (uint32_t)max;
    *records = NULL;
    *count = 0;
    kin_status status = kin_client_get(remote->client, &request, &response, NULL, err);
    if (status != KIN_OK)
        return kin_remote_fail(remote, status, uid, err);
    *level = kin_remote_level(response->level);
    *more = response->truncated;
    *records = calloc(response->n_images > 0 ? response->n_images : 1, sizeof **records);
    if (*records == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", response->n_images);
    while (status == KIN_OK && *count < response->n_images) {
        status = kin_remote_record(response->images[*count], &(*records)[*count], err);
        if (status == KIN_OK)
            ++*count;
    }
    kin_client_free(response);
    return status;
}

static kin_status remove_images(kin_target *target, const char *uid, uint64_t *removed,
                                uint64_t *regions, kin_error *err)
{
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__DeleteRequest request = KINDRED__V1__DELETE_REQUEST__INIT;
    Kindred__V1__DeleteResponse *response;
    request.uid = (char *)uid;
    kin_status status = kin_client_delete(remote->client, &request, &response, NULL, err);
    if (status != KIN_OK)
        return kin_remote_fail(remote, status, uid, err);
    *removed = response->images;
    *regions = response->regions;
    kin_client_free(response);
    return KIN_OK;
}

static kin_status stats(kin_target *target, kin_archive_stats *out, kin_error *err)
{
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__StatsRequest request = KINDRED__V1__STATS_REQUEST__INIT;
    Kindred__V1__StatsResponse *response;
    kin_status status = kin_client_stats(remote->client, &request, &response, NULL, err);
    if (status != KIN_OK)
        return kin_remote_fail(remote, status, NULL, err);
    kin_remote_stats(response, out);
    status = kin_record_set(&remote->archive, response->archive, err);
    if (status == KIN_OK)
        target->archive = remote->archive;
    kin_client_free(response);
    return status;
}

static kin_status each_value(kin_target *target, const char *name,
                             int (*visit)(void *ctx, const char *value, uint64_t images), void *ctx,
                             kin_error *err)
{
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__StatsRequest request = KINDRED__V1__STATS_REQUEST__INIT;
    Kindred__V1__StatsResponse *response;
    char *names[] = {(char *)name};
    request.n_values_of = 1;
    request.values_of = names;
    kin_status status = kin_client_stats(remote->client, &request, &response, NULL, err);
    if (status != KIN_OK)
        return kin_remote_fail(remote, status, NULL, err);
    const Kindred__V1__ValueCounts *counts = response->n_values > 0 ? response->values[0] : NULL;
    for (size_t i = 0; counts != NULL && i < counts->n_values; i++)
        if (visit(ctx, counts->values[i]->value, counts->values[i]->images) != 0)
            break;
    if (counts != NULL && counts->truncated)
        kin_cli_message(name, "the server names the first %zu values only", counts->n_values);
    kin_client_free(response);
    return KIN_OK;
}

static void close_remote(kin_target *target)
{
    kin_remote *remote = (kin_remote *)target;
    kin_client_close(remote->client);
    free(remote->archive);
    free(remote);
}

static const kin_target_ops ops = {.search = kin_remote_search,
                                   .find = find,
                                   .remove = remove_images,
                                   .stats = stats,
                                   .each_value = each_value,
                                   .ingest = kin_remote_ingest,
                                   .reindex = kin_remote_reindex,
                                   .close = close_remote};

int kin_target_open_remote(const kin_cli *cli, kin_target **out)
{
    const kin_client_options options = {.target = cli->remote,
                                        .tls = cli->tls,
                                        .tls_ca = cli->tls_ca,
                                        .tls_certificate = cli->tls_certificate,
                                        .tls_key = cli->tls_key,
                                        .token_file = cli->token_file,
                                        .timeout = CALL_SECONDS,
                                        .user_agent = "kindred/" KINDRED_VERSION};
    kin_error err = {0};
    *out = NULL;
    kin_remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL)
        return kin_cli_no_memory();
    remote->target =
        (kin_target){.ops = &ops, .name = cli->remote, .archive = cli->remote, .is_remote = true};
    setenv("GRPC_VERBOSITY", "NONE", 0); /* what it complains of comes back as errors */
    if (kin_client_open(&options, &remote->client, &err) != KIN_OK) {
        free(remote);
        kin_error_name(&err, cli->remote);
        kin_cli_error(&err);
        return KIN_EXIT_USAGE; /* an option, or the file that one names */
    }
    *out = &remote->target;
    return KIN_EXIT_DONE;
}
