/*
 * Kindred's indexes, hnswlib and FAISS on the same vectors, the same queries and as many threads, in
 * one run, in turn.
 *
 * Kindred's answers come the way that an archive's do: through the planner's search over rows in
 * segment files and a generation loaded from its file, the exact ranking included.  Beside a sweep
 * of settings each index is asked for the recalls that tuning knows, by which users ask.
 */
#include "bench_ann.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "bench_ann_report.h"
#include "command_line.h"
#include "report.h"

enum { K_DEFAULT = 10, ROUNDS_DEFAULT = 3 };
#define SECONDS_DEFAULT 0.25

struct wish {
    bench_set_options set;
    ann_wish field;
    ann_course course;
    const char *json, *plot;
    bool all, help;
    char codecs[64];
};

/* To standard error, or as --help where it was asked for; returns the exit status. */
static int usage(bool asked)
{
    fputs(
        "usage: kindred-bench ann [OPTION]… FILE | --synthetic COUNT,DIM[,clustered|manifold]\n"
        "  Recall against queries per second, latency, build time and memory: Kindred's kinds of\n"
        "  index, hnswlib and FAISS, on the same vectors (.npy, .fvecs, .bvecs), in one run.\n"
        "  --threads T      callers that ask, each on its own thread (default: one a processor)\n"
        "  --k K            answers wanted (10)\n"
        "  --queries FILE   queries (default: NAME.queries.npy beside NAME.npy, NAME_query.fvecs\n"
        "                   beside NAME_base.fvecs, else the last vectors, which are left out)\n"
        "  --query-count Q  at most so many (1,000)\n"
        "  --count N        the first N vectors alone\n"
        "  --seed S         of synthetic vectors\n"
        "  --codec LIST     how Kindred keeps the rows that it ranks by (fp32,fp16)\n"
        "  --only LIST      those whose names contain one of these: Kindred,hnswlib,FAISS HNSW…\n"
        "  --rounds R       of all settings, in turn (3): the median counts\n"
        "  --seconds S      at least so long for a setting in a round (0.25)\n"
        "  --all            print every setting, not only the best\n"
        "  --json FILE      everything, for machines; -: to standard output, without the tables\n"
        "  --plot FILE      an SVG of the curves\n",
        asked ? stdout : stderr);
    return asked ? 0 : 2;
}

static bool read_count(const char *text, size_t most, size_t *out)
{
    return bench_parse_count(text, out) && *out <= most;
}

/* "fp32,fp16" into names that live in wish. */
static bool read_codecs(struct wish *wish, const char *text)
{
    char *rest = wish->codecs;
    wish->field.codec_count = 0;
    if ((size_t)snprintf(wish->codecs, sizeof wish->codecs, "%s", text) >= sizeof wish->codecs)
        return false;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        if (kin_codec_named(name) == NULL || wish->field.codec_count == ANN_CODECS_MAX)
            return false;
        wish->field.codecs[wish->field.codec_count++] = name;
    }
    return true;
}

static bool read_option(struct wish *wish, int option, const char *text)
{
    size_t number = 0;
    switch (option) {
    case 't':
        if (!read_count(text, 64, &number))
            return false;
        wish->course.threads = (int)number;
        return true;
    case 'k':
        return read_count(text, ANN_K_MAX, &wish->course.k);
    case 'q':
        wish->set.queries = text;
        return true;
    case 'Q':
        return read_count(text, 1000000, &wish->set.query_count);
    case 'n':
        return read_count(text, SIZE_MAX, &wish->set.count);
    case 'y':
        wish->set.synthetic = text;
        return true;
    case 's':
        if (!read_count(text, SIZE_MAX, &number))
            return false;
        wish->set.seed = number;
        return true;
    case 'c':
        return read_codecs(wish, text);
    case 'o':
        wish->field.only = text;
        return true;
    case 'r':
        return read_count(text, ANN_ROUNDS_MAX, &wish->course.rounds);
    case 'S':
        return bench_parse_seconds(text, &wish->course.seconds);
    case 'a':
        wish->all = true;
        return true;
    case 'j':
        wish->json = text;
        return true;
    case 'p':
        wish->plot = text;
        return true;
    default:
        wish->help = option == 'h';
        return false;
    }
}

static bool read_options(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"threads", required_argument, NULL, 't'}, {"k", required_argument, NULL, 'k'},
        {"queries", required_argument, NULL, 'q'}, {"query-count", required_argument, NULL, 'Q'},
        {"count", required_argument, NULL, 'n'},   {"synthetic", required_argument, NULL, 'y'},
        {"seed", required_argument, NULL, 's'},    {"codec", required_argument, NULL, 'c'},
        {"only", required_argument, NULL, 'o'},    {"rounds", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 'S'}, {"all", no_argument, NULL, 'a'},
        {"json", required_argument, NULL, 'j'},    {"plot", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    if (!read_codecs(wish, "fp32,fp16"))
        return false;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(wish, option, optarg))
            return false;
    if (optind < argc)
        wish->set.file = argv[optind++];
    return optind == argc && (wish->set.file != NULL) != (wish->set.synthetic != NULL);
}

static kin_status write_out(const struct wish *wish, const ann_field *field, kin_error *err)
{
    bool to_output = wish->json != NULL && strcmp(wish->json, "-") == 0;
    kin_status status = KIN_OK;
    json_t *report = ann_report_json(&wish->course, field);
    if (report == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the report");
    if (to_output)
        status = bench_json_write(report, "/dev/stdout", err);
    else
        ann_report_print(stdout, report, wish->all);
    if (wish->json != NULL && !to_output)
        status = bench_json_write(report, wish->json, err);
    json_decref(report);
    if (status == KIN_OK && wish->plot != NULL)
        status = ann_report_plot(&wish->course, field, wish->plot, err);
    return status;
}

static kin_status run(struct wish *wish, kin_error *err)
{
    bench_set set;
    bench_truth truth = {0};
    ann_field field = {0};
    kin_status status = bench_set_open(&wish->set, &set, err);
    if (status != KIN_OK)
        return status;
    double began = kin_clock_monotonic();
    wish->course.set = wish->field.set = &set;
    wish->course.truth = &truth;
    wish->field.k = wish->course.k;
    status = bench_truth_find(&set, wish->course.k, NULL, NULL, 0, &truth, err);
    if (status == KIN_OK) {
        bench_say("%s: right answers in %.1f s", set.title, kin_clock_monotonic() - began);
        status = ann_field_make(&wish->field, &field, err);
    }
    if (status == KIN_OK)
        status = ann_measure(&wish->course, &field, err);
    if (status == KIN_OK)
        status = write_out(wish, &field, err);
    ann_field_release(&field);
    bench_truth_release(&truth);
    bench_set_close(&set);
    return status;
}

int bench_ann(int argc, char **argv)
{
    struct wish wish = {.course = {.k = K_DEFAULT,
                                   .threads = kin_cpu_count(),
                                   .rounds = ROUNDS_DEFAULT,
                                   .seconds = SECONDS_DEFAULT}};
    kin_error err;
    kin_error_clear(&err);
    if (!read_options(argc, argv, &wish))
        return usage(wish.help);
    if (run(&wish, &err) == KIN_OK)
        return 0;
    bench_complain(&err);
    return 1;
}
