#include "archive/networks.h"

kin_status kin_networks_path(const char *dir, char path[PATH_MAX], kin_error *err)
{
    return kin_archive_path(dir, "networks", "", "", path, err);
}

kin_status kin_networks_copy(const kin_archive *archive, const char *dest, kin_error *err)
{
    char from[PATH_MAX], to[PATH_MAX], id[KIN_NETWORK_ID_SIZE];
    kin_layout_part part;
    const char *at = archive->features.signature;
    kin_status status = kin_networks_path(archive->dir, from, err);
    if (status == KIN_OK)
        status = kin_networks_path(dest, to, err);
    while (status == KIN_OK && kin_layout_next(&at, &part))
        if (kin_layout_is_network(&part, id))
            status = kin_network_copy_files(archive->fs, from, to, id, err);
    return status;
}

kin_status kin_networks_verify(const kin_archive *archive,
                               void (*fault)(void *ctx, const kin_error *reason), void *ctx,
                               kin_error *err)
{
    char path[PATH_MAX], id[KIN_NETWORK_ID_SIZE];
    kin_layout_part part;
    const char *at = archive->features.signature;
    kin_status status = kin_networks_path(archive->dir, path, err);
    while (status == KIN_OK && kin_layout_next(&at, &part)) {
        kin_error reason;
        if (kin_layout_is_network(&part, id) &&
            kin_network_check_files(archive->fs, path, id, &reason) != KIN_OK)
            fault(ctx, &reason);
    }
    return status;
}
