/* target_local.c - an archive in a folder of this machine. */
#include <stdlib.h>

#include "explain_image.h"
#include "target.h"

struct local {
    kin_target target;
    kin_archive *archive;
};

static kin_archive *archive_of(kin_target *target)
{
    return ((struct local *)target)->archive;
}

/* Describes the query's file, by a decoder of its own. */
static kin_status query_from_file(kin_archive *archive, const kin_search_request *request,
                                  kin_query *query, kin_error *err)
{
    kin_query_regions regions = {0};
    kin_decoder *decoder = NULL;
    kin_status status =
        kin_decoder_new(request->worker, kin_archive_features_borrow(archive), NULL, &decoder, err);
    if (status == KIN_OK)
        status =
            kin_query_regions_read(decoder, request->parts, request->part_count, &regions, err);
    if (status == KIN_OK)
        status = kin_query_from_file(archive, decoder, request->file, request->frame, &regions,
                                     query, err);
    kin_query_regions_release(&regions);
    kin_decoder_free(decoder);
    return status;
}

static kin_status set_from_file(kin_archive *archive, const kin_search_request *request,
                                kin_query_set *set, kin_error *err)
{
    kin_decoder *decoder = NULL;
    kin_status status =
        kin_decoder_new(request->worker, kin_archive_features_borrow(archive), NULL, &decoder, err);
    if (status == KIN_OK)
        status = kin_query_set_from_file(archive, decoder, request->file, set, err);
    kin_decoder_free(decoder);
    return status;
}

/* Several images as one query; the answer's query has their names. */
static kin_status search_set(kin_archive *archive, const kin_search_request *request,
                             kin_search_answer *answer, kin_error *err)
{
    kin_query_set set = {0};
    kin_status status = request->file != NULL
                            ? set_from_file(archive, request, &set, err)
                            : kin_query_set_from_uid(archive, request->uid, &set, err);
    answer->query_failed = status != KIN_OK;
    if (status == KIN_OK)
        status = kin_archive_search_set(archive, &set, request->rule, &request->options,
                                        &answer->results, err);
    answer->query =
        (kin_query){.name = set.name, .patient_id = set.patient_id, .self = KIN_QUERY_NOT_STORED};
    set.name = set.patient_id = NULL;
    kin_query_set_release(&set);
    return status;
}

static kin_status search(kin_target *target, const kin_search_request *request,
                         kin_search_answer *answer, kin_error *err)
{
    kin_archive *archive = archive_of(target);
    /* A failure of this shows in the search itself. */
    if (request->options.where != NULL)
        kin_archive_unknown_names(archive, request->options.where, answer->unknown_names,
                                  sizeof answer->unknown_names, NULL);
    if (request->set)
        return search_set(archive, request, answer, err);
    kin_status status = request->file != NULL
                            ? query_from_file(archive, request, &answer->query, err)
                            : kin_query_from_uid(archive, request->uid, request->frame,
                                                 request->stored_region, &answer->query, err);
    if (status != KIN_OK) {
        answer->query_failed = true;
        return status;
    }
    status = kin_archive_search(archive, &answer->query, &request->options, &answer->results, err);
    if (status == KIN_E_ARG && request->options.way != NULL)
        kin_error_name(err, "--way");
    return status;
}

static kin_status find(kin_target *target, const char *uid, size_t max, kin_record **records,
                       size_t *count, kin_level *level, bool *more, kin_error *err)
{
    /* One more than wanted tells whether there are more. */
    kin_status status =
        kin_archive_find(archive_of(target), uid, max + 1, records, count, level, err);
    *more = status == KIN_OK && *count > max;
    if (*more)
        kin_record_release(&(*records)[--*count]);
    return status;
}

static kin_status remove_images(kin_target *target, const char *uid, uint64_t *removed,
                                uint64_t *regions, kin_error *err)
{
    return kin_archive_delete(archive_of(target), uid, removed, regions, err);
}

static kin_status stats(kin_target *target, kin_archive_stats *out, kin_error *err)
{
    return kin_archive_stats_read(archive_of(target), out, err);
}

static kin_status each_value(kin_target *target, const char *name,
                             int (*visit)(void *ctx, const char *value, uint64_t images), void *ctx,
                             kin_error *err)
{
    return kin_archive_each_value(archive_of(target), name, visit, ctx, err);
}

static kin_status ingest(kin_target *target, const char *const *paths, size_t path_count,
                         const kin_ingest_options *options, kin_ingest_summary *summary,
                         kin_error *err)
{
    return kin_ingest(archive_of(target), paths, path_count, options, summary, err);
}

static kin_status reindex(kin_target *target, const kin_reindex_options *options,
                          kin_reindexed *reindexed, kin_error *err)
{
    return kin_archive_reindex(archive_of(target), options, &reindexed->report, err);
}

static kin_status explain(kin_target *target, const kin_search_request *request,
                          const kin_search_answer *answer, kin_explanation *out, kin_error *err)
{
    return kin_explain_image_local(archive_of(target), request, answer, out, err);
}

static void close_local(kin_target *target)
{
    kin_archive_close(archive_of(target));
    free(target);
}

static const kin_target_ops ops = {.search = search,
                                   .find = find,
                                   .remove = remove_images,
                                   .stats = stats,
                                   .each_value = each_value,
                                   .ingest = ingest,
                                   .reindex = reindex,
                                   .explain = explain,
                                   .close = close_local};

int kin_target_open_local(const kin_cli *cli, bool make, kin_target **out)
{
    kin_error err = {0};
    *out = NULL;
    struct local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return kin_cli_no_memory();
    local->target = (kin_target){.ops = &ops, .name = cli->archive, .archive = cli->archive};
    const kin_fs *fs = kin_fs_posix();
    kin_status status =
        make ? kin_archive_open_or_make(fs, cli->archive, &local->archive, NULL, &err)
             : kin_archive_open(fs, cli->archive, &local->archive, &err);
    if (status == KIN_OK) {
        *out = &local->target;
        return KIN_EXIT_DONE;
    }
    free(local);
    kin_error_name(&err, cli->archive);
    kin_cli_error(&err);
    return KIN_EXIT_ARCHIVE;
}
