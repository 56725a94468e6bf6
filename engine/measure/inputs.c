#include "measure/inputs.h"

#include <stdlib.h>

#include "decode/unzstd.h"
#include "measure/annotation_mask.h"
#include "volume/nrrd.h"
#include "volume/series.h"

static void release(kin_content *content)
{
    free(content->bytes);
    *content = (kin_content){0};
}

/* Undoes Zstandard, in place. */
static kin_status unpack(kin_content *content, size_t limit, kin_error *err)
{
    kin_content plain;
    if (!kin_unzstd_recognise(content->bytes, content->size))
        return KIN_OK;
    kin_status status =
        kin_unzstd(content->bytes, content->size, limit, &plain.bytes, &plain.size, err);
    if (status == KIN_OK) {
        release(content);
        *content = plain;
    }
    return status;
}

static kin_status read_nrrd(const kin_inputs *inputs, bool mask, const kin_content *content,
                            kin_volume *out, kin_error *err)
{
    char name[KIN_NRRD_NAME_MAX];
    kin_content data = {0};
    kin_status status = kin_nrrd_data_file(content->bytes, content->size, name, err);
    if (status == KIN_OK && name[0] != '\0')
        status = inputs->companion(inputs->companion_ctx, mask, name, &data, err);
    if (status == KIN_OK)
        status = kin_nrrd_read(content->bytes, content->size, data.bytes, data.size, out, err);
    release(&data);
    return status;
}

static kin_image_limits image_limits(const kin_decode_limits *limits)
{
    return (kin_image_limits){.max_frame_bytes = limits->max_frame_bytes,
                              .max_total_bytes = limits->max_total_bytes,
                              .max_frames = limits->max_frames};
}

static kin_status read_series(kin_inputs *inputs, kin_volume *out, kin_error *err)
{
    const kin_image_limits limits = image_limits(&inputs->limits);
    kin_series_file *files = calloc(inputs->image_count + 1, sizeof *files);
    if (files == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a series");
    for (size_t i = 0; i < inputs->image_count; i++)
        files[i] = (kin_series_file){inputs->files[i].bytes, inputs->files[i].size};
    size_t which = inputs->image_count;
    kin_status status =
        kin_series_read(files, inputs->image_count, inputs->series_uid, &limits, out, &which, err);
    if (status != KIN_OK)
        inputs->failed_file = which < inputs->image_count ? which + 1 : 0;
    free(files);
    return status;
}

static kin_status read_image(kin_inputs *inputs, kin_volume *out, kin_error *err)
{
    kin_content *first = &inputs->files[0];
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < inputs->image_count; i++) {
        status = unpack(&inputs->files[i], inputs->limits.max_file_bytes, err);
        inputs->failed_file = status == KIN_OK ? 0 : i + 1;
    }
    if (status != KIN_OK)
        return status;
    if (inputs->image_count == 1 && kin_nrrd_recognise(first->bytes, first->size))
        status = read_nrrd(inputs, false, first, out, err);
    else
        status = read_series(inputs, out, err);
    for (size_t i = 0; i < inputs->image_count; i++)
        release(&inputs->files[i]);
    return status;
}

static kin_status read_annotation(const kin_inputs *inputs, const kin_content *content,
                                  const kin_volume *image, kin_volume *out, kin_error *err)
{
    const kin_image_limits limits = image_limits(&inputs->limits);
    kin_dicom *dicom = NULL;
    if (!kin_dicom_recognise(content->bytes, content->size))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a mask is an NRRD file or a DICOM object");
    kin_status status = kin_dicom_open(content->bytes, content->size, &limits, &dicom, err);
    if (status == KIN_OK && !kin_dicom_is_annotation(dicom))
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                          "a DICOM mask is a segmentation, a structure set or a report, not: %s",
                          kin_dicom_header_borrow(dicom)->kind_reason);
    if (status == KIN_OK)
        status = kin_annotation_mask(dicom, image, inputs->label, out, err);
    kin_dicom_close(dicom);
    return status;
}

static kin_status read_mask(kin_inputs *inputs, const kin_volume *image, kin_volume *out,
                            kin_error *err)
{
    kin_content *content = &inputs->files[inputs->image_count];
    kin_volume own = {0};
    kin_status status = unpack(content, inputs->limits.max_file_bytes, err);
    if (status != KIN_OK)
        return status;
    if (!kin_nrrd_recognise(content->bytes, content->size))
        return read_annotation(inputs, content, image, out, err);
    status = read_nrrd(inputs, true, content, &own, err);
    if (status == KIN_OK)
        status = kin_volume_onto(&own, image, out, err);
    kin_volume_release(&own);
    return status;
}

kin_status kin_inputs_read(kin_inputs *inputs, kin_volume *image, kin_volume *mask, int *about,
                           kin_error *err)
{
    *image = *mask = (kin_volume){0};
    *about = KIN_ABOUT_IMAGE;
    kin_status status = read_image(inputs, image, err);
    if (status == KIN_OK) {
        *about = KIN_ABOUT_MASK;
        status = read_mask(inputs, image, mask, err);
    }
    if (status == KIN_OK)
        *about = KIN_ABOUT_NEITHER;
    else
        kin_volume_release(image);
    return status;
}
