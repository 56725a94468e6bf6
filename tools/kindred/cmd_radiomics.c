/* kindred radiomics: measures a region of a volume. */
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "measure/measure.h"
#include "numbers.h"
#include "radiomics_report.h"

enum {
    KEY_BINS = 256,
    KEY_BIN_WIDTH,
    KEY_BIN_FROM,
    KEY_IVH_BIN_WIDTH,
    KEY_SPACING,
    KEY_2D,
    KEY_RANGE,
    KEY_OUTLIERS,
    KEY_ROUND,
    KEY_SERIES,
    KEY_CSV,
    KEY_PROGRAM
};

#define INTENSITY_MAX  1e12
#define SPACING_MAX_MM 1000.0

struct options {
    kin_measure_task task;
    bool has_bins;
    kin_radiomics_format format;
};

/* "LOW,HIGH", either of which may be left out; false when text is anything else. */
static bool parse_range(const char *text, kin_radiomics_settings *out)
{
    char low[64];
    const char *comma = strchr(text, ',');
    if (comma == NULL || (size_t)(comma - text) >= sizeof low)
        return false;
    memcpy(low, text, (size_t)(comma - text));
    low[comma - text] = '\0';
    out->low = -INFINITY;
    out->high = INFINITY;
    out->has_range = true;
    return (low[0] != '\0' || comma[1] != '\0') &&
           (low[0] == '\0' || kin_parse_double(low, -INTENSITY_MAX, INTENSITY_MAX, &out->low)) &&
           (comma[1] == '\0' ||
            kin_parse_double(comma + 1, -INTENSITY_MAX, INTENSITY_MAX, &out->high)) &&
           out->low <= out->high;
}

static error_t parse_setting(int key, const char *arg, struct argp_state *state,
                             struct options *options)
{
    kin_radiomics_settings *settings = &options->task.settings;
    switch (key) {
    case KEY_BINS:
        settings->bins = (int)kin_cli_long(state, "--bins", arg, 1, KIN_RADIOMICS_LEVELS_MAX);
        options->has_bins = true;
        return 0;
    case KEY_BIN_WIDTH:
        settings->bin_width = kin_cli_double(state, "--bin-width", arg, 1e-9, INTENSITY_MAX);
        settings->discretisation = KIN_BINS_FIXED_SIZE;
        return 0;
    case KEY_BIN_FROM:
        settings->bin_from =
            kin_cli_double(state, "--bin-from", arg, -INTENSITY_MAX, INTENSITY_MAX);
        settings->has_bin_from = true;
        return 0;
    case KEY_IVH_BIN_WIDTH:
        settings->ivh_bin_width =
            kin_cli_double(state, "--ivh-bin-width", arg, 1e-9, INTENSITY_MAX);
        return 0;
    case KEY_SPACING:
        settings->spacing_mm = kin_cli_double(state, "--spacing", arg, 1e-3, SPACING_MAX_MM);
        return 0;
    case KEY_2D:
        settings->by_slice = true;
        return 0;
    case KEY_RANGE:
        if (!parse_range(arg, settings))
            argp_error(state, "--range is LOW,HIGH, such as -500,400; one of them may be left out");
        return 0;
    case KEY_OUTLIERS:
        settings->outlier_sigma = kin_cli_double(state, "--outliers", arg, 1e-3, 1000.0);
        return 0;
    case KEY_ROUND:
        settings->round_values = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t check(const struct options *options, struct argp_state *state)
{
    const kin_radiomics_settings *settings = &options->task.settings;
    bool by_width = settings->discretisation == KIN_BINS_FIXED_SIZE;
    if (options->task.mask == NULL)
        argp_error(state, "which image, and which mask?");
    if (options->has_bins && by_width)
        argp_error(state, "--bins or --bin-width, not both");
    if (settings->has_bin_from && !by_width)
        argp_error(state, "--bin-from is where bins of a --bin-width begin");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'l':
        options->task.label = (int)kin_cli_long(state, "--label", arg, 1, INT_MAX);
        return 0;
    case KEY_SERIES:
        options->task.series_uid = arg;
        return 0;
    case KIN_KEY_JSON:
        options->format = KIN_RADIOMICS_JSON;
        return 0;
    case KEY_CSV:
        options->format = KIN_RADIOMICS_CSV;
        return 0;
    case KEY_PROGRAM:
        options->task.program = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (options->task.image == NULL)
            options->task.image = arg;
        else if (options->task.mask == NULL)
            options->task.mask = arg;
        else
            argp_error(state, "one image and one mask, please");
        return 0;
    case ARGP_KEY_END:
        return check(options, state);
    default:
        return parse_setting(key, arg, state, options);
    }
}

static const struct argp_option option_list[] = {
    {"label", 'l', "N", 0,
     "The region: a value of the mask's voxels, or the number of a segment or ROI (default 1)", 0},
    {"series", KEY_SERIES, "UID", 0, "Which series of the image's folder, where it has several", 0},
    {"spacing", KEY_SPACING, "MM", 0,
     "Interpolate to voxels of this side, with --2d within slices only (default: as they are)", 0},
    {"round", KEY_ROUND, NULL, 0, "Round interpolated intensities to whole numbers, as for CT", 0},
    {"range", KEY_RANGE, "LOW,HIGH", 0, "Only intensities within count; the shape stays", 0},
    {"outliers", KEY_OUTLIERS, "SIGMA", 0,
     "Only intensities within so many standard deviations of the mean count, usually 3", 0},
    {"bins", KEY_BINS, "N", 0, "Grey levels: a fixed number (default 32)", 0},
    {"bin-width", KEY_BIN_WIDTH, "W", 0, "Grey levels: bins of a fixed width", 0},
    {"bin-from", KEY_BIN_FROM, "X", 0,
     "Where the first of them begins (default: --range's LOW, else the least intensity)", 0},
    {"ivh-bin-width", KEY_IVH_BIN_WIDTH, "W", 0,
     "Bins of the intensity-volume histogram, for PET (default: whole numbers as they are, others "
     "in 1000 bins)",
     0},
    {"2d", KEY_2D, NULL, 0, "Look for texture within slices, not across them", 0},
    {"csv", KEY_CSV, NULL, 0, "Print as CSV", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print as JSON", 0},
    {"measure-program", KEY_PROGRAM, "PROGRAM", OPTION_HIDDEN, NULL, 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "IMAGE MASK",
    .doc = "Measures a region of a volume by the definitions of the Image Biomarker "
           "Standardisation Initiative "
           "(IBSI): shape, intensities, histogram and texture, each with its IBSI code.  IMAGE is "
           "an NRRD file, a "
           "DICOM file, or a folder with the files of a DICOM series; MASK an NRRD label map on "
           "the same grid, or a DICOM "
           "segmentation, structure set or report.  Files may be compressed by Zstandard.  No "
           "archive is needed."
           "\vExamples:\n"
           "  kindred radiomics brain.nrrd tumour.nrrd --bin-width 25\n"
           "  kindred radiomics ct/ seg.dcm --label 2 --spacing 2 --round --range -500,400 "
           "--json\n"
           "  kindred radiomics mr/ label.nrrd --2d --bins 64 --csv > figures.csv",
};

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {.task = {.label = 1}};
    kin_radiomics radiomics = {0};
    kin_error err = {0};
    kin_cli_parse(cli, &argp, argc, argv, &options);
    if (kin_measure_run(&options.task, &radiomics, &err) != KIN_OK) {
        kin_cli_error(&err);
        return err.code == KIN_E_ARG ? KIN_EXIT_USAGE : KIN_EXIT_FAILED;
    }
    int exit_code = kin_radiomics_report(options.format, &options.task, &radiomics);
    kin_radiomics_release(&radiomics);
    return exit_code;
}

const kin_command kin_command_radiomics = {
    "radiomics", "measure a region of a volume: shape, intensities, texture", run};
