#include "steady_images.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "features/features.h"
#include "seeded.h"
#include "synthetic.h"
#include "timing.h"

enum { BASES = 512, FRAMES_A_STUDY = 8, STUDIES_A_PATIENT = 3, PUTS_MAX = 1 << 20 };

struct bench_image_maker {
    uint64_t seed;
    size_t length;
    float *bases; /* BASES descriptors */
};

kin_status bench_image_maker_new(uint64_t seed, bench_image_maker **out, kin_error *err)
{
    bench_synthetic *synthetic = NULL;
    bench_image_maker *maker = calloc(1, sizeof *maker);
    *out = maker;
    if (maker == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for made-up images");
    maker->seed = seed;
    kin_extractor *extractor = NULL;
    kin_status status = kin_extractor_new(NULL, &extractor, err);
    if (status == KIN_OK) {
        maker->length = kin_extractor_length(extractor);
        maker->bases = calloc(BASES, maker->length * sizeof *maker->bases);
        if (maker->bases == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for made-up images");
    }
    kin_extractor_free(extractor);
    const bench_synthetic_options options = {
        .shape = BENCH_MANIFOLD, .dim = maker->length, .seed = seed};
    if (status == KIN_OK)
        status = bench_synthetic_new(&options, &synthetic, err);
    for (uint64_t b = 0; status == KIN_OK && b < BASES; b++)
        bench_synthetic_row(synthetic, b, maker->bases + b * maker->length);
    bench_synthetic_free(synthetic);
    if (status != KIN_OK) {
        bench_image_maker_free(maker);
        *out = NULL;
    }
    return status;
}

void bench_image_maker_free(bench_image_maker *maker)
{
    if (maker != NULL)
        free(maker->bases);
    free(maker);
}

/* --- one image --- */

/* Three bases mixed in random parts: neighbours are those of the same bases. */
static float *mix(const bench_image_maker *maker, uint64_t number)
{
    uint64_t state = bench_random_stream(maker->seed, number);
    const float *parts[3];
    float weights[3];
    float *out = malloc(maker->length * sizeof *out);
    for (int p = 0; p < 3; p++) {
        parts[p] = maker->bases + bench_random_bits(&state) % BASES * maker->length;
        weights[p] = (float)bench_random_between(&state, p == 0 ? 1 : 0.1, p == 0 ? 2 : 1);
    }
    for (size_t i = 0; out != NULL && i < maker->length; i++)
        out[i] = weights[0] * parts[0][i] + weights[1] * parts[1][i] + weights[2] * parts[2][i];
    return out;
}

static kin_status describe(kin_record *record, uint64_t number, kin_error *err)
{
    static const char *const modalities[] = {"CT", "MR", "US", "MG", "SM"};
    unsigned long long n = number, study = n / FRAMES_A_STUDY;
    const struct {
        char **field;
        const char *format;
        unsigned long long value;
    } fields[] = {
        {&record->sop_instance_uid, "1.2.826.0.1.3680043.10.1.%llu", n},
        {&record->series_instance_uid, "1.2.826.0.1.3680043.10.2.%llu", study},
        {&record->study_instance_uid, "1.2.826.0.1.3680043.10.3.%llu", study},
        {&record->patient_id, "made-up-%llu", study / STUDIES_A_PATIENT},
        {&record->path, "/made-up/%llu.dcm", n},
    };
    char text[96];
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < sizeof fields / sizeof fields[0]; i++) {
        snprintf(text, sizeof text, fields[i].format, fields[i].value);
        status = kin_record_set(fields[i].field, text, err);
    }
    snprintf(text, sizeof text, "diagnosis %llu", study % 20);
    if (status == KIN_OK)
        status = kin_record_set(&record->modality, modalities[study % 5], err);
    return status == KIN_OK ? kin_record_set_label(record, "diagnosis", text, err) : status;
}

static kin_status make(const bench_image_maker *maker, uint64_t number, kin_instance *out,
                       kin_error *err)
{
    *out = (kin_instance){.items = calloc(1, sizeof *out->items), .complete = true};
    if (out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image");
    kin_item *item = &out->items[0];
    kin_status status = kin_record_init(&item->record, err);
    if (status != KIN_OK)
        return status;
    out->count = 1;
    item->descriptor = mix(maker, number);
    if (item->descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image");
    item->record.width = item->record.height = 512;
    item->record.content =
        kin_digest_of(item->descriptor, maker->length * sizeof *item->descriptor);
    item->record.file = item->record.content;
    return describe(&item->record, number, err);
}

kin_status bench_images_put(const bench_image_maker *maker, kin_archive *archive, uint64_t first,
                            size_t count, kin_error *err)
{
    kin_instance *instances = calloc(count, sizeof *instances);
    kin_status status =
        instances != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for images");
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = make(maker, first + i, &instances[i], err);
    if (status == KIN_OK)
        status = kin_archive_put(archive, instances, count, err);
    for (size_t i = 0; instances != NULL && i < count; i++)
        kin_instance_release(&instances[i]);
    free(instances);
    return status;
}

/* --- steadily --- */

static void sleep_until(double moment)
{
    double left = moment - kin_clock_monotonic();
    if (left <= 0)
        return;
    struct timespec time = {(time_t)left, (long)(1e9 * (left - (double)(time_t)left))};
    nanosleep(&time, NULL);
}

static bool is_over(const bench_inserting *inserting, double began)
{
    return kin_clock_monotonic() - began >= inserting->seconds ||
           (inserting->stop != NULL && atomic_load(inserting->stop));
}

kin_status bench_insert_steadily(bench_inserting *inserting, kin_error *err)
{
    double interval = (double)inserting->batch / inserting->rate, began = kin_clock_monotonic();
    double next = began;
    size_t puts = 0;
    double *durations = calloc(PUTS_MAX, sizeof *durations);
    kin_status status =
        durations != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for timings");
    while (status == KIN_OK && puts < PUTS_MAX && !is_over(inserting, began)) {
        double put_began = kin_clock_monotonic();
        status = bench_images_put(inserting->maker, inserting->archive,
                                  inserting->first + inserting->inserted, inserting->batch, err);
        double now = kin_clock_monotonic();
        durations[puts++] = now - put_began;
        if (status == KIN_OK)
            inserting->inserted += inserting->batch;
        next = next + interval > now - interval ? next + interval : now;
        sleep_until(next);
    }
    inserting->took = kin_clock_monotonic() - began;
    if (status == KIN_OK) {
        bench_timing timing = bench_timing_of(durations, puts);
        inserting->put_p50 = timing.p50 / 1e3;
        inserting->put_worst = timing.worst / 1e3;
    }
    free(durations);
    return status;
}
