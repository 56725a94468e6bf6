#include "image/read_tiff_file.h"

#include <stdio.h>
#include <string.h>

static tmsize_t on_read(thandle_t handle, void *into, tmsize_t size)
{
    kin_tiff_file *file = handle;
    uint64_t left = file->at < file->size ? file->size - file->at : 0;
    if (size < 0)
        return -1;
    size_t n = (uint64_t)size < left ? (size_t)size : (size_t)left;
    memcpy(into, file->bytes + (left > 0 ? file->at : 0), n);
    file->at += n;
    return (tmsize_t)n;
}

static tmsize_t on_write(thandle_t handle, void *from, tmsize_t size)
{
    (void)handle, (void)from, (void)size;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    kin_tiff_file *file = handle;
    uint64_t base = whence == SEEK_CUR ? file->at : whence == SEEK_END ? file->size : 0;
    if (__builtin_add_overflow(base, offset, &file->at))
        file->at = UINT64_MAX;
    return file->at;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    return ((kin_tiff_file *)handle)->size;
}

static int on_error(TIFF *tiff, void *user, const char *module, const char *fmt, va_list ap)
{
    kin_tiff_file *file = user;
    (void)tiff, (void)module;
    if (file->message[0] == '\0')
        vsnprintf(file->message, sizeof file->message, fmt, ap);
    return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *fmt, va_list ap)
{
    (void)tiff, (void)user, (void)module, (void)fmt, (void)ap;
    return 1;
}

kin_status kin_tiff_malformed(const kin_tiff_file *file, kin_error *err)
{
    return kin_fail(err, KIN_E_FORMAT, NULL, "TIFF: %s",
                    file->message[0] != '\0' ? file->message : "malformed");
}

kin_status kin_tiff_open(kin_tiff_file *file, const uint8_t *bytes, size_t size,
                         const kin_image_limits *limits, kin_error *err)
{
    memset(file, 0, sizeof *file);
    file->bytes = bytes;
    file->size = size;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read a TIFF");
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)limits->max_frame_bytes);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, file);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, file);
    /* "m": no memory mapping; this is memory already. */
    file->tiff = TIFFClientOpenExt("image", "rm", file, on_read, on_write, on_seek, on_close,
                                   on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return file->tiff != NULL ? KIN_OK : kin_tiff_malformed(file, err);
}

void kin_tiff_close(kin_tiff_file *file)
{
    if (file->tiff != NULL)
        TIFFClose(file->tiff);
}
