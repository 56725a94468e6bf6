/* bench_parts.c - lesions of the same kind found by one another, described by different parts. */
#include "bench_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "embed/embed.h"
#include "features/parts.h"
#include "image/read.h"
#include "lesions.h"
#include "paired.h"

enum { FILE_MAX_BYTES = 1 << 28, CORNERS = 72, PARTS = 3 };

static const struct {
    const char *name;
    float weights[PARTS]; /* lesion, ring, whole: kin_part_weights */
} variants[] = {
    {"whole", {0, 0, 1}},
    {"lesion with its margin", {1, 0, 0}},
    {"ring", {0, 1, 0}},
    {"lesion + 1/2 ring", {1, 0.5f, 0}},
    {"lesion + 1/2 whole", {1, 0, 0.5f}},
    {"lesion + 1/4 ring + 1/2 whole", {1, 0.25f, 0.5f}},
};

/* A set's lesions, described: of each its parts one after another. */
typedef struct measurement {
    bench_lesions lesions;
    size_t length;
    float *parts; /* count * PARTS * length */
    float *rows;  /* of a variant, then the wholes: 2 * count * length */
    float *embeddings;
} measurement;

static void release(measurement *m)
{
    bench_lesions_release(&m->lesions);
    free(m->parts);
    free(m->rows);
    free(m->embeddings);
    *m = (measurement){0};
}

static kin_status read_picture(const char *path, kin_raster *out, kin_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    const kin_image_limits limits = kin_image_limits_effective(NULL);
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, FILE_MAX_BYTES, &bytes, &size, err);
    if (status != KIN_OK)
        return status;
    const kin_image_format *format = kin_image_format_of(bytes, size);
    status = format != NULL ? format->read(bytes, size, 0, &limits, out, err)
                            : kin_fail(err, KIN_E_FORMAT, path, "no picture");
    free(bytes);
    return status;
}

static kin_status mark(const bench_lesion *lesion, const kin_raster *picture, kin_mask *out,
                       kin_error *err)
{
    double corners[2 * CORNERS];
    for (int i = 0; i < CORNERS; i++) {
        double angle = 2 * M_PI * i / CORNERS;
        corners[2 * i] = (lesion->x + lesion->radius_x * cos(angle)) * picture->width;
        corners[2 * i + 1] = (lesion->y + lesion->radius_y * sin(angle)) * picture->height;
    }
    kin_status status = kin_mask_init(out, picture->width, picture->height, err);
    if (status == KIN_OK)
        kin_mask_add_polygon(out, corners, CORNERS);
    return status;
}

static kin_status describe(const kin_extractor *extractor, const bench_lesion *lesion, float *parts,
                           kin_error *err)
{
    static const kin_part_weights alone[PARTS] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    kin_raster picture = {0};
    kin_mask mask = {0};
    kin_status status = read_picture(lesion->path, &picture, err);
    if (status == KIN_OK)
        status = mark(lesion, &picture, &mask, err);
    for (size_t i = 0; status == KIN_OK && i < PARTS; i++)
        status = kin_describe_region(extractor, &picture, &mask, alone[i], NULL,
                                     parts + i * kin_extractor_length(extractor), err);
    kin_mask_release(&mask);
    kin_raster_release(&picture);
    return status;
}

static const float *row_of(void *ctx, size_t i, kin_error *err)
{
    const measurement *m = ctx;
    (void)err;
    return m->rows + i * m->length;
}

/* The rows of a variant, embedded by a model that is learnt from them and the wholes. */
static kin_status embed(measurement *m, const char *signature, const float weights[PARTS],
                        size_t *dim, kin_error *err)
{
    size_t count = m->lesions.count, n = m->length;
    float sum = weights[0] + weights[1] + weights[2];
    kin_embedder *embedder = NULL;
    for (size_t i = 0; i < count; i++) {
        const float *parts = m->parts + i * PARTS * n;
        for (size_t k = 0; k < n; k++)
            m->rows[i * n + k] = (weights[0] * parts[k] + weights[1] * parts[n + k] +
                                  weights[2] * parts[2 * n + k]) /
                                 sum;
        memcpy(m->rows + (count + i) * n, parts + 2 * n, n * sizeof(float));
    }
    const kin_embed_rows rows = {.count = 2 * count, .input = n, .row = row_of, .ctx = m};
    kin_status status = kin_embedder_train(signature, &rows, NULL, &embedder, err);
    if (status == KIN_OK) {
        *dim = kin_embedder_dim(embedder);
        free(m->embeddings);
        m->embeddings = calloc(count * *dim, sizeof(float));
        status = m->embeddings != NULL
                     ? kin_embedder_apply(embedder, m->rows, count, m->embeddings, err)
                     : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for embeddings");
    }
    kin_embedder_free(embedder);
    return status;
}

typedef struct hit {
    double score;
    bool right;
} hit;

static int by_score(const void *a, const void *b)
{
    double x = ((const hit *)a)->score, y = ((const hit *)b)->score;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Average precision of one lesion among those of other patients, and whether the first is right. */
static void judge(const measurement *m, size_t dim, size_t query, hit *hits, double *precision,
                  bool *first)
{
    const bench_lesion *asked = &m->lesions.list[query];
    size_t count = 0, right = 0;
    for (size_t i = 0; i < m->lesions.count; i++) {
        const bench_lesion *lesion = &m->lesions.list[i];
        if (strcmp(lesion->patient, asked->patient) == 0)
            continue;
        hits[count] = (hit){.right = strcmp(lesion->kind, asked->kind) == 0};
        for (size_t k = 0; k < dim; k++)
            hits[count].score +=
                (double)m->embeddings[query * dim + k] * m->embeddings[i * dim + k];
        count++;
    }
    qsort(hits, count, sizeof *hits, by_score);
    *precision = 0;
    for (size_t i = 0; i < count; i++)
        if (hits[i].right)
            *precision += (double)++right / (double)(i + 1);
    *first = count > 0 && hits[0].right;
    *precision /= right > 0 ? (double)right : 1;
}

/* Judges every lesion under a variant: average precision and whether the first is right, 0 for both
 * where there is none of its kind among other patients. */
static kin_status judge_all(const measurement *m, size_t dim, double *precisions, double *firsts,
                            kin_error *err)
{
    hit *hits = calloc(m->lesions.count, sizeof *hits);
    if (hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank");
    for (size_t i = 0; i < m->lesions.count; i++) {
        bool first;
        judge(m, dim, i, hits, &precisions[i], &first);
        firsts[i] = first;
    }
    free(hits);
    return KIN_OK;
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count > 0 ? sum / (double)count : 0;
}

/* The first lesion of each one's patient stands for the patient. */
static void group_patients(const bench_lesions *lesions, size_t *group)
{
    for (size_t i = 0; i < lesions->count; i++) {
        group[i] = 0;
        while (strcmp(lesions->list[group[i]].patient, lesions->list[i].patient) != 0)
            group[i]++;
    }
}

/* Prints a variant's measures, and what they gain over the first variant's. */
static kin_status report(measurement *m, const char *signature, size_t variant, double *base,
                         const size_t *group, kin_error *err)
{
    size_t dim = 0, count = m->lesions.count;
    double *found = calloc(2 * count, sizeof *found);
    bench_gain map = {0}, p1 = {0};
    if (found == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for measures");
    kin_status status = embed(m, signature, variants[variant].weights, &dim, err);
    if (status == KIN_OK)
        status = judge_all(m, dim, found, found + count, err);
    if (status == KIN_OK && variant == 0)
        memcpy(base, found, 2 * count * sizeof *found);
    if (status == KIN_OK)
        status = bench_paired_gain(base, found, group, count, &map, err);
    if (status == KIN_OK)
        status = bench_paired_gain(base + count, found + count, group, count, &p1, err);
    if (status == KIN_OK)
        printf("  %-30s mAP %.3f %+.3f (%+.3f to %+.3f)  P@1 %.3f %+.3f (%+.3f to %+.3f)\n",
               variants[variant].name, mean(found, count), map.mean, map.low, map.high,
               mean(found + count, count), p1.mean, p1.low, p1.high);
    free(found);
    return status;
}

static kin_status report_all(measurement *m, const char *signature, kin_error *err)
{
    size_t count = m->lesions.count;
    double *base = calloc(2 * count, sizeof *base);
    size_t *group = calloc(count, sizeof *group);
    kin_status status = base != NULL && group != NULL
                            ? KIN_OK
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for measures");
    if (status == KIN_OK)
        group_patients(&m->lesions, group);
    for (size_t i = 0; status == KIN_OK && i < sizeof variants / sizeof variants[0]; i++)
        status = report(m, signature, i, base, group, err);
    free(group);
    free(base);
    return status;
}

static kin_status measure(const kin_extractor *extractor, const char *name, measurement *m,
                          kin_error *err)
{
    size_t count = m->lesions.count;
    m->length = kin_extractor_length(extractor);
    m->parts = calloc(count * PARTS, m->length * sizeof(float));
    m->rows = calloc(count * 2, m->length * sizeof(float));
    if (m->parts == NULL || m->rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for descriptors");
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = describe(extractor, &m->lesions.list[i], m->parts + i * PARTS * m->length, err);
    if (status != KIN_OK)
        return status;
    printf("%s: %zu lesions; gains over the whole image, with 95%% intervals over patients\n", name,
           count);
    return report_all(m, kin_extractor_signature_borrow(extractor), err);
}

int bench_parts_main(int argc, char **argv)
{
    const char *data = argc == 3 && strcmp(argv[1], "--data") == 0 ? argv[2] : "../shared/data";
    static const struct {
        const char *name;
        kin_status (*read)(const char *data, bench_lesions *out, kin_error *err);
    } sets[] = {{"brain MRI, type of tumour", bench_lesions_brain},
                {"mammograms, type of finding", bench_lesions_films}};
    kin_extractor *extractor = NULL;
    kin_error err = {0};
    if (argc != 1 && argc != 3) {
        fprintf(stderr, "usage: kindred-bench parts [--data FOLDER]\n");
        return 2;
    }
    kin_status status = kin_extractor_new(NULL, &extractor, &err);
    for (size_t i = 0; status == KIN_OK && i < sizeof sets / sizeof sets[0]; i++) {
        measurement m = {0};
        status = sets[i].read(data, &m.lesions, &err);
        if (status == KIN_OK)
            status = measure(extractor, sets[i].name, &m, &err);
        release(&m);
    }
    kin_extractor_free(extractor);
    if (status != KIN_OK)
        fprintf(stderr, "kindred-bench: %s: %s\n", err.subject, err.message);
    return status == KIN_OK ? 0 : 1;
}
