/*
 * An archive at work, within one process: how fast it opens; how long searches take when nothing else
 * goes on, beside a steady stream of new images (put by another thread, and by another process),
 * after it (the new ones are a tail that every search scans), and across generations that are swapped
 * under them.
 *
 * Works on a copy of the archive, or on one of made-up images.  kindred-bench serve measures the same
 * through gRPC.
 */
#include "bench_steady.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command_line.h"
#include "report.h"
#include "steady_run.h"

enum { IMAGES_DEFAULT = 20000, QUESTIONS_DEFAULT = 200, BATCH_DEFAULT = 10, SWAPS_DEFAULT = 4 };
#define RATE_DEFAULT 500.0

/* --- the report --- */

static void print_tables(const bench_steady *steady, const json_t *machine)
{
    static const bench_column open_columns[] = {
        {"index_kind", "index", BENCH_TEXT, 0},
        {"index_bytes", "size", BENCH_BYTES, 0},
        {"open_ms", "open ms", BENCH_NUMBER, 2},
        {"first_search_ms", "first search ms", BENCH_NUMBER, 2},
    };
    static const bench_column phase_columns[] = {
        {"phase", "searches", BENCH_TEXT, 0},
        {"inserts_per_second", "inserts/s", BENCH_NUMBER, 0},
        {"searches", "count", BENCH_GROUPED, 0},
        {"per_second", "per s", BENCH_GROUPED, 0},
        {"p50_us", "p50 µs", BENCH_GROUPED, 0},
        {"p99_us", "p99 µs", BENCH_GROUPED, 0},
        {"p99_of_idle", "of idle", BENCH_NUMBER, 2},
        {"worst_us", "worst µs", BENCH_GROUPED, 0},
        {"recall", "recall", BENCH_NUMBER, 4},
        {"failed", "failed", BENCH_NUMBER, 0},
        {"short_answers", "short", BENCH_NUMBER, 0},
        {"tail", "tail then", BENCH_GROUPED, 0},
    };
    static const bench_column swap_columns[] = {
        {"index_kind", "index", BENCH_TEXT, 0},      {"images", "images", BENCH_GROUPED, 0},
        {"extended", "extended", BENCH_TEXT, 0},     {"build_seconds", "build s", BENCH_NUMBER, 2},
        {"tune_seconds", "tune s", BENCH_NUMBER, 2}, {"swap_ms", "swap ms", BENCH_NUMBER, 2},
        {"seconds", "reindex s", BENCH_NUMBER, 2},
    };
    bench_machine_print(stdout, machine);
    printf("%s: %llu images, %zu dimensions of %s, %s index, k = %d\n",
           steady->source != NULL ? steady->source : "an archive of made-up images",
           (unsigned long long)steady->stats.images, steady->stats.dim, steady->stats.codec,
           steady->stats.index_kind, BENCH_STEADY_K);
    bench_table_print(stdout, "\nOpening (median)", steady->opens, open_columns,
                      sizeof open_columns / sizeof open_columns[0]);
    bench_table_print(stdout, "\nOne caller's searches", steady->phases, phase_columns,
                      sizeof phase_columns / sizeof phase_columns[0]);
    if (steady->swaps > 0)
        bench_table_print(stdout, "\nReindexes beside them", steady->swap_rows, swap_columns,
                          sizeof swap_columns / sizeof swap_columns[0]);
}

static void report(const bench_steady *steady, bool json)
{
    json_t *machine = bench_machine();
    if (!json)
        print_tables(steady, machine);
    else
        bench_json_print(json_pack(
            "{s:s, s:b, s:I, s:I, s:s, s:s, s:O, s:O, s:O, s:O}", "benchmark", "steady",
            "synthetic", steady->source == NULL, "images", (json_int_t)steady->stats.images, "dim",
            (json_int_t)steady->stats.dim, "codec", steady->stats.codec, "index_kind",
            steady->stats.index_kind, "machine", machine, "opens", steady->opens, "phases",
            steady->phases, "swaps", steady->swap_rows));
    json_decref(machine);
}

static bool nothing_failed(const bench_steady *steady)
{
    size_t index;
    const json_t *row;
    json_array_foreach(steady->phases, index, row)
    {
        if (json_integer_value(json_object_get(row, "failed")) > 0 ||
            json_integer_value(json_object_get(row, "short_answers")) > 0)
            return false;
    }
    return true;
}

/* --- the command line --- */

static const char usage[] =
    "usage: kindred-bench steady [OPTIONS] [ARCHIVE]\n"
    "  Searches of an archive in this process: idle, beside a steady stream of new images, across\n"
    "  swapped generations; and how fast it opens.  Works on a copy; without ARCHIVE on made-up\n"
    "  images.\n"
    "  --images N (20000)  --codec CODEC (fp32)   of a made-up archive\n"
    "  --index KIND (auto)\n"
    "  --rate N       new images a second (500)\n"
    "  --batch N      of them in one transaction (10)\n"
    "  --swaps N      (4; 0: none)\n"
    "  --seconds S    of each phase (5)\n"
    "  --questions N (200)  --seed N  --json\n";

struct choices {
    const char *insert_into;
    bool no_swaps, json;
};

static bool take(bench_steady *steady, struct choices *choices, int key, const char *text)
{
    size_t count;
    switch (key) {
    case 'n':
        return bench_parse_count(text, &steady->images);
    case 'c':
        steady->codec = text;
        return true;
    case 'i':
        steady->index_kind = text;
        return true;
    case 'r':
        return bench_parse_list(text, 1e6, 1, &steady->rate, &count);
    case 'b':
        return bench_parse_count(text, &steady->batch);
    case 'w':
        choices->no_swaps = strcmp(text, "0") == 0;
        return choices->no_swaps || bench_parse_count(text, &steady->swaps);
    case 's':
        return bench_parse_seconds(text, &steady->seconds);
    case 'q':
        return bench_parse_count(text, &steady->questions_wanted);
    case 'e':
        return bench_parse_count(text, &steady->seed);
    case 'o':
        choices->insert_into = text;
        return true;
    case 'j':
        choices->json = true;
        return true;
    default:
        return false;
    }
}

static bool parse(bench_steady *steady, struct choices *choices, int argc, char **argv)
{
    static const struct option options[] = {
        {"images", required_argument, NULL, 'n'},  {"codec", required_argument, NULL, 'c'},
        {"index", required_argument, NULL, 'i'},   {"rate", required_argument, NULL, 'r'},
        {"batch", required_argument, NULL, 'b'},   {"swaps", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'}, {"questions", required_argument, NULL, 'q'},
        {"seed", required_argument, NULL, 'e'},    {"insert-into", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},          {0}};
    bool good = true;
    for (int key; good && (key = getopt_long(argc, argv, "", options, NULL)) != -1;)
        good = take(steady, choices, key, optarg);
    if (choices->no_swaps)
        steady->swaps = 0;
    if (optind < argc)
        steady->source = argv[optind];
    return good && argc - optind <= 1;
}

int bench_steady_main(int argc, char **argv)
{
    bench_steady steady = {
        .images = IMAGES_DEFAULT,
        .questions_wanted = QUESTIONS_DEFAULT,
        .batch = BATCH_DEFAULT,
        .swaps = SWAPS_DEFAULT,
        .rate = RATE_DEFAULT,
        .seconds = 5,
    };
    struct choices choices = {0};
    kin_error err = {0};
    if (!parse(&steady, &choices, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    steady.phases = json_array();
    steady.opens = json_array();
    steady.swap_rows = json_array();
    kin_status status = choices.insert_into != NULL
                            ? bench_steady_insert_into(&steady, choices.insert_into, &err)
                            : bench_steady_run(&steady, &err);
    if (status != KIN_OK)
        bench_complain(&err);
    else if (choices.insert_into == NULL)
        report(&steady, choices.json);
    int exit_code = status == KIN_OK && nothing_failed(&steady) ? 0 : 1;
    bench_steady_release(&steady);
    return exit_code;
}
