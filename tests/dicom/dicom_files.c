#include "dicom_files.h"

#include <string.h>
#include <zstd.h>

#include "shared_data.h"

static test_file read_whole(const char *path)
{
    test_file file = {0};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        fail_msg("cannot open %s", path);
    fseek(stream, 0, SEEK_END);
    file.size = (size_t)ftell(stream);
    rewind(stream);
    file.bytes = malloc(file.size);
    if (file.bytes == NULL || fread(file.bytes, 1, file.size, stream) != file.size)
        fail_msg("cannot read %s", path);
    fclose(stream);
    return file;
}

static test_file decompress(const test_file *packed, const char *path)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed->bytes, packed->size);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        size = packed->size * 64;
    test_file file = {malloc(size), size};
    size_t result = ZSTD_decompress(file.bytes, file.size, packed->bytes, packed->size);
    if (ZSTD_isError(result))
        fail_msg("%s: %s", path, ZSTD_getErrorName(result));
    file.size = result;
    file.bytes = realloc(file.bytes, result);
    return file;
}

test_file test_file_load(const char *name)
{
    char path[4096], below[1024];
    snprintf(below, sizeof below, "dicom/%s", name);
    test_file file = read_whole(shared_data(path, sizeof path, below));
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".zst") == 0) {
        test_file plain = decompress(&file, path);
        test_file_free(&file);
        return plain;
    }
    return file;
}

void test_file_free(test_file *file)
{
    free(file->bytes);
    *file = (test_file){0};
}

kin_dicom *test_dicom_open(const char *name, test_file *file)
{
    kin_error err = {0};
    kin_dicom *dicom = NULL;
    *file = test_file_load(name);
    if (kin_dicom_open(file->bytes, file->size, NULL, &dicom, &err) != KIN_OK)
        fail_msg("%s: %s", name, err.message);
    return dicom;
}

kin_samples test_samples(kin_dicom *dicom, int frame, const char *name)
{
    kin_error err = {0};
    kin_samples samples;
    if (kin_dicom_read_samples(dicom, frame, &samples, &err) != KIN_OK)
        fail_msg("%s, frame %d: %s", name, frame, err.message);
    return samples;
}

double test_sample(const kin_samples *samples, size_t i)
{
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        return ((const uint8_t *)samples->data)[i];
    case KIN_SAMPLE_S8:
        return ((const int8_t *)samples->data)[i];
    case KIN_SAMPLE_U16:
        return ((const uint16_t *)samples->data)[i];
    case KIN_SAMPLE_S16:
        return ((const int16_t *)samples->data)[i];
    case KIN_SAMPLE_U32:
        return ((const uint32_t *)samples->data)[i];
    case KIN_SAMPLE_S32:
        return ((const int32_t *)samples->data)[i];
    case KIN_SAMPLE_F32:
        return (double)((const float *)samples->data)[i];
    default:
        return ((const double *)samples->data)[i];
    }
}

size_t test_sample_count(const kin_samples *samples)
{
    return (size_t)samples->width * (size_t)samples->height * (size_t)samples->channels;
}
