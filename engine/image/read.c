#include "image/read.h"

#include "image/read_formats.h"

const kin_image_format *kin_image_format_of(const void *bytes, size_t size)
{
    static const kin_image_format *const formats[] = {&kin_image_png, &kin_image_jpeg,
                                                      &kin_image_tiff};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i]->recognise(bytes, size))
            return formats[i];
    }
    return NULL;
}

kin_status kin_image_one_page(const uint8_t *bytes, size_t size, const kin_image_limits *limits,
                              int *count, kin_error *err)
{
    (void)bytes, (void)size, (void)limits, (void)err;
    *count = 1;
    return KIN_OK;
}

kin_status kin_image_check_only_page(int page, kin_error *err)
{
    if (page != 0)
        return kin_fail(err, KIN_E_ARG, NULL, "page %d of a file with one image", page);
    return KIN_OK;
}
