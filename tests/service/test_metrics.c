/* Metrics: the page is read back strictly, by the rules of Prometheus' text format 0.0.4, and says
 * what was counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/ingest.h"
#include "service/metrics.h"

/* --- reading a page --- */

enum { FAMILIES_MAX = 64, SAMPLES_MAX = 2048, LABELS_MAX = 4 };

struct label {
    char name[64], value[128];
};

struct sample {
    char name[128];
    struct label labels[LABELS_MAX];
    size_t label_count;
    double value;
};

struct family {
    char name[128], type[16];
};

struct page {
    struct family families[FAMILIES_MAX];
    struct sample samples[SAMPLES_MAX];
    size_t family_count, sample_count;
};

static bool is_name(const char *text, size_t size, bool colon)
{
    if (size == 0 || isdigit((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && !(colon && text[i] == ':'))
            return false;
    return true;
}

static void copy(char *out, size_t room, const char *from, size_t size)
{
    assert_true(size < room);
    memcpy(out, from, size);
    out[size] = '\0';
}

/* Value of a label behind its opening quote; returns what follows the closing one. */
static const char *read_value(const char *at, char *out, size_t room)
{
    size_t used = 0;
    for (; *at != '"'; at++) {
        assert_true(*at != '\0' && *at != '\n' && used + 1 < room);
        if (*at != '\\') {
            out[used++] = *at;
            continue;
        }
        at++;
        assert_true(*at == '\\' || *at == '"' || *at == 'n');
        out[used++] = *at == 'n' ? '\n' : *at;
    }
    out[used] = '\0';
    return at + 1;
}

static const char *read_labels(const char *at, struct sample *sample)
{
    if (*at != '{')
        return at;
    do {
        const char *name = ++at, *equals = strchr(at, '=');
        assert_non_null(equals);
        assert_true(sample->label_count < LABELS_MAX);
        assert_true(is_name(name, (size_t)(equals - name), false));
        struct label *label = &sample->labels[sample->label_count++];
        copy(label->name, sizeof label->name, name, (size_t)(equals - name));
        assert_int_equal(equals[1], '"');
        at = read_value(equals + 2, label->value, sizeof label->value);
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static const char *read_sample(const char *at, struct sample *sample)
{
    const char *number;
    char *end;
    size_t length = strcspn(at, "{ \n");
    assert_true(is_name(at, length, true));
    *sample = (struct sample){0};
    copy(sample->name, sizeof sample->name, at, length);
    at = number = read_labels(at + length, sample);
    assert_int_equal(*at, ' ');
    number = at + 1;
    assert_true(isdigit((unsigned char)*number)); /* no count of ours is negative or NaN */
    sample->value = strtod(number, &end);
    assert_int_equal(*end, '\n');
    return end + 1;
}

/* A family's header of two lines, HELP and TYPE. */
static const char *read_family(const char *at, struct family *family)
{
    static const char help[] = "# HELP ", type[] = "# TYPE ";
    assert_memory_equal(at, help, sizeof help - 1);
    at += sizeof help - 1;
    size_t length = strcspn(at, " \n");
    assert_true(is_name(at, length, true));
    copy(family->name, sizeof family->name, at, length);
    assert_int_equal(at[length], ' ');
    assert_true(strcspn(at + length + 1, "\n") > 10); /* says something */
    at = strchr(at, '\n') + 1;
    assert_memory_equal(at, type, sizeof type - 1);
    at += sizeof type - 1;
    assert_memory_equal(at, family->name, length);
    assert_int_equal(at[length], ' ');
    at += length + 1;
    length = strcspn(at, "\n");
    copy(family->type, sizeof family->type, at, length);
    assert_true(strcmp(family->type, "counter") == 0 || strcmp(family->type, "gauge") == 0 ||
                strcmp(family->type, "histogram") == 0);
    return at + length + 1;
}

/* A sample stands below its own family's header. */
static void check_belongs(const struct family *family, const struct sample *sample)
{
    size_t length = strlen(family->name);
    const char *rest = sample->name + length;
    assert_memory_equal(sample->name, family->name, length);
    if (strcmp(family->type, "histogram") == 0)
        assert_true(strcmp(rest, "_bucket") == 0 || strcmp(rest, "_sum") == 0 ||
                    strcmp(rest, "_count") == 0);
    else
        assert_string_equal(rest, "");
    if (strcmp(family->type, "counter") == 0)
        assert_string_equal(family->name + length - 6, "_total");
}

static bool same_labels(const struct sample *a, const struct sample *b)
{
    if (a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i].name, b->labels[i].name) != 0 ||
            strcmp(a->labels[i].value, b->labels[i].value) != 0)
            return false;
    return true;
}

static void check_no_duplicates(const struct page *page)
{
    for (size_t i = 0; i < page->family_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(page->families[i].name, page->families[j].name);
    for (size_t i = 0; i < page->sample_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(page->samples[i].name, page->samples[j].name) == 0 &&
                         same_labels(&page->samples[i], &page->samples[j]));
}

static struct page *read_text(const char *text)
{
    static struct page page;
    page.family_count = page.sample_count = 0;
    while (*text != '\0') {
        if (*text == '#') {
            assert_true(page.family_count < FAMILIES_MAX);
            text = read_family(text, &page.families[page.family_count++]);
            continue;
        }
        assert_true(page.family_count > 0 && page.sample_count < SAMPLES_MAX);
        text = read_sample(text, &page.samples[page.sample_count]);
        check_belongs(&page.families[page.family_count - 1], &page.samples[page.sample_count]);
        page.sample_count++;
    }
    check_no_duplicates(&page);
    return &page;
}

/* The sample of this name whose first labels are these; NULL when there is none. */
static const struct sample *find(const struct page *page, const char *name, const char *label,
                                 const char *value, const char *label2, const char *value2)
{
    const struct sample wanted = {.label_count = (label != NULL) + (size_t)(label2 != NULL)};
    struct sample want = wanted;
    if (label != NULL) {
        copy(want.labels[0].name, sizeof want.labels[0].name, label, strlen(label));
        copy(want.labels[0].value, sizeof want.labels[0].value, value, strlen(value));
    }
    if (label2 != NULL) {
        copy(want.labels[1].name, sizeof want.labels[1].name, label2, strlen(label2));
        copy(want.labels[1].value, sizeof want.labels[1].value, value2, strlen(value2));
    }
    for (size_t i = 0; i < page->sample_count; i++)
        if (strcmp(page->samples[i].name, name) == 0 && same_labels(&page->samples[i], &want))
            return &page->samples[i];
    return NULL;
}

static double value_of(const struct page *page, const char *name, const char *label,
                       const char *value)
{
    const struct sample *sample = find(page, name, label, value, NULL, NULL);
    if (sample == NULL)
        fail_msg("no sample %s{%s=\"%s\"}", name, label ? label : "", value ? value : "");
    return sample->value;
}

static double calls(const struct page *page, const char *method, const char *code)
{
    const struct sample *sample = find(page, "kindred_calls_total", "method", method, "code", code);
    return sample != NULL ? sample->value : -1;
}

/* Every histogram's buckets rise with their bounds, end with +Inf, and agree with _count. */
static void check_histograms(const struct page *page, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < page->sample_count; i++) {
        const struct sample *inf = &page->samples[i];
        char name[128];
        const char *end = strstr(inf->name, "_bucket");
        if (end == NULL || strcmp(inf->labels[inf->label_count - 1].value, "+Inf") != 0)
            continue;
        const char *label = inf->label_count > 1 ? inf->labels[0].name : NULL;
        const char *value = inf->label_count > 1 ? inf->labels[0].value : NULL;
        snprintf(name, sizeof name, "%.*s_count", (int)(end - inf->name), inf->name);
        assert_true(value_of(page, name, label, value) == inf->value);
        snprintf(name, sizeof name, "%.*s_sum", (int)(end - inf->name), inf->name);
        assert_true(value_of(page, name, label, value) >= 0);
        double before = INFINITY, number = inf->value;
        assert_true(i >= 18);
        for (size_t back = 1; back <= 18; back++) {
            const struct sample *bucket = &page->samples[i - back];
            const struct label *le = &bucket->labels[bucket->label_count - 1];
            assert_string_equal(bucket->name, inf->name);
            assert_string_equal(le->name, "le");
            double bound = strtod(le->value, NULL);
            assert_true(bound < before && bound > 0 && bucket->value <= number);
            before = bound;
            number = bucket->value;
        }
        assert_true(before == 0.0001);
        (*count)++;
    }
}

/* --- what is counted --- */

static kin_rpc_code unused(kin_rpc_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return KIN_RPC_OK;
}

static const kin_rpc_method methods[] = {
    {.path = "/kindred.v1.KindredService/Search", .run = unused},
    {.path = "/kindred.v1.KindredService/Get", .run = unused},
    {.path = "/quote\"back\\slash\nline", .run = unused},
};
enum { METHODS = sizeof methods / sizeof methods[0] };
static const char *const search = "/kindred.v1.KindredService/Search";

static const unsigned running[KIN_RPC_CLASSES] = {
    [KIN_RPC_QUERY] = 3, [KIN_RPC_INGEST] = 2, [KIN_RPC_ADMIN] = 1, [KIN_RPC_WATCH] = 0};

static kin_metrics *make(void)
{
    kin_metrics *metrics = NULL;
    assert_int_equal(kin_metrics_new(methods, METHODS, "1.2.3", &metrics, NULL), KIN_OK);
    return metrics;
}

static const struct page *page_of(const kin_metrics *metrics, const kin_archive_stats *stats)
{
    char *text = NULL;
    size_t size = 0;
    kin_error err = {0};
    assert_int_equal(kin_metrics_page(metrics, stats, running, &text, &size, &err), KIN_OK);
    assert_int_equal(strlen(text), size);
    assert_int_equal(text[size - 1], '\n');
    const struct page *page = read_text(text);
    free(text);
    return page;
}

static void a_fresh_page_is_well_formed_and_zero(void **state)
{
    (void)state;
    size_t histograms;
    kin_metrics *metrics = make();
    const struct page *page = page_of(metrics, NULL);
    for (size_t i = 0; i < METHODS; i++) {
        assert_true(calls(page, methods[i].path, "OK") == 0);
        assert_true(calls(page, methods[i].path, "INTERNAL") == -1); /* not met yet */
    }
    assert_true(calls(page, "unknown", "OK") == 0);
    check_histograms(page, &histograms);
    assert_int_equal(histograms, METHODS + 2); /* methods, unknown ones, searches */
    assert_true(value_of(page, "kindred_build_info", "version", "1.2.3") == 1);
    assert_true(value_of(page, "kindred_calls_running", "class", "query") == 3);
    assert_true(value_of(page, "kindred_calls_running", "class", "ingest") == 2);
    assert_true(value_of(page, "kindred_calls_running", "class", "admin") == 1);
    assert_true(value_of(page, "kindred_calls_running", "class", "watch") == 0);
    double start = value_of(page, "kindred_start_time_seconds", NULL, NULL);
    double now = (double)time(NULL);
    assert_true(start <= now + 1 && start > now - 600);
    for (size_t i = 0; i < page->family_count; i++) {
        assert_null(strstr(page->families[i].name, "archive"));
        assert_null(strstr(page->families[i].name, "generation"));
    }
    kin_metrics_free(metrics);
    kin_metrics_free(NULL);
}

static void calls_are_counted_by_method_and_code(void **state)
{
    (void)state;
    const kin_rpc_method stranger = {.path = "/evil/\"}\nkindred_up 1"};
    kin_metrics *metrics = make();
    for (int i = 0; i < 5; i++)
        kin_metrics_call(metrics, &methods[0], KIN_RPC_OK, 0.01);
    kin_metrics_call(metrics, &methods[0], KIN_RPC_NOT_FOUND, 0.01);
    kin_metrics_call(metrics, &methods[2], KIN_RPC_UNAUTHENTICATED, 0.01);
    kin_metrics_call(metrics, &methods[1], (kin_rpc_code)77, 0.01);
    kin_metrics_call(metrics, &methods[1], (kin_rpc_code)-1, 0.01);
    kin_metrics_call(metrics, NULL, KIN_RPC_UNIMPLEMENTED, 0.01);
    kin_metrics_call(metrics, &stranger, KIN_RPC_UNIMPLEMENTED, 0.01);
    const struct page *page = page_of(metrics, NULL);
    assert_true(calls(page, search, "OK") == 5);
    assert_true(calls(page, search, "NOT_FOUND") == 1);
    assert_true(calls(page, methods[2].path, "UNAUTHENTICATED") == 1);
    assert_true(calls(page, methods[1].path, "UNKNOWN") == 2);
    assert_true(calls(page, methods[1].path, "OK") == 0);
    assert_true(calls(page, "unknown", "UNIMPLEMENTED") == 2);
    assert_null(find(page, "kindred_up", NULL, NULL, NULL, NULL));
    assert_true(value_of(page, "kindred_call_seconds_count", "method", search) == 6);
    assert_true(value_of(page, "kindred_call_seconds_count", "method", "unknown") == 2);
    kin_metrics_free(metrics);
}

static double bucket(const struct page *page, const char *le)
{
    return value_of(page, "kindred_search_seconds_bucket", "le", le);
}

static void durations_fall_into_their_buckets(void **state)
{
    (void)state;
    size_t histograms;
    kin_metrics *metrics = make();
    kin_metrics_search(metrics, 0);
    kin_metrics_search(metrics, 0.0001); /* a bound belongs to its bucket */
    kin_metrics_search(metrics, 0.00011);
    kin_metrics_search(metrics, 0.0499);
    kin_metrics_search(metrics, 0.0501);
    kin_metrics_search(metrics, 59.5);
    kin_metrics_search(metrics, 61);
    const struct page *page = page_of(metrics, NULL);
    check_histograms(page, &histograms);
    assert_true(bucket(page, "0.0001") == 2);
    assert_true(bucket(page, "0.0002") == 3);
    assert_true(bucket(page, "0.02") == 3);
    assert_true(bucket(page, "0.05") == 4);
    assert_true(bucket(page, "0.1") == 5);
    assert_true(bucket(page, "30") == 5);
    assert_true(bucket(page, "60") == 6);
    assert_true(bucket(page, "+Inf") == 7);
    double sum = value_of(page, "kindred_search_seconds_sum", NULL, NULL);
    assert_true(fabs(sum - (0.0001 + 0.00011 + 0.0499 + 0.0501 + 59.5 + 61)) < 1e-8);
    assert_true(value_of(page, "kindred_search_seconds_count", NULL, NULL) == 7);
    kin_metrics_free(metrics);
}

static void odd_durations_do_no_harm(void **state)
{
    (void)state;
    size_t histograms;
    kin_metrics *metrics = make();
    kin_metrics_search(metrics, NAN);
    kin_metrics_search(metrics, -1);
    kin_metrics_search(metrics, -INFINITY);
    kin_metrics_search(metrics, INFINITY);
    kin_metrics_search(metrics, 1e300);
    const struct page *page = page_of(metrics, NULL);
    check_histograms(page, &histograms);
    assert_true(bucket(page, "0.0001") == 3);
    assert_true(bucket(page, "60") == 3);
    assert_true(bucket(page, "+Inf") == 5);
    assert_true(value_of(page, "kindred_search_seconds_sum", NULL, NULL) == 2e9);
    kin_metrics_free(metrics);
}

static void work_is_counted_by_outcome(void **state)
{
    (void)state;
    static const char *const outcomes[] = {"stored",   "duplicate", "updated",
                                           "replaced", "skipped",   "failed"};
    kin_metrics *metrics = make();
    for (int i = 0; i <= KIN_INGEST_FAILED; i++)
        kin_metrics_ingested(metrics, i, (uint64_t)i + 10);
    kin_metrics_ingested(metrics, -1, 1);
    kin_metrics_ingested(metrics, 99, 1);
    kin_metrics_reindex(metrics, KIN_OK);
    kin_metrics_reindex(metrics, KIN_OK);
    kin_metrics_reindex(metrics, KIN_E_CANCELLED);
    kin_metrics_reindex(metrics, KIN_E_IO);
    kin_metrics_reindex(metrics, KIN_E_BUSY);
    kin_metrics_reindex(metrics, KIN_E_CORRUPT);
    kin_metrics_audit_failure(metrics);
    kin_metrics_decoder_restarts(metrics, 4);
    kin_metrics_decoder_restarts(metrics, 7);
    kin_metrics_decoder_restarts(metrics, 5); /* seen late: a counter never falls */
    const struct page *page = page_of(metrics, NULL);
    for (int i = 0; i <= KIN_INGEST_FAILED; i++)
        assert_true(value_of(page, "kindred_ingested_files_total", "outcome", outcomes[i]) ==
                    i + 10 + (i == KIN_INGEST_FAILED ? 2 : 0));
    assert_true(value_of(page, "kindred_reindex_total", "outcome", "ok") == 2);
    assert_true(value_of(page, "kindred_reindex_total", "outcome", "cancelled") == 1);
    assert_true(value_of(page, "kindred_reindex_total", "outcome", "failed") == 3);
    assert_true(value_of(page, "kindred_audit_failures_total", NULL, NULL) == 1);
    assert_true(value_of(page, "kindred_decoder_restarts_total", NULL, NULL) == 7);
    kin_metrics_free(metrics);
}

static void format_time(time_t moment, char *out, size_t size)
{
    struct tm utc;
    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&moment, &utc));
}

static void the_archives_gauges_are_there(void **state)
{
    (void)state;
    kin_archive_stats stats = {
        .images = 1000001,
        .rows = 1200000,
        .dead = 77,
        .tail = 55,
        .generation = 12,
        .generation_recall = 0.99965,
        .catalog_bytes = UINT64_C(1) << 40,
        .descriptor_bytes = 2,
        .vector_bytes = 3,
        .index_bytes = 4,
    };
    kin_metrics *metrics = make();
    format_time(time(NULL) - 3600, stats.generation_time, sizeof stats.generation_time);
    const struct page *page = page_of(metrics, &stats);
    assert_true(value_of(page, "kindred_archive_images", NULL, NULL) == 1000001);
    assert_true(value_of(page, "kindred_archive_rows", NULL, NULL) == 1200000);
    assert_true(value_of(page, "kindred_archive_dead", NULL, NULL) == 77);
    assert_true(value_of(page, "kindred_archive_tail", NULL, NULL) == 55);
    assert_true(value_of(page, "kindred_archive_bytes", "part", "catalog") == 1099511627776.0);
    assert_true(value_of(page, "kindred_archive_bytes", "part", "descriptors") == 2);
    assert_true(value_of(page, "kindred_archive_bytes", "part", "vectors") == 3);
    assert_true(value_of(page, "kindred_archive_bytes", "part", "index") == 4);
    assert_true(value_of(page, "kindred_generation", NULL, NULL) == 12);
    assert_true(value_of(page, "kindred_generation_recall", NULL, NULL) == 0.99965);
    double age = value_of(page, "kindred_generation_age_seconds", NULL, NULL);
    assert_true(age >= 3600 && age < 3600 + 600);

    /* A clock that went back is no age below nothing. */
    format_time(time(NULL) + 7200, stats.generation_time, sizeof stats.generation_time);
    page = page_of(metrics, &stats);
    assert_true(value_of(page, "kindred_generation_age_seconds", NULL, NULL) == 0);
    kin_metrics_free(metrics);
}

static void what_no_generation_has_is_left_out(void **state)
{
    (void)state;
    static const char *const moments[] = {"", "2026", "yesterday", "2026-11-24T11:22:33",
                                          "2026-11-24T11:22:33Z and more"};
    kin_metrics *metrics = make();
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        kin_archive_stats stats = {.images = 1, .generation_recall = i % 2 == 0 ? -1 : NAN};
        snprintf(stats.generation_time, sizeof stats.generation_time, "%s", moments[i]);
        const struct page *page = page_of(metrics, &stats);
        assert_true(value_of(page, "kindred_generation", NULL, NULL) == 0);
        assert_null(find(page, "kindred_generation_age_seconds", NULL, NULL, NULL, NULL));
        assert_null(find(page, "kindred_generation_recall", NULL, NULL, NULL, NULL));
    }
    kin_metrics_free(metrics);
}

/* Commas are no part of the format. */
static void a_locale_does_not_show(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof locales / sizeof locales[0] && !found; i++)
        found = setlocale(LC_ALL, locales[i]) != NULL;
    if (!found) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    kin_metrics *metrics = make();
    kin_metrics_search(metrics, 0.125);
    char *text = NULL;
    size_t size = 0;
    kin_status status = kin_metrics_page(metrics, NULL, running, &text, &size, NULL);
    setlocale(LC_ALL, "C");
    assert_int_equal(status, KIN_OK);
    assert_true(value_of(read_text(text), "kindred_search_seconds_sum", NULL, NULL) == 0.125);
    free(text);
    kin_metrics_free(metrics);
}

enum { THREADS = 4, CALLS_EACH = 20000, PAGES = 30 };

static void *count_many(void *ctx)
{
    for (int i = 0; i < CALLS_EACH; i++) {
        kin_metrics_call(ctx, &methods[i % 2], KIN_RPC_OK, 0.001);
        kin_metrics_search(ctx, 0.0001 * (i % 100));
    }
    return NULL;
}

static void nothing_is_lost_between_threads_and_pages_stay_consistent(void **state)
{
    (void)state;
    size_t histograms;
    pthread_t threads[THREADS];
    kin_metrics *metrics = make();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, metrics), 0);
    for (int i = 0; i < PAGES; i++)
        check_histograms(page_of(metrics, NULL), &histograms);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const struct page *page = page_of(metrics, NULL);
    assert_true(calls(page, search, "OK") == THREADS * CALLS_EACH / 2);
    assert_true(value_of(page, "kindred_search_seconds_count", NULL, NULL) == THREADS * CALLS_EACH);
    double sum = value_of(page, "kindred_call_seconds_sum", "method", search);
    assert_true(fabs(sum - 0.001 * THREADS * CALLS_EACH / 2) < 1e-3);
    kin_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_page_is_well_formed_and_zero),
        cmocka_unit_test(calls_are_counted_by_method_and_code),
        cmocka_unit_test(durations_fall_into_their_buckets),
        cmocka_unit_test(odd_durations_do_no_harm),
        cmocka_unit_test(work_is_counted_by_outcome),
        cmocka_unit_test(the_archives_gauges_are_there),
        cmocka_unit_test(what_no_generation_has_is_left_out),
        cmocka_unit_test(a_locale_does_not_show),
        cmocka_unit_test(nothing_is_lost_between_threads_and_pages_stay_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
