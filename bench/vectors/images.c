#include "images.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "archive/manifest.h"
#include "archive/walk.h"
#include "base/fs.h"
#include "base/parallel.h"
#include "decode/unzstd.h"
#include "dicom/dicom.h"
#include "image/normalise.h"
#include "image/read.h"
#include "image/write.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)

/* --- one file: either DICOM or a picture --- */

struct opened {
    void *bytes;
    size_t size;
    kin_dicom *dicom; /* or */
    const kin_image_format *format;
    int frames;
};

static void close_file(struct opened *file)
{
    kin_dicom_close(file->dicom);
    free(file->bytes);
    memset(file, 0, sizeof *file);
}

static kin_status decompress(struct opened *file, kin_error *err)
{
    void *plain = NULL;
    size_t size = 0;
    if (!kin_unzstd_recognise(file->bytes, file->size))
        return KIN_OK;
    kin_status status = kin_unzstd(file->bytes, file->size, FILE_BYTES_MAX, &plain, &size, err);
    if (status != KIN_OK)
        return status;
    free(file->bytes);
    file->bytes = plain;
    file->size = size;
    return KIN_OK;
}

static kin_status recognise(struct opened *file, kin_error *err)
{
    if (!kin_dicom_recognise(file->bytes, file->size)) {
        file->format = kin_image_format_of(file->bytes, file->size);
        if (file->format == NULL)
            return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no image");
        return file->format->pages(file->bytes, file->size, NULL, &file->frames, err);
    }
    kin_status status = kin_dicom_open(file->bytes, file->size, NULL, &file->dicom, err);
    if (status != KIN_OK)
        return status;
    if (kin_dicom_header_borrow(file->dicom)->kind != KIN_DICOM_IMAGE)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no picture");
    file->frames = kin_dicom_header_borrow(file->dicom)->frames;
    return KIN_OK;
}

/* *file is closed by the caller, also after a failure. */
static kin_status open_file(const char *path, struct opened *file, kin_error *err)
{
    memset(file, 0, sizeof *file);
    kin_status status =
        kin_fs_read_file(kin_fs_posix(), path, FILE_BYTES_MAX, &file->bytes, &file->size, err);
    if (status == KIN_OK)
        status = decompress(file, err);
    if (status == KIN_OK)
        status = recognise(file, err);
    return status;
}

static kin_status render(struct opened *file, int frame, kin_raster *out, kin_error *err)
{
    return file->dicom != NULL ? kin_dicom_render(file->dicom, frame, out, err)
                               : file->format->read(file->bytes, file->size, frame, NULL, out, err);
}

/* Square pixels, of at most BENCH_IMAGE_SIDE_MAX a side. */
static kin_status load_frame(struct opened *file, int frame, kin_raster *out, kin_error *err)
{
    kin_raster stored = {0}, square = {0};
    kin_status status = render(file, frame, &stored, err);
    if (status == KIN_OK)
        status = kin_raster_square_pixels(&stored, &square, err);
    kin_raster_release(&stored);
    int side = square.width > square.height ? square.width : square.height;
    if (status == KIN_OK && side > BENCH_IMAGE_SIDE_MAX) {
        int width = (int)((int64_t)square.width * BENCH_IMAGE_SIDE_MAX / side);
        int height = (int)((int64_t)square.height * BENCH_IMAGE_SIDE_MAX / side);
        status =
            kin_raster_resample(&square, width > 0 ? width : 1, height > 0 ? height : 1, out, err);
        kin_raster_release(&square);
    } else if (status == KIN_OK) {
        *out = square;
    }
    return status;
}

kin_status bench_image_load(const bench_image *image, kin_raster *out, kin_error *err)
{
    struct opened file;
    memset(out, 0, sizeof *out);
    kin_status status = open_file(image->path, &file, err);
    if (status == KIN_OK)
        status = load_frame(&file, image->frame, out, err);
    close_file(&file);
    if (status != KIN_OK)
        kin_error_name(err, image->path);
    return status;
}

/* --- all files, decoded once --- */

/* What a file holds. */
struct finding {
    const char *set;
    char diagnosis[BENCH_DIAGNOSIS_SIZE];
    int count; /* frames that can serve */
    int unfit;
    struct {
        int frame;
        bool colour;
        uint64_t pixels;
    } frames[BENCH_FRAMES_MAX];
};

struct listing {
    bench_images *out;
    struct finding *findings; /* one a path */
};

static bool is_fit(const kin_raster *raster)
{
    kin_raster grey = {0};
    float low = 0, high = 0;
    if (raster->width < BENCH_IMAGE_SIDE_MIN || raster->height < BENCH_IMAGE_SIDE_MIN)
        return false;
    if (kin_raster_grey(raster, &grey, NULL) == KIN_OK)
        kin_percentiles(&grey, 0.01, 0.99, &low, &high);
    kin_raster_release(&grey);
    return high - low > KIN_FLAT_RANGE;
}

/* Digest of the pixels as 8 bits: codings without loss agree, floats need not to the last bit. */
static bool digest(const kin_raster *raster, uint64_t *out)
{
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    uint8_t *bytes = malloc(n);
    if (bytes == NULL)
        return false;
    kin_image_quantise(raster->px, n, bytes);
    *out =
        XXH3_64bits_withSeed(bytes, n, (uint64_t)raster->width << 8 | (uint64_t)raster->channels);
    free(bytes);
    return true;
}

static void find_frames(struct opened *file, struct finding *finding)
{
    int wanted = file->frames < BENCH_FRAMES_MAX ? file->frames : BENCH_FRAMES_MAX;
    for (int i = 0; i < wanted; i++) {
        kin_raster raster = {0};
        int frame = (int)((int64_t)i * file->frames / wanted);
        uint64_t pixels = 0;
        if (load_frame(file, frame, &raster, NULL) == KIN_OK && is_fit(&raster) &&
            digest(&raster, &pixels)) {
            finding->frames[finding->count].frame = frame;
            finding->frames[finding->count].colour = raster.channels == 3;
            finding->frames[finding->count++].pixels = pixels;
        } else {
            finding->unfit++;
        }
        kin_raster_release(&raster);
    }
}

static void find_in_files(void *ctx, size_t from, size_t to)
{
    struct listing *listing = ctx;
    for (size_t i = from; i < to; i++) {
        struct opened file;
        if (open_file(listing->out->paths[i], &file, NULL) == KIN_OK)
            find_frames(&file, &listing->findings[i]);
        close_file(&file);
    }
}

/* --- paths and what manifests say --- */

static kin_status add_path(struct listing *listing, const char *path, const char *set,
                           const kin_manifest *manifest, kin_error *err)
{
    bench_images *out = listing->out;
    if ((out->path_count & (out->path_count + 1)) == 0) { /* a power of two less one is full */
        size_t capacity = 2 * out->path_count + 1;
        char **paths = reallocarray(out->paths, capacity, sizeof *paths);
        if (paths != NULL)
            out->paths = paths;
        struct finding *findings = reallocarray(listing->findings, capacity, sizeof *findings);
        if (findings != NULL)
            listing->findings = findings;
        if (paths == NULL || findings == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the list of files");
    }
    struct finding *finding = &listing->findings[out->path_count];
    memset(finding, 0, sizeof *finding);
    finding->set = set;
    int column = manifest != NULL ? kin_manifest_find_column(manifest, "diagnosis") : -1;
    long row = column >= 0 ? kin_manifest_find_path(manifest, path) : -1;
    if (row >= 0)
        snprintf(finding->diagnosis, sizeof finding->diagnosis, "%s",
                 kin_manifest_value_borrow(manifest, (size_t)row, (size_t)column));
    out->paths[out->path_count] = strdup(path);
    if (out->paths[out->path_count] == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the list of files");
    out->path_count++;
    return KIN_OK;
}

/* The part of a path behind its last slash that something follows. */
static const char *last_name(const char *path)
{
    const char *at = path + strlen(path);
    while (at > path && at[-1] == '/')
        at--;
    while (at > path && at[-1] != '/')
        at--;
    return at;
}

static kin_status walk_root(struct listing *listing, const char *root, kin_error *err)
{
    char path[PATH_MAX];
    kin_walk *walk = NULL;
    kin_manifest *manifest = NULL;
    kin_status entry_status, status = KIN_OK;
    snprintf(path, sizeof path, "%s/manifest.csv", root);
    if (kin_manifest_read(path, &manifest, err) != KIN_OK)
        manifest = NULL; /* a folder need not have one */
    status = kin_walk_new(&root, 1, NULL, &walk, err);
    while (status == KIN_OK && kin_walk_next(walk, path, &entry_status, err))
        status = entry_status == KIN_OK ? add_path(listing, path, last_name(root), manifest, err)
                                        : entry_status;
    kin_walk_free(walk);
    kin_manifest_free(manifest);
    return status;
}

/* --- the list --- */

static int by_pixels(const void *a, const void *b)
{
    const bench_image *const *x = a, *const *y = b;
    if ((*x)->pixels != (*y)->pixels)
        return (*x)->pixels < (*y)->pixels ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* Takes out those that show what an earlier one does. */
static kin_status drop_repeated(bench_images *out, kin_error *err)
{
    size_t kept = 0;
    bench_image **sorted = calloc(out->count + 1, sizeof *sorted);
    bool *repeated = calloc(out->count + 1, sizeof *repeated);
    if (sorted != NULL && repeated != NULL) {
        for (size_t i = 0; i < out->count; i++)
            sorted[i] = &out->items[i];
        qsort(sorted, out->count, sizeof *sorted, by_pixels);
        for (size_t i = 1; i < out->count; i++)
            repeated[sorted[i] - out->items] = sorted[i]->pixels == sorted[i - 1]->pixels;
        for (size_t i = 0; i < out->count; i++)
            if (!repeated[i])
                out->items[kept++] = out->items[i];
        out->repeated = out->count - kept;
        out->count = kept;
    }
    bool had_memory = sorted != NULL && repeated != NULL;
    free(sorted);
    free(repeated);
    return had_memory ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory to compare images");
}

static kin_status gather(struct listing *listing, kin_error *err)
{
    bench_images *out = listing->out;
    size_t count = 0;
    for (size_t i = 0; i < out->path_count; i++)
        count += (size_t)listing->findings[i].count;
    out->items = calloc(count + 1, sizeof *out->items);
    if (out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the list of images");
    for (size_t i = 0; i < out->path_count; i++) {
        const struct finding *finding = &listing->findings[i];
        out->unfit += (size_t)finding->unfit;
        out->unreadable += finding->count == 0 && finding->unfit == 0;
        out->files += finding->count > 0;
        for (int f = 0; f < finding->count; f++) {
            bench_image *image = &out->items[out->count++];
            image->path = out->paths[i];
            image->frame = finding->frames[f].frame;
            image->file = (uint32_t)i;
            image->colour = finding->frames[f].colour;
            image->pixels = finding->frames[f].pixels;
            snprintf(image->set, sizeof image->set, "%s", finding->set);
            memcpy(image->diagnosis, finding->diagnosis, sizeof image->diagnosis);
        }
    }
    return drop_repeated(out, err);
}

kin_status bench_images_list(const char *const *paths, size_t count, int threads, bench_images *out,
                             kin_error *err)
{
    struct listing listing = {.out = out};
    memset(out, 0, sizeof *out);
    kin_status status = kin_dicom_prepare(err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = walk_root(&listing, paths[i], err);
    if (status == KIN_OK) {
        kin_parallel_for(out->path_count, 4, threads, find_in_files, &listing);
        status = gather(&listing, err);
    }
    free(listing.findings);
    if (status != KIN_OK)
        bench_images_release(out);
    return status;
}

void bench_images_release(bench_images *images)
{
    for (size_t i = 0; i < images->path_count; i++)
        free(images->paths[i]);
    free(images->paths);
    free(images->items);
    memset(images, 0, sizeof *images);
}
