/* Damaged NRRD files of every encoding, whole and with their data in another file; a volume that
 * comes out is then measured: whatever its numbers, figures or a reason must come back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "radiomics/radiomics.h"
#include "volume/nrrd.h"
#include "volume/nrrd_text.h"

enum { ITERATIONS = 20000, MEASURED_MAX = 4096 /* voxels: larger ones take too long */ };

static const char header[] = "NRRD0004\n# a comment\ntype: %s\ndimension: 3\n"
                             "space: left-posterior-superior\nsizes: 3 4 2\n"
                             "space directions: (0.5,0,0) (0,0.5,0) (0,0,2)\nkinds: domain domain "
                             "domain\nendian: big\nencoding: %s\nspace origin: (1,2,3)\n%s\n";

static sample made_of(uint64_t seed)
{
    static const char *const encodings[] = {"raw", "gzip", "ascii", "hex"};
    static const char *const types[] = {"short", "float"};
    char text[512];
    unsigned char voxels[96];
    unsigned kind = (unsigned)(seed % 4);
    bool floats = seed / 4 % 2 != 0;
    size_t size = floats ? 96 : 48;
    for (size_t i = 0; i < size; i++)
        voxels[i] = (unsigned char)(i % 2 == 0 ? 0 : 1 + i % 3);
    snprintf(text, sizeof text, header, types[floats], encodings[kind],
             seed / 8 % 8 == 0 ? "data file: beside.raw\n" : "");
    nrrd_bytes data = {voxels, size}, packed = {0};
    char numbers[] = "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6";
    char hex[193] = "";
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", voxels[i]);
    if (kind == 1)
        data = packed = nrrd_gzip(voxels, size);
    else if (kind == 2)
        data = (nrrd_bytes){(unsigned char *)numbers, strlen(numbers)};
    else if (kind == 3)
        data = (nrrd_bytes){(unsigned char *)hex, 2 * size};
    nrrd_bytes file = nrrd_join(text, data.bytes, data.size);
    free(packed.bytes);
    return (sample){file.bytes, file.size};
}

static void measure(const kin_volume *volume, uint64_t seed)
{
    kin_radiomics radiomics;
    kin_error err = {0};
    kin_radiomics_settings settings = {.by_slice = seed % 3 == 0,
                                       .spacing_mm = seed % 5 == 0 ? volume->spacing[0] * 0.7 : 0};
    kin_status status = kin_radiomics_compute(volume, volume, 1, &settings, &radiomics, &err);
    FUZZ_CHECK(status == KIN_OK ? radiomics.count > 0 : err.message[0] != '\0');
    kin_radiomics_release(&radiomics);
}

static bool try_file(void *ctx, uint64_t seed)
{
    uint64_t random = seed;
    kin_volume volume;
    kin_error err = {0};
    char name[KIN_NRRD_NAME_MAX];
    sample whole = made_of(seed), other = made_of(seed + 1);
    sample damaged = seed % 16 == 0 ? whole : mutate(&random, &whole, &other);
    (void)ctx;
    if (kin_nrrd_data_file(damaged.bytes, damaged.size, name, &err) == KIN_OK)
        FUZZ_CHECK(strchr(name, '/') == NULL && strlen(name) < sizeof name);
    kin_status status =
        kin_nrrd_read(damaged.bytes, damaged.size, other.bytes, other.size, &volume, &err);
    if (status == KIN_OK) {
        for (int a = 0; a < 3; a++)
            FUZZ_CHECK(volume.size[a] >= 1 && volume.spacing[a] > 0.0 &&
                       isfinite(volume.origin[a]));
        if (kin_volume_count(&volume) <= MEASURED_MAX)
            measure(&volume, seed);
    } else {
        FUZZ_CHECK(err.message[0] != '\0' && volume.voxels == NULL);
    }
    kin_volume_release(&volume);
    if (damaged.bytes != whole.bytes)
        free(damaged.bytes);
    free(whole.bytes);
    free(other.bytes);
    return status == KIN_OK;
}

static void fuzz_files(void **state)
{
    (void)state;
    fuzz_tally tally = fuzz_run("nrrd", try_file, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
