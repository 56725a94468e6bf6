#include <png.h>
#include <stdlib.h>

#include "image/write.h"

kin_status kin_image_encode_png(const kin_raster *raster, void **out, size_t *out_size,
                                kin_error *err)
{
    kin_status status = KIN_OK;
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    png_byte *samples = malloc(n);
    png_alloc_size_t size = 0;
    void *bytes = NULL;

    *out = NULL;
    *out_size = 0;
    image.width = (png_uint_32)raster->width;
    image.height = (png_uint_32)raster->height;
    image.format = raster->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    if (samples != NULL) {
        kin_image_quantise(raster->px, n, samples);
        size = PNG_IMAGE_PNG_SIZE_MAX(image);
        bytes = malloc(size);
    }
    if (bytes == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to write a PNG");
    } else if (!png_image_write_to_memory(&image, bytes, &size, 0, samples, 0, NULL)) {
        status = kin_fail(err, KIN_E_INTERNAL, NULL, "PNG: %s", image.message);
    } else {
        void *smaller = realloc(bytes, size);
        *out = smaller != NULL ? smaller : bytes;
        *out_size = size;
        bytes = NULL;
    }
    png_image_free(&image);
    free(bytes);
    free(samples);
    return status;
}
