/* costs_measure.c - the steps of a search, timed on made-up rows of the right shape. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <roaring/roaring.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "search/costs.h"
#include "simd/topk.h"

enum {
    ROWS_BYTES = 96 << 20, /* more than most caches hold */
    ROWS_MADE = 256,       /* which then repeat: only their places matter */
    AT_ONCE = 512,
    SCATTERED = 16 * AT_ONCE,
    ASKED = 1 << 16, /* questions to a bitmap */
    KEPT = 128,      /* of so many offered */
    OFFERED = 4096,
    SMALL_REPEATS = 8,
    REPEATS = 3 /* of which the fastest counts: the machine has other work */
};

struct bench {
    size_t rows, stride;
    unsigned char *bytes;
    kin_probe *probe;
    uint32_t
        at[REPEATS * SCATTERED]; /* rows here and there: others each time, or caches have them */
    size_t next;                 /* of them */
    float scores[AT_ONCE];
    volatile float kept; /* so that nothing is left out as unused */
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 8;
}

static kin_status fill(struct bench *bench, const kin_codec *codec, float *vector, size_t dim,
                       kin_error *err)
{
    uint32_t state = 1;
    size_t size = bench->rows * bench->stride, made = ROWS_MADE * bench->stride;
    for (size_t r = 0; r < ROWS_MADE; r++) {
        for (size_t d = 0; d < dim; d++)
            vector[d] = (float)next_random(&state) / (1 << 24) - 0.5f;
        kin_status status =
            kin_codec_encode(codec, vector, dim, bench->bytes + r * bench->stride, err);
        if (status != KIN_OK)
            return status;
    }
    for (size_t from = made; from < size; from += made)
        memcpy(bench->bytes + from, bench->bytes, size - from < made ? size - from : made);
    for (size_t i = 0; i < REPEATS * SCATTERED; i++)
        bench->at[i] = next_random(&state) % (uint32_t)bench->rows;
    return kin_probe_new(codec, vector, dim, &bench->probe, err);
}

/* Nanoseconds of a row among rows that follow each other. */
static double time_run(struct bench *bench)
{
    double began = kin_clock_monotonic();
    for (size_t r = 0; r + AT_ONCE <= bench->rows; r += AT_ONCE) {
        kin_probe_score_rows(bench->probe, bench->bytes + r * bench->stride, AT_ONCE,
                             bench->scores);
        bench->kept = bench->scores[0];
    }
    return 1e9 * (kin_clock_monotonic() - began) / (double)(bench->rows / AT_ONCE * AT_ONCE);
}

/* The same among rows that lie apart. */
static double time_scattered(struct bench *bench)
{
    const uint32_t *at = bench->at + bench->next % REPEATS * SCATTERED;
    double began = kin_clock_monotonic();
    bench->next++;
    for (size_t i = 0; i < SCATTERED; i += AT_ONCE) {
        kin_probe_score_gather(bench->probe, bench->bytes, at + i, AT_ONCE, bench->scores);
        bench->kept = bench->scores[0];
    }
    return 1e9 * (kin_clock_monotonic() - began) / SCATTERED;
}

static double fastest(struct bench *bench, double (*time)(struct bench *bench))
{
    double best = time(bench);
    for (int i = 1; i < REPEATS; i++) {
        double again = time(bench);
        best = again < best ? again : best;
    }
    return best;
}

static kin_status measure_rows(size_t dim, const kin_codec *codec, double *run, double *scattered,
                               kin_error *err)
{
    struct bench *bench = calloc(1, sizeof *bench);
    float *vector = malloc(dim * sizeof *vector);
    kin_status status = KIN_OK;
    if (bench != NULL) {
        bench->stride = kin_codec_stride(codec, dim);
        bench->rows = ROWS_BYTES / bench->stride;
        bench->rows = bench->rows < 2 * AT_ONCE ? 2 * AT_ONCE : bench->rows;
        bench->bytes = aligned_alloc(64, (bench->rows * bench->stride + 63) / 64 * 64);
    }
    if (bench == NULL || vector == NULL || bench->bytes == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to measure the machine");
    if (status == KIN_OK)
        status = fill(bench, codec, vector, dim, err);
    if (status == KIN_OK) {
        *run = fastest(bench, time_run);
        *scattered = fastest(bench, time_scattered);
    }
    if (bench != NULL) {
        kin_probe_free(bench->probe);
        free(bench->bytes);
    }
    free(vector);
    free(bench);
    return status;
}

/* Nanoseconds of a question to a bitmap of every other row, rows in no order. */
static double measure_member(int unused)
{
    uint32_t state = 7, hits = 0;
    (void)unused;
    roaring_bitmap_t *bitmap = roaring_bitmap_from_range(0, 1 << 20, 2);
    if (bitmap == NULL)
        return 0;
    double began = kin_clock_monotonic();
    for (int i = 0; i < ASKED; i++)
        hits += roaring_bitmap_contains(bitmap, next_random(&state) & ((1 << 20) - 1));
    double time = 1e9 * (kin_clock_monotonic() - began) / ASKED;
    roaring_bitmap_free(bitmap);
    return hits > 0 ? time : 0;
}

/* Nanoseconds of a row read from such a bitmap. */
static double measure_next_member(int unused)
{
    uint32_t ids[AT_ONCE], rows = 0;
    (void)unused;
    roaring_uint32_iterator_t at;
    roaring_bitmap_t *bitmap = roaring_bitmap_from_range(0, 1 << 18, 2);
    if (bitmap == NULL)
        return 0;
    double began = kin_clock_monotonic();
    roaring_init_iterator(bitmap, &at);
    for (uint32_t read; (read = roaring_read_uint32_iterator(&at, ids, AT_ONCE)) > 0;)
        rows += read;
    double time = 1e9 * (kin_clock_monotonic() - began);
    roaring_bitmap_free(bitmap);
    return rows > 0 ? time / rows : 0;
}

/* Nanoseconds of a candidate's way into and out of a heap, among some thousand scores in no order: of
 * n, c (1 + ln(n / c)) enter the best c on their way. */
static double measure_keep(int unused)
{
    uint32_t state = 11;
    double entries = KEPT * (1 + log((double)OFFERED / KEPT));
    (void)unused;
    kin_hit hits[KEPT];
    kin_topk top = {.hits = hits, .capacity = KEPT};
    double began = kin_clock_monotonic();
    for (uint32_t i = 0; i < OFFERED; i++)
        kin_topk_offer(&top, i, (float)next_random(&state));
    kin_topk_sort(&top);
    return 1e9 * (kin_clock_monotonic() - began) / entries;
}

static void nothing(void *ctx, size_t from, size_t to)
{
    (void)ctx;
    (void)from;
    (void)to;
}

static double measure_thread(int threads)
{
    if (threads < 2)
        return 0;
    double began = kin_clock_monotonic();
    kin_parallel_for((size_t)threads, 1, threads, nothing, NULL);
    return 1e9 * (kin_clock_monotonic() - began) / (threads - 1);
}

/* The least of some measurements; `otherwise` where nothing could be measured. */
static double least(double (*measure)(int), int argument, double otherwise)
{
    double best = measure(argument);
    for (int i = 1; i < SMALL_REPEATS; i++) {
        double again = measure(argument);
        best = again < best ? again : best;
    }
    return best > 0 ? best : otherwise;
}

kin_status kin_costs_measure(size_t dim, const kin_codec *codec, kin_costs *out, kin_error *err)
{
    kin_costs costs = kin_costs_default(dim, codec);
    kin_status status = measure_rows(dim, codec, &costs.scan_row, &costs.scatter_row, err);
    if (status == KIN_OK)
        status = measure_rows(dim, kin_codec_int8, &costs.scan_code, &costs.scatter_code, err);
    if (status != KIN_OK)
        return status;
    costs.beam_code = 2 * costs.scatter_code; /* until a tuning says */
    costs.member = least(measure_member, 0, costs.member);
    costs.next_member = least(measure_next_member, 0, costs.next_member);
    costs.keep = least(measure_keep, 0, costs.keep);
    costs.thread = least(measure_thread, costs.threads, costs.thread);
    *out = costs;
    return KIN_OK;
}
