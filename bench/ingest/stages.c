#include "stages.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "dcmtk_bare.h"
#include "decode/decode.h"
#include "decode/preview.h"
#include "dicom/dicom.h"
#include "embed/embed.h"
#include "features/features.h"
#include "image/read.h"

enum { MAX_FILE_BYTES = 1 << 30 };

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static kin_status add_path(bench_files *files, const char *path, kin_error *err)
{
    if (files->count == files->capacity) {
        size_t capacity = files->capacity > 0 ? files->capacity * 2 : 256;
        char **larger = reallocarray(files->paths, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, path, "no memory for the list of files");
        files->paths = larger;
        files->capacity = capacity;
    }
    files->paths[files->count] = strdup(path);
    if (files->paths[files->count] == NULL)
        return kin_fail(err, KIN_E_NOMEM, path, "no memory for the list of files");
    files->count++;
    return KIN_OK;
}

kin_status bench_files_list(const char *path, bench_files *out, kin_error *err)
{
    char *roots[] = {(char *)path, NULL};
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (fts == NULL)
        return kin_fail_errno(err, path, "cannot walk the folder");
    for (FTSENT *entry; status == KIN_OK && (entry = fts_read(fts)) != NULL;)
        if (entry->fts_info == FTS_F)
            status = add_path(out, entry->fts_path, err);
    fts_close(fts);
    return status;
}

void bench_files_release(bench_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    memset(files, 0, sizeof *files);
}

/* Adds the seconds since *since to *sum and begins anew. */
static void lap(double *since, double *sum)
{
    double now = kin_clock_monotonic();
    *sum += now - *since;
    *since = now;
}

/* What describes images, and room for what it makes of one. */
struct desk {
    kin_extractor *extractor;
    kin_embedder *embedder;
    float *descriptor, *vector;
};

/* Describes one raster, and makes its preview; the descriptor stays on the desk. */
static kin_status describe_frame(const struct desk *desk, kin_raster *raster, double *since,
                                 bench_stages *stages, kin_error *err)
{
    kin_preview preview = {0};
    const kin_picture picture = {.display = raster};
    kin_status status = kin_extractor_describe_timed(desk->extractor, &picture, desk->descriptor,
                                                     stages->parts, err);
    lap(since, &stages->describe);
    if (status == KIN_OK)
        status = kin_preview_make(raster, KIN_DECODE_PREVIEW_MAX, &preview, err);
    kin_preview_release(&preview);
    kin_raster_release(raster);
    lap(since, &stages->preview);
    return status;
}

static kin_status measure_dicom(const struct desk *desk, const void *bytes, size_t size,
                                bench_stages *stages, size_t *frames, kin_error *err)
{
    double since = kin_clock_monotonic();
    kin_dicom *dicom = NULL;
    kin_status status = kin_dicom_open(bytes, size, NULL, &dicom, err);
    lap(&since, &stages->open);
    /* An ingest skips annotations before it decodes them. */
    if (status == KIN_OK && kin_dicom_header_borrow(dicom)->kind != KIN_DICOM_IMAGE)
        status = kin_fail(err, KIN_E_NO_IMAGE, NULL, "not an image");
    int count = status == KIN_OK ? kin_dicom_header_borrow(dicom)->frames : 0;
    for (int frame = 0; status == KIN_OK && frame < count; frame++) {
        kin_raster raster = {0};
        status = kin_dicom_render(dicom, frame, &raster, err);
        lap(&since, &stages->render);
        if (status == KIN_OK)
            status = describe_frame(desk, &raster, &since, stages, err);
        *frames += status == KIN_OK;
    }
    kin_dicom_close(dicom);
    return status;
}

static kin_status measure_picture(const struct desk *desk, const void *bytes, size_t size,
                                  bench_stages *stages, size_t *frames, kin_error *err)
{
    double since = kin_clock_monotonic();
    const kin_image_format *format = kin_image_format_of(bytes, size);
    kin_raster raster = {0};
    if (format == NULL)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no image");
    kin_status status = format->read(bytes, size, 0, NULL, &raster, err);
    lap(&since, &stages->render);
    if (status == KIN_OK)
        status = describe_frame(desk, &raster, &since, stages, err);
    *frames += status == KIN_OK;
    return status;
}

/* One file by both; its times count only when both decode it. */
static void measure_file(const struct desk *desk, const char *path, bench_stages *total)
{
    bench_stages one = {0};
    void *bytes = NULL;
    size_t size = 0, frames = 0;
    kin_error err;
    double since = kin_clock_monotonic();
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, MAX_FILE_BYTES, &bytes, &size, &err);
    lap(&since, &one.read);
    bool is_dicom = status == KIN_OK && kin_dicom_recognise(bytes, size);
    if (status == KIN_OK)
        status = is_dicom ? measure_dicom(desk, bytes, size, &one, &frames, &err)
                          : measure_picture(desk, bytes, size, &one, &frames, &err);
    free(bytes);
    since = kin_clock_monotonic();
    size_t bare = is_dicom && status == KIN_OK ? dcmtk_bare_decode(path) : frames;
    lap(&since, &one.dcmtk);
    for (size_t i = 0; status == KIN_OK && i < frames; i++)
        status = kin_embedder_apply(desk->embedder, desk->descriptor, 1, desk->vector, &err);
    lap(&since, &one.embed);
    if (status != KIN_OK || bare != frames || frames == 0) {
        total->left_out++;
        return;
    }
    total->files++;
    total->frames += frames;
    total->dcmtk += is_dicom ? one.dcmtk : 0;
    total->read += one.read;
    total->open += one.open;
    total->render += one.render;
    total->describe += one.describe;
    total->preview += one.preview;
    total->embed += one.embed;
    for (size_t i = 0; i <= BENCH_PARTS_MAX; i++)
        total->parts[i] += one.parts[i];
}

static kin_status desk_init(struct desk *desk, const char *features, kin_error *err)
{
    kin_status status = kin_extractor_new(features, &desk->extractor, err);
    if (status != KIN_OK)
        return status;
    size_t length = kin_extractor_length(desk->extractor);
    status = kin_embedder_bootstrap(kin_extractor_signature_borrow(desk->extractor), length, 0,
                                    &desk->embedder, err);
    desk->descriptor = malloc(length * sizeof *desk->descriptor);
    desk->vector = malloc(KIN_EMBED_DEFAULT_DIM * sizeof *desk->vector);
    if (status == KIN_OK && (desk->descriptor == NULL || desk->vector == NULL))
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a descriptor");
    return status;
}

static void desk_release(struct desk *desk)
{
    free(desk->descriptor);
    free(desk->vector);
    kin_embedder_free(desk->embedder);
    kin_extractor_free(desk->extractor);
}

kin_status bench_stages_measure(const bench_files *files, const char *features, bench_stages *out,
                                kin_error *err)
{
    struct desk desk = {0};
    memset(out, 0, sizeof *out);
    kin_status status = kin_dicom_prepare(err);
    dcmtk_bare_prepare();
    if (status == KIN_OK)
        status = desk_init(&desk, features, err);
    if (status == KIN_OK)
        snprintf(out->signature, sizeof out->signature, "%s",
                 kin_extractor_signature_borrow(desk.extractor));
    for (size_t i = 0; status == KIN_OK && i < files->count; i++)
        measure_file(&desk, files->paths[i], out);
    desk_release(&desk);
    return status;
}
