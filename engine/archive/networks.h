/* networks.h - the networks that describe an archive's images: copies of their files. */
#ifndef KIN_ARCHIVE_NETWORKS_H
#define KIN_ARCHIVE_NETWORKS_H

#include "archive/internal.h"

/* The folder that holds a folder for each network. */
kin_status kin_networks_path(const char *dir, char path[PATH_MAX], kin_error *err);

/* Copies all that the archive's layout names into the archive in folder dest. */
kin_status kin_networks_copy(const kin_archive *archive, const char *dest, kin_error *err);

/* Calls fault for each whose files are missing or are not what they were. */
kin_status kin_networks_verify(const kin_archive *archive,
                               void (*fault)(void *ctx, const kin_error *reason), void *ctx,
                               kin_error *err);

#endif
