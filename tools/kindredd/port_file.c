#include "port_file.h"

#include <stdio.h>

#include "base/fs.h"

kin_status kin_port_file_write(const char *path, int grpc, int http, kin_error *err)
{
    char text[64];
    int size = snprintf(text, sizeof text, "grpc %d\nhttp %d\n", grpc, http);
    kin_status status = kin_fs_replace(kin_fs_posix(), path, text, (size_t)size, err);
    if (status != KIN_OK)
        kin_error_name(err, path);
    return status;
}
