#include "measure/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/measure.h"

static kin_status add(kin_file_list *list, const char *path, kin_error *err)
{
    if (list->count == KIN_MEASURE_FILES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "it has more than %d files", KIN_MEASURE_FILES_MAX);
    char **paths = reallocarray(list->paths, list->count + 1, sizeof *paths);
    char *copy = strdup(path);
    if (paths != NULL)
        list->paths = paths;
    if (paths == NULL || copy == NULL) {
        free(copy);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a list of files");
    }
    list->paths[list->count++] = copy;
    return KIN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static kin_status add_folder(kin_file_list *list, DIR *dir, const char *folder, kin_error *err)
{
    kin_status status = KIN_OK;
    while (status == KIN_OK) {
        char path[PATH_MAX];
        struct stat st;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return kin_fail_errno(err, NULL, "cannot read the folder");
        if (entry == NULL)
            break;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof path)
            continue;
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            status = add(list, path, err);
    }
    if (status == KIN_OK && list->count == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "there is no file in the folder");
    if (status == KIN_OK)
        qsort(list->paths, list->count, sizeof *list->paths, by_name);
    return status;
}

kin_status kin_file_list_make(const char *path, kin_file_list *out, kin_error *err)
{
    *out = (kin_file_list){0};
    DIR *dir = opendir(path);
    kin_status status;
    if (dir != NULL) {
        status = add_folder(out, dir, path, err);
        closedir(dir);
    } else if (errno == ENOTDIR) {
        status = add(out, path, err);
    } else {
        status = kin_fail_errno(err, NULL, "cannot open");
    }
    if (status != KIN_OK) {
        kin_file_list_release(out);
        kin_error_name(err, path);
    }
    return status;
}

void kin_file_list_release(kin_file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (kin_file_list){0};
}
