/*
 * Generation files damaged under a checksum that is right, wherever and however: header, ids and
 * sections.  What loads must answer, with ids that the store has.
 * (tests/index/test_generation_structure.c flips single bits of FAISS's part.)
 */
#include "index/vectors_support.h"

#include <stdio.h>
#include <unistd.h>

#include "index/damage_support.h"
#include "mutate.h"
#include "temp_folder.h"

enum { COUNT = 1100, DIM = 24, K = 10, QUERIES = 3, ROWS = 1 << 14, KINDS = 3, ITERATIONS = 6000 };
enum { FAISS_HEADER = 160 }; /* bytes, about: scalars and the first array's count */

static const char *const kinds[KINDS] = {"flat", "hnsw", "ivfpq"};
static char root[PATH_MAX], path[PATH_MAX + 16];
static sample generations[KINDS];

/* FAISS leaks what it has built when it throws while reading. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfaiss.so";
}

static void generation_path(size_t kind, char out[PATH_MAX + 16])
{
    snprintf(out, PATH_MAX + 16, "%s/%s", root, kinds[kind]);
}

/* In a child of its own: building starts OpenMP's threads, which no later child would have. */
static void build_generations(void *ctx)
{
    char file[PATH_MAX + 16];
    struct vectors data = vectors_new(COUNT, DIM, 11);
    (void)ctx;
    for (size_t i = 0; i < KINDS; i++) {
        kin_index *index = vectors_index(&data, kinds[i]);
        generation_path(i, file);
        FUZZ_CHECK(kin_index_save(index, kin_fs_posix(), file, "model", ROWS, NULL) == KIN_OK);
        kin_index_free(index);
    }
    vectors_free(&data);
}

static int set_up(void **state)
{
    (void)state;
    char file[PATH_MAX + 16];
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/damaged", root);
    fuzz_apart(build_generations, NULL);
    for (size_t i = 0; i < KINDS; i++) {
        void *bytes = NULL;
        generation_path(i, file);
        if (kin_fs_read_file(kin_fs_posix(), file, SIZE_MAX, &bytes, &generations[i].size, NULL) !=
            KIN_OK)
            return -1;
        generations[i].bytes = bytes;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        free(generations[i].bytes);
    temp_folder_remove(root);
    return 0;
}

/* Makes the sizes in the header agree with the file again, as far as they can: the last section that
 * has any gives or takes. */
static void correct_sizes(sample *s)
{
    struct generation_header header;
    struct generation_layout layout;
    memcpy(&header, s->bytes, sizeof header);
    header.file_size = s->size;
    for (size_t section = SECTIONS; section-- > 0;) {
        if (header.sizes[section] == 0)
            continue;
        if (kin_generation_lay_out(header.sizes, &layout) && layout.size != s->size) {
            uint64_t size = header.sizes[section] + s->size - layout.size;
            if (size < s->size)
                header.sizes[section] = size;
        }
        break;
    }
    memcpy(s->bytes, &header, sizeof header);
}

/* By turns: damage in the header, in one section (the head of FAISS's among them), and changes of
 * size with and without a header that agrees. */
static sample damaged_generation(uint64_t seed)
{
    uint64_t random = seed;
    const sample *from = &generations[random_bits(&random) % KINDS];
    const sample *with = &generations[random_bits(&random) % KINDS];
    struct generation_header header;
    struct generation_layout layout = layout_of(from->bytes);
    size_t section = random_bits(&random) % SECTIONS;
    sample s;
    memcpy(&header, from->bytes, sizeof header);
    size_t at = layout.at[section], end = at + header.sizes[section];
    if (section == SECTION_FAISS && seed % 8 == 1 && end > at + FAISS_HEADER)
        end = at + FAISS_HEADER;
    if (seed % 4 == 0 || (seed % 4 == 1 && at == end))
        s = mutate_in_place(&random, from, 0, sizeof header);
    else if (seed % 4 == 1)
        s = mutate_in_place(&random, from, at, end);
    else
        s = mutate(&random, from, with);
    if (s.size < sizeof(struct generation_header) + sizeof(XXH64_hash_t))
        return s;
    if (seed % 4 != 3)
        correct_sizes(&s);
    set_checksum(s.bytes, s.size);
    return s;
}

static void check_answers(const kin_index *index, uint64_t rows)
{
    size_t dim = kin_index_dim(index);
    uint64_t random = 5;
    float *query = malloc(dim * sizeof *query);
    roaring_bitmap_t *even = roaring_bitmap_from_range(0, ROWS, 2);
    kin_members members = {.only = even};
    FUZZ_CHECK(query != NULL && even != NULL);
    for (size_t q = 0; q < QUERIES; q++) {
        kin_hit hits[K];
        size_t found = 0;
        kin_index_work work;
        kin_index_query asked = {.vector = query,
                                 .setting = {(uint32_t)(10 + 40 * q), K},
                                 .members = q % 2 == 0 ? NULL : &members};
        for (size_t i = 0; i < dim; i++)
            query[i] = random_normal(&random);
        FUZZ_CHECK(kin_index_search(index, &asked, hits, &found, &work, NULL) == KIN_OK);
        FUZZ_CHECK(found <= K);
        for (size_t i = 0; i < found; i++)
            FUZZ_CHECK(hits[i].id < rows && (asked.members == NULL || hits[i].id % 2 == 0));
    }
    roaring_bitmap_free(even);
    free(query);
}

static bool try_generation(void *ctx, uint64_t seed)
{
    kin_index *index = NULL;
    kin_error err = {0};
    uint64_t rows = 0;
    (void)ctx;
    sample s = damaged_generation(seed);
    unlink(path); /* a file anew: some file systems wait for the disk when one is rewritten */
    write_file(path, s.bytes, s.size);
    free(s.bytes);
    kin_status status = kin_index_load(kin_fs_posix(), path, "model", &index, &rows, &err);
    if (status == KIN_OK) {
        check_answers(index, rows);
        kin_index_free(index);
    } else {
        FUZZ_CHECK(status == KIN_E_CORRUPT || status == KIN_E_NOMEM);
        FUZZ_CHECK(err.message[0] != '\0' && strcmp(err.subject, path) == 0);
    }
    return status == KIN_OK;
}

static void fuzz_generations(void **state)
{
    (void)state;
    fuzz_tally tally = fuzz_run("generation", try_generation, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_generations)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
