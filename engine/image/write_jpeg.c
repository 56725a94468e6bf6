/* JPEG (baseline) by libjpeg-turbo. */
#include <stdio.h>

#include <jpeglib.h>

#include <setjmp.h>
#include <stdlib.h>

#include "base/checked.h"
#include "image/write.h"

enum { FIRST_BYTES = 16 * 1024 }; /* of the output; doubled when full */

/* Everything a writing holds; it outlives libjpeg's error jump. */
struct jpeg_job {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    /* libjpeg's own destination in memory frees a buffer that its caller still points at. */
    struct jpeg_destination_mgr destination;
    jmp_buf failed;
    JSAMPLE *row;
    JOCTET *bytes;
    size_t capacity;
    kin_error *err;
    kin_status status;
};

static _Noreturn void fail(struct jpeg_job *job, kin_status status)
{
    job->status = status;
    longjmp(job->failed, 1);
}

static void on_error(j_common_ptr common)
{
    struct jpeg_job *job = common->client_data;
    char message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    fail(job, kin_fail(job->err, KIN_E_INTERNAL, NULL, "cannot write a JPEG: %s", message));
}

static void on_message(j_common_ptr common, int level)
{
    (void)common; /* a writer has no input to warn of, and nobody asked for traces */
    (void)level;
}

static void grow(struct jpeg_job *job, size_t capacity)
{
    JOCTET *larger = realloc(job->bytes, capacity);
    if (larger == NULL)
        fail(job, kin_fail(job->err, KIN_E_NOMEM, NULL, "no memory to write a JPEG"));
    job->bytes = larger;
    job->capacity = capacity;
}

static void begin_output(j_compress_ptr jpeg)
{
    struct jpeg_job *job = jpeg->client_data;
    grow(job, FIRST_BYTES);
    job->destination.next_output_byte = job->bytes;
    job->destination.free_in_buffer = job->capacity;
}

/* Called with the buffer full, whatever free_in_buffer says. */
static boolean more_output(j_compress_ptr jpeg)
{
    struct jpeg_job *job = jpeg->client_data;
    size_t full = job->capacity, capacity;
    if (!kin_mul_size(full, 2, &capacity))
        fail(job, kin_fail(job->err, KIN_E_LIMIT, NULL, "a JPEG over %zu bytes", full));
    grow(job, capacity);
    job->destination.next_output_byte = job->bytes + full;
    job->destination.free_in_buffer = capacity - full;
    return TRUE;
}

static void end_output(j_compress_ptr jpeg)
{
    (void)jpeg;
}

static void set_up(struct jpeg_job *job, const kin_raster *raster, int quality)
{
    struct jpeg_compress_struct *jpeg = &job->jpeg;
    jpeg_create_compress(jpeg);
    jpeg->dest = &job->destination;
    jpeg->image_width = (JDIMENSION)raster->width;
    jpeg->image_height = (JDIMENSION)raster->height;
    jpeg->input_components = raster->channels;
    jpeg->in_color_space = raster->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    for (int c = 0; c < jpeg->num_components; c++)
        jpeg->comp_info[c].h_samp_factor = jpeg->comp_info[c].v_samp_factor = 1;
}

/* All of libjpeg's work; its errors land here. */
static kin_status run(struct jpeg_job *job, const kin_raster *raster, int quality)
{
    if (setjmp(job->failed) != 0)
        return job->status;
    set_up(job, raster, quality);
    size_t stride = (size_t)raster->width * (size_t)raster->channels;
    job->row = malloc(stride);
    if (job->row == NULL)
        return kin_fail(job->err, KIN_E_NOMEM, NULL, "no memory to write a JPEG");
    jpeg_start_compress(&job->jpeg, TRUE);
    while (job->jpeg.next_scanline < job->jpeg.image_height) {
        kin_image_quantise(raster->px + (size_t)job->jpeg.next_scanline * stride, stride, job->row);
        jpeg_write_scanlines(&job->jpeg, &job->row, 1);
    }
    jpeg_finish_compress(&job->jpeg);
    return KIN_OK;
}

static kin_status check(const kin_raster *raster, int quality, kin_error *err)
{
    if (quality < 1 || quality > 100)
        return kin_fail(err, KIN_E_ARG, NULL, "a JPEG of quality %d", quality);
    if (raster->px == NULL || raster->width < 1 || raster->height < 1 ||
        (raster->channels != 1 && raster->channels != 3))
        return kin_fail(err, KIN_E_ARG, NULL, "a JPEG of %d x %d pixels, %d channels",
                        raster->width, raster->height, raster->channels);
    if (raster->width > KIN_IMAGE_JPEG_SIDE_MAX || raster->height > KIN_IMAGE_JPEG_SIDE_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%d x %d pixels are over JPEG's limit of %d a side",
                        raster->width, raster->height, KIN_IMAGE_JPEG_SIDE_MAX);
    return KIN_OK;
}

kin_status kin_image_encode_jpeg(const kin_raster *raster, int quality, void **out,
                                 size_t *out_size, kin_error *err)
{
    *out = NULL;
    *out_size = 0;
    kin_status status = check(raster, quality, err);
    if (status != KIN_OK)
        return status;
    struct jpeg_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to write a JPEG");
    job->err = err;
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->jpeg.client_data = job;
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    job->destination.init_destination = begin_output;
    job->destination.empty_output_buffer = more_output;
    job->destination.term_destination = end_output;
    status = run(job, raster, quality);
    jpeg_destroy_compress(&job->jpeg);
    if (status == KIN_OK) {
        size_t size = job->capacity - job->destination.free_in_buffer;
        void *smaller = realloc(job->bytes, size);
        *out = smaller != NULL ? smaller : job->bytes;
        *out_size = size;
        job->bytes = NULL;
    }
    free(job->bytes);
    free(job->row);
    free(job);
    return status;
}
