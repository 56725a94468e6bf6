/* Regions of stored images: put, found, folded, and with their images' fate. */
#include "catalog/catalog.h"
#include "one_archive.h"

static int set_up(void **state)
{
    (void)state;
    make_archive();
    return 0;
}

/* --- making --- */

static void set_label(kin_record *record, const char *name, const char *value)
{
    kin_error err;
    assert_ok(kin_record_set_label(record, name, value, &err), err);
}

static void set_number(kin_record *record, const char *name, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    set_label(record, name, text);
}

/* What an annotation object says: the number-th region of object 9.source lies on the image. */
static kin_item make_region(unsigned instance, uint32_t frame, unsigned source, unsigned number,
                            int class_number, uint64_t seed)
{
    kin_item item = {0};
    char text[32];
    kin_error err;
    assert_ok(kin_record_init(&item.record, &err), err);
    snprintf(text, sizeof text, "1.2.3.%u", instance);
    assert_ok(kin_record_set(&item.record.sop_instance_uid, text, &err), err);
    snprintf(text, sizeof text, "9.%u", source);
    set_label(&item.record, "region_source", text);
    set_number(&item.record, "region_number", number);
    set_label(&item.record, "region_file", "first");
    set_label(&item.record, "region_label", number % 2 == 0 ? "Oedema" : "Tumor");
    set_number(&item.record, "region_x", 3 * number);
    set_number(&item.record, "region_y", 5);
    set_number(&item.record, "region_width", 7);
    set_number(&item.record, "region_height", 9);
    item.record.frame = frame;
    item.descriptor = make_descriptor(class_number, seed);
    item.record.content =
        kin_digest_of(item.descriptor, standard_length() * sizeof *item.descriptor);
    return item;
}

/* Regions 1 to count that an object marks on a frame of an image. */
static kin_instance make_regions(unsigned instance, uint32_t frame, unsigned source, unsigned count,
                                 uint64_t seed)
{
    kin_instance made = {
        .items = calloc(count, sizeof *made.items), .count = count, .regions = true};
    assert_non_null(made.items);
    for (unsigned i = 0; i < count; i++)
        made.items[i] = make_region(instance, frame, source, i + 1, (int)(i % 3), seed + i);
    return made;
}

static kin_put_outcome put_regions(unsigned instance, uint32_t frame, unsigned source,
                                   unsigned count, uint64_t seed)
{
    return put_one(archive, make_regions(instance, frame, source, count, seed));
}

static kin_archive_stats read_stats(void)
{
    kin_error err;
    kin_archive_stats stats;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    return stats;
}

/* Live records of a UID, in id order: *count, to be freed. */
static kin_record *find(const char *uid, size_t *count)
{
    kin_error err;
    kin_record *records = NULL;
    kin_level level;
    *count = 0;
    kin_status status = kin_archive_find(archive, uid, 1000, &records, count, &level, &err);
    assert_true(status == KIN_OK || status == KIN_E_NOT_FOUND);
    return records;
}

static size_t count_of(const char *uid)
{
    size_t count;
    kin_record *records = find(uid, &count);
    kin_records_free(records, count);
    return count;
}

/* --- putting --- */

static void test_regions_join_their_image(void **state)
{
    (void)state;
    size_t count;
    char scratch[KIN_RECORD_SCRATCH];
    put_many(archive, 0, 12, 3);
    assert_int_equal(put_regions(5, 0, 1, 2, 100), KIN_PUT_STORED);
    assert_int_equal(put_regions(5, 0, 2, 1, 200), KIN_PUT_STORED);
    kin_record *records = find("1.2.3.5", &count);
    assert_int_equal(count, 4);
    assert_int_equal(records[0].region, 0);
    for (uint32_t i = 1; i < 4; i++) { /* numbers of an image's own, whatever object marks them */
        assert_int_equal(records[i].region, i);
        assert_string_equal(records[i].patient_id, records[0].patient_id);
        assert_string_equal(records[i].path, records[0].path);
        assert_string_equal(records[i].modality, "CT");
        assert_int_equal(records[i].width, 64);
        assert_string_equal(kin_record_value(&records[i], "diagnosis", scratch), "class2");
        assert_string_equal(kin_record_value(&records[i], "region_source", scratch),
                            i < 3 ? "9.1" : "9.2");
    }
    assert_null(kin_record_value(&records[0], "region_source", scratch));
    assert_string_equal(kin_record_value(&records[2], "region_label", scratch), "Oedema");
    kin_records_free(records, count);
    kin_archive_stats stats = read_stats();
    assert_int_equal(stats.images, 12);
    assert_int_equal(stats.regions, 3);
    assert_int_equal(stats.rows, 15);
    assert_int_equal(stats.instances, 12);
    assert_int_equal(stats.patients, 1);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_an_image_that_is_not_stored_has_no_regions(void **state)
{
    (void)state;
    kin_error err;
    put_one(archive, make_instance(1, 2, 0, 5));
    for (int i = 0; i < 2; i++) {
        kin_instance lost = i == 0 ? make_regions(7, 0, 1, 1, 100) : make_regions(1, 2, 1, 1, 100);
        assert_int_equal(kin_archive_put(archive, &lost, 1, &err), KIN_E_NOT_FOUND);
        assert_non_null(strstr(err.message, "not stored"));
        kin_instance_release(&lost);
    }
    assert_int_equal(read_stats().rows, 2);
}

static void test_the_same_regions_again_change_nothing(void **state)
{
    (void)state;
    put_many(archive, 0, 3, 3);
    assert_int_equal(put_regions(1, 0, 1, 3, 100), KIN_PUT_STORED);
    assert_int_equal(put_regions(1, 0, 1, 3, 100), KIN_PUT_DUPLICATE);
    assert_int_equal(read_stats().rows, 6);
    /* The same picture under another description keeps its row. */
    kin_instance other = make_regions(1, 0, 1, 3, 100);
    set_label(&other.items[1].record, "region_code", "SCT:108369006");
    assert_int_equal(put_one(archive, other), KIN_PUT_UPDATED);
    assert_int_equal(read_stats().rows, 6);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_another_outline_keeps_the_regions_number(void **state)
{
    (void)state;
    size_t count;
    put_many(archive, 0, 3, 3);
    put_regions(1, 0, 1, 3, 100);
    kin_instance moved = {.items = calloc(1, sizeof *moved.items), .count = 1, .regions = true};
    moved.items[0] = make_region(1, 0, 1, 2, 0, 900);
    assert_int_equal(put_one(archive, moved), KIN_PUT_REPLACED);
    kin_record *records = find("1.2.3.1", &count);
    assert_int_equal(count, 4);
    assert_int_equal(records[3].region, 2);
    assert_int_equal(records[3].id, 6);
    kin_records_free(records, count);
    assert_int_equal(read_stats().regions, 3);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_an_objects_earlier_version_is_retired(void **state)
{
    (void)state;
    kin_error err;
    uint64_t removed, left;
    put_many(archive, 0, 3, 3);
    put_regions(0, 0, 1, 2, 100);
    put_regions(1, 0, 1, 2, 200);
    put_regions(1, 0, 2, 1, 300);
    kin_instance newer = make_regions(1, 0, 1, 1, 200);
    set_label(&newer.items[0].record, "region_file", "second");
    assert_int_equal(put_one(archive, newer), KIN_PUT_UPDATED);
    assert_ok(kin_archive_retire_regions(archive, "9.1", "second", &removed, &left, &err), err);
    assert_int_equal(removed, 3);
    assert_int_equal(left, 1);
    assert_int_equal(count_of("9.1"), 1);
    assert_int_equal(count_of("9.2"), 1);
    assert_ok(kin_archive_retire_regions(archive, "9.1", "second", &removed, &left, &err), err);
    assert_int_equal(removed, 0);
    assert_ok(kin_archive_retire_regions(archive, "9.7", "second", &removed, &left, &err), err);
    assert_int_equal(removed, 0);
    assert_int_equal(count_faults(archive, NULL), 0);
}

/* --- the image's fate --- */

static size_t count_meeting(const char *text)
{
    kin_condition *where = parse_condition(text);
    kin_results results = search_picture(
        archive, 0, 1, (kin_search_options){.k = 10000, .where = where, .fold = KIN_LEVEL_REGION});
    size_t count = results.count;
    kin_results_release(&results);
    kin_condition_free(where);
    return count;
}

static void test_regions_follow_their_images_description(void **state)
{
    (void)state;
    kin_error err;
    uint64_t changed, images;
    kin_level level;
    put_many(archive, 0, 12, 3);
    put_regions(4, 0, 1, 2, 100);
    kin_instance again = make_instance(4, 1, 1, 4);
    set_label(&again.items[0].record, "grade", "3");
    set_label(&again.items[0].record, "region_label", "the image's own affair");
    assert_ok(kin_record_set(&again.items[0].record.path, "/elsewhere/4.dcm", &err), err);
    assert_int_equal(put_one(archive, again), KIN_PUT_UPDATED);
    assert_int_equal(count_meeting("grade = 3"), 3);
    assert_int_equal(count_meeting("path = /elsewhere/4.dcm"), 3);
    assert_int_equal(count_meeting("region > 0 and region_label in (Tumor, Oedema)"), 2);
    assert_int_equal(count_meeting("region_label = \"the image's own affair\""), 1);
    assert_ok(kin_archive_set_outcome(archive, "P0", "remission", &changed, &images, &level, &err),
              err);
    assert_int_equal(changed, 12);
    assert_int_equal(images, 12);
    assert_int_equal(count_meeting("outcome = remission"), 14);
    assert_int_equal(
        kin_archive_set_outcome(archive, "9.1", "relapse", &changed, &images, &level, &err),
        KIN_E_NOT_FOUND);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_another_picture_has_none_of_the_old_ones_regions(void **state)
{
    (void)state;
    put_one(archive, make_instance(1, 3, 0, 5));
    put_regions(1, 0, 1, 2, 100);
    put_regions(1, 1, 1, 1, 200);
    put_regions(1, 2, 1, 1, 300);
    kin_instance other = make_instance(1, 1, 0, 77);
    other.complete = false; /* frame 0 alone has another picture */
    assert_int_equal(put_one(archive, other), KIN_PUT_REPLACED);
    assert_int_equal(count_of("9.1"), 2);
    assert_int_equal(count_meeting("region > 0 and frame = 0"), 0);
    /* Frames that are gone take theirs along. */
    kin_instance shorter = make_instance(1, 2, 0, 5);
    assert_int_equal(put_one(archive, shorter), KIN_PUT_REPLACED);
    assert_int_equal(count_of("1.2.3.1"), 3);
    assert_int_equal(count_meeting("region > 0 and frame = 1"), 1);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_regions_are_deleted_with_their_images_or_their_object(void **state)
{
    (void)state;
    kin_error err;
    uint64_t images, regions;
    put_many(archive, 0, 24, 3);
    for (unsigned i = 0; i < 24; i++)
        put_regions(i, 0, 1 + i % 4, 2, 100 * i);
    const struct {
        const char *uid;
        uint64_t images, regions;
    } cases[] = {{"1.2.3.0", 1, 2}, {"1.2.4.0", 2, 4}, {"9.3", 0, 10},
                 {"1.2.5.1", 6, 8}, {"P1", 12, 18},    {"9.4", 0, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(kin_archive_delete(archive, cases[i].uid, &images, &regions, &err), err);
        assert_int_equal(images, cases[i].images);
        assert_int_equal(regions, cases[i].regions);
        assert_int_equal(kin_archive_delete(archive, cases[i].uid, &images, &regions, &err),
                         KIN_E_NOT_FOUND);
        assert_int_equal(count_faults(archive, NULL), 0);
    }
    kin_archive_stats stats = read_stats();
    assert_int_equal(stats.images, 3);
    assert_int_equal(stats.regions, 4);
    reindex(archive, "flat");
    assert_int_equal(count_faults(archive, NULL), 0);
    assert_int_equal(read_stats().regions, 4);
}

/* A manifest may give images a label of the name that regions have their object in. */
static void test_an_images_own_label_names_no_object(void **state)
{
    (void)state;
    kin_error err;
    uint64_t images;
    kin_instance labelled = make_instance(1, 1, 0, 5);
    set_label(&labelled.items[0].record, "region_source", "9.1");
    put_one(archive, labelled);
    assert_int_equal(kin_archive_delete(archive, "9.1", &images, NULL, &err), KIN_E_NOT_FOUND);
    assert_int_equal(read_stats().images, 1);
}

static void test_a_files_images_are_whole_ones(void **state)
{
    (void)state;
    kin_error err;
    kin_record *records = NULL;
    size_t count;
    put_many(archive, 0, 3, 1);
    put_regions(2, 0, 1, 2, 100);
    kin_record *stored = find("1.2.3.2", &count);
    assert_int_equal(count, 3);
    kin_digest file = stored[2].file;
    kin_records_free(stored, count);
    assert_ok(kin_archive_find_file(archive, file, &records, &count, &err), err);
    assert_int_equal(count, 1);
    assert_int_equal(records[0].region, 0);
    kin_records_free(records, count);
}

/* --- counting --- */

static int count_value(void *ctx, const char *value, uint64_t images)
{
    uint64_t *counts = ctx;
    size_t at = strcmp(value, "class0") == 0 || strcmp(value, "Tumor") == 0 ? 0 : 1;
    counts[at] += images;
    return 0;
}

static void test_values_are_counted_of_images_or_of_regions(void **state)
{
    (void)state;
    kin_error err;
    uint64_t of_images[2] = {0}, of_regions[2] = {0};
    put_many(archive, 0, 10, 2);
    put_regions(0, 0, 1, 3, 100);
    assert_ok(kin_archive_each_value(archive, "diagnosis", count_value, of_images, &err), err);
    assert_int_equal(of_images[0], 5);
    assert_int_equal(of_images[1], 5);
    assert_ok(kin_archive_each_value(archive, "region_label", count_value, of_regions, &err), err);
    assert_int_equal(of_regions[0], 2);
    assert_int_equal(of_regions[1], 1);
}

/* --- searching --- */

enum { IMAGES = 240 };

/* Images of which some have regions, up to five, like other classes than their own. */
static void put_world(void)
{
    put_many(archive, 0, IMAGES, 5);
    for (unsigned i = 0; i < IMAGES; i++)
        if (i % 3 != 0)
            put_regions(i, 0, 1 + i % 7, 1 + i % 5, 1000 + 10 * i);
}

/* The best row of each image, from all rows best first. */
static size_t fold_by_hand(const kin_results *all, size_t k, const kin_result **out)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->count && kept < k; i++) {
        bool known = false;
        for (size_t j = 0; j < kept && !known; j++)
            known =
                strcmp(out[j]->record.sop_instance_uid, all->items[i].record.sop_instance_uid) == 0;
        if (!known)
            out[kept++] = &all->items[i];
    }
    return kept;
}

static bool ties_with_a_neighbour(const kin_result *const *results, size_t count, size_t i)
{
    const float nothing = 1e-6f;
    return (i > 0 && results[i - 1]->score - results[i]->score < nothing) ||
           (i + 1 < count && results[i]->score - results[i + 1]->score < nothing);
}

static void check_fold(int class_number, const char *text, const char *way)
{
    static const kin_result *expected[IMAGES];
    kin_condition *where = text != NULL ? parse_condition(text) : NULL;
    kin_search_options options = {
        .k = 10000, .where = where, .fold = KIN_LEVEL_REGION, .exact = true};
    kin_results all = search_picture(archive, class_number, 3, options);
    assert_true(all.complete);
    options.fold = KIN_LEVEL_IMAGE;
    options.exact = way == NULL;
    options.way = way;
    for (size_t k = 1; k <= 2 * IMAGES; k = 3 * k + 1) {
        options.k = k;
        size_t count = fold_by_hand(&all, k, expected);
        kin_results folded = search_picture(archive, class_number, 3, options);
        assert_int_equal(folded.count, count);
        assert_true(folded.complete);
        assert_int_equal(folded.plan.members, all.count);
        for (size_t i = 0; i < count; i++) {
            assert_float_equal(folded.items[i].score, expected[i]->score, 1e-6);
            if (ties_with_a_neighbour(expected, count, i))
                continue; /* the ways round differently, and may change the two about */
            assert_int_equal(folded.items[i].record.id, expected[i]->record.id);
            assert_int_equal(folded.items[i].record.region, expected[i]->record.region);
        }
        assert_true(way != NULL || folded.exact);
        kin_results_release(&folded);
    }
    kin_results_release(&all);
    kin_condition_free(where);
}

static void test_images_are_folded_to_their_best_row(void **state)
{
    (void)state;
    static const char *const conditions[] = {NULL,
                                             "region > 0",
                                             "region = 0",
                                             "modality = CT",
                                             "region_label = Tumor",
                                             "region <= 1 and diagnosis in (class1, class4)",
                                             "region_source = 9.4"};
    put_world();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
            for (int class_number = 0; class_number < 3; class_number++) {
                check_fold(class_number, conditions[i], NULL);
                if (round > 0)
                    check_fold(class_number, conditions[i], "two-stage scan");
            }
        kin_error err;
        uint64_t removed;
        reindex(archive, "hnsw");
        /* Some go, some come since the index. */
        assert_ok(kin_archive_delete(archive, round == 0 ? "9.5" : "9.6", &removed, NULL, &err),
                  err);
        assert_ok(
            kin_archive_delete(archive, round == 0 ? "1.2.3.31" : "1.2.3.32", &removed, NULL, &err),
            err);
        put_regions(60, 0, 20, 3, 77);
    }
    assert_int_equal(count_faults(archive, NULL), 0);
}

/* What an index answers is as good as it promises, folded or not. */
static void test_an_index_finds_regions(void **state)
{
    (void)state;
    static const kin_result *expected[10];
    size_t found = 0, wanted = 0;
    put_world();
    reindex(archive, "hnsw");
    for (unsigned seed = 0; seed < 40; seed++) {
        kin_search_options options = {.k = 10000, .fold = KIN_LEVEL_REGION, .exact = true};
        kin_results all = search_picture(archive, (int)(seed % 5), seed, options);
        size_t count = fold_by_hand(&all, 10, expected);
        options = (kin_search_options){.k = 10, .way = "index"};
        kin_results folded = search_picture(archive, (int)(seed % 5), seed, options);
        assert_int_equal(folded.count, 10);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < folded.count; j++)
                found += folded.items[j].record.id == expected[i]->record.id;
        wanted += count;
        kin_results_release(&folded);
        kin_results_release(&all);
    }
    assert_true((double)found >= 0.99 * (double)wanted);
}

static void test_every_region_may_be_a_result_of_its_own(void **state)
{
    (void)state;
    put_world();
    uint64_t rows = read_stats().rows;
    kin_results all =
        search_picture(archive, 1, 3, (kin_search_options){.k = 10000, .fold = KIN_LEVEL_REGION});
    assert_int_equal(all.count, rows);
    kin_results_release(&all);
    assert_int_equal(count_meeting("region > 0"), rows - IMAGES);
    assert_int_equal(count_meeting("region = 0"), IMAGES);
}

static void test_a_query_leaves_its_own_image_out_with_its_regions(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    put_many(archive, 0, 12, 3);
    put_one(archive, make_instance(20, 2, 0, 500));
    put_regions(20, 0, 1, 3, 100);
    put_regions(20, 1, 1, 1, 200);
    put_regions(3, 0, 2, 2, 300);
    for (uint32_t region = 0; region < 4; region++) {
        kin_search_options options = {.k = 100, .fold = KIN_LEVEL_REGION};
        kin_results results;
        assert_ok(kin_query_from_uid(archive, "1.2.3.20", 0, region, &query, &err), err);
        assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
        assert_int_equal(results.count, 12 + 2 + 2); /* the other frame is another image */
        for (size_t i = 0; i < results.count; i++)
            assert_true(strcmp(results.items[i].record.sop_instance_uid, "1.2.3.20") != 0 ||
                        results.items[i].record.frame == 1);
        kin_results_release(&results);
        kin_query_release(&query);
    }
    assert_int_equal(kin_query_from_uid(archive, "1.2.3.20", 0, 4, &query, &err), KIN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "no region 4"));
    assert_int_equal(kin_query_from_uid(archive, "1.2.3.20", 1, 2, &query, &err), KIN_E_NOT_FOUND);
}

/* A region asks with its own vector: its twin on another image is the nearest. */
static void test_a_region_asks_for_its_like(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    kin_results results;
    put_many(archive, 0, 12, 3);
    kin_instance pair[2];
    for (unsigned i = 0; i < 2; i++) {
        pair[i] =
            (kin_instance){.items = calloc(1, sizeof *pair[i].items), .count = 1, .regions = true};
        pair[i].items[0] = make_region(i, 0, 1, 1, 9, 400);
    }
    assert_ok(kin_archive_put(archive, pair, 2, &err), err);
    kin_instance_release(&pair[0]);
    kin_instance_release(&pair[1]);
    for (int by_object = 0; by_object < 2; by_object++) {
        kin_search_options options = {.k = 3};
        assert_ok(kin_query_from_uid(archive, by_object ? "9.1" : "1.2.3.0", 0, by_object ? 0 : 1,
                                     &query, &err),
                  err);
        assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
        assert_int_equal(results.count, 3);
        assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.1");
        assert_int_equal(results.items[0].record.region, 1);
        assert_true(results.items[0].score > 0.999f);
        assert_int_equal(results.items[1].record.region, 0);
        kin_results_release(&results);
        kin_query_release(&query);
    }
}

/* --- the whole archive --- */

static void test_a_backup_has_the_regions(void **state)
{
    (void)state;
    kin_error err;
    char path[PATH_MAX];
    kin_archive *copy = NULL;
    kin_archive_stats stats;
    put_world();
    reindex(archive, "flat");
    kin_archive_stats before = read_stats();
    snprintf(path, sizeof path, "%.3000s/backup", folder);
    assert_ok(kin_archive_backup(archive, path, &err), err);
    assert_ok(kin_archive_open(kin_fs_posix(), path, &copy, &err), err);
    assert_ok(kin_archive_stats_read(copy, &stats, &err), err);
    assert_int_equal(stats.images, before.images);
    assert_int_equal(stats.regions, before.regions);
    assert_true(stats.regions > 300);
    assert_int_equal(count_faults(copy, NULL), 0);
    kin_archive_close(copy);
}

static kin_status remove_image_alone(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    return kin_catalog_remove(txn, 1, err); /* put_many() has given it the id of its number */
}

static void test_verify_misses_an_image_of_a_region(void **state)
{
    (void)state;
    kin_error err;
    kin_catalog *catalog = NULL;
    char path[PATH_MAX];
    put_many(archive, 0, 3, 1);
    put_regions(1, 0, 1, 2, 100);
    kin_archive_close(archive);
    snprintf(path, sizeof path, "%.4000s/catalog", dir);
    assert_ok(kin_catalog_open(path, false, &catalog, &err), err);
    assert_ok(kin_catalog_write(catalog, remove_image_alone, NULL, &err), err);
    kin_catalog_close(catalog);
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    assert_int_equal(count_faults(archive, NULL), 2);
}

int main(void)
{
#define REGIONS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        REGIONS_TEST(test_regions_join_their_image),
        REGIONS_TEST(test_an_image_that_is_not_stored_has_no_regions),
        REGIONS_TEST(test_the_same_regions_again_change_nothing),
        REGIONS_TEST(test_another_outline_keeps_the_regions_number),
        REGIONS_TEST(test_an_objects_earlier_version_is_retired),
        REGIONS_TEST(test_regions_follow_their_images_description),
        REGIONS_TEST(test_another_picture_has_none_of_the_old_ones_regions),
        REGIONS_TEST(test_regions_are_deleted_with_their_images_or_their_object),
        REGIONS_TEST(test_an_images_own_label_names_no_object),
        REGIONS_TEST(test_a_files_images_are_whole_ones),
        REGIONS_TEST(test_values_are_counted_of_images_or_of_regions),
        REGIONS_TEST(test_images_are_folded_to_their_best_row),
        REGIONS_TEST(test_an_index_finds_regions),
        REGIONS_TEST(test_every_region_may_be_a_result_of_its_own),
        REGIONS_TEST(test_a_query_leaves_its_own_image_out_with_its_regions),
        REGIONS_TEST(test_a_region_asks_for_its_like),
        REGIONS_TEST(test_a_backup_has_the_regions),
        REGIONS_TEST(test_verify_misses_an_image_of_a_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
