#include "features/network_manifest.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { DESCRIPTION_VERSION = 1, VERSION_MAX = 1000000 };

static const double level_max = 1e6, smallest_std = 1e-6; /* of mean and std, in levels */
static const double hounsfield_max = 1e5;
static const double weight_min = 0.001, weight_max = 1000;

/* The manifest as JSON has it. */
struct given {
    int description, version, width, height, channels, length, normalise;
    const char *name, *model, *input, *output, *layout, *order, *colour, *region, *resize,
        *intensity;
    double pad, weight;
    json_t *mean, *std, *windows;
};

static kin_status wrong(kin_error *err, const char *member, const char *what)
{
    return kin_fail(err, KIN_E_FORMAT, NULL, "the network's manifest: %s: %s", member, what);
}

static kin_status unpack(json_t *root, struct given *given, kin_error *err)
{
    json_error_t error;
    *given = (struct given){.normalise = 1,
                            .model = "model.onnx",
                            .input = "",
                            .output = "",
                            .layout = "NCHW",
                            .order = "RGB",
                            .region = "whole",
                            .resize = "fit",
                            .intensity = "display",
                            .weight = 1};
    int rc = json_unpack_ex(
        root, &error, JSON_STRICT,
        "{s:i, s:s, s:i, s?s, s?s, s?s, s:i, s:i, s:i, s?s, s?s, s?s, s?s, s?s, s?F, s?s, s?o, "
        "s?o, s?o, s:i, s?b, s?F}",
        "kindred_network", &given->description, "name", &given->name, "version", &given->version,
        "model", &given->model, "input", &given->input, "output", &given->output, "width",
        &given->width, "height", &given->height, "channels", &given->channels, "layout",
        &given->layout, "order", &given->order, "colour", &given->colour, "region", &given->region,
        "resize", &given->resize, "pad", &given->pad, "intensity", &given->intensity, "windows",
        &given->windows, "mean", &given->mean, "std", &given->std, "length", &given->length,
        "normalise", &given->normalise, "weight", &given->weight);
    if (rc != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the network's manifest: %s", error.text);
    if (given->description != DESCRIPTION_VERSION)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "the network's manifest is of version %d: this program knows %d",
                        given->description, DESCRIPTION_VERSION);
    return KIN_OK;
}

static kin_status take_name(const char *name, kin_network_manifest *out, kin_error *err)
{
    size_t length = strlen(name);
    if (length == 0 || length > KIN_NETWORK_NAME_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return wrong(err, "name", "1 to 32 of a-z, 0-9 and -");
    memcpy(out->name, name, length + 1);
    return KIN_OK;
}

/* A name within the folder, not a path out of it. */
static kin_status take_file(const char *name, kin_network_manifest *out, kin_error *err)
{
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof out->model || name[0] == '.' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            length ||
        strcmp(name, KIN_NETWORK_MANIFEST) == 0)
        return wrong(err, "model", "the plain name of a file in the manifest's folder");
    memcpy(out->model, name, length + 1);
    return KIN_OK;
}

static kin_status take_tensor(const char *member, const char *name,
                              char out[KIN_NETWORK_TENSOR_SIZE], kin_error *err)
{
    size_t length = strlen(name);
    if (length >= KIN_NETWORK_TENSOR_SIZE)
        return wrong(err, member, "the name is too long");
    memcpy(out, name, length + 1);
    return KIN_OK;
}

static kin_status take_names(const struct given *given, kin_network_manifest *out, kin_error *err)
{
    kin_status status = take_name(given->name, out, err);
    if (status == KIN_OK)
        status = take_file(given->model, out, err);
    if (status == KIN_OK)
        status = take_tensor("input", given->input, out->input, err);
    if (status == KIN_OK)
        status = take_tensor("output", given->output, out->output, err);
    return status;
}

static bool within(int value, int most)
{
    return value >= 1 && value <= most;
}

static kin_status take_sizes(const struct given *given, kin_network_manifest *out, kin_error *err)
{
    bool has_windows = given->windows != NULL;
    if (!within(given->version, VERSION_MAX))
        return wrong(err, "version", "1 to 1000000");
    if (!within(given->width, KIN_NETWORK_SIDE_MAX) || !within(given->height, KIN_NETWORK_SIDE_MAX))
        return wrong(err, "width, height", "1 to 1024");
    if (!within(given->channels, KIN_NETWORK_WINDOWS_MAX) ||
        (!has_windows && given->channels != 1 && given->channels != 3))
        return wrong(err, "channels", "1 or 3, or one for each window");
    if (!within(given->length, KIN_NETWORK_LENGTH_MAX))
        return wrong(err, "length", "1 to 8192");
    out->version = given->version;
    out->width = given->width;
    out->height = given->height;
    out->channels = given->channels;
    out->length = (size_t)given->length;
    return KIN_OK;
}

/* Which of two or three words text is; -1 for none of them. */
static int choice(const char *text, const char *const words[3])
{
    for (int i = 0; i < 3 && words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return -1;
}

static kin_status take_choices(const struct given *given, kin_network_manifest *out, kin_error *err)
{
    const char *natural = given->channels == 3 && given->windows == NULL ? "rgb" : "grey";
    int layout = choice(given->layout, (const char *const[3]){"NCHW", "NHWC"});
    int order = choice(given->order, (const char *const[3]){"RGB", "BGR"});
    int colour = choice(given->colour != NULL ? given->colour : natural,
                        (const char *const[3]){"grey", "rgb"});
    int region = choice(given->region, (const char *const[3]){"whole", "foreground"});
    int resize = choice(given->resize, (const char *const[3]){"fit", "stretch", "crop"});
    int intensity = choice(given->intensity, (const char *const[3]){"display", "robust"});
    if (layout < 0)
        return wrong(err, "layout", "NCHW or NHWC");
    if (order < 0)
        return wrong(err, "order", "RGB or BGR");
    if (colour < 0 || (colour == 1 && (given->channels != 3 || given->windows != NULL)))
        return wrong(err, "colour", "grey, or rgb where there are three channels and no windows");
    if (region < 0)
        return wrong(err, "region", "whole or foreground");
    if (resize < 0)
        return wrong(err, "resize", "fit, stretch or crop");
    if (intensity < 0)
        return wrong(err, "intensity", "display or robust");
    out->channels_last = layout == 1;
    out->bgr = order == 1;
    out->colour = colour == 1;
    out->foreground = region == 1;
    out->resize = resize == 0 ? KIN_RESIZE_FIT : resize == 1 ? KIN_RESIZE_STRETCH : KIN_RESIZE_CROP;
    out->robust = intensity == 1;
    out->normalise = given->normalise != 0;
    return KIN_OK;
}

/* `count` numbers of size low to high (signs apart) from a JSON list; without a list all are
 * fallback. */
static bool take_numbers(const json_t *list, size_t count, double low, double high, double fallback,
                         float *out)
{
    if (list != NULL && (!json_is_array(list) || json_array_size(list) != count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = list != NULL ? json_array_get(list, i) : NULL;
        double value = item != NULL ? json_number_value(item) : fallback;
        if ((item != NULL && !json_is_number(item)) || fabs(value) < low || fabs(value) > high)
            return false;
        out[i] = (float)value;
    }
    return true;
}

static kin_status take_levels(const struct given *given, kin_network_manifest *out, kin_error *err)
{
    size_t channels = (size_t)out->channels;
    if (!take_numbers(given->mean, channels, 0, level_max, 0, out->mean))
        return wrong(err, "mean", "a list of one number for each channel");
    if (!take_numbers(given->std, channels, smallest_std, level_max, 1, out->std))
        return wrong(err, "std", "a list of one number, not 0, for each channel");
    if (!(given->pad >= 0 && given->pad <= 1))
        return wrong(err, "pad", "0 to 1");
    if (!(given->weight >= weight_min && given->weight <= weight_max))
        return wrong(err, "weight", "0.001 to 1000");
    out->pad = (float)given->pad;
    out->weight = (float)given->weight;
    return KIN_OK;
}

static kin_status take_windows(const struct given *given, kin_network_manifest *out, kin_error *err)
{
    static const char what[] = "a list of one [centre, width] for each channel";
    size_t count = given->windows != NULL ? json_array_size(given->windows) : 0;
    if (given->windows == NULL)
        return KIN_OK;
    if (count != (size_t)out->channels)
        return wrong(err, "windows", what);
    for (size_t i = 0; i < count; i++) {
        float pair[2];
        const json_t *window = json_array_get(given->windows, i);
        if (!take_numbers(window, 2, 0, hounsfield_max, 0, pair) || pair[1] < 1)
            return wrong(err, "windows", what);
        out->centre[i] = pair[0];
        out->range[i] = pair[1];
    }
    out->windows = count;
    return KIN_OK;
}

kin_status kin_network_manifest_parse(const void *bytes, size_t size, kin_network_manifest *out,
                                      kin_error *err)
{
    json_error_t error;
    struct given given;
    memset(out, 0, sizeof *out);
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the network's manifest is no JSON: line %d: %s",
                        error.line, error.text);
    kin_status status = unpack(root, &given, err);
    if (status == KIN_OK)
        status = take_names(&given, out, err);
    if (status == KIN_OK)
        status = take_sizes(&given, out, err);
    if (status == KIN_OK)
        status = take_choices(&given, out, err);
    if (status == KIN_OK)
        status = take_levels(&given, out, err);
    if (status == KIN_OK)
        status = take_windows(&given, out, err);
    json_decref(root);
    return status;
}
