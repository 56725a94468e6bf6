#include "hostile_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "decode/dicom_bytes.h"
#include "decode/samples.h"
#include "random.h"
#include "write_file.h"

enum { SIDE = 48, BOMB_SIDE = 20000, DEEP = 6000, DEEPEST = 100000 };

const struct hostile_file hostile_bad_files[] = {
    {"bomb.png", "20000 x 20000"},
    {"cut-in-header.dcm", "truncated"},
    {"cut-in-pixels.dcm", "truncated"},
    {"cut-in-rle.dcm", "truncated: a fragment"},
    {"cut.png", "file ends early"},
    {"cut.tif", "TIFF: Read error"},
    {"dangling.png", "a symbolic link to nothing"},
    {"empty.dcm", "an empty file"},
    {"empty.jpeg", "an empty file"},
    {"empty.jpg", "an empty file"},
    {"empty.png", "an empty file"},
    {"empty.tif", "an empty file"},
    {"empty.tiff", "an empty file"},
    {"fifo.dcm", "not a regular file"},
    {"garbage.dcm", "truncated"},
    {"huge-claim.dcm", "65535 x 65535"},
    {"loop", "a folder that leads back to itself"},
    {"nested-100000.dcm", "sequences nested"},
    {"nested-6000.dcm", "sequences nested"},
    {NULL, NULL},
};

const char *const hostile_good_files[] = {"good.dcm", "good.png", "good.tif", HOSTILE_ODD_NAME,
                                          NULL};

static const char *path_in(const char *folder, const char *name)
{
    static char path[PATH_MAX];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

/* Writes the first `size` bytes and releases them all. */
static void keep(const char *folder, const char *name, void *bytes, size_t size)
{
    assert_non_null(bytes);
    write_file(path_in(folder, name), bytes, size);
    free(bytes);
}

static void make_good(const char *folder)
{
    size_t size;
    void *bytes = sample_png(SIDE, SIDE, &size);
    keep(folder, "good.png", bytes, size);
    bytes = sample_png(SIDE, SIDE / 2, &size);
    keep(folder, HOSTILE_ODD_NAME, bytes, size);
    bytes = sample_tiff(1, &size);
    keep(folder, "good.tif", bytes, size);
    bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 1, NULL, 0, &size);
    keep(folder, "good.dcm", bytes, size);
}

static void make_cut(const char *folder)
{
    static const kin_dicom_new_attribute patient[] = {
        {"PatientName", NULL, HOSTILE_PATIENT_NAME, NULL, 0},
        {"PatientID", NULL, HOSTILE_PATIENT_ID, NULL, 0},
    };
    size_t size;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 2, patient, 2, &size);
    const char *id = memmem(bytes, size, HOSTILE_PATIENT_ID, strlen(HOSTILE_PATIENT_ID));
    assert_non_null(id);
    write_file(path_in(folder, "cut-in-header.dcm"), bytes, (size_t)(id + 5 - (char *)bytes));
    keep(folder, "cut-in-pixels.dcm", bytes, size * 9 / 10);
    bytes = sample_dicom(KIN_DICOM_RLE, 2, patient, 2, &size);
    assert_non_null(memmem(bytes, size, HOSTILE_PATIENT_ID, strlen(HOSTILE_PATIENT_ID)));
    keep(folder, "cut-in-rle.dcm", bytes, size * 9 / 10);
    bytes = sample_png(SIDE, SIDE, &size);
    keep(folder, "cut.png", bytes, size * 2 / 3);
    bytes = sample_tiff(1, &size);
    keep(folder, "cut.tif", bytes, size / 2);
}

static void make_lying_dicom(const char *folder)
{
    size_t size;
    void *bytes = dicom_nested(DEEP, &size);
    keep(folder, "nested-6000.dcm", bytes, size);
    bytes = dicom_nested(DEEPEST, &size);
    keep(folder, "nested-100000.dcm", bytes, size);
    bytes = dicom_huge_claim(&size);
    keep(folder, "huge-claim.dcm", bytes, size);
    unsigned char garbage[4096];
    uint64_t random = 99;
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (unsigned char)random_bits(&random);
    memcpy(garbage + 128, "DICM", 4);
    write_file(path_in(folder, "garbage.dcm"), garbage, sizeof garbage);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void put_chunk(FILE *out, const char *type, const unsigned char *data, size_t size)
{
    unsigned char number[4];
    uLong crc = crc32(crc32(0, (const Bytef *)type, 4), data, (uInt)size);
    put_u32(number, (uint32_t)size);
    fwrite(number, 1, 4, out);
    fwrite(type, 1, 4, out);
    fwrite(data, 1, size, out);
    put_u32(number, (uint32_t)crc);
    fwrite(number, 1, 4, out);
}

/* A flawless PNG of some 50 KB that is 1.6 GB of samples: one bit each, all black. */
static void make_png_bomb(const char *folder)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    unsigned char header[13] = {[8] = 1}; /* one bit, grey */
    uLong raw_size = (uLong)BOMB_SIDE * (BOMB_SIDE / 8 + 1);
    uLongf packed_size = compressBound(raw_size);
    unsigned char *raw = calloc(1, raw_size), *packed = malloc(packed_size);
    assert_non_null(raw);
    assert_non_null(packed);
    assert_int_equal(compress2(packed, &packed_size, raw, raw_size, 1), Z_OK);
    put_u32(header, BOMB_SIDE);
    put_u32(header + 4, BOMB_SIDE);
    FILE *out = fopen(path_in(folder, "bomb.png"), "wb");
    assert_non_null(out);
    fwrite(signature, 1, sizeof signature, out);
    put_chunk(out, "IHDR", header, sizeof header);
    put_chunk(out, "IDAT", packed, packed_size);
    put_chunk(out, "IEND", header, 0);
    assert_int_equal(fclose(out), 0);
    free(raw);
    free(packed);
}

static void make_odd_entries(const char *folder)
{
    static const char *const endings[] = {"dcm", "png", "jpg", "jpeg", "tif", "tiff"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "empty.%s", endings[i]);
        write_file(path_in(folder, name), "", 0);
    }
    assert_int_equal(mkfifo(path_in(folder, "fifo.dcm"), 0600), 0);
    assert_int_equal(symlink("nowhere.png", path_in(folder, "dangling.png")), 0);
    assert_int_equal(symlink(".", path_in(folder, "loop")), 0);
    size_t size;
    void *bytes = sample_png(SIDE / 2, SIDE, &size);
    keep(folder, "unreadable.png", bytes, size);
    assert_int_equal(chmod(path_in(folder, "unreadable.png"), 0), 0);
}

void hostile_folder_make(const char *folder)
{
    make_good(folder);
    make_cut(folder);
    make_lying_dicom(folder);
    make_png_bomb(folder);
    make_odd_entries(folder);
}
