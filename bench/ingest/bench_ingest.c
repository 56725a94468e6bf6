/*
 * Three measurements in one run over the same files, so that they can be divided by each other on a
 * noisy machine: DCMTK's bare decoding and Kindred's stages, on one thread; then the whole ingest,
 * worker processes and commits included, with one job and with two, into archives made for it and
 * removed.
 */
#include "bench_ingest.h"

#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/ingest.h"
#include "base/parallel.h"
#include "scratch.h"
#include "stages.h"

enum { RUNS_MAX = 8 };

struct whole {
    int jobs;
    kin_ingest_summary summary;
};

static kin_status ingest_whole(const char *path, const char *features, int jobs,
                               kin_ingest_summary *summary, kin_error *err)
{
    const kin_archive_settings settings = {.features = features};
    char folder[BENCH_SCRATCH_SIZE], dir[PATH_MAX];
    kin_archive *archive = NULL;
    const char *paths[] = {path};
    kin_ingest_options options = {.jobs = jobs};
    kin_status status = bench_scratch_make(folder, err);
    if (status != KIN_OK)
        return status;
    snprintf(dir, sizeof dir, "%s/archive", folder);
    status = kin_archive_init(kin_fs_posix(), dir, &settings, err);
    if (status == KIN_OK)
        status = kin_archive_open(kin_fs_posix(), dir, &archive, err);
    if (status == KIN_OK)
        status = kin_ingest(archive, paths, 1, &options, summary, err);
    kin_archive_close(archive);
    bench_scratch_remove(folder);
    return status;
}

static void print_stage(const char *name, double seconds, size_t frames, double whole)
{
    printf("  %-34s %8.3f s %9.1f images/s %6.1f%%\n", name, seconds,
           seconds > 0 ? (double)frames / seconds : 0, whole > 0 ? 100 * seconds / whole : 0);
}

static double stage_sum(const bench_stages *s)
{
    return s->read + s->open + s->render + s->describe + s->preview + s->embed;
}

static double per_image(double seconds, const bench_stages *s)
{
    return s->frames > 0 ? seconds / (double)s->frames : 0;
}

/* What each family of the description costs. */
static void print_parts(const bench_stages *s)
{
    const char *at = s->signature;
    kin_layout_part part;
    printf("describing, seconds an image on one core:\n");
    printf("  %-48s %9.6f\n", "view (shared by the built-in families)", per_image(s->parts[0], s));
    for (size_t i = 1; kin_layout_next(&at, &part); i++)
        printf("  %-48.*s %9.6f\n", (int)part.name_length, part.name, per_image(s->parts[i], s));
}

static json_t *pack_parts(const bench_stages *s)
{
    const char *at = s->signature;
    kin_layout_part part;
    json_t *parts = json_pack("{s:f}", "view", per_image(s->parts[0], s));
    for (size_t i = 1; kin_layout_next(&at, &part); i++) {
        char name[KIN_LAYOUT_SIGNATURE_SIZE];
        snprintf(name, sizeof name, "%.*s", (int)part.name_length, part.name);
        json_object_set_new(parts, name, json_real(per_image(s->parts[i], s)));
    }
    return parts;
}

static void print_table(const bench_stages *s, const struct whole *runs, int count)
{
    double sum = stage_sum(s);
    printf("one thread, %zu files, %zu images (%zu files left out: no image, or one of the two "
           "cannot):\n",
           s->files, s->frames, s->left_out);
    if (s->dcmtk > 0)
        print_stage("DCMTK alone: load, render to 8 bits", s->dcmtk, s->frames, sum);
    print_stage("read", s->read, s->frames, sum);
    print_stage("open: structure, tags", s->open, s->frames, sum);
    print_stage("render: decode, window", s->render, s->frames, sum);
    print_stage("describe", s->describe, s->frames, sum);
    print_stage("preview", s->preview, s->frames, sum);
    print_stage("embed", s->embed, s->frames, sum);
    print_stage("Kindred, all stages", sum, s->frames, sum);
    print_parts(s);
    printf("whole ingest (worker processes, commits):\n");
    for (int i = 0; i < count; i++) {
        const kin_ingest_summary *w = &runs[i].summary;
        printf("  %d job%s %25s %8.3f s %9.1f images/s   decode %.3f s, commit %.3f s, %llu "
               "images, %llu failed\n",
               runs[i].jobs, runs[i].jobs == 1 ? " " : "s", "", w->seconds,
               w->seconds > 0 ? (double)w->images / w->seconds : 0, w->decode_seconds,
               w->commit_seconds, (unsigned long long)w->images, (unsigned long long)w->failed);
    }
}

static int print_json(const bench_stages *s, const struct whole *runs, int count)
{
    json_t *wholes = json_array();
    for (int i = 0; i < count; i++) {
        const kin_ingest_summary *w = &runs[i].summary;
        json_array_append_new(
            wholes, json_pack("{s:i, s:f, s:I, s:f, s:f}", "jobs", runs[i].jobs, "seconds",
                              w->seconds, "images", (json_int_t)w->images, "decode_seconds",
                              w->decode_seconds, "commit_seconds", w->commit_seconds));
    }
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "files",
        (json_int_t)s->files, "images", (json_int_t)s->frames, "left_out", (json_int_t)s->left_out,
        "dcmtk_seconds", s->dcmtk, "read_seconds", s->read, "open_seconds", s->open,
        "render_seconds", s->render, "describe_seconds", s->describe, "preview_seconds", s->preview,
        "embed_seconds", s->embed, "describe_seconds_an_image", pack_parts(s), "ingest", wholes);
    if (all == NULL)
        return 1;
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
    return 0;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: kindred-bench ingest [--json] [--features SPEC] PATH\n"
        "  times DCMTK's bare decoding, each of Kindred's stages, each family of the description\n"
        "  (SPEC as kindred init's), and the whole ingest of PATH\n");
    return 2;
}

int bench_ingest(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"features", required_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    const char *features = NULL;
    int option, count = 0;
    struct whole runs[RUNS_MAX];
    bench_files files;
    bench_stages stages;
    kin_error err;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            json = true;
        else if (option == 'f')
            features = optarg;
        else
            return usage();
    }
    if (optind + 1 != argc)
        return usage();
    kin_error_clear(&err);
    kin_status status = bench_files_list(argv[optind], &files, &err);
    if (status == KIN_OK)
        status = bench_stages_measure(&files, features, &stages, &err);
    for (int jobs = 1; status == KIN_OK && jobs <= kin_cpu_count() && count < RUNS_MAX;
         jobs *= 2, count++) {
        runs[count].jobs = jobs;
        status = ingest_whole(argv[optind], features, jobs, &runs[count].summary, &err);
    }
    bench_files_release(&files);
    if (status != KIN_OK) {
        fprintf(stderr, "kindred-bench: %s: %s\n", err.subject, err.message);
        return 1;
    }
    if (json)
        return print_json(&stages, runs, count);
    print_table(&stages, runs, count);
    return 0;
}
