/* Archives of invented images for tests: no decoder, no pixels, descriptors from a seed. */
#ifndef KIN_TEST_ARCHIVE_SUPPORT_H
#define KIN_TEST_ARCHIVE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "standard.h"
#include "image/read.h"
#include "image/write.h"
#include "random.h"
#include "temp_folder.h"

#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        kin_status got_ = (call);                                                                  \
        if (got_ != KIN_OK)                                                                        \
            print_error("%s: %s\n", (err).subject, (err).message);                                 \
        assert_int_equal(got_, KIN_OK);                                                            \
    } while (0)

/* A descriptor near the centre of its class: classes are far apart, seeds within one close
 * together. */
static inline float *make_descriptor(int class_number, uint64_t seed)
{
    size_t length = standard_length();
    float *descriptor = malloc(length * sizeof *descriptor);
    uint64_t centre = 1000 + (uint64_t)class_number, noise = seed * 7919 + 1;
    assert_non_null(descriptor);
    for (size_t i = 0; i < length; i++) {
        float at = random_unit(&centre);
        float off = random_unit(&noise) - 0.5f;
        descriptor[i] = at + 0.3f * off;
    }
    return descriptor;
}

/* A real, small JPEG that the seed makes: a preview. */
static inline void make_preview(uint64_t seed, void **out, size_t *size)
{
    kin_error err;
    kin_raster raster;
    uint64_t state = seed;
    assert_ok(kin_raster_init(&raster, 8, 6, 1, &err), err);
    for (int i = 0; i < 8 * 6; i++)
        raster.px[i] = random_unit(&state);
    assert_ok(kin_image_encode_jpeg(&raster, 90, out, size, &err), err);
    kin_raster_release(&raster);
}

/* An image of `instance` (its UID is made from the number), with a picture from (class, seed). */
static inline kin_item make_item(unsigned instance, uint32_t frame, int class_number, uint64_t seed)
{
    kin_item item = {0};
    char text[64];
    kin_error err;
    assert_ok(kin_record_init(&item.record, &err), err);
    snprintf(text, sizeof text, "1.2.3.%u", instance);
    assert_ok(kin_record_set(&item.record.sop_instance_uid, text, &err), err);
    snprintf(text, sizeof text, "1.2.4.%u", instance / 3);
    assert_ok(kin_record_set(&item.record.series_instance_uid, text, &err), err);
    snprintf(text, sizeof text, "1.2.5.%u", instance / 6);
    assert_ok(kin_record_set(&item.record.study_instance_uid, text, &err), err);
    snprintf(text, sizeof text, "P%u", instance / 12);
    assert_ok(kin_record_set(&item.record.patient_id, text, &err), err);
    assert_ok(kin_record_set(&item.record.modality, instance % 2 ? "CT" : "MR", &err), err);
    snprintf(text, sizeof text, "/invented/%u.dcm", instance);
    assert_ok(kin_record_set(&item.record.path, text, &err), err);
    snprintf(text, sizeof text, "class%d", class_number);
    assert_ok(kin_record_set_label(&item.record, "diagnosis", text, &err), err);
    item.record.frame = frame;
    item.record.width = item.record.height = 64;
    item.descriptor = make_descriptor(class_number, seed);
    item.record.content =
        kin_digest_of(item.descriptor, standard_length() * sizeof *item.descriptor);
    item.record.file = item.record.content;
    make_preview(seed, &item.preview, &item.preview_size);
    return item;
}

/* An instance of `frames` frames, each of the class. */
static inline kin_instance make_instance(unsigned instance, uint32_t frames, int class_number,
                                         uint64_t seed)
{
    kin_instance made = {
        .items = calloc(frames, sizeof(kin_item)), .count = frames, .complete = true};
    assert_non_null(made.items);
    for (uint32_t frame = 0; frame < frames; frame++)
        made.items[frame] = make_item(instance, frame, class_number, seed + frame);
    return made;
}

static inline kin_put_outcome put_one(kin_archive *archive, kin_instance instance)
{
    kin_error err;
    assert_ok(kin_archive_put(archive, &instance, 1, &err), err);
    kin_put_outcome outcome = instance.outcome;
    kin_instance_release(&instance);
    return outcome;
}

/* Puts images [from, to), one frame each, classes in turn, in one batch. */
static inline void put_many(kin_archive *archive, unsigned from, unsigned to, int classes)
{
    kin_error err;
    kin_instance *instances = calloc(to - from, sizeof *instances);
    assert_non_null(instances);
    for (unsigned i = from; i < to; i++)
        instances[i - from] = make_instance(i, 1, (int)(i % (unsigned)classes), i);
    assert_ok(kin_archive_put(archive, instances, to - from, &err), err);
    for (unsigned i = from; i < to; i++) {
        assert_int_equal(instances[i - from].outcome, KIN_PUT_STORED);
        kin_instance_release(&instances[i - from]);
    }
    free(instances);
}

/* Makes and opens an archive at dir. */
static inline kin_archive *new_archive(const char *dir)
{
    kin_error err;
    kin_archive *archive = NULL;
    assert_ok(kin_archive_init(kin_fs_posix(), dir, &(kin_archive_settings){.dim = 32}, &err), err);
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    return archive;
}

static inline void print_fault(void *ctx, const char *text)
{
    (void)ctx;
    print_message("fault: %s\n", text);
}

static inline uint64_t count_faults(kin_archive *archive, uint64_t *images)
{
    kin_error err;
    uint64_t faults = 0, found = 0;
    assert_ok(kin_archive_verify(archive, print_fault, NULL, &faults, &found, &err), err);
    if (images != NULL)
        *images = found;
    return faults;
}

static inline kin_reindex_report reindex(kin_archive *archive, const char *kind)
{
    kin_error err;
    kin_reindex_report report;
    kin_reindex_options options = {.index_kind = kind, .check_queries = 50};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    return report;
}

/* The stored preview is the one that the seed makes. */
static inline void assert_preview(kin_archive *archive, const char *uid, uint32_t frame,
                                  uint64_t seed)
{
    kin_error err;
    kin_raster stored, made;
    void *bytes = NULL;
    size_t size;
    make_preview(seed, &bytes, &size);
    assert_ok(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &made, &err), err);
    free(bytes);
    assert_ok(kin_archive_preview(archive, uid, frame, &stored, &err), err);
    assert_int_equal(stored.width, made.width);
    assert_int_equal(stored.height, made.height);
    assert_int_equal(stored.channels, made.channels);
    assert_memory_equal(stored.px, made.px, 8 * 6 * sizeof *made.px);
    kin_raster_release(&stored);
    kin_raster_release(&made);
}

/* The k most similar of (class, seed)'s picture, as a file that is not stored would ask. */
static inline kin_results search_picture(kin_archive *archive, int class_number, uint64_t seed,
                                         kin_search_options options)
{
    kin_error err;
    kin_results results;
    kin_query query = {.name = (char *)"picture",
                       .patient_id = (char *)"",
                       .descriptor = make_descriptor(class_number, seed),
                       .self = KIN_QUERY_NOT_STORED};
    assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
    free(query.descriptor);
    return results;
}

static inline kin_condition *parse_condition(const char *text)
{
    kin_error err;
    kin_condition *condition = NULL;
    assert_ok(kin_condition_parse(text, &condition, &err), err);
    return condition;
}

#endif
