/* kindred search: the stored images most similar to a file, or to a stored one. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "condition_option.h"
#include "features/features.h"
#include "numbers.h"
#include "search_report.h"

enum { RESULTS_MAX = 100000, FRAME_MAX = 65535, SIDE_MAX = 10000000 /* pixels */ };

struct options {
    const char *file, *uid; /* one of them */
    const char *where, *worker;
    long frame;
    bool has_region;
    kin_decode_region region;
    kin_search_options search;
    kin_search_report report;
};

enum {
    KEY_UID = 256,
    KEY_NOT_SAME_PATIENT,
    KEY_EXACT,
    KEY_EFFORT,
    KEY_EXPLAIN,
    KEY_WORKER,
    KEY_BY,
    KEY_ROI
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

static error_t check(const struct options *options, struct argp_state *state)
{
    if ((options->file != NULL) == (options->uid != NULL))
        argp_error(state, options->file != NULL ? "a file or --uid, not both"
                                                : "which image? Name a file, or --uid");
    if (options->has_region && options->file == NULL)
        argp_error(state,
                   "--roi is a part of a file's image; a stored image is searched as a whole");
    if (options->search.exact && options->search.effort > 0)
        argp_error(state, "--effort is for the index, which --exact does not use");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_UID:
        options->uid = arg;
        return 0;
    case 'k':
        options->search.k = (size_t)kin_cli_long(state, "-k", arg, 1, RESULTS_MAX);
        return 0;
    case 'f':
        options->frame = kin_cli_long(state, "--frame", arg, 0, FRAME_MAX);
        return 0;
    case KEY_ROI:
        options->has_region = parse_region(arg, &options->region);
        if (!options->has_region)
            argp_error(state, "--roi is X,Y,WIDTH,HEIGHT in pixels, such as 120,80,64,64");
        return 0;
    case 'w':
        options->where = arg;
        return 0;
    case KEY_BY:
        if (!kin_level_parse(arg, &options->search.fold))
            argp_error(state, "--by is one of image, series, study, patient");
        return 0;
    case KEY_NOT_SAME_PATIENT:
        options->search.not_same_patient = true;
        return 0;
    case KEY_EXACT:
        options->search.exact = true;
        return 0;
    case KEY_EFFORT:
        options->search.effort = kin_cli_double(state, "--effort", arg, 1e-6, 1);
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
        options->worker = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (options->file != NULL)
            argp_error(state, "one file, please");
        options->file = arg;
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
    {"roi", KEY_ROI, "X,Y,W,H", 0,
     "Look at this part of the file's image only: left, top, width, height in pixels", 0},
    {NULL, 'k', "N", 0, "Number of results (default 10)", 0},
    {"where", 'w', "CONDITION", 0, "Only images that meet it: modality = MR and grade in (2, 3)",
     0},
    {"by", KEY_BY, "LEVEL", 0, "The best image of each: image (default), series, study or patient",
     0},
    {"not-same-patient", KEY_NOT_SAME_PATIENT, NULL, 0, "Leave the image's patient out", 0},
    {"exact", KEY_EXACT, NULL, 0, "Compare with every image; never use the index", 0},
    {"effort", KEY_EFFORT, "X", 0, "How hard the index tries, above 0 to 1: slower and surer", 0},
    {"explain", KEY_EXPLAIN, NULL, 0, "Say how the answer was found", 0},
    {"long", 'l', NULL, 0, "Show the SOP instance UIDs too", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print the results as JSON", 0},
    {"worker", KEY_WORKER, "PROGRAM", OPTION_HIDDEN, NULL, 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE\n--uid UID",
    .doc = "Ranks the stored images by their similarity to one: a file (DICOM, PNG, JPEG, TIFF), "
           "or a stored image, "
           "which is left out of its own results.  The score is the cosine of the embeddings, at "
           "most 1."
           "\vExamples:\n"
           "  kindred search query.dcm -k 5\n"
           "  kindred search --uid 2.25.151517181 --by patient --not-same-patient\n"
           "  kindred search slide.png --roi 120,80,256,256\n"
           "  kindred search query.png --where \"diagnosis not in ('no tumour', unknown)\"\n"
           "  kindred search query.dcm --json | jq '.results[].labels.diagnosis'",
};

/* Describes the file, by a decoder of its own. */
static kin_status query_from_file(kin_archive *archive, const struct options *options,
                                  kin_query *query, kin_error *err)
{
    kin_decoder *decoder = NULL;
    kin_status status =
        kin_decoder_new(options->worker, kin_descriptor_length(), NULL, &decoder, err);
    if (status == KIN_OK)
        status = kin_query_from_file(archive, decoder, options->file, (uint32_t)options->frame,
                                     options->has_region ? &options->region : NULL, query, err);
    kin_decoder_free(decoder);
    return status;
}

/* Makes the query; prints why it cannot and returns the exit code. */
static int make_query(kin_archive *archive, const struct options *options, kin_query *query)
{
    kin_error err = {0};
    if (options->file == NULL) {
        if (kin_query_from_uid(archive, options->uid, (uint32_t)options->frame, query, &err) ==
            KIN_OK)
            return KIN_EXIT_DONE;
        kin_error_name(&err, options->uid);
        return kin_cli_fail(&err);
    }
    if (query_from_file(archive, options, query, &err) == KIN_OK)
        return KIN_EXIT_DONE;
    kin_error_name(&err, options->file);
    kin_cli_error(&err);
    return err.code == KIN_E_ARG ? KIN_EXIT_USAGE
                                 : KIN_EXIT_FAILED; /* the file's fault, not the archive's */
}

static int search(const kin_cli *cli, kin_archive *archive, struct options *options)
{
    kin_query query = {0};
    kin_results results = {0};
    kin_error err = {0};
    int exit_code = make_query(archive, options, &query);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    if (kin_archive_search(archive, &query, &options->search, &results, &err) != KIN_OK) {
        kin_error_name(&err, cli->archive);
        exit_code = kin_cli_fail(&err);
    } else {
        exit_code =
            kin_search_report_print(&options->report, &query, (uint32_t)options->frame, &results);
    }
    kin_results_release(&results);
    kin_query_release(&query);
    return exit_code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_archive *archive = NULL;
    kin_condition *where = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_condition_option(options.where, &where);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = kin_cli_open(cli, &archive);
    if (exit_code == KIN_EXIT_DONE) {
        options.search.where = where;
        kin_condition_warn(archive, where);
        exit_code = search(cli, archive, &options);
    }
    kin_archive_close(archive);
    kin_condition_free(where);
    return exit_code;
}

const kin_command kin_command_search = {"search", "rank the stored images by similarity to one",
                                        run};
