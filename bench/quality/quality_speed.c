#include "quality_speed.h"

#include <sys/resource.h>

#include "decode/decoder.h"
#include "features/features.h"

enum { PREVIEW_SIDE = KIN_DECODE_PREVIEW_MAX };

/* Processor time of the children that have ended. */
static double children_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static kin_status count_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    size_t *images = ctx;
    (void)frame;
    (void)err;
    (*images)++;
    return KIN_OK;
}

static kin_status pass_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

/* A worker's life: it starts, describes `files` files, and ends.  *seconds: of its processor time. */
static kin_status live(const kin_manifest *manifest, const kin_decode_features *features,
                       size_t files, size_t *images, double *seconds, kin_error *err)
{
    const kin_decode_wish wish = {.preview_side = PREVIEW_SIDE};
    const kin_decode_sink sink = {.header = pass_header, .frame = count_frame, .ctx = images};
    kin_decoder *decoder = NULL;
    double before = children_seconds();
    size_t rows = kin_manifest_rows(manifest);
    kin_status status = kin_decoder_new(NULL, features, NULL, &decoder, err);
    if (status == KIN_OK)
        status = kin_decoder_start(decoder, err);
    for (size_t i = 0; status == KIN_OK && i < files; i++)
        status = kin_decoder_run(decoder, kin_manifest_path_borrow(manifest, i * rows / files),
                                 &wish, &sink, err);
    kin_decoder_free(decoder);
    *seconds = children_seconds() - before;
    return status;
}

kin_status bench_quality_speed_measure(const kin_manifest *manifest, const char *features,
                                       size_t most, bench_quality_speed *out, kin_error *err)
{
    size_t rows = kin_manifest_rows(manifest), images = 0;
    kin_extractor *extractor = NULL;
    double idle = 0, busy = 0;
    *out = (bench_quality_speed){0};
    kin_status status = kin_extractor_new(features, &extractor, err);
    if (status != KIN_OK)
        return status;
    const kin_decode_features described = {.spec = features,
                                           .length = kin_extractor_length(extractor)};
    kin_extractor_free(extractor);
    status = live(manifest, &described, 0, &images, &idle, err);
    if (status == KIN_OK)
        status = live(manifest, &described, rows < most ? rows : most, &images, &busy, err);
    out->images = images;
    out->cpu_seconds = images > 0 ? (busy - idle) / (double)images : 0;
    return status;
}
