/*
 * Makes a set of vectors as an archive of a hospital would hold them: embeddings of real images,
 * each image in many views (views.h), in the dimensions and by the model that Kindred itself would
 * learn from them.
 *
 * The queries are views of images that the set has nothing of: a random part of the files is kept
 * out of it, with all their frames.  (Images that are alike, as neighbouring slices of one patient
 * are, do stand on both sides.  So they do in practice.)
 *
 * Beside NAME.npy it writes NAME.labels, a line of CSV for each row: the image's number, the view's,
 * the folder it comes from and its diagnosis; NAME.queries.npy and NAME.queries.labels, the same of
 * the queries; and NAME.json: how all of it was made.
 */
#include "bench_vectors.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "seeded.h"
#include "vectors_make.h"

enum {
    COUNT_DEFAULT = 100000,
    QUERIES_DEFAULT = 1000,
    COUNT_MAX = 100000000,
    VIEWS_A_QUERY_IMAGE = 2,
    QUERY_IMAGES_SHARE = 10, /* at most one in so many images */
    SAMPLE = KIN_EMBED_DEFAULT_SAMPLE
};

struct wish {
    const char *out;
    size_t count, queries;
    uint64_t seed;
    int threads;
    bool help;
};

struct making {
    struct wish wish;
    char stem[PATH_MAX], folder[PATH_MAX]; /* out without .npy; where it lies */
    bench_images images;
    uint32_t *order; /* images, shuffled: those of the queries, then those of the set */
    size_t query_images;
    kin_embedder *embedder;
    size_t empty;
    double seconds, describe_seconds, learn_seconds;
};

/* --- which images are for queries --- */

/* A number for each image by which to sort: the same for all frames of a file. */
struct drawn {
    uint64_t number;
    uint32_t image;
};

static int by_number(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

static void shuffle(uint32_t *items, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)(bench_random_unit(&seed) * (double)i);
        uint32_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}

static kin_status divide(struct making *making, kin_error *err)
{
    const bench_images *images = &making->images;
    size_t wanted = making->wish.queries / VIEWS_A_QUERY_IMAGE + 1;
    if (wanted > images->count / QUERY_IMAGES_SHARE)
        wanted = images->count / QUERY_IMAGES_SHARE;
    if (wanted == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "%zu different images are too few",
                        images->count);
    struct drawn *drawn = calloc(images->count, sizeof *drawn);
    making->order = calloc(images->count, sizeof *making->order);
    if (drawn == NULL || making->order == NULL) {
        free(drawn);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to choose images");
    }
    for (size_t i = 0; i < images->count; i++)
        drawn[i] = (struct drawn){bench_random_stream(making->wish.seed, images->items[i].file),
                                  (uint32_t)i};
    qsort(drawn, images->count, sizeof *drawn, by_number);
    for (size_t i = 0; i < images->count; i++)
        making->order[i] = drawn[i].image;
    free(drawn);
    /* A file's frames stay together. */
    while (wanted < images->count && images->items[making->order[wanted]].file ==
                                         images->items[making->order[wanted - 1]].file)
        wanted++;
    if (wanted == images->count)
        return kin_fail(err, KIN_E_ARG, NULL, "all images are frames of one file");
    making->query_images = wanted;
    shuffle(making->order + wanted, images->count - wanted, making->wish.seed);
    return KIN_OK;
}

/* --- files beside the vectors --- */

/* A field of CSV: in quotes, so that nothing in it divides it. */
static void write_field(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text == '\n' ? ' ' : *text, file);
    }
    fputc('"', file);
}

static kin_status write_labels(const struct making *making, const bench_rows_wish *wish,
                               const char *end, kin_error *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s%s", making->stem, end);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return kin_fail_errno(err, path, "cannot make the file");
    fputs("image,view,set,diagnosis\n", file);
    for (size_t row = 0; row < wish->count; row++) {
        bench_row_origin origin = bench_row_origin_of(wish, row);
        const bench_image *image = &making->images.items[origin.image];
        fprintf(file, "%u,%u,", origin.image, origin.view);
        write_field(file, image->set);
        fputc(',', file);
        write_field(file, image->diagnosis);
        fputc('\n', file);
    }
    bool bad = ferror(file) != 0;
    return fclose(file) != 0 || bad ? kin_fail_errno(err, path, "cannot write") : KIN_OK;
}

static json_t *count_sets(const bench_images *images)
{
    json_t *sets = json_object();
    for (size_t i = 0; i < images->count; i++) {
        json_int_t before = json_integer_value(json_object_get(sets, images->items[i].set));
        json_object_set_new(sets, images->items[i].set, json_integer(before + 1));
    }
    return sets;
}

static kin_status write_story(const struct making *making, kin_error *err)
{
    char path[PATH_MAX + 32];
    const bench_images *images = &making->images;
    const struct wish *wish = &making->wish;
    snprintf(path, sizeof path, "%s.json", making->stem);
    json_t *story = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:f, s:f, s:f, "
        "s:o}",
        "vectors", (json_int_t)wish->count, "queries", (json_int_t)wish->queries, "dimensions",
        (json_int_t)kin_embedder_dim(making->embedder), "seed", (json_int_t)wish->seed, "images",
        (json_int_t)images->count, "query_images", (json_int_t)making->query_images, "files",
        (json_int_t)images->files, "files_without_image", (json_int_t)images->unreadable,
        "repeated_images", (json_int_t)images->repeated, "flat_or_small_images",
        (json_int_t)images->unfit, "model", kin_embedder_id_borrow(making->embedder), "descriptor",
        kin_embedder_signature_borrow(making->embedder), "learnt_from",
        (json_int_t)kin_embedder_trained_on(making->embedder), "empty_vectors",
        (json_int_t)making->empty, "seconds", making->seconds, "describe_seconds",
        making->describe_seconds, "learn_seconds", making->learn_seconds, "images_by_folder",
        count_sets(images));
    if (story == NULL)
        return kin_fail(err, KIN_E_NOMEM, path, "no memory for the description");
    int failed = json_dump_file(story, path, JSON_INDENT(2));
    json_decref(story);
    return failed ? kin_fail_errno(err, path, "cannot write") : KIN_OK;
}

/* --- the vectors --- */

/* Describes and embeds rows into NAME + end; learns first where there is no model yet. */
static kin_status make_rows(struct making *making, const bench_rows_wish *wish, const char *end,
                            const char *labels, kin_error *err)
{
    char path[PATH_MAX + 32];
    bench_descriptors descriptors;
    size_t empty = 0;
    double began = kin_clock_monotonic();
    kin_status status = bench_descriptors_make(wish, making->folder, &descriptors, err);
    making->describe_seconds += kin_clock_monotonic() - began;
    if (status != KIN_OK)
        return status;
    if (making->embedder == NULL) {
        began = kin_clock_monotonic();
        status =
            bench_descriptors_learn(&descriptors, SAMPLE, wish->threads, &making->embedder, err);
        making->learn_seconds = kin_clock_monotonic() - began;
    }
    snprintf(path, sizeof path, "%s%s", making->stem, end);
    if (status == KIN_OK)
        status = bench_descriptors_embed(&descriptors, making->embedder, path, &empty, err);
    bench_descriptors_close(&descriptors);
    making->empty += empty;
    return status == KIN_OK ? write_labels(making, wish, labels, err) : status;
}

static kin_status make_all(struct making *making, kin_error *err)
{
    bench_rows_wish set = {
        .images = making->images.items,
        .chosen = making->order + making->query_images,
        .image_count = making->images.count - making->query_images,
        .count = making->wish.count,
        .seed = making->wish.seed,
        .threads = making->wish.threads,
    };
    bench_rows_wish queries = set;
    queries.chosen = making->order;
    queries.image_count = making->query_images;
    queries.count = making->wish.queries;
    queries.first_view = 1;
    kin_status status = make_rows(making, &set, ".npy", ".labels", err);
    if (status == KIN_OK)
        status = make_rows(making, &queries, ".queries.npy", ".queries.labels", err);
    return status;
}

static kin_status run(struct making *making, const char *const *paths, size_t path_count,
                      kin_error *err)
{
    double began = kin_clock_monotonic();
    kin_status status =
        bench_images_list(paths, path_count, making->wish.threads, &making->images, err);
    if (status == KIN_OK)
        status = divide(making, err);
    if (status == KIN_OK)
        status = make_all(making, err);
    making->seconds = kin_clock_monotonic() - began;
    if (status == KIN_OK)
        status = write_story(making, err);
    return status;
}

/* --- the command --- */

/* To standard error, or as --help where it was asked for; returns the exit status. */
static int usage(bool asked)
{
    fputs("usage: kindred-bench vectors --out NAME.npy [--count N] [--queries Q] [--seed S]\n"
          "                             [--threads T] PATH…\n"
          "  Makes N (100,000) vectors: embeddings of the images under the folders (PNG, JPEG, "
          "TIFF,\n"
          "  DICOM) and of seeded views of them: a part of the image (0.5 to 1 of its sides), "
          "turned\n"
          "  by up to 20 degrees (slides also by quarter turns), mirrored, other brightness, "
          "contrast\n"
          "  and gamma, a slight blur.  Q (1,000) queries are views of other images, kept out of "
          "the\n"
          "  set.  The model is learnt on the images and some of their views.\n"
          "  Writes NAME.npy, NAME.labels, NAME.queries.npy, NAME.queries.labels, NAME.json.\n"
          "example:\n"
          "  kindred-bench vectors --out /tmp/real-100k.npy --count 100000 \\\n"
          "    ../shared/data/{brain-mri,breast-idc,breast-ultrasound,lung-histology,mammography,"
          "organs-histology,dicom}\n",
          asked ? stdout : stderr);
    return asked ? 0 : 2;
}

static bool read_number(const char *text, unsigned long long most, unsigned long long *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && *out <= most;
}

static bool read_options(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"count", required_argument, NULL, 'n'},
                                            {"queries", required_argument, NULL, 'q'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    unsigned long long number;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'o') {
            wish->out = optarg;
            continue;
        }
        wish->help = option == 'h';
        if (option == '?' || option == 'h' || !read_number(optarg, COUNT_MAX, &number))
            return false;
        if (option == 'n')
            wish->count = (size_t)number;
        else if (option == 'q')
            wish->queries = (size_t)number;
        else if (option == 's')
            wish->seed = number;
        else if (option == 't' && number <= INT_MAX)
            wish->threads = (int)number;
    }
    return wish->out != NULL && wish->count > 0 && wish->queries > 0 && optind < argc;
}

/* NAME and its folder, of NAME.npy. */
static bool name_files(struct making *making)
{
    size_t length = strlen(making->wish.out), ending = strlen(".npy");
    if (length <= ending || length >= sizeof making->stem ||
        strcmp(making->wish.out + length - ending, ".npy") != 0)
        return false;
    snprintf(making->stem, sizeof making->stem, "%.*s", (int)(length - ending), making->wish.out);
    snprintf(making->folder, sizeof making->folder, "%s", making->stem);
    char *slash = strrchr(making->folder, '/');
    if (slash == NULL)
        snprintf(making->folder, sizeof making->folder, ".");
    else
        slash[slash == making->folder] = '\0';
    return true;
}

int bench_vectors(int argc, char **argv)
{
    struct making making = {
        .wish = {.count = COUNT_DEFAULT, .queries = QUERIES_DEFAULT, .seed = 1}};
    kin_error err;
    kin_error_clear(&err);
    if (!read_options(argc, argv, &making.wish) || !name_files(&making))
        return usage(making.wish.help);
    kin_status status =
        run(&making, (const char *const *)(argv + optind), (size_t)(argc - optind), &err);
    if (status == KIN_OK)
        printf("%s: %zu vectors, %zu queries, of %zu different images (%zu of them only for the "
               "queries), in %.0f s\n",
               making.wish.out, making.wish.count, making.wish.queries, making.images.count,
               making.query_images, making.seconds);
    else
        fprintf(stderr, "kindred-bench: %s: %s\n", err.subject, err.message);
    kin_embedder_free(making.embedder);
    free(making.order);
    bench_images_release(&making.images);
    return status == KIN_OK ? 0 : 1;
}
