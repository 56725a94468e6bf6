/* Searching: against the full ranking, filtered by hand. */
#include "one_archive.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>

enum { IMAGES = 360, CLASSES = 4 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

static void test_the_most_similar_come_first(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        kin_results results = search_picture(archive, 2, 6, (kin_search_options){.k = 20});
        assert_int_equal(results.count, 20);
        assert_true(results.complete);
        /* Image 6 is of class 2 and was made from seed 6: it is this very picture. */
        assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.6");
        assert_true(results.items[0].score > 0.9999f);
        for (size_t i = 0; i < results.count; i++) {
            char scratch[KIN_RECORD_SCRATCH];
            assert_string_equal(kin_record_value(&results.items[i].record, "diagnosis", scratch),
                                "class2");
            assert_true(i == 0 || results.items[i].score <= results.items[i - 1].score);
        }
        kin_results_release(&results);
        reindex(archive, NULL);
    }
}

/* Every condition's answer is the whole ranking with the others taken out. */
static void test_conditions_only_take_out(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "modality = CT",
        "not modality = CT",
        "diagnosis in (class1, class3) and modality = MR",
        "patient_id = P3 or patient_id = P4",
        "diagnosis = nothing",
        "patient_id != P0",
    };
    kin_results all = search_picture(archive, 1, 77, (kin_search_options){.k = IMAGES});
    assert_int_equal(all.count, IMAGES);
    for (size_t c = 0; c < sizeof conditions / sizeof conditions[0]; c++) {
        kin_condition *where = parse_condition(conditions[c]);
        kin_results some =
            search_picture(archive, 1, 77, (kin_search_options){.k = IMAGES, .where = where});
        size_t at = 0;
        for (size_t i = 0; i < all.count; i++) {
            if (!kin_condition_matches(where, &all.items[i].record))
                continue;
            assert_true(at < some.count);
            assert_int_equal(some.items[at].record.id, all.items[i].record.id);
            at++;
        }
        assert_int_equal(at, some.count);
        assert_true(some.complete);
        assert_int_equal(some.plan.members, some.count);
        kin_results_release(&some);
        kin_condition_free(where);
    }
    kin_results_release(&all);
}

static const char *group_of(const kin_record *record, kin_level level)
{
    return level == KIN_LEVEL_SERIES  ? record->series_instance_uid
           : level == KIN_LEVEL_STUDY ? record->study_instance_uid
                                      : record->patient_id;
}

static void test_folding_keeps_the_best_of_each_group(void **state)
{
    (void)state;
    kin_results all = search_picture(archive, 3, 5, (kin_search_options){.k = IMAGES});
    const size_t groups[] = {[KIN_LEVEL_SERIES] = IMAGES / 3,
                             [KIN_LEVEL_STUDY] = IMAGES / 6,
                             [KIN_LEVEL_PATIENT] = IMAGES / 12};
    for (kin_level level = KIN_LEVEL_SERIES; level <= KIN_LEVEL_PATIENT; level++) {
        for (size_t k = 7; k < IMAGES; k += 173) {
            kin_results folded =
                search_picture(archive, 3, 5, (kin_search_options){.k = k, .fold = level});
            assert_int_equal(folded.count, k < groups[level] ? k : groups[level]);
            size_t at = 0;
            for (size_t i = 0; i < all.count && at < folded.count; i++) {
                bool earlier = false;
                for (size_t j = 0; j < i && !earlier; j++)
                    earlier = strcmp(group_of(&all.items[j].record, level),
                                     group_of(&all.items[i].record, level)) == 0;
                if (!earlier)
                    assert_int_equal(folded.items[at++].record.id, all.items[i].record.id);
            }
            assert_int_equal(at, folded.count);
            kin_results_release(&folded);
        }
    }
    kin_results_release(&all);
}

static void test_a_stored_query_leaves_itself_and_its_patient_out(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    kin_results results;
    assert_ok(kin_query_from_uid(archive, "1.2.3.30", 0, 0, &query, &err), err);
    assert_string_equal(query.patient_id, "P2");
    kin_search_options options = {.k = IMAGES};
    assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
    assert_int_equal(results.count, IMAGES - 1);
    for (size_t i = 0; i < results.count; i++)
        assert_string_not_equal(results.items[i].record.sop_instance_uid, "1.2.3.30");
    kin_results_release(&results);
    options.not_same_patient = true;
    assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
    assert_int_equal(results.count, IMAGES - 12);
    for (size_t i = 0; i < results.count; i++)
        assert_string_not_equal(results.items[i].record.patient_id, "P2");
    kin_results_release(&results);
    kin_query_release(&query);
    assert_int_equal(kin_query_from_uid(archive, "1.2.3.30", 1, 0, &query, &err), KIN_E_NOT_FOUND);
    assert_int_equal(kin_query_from_uid(archive, "9.9", 0, 0, &query, &err), KIN_E_NOT_FOUND);
}

static void test_an_unknown_patient_cannot_be_left_out(void **state)
{
    (void)state;
    kin_error err;
    kin_results results;
    kin_query query = {.name = (char *)"file",
                       .patient_id = (char *)"",
                       .descriptor = make_descriptor(0, 0),
                       .self = KIN_QUERY_NOT_STORED};
    kin_search_options options = {.not_same_patient = true};
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_ARG);
    free(query.descriptor);
}

static kin_results search_query(const kin_query *query, kin_search_options options)
{
    kin_error err;
    kin_results results;
    assert_ok(kin_archive_search(archive, query, &options, &results, &err), err);
    return results;
}

static void assert_same_answers(const kin_results *a, const kin_results *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].record.id, b->items[i].record.id);
        assert_float_equal(a->items[i].score, b->items[i].score, 1e-5);
    }
}

static void test_a_vector_asks_as_its_image_does(void **state)
{
    (void)state;
    const kin_search_options options = {.k = 30};
    kin_error err;
    kin_query query;
    char model[17], first[17] = "";
    size_t dim = kin_archive_dim(archive);
    float *embedding = calloc(dim, sizeof *embedding), *descriptor = make_descriptor(2, 6);
    assert_int_equal(dim, 32);
    for (int round = 0; round < 2; round++) {
        kin_results expected = search_picture(archive, 2, 6, options);
        assert_ok(kin_query_from_vector(archive, descriptor, standard_length(), NULL, &query, &err),
                  err);
        assert_non_null(query.descriptor);
        assert_null(query.embedding);
        kin_results results = search_query(&query, options);
        assert_same_answers(&expected, &results);
        kin_results_release(&results);
        kin_query_release(&query);

        /* Image 6 was made from this descriptor; the length of its vector says nothing. */
        assert_ok(kin_archive_embeddings(archive, &expected.items[0].record.id, 1, embedding, model,
                                         &err),
                  err);
        assert_string_equal(model, expected.plan.model);
        if (round == 0)
            memcpy(first, model, sizeof first);
        for (size_t i = 0; i < dim; i++)
            embedding[i] *= 1e30f;
        assert_ok(kin_query_from_vector(archive, embedding, dim, model, &query, &err), err);
        assert_null(query.descriptor);
        results = search_query(&query, options);
        assert_same_answers(&expected, &results);
        kin_results_release(&results);
        kin_query_release(&query);
        kin_results_release(&expected);
        reindex(archive, NULL); /* learns another model */
    }
    /* What the first model made means nothing to the second. */
    assert_ok(kin_query_from_vector(archive, embedding, dim, first, &query, &err), err);
    kin_results results;
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_EXISTS);
    query.model[0] = '\0';
    results = search_query(&query, options);
    assert_int_equal(results.count, 30);
    kin_results_release(&results);
    kin_query_release(&query);
    free(embedding);
    free(descriptor);
}

static void test_what_is_no_vector_is_refused(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    size_t dim = kin_archive_dim(archive);
    float *values = calloc(standard_length() + 1, sizeof *values);
    assert_int_equal(kin_query_from_vector(archive, values, dim, "", &query, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "are 0"));
    values[3] = NAN;
    assert_int_equal(kin_query_from_vector(archive, values, dim, "", &query, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "value 3"));
    values[3] = -INFINITY;
    assert_int_equal(kin_query_from_vector(archive, values, standard_length(), "", &query, &err),
                     KIN_E_ARG);
    values[3] = 1e-44f; /* as small as a float can be is not nothing */
    assert_ok(kin_query_from_vector(archive, values, dim, "", &query, &err), err);
    assert_float_equal(query.embedding[3], 1, 1e-6);
    kin_query_release(&query);
    const size_t wrong[] = {0, 1, dim - 1, dim + 1, standard_length() + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(kin_query_from_vector(archive, values, wrong[i], "", &query, &err),
                         KIN_E_ARG);
    assert_int_equal(kin_query_from_vector(archive, values, dim, "0123456789abcdef0", &query, &err),
                     KIN_E_ARG);
    assert_ok(kin_query_from_vector(archive, values, dim, "0123456789abcdef", &query, &err), err);
    kin_query_release(&query);
    free(values);
}

static void test_embeddings_are_of_live_images_only(void **state)
{
    (void)state;
    kin_error err;
    char model[17];
    uint64_t removed, ids[] = {359, 0, 7};
    size_t dim = kin_archive_dim(archive);
    float *some = calloc(3 * dim, sizeof *some), *one = calloc(dim, sizeof *one);
    assert_ok(kin_archive_embeddings(archive, ids, 3, some, model, &err), err);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(kin_archive_embeddings(archive, &ids[i], 1, one, model, &err), err);
        assert_memory_equal(one, some + i * dim, dim * sizeof *one);
    }
    assert_ok(kin_archive_embeddings(archive, ids, 0, some, model, &err), err);
    assert_ok(kin_archive_delete(archive, "1.2.3.7", &removed, NULL, &err), err);
    assert_int_equal(kin_archive_embeddings(archive, ids, 3, some, model, &err), KIN_E_NOT_FOUND);
    ids[2] = IMAGES;
    assert_int_equal(kin_archive_embeddings(archive, ids, 3, some, model, &err), KIN_E_NOT_FOUND);
    ids[2] = UINT64_C(1) << 32; /* not image 0 */
    assert_int_equal(kin_archive_embeddings(archive, ids, 3, some, model, &err), KIN_E_NOT_FOUND);
    free(some);
    free(one);
}

struct patience {
    atomic_int asked;
    int patience; /* answers "stop" once it was asked this often */
};

static bool loses_patience(void *ctx)
{
    struct patience *patience = ctx;
    return atomic_fetch_add(&patience->asked, 1) >= patience->patience;
}

static void test_a_search_can_be_stopped(void **state)
{
    (void)state;
    kin_error err;
    kin_results results;
    struct patience patience = {.patience = INT_MAX};
    kin_query query = {.name = (char *)"picture",
                       .patient_id = (char *)"",
                       .descriptor = make_descriptor(1, 1),
                       .self = KIN_QUERY_NOT_STORED};
    kin_search_options options = {.k = 5, .stop = loses_patience, .stop_ctx = &patience};
    kin_results answered = search_query(&query, options);
    kin_results expected = search_query(&query, (kin_search_options){.k = 5});
    assert_same_answers(&expected, &answered);
    kin_results_release(&answered);
    kin_results_release(&expected);
    int questions = patience.asked;
    assert_true(questions > 0);
    for (int i = 0; i < questions; i++) {
        patience = (struct patience){.patience = i};
        assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err),
                         KIN_E_CANCELLED);
        assert_int_equal(results.count, 0);
    }
    free(query.descriptor);
}

static void test_what_came_after_the_generation_is_found(void **state)
{
    (void)state;
    kin_reindex_report report = reindex(archive, "hnsw");
    assert_int_equal(report.images, IMAGES);
    put_many(archive, IMAGES, IMAGES + 20, CLASSES);
    kin_results results =
        search_picture(archive, (IMAGES + 5) % CLASSES, IMAGES + 5, (kin_search_options){.k = 3});
    assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.365");
    assert_int_equal(results.plan.tail, 20);
    kin_results_release(&results);
    kin_archive_stats stats;
    kin_error err;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.tail, 20);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_an_empty_archive_answers_nothing(void **state)
{
    (void)state;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/empty", folder);
    kin_archive *empty = new_archive(path);
    kin_results results = search_picture(empty, 0, 0, (kin_search_options){.k = 5});
    assert_int_equal(results.count, 0);
    assert_true(results.complete);
    kin_results_release(&results);
    reindex(empty, NULL);
    uint64_t images = 1;
    assert_int_equal(count_faults(empty, &images), 0);
    assert_int_equal(images, 0);
    kin_archive_close(empty);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_most_similar_come_first),
        TEST(test_conditions_only_take_out),
        TEST(test_folding_keeps_the_best_of_each_group),
        TEST(test_a_stored_query_leaves_itself_and_its_patient_out),
        TEST(test_an_unknown_patient_cannot_be_left_out),
        TEST(test_a_vector_asks_as_its_image_does),
        TEST(test_what_is_no_vector_is_refused),
        TEST(test_embeddings_are_of_live_images_only),
        TEST(test_a_search_can_be_stopped),
        TEST(test_what_came_after_the_generation_is_found),
        TEST(test_an_empty_archive_answers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
