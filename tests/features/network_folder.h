/* Folders with networks, as users have them, made of the models in tests/features/networks. */
#ifndef KIN_TEST_NETWORK_FOLDER_H
#define KIN_TEST_NETWORK_FOLDER_H

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "features/features.h"
#include "write_file.h"

/* The members of a manifest for tiny.onnx that every test here begins with. */
#define TINY_MANIFEST                                                                              \
    "\"kindred_network\": 1, \"name\": \"tiny\", \"version\": 3, \"width\": 8, \"height\": 8, "    \
    "\"channels\": 3, \"mean\": [0.5, 0.25, 0.125], \"std\": [0.25, 0.5, 2.0], "                   \
    "\"resize\": \"stretch\""
#define TINY_EMBEDDING TINY_MANIFEST ", \"output\": \"embedding\", \"length\": 5"

/* Writes parent/name with a copy of the model and a manifest of those members; its path into
 * folder. */
static inline void make_network(const char *parent, const char *name, const char *model,
                                const char *members, char folder[PATH_MAX])
{
    char path[PATH_MAX + 64], text[4096];
    void *bytes = NULL;
    size_t size = 0;
    kin_error err;
    snprintf(path, sizeof path, KIN_TEST_SOURCE_DIR "/tests/features/networks/%s", model);
    if (kin_fs_read_file(kin_fs_posix(), path, 1 << 20, &bytes, &size, &err) != KIN_OK)
        fail_msg("%s: %s", path, err.message);
    snprintf(folder, PATH_MAX, "%.3000s/%s", parent, name);
    assert_int_equal(kin_fs_make_dirs(kin_fs_posix(), folder, &err), KIN_OK);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    write_file(path, bytes, size);
    free(bytes);
    snprintf(path, sizeof path, "%s/" KIN_NETWORK_MANIFEST, folder);
    write_file(path, text, (size_t)snprintf(text, sizeof text, "{%s}", members));
}

/* Whether this machine runs networks at all; prints why it does not. */
static inline bool networks_run(const char *folder)
{
    kin_error err;
    kin_network *network = NULL;
    kin_status status = kin_network_open(folder, &network, &err);
    kin_network_close(network);
    if (status == KIN_OK)
        return true;
    if (status != KIN_E_UNSUPPORTED || strstr(err.message, "ONNX Runtime") == NULL)
        fail_msg("%s: %s", folder, err.message);
    print_message("skipped: %s\n", err.message);
    return false;
}

#endif
