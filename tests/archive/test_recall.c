/* What an archive answers by its index beside what it answers exactly: whole, with a tail, under
 * conditions, with a third of it deleted, and after a reindex without them. */
#include "one_archive.h"

enum { IMAGES = 1600, TAIL = 120, CLASSES = 8, GONE_OF_TEN = 3, K = 10, QUERIES = 40 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    for (unsigned from = 0; from < IMAGES; from += 200)
        put_many(archive, from, from + 200, CLASSES);
    return 0;
}

/* With as many queries to tune by as reindexes have. */
static kin_reindex_report reindex_well(void)
{
    kin_error err;
    kin_reindex_report report;
    kin_reindex_options options = {.index_kind = "hnsw"};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    return report;
}

static bool is_among(const kin_results *results, const char *uid)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->items[i].record.sop_instance_uid, uid) == 0)
            return true;
    return false;
}

struct seen {
    double recall;       /* mean */
    uint64_t tail, live; /* of the last */
};

/* Asks for pictures that are not stored, by a way (NULL: the planner's) and exactly. */
static struct seen ask(const char *where, const char *way)
{
    struct seen seen = {0};
    size_t asked = 0;
    kin_condition *condition = where != NULL ? parse_condition(where) : NULL;
    for (unsigned q = 0; q < QUERIES; q++) {
        unsigned seed = 100000 + q;
        kin_search_options options = {.k = K, .where = condition, .way = way};
        kin_search_options exactly = {.k = K, .where = condition, .exact = true};
        kin_results found = search_picture(archive, (int)(q % CLASSES), seed, options);
        kin_results right = search_picture(archive, (int)(q % CLASSES), seed, exactly);
        size_t good = 0;
        assert_true(right.exact);
        assert_int_equal(found.count, right.count);
        for (size_t i = 0; i < right.count; i++)
            good += is_among(&found, right.items[i].record.sop_instance_uid);
        seen.recall += right.count > 0 ? (double)good / (double)right.count : 1;
        seen.tail = found.plan.tail;
        seen.live = found.plan.live;
        asked++;
        kin_results_release(&found);
        kin_results_release(&right);
    }
    kin_condition_free(condition);
    seen.recall /= (double)asked;
    return seen;
}

static void check(const char *what, const char *plain)
{
    static const char *const conditions[] = {NULL, "modality = CT", "diagnosis = class3",
                                             "diagnosis != class3",
                                             "modality = MR and diagnosis in (class0, class2)"};
    for (size_t c = 0; c < sizeof conditions / sizeof conditions[0]; c++) {
        struct seen planned = ask(conditions[c], NULL);
        const char *forced = conditions[c] == NULL ? plain : "filtered index";
        struct seen indexed = ask(conditions[c], forced);
        print_message("%s, %s: recall %.4f by choice, %.4f by the %s\n", what,
                      conditions[c] != NULL ? conditions[c] : "all", planned.recall, indexed.recall,
                      forced);
        assert_true(planned.recall >= 0.99);
        assert_true(indexed.recall >= 0.98); /* of 400 answers; the tuning's bound is on its own */
    }
}

static void delete_some(void)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        char uid[32];
        uint64_t removed;
        kin_error err;
        snprintf(uid, sizeof uid, "1.2.3.%u", i);
        if ((i / CLASSES) % 10 < GONE_OF_TEN)
            assert_ok(kin_archive_delete(archive, uid, &removed, NULL, &err), err);
    }
}

static void test_deletions_and_newcomers_cost_no_recall(void **state)
{
    (void)state;
    kin_reindex_report report = reindex_well();
    assert_int_equal(report.images, IMAGES);
    assert_true(report.tuning_count > 0);
    for (size_t i = 0; i < report.tuning_count; i++)
        print_message("%.3f: %.4f, width %u, candidates %u\n", report.tunings[i].target,
                      report.tunings[i].recall, report.tunings[i].width,
                      report.tunings[i].candidates);
    assert_true(report.recall_at_10 >= 0.99);
    check("whole", "index");
    put_many(archive, IMAGES, IMAGES + TAIL, CLASSES);
    struct seen seen = ask(NULL, NULL);
    assert_int_equal(seen.tail, TAIL);
    check("with a tail", "index");
    delete_some();
    seen = ask(NULL, NULL);
    assert_int_equal(seen.live, IMAGES + TAIL - IMAGES * GONE_OF_TEN / 10);
    check("a third deleted", "filtered index");
    report = reindex_well();
    assert_false(report.extended); /* too much has gone */
    assert_int_equal(report.images, seen.live);
    assert_int_equal(ask(NULL, NULL).tail, 0);
    check("reindexed", "index");
    assert_int_equal(count_faults(archive, NULL), 0);
}

/* What has gone from an extended generation is no answer, and those that are left are found. */
static void test_an_extended_generation_forgets_the_deleted(void **state)
{
    (void)state;
    kin_error err;
    reindex_well();
    for (unsigned i = 0; i < IMAGES; i += 10) {
        char uid[32];
        uint64_t removed;
        snprintf(uid, sizeof uid, "1.2.3.%u", i);
        assert_ok(kin_archive_delete(archive, uid, &removed, NULL, &err), err);
    }
    put_many(archive, IMAGES, IMAGES + TAIL, CLASSES);
    kin_reindex_report report = reindex_well();
    assert_true(report.extended);
    assert_int_equal(report.images, IMAGES + TAIL - IMAGES / 10);
    check("extended", "index");
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_a_query_that_is_stored_needs_no_filter(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    kin_results results;
    kin_search_options options = {.k = K, .way = "index"};
    reindex_well();
    assert_ok(kin_query_from_uid(archive, "1.2.3.77", 0, 0, &query, &err), err);
    assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
    assert_string_equal(results.plan.method, "index");
    assert_int_equal(results.count, K);
    assert_int_equal(results.plan.members, IMAGES - 1);
    assert_false(is_among(&results, "1.2.3.77"));
    kin_results_release(&results);
    options.way = "guessing";
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_ARG);
    options = (kin_search_options){.k = K, .recall = 1.5};
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_ARG);
    kin_query_release(&query);
}

struct told {
    int times;
    uint64_t peak;
    char kind[16];
};

static void on_forecast(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    struct told *told = ctx;
    told->times++;
    told->peak = peak_bytes;
    snprintf(told->kind, sizeof told->kind, "%s", index_kind);
}

/* What a build takes is told once, beforehand, and kept to. */
static void test_memory_is_foretold_and_kept_to(void **state)
{
    (void)state;
    kin_error err;
    kin_reindex_report report;
    struct told told = {0};
    kin_reindex_options options = {
        .index_kind = "hnsw", .forecast = on_forecast, .progress_ctx = &told, .check_queries = 50};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    assert_int_equal(told.times, 1);
    assert_string_equal(told.kind, "hnsw");
    assert_int_equal(told.peak, report.forecast_bytes);
    print_message("%llu bytes foretold, %llu taken\n", (unsigned long long)report.forecast_bytes,
                  (unsigned long long)report.peak_bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(report.peak_bytes <= report.forecast_bytes + (4 << 20)); /* and threads' arenas */
#endif
    assert_true(report.swap_seconds >= 0 && report.swap_seconds < report.seconds);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_deletions_and_newcomers_cost_no_recall),
        TEST(test_an_extended_generation_forgets_the_deleted),
        TEST(test_a_query_that_is_stored_needs_no_filter),
        TEST(test_memory_is_foretold_and_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
