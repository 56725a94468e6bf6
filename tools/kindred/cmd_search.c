/* kindred search: the stored images most similar to a file, or to a stored one. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "condition_option.h"
#include "explain_image.h"
#include "numbers.h"
#include "search/search.h"
#include "search_report.h"
#include "target.h"

enum {
    RESULTS_MAX = 100000,
    FRAME_MAX = 65535,
    REGION_MAX = 1000000000,
    SIDE_MAX = 10000000 /* pixels */
};

struct options {
    kin_search_request request;
    bool has_level, has_rule;
    kin_query_part parts[KIN_QUERY_PARTS_MAX];
    const char *explain_image; /* where to draw why; NULL: nowhere */
    kin_search_report report;
};

enum {
    KEY_UID = 256,
    KEY_NOT_SAME_PATIENT,
    KEY_EXACT,
    KEY_RECALL,
    KEY_WAY,
    KEY_EXPLAIN,
    KEY_WORKER,
    KEY_BY,
    KEY_ROI,
    KEY_REGION,
    KEY_SET,
    KEY_SERIES,
    KEY_SET_SCORE,
    KEY_MASK,
    KEY_EXPLAIN_IMAGE
};

/* "x,y,w,h": four whole numbers, width and height at least 1; false when text is anything else. */
static bool parse_region(const char *text, kin_decode_region *out)
{
    uint32_t *const numbers[] = {&out->x, &out->y, &out->width, &out->height};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    for (size_t i = 0; i < COUNT; i++) {
        char number[16];
        long value;
        size_t length = strcspn(text, ",");
        if (length >= sizeof number || (text[length] == ',') != (i + 1 < COUNT))
            return false;
        memcpy(number, text, length);
        number[length] = '\0';
        if (!kin_parse_long(number, i < 2 ? 0 : 1, SIDE_MAX, &value))
            return false;
        *numbers[i] = (uint32_t)value;
        text += length + 1; /* past the end only after the last */
    }
    return true;
}

/* Above 0: 0 would ask for the default. */
static double parse_recall(const char *text, const struct argp_state *state)
{
    double recall = 0;
    if (!kin_parse_double(text, 0, 1, &recall) || recall <= 0)
        argp_error(state, "--recall must be a number above 0 and at most 1");
    return recall;
}

static const char *parse_way(const char *text, const struct argp_state *state)
{
    for (size_t i = 0; kin_way_name(i) != NULL; i++)
        if (strcmp(kin_way_name(i), text) == 0)
            return text;
    argp_error(state, "--way is one of scan, two-stage scan, index, filtered index, widening");
    return NULL;
}

/* Room for one more lesion. */
static kin_query_part *next_part(struct options *options, const struct argp_state *state)
{
    if (options->request.part_count == KIN_QUERY_PARTS_MAX)
        argp_error(state, "--roi and --mask: %d are the most", KIN_QUERY_PARTS_MAX);
    return &options->parts[options->request.part_count++];
}

static kin_set_rule parse_rule(const char *text, const struct argp_state *state)
{
    if (strcmp(text, "mean") == 0)
        return KIN_SET_MEAN;
    if (strcmp(text, "median") != 0)
        argp_error(state, "--set-score is median or mean");
    return KIN_SET_MEDIAN;
}

/* What several images together cannot be asked for. */
static void check_set(struct options *options, struct argp_state *state)
{
    const kin_search_request *request = &options->request;
    if (!request->set && options->has_rule)
        argp_error(state, "--set-score is for searches with --set");
    if (!request->set)
        return;
    if (request->part_count > 0 || request->stored_region > 0 || request->frame > 0)
        argp_error(state, "--set takes all images together: no --frame, --region, --roi or --mask");
    if (options->explain_image != NULL)
        argp_error(state, "--explain-image is for searches of single images");
    if (request->options.way != NULL)
        argp_error(state, "--way is for searches of single images");
    if (!options->has_level)
        options->request.options.fold = KIN_LEVEL_SERIES;
    else if (request->options.fold == KIN_LEVEL_IMAGE || request->options.fold == KIN_LEVEL_REGION)
        argp_error(state, "with --set, --by is one of series, study, patient");
}

static error_t check(struct options *options, struct argp_state *state)
{
    check_set(options, state);
    if ((options->request.file != NULL) == (options->request.uid != NULL))
        argp_error(state, options->request.file != NULL ? "a file or --uid, not both"
                                                        : "which image? Name a file, or --uid");
    if (options->request.part_count > 0 && options->request.file == NULL)
        argp_error(state, "--roi and --mask mark lesions on a file's image; a stored image is "
                          "searched as a whole, or by one of its regions: --region");
    if (options->request.stored_region > 0 && options->request.uid == NULL)
        argp_error(state, "--region is a region of a stored image: name it by --uid");
    if (options->request.options.exact && options->request.options.recall > 0)
        argp_error(state, "--exact finds all of the exact answer: there is nothing to --recall");
    if (options->request.options.exact && options->request.options.way != NULL)
        argp_error(state, "--exact is a --way by itself");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_UID:
        options->request.uid = arg;
        return 0;
    case 'k':
        options->request.options.k = (size_t)kin_cli_long(state, "-k", arg, 1, RESULTS_MAX);
        return 0;
    case 'f':
        options->request.frame = (uint32_t)kin_cli_long(state, "--frame", arg, 0, FRAME_MAX);
        return 0;
    case KEY_REGION:
        options->request.stored_region =
            (uint32_t)kin_cli_long(state, "--region", arg, 0, REGION_MAX);
        return 0;
    case KEY_ROI:
        if (!parse_region(arg, &next_part(options, state)->box))
            argp_error(state, "--roi is X,Y,WIDTH,HEIGHT in pixels, such as 120,80,64,64");
        return 0;
    case KEY_MASK:
        next_part(options, state)->mask = arg;
        return 0;
    case KEY_EXPLAIN_IMAGE:
        options->explain_image = arg;
        return 0;
    case 'w':
        options->request.where = arg;
        return 0;
    case KEY_BY:
        if (!kin_level_parse(arg, &options->request.options.fold))
            argp_error(state, "--by is one of image, series, study, patient, region");
        options->has_level = true;
        return 0;
    case KEY_SERIES:
        options->request.uid = arg;
        options->request.set = true;
        return 0;
    case KEY_SET:
        options->request.set = true;
        return 0;
    case KEY_SET_SCORE:
        options->request.rule = parse_rule(arg, state);
        options->has_rule = true;
        return 0;
    case KEY_NOT_SAME_PATIENT:
        options->request.options.not_same_patient = true;
        return 0;
    case KEY_EXACT:
        options->request.options.exact = true;
        return 0;
    case KEY_RECALL:
        options->request.options.recall = parse_recall(arg, state);
        return 0;
    case KEY_WAY:
        options->request.options.way = parse_way(arg, state);
        return 0;
    case KEY_EXPLAIN:
        options->report.explain = true;
        return 0;
    case KIN_KEY_JSON:
        options->report.json = true;
        return 0;
    case 'l':
        options->report.uids = true;
        return 0;
    case KEY_WORKER:
        options->request.worker = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (options->request.file != NULL)
            argp_error(state, "one file, please");
        options->request.file = arg;
        return 0;
    case ARGP_KEY_END:
        return check(options, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"uid", KEY_UID, "UID", 0, "The image: a stored SOP instance UID instead of a file", 0},
    {"frame", 'f', "N", 0, "Frame of the image, from 0 (default 0)", 0},
    {"region", KEY_REGION, "N", 0,
     "Look at this region of the stored image only, by its number (default 0: the whole image)", 0},
    {"roi", KEY_ROI, "X,Y,W,H", 0,
     "A lesion on the file's image: left, top, width, height in pixels.  Given several times: "
     "lesions, of which the mean is asked with",
     0},
    {"mask", KEY_MASK, "IMAGE", 0,
     "A lesion on the file's image: where this image of the same size is bright", 0},
    {NULL, 'k', "N", 0, "Number of results (default 10)", 0},
    {"where", 'w', "CONDITION", 0, "Only images that meet it: modality = MR and grade in (2, 3)",
     0},
    {"by", KEY_BY, "LEVEL", 0,
     "The best of each image, which its regions count as (default), series, study or patient; or "
     "every region and every image: region",
     0},
    {"set", KEY_SET, NULL, 0,
     "All frames of the file (tiles of a slide), or all images of the UID, together: ranks series, "
     "studies or patients as a whole",
     0},
    {"series", KEY_SERIES, "UID", 0, "The same as --uid UID --set", 0},
    {"set-score", KEY_SET_SCORE, "RULE", 0,
     "With --set, of how alike each image is to its nearest: their mean (default) or their "
     "median",
     0},
    {"not-same-patient", KEY_NOT_SAME_PATIENT, NULL, 0, "Leave the image's patient out", 0},
    {"recall", KEY_RECALL, "R", 0,
     "Share of the exact answer that must come back on average, above 0 to 1 (default 0.99): less "
     "is faster",
     0},
    {"exact", KEY_EXACT, NULL, 0, "Compare with every image exactly; as --recall 1", 0},
    {"way", KEY_WAY, "METHOD", 0,
     "Go this way, by the name that --explain gives it, instead of the cheapest: for comparing", 0},
    {"explain", KEY_EXPLAIN, NULL, 0,
     "Say how the answer was found: what was weighed, promised, estimated and measured", 0},
    {"explain-image", KEY_EXPLAIN_IMAGE, "OUT.png", 0,
     "Draw where the image and each of its best results agree", 0},
    {"long", 'l', NULL, 0, "Show the SOP instance UIDs too", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print the results as JSON", 0},
    {"worker", KEY_WORKER, "PROGRAM", OPTION_HIDDEN, NULL, 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE\n--uid UID\n--series UID",
    .doc = "Ranks the stored images by their similarity to one: a file (DICOM, PNG, JPEG, TIFF), "
           "or a stored image, "
           "which is left out of its own results, with its regions.  The score is the cosine of "
           "the embeddings, at "
           "most 1."
           "\vExamples:\n"
           "  kindred search query.dcm -k 5\n"
           "  kindred search --uid 2.25.151517181 --by patient --not-same-patient\n"
           "  kindred search slice.dcm --roi 120,80,40,32\n"
           "  kindred search slice.png --mask lesion.png --by region\n"
           "  kindred search slice.dcm -k 3 --explain-image why.png\n"
           "  kindred search --uid 2.25.151517181 --region 1 --where 'region > 0' --by region\n"
           "  kindred search slide.svs --set -k 5\n"
           "  kindred search --series 1.2.840.113619.2.5 --by patient --not-same-patient\n"
           "  kindred search query.dcm --recall 0.999 --explain\n"
           "  kindred search query.png --where \"diagnosis not in ('no tumour', unknown)\"\n"
           "  kindred search query.dcm --json | jq '.results[].labels.diagnosis'",
};

/* Prints why there is no answer and returns the exit code. */
static int fail(const kin_target *target, const kin_search_request *request,
                const kin_search_answer *answer, kin_error *err)
{
    if (!answer->query_failed || request->file == NULL) {
        kin_error_name(err, answer->query_failed ? request->uid : target->name);
        return kin_cli_fail(err);
    }
    kin_error_name(err, request->file);
    kin_cli_error(err);
    return err->code == KIN_E_ARG ? KIN_EXIT_USAGE
                                  : KIN_EXIT_FAILED; /* the file's fault, not the archive's */
}

static int search(kin_target *target, const struct options *options)
{
    kin_search_answer answer = {0};
    kin_error err = {0};
    kin_status status = target->ops->search(target, &options->request, &answer, &err);
    if (answer.unknown_names[0] != '\0')
        kin_cli_message("--where", "no image has a field or label named: %s", answer.unknown_names);
    int exit_code = status == KIN_OK
                        ? kin_search_report_print(&options->report, &answer.query,
                                                  options->request.frame, &answer.results)
                        : fail(target, &options->request, &answer, &err);
    if (exit_code == KIN_EXIT_DONE && options->explain_image != NULL)
        exit_code = kin_explain_image(target, &options->request, &answer, options->explain_image);
    kin_search_answer_release(&answer);
    return exit_code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_target *target = NULL;
    kin_condition *where = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_condition_option(options.request.where, &where);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = kin_target_open(cli, false, &target);
    if (exit_code == KIN_EXIT_DONE && options.explain_image != NULL &&
        target->ops->explain == NULL) {
        kin_cli_message("--explain-image", "needs an archive of this machine, not a server's");
        exit_code = KIN_EXIT_USAGE;
    }
    if (exit_code == KIN_EXIT_DONE) {
        options.request.options.where = where;
        options.report.stored_region = options.request.stored_region;
        options.request.parts = options.parts;
        exit_code = search(target, &options);
    }
    kin_target_close(target);
    kin_condition_free(where);
    return exit_code;
}

const kin_command kin_command_search = {"search", "rank the stored images by similarity to one",
                                        run};
