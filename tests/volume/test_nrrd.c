/* NRRD files: every encoding, type and byte order, where voxels lie, what is refused; and the
 * published label maps. */
#include <math.h>
#include <stdint.h>

#include "nrrd_text.h"
#include "shared_data.h"
#include "volume/nrrd.h"

static const char small[] = "NRRD0004\n"
                            "# a comment\n"
                            "type: short\n"
                            "dimension: 3\n"
                            "space: left-posterior-superior\n"
                            "sizes: 3 2 2\n"
                            "space directions: (2,0,0) (0,0,3) (0,-4,0)\n"
                            "kinds: domain domain domain\n"
                            "endian: little\n"
                            "encoding: %s\n"
                            "space origin: (10,-20,30.5)\n"
                            "key:=value\n"
                            "\n";
static const int16_t samples[12] = {0, 1, -2, 300, -400, 32767, -32768, 7, 8, 9, 10, 11};

static kin_status read_with(const char *header, const void *data, size_t size, kin_volume *out,
                            kin_error *err)
{
    nrrd_bytes file = nrrd_join(header, data, size);
    kin_status status = kin_nrrd_read(file.bytes, file.size, NULL, 0, out, err);
    free(file.bytes);
    return status;
}

static kin_status read_small(const char *encoding, const void *data, size_t size, kin_volume *out)
{
    char header[512];
    kin_error err = {0};
    snprintf(header, sizeof header, small, encoding);
    return read_with(header, data, size, out, &err);
}

static void expect_samples(kin_volume *volume)
{
    assert_int_equal(kin_volume_count(volume), 12);
    for (int v = 0; v < 12; v++)
        assert_true(volume->voxels[v] == samples[v]);
    kin_volume_release(volume);
}

static void test_encodings(void **state)
{
    (void)state;
    kin_volume volume;
    char text[256] = "", hex[128] = "";
    for (int v = 0; v < 12; v++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d%s", samples[v],
                 v % 3 == 2 ? "\n" : " ");
        snprintf(hex + strlen(hex), sizeof hex - strlen(hex), "%02X%02x%s", samples[v] & 0xff,
                 samples[v] >> 8 & 0xff, v == 5 ? "\n" : "");
    }
    nrrd_bytes packed = nrrd_gzip(samples, sizeof samples);
    assert_int_equal(read_small("raw", samples, sizeof samples, &volume), KIN_OK);
    expect_samples(&volume);
    assert_int_equal(read_small("gzip", packed.bytes, packed.size, &volume), KIN_OK);
    expect_samples(&volume);
    assert_int_equal(read_small("ascii", text, strlen(text), &volume), KIN_OK);
    expect_samples(&volume);
    assert_int_equal(read_small("hex", hex, strlen(hex), &volume), KIN_OK);
    expect_samples(&volume);
    free(packed.bytes);
}

static void test_place(void **state)
{
    (void)state;
    kin_volume volume;
    double centre[3];
    assert_int_equal(read_small("raw", samples, sizeof samples, &volume), KIN_OK);
    assert_true(volume.spacing[0] == 2.0 && volume.spacing[1] == 3.0 && volume.spacing[2] == 4.0);
    kin_volume_centre(&volume, (const int[3]){2, 1, 1}, centre);
    assert_true(centre[0] == 14.0 && centre[1] == -24.0 && centre[2] == 33.5);
    kin_volume_release(&volume);

    /* The same place in RAS. */
    kin_error err = {0};
    const char *ras = "NRRD0005\ntype: uchar\ndimension: 3\nspace: RAS\nsizes: 1 1 2\n"
                      "space directions: (1,0,0) (0,1,0) (0,0,5)\nencoding: raw\n"
                      "space origin: (1,2,3)\n\n";
    assert_int_equal(read_with(ras, "ab", 2, &volume, &err), KIN_OK);
    assert_true(volume.origin[0] == -1.0 && volume.origin[1] == -2.0 && volume.origin[2] == 3.0);
    assert_true(volume.direction[0][0] == -1.0 && volume.direction[1][1] == -1.0 &&
                volume.direction[2][2] == 1.0);
    kin_volume_release(&volume);

    /* Only spacings, one of them unknown; two dimensions. */
    const char *flat = "NRRD0001\ntype: float\ndimension: 2\nsizes: 2 1\nspacings: 0.5 nan\n"
                       "endian: big\nencoding: raw\n\n";
    const unsigned char ones[8] = {0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0};
    assert_int_equal(read_with(flat, ones, sizeof ones, &volume, &err), KIN_OK);
    assert_true(volume.spacing[0] == 0.5 && volume.spacing[1] == 1.0 && volume.size[2] == 1);
    assert_true(volume.voxels[0] == 1.0f && volume.voxels[1] == -2.5f);
    kin_volume_release(&volume);
}

/* The number -3 or 3 in every type and byte order. */
static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t size;
        double value;
        unsigned char little[8];
    } types[] = {{"signed char", 1, -3, {0xfd}},
                 {"uint8", 1, 253, {0xfd}},
                 {"short", 2, -3, {0xfd, 0xff}},
                 {"unsigned short", 2, 65533, {0xfd, 0xff}},
                 {"int", 4, -3, {0xfd, 0xff, 0xff, 0xff}},
                 {"uint32_t", 4, 16777216, {0, 0, 0, 1}},
                 {"long long int", 8, -3, {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                 {"uint64", 8, 3, {3}},
                 {"float", 4, -3, {0, 0, 0x40, 0xc0}},
                 {"double", 8, -3, {0, 0, 0, 0, 0, 0, 0x08, 0xc0}}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int big = 0; big < 2; big++) {
            char header[256];
            unsigned char data[8];
            kin_volume volume;
            kin_error err = {0};
            snprintf(header, sizeof header,
                     "NRRD0004\ntype: %s\ndimension: 3\nsizes: 1 1 1\nendian: %s\n"
                     "encoding: raw\n\n",
                     types[t].name, big ? "big" : "little");
            for (size_t i = 0; i < types[t].size; i++)
                data[i] = types[t].little[big ? types[t].size - 1 - i : i];
            if (read_with(header, data, types[t].size, &volume, &err) != KIN_OK)
                fail_msg("%s: %s", types[t].name, err.message);
            assert_true(volume.voxels[0] == (float)types[t].value);
            kin_volume_release(&volume);
        }
}

static void test_skips_and_detached(void **state)
{
    (void)state;
    kin_volume volume;
    kin_error err = {0};
    char name[KIN_NRRD_NAME_MAX];
    const char *skips = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: raw\n"
                        "line skip: 2\nbyte skip: 3\n\n";
    assert_int_equal(read_with(skips, "one\ntwo\nxyz\5\6", 13, &volume, &err), KIN_OK);
    assert_true(volume.voxels[0] == 5.0f && volume.voxels[1] == 6.0f);
    kin_volume_release(&volume);
    const char *last = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: raw\n"
                       "byte skip: -1\n\n";
    assert_int_equal(read_with(last, "whatever\5\6", 10, &volume, &err), KIN_OK);
    assert_true(volume.voxels[0] == 5.0f && volume.voxels[1] == 6.0f);
    kin_volume_release(&volume);

    const char *detached = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: raw\n"
                           "data file: voxels.raw\n";
    assert_int_equal(kin_nrrd_data_file(detached, strlen(detached), name, &err), KIN_OK);
    assert_string_equal(name, "voxels.raw");
    assert_int_equal(kin_nrrd_read(detached, strlen(detached), NULL, 0, &volume, &err), KIN_E_ARG);
    assert_int_equal(kin_nrrd_read(detached, strlen(detached), "\5\6", 2, &volume, &err), KIN_OK);
    assert_true(volume.voxels[0] == 5.0f && volume.voxels[1] == 6.0f);
    kin_volume_release(&volume);
}

/* Headers that are refused, each with the word that its message must have. */
static void test_refused(void **state)
{
    (void)state;
#define HEAD "NRRD0004\ntype: uchar\ndimension: 3\n"
#define TAIL "sizes: 2 1 1\nencoding: raw\n\n"
    static const struct {
        const char *header;
        kin_status status;
        const char *word;
    } cases[] = {
        {"NRRD0009\n" TAIL, KIN_E_UNSUPPORTED, "version"},
        {"NRRD0004\nno field\n" TAIL, KIN_E_FORMAT, "no field"},
        {"NRRD0004\ntype: block\ndimension: 3\n" TAIL, KIN_E_UNSUPPORTED, "block"},
        {"NRRD0004\ntype: uchar\ndimension: 4\nsizes: 2 1 1 1\nencoding: raw\n\n",
         KIN_E_UNSUPPORTED, "4 dimensions"},
        {"NRRD0004\ntype: uchar\ndimension: -3\n" TAIL, KIN_E_FORMAT, "dimension"},
        {"NRRD0004\ntype: uchar\nsizes: 2 1 1\ndimension: 3\nencoding: raw\n\n", KIN_E_FORMAT,
         "before the dimension"},
        {HEAD "sizes: 2 1\nencoding: raw\n\n", KIN_E_FORMAT, "sizes"},
        {HEAD "sizes: 2 0 1\nencoding: raw\n\n", KIN_E_FORMAT, "sizes"},
        {HEAD "sizes: 99999999999999999999 1 1\nencoding: raw\n\n", KIN_E_FORMAT, "sizes"},
        {HEAD "sizes: 65536 65536 65536\nencoding: raw\n\n", KIN_E_LIMIT, "at most"},
        {HEAD "sizes: 2 1 1\nencoding: bzip2\n\n", KIN_E_UNSUPPORTED, "bzip2"},
        {HEAD "encoding: raw\n\n", KIN_E_FORMAT, "lacks"},
        {"NRRD0004\ntype: short\ndimension: 3\n" TAIL, KIN_E_FORMAT, "byte order"},
        {HEAD "type: uchar\n" TAIL, KIN_E_FORMAT, "two fields"},
        {HEAD "kinds: RGB-color domain domain\n" TAIL, KIN_E_UNSUPPORTED, "RGB-color"},
        {HEAD "space: scanner-xyz\n" TAIL, KIN_E_UNSUPPORTED, "scanner-xyz"},
        {HEAD "space: LPS\nspace directions: (1,0,0) none (0,0,1)\n" TAIL, KIN_E_FORMAT,
         "directions"},
        {HEAD "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,0)\n" TAIL, KIN_E_FORMAT,
         "no direction"},
        {HEAD "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0.3,1)\n" TAIL, KIN_E_UNSUPPORTED,
         "right angles"},
        {HEAD "space: LPS\nspace directions: (1,0,0) (0,inf,0) (0,0,1)\n" TAIL, KIN_E_FORMAT,
         "directions"},
        {HEAD "space directions: (1,0,0) (0,1,0) (0,0,1)\n" TAIL, KIN_E_FORMAT, "no space"},
        {HEAD "data file: ../secret\n" TAIL, KIN_E_UNSUPPORTED, "folder"},
        {HEAD "data file: /etc/passwd\n" TAIL, KIN_E_UNSUPPORTED, "folder"},
        {HEAD "data file: LIST\n" TAIL, KIN_E_UNSUPPORTED, "several files"},
        {HEAD "data file: slice%03d.raw 1 9 1\n" TAIL, KIN_E_UNSUPPORTED, "several files"},
        {HEAD "line skip: 5\n" TAIL, KIN_E_FORMAT, "fewer lines"},
        {HEAD "byte skip: 5\n" TAIL, KIN_E_FORMAT, "fewer bytes"}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        kin_volume volume;
        kin_error err = {0};
        kin_status status = read_with(cases[c].header, "ab", 2, &volume, &err);
        if (status != cases[c].status || strstr(err.message, cases[c].word) == NULL)
            fail_msg("case %zu: %d, %s", c, status, err.message);
        assert_null(volume.voxels);
    }
}

/* Fewer and more data than the sizes promise, in each encoding; no header is safe from being cut. */
static void test_lying_data(void **state)
{
    (void)state;
    kin_volume volume;
    nrrd_bytes packed = nrrd_gzip(samples, sizeof samples);
    int16_t more[13] = {0};
    nrrd_bytes packed_more = nrrd_gzip(more, sizeof more);
    assert_int_equal(read_small("raw", samples, 23, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("raw", more, sizeof more, &volume), KIN_E_FORMAT);
    for (size_t cut = 0; cut < packed.size; cut++)
        assert_int_equal(read_small("gzip", packed.bytes, cut, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("gzip", packed_more.bytes, packed_more.size, &volume),
                     KIN_E_FORMAT);
    assert_int_equal(read_small("gzip", samples, sizeof samples, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("ascii", "1 2 3", 5, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("ascii", "1 2 3 4 5 6 7 8 9 10 11 12 13", 29, &volume),
                     KIN_E_FORMAT);
    assert_int_equal(read_small("ascii", "1 2 three", 9, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("hex", "00112233", 8, &volume), KIN_E_FORMAT);
    assert_int_equal(read_small("hex", "0x112233", 8, &volume), KIN_E_FORMAT);
    free(packed.bytes);
    free(packed_more.bytes);
    char header[512];
    snprintf(header, sizeof header, small, "raw");
    for (size_t cut = 0; cut < strlen(header); cut++) {
        kin_error err = {0};
        assert_int_not_equal(kin_nrrd_read(header, cut, NULL, 0, &volume, &err), KIN_OK);
    }
}

/* 64 MiB of zeros in some 64 KiB: inflation stops at what the sizes promise. */
static void test_bomb(void **state)
{
    (void)state;
    size_t size = (size_t)64 << 20;
    void *zeros = calloc(size, 1);
    nrrd_bytes packed = nrrd_gzip(zeros, size);
    kin_volume volume;
    free(zeros);
    assert_true(packed.size < size / 500);
    assert_int_equal(read_small("gzip", packed.bytes, packed.size, &volume), KIN_E_FORMAT);
    free(packed.bytes);
}

/* Voxels with the label 1, by PyRadiomics' published diagnostics (VoxelNum of its baselines), and
 * where the first slices lie. */
static void test_published_label_maps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int size[3];
        size_t voxels;
    } maps[] = {{"brain1", {256, 256, 25}, 4137},
                {"brain2", {256, 256, 23}, 453},
                {"breast1", {45, 120, 21}, 143},
                {"lung1", {512, 512, 48}, 837},
                {"lung2", {512, 512, 61}, 24644}};
    for (size_t m = 0; m < sizeof maps / sizeof maps[0]; m++) {
        char below[128], path[4096];
        kin_error err = {0};
        kin_volume volume;
        size_t count = 0;
        snprintf(below, sizeof below, "tumour-volumes/%s_label.nrrd", maps[m].name);
        FILE *file = fopen(shared_data(path, sizeof path, below), "rb");
        unsigned char bytes[65536];
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (kin_nrrd_read(bytes, size, NULL, 0, &volume, &err) != KIN_OK)
            fail_msg("%s: %s", below, err.message);
        assert_memory_equal(volume.size, maps[m].size, sizeof volume.size);
        for (size_t v = 0; v < kin_volume_count(&volume); v++)
            count += volume.voxels[v] == 1.0f;
        assert_int_equal(count, maps[m].voxels);
        kin_volume_release(&volume);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings), cmocka_unit_test(test_place),
        cmocka_unit_test(test_types),     cmocka_unit_test(test_skips_and_detached),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_lying_data),
        cmocka_unit_test(test_bomb),      cmocka_unit_test(test_published_label_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
