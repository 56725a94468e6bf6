#include "features/network.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/uid.h"
#include "features/network_input.h"
#include "features/network_manifest.h"
#include "features/onnx.h"

enum { AT_ONCE_MAX = 16 }; /* pictures in one run */

struct kin_network {
    char *folder;
    kin_network_manifest manifest;
    kin_onnx *onnx;
    char id[KIN_NETWORK_ID_SIZE];
};

/* --- files --- */

struct files {
    void *manifest, *model;
    size_t manifest_size, model_size;
};

static void files_release(struct files *files)
{
    free(files->manifest);
    free(files->model);
    *files = (struct files){0};
}

static kin_status path_in(const char *folder, const char *name, char path[PATH_MAX], kin_error *err)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    if (length < 0 || length >= PATH_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "the path of a network's folder is too long");
    return KIN_OK;
}

static kin_status read_in(const kin_fs *fs, const char *folder, const char *name, size_t most,
                          void **out, size_t *size, kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = path_in(folder, name, path, err);
    return status == KIN_OK ? kin_fs_read_file(fs, path, most, out, size, err) : status;
}

/* Reads both files and understands the manifest. */
static kin_status files_read(const kin_fs *fs, const char *folder, struct files *files,
                             kin_network_manifest *manifest, kin_error *err)
{
    *files = (struct files){0};
    kin_status status = read_in(fs, folder, KIN_NETWORK_MANIFEST, KIN_NETWORK_MANIFEST_MAX,
                                &files->manifest, &files->manifest_size, err);
    if (status == KIN_OK)
        status = kin_network_manifest_parse(files->manifest, files->manifest_size, manifest, err);
    if (status == KIN_OK)
        status = read_in(fs, folder, manifest->model, KIN_NETWORK_MODEL_MAX, &files->model,
                         &files->model_size, err);
    if (status != KIN_OK)
        files_release(files);
    return status;
}

static void write_id(const struct files *files, const char *name, char id[KIN_NETWORK_ID_SIZE])
{
    const kin_digest parts[] = {kin_digest_of(files->manifest, files->manifest_size),
                                kin_digest_of(files->model, files->model_size)};
    snprintf(id, KIN_NETWORK_ID_SIZE, "%s.%016" PRIx64, name,
             kin_digest_of(parts, sizeof parts).low);
}

/* --- life --- */

/* Runs a black picture, so that what cannot be run fails here; and the library has everything that
 * it makes at the first run before a sandbox closes. */
static kin_status warm_up(const kin_network *network, kin_error *err)
{
    kin_raster black;
    kin_status status = kin_raster_init(&black, network->manifest.width, network->manifest.height,
                                        network->manifest.colour ? 3 : 1, err);
    if (status != KIN_OK)
        return status;
    float *out = calloc(network->manifest.length, sizeof *out);
    status = out != NULL
                 ? kin_network_describe(network, &(kin_picture){.display = &black}, 1, out, err)
                 : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a network");
    free(out);
    kin_raster_release(&black);
    return status;
}

static kin_status load(kin_network *network, const struct files *files, kin_error *err)
{
    const kin_network_manifest *m = &network->manifest;
    kin_onnx_shape shape = {.input = m->input, .output = m->output, .length = m->length};
    const int64_t first[] = {m->channels, m->height, m->width};
    const int64_t last[] = {m->height, m->width, m->channels};
    memcpy(shape.input_sizes, m->channels_last ? last : first, sizeof shape.input_sizes);
    write_id(files, m->name, network->id);
    kin_status status = kin_onnx_open(files->model, files->model_size, &shape, &network->onnx, err);
    return status == KIN_OK ? warm_up(network, err) : status;
}

kin_status kin_network_open(const char *folder, kin_network **out, kin_error *err)
{
    struct files files = {0};
    kin_network *network = calloc(1, sizeof *network);
    if (network == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a network");
    network->folder = strdup(folder);
    kin_status status = network->folder != NULL
                            ? KIN_OK
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a network");
    if (status == KIN_OK)
        status = files_read(kin_fs_posix(), folder, &files, &network->manifest, err);
    if (status == KIN_OK)
        status = load(network, &files, err);
    files_release(&files);
    if (status != KIN_OK) {
        kin_network_close(network);
        kin_error_name(err, folder);
        return status;
    }
    *out = network;
    return KIN_OK;
}

void kin_network_close(kin_network *network)
{
    if (network == NULL)
        return;
    kin_onnx_close(network->onnx);
    free(network->folder);
    free(network);
}

const char *kin_network_id_borrow(const kin_network *network)
{
    return network->id;
}

int kin_network_version(const kin_network *network)
{
    return network->manifest.version;
}

size_t kin_network_length(const kin_network *network)
{
    return network->manifest.length;
}

float kin_network_weight(const kin_network *network)
{
    return network->manifest.weight;
}

bool kin_network_wants_hounsfield(const kin_network *network)
{
    return network->manifest.windows > 0;
}

/* --- describing --- */

/* Divides by the length in space where that is wished; false when a value is not finite. */
static bool finish(const kin_network_manifest *manifest, float *out)
{
    double sum = 0;
    for (size_t i = 0; i < manifest->length; i++)
        sum += (double)out[i] * (double)out[i];
    if (!isfinite(sum))
        return false;
    for (size_t i = 0; manifest->normalise && sum > 0 && i < manifest->length; i++)
        out[i] = (float)((double)out[i] / sqrt(sum));
    return true;
}

/* As many pictures as run at once; input has room for them. */
static kin_status describe_some(const kin_network *network, const kin_picture *pictures,
                                size_t count, size_t input_length, float *input, float *out,
                                kin_error *err)
{
    const kin_network_manifest *manifest = &network->manifest;
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = kin_network_input(manifest, &pictures[i], input + i * input_length, err);
    if (status == KIN_OK)
        status = kin_onnx_run(network->onnx, input, count, out, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (!finish(manifest, out + i * manifest->length))
            status = kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                              "the network %s gives values that are not finite", manifest->name);
    return status;
}

kin_status kin_network_describe(const kin_network *network, const kin_picture *pictures,
                                size_t count, float *out, kin_error *err)
{
    const kin_network_manifest *m = &network->manifest;
    size_t at_once = kin_onnx_takes_many(network->onnx) ? AT_ONCE_MAX : 1;
    size_t input_length = (size_t)m->channels * (size_t)m->height * (size_t)m->width, size;
    kin_status status = KIN_OK;
    if (at_once > count)
        at_once = count > 0 ? count : 1;
    float *input = kin_mul_size(at_once, input_length * sizeof *input, &size) ? malloc(size) : NULL;
    if (input == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a network's input");
    for (size_t at = 0; status == KIN_OK && at < count; at += at_once) {
        size_t some = count - at < at_once ? count - at : at_once;
        status = describe_some(network, pictures + at, some, input_length, input,
                               out + at * m->length, err);
    }
    free(input);
    return status;
}

/* --- copies --- */

static kin_status replace_in(const kin_fs *fs, const char *folder, const char *name,
                             const void *bytes, size_t size, kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = path_in(folder, name, path, err);
    return status == KIN_OK ? kin_fs_replace(fs, path, bytes, size, err) : status;
}

/* The manifest last: a folder without one is no network. */
static kin_status write_copy(const kin_fs *fs, const char *networks, const char *id,
                             const struct files *files, const kin_network_manifest *manifest,
                             kin_error *err)
{
    char folder[PATH_MAX];
    kin_status status = path_in(networks, id, folder, err);
    if (status == KIN_OK)
        status = kin_fs_make_dirs(fs, folder, err);
    if (status == KIN_OK)
        status = replace_in(fs, folder, manifest->model, files->model, files->model_size, err);
    if (status == KIN_OK)
        status = replace_in(fs, folder, KIN_NETWORK_MANIFEST, files->manifest, files->manifest_size,
                            err);
    return status == KIN_OK ? kin_fs_sync_dir(fs, networks, err) : status;
}

/* Reads the files of a folder, which must be those of an id. */
static kin_status read_checked(const kin_fs *fs, const char *folder, const char *id,
                               struct files *files, kin_network_manifest *manifest, kin_error *err)
{
    char found[KIN_NETWORK_ID_SIZE];
    kin_status status = files_read(fs, folder, files, manifest, err);
    if (status != KIN_OK)
        return status;
    write_id(files, manifest->name, found);
    if (strcmp(found, id) == 0)
        return KIN_OK;
    files_release(files);
    return kin_fail(err, KIN_E_CORRUPT, folder, "the network's files are others than they were");
}

kin_status kin_network_copy(const kin_network *network, const kin_fs *fs, const char *networks,
                            kin_error *err)
{
    struct files files;
    kin_network_manifest manifest;
    kin_status status =
        read_checked(kin_fs_posix(), network->folder, network->id, &files, &manifest, err);
    if (status != KIN_OK)
        return status;
    status = write_copy(fs, networks, network->id, &files, &manifest, err);
    files_release(&files);
    return status;
}

kin_status kin_network_copy_files(const kin_fs *fs, const char *from, const char *to,
                                  const char *id, kin_error *err)
{
    char folder[PATH_MAX];
    struct files files;
    kin_network_manifest manifest;
    kin_status status = path_in(from, id, folder, err);
    if (status == KIN_OK)
        status = read_checked(fs, folder, id, &files, &manifest, err);
    if (status != KIN_OK)
        return status;
    status = write_copy(fs, to, id, &files, &manifest, err);
    files_release(&files);
    return status;
}

kin_status kin_network_check_files(const kin_fs *fs, const char *networks, const char *id,
                                   kin_error *err)
{
    char folder[PATH_MAX];
    struct files files;
    kin_network_manifest manifest;
    kin_status status = path_in(networks, id, folder, err);
    if (status == KIN_OK)
        status = read_checked(fs, folder, id, &files, &manifest, err);
    if (status != KIN_OK)
        return status;
    files_release(&files);
    return KIN_OK;
}
