#include "vectors_make.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "features/features.h"
#include "formats.h"
#include "views.h"

enum { EMBED_AT_ONCE = 1024, TELL_EVERY = 1000 };

bench_row_origin bench_row_origin_of(const bench_rows_wish *wish, size_t row)
{
    return (bench_row_origin){
        .image = wish->chosen[row % wish->image_count],
        .view = wish->first_view + (uint32_t)(row / wish->image_count),
    };
}

/* --- describing --- */

struct describing {
    const bench_rows_wish *wish;
    const kin_extractor *extractor;
    float *rows; /* the whole file, mapped */
    size_t length;
    bool tell;
    atomic_size_t done;
    atomic_bool failed;
    pthread_mutex_t lock; /* of the error */
    kin_status status;
    kin_error err;
};

static void fail(struct describing *work, kin_status status, const kin_error *err)
{
    pthread_mutex_lock(&work->lock);
    if (work->status == KIN_OK) {
        work->status = status;
        work->err = *err;
    }
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->failed, true);
}

static void tell(struct describing *work)
{
    size_t done = atomic_fetch_add(&work->done, 1) + 1;
    if (work->tell && (done % TELL_EVERY == 0 || done == work->wish->count))
        fprintf(stderr, "\rdescribed %zu of %zu%s", done, work->wish->count,
                done == work->wish->count ? "\n" : "");
}

static kin_status describe_view(const kin_extractor *extractor, const kin_raster *image,
                                const bench_view *view, float *out, kin_error *err)
{
    kin_raster raster = {0};
    kin_status status = bench_view_make(image, view, &raster, err);
    if (status == KIN_OK)
        status = kin_extractor_describe(extractor, &raster, out, err);
    kin_raster_release(&raster);
    return status;
}

/* All rows of one image: it is decoded once. */
static kin_status describe_image(struct describing *work, size_t nth, kin_error *err)
{
    const bench_rows_wish *wish = work->wish;
    const bench_image *image = &wish->images[wish->chosen[nth]];
    kin_raster raster = {0};
    kin_status status = bench_image_load(image, &raster, err);
    for (size_t row = nth; status == KIN_OK && row < wish->count && !atomic_load(&work->failed);
         row += wish->image_count) {
        uint32_t number = bench_row_origin_of(wish, row).view;
        float *out = work->rows + row * work->length;
        if (number == 0) {
            status = kin_extractor_describe(work->extractor, &raster, out, err);
        } else {
            /* By the image's digest, so that a view does not depend on what else was listed. */
            bench_view view = bench_view_draw(wish->seed, image->pixels, number, image->colour);
            status = describe_view(work->extractor, &raster, &view, out, err);
        }
        tell(work);
    }
    kin_raster_release(&raster);
    return status;
}

static void describe_some(void *ctx, size_t from, size_t to)
{
    struct describing *work = ctx;
    kin_error err;
    for (size_t i = from; i < to && !atomic_load(&work->failed); i++) {
        kin_error_clear(&err);
        kin_status status = describe_image(work, i, &err);
        if (status != KIN_OK)
            fail(work, status, &err);
    }
}

static kin_status map_file(const char *folder, size_t size, bench_descriptors *out, float **rows,
                           kin_error *err)
{
    out->file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (out->file < 0)
        return kin_fail_errno(err, folder, "cannot make a temporary file");
    /* Room now: a disk that is full later would be a fault of the mapping. */
    int reason = posix_fallocate(out->file, 0, (off_t)size);
    if (reason != 0) {
        errno = reason;
        return kin_fail_errno(err, folder, "no room for %zu bytes of descriptors", size);
    }
    void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, out->file, 0);
    if (mapping == MAP_FAILED)
        return kin_fail_errno(err, folder, "cannot map the descriptors");
    *rows = mapping;
    out->rows = mapping;
    return KIN_OK;
}

static kin_status describe_all(const bench_rows_wish *wish, const kin_extractor *extractor,
                               const char *folder, bench_descriptors *out, kin_error *err)
{
    struct describing work = {.wish = wish,
                              .extractor = extractor,
                              .length = kin_extractor_length(extractor),
                              .tell = isatty(STDERR_FILENO),
                              .lock = PTHREAD_MUTEX_INITIALIZER};
    size_t size;
    *out = (bench_descriptors){.file = -1, .count = wish->count, .length = work.length};
    if (wish->image_count == 0 || wish->count == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "no images to make vectors of");
    if (!kin_mul_size(wish->count, work.length * sizeof *work.rows, &size))
        return kin_fail(err, KIN_E_LIMIT, NULL, "too many vectors");
    kin_status status = map_file(folder, size, out, &work.rows, err);
    if (status == KIN_OK) {
        size_t images = wish->image_count < wish->count ? wish->image_count : wish->count;
        kin_parallel_for(images, 1, wish->threads, describe_some, &work);
        status = work.status;
        if (status != KIN_OK && err != NULL)
            *err = work.err;
    }
    if (status != KIN_OK)
        bench_descriptors_close(out);
    return status;
}

kin_status bench_descriptors_make(const bench_rows_wish *wish, const char *folder,
                                  bench_descriptors *out, kin_error *err)
{
    kin_extractor *extractor = NULL;
    kin_status status = kin_extractor_new(NULL, &extractor, err);
    if (status == KIN_OK)
        status = describe_all(wish, extractor, folder, out, err);
    kin_extractor_free(extractor);
    return status;
}

void bench_descriptors_close(bench_descriptors *descriptors)
{
    if (descriptors->rows != NULL)
        munmap((void *)descriptors->rows,
               descriptors->count * descriptors->length * sizeof *descriptors->rows);
    if (descriptors->file >= 0)
        close(descriptors->file);
    *descriptors = (bench_descriptors){.file = -1};
}

/* --- learning and embedding --- */

static const float *row_at(void *ctx, size_t i, kin_error *err)
{
    const bench_descriptors *descriptors = ctx;
    (void)err;
    return descriptors->rows + i * descriptors->length;
}

kin_status bench_descriptors_learn(const bench_descriptors *descriptors, size_t sample, int threads,
                                   kin_embedder **out, kin_error *err)
{
    kin_extractor *extractor = NULL;
    const kin_embed_rows rows = {
        .count = sample < descriptors->count ? sample : descriptors->count,
        .input = descriptors->length,
        .row = row_at,
        .ctx = (void *)descriptors,
    };
    const kin_embed_options options = {.threads = threads, .sample_max = rows.count};
    kin_status status = kin_extractor_new(NULL, &extractor, err);
    if (status == KIN_OK)
        status = kin_embedder_train(kin_extractor_signature_borrow(extractor), &rows, &options, out,
                                    err);
    kin_extractor_free(extractor);
    return status;
}

static size_t count_empty(const float *vectors, size_t count, size_t dim)
{
    size_t empty = 0;
    for (size_t i = 0; i < count; i++) {
        size_t d = 0;
        while (d < dim && vectors[i * dim + d] == 0)
            d++;
        empty += d == dim;
    }
    return empty;
}

kin_status bench_descriptors_embed(const bench_descriptors *descriptors,
                                   const kin_embedder *embedder, const char *path, size_t *empty,
                                   kin_error *err)
{
    size_t dim = kin_embedder_dim(embedder);
    bench_npy_writer *writer = NULL;
    *empty = 0;
    float *vectors = malloc(EMBED_AT_ONCE * dim * sizeof *vectors);
    if (vectors == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for vectors");
    kin_status status = bench_npy_begin(path, descriptors->count, dim, &writer, err);
    for (size_t at = 0; status == KIN_OK && at < descriptors->count; at += EMBED_AT_ONCE) {
        size_t count = descriptors->count - at;
        count = count < EMBED_AT_ONCE ? count : EMBED_AT_ONCE;
        status = kin_embedder_apply(embedder, descriptors->rows + at * descriptors->length, count,
                                    vectors, err);
        if (status == KIN_OK)
            status = bench_npy_rows(writer, vectors, count, err);
        *empty += count_empty(vectors, count, dim);
    }
    if (status == KIN_OK)
        status = bench_npy_end(writer, err);
    else
        bench_npy_abandon(writer);
    free(vectors);
    return status;
}
