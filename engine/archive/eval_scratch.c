/* eval_scratch.c - images that no archive holds, described in one that is thrown away. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/eval_set.h"
#include "archive/ingest.h"

#define PREFIX "kindred-eval-" /* and the process's number */

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* Whether a folder's name is that of an evaluation whose process is no more. */
static bool is_orphan(const char *name)
{
    char *end;
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    long pid = strtol(name + sizeof PREFIX - 1, &end, 10);
    return *end == '-' && pid > 1 && pid <= INT_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Patients' pictures do not outlive an evaluation that was killed longer than to the next one. */
static void remove_orphans(const char *where)
{
    char path[PATH_MAX];
    DIR *dir = opendir(where);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int written = snprintf(path, sizeof path, "%s/%s", where, entry->d_name);
        if (is_orphan(entry->d_name) && written > 0 && (size_t)written < sizeof path)
            remove_folder(path); /* another user's stays: it cannot be */
    }
    if (dir != NULL)
        closedir(dir);
}

/* A folder for the owner alone: previews are patients' pictures. */
static kin_status make_folder(char path[PATH_MAX], kin_error *err)
{
    const char *where = getenv("TMPDIR");
    where = where != NULL && where[0] != '\0' ? where : "/tmp";
    remove_orphans(where);
    int written = snprintf(path, PATH_MAX, "%s/" PREFIX "%d-XXXXXX", where, (int)getpid());
    kin_status status = KIN_OK;
    if (written < 0 || written >= PATH_MAX)
        status = kin_fail(err, KIN_E_ARG, where, "the path is too long");
    else if (mkdtemp(path) == NULL)
        status = kin_fail_errno(err, path, "cannot make a folder");
    if (status != KIN_OK)
        path[0] = '\0';
    return status;
}

struct watching {
    const kin_eval_options *options;
    bool cancelled;
};

static int watch(void *ctx, const kin_ingest_progress *progress)
{
    struct watching *watching = ctx;
    double done = progress->files_found > 0
                      ? (double)progress->files_done / (double)progress->files_found
                      : 0;
    watching->cancelled =
        kin_eval_step(watching->options, "describing images", done, NULL) != KIN_OK;
    return watching->cancelled;
}

/* Described as the archive's images are, where there is one. */
static kin_status make_archive(kin_eval_set *set, kin_error *err)
{
    const kin_decode_features *features =
        set->archive != NULL ? kin_archive_features_borrow(set->archive) : NULL;
    const kin_archive_settings settings = {.features = features != NULL ? features->spec
                                                                        : set->options->features};
    kin_status status = kin_archive_init(kin_fs_posix(), set->scratch_dir, &settings, err);
    if (status == KIN_OK)
        status = kin_archive_open(kin_fs_posix(), set->scratch_dir, &set->scratch, err);
    if (status == KIN_OK && features != NULL &&
        strcmp(features->signature, kin_archive_features_borrow(set->scratch)->signature) != 0)
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                          "this program describes images otherwise than the archive's were");
    return status;
}

kin_status kin_eval_describe(kin_eval_set *set, const char *const *paths, size_t count,
                             kin_error *err)
{
    struct watching watching = {set->options, false};
    kin_ingest_summary summary = {0};
    const kin_ingest_options options = {
        .worker = set->options->worker,
        .jobs = set->options->threads,
        .progress = watch,
        .ctx = &watching,
    };
    kin_status status = make_folder(set->scratch_dir, err);
    if (status == KIN_OK)
        status = make_archive(set, err);
    if (status == KIN_OK)
        status = kin_ingest(set->scratch, paths, count, &options, &summary, err);
    set->describe_seconds = summary.seconds;
    if (status == KIN_OK && watching.cancelled)
        status = kin_fail(err, KIN_E_CANCELLED, NULL, "stopped");
    return status;
}

void kin_eval_scratch_remove(kin_eval_set *set)
{
    kin_archive_close(set->scratch);
    set->scratch = NULL;
    if (set->scratch_dir[0] != '\0')
        remove_folder(set->scratch_dir);
    set->scratch_dir[0] = '\0';
}
