/* Reading a made file of one page back. */
#ifndef KIN_TEST_READ_BACK_H
#define KIN_TEST_READ_BACK_H

#include "encode.h"
#include "image/read.h"
#include "shared_data.h"

/* The raster of the file's only page, which the format `name` must recognise; it refuses page `absent`.
 * Frees the file. */
static inline kin_raster read_only_page(struct encoded file, const char *name, int absent)
{
    const kin_image_format *format = kin_image_format_of(file.bytes, file.size);
    kin_raster raster;
    kin_error err = {0};
    int pages = 0;
    assert_non_null(format);
    assert_string_equal(format->name, name);
    assert_int_equal(format->pages(file.bytes, file.size, NULL, &pages, &err), KIN_OK);
    assert_int_equal(pages, 1);
    assert_int_equal(format->read(file.bytes, file.size, absent, NULL, &raster, &err), KIN_E_ARG);
    if (format->read(file.bytes, file.size, 0, NULL, &raster, &err) != KIN_OK)
        fail_msg("%s", err.message);
    encoded_free(&file);
    return raster;
}

#endif
