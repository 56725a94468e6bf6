/* The library for clients: every method, what it sends and what comes back. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "fake_service.h"
#include "temp_folder.h"
#include "write_file.h"

enum {
    OK = 0,
    CANCELLED = 1,
    NOT_FOUND = 5,
    RESOURCE_EXHAUSTED = 8,
    INTERNAL = 13,
    UNAVAILABLE = 14
};

typedef struct fixture {
    fake_service service;
    kin_client *client;
    char folder[PATH_MAX];
} fixture;

static int set_up(void **state)
{
    fixture *all = calloc(1, sizeof *all);
    kin_error err = {0};
    fake_service_start(&all->service);
    temp_folder_make(all->folder);
    if (kin_client_open(&(kin_client_options){.target = all->service.address, .timeout = 30},
                        &all->client, &err) != KIN_OK)
        fail_msg("%s", err.message);
    *state = all;
    return 0;
}

static int tear_down(void **state)
{
    fixture *all = *state;
    kin_client_close(all->client);
    fake_service_stop(&all->service);
    temp_folder_remove(all->folder);
    free(all);
    return 0;
}

/* --- opening --- */

static kin_status try_open(const kin_client_options *options, kin_error *err)
{
    kin_client *client = (kin_client *)1;
    kin_status status = kin_client_open(options, &client, err);
    if (status != KIN_OK)
        assert_null(client);
    else
        kin_client_close(client);
    return status;
}

static void files_are_read_when_it_opens(void **state)
{
    const fixture *all = *state;
    char path[PATH_MAX + 16], missing[PATH_MAX + 16];
    kin_error err = {0};
    snprintf(path, sizeof path, "%s/token", all->folder);
    snprintf(missing, sizeof missing, "%s/none", all->folder);
    write_file(path, "  \n", 3);
    kin_client_options options = {.target = "127.0.0.1:1", .token_file = path};
    assert_int_equal(try_open(&options, &err), KIN_E_FORMAT);
    assert_string_equal(err.subject, path);
    options.token_file = missing;
    assert_int_equal(try_open(&options, &err), KIN_E_NOT_FOUND);
    options = (kin_client_options){.target = "127.0.0.1:1", .tls_ca = missing};
    assert_int_equal(try_open(&options, &err), KIN_E_NOT_FOUND);
    options.tls_ca = path;
    assert_int_equal(try_open(&options, &err), KIN_E_FORMAT);
    options = (kin_client_options){.target = "127.0.0.1:1", .token = "a", .token_file = path};
    assert_int_equal(try_open(&options, &err), KIN_E_ARG);
    assert_int_equal(try_open(&(kin_client_options){0}, &err), KIN_E_ARG);
    assert_int_equal(try_open(&(kin_client_options){.target = "nowhere"}, &err), KIN_E_ARG);
    /* TLS is implied: a token for elsewhere is taken only then. */
    options = (kin_client_options){.target = "example.org:1", .token = "a"};
    assert_int_equal(try_open(&options, &err), KIN_E_ARG);
    options.tls_server_name = "other.example.org";
    assert_int_equal(try_open(&options, &err), KIN_OK);
}

static void calls_say_who_they_are(void **state)
{
    fixture *all = *state;
    char path[PATH_MAX + 16];
    bool serving;
    kin_client *client;
    assert_int_equal(kin_client_health(all->client, NULL, &serving, NULL, NULL), KIN_OK);
    assert_string_equal(all->service.token, "");
    assert_memory_equal(all->service.agent, "kindred-client/", strlen("kindred-client/"));
    snprintf(path, sizeof path, "%s/token", all->folder);
    write_file(path, "\n se-cr.et \r\n", 13);
    const kin_client_options options = {
        .target = all->service.address, .token_file = path, .user_agent = "viewer/2.0"};
    assert_int_equal(kin_client_open(&options, &client, NULL), KIN_OK);
    assert_int_equal(kin_client_health(client, NULL, &serving, NULL, NULL), KIN_OK);
    assert_string_equal(all->service.token, "Bearer se-cr.et");
    assert_memory_equal(all->service.agent, "viewer/2.0 ", strlen("viewer/2.0 "));
    kin_client_close(client);
    assert_string_not_equal(kin_client_version(), "");
}

/* --- calls --- */

static void searches_are_answered(void **state)
{
    const fixture *all = *state;
    Kindred__V1__SearchRequest request;
    Kindred__V1__SearchResponse *response;
    kin_error err = {0};
    int code = -1;
    kindred__v1__search_request__init(&request);
    request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_UID;
    request.uid = "1.2.840";
    request.k = 7;
    request.where = "modality = MR";
    request.exact = true;
    assert_int_equal(kin_client_search(all->client, &request, &response, &code, &err), KIN_OK);
    assert_int_equal(code, OK);
    assert_string_equal(response->query->name, "1.2.840");
    assert_true(response->complete);
    assert_int_equal(response->n_results, 1);
    assert_int_equal(response->results[0]->rank, 7);
    assert_string_equal(response->results[0]->image->sop_instance_uid, "1.2.3");
    assert_string_equal(response->results[0]->image->labels[0]->value, "modality = MR");
    assert_string_equal(response->results[0]->image->outcome, ""); /* never NULL */
    kin_client_free(response);
    request.uid = "missing";
    assert_int_equal(kin_client_search(all->client, &request, &response, &code, &err),
                     KIN_E_NOT_FOUND);
    assert_int_equal(code, NOT_FOUND);
    assert_string_equal(err.message, "missing: not stored");
    assert_null(response);
    kin_client_free(NULL);
}

static void images_are_got_and_changed(void **state)
{
    const fixture *all = *state;
    Kindred__V1__GetRequest get = KINDRED__V1__GET_REQUEST__INIT;
    Kindred__V1__GetResponse *got;
    get.uid = "1.2";
    get.limit = 7;
    get.include_embeddings = true;
    assert_int_equal(kin_client_get(all->client, &get, &got, NULL, NULL), KIN_OK);
    assert_int_equal(got->level, KINDRED__V1__LEVEL__LEVEL_STUDY);
    assert_true(got->truncated);
    assert_string_equal(got->model, "model");
    kin_client_free(got);

    Kindred__V1__ThumbnailRequest thumbnail = KINDRED__V1__THUMBNAIL_REQUEST__INIT;
    Kindred__V1__ThumbnailResponse *png;
    thumbnail.sop_instance_uid = "1.2";
    thumbnail.frame = 3;
    thumbnail.max_side = 64;
    assert_int_equal(kin_client_thumbnail(all->client, &thumbnail, &png, NULL, NULL), KIN_OK);
    assert_int_equal(png->png.len, 4);
    assert_memory_equal(png->png.data, "\x89PNG", 4);
    assert_int_equal(png->width, 3);
    assert_int_equal(png->height, 64);
    kin_client_free(png);

    Kindred__V1__DeleteRequest delete = KINDRED__V1__DELETE_REQUEST__INIT;
    Kindred__V1__DeleteResponse *deleted;
    delete.uid = "12345";
    assert_int_equal(kin_client_delete(all->client, &delete, &deleted, NULL, NULL), KIN_OK);
    assert_int_equal(deleted->images, 5);
    kin_client_free(deleted);

    Kindred__V1__SetOutcomeRequest outcome = KINDRED__V1__SET_OUTCOME_REQUEST__INIT;
    Kindred__V1__SetOutcomeResponse *set;
    outcome.uid = "1.2";
    outcome.outcome = "well";
    assert_int_equal(kin_client_set_outcome(all->client, &outcome, &set, NULL, NULL), KIN_OK);
    assert_int_equal(set->images, 3);
    assert_int_equal(set->changed, 4);
    kin_client_free(set);
}

static void the_archive_is_looked_after(void **state)
{
    const fixture *all = *state;
    char *names[] = {"modality", "diagnosis"};
    Kindred__V1__StatsRequest stats = KINDRED__V1__STATS_REQUEST__INIT;
    Kindred__V1__StatsResponse *numbers;
    stats.values_of = names;
    stats.n_values_of = 2;
    assert_int_equal(kin_client_stats(all->client, &stats, &numbers, NULL, NULL), KIN_OK);
    assert_true(numbers->images == UINT64_MAX);
    assert_int_equal(numbers->rows, 2);
    assert_string_equal(numbers->archive, "modality");
    kin_client_free(numbers);

    Kindred__V1__BackupRequest backup = KINDRED__V1__BACKUP_REQUEST__INIT;
    Kindred__V1__BackupResponse *copy;
    backup.name = "tuesday";
    assert_int_equal(kin_client_backup(all->client, &backup, &copy, NULL, NULL), KIN_OK);
    assert_int_equal(copy->bytes, 7);
    kin_client_free(copy);

    bool serving;
    int code;
    assert_int_equal(kin_client_health(all->client, NULL, &serving, NULL, NULL), KIN_OK);
    assert_true(serving);
    assert_int_equal(
        kin_client_health(all->client, "kindred.v1.KindredService", &serving, NULL, NULL), KIN_OK);
    assert_true(serving);
    assert_int_equal(kin_client_health(all->client, "stopped", &serving, NULL, NULL), KIN_OK);
    assert_false(serving);
    serving = true;
    assert_int_equal(kin_client_health(all->client, "other", &serving, &code, NULL),
                     KIN_E_NOT_FOUND);
    assert_int_equal(code, NOT_FOUND);
    assert_false(serving);
}

/* --- reindex --- */

typedef struct steps {
    unsigned told, idle, foretold;
    double sum;
    bool stop_when_idle;
} steps;

static void take_forecast(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    steps *all = ctx;
    assert_string_equal(index_kind, "hnsw");
    assert_int_equal(peak_bytes, (uint64_t)5 << 30);
    assert_int_equal(all->told, 1); /* in its place between the steps */
    all->foretold++;
}

static int count_steps(void *ctx, const char *stage, double done)
{
    steps *all = ctx;
    if (stage == NULL)
        return ++all->idle && all->stop_when_idle;
    assert_string_equal(stage, "learn");
    all->told++;
    all->sum += done;
    return 0;
}

static int stop_at_once(void *ctx, const char *stage, double done)
{
    (void)stage, (void)done;
    ++*(unsigned *)ctx;
    return 1;
}

static void foretell_nothing(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    (void)ctx, (void)index_kind, (void)peak_bytes;
    fail_msg("a caller who has stopped is told nothing more");
}

static void a_reindex_is_followed_to_its_report(void **state)
{
    const fixture *all = *state;
    Kindred__V1__ReindexRequest request = KINDRED__V1__REINDEX_REQUEST__INIT;
    Kindred__V1__ReindexReport *report;
    kin_error err = {0};
    steps seen = {0};
    kin_client_watch watch = {.progress = count_steps, .forecast = take_forecast, .ctx = &seen};
    int code = -1;
    request.index_kind = "flat";
    assert_int_equal(kin_client_reindex(all->client, &request, &watch, &report, &code, &err),
                     KIN_OK);
    assert_int_equal(code, OK);
    assert_int_equal(seen.told, 3);
    assert_int_equal(seen.foretold, 1);
    assert_true(seen.sum == 1.5);
    assert_int_equal(report->images, 42);
    assert_string_equal(report->model, "0123456789abcdef");
    assert_true(report->learnt && !report->extended);
    assert_true(report->drift->judged && report->drift->new_error == 0.25);
    assert_int_equal(report->n_tunings, 2);
    assert_true(report->tunings[0]->target == 0.9 && report->tunings[1]->target == 0.99);
    assert_int_equal(report->peak_bytes, 1 << 30);
    kin_client_free(report);
    /* Each of the two may be left out, and both. */
    seen = (steps){0};
    watch.forecast = NULL;
    assert_int_equal(kin_client_reindex(all->client, &request, &watch, &report, NULL, NULL),
                     KIN_OK);
    assert_int_equal(seen.told, 3);
    kin_client_free(report);
    seen = (steps){.told = 1};
    watch = (kin_client_watch){.forecast = take_forecast, .ctx = &seen};
    assert_int_equal(kin_client_reindex(all->client, &request, &watch, &report, NULL, NULL),
                     KIN_OK);
    assert_int_equal(seen.foretold, 1);
    kin_client_free(report);
    assert_int_equal(kin_client_reindex(all->client, &request, NULL, &report, NULL, NULL), KIN_OK);
    kin_client_free(report);
}

static void a_reindex_without_a_report_has_failed(void **state)
{
    const fixture *all = *state;
    Kindred__V1__ReindexRequest request = KINDRED__V1__REINDEX_REQUEST__INIT;
    Kindred__V1__ReindexReport *report;
    kin_error err = {0};
    int code;
    request.index_kind = "none";
    assert_int_equal(kin_client_reindex(all->client, &request, NULL, &report, &code, &err),
                     KIN_E_INTERNAL);
    assert_int_equal(code, INTERNAL);
    assert_null(report);
    /* The status comes last and decides. */
    request.index_kind = "late";
    assert_int_not_equal(kin_client_reindex(all->client, &request, NULL, &report, &code, &err),
                         KIN_OK);
    assert_int_equal(code, UNAVAILABLE);
    assert_string_equal(err.message, "no audit trail");
    assert_null(report);
}

static void a_reindex_is_cancelled(void **state)
{
    fixture *all = *state;
    Kindred__V1__ReindexRequest request = KINDRED__V1__REINDEX_REQUEST__INIT;
    Kindred__V1__ReindexReport *report;
    kin_error err = {0};
    steps seen = {.stop_when_idle = true};
    kin_client_watch watch = {.progress = count_steps, .ctx = &seen};
    unsigned told = 0;
    int code;
    request.index_kind = "endless"; /* it says nothing: the caller is asked all the same */
    assert_int_equal(kin_client_reindex(all->client, &request, &watch, &report, &code, &err),
                     KIN_E_CANCELLED);
    assert_int_equal(code, CANCELLED);
    assert_int_equal(seen.told, 0);
    assert_int_equal(seen.idle, 1);
    assert_null(report);
    /* The server hears of it. */
    for (int i = 0; i < 1000 && atomic_load(&all->service.cancelled) == 0; i++)
        usleep(10 * 1000);
    assert_int_equal(atomic_load(&all->service.cancelled), 1);
    request.index_kind = "flat"; /* once is enough: nothing more is told */
    watch = (kin_client_watch){stop_at_once, foretell_nothing, &told};
    assert_int_equal(kin_client_reindex(all->client, &request, &watch, &report, &code, &err),
                     KIN_E_CANCELLED);
    assert_int_equal(told, 1);
}

/* --- streams --- */

static void searches_stream(void **state)
{
    const fixture *all = *state;
    enum { COUNT = 20 };
    kin_client_searches *searches;
    Kindred__V1__SearchRequest request;
    Kindred__V1__SearchManyResponse *response;
    kin_error err = {0};
    int code;
    assert_int_equal(kin_client_searches_open(all->client, &searches, &err), KIN_OK);
    kindred__v1__search_request__init(&request);
    request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_UID;
    for (uint64_t tag = 0; tag < COUNT; tag++) {
        request.uid = tag % 5 == 4 ? "missing" : "1.2";
        request.k = (uint32_t)tag;
        assert_int_equal(kin_client_searches_send(searches, tag << 40, &request, &err), KIN_OK);
    }
    assert_int_equal(kin_client_searches_finish(searches, &err), KIN_OK);
    for (uint64_t tag = 0; tag < COUNT; tag++) {
        assert_int_equal(kin_client_searches_receive(searches, &response, &code, &err), KIN_OK);
        assert_non_null(response);
        assert_true(response->tag == tag << 40);
        if (tag % 5 == 4) {
            assert_int_equal(response->outcome_case,
                             KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_ERROR);
            assert_int_equal(response->error->code, NOT_FOUND);
        } else {
            assert_int_equal(response->outcome_case,
                             KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_RESPONSE);
            assert_int_equal(response->response->results[0]->rank, tag);
        }
        kin_client_free(response);
    }
    assert_int_equal(kin_client_searches_receive(searches, &response, &code, &err), KIN_OK);
    assert_null(response);
    kin_client_searches_close(searches);
    /* One that is left in the middle leaves nothing behind. */
    assert_int_equal(kin_client_searches_open(all->client, &searches, &err), KIN_OK);
    assert_int_equal(kin_client_searches_send(searches, 1, &request, &err), KIN_OK);
    kin_client_searches_close(searches);
    kin_client_searches_close(NULL);
}

/* Bytes that are others at each place. */
static char *make_bytes(size_t size)
{
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251 + i / 65521);
    return bytes;
}

static void assert_bytes(const Kindred__V1__IngestedFile *file, const char *bytes, size_t size)
{
    char digest[FAKE_DIGEST_SIZE];
    snprintf(digest, sizeof digest, "%016" PRIx64, fake_digest(FAKE_DIGEST_BEGIN, bytes, size));
    assert_int_equal(file->images, size);
    assert_string_equal(file->sop_instance_uid, digest);
}

static int open_file(const fixture *all, const char *name, size_t size, char path[PATH_MAX + 64])
{
    char *bytes = make_bytes(size);
    snprintf(path, PATH_MAX + 64, "%s/%s", all->folder, name);
    write_file(path, bytes, size);
    free(bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void files_stream_and_have_a_receipt(void **state)
{
    const fixture *all = *state;
    enum { LARGE = 3000001 };
    char path[PATH_MAX + 64];
    char *bytes = make_bytes(LARGE + 1);
    kin_client_ingest *ingest;
    Kindred__V1__IngestResponse *receipt;
    Kindred__V1__Label modality = KINDRED__V1__LABEL__INIT, *fields[] = {&modality};
    kin_error err = {0};
    int code;
    modality.name = "modality";
    modality.value = "MR";
    assert_int_equal(kin_client_ingest_open(all->client, NULL, NULL, &ingest, &err), KIN_OK);
    int fd = open_file(all, "large", LARGE, path);
    assert_int_equal(kin_client_ingest_file(ingest, path, fd, fields, 1, &err), KIN_OK);
    /* From where it stands. */
    assert_true(lseek(fd, LARGE - 10, SEEK_SET) >= 0);
    assert_int_equal(kin_client_ingest_file(ingest, "end", fd, NULL, 0, &err), KIN_OK);
    close(fd);
    fd = open_file(all, "empty", 0, path);
    assert_int_equal(kin_client_ingest_file(ingest, "empty", fd, NULL, 0, &err), KIN_OK);
    close(fd);
    /* By hand: chunks of any size, a name that is no UTF-8, a size that is not kept. */
    assert_int_equal(kin_client_ingest_file_begin(ingest, "hand\xFF", LARGE + 1, NULL, 0, &err),
                     KIN_OK);
    assert_int_equal(kin_client_ingest_file_chunk(ingest, bytes, LARGE, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_file_chunk(ingest, bytes, 0, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_file_chunk(ingest, bytes + LARGE, 1, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_file_begin(ingest, "short", 5, NULL, 0, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_file_chunk(ingest, bytes, 4, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_finish(ingest, &receipt, &code, &err), KIN_OK);
    assert_int_equal(code, OK);
    static const struct {
        const char *name;
        size_t from, size; /* in bytes */
        const char *fields;
        bool stored;
    } wanted[] = {{NULL, 0, LARGE, "modality=MR;", true},
                  {"end", LARGE - 10, 10, "", true},
                  {"empty", 0, 0, "", true},
                  {"hand\xEF\xBF\xBD", 0, LARGE + 1, "", true},
                  {"short", 0, 4, "", false}};
    assert_int_equal(receipt->n_files, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < receipt->n_files; i++) {
        if (wanted[i].name != NULL)
            assert_string_equal(receipt->files[i]->name, wanted[i].name);
        assert_bytes(receipt->files[i], bytes + wanted[i].from, wanted[i].size);
        assert_string_equal(receipt->files[i]->reason, wanted[i].fields);
        assert_int_equal(receipt->files[i]->outcome ==
                             KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_STORED,
                         wanted[i].stored);
    }
    kin_client_free(receipt);
    kin_client_ingest_close(ingest);
    free(bytes);
}

static void what_cannot_be_read_is_told(void **state)
{
    const fixture *all = *state;
    kin_client_ingest *ingest;
    Kindred__V1__IngestResponse *receipt;
    kin_error err = {0};
    char path[PATH_MAX + 64];
    int code, folder = open(all->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(kin_client_ingest_open(all->client, NULL, NULL, &ingest, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_file(ingest, "folder", folder, NULL, 0, &err), KIN_E_ARG);
    close(folder);
    assert_int_equal(kin_client_ingest_file(ingest, "closed", -1, NULL, 0, &err), KIN_E_IO);
    /* A file that may be written only: its size was told, so the server sees that nothing came. */
    close(open_file(all, "file", 100, path));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(kin_client_ingest_file(ingest, "unreadable", fd, NULL, 0, &err), KIN_E_IO);
    close(fd);
    assert_int_equal(kin_client_ingest_finish(ingest, &receipt, &code, &err), KIN_OK);
    assert_int_equal(receipt->n_files, 1);
    assert_int_equal(receipt->files[0]->outcome,
                     KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_FAILED);
    kin_client_free(receipt);
    kin_client_ingest_close(ingest);
    /* A pipe tells no size: half of what it would have given must not be taken for all. */
    int ends[2];
    assert_int_equal(kin_client_ingest_open(all->client, NULL, NULL, &ingest, &err), KIN_OK);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(kin_client_ingest_file(ingest, "pipe", ends[1], NULL, 0, &err), KIN_E_IO);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(kin_client_ingest_finish(ingest, &receipt, &code, &err), KIN_E_CANCELLED);
    assert_int_equal(code, CANCELLED);
    assert_null(receipt);
    kin_client_ingest_close(ingest);
    kin_client_ingest_close(NULL);
}

static void a_refused_stream_says_why_at_its_end(void **state)
{
    const fixture *all = *state;
    kin_client_ingest *ingest;
    Kindred__V1__IngestResponse *receipt;
    kin_error err = {0};
    kin_status status;
    int code;
    assert_int_equal(kin_client_ingest_open(all->client, NULL, NULL, &ingest, &err), KIN_OK);
    do
        status = kin_client_ingest_file_begin(ingest, "refuse", 0, NULL, 0, &err);
    while (status == KIN_OK);
    assert_int_equal(status, KIN_E_CANCELLED);
    assert_int_not_equal(kin_client_ingest_finish(ingest, &receipt, &code, &err), KIN_OK);
    assert_int_equal(code, RESOURCE_EXHAUSTED);
    assert_string_equal(err.message, "the disk is full");
    assert_null(receipt);
    kin_client_ingest_close(ingest);
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    fake_service gone;
    kin_client *client;
    kin_client_ingest *ingest;
    Kindred__V1__IngestResponse *receipt;
    bool serving;
    kin_error err = {0};
    int code;
    fake_service_start(&gone); /* to learn of a free port */
    fake_service_stop(&gone);
    assert_int_equal(kin_client_open(&(kin_client_options){.target = gone.address}, &client, &err),
                     KIN_OK);
    assert_int_equal(kin_client_health(client, NULL, &serving, &code, &err), KIN_E_IO);
    assert_int_equal(code, UNAVAILABLE);
    assert_int_equal(kin_client_ingest_open(client, NULL, NULL, &ingest, &err), KIN_OK);
    assert_int_equal(kin_client_ingest_finish(ingest, &receipt, &code, &err), KIN_E_IO);
    assert_int_equal(code, UNAVAILABLE);
    kin_client_ingest_close(ingest);
    kin_client_close(client);
    kin_client_close(NULL);
}

int main(void)
{
    setenv("GRPC_VERBOSITY", "NONE", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_when_it_opens),
        cmocka_unit_test(calls_say_who_they_are),
        cmocka_unit_test(searches_are_answered),
        cmocka_unit_test(images_are_got_and_changed),
        cmocka_unit_test(the_archive_is_looked_after),
        cmocka_unit_test(a_reindex_is_followed_to_its_report),
        cmocka_unit_test(a_reindex_without_a_report_has_failed),
        cmocka_unit_test(a_reindex_is_cancelled),
        cmocka_unit_test(searches_stream),
        cmocka_unit_test(files_stream_and_have_a_receipt),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(a_refused_stream_says_why_at_its_end),
        cmocka_unit_test(nobody_there_is_unavailable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
