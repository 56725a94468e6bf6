/* JPEG (baseline, extended with 8 bits, progressive) by libjpeg-turbo. */
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image/read_formats.h"

/* A progressive file may repeat passes over a large image without end; real ones have about ten. */
static const int SCANS_MAX = 100;

static const double MM_PER_INCH = 25.4, MM_PER_CM = 10;

/* Everything a reading holds; it outlives libjpeg's error jump. */
struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    JSAMPLE *row;
    kin_raster *out;
    kin_error *err;
    kin_status status;
};

static int jpeg_recognise(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

static void on_error(j_common_ptr common)
{
    struct jpeg_job *job = common->client_data;
    char message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    if (job->status == KIN_OK)
        job->status = kin_fail(job->err, KIN_E_FORMAT, NULL, "JPEG: %s", message);
    longjmp(job->failed, 1);
}

/* libjpeg repairs damage with grey and a warning; a medical archive must not take that for an
 * image. Oddities that cost no pixel are let pass. */
static void on_message(j_common_ptr common, int level)
{
    int code = common->err->msg_code;
    bool harmless =
        code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
    if (level < 0 && !harmless)
        on_error(common);
}

static void on_progress(j_common_ptr common)
{
    struct jpeg_job *job = common->client_data;
    if (job->jpeg.input_scan_number <= SCANS_MAX)
        return;
    job->status = kin_fail(job->err, KIN_E_LIMIT, NULL, "JPEG: more than %d scans", SCANS_MAX);
    longjmp(job->failed, 1);
}

static void read_spacing(const struct jpeg_decompress_struct *jpeg, kin_raster *out)
{
    if (!jpeg->saw_JFIF_marker || jpeg->X_density == 0 || jpeg->Y_density == 0)
        return;
    double unit = jpeg->density_unit == 1 ? MM_PER_INCH : jpeg->density_unit == 2 ? MM_PER_CM : 0;
    out->spacing_x_mm = unit / jpeg->X_density;
    out->spacing_y_mm = unit / jpeg->Y_density;
}

/* Adobe's programs store inks inverted (255: none), and say so by their marker. */
static void convert_cmyk(const JSAMPLE *row, int width, bool inverted, float *out)
{
    for (int x = 0; x < width; x++, row += 4, out += 3) {
        float k = (float)(inverted ? row[3] : 255 - row[3]) / 255.0f;
        for (int c = 0; c < 3; c++)
            out[c] = (float)(inverted ? row[c] : 255 - row[c]) / 255.0f * k;
    }
}

static void read_pixels(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    size_t stride = (size_t)job->out->width * (size_t)job->out->channels;
    while (jpeg->output_scanline < jpeg->output_height) {
        float *out = job->out->px + (size_t)jpeg->output_scanline * stride;
        jpeg_read_scanlines(jpeg, &job->row, 1);
        if (jpeg->out_color_space == JCS_CMYK) {
            convert_cmyk(job->row, job->out->width, jpeg->saw_Adobe_marker, out);
            continue;
        }
        for (size_t i = 0; i < stride; i++)
            out[i] = (float)job->row[i] / 255.0f;
    }
    jpeg_finish_decompress(jpeg);
}

static kin_status start(struct jpeg_job *job, const kin_image_limits *limits)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_read_header(jpeg, TRUE);
    int components = jpeg->num_components;
    kin_status status = kin_image_check_frame(jpeg->image_width, jpeg->image_height,
                                              (uint64_t)components, limits, job->err);
    if (status != KIN_OK)
        return status;
    if (components != 1 && components != 3 && components != 4)
        return kin_fail(job->err, KIN_E_UNSUPPORTED, NULL, "JPEG with %d components", components);
    jpeg->out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    job->row = malloc((size_t)jpeg->output_width * (size_t)jpeg->output_components);
    if (job->row == NULL)
        return kin_fail(job->err, KIN_E_NOMEM, NULL, "no memory to read a JPEG");
    status = kin_raster_init(job->out, (int)jpeg->output_width, (int)jpeg->output_height,
                             components == 1 ? 1 : 3, job->err);
    if (status == KIN_OK)
        read_spacing(jpeg, job->out);
    return status;
}

/* All of libjpeg's work; its errors land here. */
static kin_status run(struct jpeg_job *job, const uint8_t *bytes, size_t size,
                      const kin_image_limits *limits)
{
    if (setjmp(job->failed) != 0)
        return job->status;
    jpeg_create_decompress(&job->jpeg);
    job->jpeg.progress = &job->progress;
    /* Progressive files are held as coefficients; libjpeg has no file to swap them to here. */
    job->jpeg.mem->max_memory_to_use = (long)limits->max_frame_bytes;
    jpeg_mem_src(&job->jpeg, bytes, (unsigned long)size);
    kin_status status = start(job, limits);
    if (status == KIN_OK)
        read_pixels(job);
    return status;
}

static kin_status jpeg_read(const uint8_t *bytes, size_t size, int page,
                            const kin_image_limits *limits, kin_raster *out, kin_error *err)
{
    kin_image_limits effective = kin_image_limits_effective(limits);
    memset(out, 0, sizeof *out);
    kin_status status = kin_image_check_only_page(page, err);
    if (status != KIN_OK)
        return status;
    struct jpeg_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read a JPEG");
    job->out = out;
    job->err = err;
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->jpeg.client_data = job;
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    job->progress.progress_monitor = on_progress;
    status = run(job, bytes, size, &effective);
    jpeg_destroy_decompress(&job->jpeg);
    free(job->row);
    free(job);
    if (status != KIN_OK)
        kin_raster_release(out);
    else
        kin_raster_collapse_grey(out);
    return status;
}

const kin_image_format kin_image_jpeg = {
    .name = "jpeg",
    .recognise = jpeg_recognise,
    .pages = kin_image_one_page,
    .read = jpeg_read,
};
