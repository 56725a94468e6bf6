#include "explain_image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/explain.h"
#include "base/fs.h"
#include "image/write.h"

enum { RECORDS_MAX = 1000000 };

/* The row that was asked with, among those that uid names. */
static kin_status explain_asked_row(kin_archive *archive, kin_decoder *decoder, const char *uid,
                                    uint64_t id, kin_explained *out, kin_error *err)
{
    kin_record *records = NULL;
    size_t count = 0, at = 0;
    kin_level level;
    kin_status status = kin_archive_find(archive, uid, RECORDS_MAX, &records, &count, &level, err);
    while (status == KIN_OK && at < count && records[at].id != id)
        at++;
    if (status == KIN_OK && at == count)
        status = kin_fail(err, KIN_E_NOT_FOUND, uid, "the image is gone");
    if (status == KIN_OK)
        status = kin_explain_stored(archive, decoder, &records[at], out, err);
    kin_records_free(records, count);
    return status;
}

/* The query, as it was asked. */
static kin_status explain_query(kin_archive *archive, kin_decoder *decoder,
                                const kin_search_request *request, const kin_query *query,
                                kin_explained *out, kin_error *err)
{
    kin_query_regions regions = {0};
    if (request->file == NULL)
        return explain_asked_row(archive, decoder, request->uid, query->self, out, err);
    kin_status status =
        kin_query_regions_read(decoder, request->parts, request->part_count, &regions, err);
    if (status == KIN_OK)
        status = kin_explain_file(archive, decoder, request->file, request->frame, regions.list,
                                  regions.count, out, err);
    kin_query_regions_release(&regions);
    return status;
}

/* The best results; what cannot be shown is counted. */
static kin_status explain_results(kin_archive *archive, kin_decoder *decoder,
                                  const kin_results *results, kin_explained *list,
                                  kin_explanation *out, kin_error *err)
{
    for (size_t i = 0; i < results->count && i < KIN_EXPLAIN_RESULTS_MAX; i++) {
        kin_status status =
            kin_explain_stored(archive, decoder, &results->items[i].record, &list[out->rows], err);
        if (status == KIN_E_NOT_FOUND) {
            out->missing++;
            continue;
        }
        if (status != KIN_OK)
            return status;
        out->previews += list[out->rows++].from_preview;
    }
    kin_error_clear(err);
    return KIN_OK;
}

kin_status kin_explain_image_local(kin_archive *archive, const kin_search_request *request,
                                   const kin_search_answer *answer, kin_explanation *out,
                                   kin_error *err)
{
    kin_explained query = {0}, results[KIN_EXPLAIN_RESULTS_MAX] = {0};
    kin_decoder *decoder = NULL;
    memset(out, 0, sizeof *out);
    kin_status status =
        kin_decoder_new(request->worker, kin_archive_features_borrow(archive), NULL, &decoder, err);
    if (status == KIN_OK)
        status = explain_query(archive, decoder, request, &answer->query, &query, err);
    if (status == KIN_OK)
        status = explain_results(archive, decoder, &answer->results, results, out, err);
    if (status == KIN_OK && out->rows > 0)
        status = kin_explain_draw(&query, results, out->rows, &out->picture, err);
    for (size_t i = 0; i < KIN_EXPLAIN_RESULTS_MAX; i++)
        kin_explained_release(&results[i]);
    kin_explained_release(&query);
    kin_decoder_free(decoder);
    return status;
}

static kin_status write_png(const kin_raster *picture, const char *path, kin_error *err)
{
    void *png = NULL;
    size_t size = 0;
    kin_status status = kin_image_encode_png(picture, &png, &size, err);
    if (status == KIN_OK)
        status = kin_fs_replace(kin_fs_posix(), path, png, size, err);
    free(png);
    return status;
}

/* What the picture lacks, for people. */
static int report(const kin_explanation *explanation, const char *path)
{
    if (explanation->previews > 0)
        kin_cli_message(path,
                        "%zu of %zu results are shown by their previews: their files are "
                        "gone or have changed",
                        explanation->previews, explanation->rows);
    if (explanation->missing > 0)
        kin_cli_message(path, "%zu results are left out: they have neither file nor preview",
                        explanation->missing);
    return explanation->missing > 0 ? KIN_EXIT_FAILED : KIN_EXIT_DONE;
}

int kin_explain_image(kin_target *target, const kin_search_request *request,
                      const kin_search_answer *answer, const char *path)
{
    kin_explanation explanation;
    kin_error err = {0};
    if (answer->results.count == 0) {
        kin_cli_message(path, "there is no result to draw");
        return KIN_EXIT_DONE;
    }
    kin_status status = target->ops->explain(target, request, answer, &explanation, &err);
    if (status == KIN_OK && explanation.rows > 0)
        status = write_png(&explanation.picture, path, &err);
    kin_raster_release(&explanation.picture);
    if (status == KIN_OK)
        return report(&explanation, path);
    kin_error_name(&err, path);
    kin_cli_error(&err);
    return KIN_EXIT_FAILED;
}
