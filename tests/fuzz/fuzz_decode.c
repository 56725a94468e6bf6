/*
 * Files of every format, damaged, through the whole way that a worker takes them: recognise,
 * decompress, parse, decode, describe.  DICOM and images are from the samples and, where they are
 * there, from the real ones.  What comes out must keep decode.h's promises; what is refused must
 * say why, without the patient's name.
 * (tests/dicom and tests/image damage single values in their own formats.)
 */
#include "shared_data.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "standard.h"
#include "decode/decode.h"
#include "decode/samples.h"
#include "decode/text.h"
#include "dicom/dicom.h"
#include "mutate.h"
#include "random.h"

enum { CORPUS_MAX = 256, FILE_MAX = 50000, ITERATIONS = 2400 };

static struct {
    sample file;
    char ending[16];
} corpus[CORPUS_MAX];
static size_t corpus_count;

/* --- the corpus --- */

static void add(sample file, const char *name)
{
    const char *dot = strrchr(name, '.');
    assert_true(corpus_count < CORPUS_MAX);
    corpus[corpus_count].file = file;
    snprintf(corpus[corpus_count].ending, sizeof corpus[0].ending, "a%.8s", dot != NULL ? dot : "");
    corpus_count++;
}

static void add_file(const char *path)
{
    struct stat st;
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &st), 0);
    if (S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX) {
        sample file = {.bytes = malloc((size_t)st.st_size), .size = (size_t)st.st_size};
        assert_non_null(file.bytes);
        assert_int_equal(fread(file.bytes, 1, file.size, in), file.size);
        add(file, path);
    }
    fclose(in);
}

/* Up to `most` files of a folder, in the order of their names. */
static void add_folder(const char *folder, int most)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%.3000s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && most-- > 0)
            add_file(path);
        free(entries[i]);
    }
    free(entries);
}

static void add_made(void)
{
    size_t size = 0;
    uint8_t *png = sample_png(40, 30, &size);
    sample packed = {0};
    packed.bytes = sample_zstd(png, size, &packed.size);
    add((sample){png, size}, "a.png");
    add(packed, "a.png.zst");
    uint8_t *tiff = sample_tiff(3, &size);
    add((sample){tiff, size}, "a.tif");
    uint8_t *dicom = sample_dicom(KIN_DICOM_RLE, 3, NULL, 0, &size);
    add((sample){dicom, size}, "a.dcm");
    packed.bytes = sample_zstd(dicom, size, &packed.size);
    add(packed, "a.dcm.zst");
}

static int set_up(void **state)
{
    (void)state;
    char path[PATH_MAX];
    const char *root = getenv("KINDRED_SHARED_DATA");
    add_made();
    static const char *const synthetic[] = {"SYN-0001", "SYN-0004", "SYN-0020", "SYN-0039"};
    for (size_t i = 0; i < sizeof synthetic / sizeof synthetic[0]; i++) {
        snprintf(path, sizeof path, "%s/data-samples/%s/study-1/series-1", KIN_TEST_SOURCE_DIR,
                 synthetic[i]);
        add_folder(path, 2);
    }
    static const char *const real[] = {
        "dicom/pydicom",          "dicom/wsi-and-seg",      "dicom/dcmqi/segmentations",
        "dicom/dcmqi/sr-example", "brain-mri/glioma_tumor", "breast-idc/14306/1"};
    for (size_t i = 0; root != NULL && i < sizeof real / sizeof real[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", root, real[i]);
        add_folder(path, i < 2 ? CORPUS_MAX / 3 : 4);
    }
    print_message("%zu files to damage\n", corpus_count);
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].file.bytes);
    return 0;
}

/* --- what must hold --- */

static void check_line(const char *text)
{
    char cleaned[KIN_DECODE_TEXT_MAX];
    FUZZ_CHECK(strlen(text) < KIN_DECODE_TEXT_MAX);
    kin_text_clean(cleaned, sizeof cleaned, text);
    FUZZ_CHECK(strcmp(cleaned, text) == 0);
}

static void check_uid(const char *uid)
{
    char cleaned[KIN_UID_SIZE];
    kin_text_clean_uid(cleaned, uid);
    FUZZ_CHECK(strcmp(cleaned, uid) == 0);
}

struct received {
    kin_decode_wish wish;
    int headers, frames, announced;
    size_t regions;
};

/* A preview is there if it was asked for, of a size within its bounds. */
static void check_preview(const kin_decode_wish *wish, const kin_decode_frame *frame)
{
    FUZZ_CHECK((frame->preview != NULL) == (wish->preview_side > 0));
    if (frame->preview == NULL)
        return;
    uint32_t wide = wish->region != NULL ? wish->region->width : frame->width;
    uint32_t high = wish->region != NULL ? wish->region->height : frame->height;
    FUZZ_CHECK(frame->preview_channels == 1 || frame->preview_channels == 3);
    FUZZ_CHECK(frame->preview_width >= 1 && frame->preview_width <= wide);
    FUZZ_CHECK(frame->preview_height >= 1 && frame->preview_height <= high);
    FUZZ_CHECK(frame->preview_width <= wish->preview_side);
    FUZZ_CHECK(frame->preview_height <= wish->preview_side);
    uint32_t last = frame->preview_width * frame->preview_height * frame->preview_channels - 1;
    volatile uint8_t seen = frame->preview[last]; /* the sanitizers see whether it is all there */
    (void)seen;
}

static kin_status on_header(void *ctx, const kin_decode_header *h, kin_error *err)
{
    struct received *received = ctx;
    (void)err;
    FUZZ_CHECK(++received->headers == 1 && h->frames >= !received->wish.annotations);
    received->announced = h->frames;
    check_uid(h->sop_instance_uid);
    check_uid(h->series_instance_uid);
    check_uid(h->study_instance_uid);
    check_line(h->patient_id);
    check_line(h->modality);
    check_line(h->body_part);
    FUZZ_CHECK(strlen(h->study_date) == 8 || h->study_date[0] == '\0');
    FUZZ_CHECK(strspn(h->study_date, "0123456789") == strlen(h->study_date));
    FUZZ_CHECK(h->attribute_count <= KIN_DECODE_ATTRIBUTES_MAX);
    for (size_t i = 0; i < h->attribute_count; i++) {
        FUZZ_CHECK(kin_text_is_name(h->attributes[i].name, KIN_DECODE_NAME_MAX));
        FUZZ_CHECK(h->attributes[i].value[0] != '\0');
        check_line(h->attributes[i].value);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(h->attributes[i].name, h->attributes[j].name) != 0);
    }
    return KIN_OK;
}

/* What was marked lies within its frame. */
static void check_marks(const struct received *received, const kin_decode_frame *frame)
{
    for (size_t i = 0; i < frame->region_count; i++) {
        const kin_decode_marked *m = &frame->regions[i];
        FUZZ_CHECK(m->index < received->wish.region_count && m->width > 0 && m->height > 0);
        FUZZ_CHECK(m->x + m->width <= frame->width && m->y + m->height <= frame->height);
        FUZZ_CHECK(m->area > 0 && m->area <= (uint64_t)m->width * m->height);
        for (size_t k = 0; k < frame->length; k++)
            FUZZ_CHECK(isfinite(m->descriptor[k]));
    }
}

/* A region of an annotation names something, and can be drawn or refused on any frame. */
static kin_status on_region(void *ctx, kin_region *region, kin_error *err)
{
    struct received *received = ctx;
    kin_plane plane = {.known = true,
                       .along_row = {1, 0, 0},
                       .along_column = {0, 1, 0},
                       .spacing_x_mm = 0.5,
                       .spacing_y_mm = 0.5,
                       .thickness_mm = 3};
    kin_mask mask;
    bool empty;
    (void)err;
    FUZZ_CHECK(received->wish.annotations && received->headers == 1 && received->announced == 0);
    FUZZ_CHECK(region->sop_instance_uid[0] != '\0' || region->series_instance_uid[0] != '\0' ||
               region->frame_of_reference_uid[0] != '\0' || region->segmentation_uid[0] != '\0');
    FUZZ_CHECK(region->shape_count > 0 || region->segmentation_uid[0] != '\0');
    if (region->shape_count > 0 && region->shapes[0].kind == KIN_SHAPE_OUTLINE_MM)
        plane.origin[2] = region->shapes[0].points[2];
    kin_status status = kin_region_draw(region, &plane, 16, 16, &mask, &empty, NULL);
    FUZZ_CHECK(status == KIN_OK || status == KIN_E_ARG);
    kin_mask_release(&mask);
    received->regions++;
    return KIN_OK;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct received *received = ctx;
    (void)err;
    uint32_t first = received->wish.one_frame ? received->wish.frame : 0;
    FUZZ_CHECK(received->headers == 1 && frame->index == first + (uint32_t)received->frames++);
    FUZZ_CHECK(frame->width > 0 && frame->height > 0);
    FUZZ_CHECK(frame->length == kin_extractor_length(standard_extractor()));
    for (size_t i = 0; i < frame->length; i++)
        FUZZ_CHECK(isfinite(frame->descriptor[i]));
    check_preview(&received->wish, frame);
    check_marks(received, frame);
    return KIN_OK;
}

/* A lesion that most of the files' frames have room for. */
static double marked_corners[] = {1, 1, 9, 2, 8, 12, 2, 7};
static kin_shape marked_shape = {.kind = KIN_SHAPE_OUTLINE, .points = marked_corners, .count = 4};
static const kin_region marked = {
    .frame = KIN_REGION_ANY_FRAME, .shapes = &marked_shape, .shape_count = 1};

/* Mostly the whole file, as an ingest asks for it; now and then a part, as queries do. */
static kin_decode_wish make_wish(uint64_t *random, kin_decode_region *region)
{
    uint64_t bits = random_bits(random);
    kin_decode_wish wish = {.preview_side = (uint32_t)(bits % 3 * 100)};
    if ((bits >> 8) % 4 == 0) {
        wish.one_frame = true;
        wish.frame = (uint32_t)(bits >> 12) % 3;
    }
    if ((bits >> 10) % 4 == 0) {
        region->x = (uint32_t)(bits >> 16) % 8;
        region->y = (uint32_t)(bits >> 24) % 8;
        region->width = (uint32_t)(bits >> 32) % 32;
        region->height = (uint32_t)(bits >> 40) % 32;
        wish.region = region;
    } else if ((bits >> 13) % 4 == 0) {
        wish.regions = &marked;
        wish.region_count = 1;
    }
    wish.annotations = (bits >> 15) % 8 != 0;
    return wish;
}

static bool try_file(void *ctx, uint64_t seed)
{
    /* Small: a size that lies must not make the test slow. */
    static const kin_decode_limits limits = {.max_file_bytes = 4 << 20,
                                             .max_frame_bytes = 4 << 20,
                                             .max_total_bytes = 16 << 20,
                                             .max_frames = 16};
    uint64_t random = seed;
    kin_error err = {0};
    char cleaned[KIN_ERROR_MESSAGE_MAX];
    struct received received = {0};
    kin_decode_region region;
    kin_decode_sink sink = {
        .header = on_header, .frame = on_frame, .region = on_region, .ctx = &received};
    (void)ctx;
    size_t which = random_bits(&random) % corpus_count;
    size_t with = random_bits(&random) % corpus_count;
    const sample *from = &corpus[which].file;
    /* By turns, as changes of size seldom get past the first structure. */
    sample damaged = seed % 2 == 0 ? mutate(&random, from, &corpus[with].file)
                                   : mutate_in_place(&random, from, 0, from->size);
    received.wish = make_wish(&random, &region);
    const kin_decode_wish *wish = &received.wish;
    kin_status status = kin_decode_bytes(standard_extractor(), damaged.bytes, damaged.size,
                                         corpus[which].ending, &limits, wish, &sink, &err);
    free(damaged.bytes);
    if (status == KIN_OK) {
        FUZZ_CHECK(received.headers == 1);
        FUZZ_CHECK(received.frames ==
                   (wish->one_frame && received.announced > 0 ? 1 : received.announced));
    } else {
        FUZZ_CHECK(status == KIN_E_FORMAT || status == KIN_E_LIMIT || status == KIN_E_UNSUPPORTED ||
                   status == KIN_E_NO_IMAGE || (status == KIN_E_ARG && wish->region != NULL) ||
                   (status == KIN_E_NOT_FOUND && wish->one_frame));
        /* It may quote the file; the program cleans what its worker says. */
        kin_text_clean(cleaned, sizeof cleaned, err.message);
        FUZZ_CHECK(err.code == status && cleaned[0] != '\0');
        FUZZ_CHECK(strstr(err.message, "SYN-") == NULL); /* the samples' patients */
    }
    return status == KIN_OK;
}

static void fuzz_files(void **state)
{
    (void)state;
    fuzz_tally tally = fuzz_run("decode", try_file, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_files)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
