/* PNG by libpng's row interface: 16-bit samples keep their precision, which its simplified
 * interface would pass through gamma. */
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "image/read_formats.h"

static const size_t SIGNATURE_SIZE = 8;

/* Ancillary chunks (text, profiles) larger than this are an attack, not metadata. */
static const png_alloc_size_t CHUNK_BYTES_MAX = 8u << 20;

/* Deflate shrinks at most 1032 : 1 (RFC 1951: 258 bytes in 2 bits). */
static const size_t DEFLATE_RATIO_MAX = 1032;

/* Everything a reading holds; it outlives libpng's longjmp, so nothing is lost in registers. */
struct png_job {
    const uint8_t *bytes;
    size_t size, at;
    png_structp png;
    png_infop info;
    png_bytep samples; /* one row, or all rows of an interlaced image */
    png_bytep *rows;   /* interlaced images: pointers into samples */
    size_t row_bytes;
    int source_channels, bits;
    kin_raster *out;
    kin_error *err;
    kin_status status; /* of the failure, when it is not libpng's */
};

static int png_recognise(const uint8_t *bytes, size_t size)
{
    return size >= SIGNATURE_SIZE && png_sig_cmp(bytes, 0, SIGNATURE_SIZE) == 0;
}

static void on_error(png_structp png, png_const_charp message)
{
    struct png_job *job = png_get_error_ptr(png);
    if (job->status == KIN_OK)
        job->status = kin_fail(job->err, KIN_E_FORMAT, NULL, "PNG: %s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void on_read(png_structp png, png_bytep into, size_t size)
{
    struct png_job *job = png_get_io_ptr(png);
    if (size > job->size - job->at)
        png_error(png, "file ends early");
    memcpy(into, job->bytes + job->at, size);
    job->at += size;
}

/* Makes every kind of PNG into 8- or 16-bit grey, grey + alpha, RGB or RGBA. */
static void ask_for_plain_samples(png_structp png, png_infop info)
{
    png_set_expand(png); /* palettes, 1-, 2-, 4-bit grey, tRNS to alpha */
    if (png_get_bit_depth(png, info) == 16)
        png_set_swap(png); /* to little endian */
}

static void read_header(struct png_job *job, const kin_image_limits *limits)
{
    png_read_info(job->png, job->info);
    png_uint_32 width = png_get_image_width(job->png, job->info);
    png_uint_32 height = png_get_image_height(job->png, job->info);
    size_t packed = png_get_rowbytes(job->png, job->info), all;
    job->status = kin_image_check_frame(width, height, 4, limits, job->err);
    if (job->status == KIN_OK &&
        (!kin_mul_size(packed, height, &all) || all / DEFLATE_RATIO_MAX > job->size))
        job->status =
            kin_fail(job->err, KIN_E_FORMAT, NULL, "PNG: %u x %u pixels cannot come from %zu bytes",
                     (unsigned)width, (unsigned)height, job->size);
    if (job->status != KIN_OK)
        png_longjmp(job->png, 1);
    png_uint_32 x_per_metre, y_per_metre;
    int unit;
    ask_for_plain_samples(job->png, job->info);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->row_bytes = png_get_rowbytes(job->png, job->info);
    job->source_channels = png_get_channels(job->png, job->info);
    job->bits = png_get_bit_depth(job->png, job->info);
    job->status = kin_raster_init(job->out, (int)width, (int)height,
                                  job->source_channels >= 3 ? 3 : 1, job->err);
    if (job->status != KIN_OK)
        png_longjmp(job->png, 1);
    if (png_get_pHYs(job->png, job->info, &x_per_metre, &y_per_metre, &unit) != 0 &&
        unit == PNG_RESOLUTION_METER && x_per_metre > 0 && y_per_metre > 0) {
        job->out->spacing_x_mm = 1000.0 / x_per_metre;
        job->out->spacing_y_mm = 1000.0 / y_per_metre;
    }
    size_t buffered = passes > 1 ? height : 1;
    if (!kin_mul_size(buffered, job->row_bytes, &all) || (job->samples = malloc(all)) == NULL ||
        (job->rows = malloc(buffered * sizeof *job->rows)) == NULL)
        png_error(job->png, "out of memory");
    for (size_t y = 0; y < buffered; y++)
        job->rows[y] = job->samples + y * job->row_bytes;
}

static float sample_at(const png_byte *row, size_t i, int bits)
{
    if (bits == 8)
        return (float)row[i] / 255.0f;
    uint16_t value;
    memcpy(&value, row + 2 * i, sizeof value);
    return (float)value / 65535.0f;
}

/* One row to floats; alpha, the last of 2 or 4 channels, is composed over black. */
static void convert_row(const struct png_job *job, const png_byte *row, float *out)
{
    size_t from = (size_t)job->source_channels, to = (size_t)job->out->channels;
    bool alpha = from == 2 || from == 4;
    for (size_t x = 0; x < (size_t)job->out->width; x++) {
        float opacity = alpha ? sample_at(row, x * from + from - 1, job->bits) : 1.0f;
        for (size_t c = 0; c < to; c++)
            out[x * to + c] = sample_at(row, x * from + c, job->bits) * opacity;
    }
}

static void read_pixels(struct png_job *job)
{
    size_t height = (size_t)job->out->height;
    size_t stride = (size_t)job->out->width * (size_t)job->out->channels;
    bool interlaced = png_get_interlace_type(job->png, job->info) != PNG_INTERLACE_NONE;
    if (interlaced)
        png_read_image(job->png, job->rows);
    for (size_t y = 0; y < height; y++) {
        if (!interlaced)
            png_read_row(job->png, job->rows[0], NULL);
        convert_row(job, job->rows[interlaced ? y : 0], job->out->px + y * stride);
    }
    png_read_end(job->png, NULL);
}

/* All of libpng's work; its errors land here. */
static kin_status run(struct png_job *job, const kin_image_limits *limits)
{
    if (setjmp(png_jmpbuf(job->png)) != 0)
        return job->status;
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, INT32_MAX, INT32_MAX);
    png_set_chunk_malloc_max(job->png, CHUNK_BYTES_MAX);
    read_header(job, limits);
    read_pixels(job);
    return KIN_OK;
}

static kin_status png_read(const uint8_t *bytes, size_t size, int page,
                           const kin_image_limits *limits, kin_raster *out, kin_error *err)
{
    struct png_job job = {.bytes = bytes, .size = size, .out = out, .err = err};
    kin_image_limits effective = kin_image_limits_effective(limits);
    memset(out, 0, sizeof *out);
    kin_status status = kin_image_check_only_page(page, err);
    if (status != KIN_OK)
        return status;
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    job.info = job.png != NULL ? png_create_info_struct(job.png) : NULL;
    status = job.info != NULL ? run(&job, &effective)
                              : kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read a PNG");
    png_destroy_read_struct(&job.png, &job.info, NULL);
    free(job.samples);
    free(job.rows);
    if (status != KIN_OK)
        kin_raster_release(out);
    else
        kin_raster_collapse_grey(out);
    return status;
}

const kin_image_format kin_image_png = {
    .name = "png",
    .recognise = png_recognise,
    .pages = kin_image_one_page,
    .read = png_read,
};
