/*
 * Conditions must cost time and not recall.  For each selectivity, with members drawn at random, of
 * the query's class only, or of anything but its class: what the planner chose, what came back, how
 * long it took and how long it had thought it would; then every other way forced, which tells
 * whether it chose well; and beside it how hnswlib and FAISS answer the same.
 */
#include "bench_filter.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command_line.h"
#include "filter_run.h"
#include "report.h"

enum {
    QUERIES_DEFAULT = 200,
    K_DEFAULT = 10,
    M_DEFAULT = 16,
    EF_DEFAULT = 200,
    ASK_MOST_DEFAULT = 10000,
    SHARES_MAX = 16
};

struct command {
    bench_set_options set_options;
    const char *index_kind, *codec, *tags, *query_tags;
    double percents[SHARES_MAX], deleted[1];
    size_t share_count, deleted_count, m, ef_construction, ask_most, threads, seed;
    bool json, no_peers;
    bench_filter filter;
};

/* --- measuring --- */

static kin_status make_peers(struct command *command, kin_error *err)
{
    bench_filter *filter = &command->filter;
    bench_conditions none = {0};
    bench_truth truth = {0};
    size_t queries[QUERIES_DEFAULT];
    bench_cell plain = {.set = &filter->set, .k = filter->k, .queries = queries};
    bench_say("building hnswlib's and FAISS's indexes");
    for (; plain.count < QUERIES_DEFAULT && plain.count < filter->set.query_count; plain.count++)
        queries[plain.count] = plain.count;
    kin_status status = bench_conditions_none(&filter->set, &none, err);
    plain.cohorts = none.of_query;
    if (status == KIN_OK)
        status = bench_filter_truth(&plain, &truth, err);
    if (status == KIN_OK)
        status = bench_filter_peers_make(&plain, command->m, command->ef_construction,
                                         command->ask_most, 0, &filter->peers, err);
    bench_truth_release(&truth);
    bench_conditions_release(&none);
    return status;
}

static kin_status prepare(struct command *command, kin_error *err)
{
    bench_filter *filter = &command->filter;
    const bench_generation_wish wish = {.kind = command->index_kind, .tune = true};
    bench_say("making vectors, store and index");
    kin_status status = bench_set_open(&command->set_options, &filter->set, err);
    if (status == KIN_OK)
        status = bench_classes_find(&filter->set, command->set_options.file, &filter->classes, err);
    if (status == KIN_OK)
        status = bench_store_make(&filter->set, command->codec, &filter->store, err);
    if (status == KIN_OK)
        status = bench_generation_make(&filter->store, &wish, &filter->generation, err);
    return status == KIN_OK && filter->with_peers ? make_peers(command, err) : status;
}

static kin_status by_tags(struct command *command, kin_error *err)
{
    bench_tags tags = {0}, query_tags = {0};
    kin_status status = bench_tags_open(command->tags, &tags, err);
    if (status == KIN_OK)
        status = bench_tags_open(command->query_tags, &query_tags, err);
    if (status == KIN_OK)
        status = bench_filter_tags(&command->filter, &tags, &query_tags, err);
    bench_tags_close(&tags);
    bench_tags_close(&query_tags);
    return status;
}

static kin_status run(struct command *command, kin_error *err)
{
    bench_filter *filter = &command->filter;
    double shares[SHARES_MAX];
    for (size_t i = 0; i < command->share_count; i++)
        shares[i] = command->percents[i] / 100;
    kin_status status = prepare(command, err);
    if (status == KIN_OK)
        status = command->tags != NULL
                     ? by_tags(command, err)
                     : bench_filter_shares(filter, shares, command->share_count, err);
    if (status == KIN_OK && command->deleted_count > 0)
        status = bench_filter_deletions(filter, command->deleted[0] / 100, err);
    return status;
}

/* --- the report --- */

static void print_cells(const bench_filter *filter)
{
    static const bench_column columns[] = {
        {"relation", "members", BENCH_TEXT, 0},
        {"percent", "%", BENCH_NUMBER, 2},
        {"members", "count", BENCH_GROUPED, 0},
        {"recall", "recall", BENCH_NUMBER, 4},
        {"short_answers", "short", BENCH_NUMBER, 0},
        {"per_second", "queries/s", BENCH_GROUPED, 0},
        {"p50_us", "p50 µs", BENCH_NUMBER, 1},
        {"p99_us", "p99 µs", BENCH_NUMBER, 1},
        {"by", "way", BENCH_TEXT, 0},
        {"fell_back", "fell back", BENCH_NUMBER, 2},
        {"estimate_of_truth", "estimate / truth", BENCH_NUMBER, 2},
        {"best_way", "best way", BENCH_TEXT, 0},
        {"times_best", "p50 / best's", BENCH_NUMBER, 2},
    };
    char title[256];
    snprintf(title, sizeof title, "\nThe planner's choice; recall %g asked for", filter->recall);
    bench_table_print(stdout, title, filter->cells, columns, sizeof columns / sizeof columns[0]);
}

static void print_answers(const char *title, const json_t *rows, bool ours)
{
    const bench_column columns[] = {
        {"relation", "members", BENCH_TEXT, 0},
        {"percent", "%", BENCH_NUMBER, 2},
        {"by", ours ? "way" : "index", BENCH_TEXT, 0},
        {"recall", "recall", BENCH_NUMBER, 4},
        {"returned", "returned", BENCH_NUMBER, 2},
        {"short_answers", "short", BENCH_NUMBER, 0},
        {"queries", "of queries", BENCH_NUMBER, 0},
        {"per_second", "queries/s", BENCH_GROUPED, 0},
        {"p50_us", "p50 µs", BENCH_NUMBER, 1},
        {"p99_us", "p99 µs", BENCH_NUMBER, 1},
        {"fell_back", "fell back", BENCH_NUMBER, 2},
    };
    bench_table_print(stdout, title, rows, columns,
                      sizeof columns / sizeof columns[0] - (ours ? 0 : 1));
}

static void print_deletions(const struct command *command)
{
    static const bench_column columns[] = {
        {"condition", "condition", BENCH_TEXT, 0},     {"state", "state", BENCH_TEXT, 0},
        {"recall", "recall", BENCH_NUMBER, 4},         {"short_answers", "short", BENCH_NUMBER, 0},
        {"per_second", "queries/s", BENCH_GROUPED, 0}, {"p50_us", "p50 µs", BENCH_NUMBER, 1},
        {"p99_us", "p99 µs", BENCH_NUMBER, 1},         {"by", "way", BENCH_TEXT, 0},
    };
    char title[128];
    snprintf(title, sizeof title, "\n%g%% deleted, and then left out of a new generation",
             command->deleted[0]);
    bench_table_print(stdout, title, command->filter.deletions, columns,
                      sizeof columns / sizeof columns[0]);
}

static void print_tables(const struct command *command, const json_t *machine, const json_t *peers)
{
    static const bench_column peer_columns[] = {
        {"peer", "index", BENCH_TEXT, 0},
        {"width", "ef, lists", BENCH_NUMBER, 0},
        {"recall_without_condition", "recall without condition", BENCH_NUMBER, 4},
        {"bytes", "memory", BENCH_BYTES, 0},
    };
    const bench_filter *filter = &command->filter;
    bench_machine_print(stdout, machine);
    printf("%s; %s index, %.1f MB; k = %zu; %zu queries; one query's scan by %d thread%s; classes: "
           "%zu, %s\n",
           filter->set.title, kin_index_kind_borrow(filter->generation.index),
           (double)filter->generation.file_bytes / 1e6, filter->k, filter->set.query_count,
           filter->threads, filter->threads == 1 ? "" : "s", filter->classes.count,
           filter->classes.from_labels ? "the images' own" : "nearest of rows spread over the set");
    print_cells(filter);
    print_answers("\nEach way forced", filter->ways, true);
    if (filter->with_peers) {
        bench_table_print(stdout, "\nOthers, set to recall 0.99 without a condition", peers,
                          peer_columns, sizeof peer_columns / sizeof peer_columns[0]);
        print_answers("", filter->others, false);
    }
    if (command->deleted_count > 0)
        print_deletions(command);
}

static void report(const struct command *command)
{
    const bench_filter *filter = &command->filter;
    json_t *machine = bench_machine(), *peers = bench_filter_peers_describe(&filter->peers);
    if (!command->json)
        print_tables(command, machine, peers);
    else
        bench_json_print(json_pack(
            "{s:s, s:s, s:b, s:s, s:I, s:I, s:f, s:i, s:b, s:O, s:O, s:O, s:O, s:O, s:O}",
            "benchmark", "filter", "set", filter->set.title, "synthetic", filter->set.synthetic,
            "index_kind", kin_index_kind_borrow(filter->generation.index), "index_bytes",
            (json_int_t)filter->generation.file_bytes, "k", (json_int_t)filter->k, "recall_asked",
            filter->recall, "threads", filter->threads, "classes_from_labels",
            filter->classes.from_labels, "machine", machine, "cells", filter->cells, "ways",
            filter->ways, "others", filter->others, "others_settings", peers, "deletions",
            filter->deletions));
    json_decref(machine);
    json_decref(peers);
}

static void release(bench_filter *filter)
{
    bench_filter_peers_release(&filter->peers);
    bench_generation_release(&filter->generation);
    bench_store_release(&filter->store);
    bench_classes_release(&filter->classes);
    bench_set_close(&filter->set);
    json_decref(filter->cells);
    json_decref(filter->ways);
    json_decref(filter->others);
    json_decref(filter->deletions);
}

/* --- the command line --- */

static const char usage[] =
    "usage: kindred-bench filter [OPTIONS] (FILE | --synthetic N,DIM[,SHAPE])\n"
    "  Recall and speed of searches under conditions.  FILE: .npy (with NAME.labels beside it its\n"
    "  images' diagnoses are the classes), .fvecs, .bvecs, .fbin, .u8bin.\n"
    "  --percents LIST        selectivities (0.01,0.1,1,10,50,90)\n"
    "  --tags FILE            conditions from a sparse matrix of tags instead, and\n"
    "  --query-tags FILE      what the queries ask for (big-ann-benchmarks' filter track)\n"
    "  --deleted PERCENT      also recall after so many were deleted\n"
    "  --queries FILE  --query-count N (200)  --rows N (all)  --seed N\n"
    "  --recall R (0.99)  --k N (10)  --index KIND (auto)  --codec CODEC (fp32)\n"
    "  --threads N            of one query's scan (1, as the others have)\n"
    "  --seconds S            for each figure (1)\n"
    "  --no-peers             without hnswlib and FAISS, or with their --m N (16),\n"
    "                         --ef-construction N (200), --ask-most N (10000)\n"
    "  --json                 for machines\n";

enum { NO_PEERS = 256, M, EF, ASK_MOST, QUERY_TAGS, QUERY_COUNT };

static const struct option options[] = {{"synthetic", required_argument, NULL, 'y'},
                                        {"percents", required_argument, NULL, 'p'},
                                        {"tags", required_argument, NULL, 't'},
                                        {"query-tags", required_argument, NULL, QUERY_TAGS},
                                        {"deleted", required_argument, NULL, 'd'},
                                        {"queries", required_argument, NULL, 'q'},
                                        {"query-count", required_argument, NULL, QUERY_COUNT},
                                        {"rows", required_argument, NULL, 'r'},
                                        {"seed", required_argument, NULL, 'e'},
                                        {"recall", required_argument, NULL, 'l'},
                                        {"k", required_argument, NULL, 'k'},
                                        {"index", required_argument, NULL, 'i'},
                                        {"codec", required_argument, NULL, 'c'},
                                        {"threads", required_argument, NULL, 'h'},
                                        {"seconds", required_argument, NULL, 's'},
                                        {"no-peers", no_argument, NULL, NO_PEERS},
                                        {"m", required_argument, NULL, M},
                                        {"ef-construction", required_argument, NULL, EF},
                                        {"ask-most", required_argument, NULL, ASK_MOST},
                                        {"json", no_argument, NULL, 'j'},
                                        {0}};

static bool take_text(struct command *command, int key, const char *text)
{
    const char **fields[] = {
        &command->set_options.synthetic, &command->tags,       &command->query_tags,
        &command->set_options.queries,   &command->index_kind, &command->codec};
    static const int keys[] = {'y', 't', QUERY_TAGS, 'q', 'i', 'c'};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i] == key) {
            *fields[i] = text;
            return true;
        }
    return false;
}

static bool take_number(struct command *command, int key, const char *text)
{
    size_t *fields[] = {&command->set_options.query_count,
                        &command->set_options.count,
                        &command->seed,
                        &command->filter.k,
                        &command->threads,
                        &command->m,
                        &command->ef_construction,
                        &command->ask_most};
    static const int keys[] = {QUERY_COUNT, 'r', 'e', 'k', 'h', M, EF, ASK_MOST};
    size_t count;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i] == key)
            return bench_parse_count(text, fields[i]);
    if (key == 's')
        return bench_parse_seconds(text, &command->filter.seconds);
    if (key == 'l')
        return bench_parse_list(text, 1, 1, &command->filter.recall, &count);
    if (key == 'p')
        return bench_parse_list(text, 100, SHARES_MAX, command->percents, &command->share_count);
    return key == 'd' && bench_parse_list(text, 99, 1, command->deleted, &command->deleted_count);
}

static bool parse(struct command *command, int argc, char **argv)
{
    bool good = true;
    for (int key; good && (key = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        command->json = command->json || key == 'j';
        command->no_peers = command->no_peers || key == NO_PEERS;
        good =
            key == 'j' || key == NO_PEERS ||
            (key != '?' && (take_text(command, key, optarg) || take_number(command, key, optarg)));
    }
    if (!good || argc - optind > 1 || (command->tags != NULL) != (command->query_tags != NULL))
        return false;
    if (optind < argc)
        command->set_options.file = argv[optind];
    command->set_options.seed = command->filter.seed = command->seed;
    command->filter.threads = (int)command->threads;
    command->filter.with_peers = !command->no_peers;
    return (command->set_options.file != NULL) != (command->set_options.synthetic != NULL);
}

int bench_filter_main(int argc, char **argv)
{
    struct command command = {
        .set_options = {.query_count = QUERIES_DEFAULT},
        .percents = {0.01, 0.1, 1, 10, 50, 90},
        .share_count = 6,
        .m = M_DEFAULT,
        .ef_construction = EF_DEFAULT,
        .ask_most = ASK_MOST_DEFAULT,
        .threads = 1,
        .filter = {.k = K_DEFAULT, .recall = KIN_RECALL_DEFAULT, .seconds = 1},
    };
    kin_error err = {0};
    if (!parse(&command, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    command.filter.cells = json_array();
    command.filter.ways = json_array();
    command.filter.others = json_array();
    command.filter.deletions = json_array();
    kin_status status = run(&command, &err);
    if (status == KIN_OK)
        report(&command);
    else
        bench_complain(&err);
    release(&command.filter);
    return status == KIN_OK ? 0 : 1;
}
