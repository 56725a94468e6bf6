/* Files that lie, are cut off or damaged: an error with a reason, in little time and memory, and
 * never a crash.  Damage is done in child processes, since DCMTK and its codecs have had flaws. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <zlib.h>

#include "dicom/inflate.h"
#include "dicom/prescan.h"
#include "dicom_files.h"
#include "made_files.h"
#include "random.h"
#include "shared_data.h"

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

/* Opens and, where that works, renders up to two frames.  Small limits: damage to a length or size
 * must not make the test slow. */
static kin_status try_file(const void *bytes, size_t size)
{
    const kin_image_limits limits = {.max_frame_bytes = 64 << 20, .max_total_bytes = 256 << 20};
    kin_error err = {0};
    kin_dicom *dicom = NULL;
    kin_status status = kin_dicom_open(bytes, size, &limits, &dicom, &err);
    if (status != KIN_OK)
        return err.message[0] != '\0' && err.code == status ? status : KIN_E_INTERNAL;
    const kin_dicom_header *h = kin_dicom_header_borrow(dicom);
    for (int frame = 0; frame < h->frames && frame < 2; frame++) {
        kin_raster raster;
        if (kin_dicom_render(dicom, frame, &raster, NULL) == KIN_OK)
            kin_raster_release(&raster);
    }
    kin_dicom_close(dicom);
    return KIN_OK;
}

static kin_status open_made(kin_dicom_new spec, kin_error *err)
{
    void *bytes;
    size_t size;
    kin_dicom *dicom = NULL;
    spec.sop_class_uid = TEST_SC_CLASS;
    spec.sop_instance_uid = "1.2.3";
    if (kin_dicom_write_memory(&spec, &bytes, &size, err) != KIN_OK)
        fail_msg("cannot write: %s", err->message);
    kin_status status = kin_dicom_open(bytes, size, NULL, &dicom, err);
    kin_dicom_close(dicom);
    free(bytes);
    return status;
}

static void sizes_that_lie(void **state)
{
    (void)state;
    static const uint8_t pixels[8 * 8] = {0};
    static const struct {
        kin_dicom_new_attribute lie[3];
        size_t count;
        kin_status expected;
    } cases[] = {
        /* 65,535 x 65,535 in a file of some hundred bytes */
        {{{"Rows", NULL, "65535", NULL, 0}, {"Columns", NULL, "65535", NULL, 0}}, 2, KIN_E_LIMIT},
        /* within the limits, but not there */
        {{{"Rows", NULL, "4000", NULL, 0}, {"Columns", NULL, "4000", NULL, 0}}, 2, KIN_E_FORMAT},
        {{{"NumberOfFrames", NULL, "2147483647", NULL, 0}}, 1, KIN_E_LIMIT},
        {{{"NumberOfFrames", NULL, "2", NULL, 0}}, 1, KIN_E_FORMAT},
        {{{"Rows", NULL, "0", NULL, 0}}, 1, KIN_E_FORMAT},
        {{{"BitsAllocated", NULL, "0", NULL, 0}}, 1, KIN_E_UNSUPPORTED},
        {{{"BitsAllocated", NULL, "65535", NULL, 0}}, 1, KIN_E_UNSUPPORTED},
        {{{"BitsStored", NULL, "200", NULL, 0}}, 1, KIN_E_FORMAT},
        {{{"SamplesPerPixel", NULL, "65535", NULL, 0}}, 1, KIN_E_UNSUPPORTED},
        {{{"SamplesPerPixel", NULL, "3", NULL, 0}}, 1, KIN_E_FORMAT},
        {{{"PhotometricInterpretation", NULL, "CMYK", NULL, 0}}, 1, KIN_E_UNSUPPORTED},
        {{{"HighBit", NULL, "60000", NULL, 0}}, 1, KIN_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_error err = {0};
        kin_dicom_new spec = {.attributes = cases[i].lie,
                              .attribute_count = cases[i].count,
                              .pixels = pixels,
                              .pixels_size = sizeof pixels,
                              .rows = 8,
                              .columns = 8};
        kin_status status = open_made(spec, &err);
        if (status != cases[i].expected)
            fail_msg("case %zu: %s (%s), expected %s", i, kin_status_text(status), err.message,
                     kin_status_text(cases[i].expected));
    }
}

/* Finds an explicit little endian element of a short VR, and returns its value. */
static uint8_t *value_of(const test_file *file, unsigned group, unsigned element)
{
    const uint8_t tag[4] = {(uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element,
                            (uint8_t)(element >> 8)};
    uint8_t *found = memmem(file->bytes, file->size, tag, 4);
    assert_non_null(found);
    return found + 8;
}

/* Compressed files: an encoder follows the attributes, so that the lie is told afterwards. */
static void sizes_of_compressed_files_that_lie(void **state)
{
    (void)state;
    static const uint16_t huge = 65535;
    kin_dicom *dicom = NULL;
    test_file file = test_file_load("wg04/RLE/CT1_RLE");
    memcpy(value_of(&file, 0x0028, 0x0010), &huge, 2);
    memcpy(value_of(&file, 0x0028, 0x0011), &huge, 2);
    assert_int_equal(kin_dicom_open(file.bytes, file.size, NULL, &dicom, NULL), KIN_E_LIMIT);
    test_file_free(&file);
    file = test_file_load("pydicom/emri_small_jpeg_ls_lossless.dcm"); /* of 10 frames */
    memcpy(value_of(&file, 0x0028, 0x0008), "99", 2);
    assert_int_equal(kin_dicom_open(file.bytes, file.size, NULL, &dicom, NULL), KIN_E_FORMAT);
    test_file_free(&file);
}

/* Rows and columns of compressed files that contradict the code stream. */
static void code_streams_must_agree(void **state)
{
    (void)state;
    static const char *const names[] = {
        "wg04/J2KR/CT1_J2KR", "wg04/JLSL/CT1_JLSL", "wg04/JPLL/CT1_JPLL",
        "wg04/JPLY/MR1_JPLY", "wg04/J2KI/US1_J2KI",
    };
    static const uint16_t rows[] = {511, 513, 1, 4096};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            test_file file = test_file_load(names[i]);
            kin_error err = {0};
            kin_dicom *dicom = NULL;
            kin_samples samples;
            memcpy(value_of(&file, 0x0028, 0x0010), &rows[k], 2);
            assert_int_equal(kin_dicom_open(file.bytes, file.size, NULL, &dicom, &err), KIN_OK);
            assert_int_equal(kin_dicom_read_samples(dicom, 0, &samples, &err), KIN_E_FORMAT);
            assert_non_null(strstr(err.message, "where the file says"));
            assert_null(samples.data);
            kin_dicom_close(dicom);
            test_file_free(&file);
        }
}

/* A frame's RLE header and segments. */
static void rle_segments_must_be_there(void **state)
{
    (void)state;
    static const uint32_t lies[] = {0, 63, 0xffffffff, 0x7fffffff, 70000000};
    for (size_t segment = 1; segment <= 2; segment++)
        for (size_t k = 0; k < sizeof lies / sizeof lies[0]; k++) {
            test_file file = test_file_load("wg04/RLE/CT1_RLE");
            kin_dicom *dicom = NULL;
            kin_samples samples;
            static const uint8_t header[8] = {2, 0, 0, 0, 64, 0, 0, 0};
            uint8_t *rle = memmem(file.bytes, file.size, header, sizeof header);
            assert_non_null(rle);
            memcpy(rle + 4 * segment, &lies[k], 4);
            assert_int_equal(kin_dicom_open(file.bytes, file.size, NULL, &dicom, NULL), KIN_OK);
            assert_int_equal(kin_dicom_read_samples(dicom, 0, &samples, NULL), KIN_E_FORMAT);
            kin_dicom_close(dicom);
            test_file_free(&file);
        }
}

/* 64 MB of zeros deflate to 65 kB. */
static void deflate_is_bounded(void **state)
{
    (void)state;
    enum { SIZE = 64 << 20 };
    uint8_t *zeros = calloc(1, SIZE);
    uLong room = compressBound(SIZE);
    uint8_t *packed = malloc(room);
    z_stream z = {.next_in = zeros, .avail_in = SIZE, .next_out = packed, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = z.total_out, out_size = 0;
    deflateEnd(&z);
    void *out = NULL;
    kin_error err = {0};
    assert_int_equal(kin_dicom_inflate(packed, size, 1 << 20, &out, &out_size, &err), KIN_E_LIMIT);
    assert_int_equal(kin_dicom_inflate(packed, size, SIZE - 1, &out, &out_size, &err), KIN_E_LIMIT);
    assert_int_equal(kin_dicom_inflate(packed, size - 9, SIZE, &out, &out_size, &err),
                     KIN_E_FORMAT);
    assert_null(out);
    assert_int_equal(kin_dicom_inflate(packed, size, SIZE, &out, &out_size, &err), KIN_OK);
    assert_int_equal(out_size, SIZE);
    assert_memory_equal(out, zeros, SIZE);
    free(out);
    packed[1000] ^= 0xff;
    packed[1001] ^= 0xff;
    if (kin_dicom_inflate(packed, size, SIZE, &out, &out_size, &err) == KIN_OK)
        free(out);
    free(packed);
    free(zeros);
}

/* What a child is at, where its parent can see it. */
typedef struct progress {
    unsigned at;
} progress;

/* Runs body(ctx, i) for i from 0 to n - 1 in child processes; a child that dies is replaced from
 * the next i on.  Returns how many died, and in *first at which i the first did. */
static unsigned run_fenced(void (*body)(void *ctx, unsigned i), void *ctx, unsigned n,
                           unsigned *first)
{
    enum { SECONDS_OF_SILENCE = 60 };
    progress *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned deaths = 0;
    assert_true(shared != MAP_FAILED);
    for (unsigned from = 0; from < n;) {
        shared->at = from;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (unsigned i = from; i < n; i++) {
                shared->at = i;
                alarm(SECONDS_OF_SILENCE);
                body(ctx, i);
            }
            _exit(0);
        }
        int status;
        while (waitpid(child, &status, 0) < 0)
            assert_int_equal(errno, EINTR);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        if (deaths++ == 0)
            *first = shared->at;
        print_message("died at %u (status %d)\n", shared->at, status);
        from = shared->at + 1;
    }
    munmap(shared, sizeof *shared);
    return deaths;
}

typedef struct cut {
    const test_file *file;
    unsigned step;
} cut;

/* The first i * step bytes, at the very end of an allocation. */
static void open_cut(void *ctx, unsigned i)
{
    const cut *c = ctx;
    size_t size = (size_t)i * c->step;
    uint8_t *part = malloc(size > 0 ? size : 1);
    memcpy(part, c->file->bytes, size);
    if (try_file(part, size) == KIN_E_INTERNAL)
        abort();
    free(part);
}

static void every_truncation_is_survived(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned step;
    } files[] = {
        {"pydicom/MR_small_RLE.dcm", 1},
        {"pydicom/MR_small_jpeg_ls_lossless.dcm", 1},
        {"pydicom/MR_small_jp2klossless.dcm", 1},
        {"pydicom/MR_small_bigendian.dcm", 1},
        {"pydicom/SC_rgb_small_odd_jpeg.dcm", 1},
        {"pydicom/reportsi.dcm", 1},
        {"pydicom/rtplan.dcm", 1},
        {"pydicom/rtstruct.dcm", 1},
        {"pydicom/priv_SQ.dcm", 1},
        {"pydicom/liver_1frame.dcm", 7},
        {"pydicom/test-SR.dcm", 3},
        {"pydicom/bad_sequence.dcm", 97},
        {"pydicom/image_dfl.dcm", 101},
        {"pydicom/emri_small_jpeg_2k_lossless.dcm", 31},
        {"pydicom/SC_rgb_jpeg_gdcm.dcm", 11},
        {"pydicom/OBXXXX1A_rle.dcm", 499},
        {"pydicom/explicit_VR-UN.dcm", 211},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        test_file file = test_file_load(files[i].name);
        cut c = {&file, files[i].step};
        unsigned first = 0;
        unsigned deaths = run_fenced(open_cut, &c, (unsigned)(file.size / files[i].step), &first);
        if (deaths > 0)
            fail_msg("%s: %u of its truncations are fatal, the first to %u bytes", files[i].name,
                     deaths, first * files[i].step);
        test_file_free(&file);
    }
}

/* Pixel data that were cut off are an error wherever the cut is, also in a compressed frame. */
static void truncated_pixels_are_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"pydicom/MR_small.dcm",
                                        "pydicom/MR_small_RLE.dcm",
                                        "pydicom/MR_small_jpeg_ls_lossless.dcm",
                                        "pydicom/MR_small_jp2klossless.dcm",
                                        "pydicom/SC_rgb_jpeg_dcmtk.dcm",
                                        "pydicom/image_dfl.dcm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_file file = test_file_load(names[i]);
        for (int eighths = 7; eighths > 3; eighths--) {
            kin_error err = {0};
            kin_dicom *dicom = NULL;
            kin_status status =
                kin_dicom_open(file.bytes, file.size * (unsigned)eighths / 8, NULL, &dicom, &err);
            if (status != KIN_E_FORMAT || strstr(err.message, "truncated") == NULL)
                fail_msg("%s at %d/8: %s", names[i], eighths, err.message);
        }
        test_file_free(&file);
    }
}

/* Mutation i of a file: one to eight bytes, half of them in the first kilobytes, where the headers
 * are; bits flipped, or replaced by a value that is often a boundary. */
static void open_mutated(void *ctx, unsigned i)
{
    static const uint8_t favourites[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
    const test_file *file = ctx;
    uint64_t random = 0x6b696e64726564 + i;
    uint8_t *bytes = malloc(file->size);
    memcpy(bytes, file->bytes, file->size);
    unsigned count = 1 + (unsigned)(random_bits(&random) % 8);
    for (unsigned k = 0; k < count; k++) {
        size_t range = random_bits(&random) % 2 == 0 && file->size > 4096 ? 4096 : file->size;
        size_t at = random_bits(&random) % range;
        uint64_t how = random_bits(&random);
        if (how % 2 == 0)
            bytes[at] ^= (uint8_t)(1u << (how >> 8) % 8);
        else
            bytes[at] = favourites[(how >> 8) % sizeof favourites];
    }
    if (try_file(bytes, file->size) == KIN_E_INTERNAL)
        abort();
    free(bytes);
}

/* KINDRED_MUTATIONS multiplies the number of mutations, for a longer search than a test has time
 * for. */
static unsigned thoroughness(void)
{
    const char *factor = getenv("KINDRED_MUTATIONS");
    int n = factor != NULL ? atoi(factor) : 1;
    return n > 0 ? (unsigned)n : 1;
}

static void mutations_are_survived(void **state)
{
    (void)state;
    unsigned total_deaths = 0;
    static const struct {
        const char *name;
        unsigned count;
    } files[] = {
        {"pydicom/MR_small.dcm", 400},
        {"pydicom/MR_small_RLE.dcm", 400},
        {"pydicom/MR_small_bigendian.dcm", 300},
        {"pydicom/MR_small_implicit.dcm", 400},
        {"pydicom/MR_small_jp2klossless.dcm", 400},
        {"pydicom/MR_small_jpeg_ls_lossless.dcm", 400},
        {"pydicom/SC_rgb_jpeg_dcmtk.dcm", 400},
        {"pydicom/SC_rgb_jpeg_gdcm.dcm", 400},
        {"pydicom/SC_rgb_rle_16bit.dcm", 300},
        {"pydicom/SC_rgb_small_odd_jpeg.dcm", 600},
        {"pydicom/SC_ybr_full_422_uncompressed.dcm", 200},
        {"pydicom/emri_small_jpeg_2k_lossless.dcm", 300},
        {"pydicom/emri_small_jpeg_ls_lossless.dcm", 300},
        {"pydicom/emri_small_RLE.dcm", 300},
        {"pydicom/JPEG-lossy.dcm", 60},
        {"pydicom/gdcm-US-ALOKA-16.dcm", 60},
        {"pydicom/OT-PAL-8-face.dcm", 60},
        {"pydicom/mlut_18.dcm", 100},
        {"pydicom/vlut_04.dcm", 100},
        {"pydicom/image_dfl.dcm", 100},
        {"pydicom/liver_1frame.dcm", 150},
        {"pydicom/rtstruct.dcm", 300},
        {"pydicom/test-SR.dcm", 300},
        {"wsi-and-seg/sm_image_jpegls.dcm", 300},
        {"wsi-and-seg/seg_image_sm_control_labelmap_palette_color.dcm", 300},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        test_file file = test_file_load(files[i].name);
        unsigned first = 0;
        unsigned deaths = run_fenced(open_mutated, &file, files[i].count * thoroughness(), &first);
        if (deaths > 0)
            print_message("%s: %u of its mutations are fatal, the first is %u\n", files[i].name,
                          deaths, first);
        total_deaths += deaths;
        test_file_free(&file);
    }
    assert_int_equal(total_deaths, 0);
}

/* From now on any attempt to open a file kills the process. */
static bool forbid_opening(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
#ifdef SYS_open
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 0, 1),
#else
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void nothing_is_opened_after_preparing(void **state)
{
    (void)state;
    static const char *const names[] = {
        "pydicom/MR_small_implicit.dcm",
        "pydicom/explicit_VR-UN.dcm",
        "pydicom/SC_rgb_jpeg_dcmtk.dcm",
        "pydicom/JPEG-LL.dcm",
        "pydicom/JPEG-lossy.dcm",
        "pydicom/MR_small_jpeg_ls_lossless.dcm",
        "pydicom/MR_small_jp2klossless.dcm",
        "pydicom/emri_small_RLE.dcm",
        "pydicom/gdcm-US-ALOKA-16.dcm",
        "pydicom/image_dfl.dcm",
    };
    static const char *const charsets[] = {
        "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110",      "ISO_IR 144",
        "ISO_IR 127", "ISO_IR 126", "ISO_IR 138", "ISO_IR 148",      "ISO_IR 166",
        "ISO_IR 13",  "GB18030",    "GBK",        "ISO 2022 IR 149", "ISO 2022 IR 58",
    };
    enum { FILES = sizeof names / sizeof names[0], SETS = sizeof charsets / sizeof charsets[0] };
    test_file files[FILES + SETS];
    for (int i = 0; i < FILES; i++)
        files[i] = test_file_load(names[i]);
    for (int i = 0; i < SETS; i++) {
        const kin_dicom_new_attribute text[] = {
            {"SpecificCharacterSet", NULL, charsets[i], NULL, 0},
            {"SeriesDescription", NULL, "\320\241\266\253", NULL, 0},
        };
        kin_dicom_new spec = {
            .sop_class_uid = TEST_SC_CLASS, .sop_instance_uid = "1.2.3", ATTRIBUTES(text)};
        void *bytes;
        assert_int_equal(kin_dicom_write_memory(&spec, &bytes, &files[FILES + i].size, NULL),
                         KIN_OK);
        files[FILES + i].bytes = bytes;
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_opening())
            _exit(77);
        for (int i = 0; i < FILES + SETS; i++)
            if (try_file(files[i].bytes, files[i].size) != KIN_OK)
                _exit(1 + i);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; i < FILES + SETS; i++)
        test_file_free(&files[i]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: system-call filters are not available\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_that_lie),
        cmocka_unit_test(sizes_of_compressed_files_that_lie),
        cmocka_unit_test(code_streams_must_agree),
        cmocka_unit_test(rle_segments_must_be_there),
        cmocka_unit_test(deflate_is_bounded),
        cmocka_unit_test(truncated_pixels_are_an_error),
        cmocka_unit_test(every_truncation_is_survived),
        cmocka_unit_test(mutations_are_survived),
        cmocka_unit_test(nothing_is_opened_after_preparing),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
