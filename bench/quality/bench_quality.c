#include "bench_quality.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_line.h"
#include "quality_rows.h"
#include "quality_sets.h"
#include "quality_speed.h"
#include "report.h"
#include "rescore.h"
#include "scratch.h"

enum { FEATURES_MAX = 16, SPEED_IMAGES = 40, FOLDS_MOST = 100 };

struct wish {
    const char *data, *json, *sheet;
    const char *sets; /* names, separated by commas; NULL: all */
    const char *features[FEATURES_MAX];
    size_t feature_count;
    size_t folds, threads, bootstrap;
    bool rescore, markdown, help;
};

/* The models, with what may follow them. */
static const kin_eval_model models[] = {
    {.model = "learnt"},
    {.model = "learnt", .name = "learnt + expansion", .rescore = bench_rescore_expansion},
    {.model = "learnt", .name = "learnt + reciprocal", .rescore = bench_rescore_reciprocal},
    {.model = "learnt", .name = "learnt + diffusion", .rescore = bench_rescore_diffusion},
    {.model = "pca"},
    {.model = "pca", .name = "pca + expansion", .rescore = bench_rescore_expansion},
    {.model = "pca", .name = "pca + reciprocal", .rescore = bench_rescore_reciprocal},
    {.model = "pca", .name = "pca + diffusion", .rescore = bench_rescore_diffusion},
    {.model = "bootstrap"},
};
enum { MODELS = sizeof models / sizeof models[0] };

/* One measurement under way. */
struct run {
    const struct wish *wish;
    bench_quality_rows rows;
    char scratch[BENCH_SCRATCH_SIZE];
};

static int say_progress(void *ctx, const char *stage, double done)
{
    bench_say("%s: %s, %.0f%%", (const char *)ctx, stage, 100 * done);
    return 0;
}

/* The models that are wanted. */
static size_t choose_models(bool rescore, kin_eval_model out[MODELS])
{
    size_t count = 0;
    for (size_t m = 0; m < MODELS; m++)
        if (rescore || models[m].rescore == NULL)
            out[count++] = models[m];
    return count;
}

/* What each rescoring gains over the model before it. */
static kin_status add_gains(struct run *run, const bench_quality_set *set,
                            const kin_eval_options *options, const kin_eval_report *report,
                            kin_error *err)
{
    size_t base = 0;
    kin_status status = KIN_OK;
    for (size_t m = 0; status == KIN_OK && m < options->model_count; m++) {
        kin_eval_figure gain;
        if (options->models[m].rescore == NULL) {
            base = m;
            continue;
        }
        status = kin_eval_gain(report, base, m, options, &gain, err);
        if (status == KIN_OK)
            bench_quality_rows_add_gain(&run->rows, set, report, base, m, gain);
    }
    return status;
}

/* OUT.png becomes OUT-SET.png, with a number where several features are measured. */
static void name_sheet(const struct wish *wish, const bench_quality_set *set, size_t features,
                       char path[PATH_MAX])
{
    char number[24] = "";
    size_t stem = strlen(wish->sheet), ending = strlen(".png");
    if (stem > ending && strcmp(wish->sheet + stem - ending, ".png") == 0)
        stem -= ending;
    if (wish->feature_count > 1)
        snprintf(number, sizeof number, "-%zu", features + 1);
    snprintf(path, PATH_MAX, "%.*s-%s%s.png", (int)stem, wish->sheet, set->name, number);
    for (char *at = path + stem; *at != '\0'; at++)
        if (*at == ' ')
            *at = '-';
}

static kin_status measure(struct run *run, const bench_quality_set *set, size_t features,
                          const kin_manifest *manifest, kin_error *err)
{
    const struct wish *wish = run->wish;
    const char *spec = wish->features[features];
    const char *shown = spec != NULL ? spec : "default";
    char sheet[PATH_MAX];
    kin_eval_model chosen[MODELS];
    bench_quality_speed speed;
    kin_eval_report report;
    kin_eval_options options = {.folds = (int)wish->folds,
                                .models = chosen,
                                .model_count = choose_models(wish->rescore, chosen),
                                .leave_out = set->leave_out,
                                .bootstrap = wish->bootstrap,
                                .threads = (int)wish->threads,
                                .features = spec,
                                .progress = say_progress,
                                .progress_ctx = (void *)(uintptr_t)set->name};
    if (wish->sheet != NULL) {
        name_sheet(wish, set, features, sheet);
        options.sheet = sheet;
    }
    kin_status status = kin_eval(NULL, manifest, &options, &report, err);
    if (status != KIN_OK)
        return status;
    bench_quality_rows_add(&run->rows, set, shown, &options, &report);
    status = add_gains(run, set, &options, &report, err);
    kin_eval_report_release(&report);
    if (status == KIN_OK && set->leave_out == NULL)
        status = bench_quality_speed_measure(manifest, spec, SPEED_IMAGES, &speed, err);
    if (status == KIN_OK && set->leave_out == NULL)
        bench_quality_rows_add_speed(&run->rows, set->name, shown, speed.images, speed.cpu_seconds);
    return status;
}

/* Whether a list of names separated by commas has that one; NULL has all. */
static bool wants(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return list == NULL;
}

static kin_status measure_all(struct run *run, kin_error *err)
{
    size_t count, measured = 0;
    const bench_quality_set *sets = bench_quality_sets(&count);
    kin_status status = KIN_OK;
    for (size_t s = 0; status == KIN_OK && s < count; s++) {
        kin_manifest *manifest = NULL;
        if (!wants(run->wish->sets, sets[s].name) && !wants(run->wish->sets, sets[s].folder))
            continue;
        status = bench_quality_manifest(&sets[s], run->wish->data, run->scratch, &manifest, err);
        for (size_t f = 0; status == KIN_OK && f < run->wish->feature_count; f++)
            status = measure(run, &sets[s], f, manifest, err);
        kin_manifest_free(manifest);
        measured++;
    }
    if (status == KIN_OK && measured == 0)
        status = kin_fail(err, KIN_E_ARG, run->wish->sets, "no such set");
    return status;
}

static kin_status write_json(const struct run *run, kin_error *err)
{
    const bench_quality_rows *rows = &run->rows;
    json_t *report =
        json_pack("{s:o, s:O, s:O, s:O, s:O}", "machine", bench_machine(), "models", rows->models,
                  "classes", rows->classes, "gains", rows->gains, "speed", rows->speed);
    kin_status status = bench_json_write(report, run->wish->json, err);
    json_decref(report);
    return status;
}

static int usage(bool asked)
{
    fputs(
        "usage: kindred-bench quality [--data FOLDER] [--sets NAME,…] [--features SPEC]…\n"
        "                             [--rescore] [--folds N] [--bootstrap N] [--threads N]\n"
        "                             [--markdown] [--json FILE] [--sheet OUT.png]\n"
        "  Evaluates retrieval on the labelled sets under FOLDER (../shared/data) by grouped\n"
        "  cross-validation: every model, with intervals, per class, and what describing an\n"
        "  image takes on one core.  --features: an extractor (kindred init --features); again\n"
        "  for another.  --rescore: also query expansion, k-reciprocal neighbours and diffusion.\n"
        "  --sheet: a contact sheet for each set, OUT-SET.png.\n"
        "example:\n"
        "  kindred-bench quality --sets brain-mri,breast-idc --rescore --markdown\n",
        asked ? stdout : stderr);
    return asked ? 0 : 2;
}

static bool read_option(int option, struct wish *wish)
{
    switch (option) {
    case 'd':
        wish->data = optarg;
        return true;
    case 's':
        wish->sets = optarg;
        return true;
    case 'f':
        if (wish->feature_count == FEATURES_MAX)
            return false;
        wish->features[wish->feature_count++] = optarg;
        return true;
    case 'r':
        wish->rescore = true;
        return true;
    case 'm':
        wish->markdown = true;
        return true;
    case 'j':
        wish->json = optarg;
        return true;
    case 'p':
        wish->sheet = optarg;
        return true;
    case 'k':
        return bench_parse_count(optarg, &wish->folds) && wish->folds > 1 &&
               wish->folds <= FOLDS_MOST;
    case 'b':
        return bench_parse_count(optarg, &wish->bootstrap);
    case 't':
        return bench_parse_count(optarg, &wish->threads) && wish->threads <= INT_MAX;
    default:
        wish->help = option == 'h';
        return false;
    }
}

static bool read_options(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},     {"sets", required_argument, NULL, 's'},
        {"features", required_argument, NULL, 'f'}, {"rescore", no_argument, NULL, 'r'},
        {"folds", required_argument, NULL, 'k'},    {"bootstrap", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'},  {"markdown", no_argument, NULL, 'm'},
        {"json", required_argument, NULL, 'j'},     {"sheet", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(option, wish))
            return false;
    if (wish->feature_count == 0)
        wish->feature_count = 1; /* the default, NULL */
    return optind == argc;
}

int bench_quality_main(int argc, char **argv)
{
    struct wish wish = {.data = "../shared/data"};
    struct run run = {.wish = &wish};
    kin_error err = {0};
    if (!read_options(argc, argv, &wish))
        return usage(wish.help);
    kin_status status = bench_quality_rows_init(&run.rows)
                            ? bench_scratch_make(run.scratch, &err)
                            : kin_fail(&err, KIN_E_NOMEM, NULL, "no memory for the report");
    if (status == KIN_OK)
        status = measure_all(&run, &err);
    bench_scratch_remove(run.scratch);
    bench_quality_rows_print(&run.rows, wish.markdown); /* also what came before a failure */
    if (status == KIN_OK && wish.json != NULL)
        status = write_json(&run, &err);
    bench_quality_rows_release(&run.rows);
    if (status != KIN_OK)
        bench_complain(&err);
    return status == KIN_OK ? 0 : 1;
}
