/* samples.h - seeded random records, and catalogs in folders of their own, for tests. */
#ifndef KIN_TEST_CATALOG_SAMPLES_H
#define KIN_TEST_CATALOG_SAMPLES_H

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "random.h"
#include "temp_folder.h"

#define assert_ok(status) assert_int_equal((status), KIN_OK)

/* --- random numbers --- */

typedef struct rng {
    uint64_t state;
} rng;

static inline uint64_t rng_next(rng *random)
{
    return random_bits(&random->state);
}

static inline unsigned rng_below(rng *random, unsigned bound)
{
    return (unsigned)(rng_next(random) % bound);
}

/* --- values --- */

enum { SAMPLE_VALUE_SIZE = 700 };

/* Names that random labels have. */
static const char *const sample_names[] = {"age",  "dose",  "diagnosis", "follow-up", "Größe",
                                           "note", "grade", "seen",      "a",         "a.b"};
enum { SAMPLE_NAMES = sizeof sample_names / sizeof sample_names[0] };

/*
 * A value out of few, so that images share them: words, numbers in several spellings, dates whole
 * and partial, and long ones which differ only behind what a key of the index can hold.
 */
static inline void sample_value(rng *random, char value[SAMPLE_VALUE_SIZE])
{
    static const char *const some[] = {
        "CT",      "MR",     "glioma",   "no tumour", "It's",       "\"x\"",      "Zürich",
        "and",     "7",      "007",      "7.0",       "70e-1",      "-3",         "0",
        "-0",      "12.5",   "20200131", "20200229",  "2020-02-29", "2019-12-31", "20191231",
        "2020",    "202002", "2020-02",  "2019",      "1e3",        "1000",       "99999999",
        "1.2.840", "a b\tc", "%",        "NULL"};
    unsigned kind = rng_below(random, 10);
    if (kind < 7) {
        snprintf(value, SAMPLE_VALUE_SIZE, "%s",
                 some[rng_below(random, sizeof some / sizeof some[0])]);
    } else if (kind < 9) {
        snprintf(value, SAMPLE_VALUE_SIZE, "%u", rng_below(random, 40));
    } else {
        /* 470 to 530 bytes: short of, at and past the bound of a key; the tail is from few. */
        int length = 470 + (int)rng_below(random, 60);
        memset(value, 'x', (size_t)length);
        snprintf(value + length, SAMPLE_VALUE_SIZE - (size_t)length, "%c",
                 'a' + (char)rng_below(random, 3));
    }
}

static inline void sample_labels(rng *random, kin_record *record)
{
    char value[SAMPLE_VALUE_SIZE];
    for (unsigned i = rng_below(random, 6); i > 0; i--) {
        sample_value(random, value);
        if (rng_below(random, 8) == 0)
            value[0] = '\0';
        assert_ok(kin_record_set_label(record, sample_names[rng_below(random, SAMPLE_NAMES)], value,
                                       NULL));
    }
}

/* Sets some fields of a record, leaving others as they are. */
static inline void sample_fields(rng *random, kin_record *record)
{
    static const char *const modalities[] = {"CT", "MR", "PT", ""};
    char text[SAMPLE_VALUE_SIZE];
    snprintf(text, sizeof text, "1.2.3.%u", rng_below(random, 100000));
    assert_ok(kin_record_set(&record->sop_instance_uid, text, NULL));
    snprintf(text, sizeof text, "1.2.%u", rng_below(random, 30));
    assert_ok(kin_record_set(&record->study_instance_uid, text, NULL));
    snprintf(text, sizeof text, "%0*u", 1 + (int)rng_below(random, 3), rng_below(random, 9));
    assert_ok(kin_record_set(&record->patient_id, text, NULL));
    assert_ok(kin_record_set(&record->modality, modalities[rng_below(random, 4)], NULL));
    snprintf(text, sizeof text, "20%02u%02u%02u", rng_below(random, 3) + 18,
             rng_below(random, 12) + 1, rng_below(random, 28) + 1);
    assert_ok(kin_record_set(&record->study_date, rng_below(random, 4) > 0 ? text : "", NULL));
    sample_value(random, text);
    assert_ok(kin_record_set(&record->outcome, rng_below(random, 2) > 0 ? text : "", NULL));
    snprintf(text, sizeof text, "/archive/%0*u", 490 + (int)rng_below(random, 8),
             rng_below(random, 20));
    assert_ok(kin_record_set(&record->path, rng_below(random, 3) > 0 ? "/short" : text, NULL));
    record->frame = rng_below(random, 3);
    record->width = 128u << rng_below(random, 3);
    record->height = record->width;
    record->file = (kin_digest){.low = rng_below(random, 50), .high = 1};
    record->content = (kin_digest){.low = rng_next(random), .high = rng_next(random)};
    record->ingested_us = (int64_t)rng_next(random);
    record->uploaded = (record->ingested_us & 1) != 0;
    record->region = (uint32_t)(((uint64_t)record->ingested_us >> 1) % 3);
}

static inline void sample_record(rng *random, kin_record *record)
{
    assert_ok(kin_record_init(record, NULL));
    sample_fields(random, record);
    sample_labels(random, record);
}

/* True when both would be packed into the same bytes, under the same id. */
static inline bool records_equal(const kin_record *a, const kin_record *b)
{
    void *bytes_a, *bytes_b;
    size_t size_a, size_b;
    assert_ok(kin_record_pack(a, &bytes_a, &size_a, NULL));
    assert_ok(kin_record_pack(b, &bytes_b, &size_b, NULL));
    bool equal = a->id == b->id && size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
    free(bytes_a);
    free(bytes_b);
    return equal;
}

/* --- catalogs --- */

typedef struct sample_catalog {
    char dir[PATH_MAX];
    kin_catalog *catalog;
} sample_catalog;

static inline void sample_open(sample_catalog *sample)
{
    kin_error err = {0};
    kin_status status = kin_catalog_open(sample->dir, true, &sample->catalog, &err);
    if (status != KIN_OK)
        print_error("%s\n", err.message);
    assert_ok(status);
}

static inline void sample_make(sample_catalog *sample)
{
    temp_folder_make(sample->dir);
    sample_open(sample);
}

static inline void sample_drop(sample_catalog *sample)
{
    kin_catalog_close(sample->catalog);
    temp_folder_remove(sample->dir);
}

/* --- other processes --- */

/*
 * fork(), in whose child a crash is one: cmocka's handlers, which it would inherit, make a failed
 * test of it, go on, and end in an exit status.
 */
static inline pid_t sample_fork(void)
{
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
    pid_t child = fork();
    assert_true(child >= 0);
    for (size_t i = 0; child == 0 && i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    return child;
}

/* A body for kin_catalog_write() that puts `count` random records. */
typedef struct sample_batch {
    uint64_t seed;
    unsigned count, runs; /* runs: how often the body was called */
} sample_batch;

static inline kin_status sample_put_batch(kin_txn *txn, void *ctx, kin_error *err)
{
    sample_batch *batch = ctx;
    rng random = {batch->seed};
    batch->runs++;
    for (unsigned i = 0; i < batch->count; i++) {
        kin_record record;
        sample_record(&random, &record);
        kin_status status = kin_catalog_put(txn, &record, err);
        kin_record_release(&record);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static inline void print_fault(void *ctx, const char *fault)
{
    (void)ctx;
    print_message("fault: %s\n", fault);
}

/* Faults that verify finds. */
static inline uint64_t sample_verify(kin_catalog *catalog)
{
    kin_txn *txn;
    uint64_t faults = UINT64_MAX;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    assert_ok(kin_catalog_verify(txn, print_fault, NULL, &faults, NULL));
    kin_txn_end(txn);
    return faults;
}

static inline uint64_t sample_rows(kin_catalog *catalog)
{
    kin_txn *txn;
    uint64_t rows;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    assert_ok(kin_catalog_rows(txn, &rows, NULL));
    kin_txn_end(txn);
    return rows;
}

#endif
