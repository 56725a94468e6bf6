#include "dicom/dicom.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/inflate.h"
#include "dicom/module.h"

/* A deflated data set may not grow beyond this even where the limits allow a file to claim more. */
static const size_t max_inflated = (size_t)2 << 30;

kin_status kin_dicom_prepare(kin_error *err)
{
    kin_dicom_charset_prepare();
    return kin_dicom_tags_prepare(err);
}

/* The data set's bytes: in the file, or inflated from it. */
static kin_status find_data_set(kin_dicom *dicom, const void *bytes, size_t size, kin_error *err)
{
    kin_dicom_container *c = &dicom->container;
    kin_status status = kin_dicom_container_read(bytes, size, c, err);
    if (status != KIN_OK)
        return status;
    dicom->data_set = c->data_set;
    dicom->data_set_size = c->data_set_size;
    if (!c->deflated)
        return KIN_OK;
    size_t limit = dicom->limits.max_total_bytes;
    status = kin_dicom_inflate(c->data_set, c->data_set_size,
                               limit < max_inflated ? limit : max_inflated, &dicom->inflated,
                               &dicom->data_set_size, err);
    dicom->data_set = dicom->inflated;
    return status;
}

static kin_status load(kin_dicom *dicom, const void *bytes, size_t size, kin_error *err)
{
    kin_status status = find_data_set(dicom, bytes, size, err);
    if (status == KIN_OK)
        status = kin_dicom_walk(dicom->data_set, dicom->data_set_size, dicom->container.encoding,
                                &dicom->layout, err);
    if (status == KIN_OK)
        status = kin_dicom_tags_parse(dicom->data_set, dicom->layout.end, dicom->container.encoding,
                                      &dicom->tags, err);
    if (status != KIN_OK)
        return status;
    dicom->root = kin_dicom_tags_root_borrow(dicom->tags);
    status = kin_dicom_groups_load(dicom, err);
    if (status == KIN_OK)
        status = kin_dicom_describe(dicom, err);
    if (status == KIN_OK && dicom->header.kind != KIN_DICOM_NO_PIXELS)
        status = kin_dicom_pixels_describe(dicom, err);
    if (status == KIN_OK && dicom->header.kind != KIN_DICOM_NO_PIXELS)
        kin_dicom_frame_spacing(dicom, 0, &dicom->header.spacing_x_mm, &dicom->header.spacing_y_mm);
    return status;
}

kin_status kin_dicom_open(const void *bytes, size_t size, const kin_image_limits *limits,
                          kin_dicom **out, kin_error *err)
{
    *out = NULL;
    kin_dicom *dicom = calloc(1, sizeof *dicom);
    if (dicom == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    dicom->limits = kin_image_limits_effective(limits);
    kin_status status = load(dicom, bytes, size, err);
    if (status != KIN_OK)
        kin_dicom_close(dicom);
    else
        *out = dicom;
    return status;
}

void kin_dicom_close(kin_dicom *dicom)
{
    if (dicom == NULL)
        return;
    for (size_t i = 0; i < dicom->text_count; i++)
        free(dicom->texts[i]);
    free(dicom->texts);
    free((void *)(uintptr_t)dicom->header.attributes);
    kin_dicom_fragments_release(&dicom->fragments);
    free(dicom->frame_groups);
    kin_dicom_tags_free(dicom->tags);
    free(dicom->inflated);
    free(dicom);
}

const kin_dicom_header *kin_dicom_header_borrow(const kin_dicom *dicom)
{
    return &dicom->header;
}
