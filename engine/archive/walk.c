#include "archive/walk.h"

#include <errno.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct kin_walk {
    pthread_mutex_t lock;
    FTS *fts;
    char **roots;
    bool has_except;
    dev_t except_device; /* the folder passed over */
    ino_t except_inode;
    uint64_t found;
    bool ended;
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

kin_status kin_walk_new(const char *const *paths, size_t count, const char *except, kin_walk **out,
                        kin_error *err)
{
    struct stat st;
    kin_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to walk the folders");
    pthread_mutex_init(&walk->lock, NULL);
    walk->has_except = except != NULL && stat(except, &st) == 0;
    if (walk->has_except) {
        walk->except_device = st.st_dev;
        walk->except_inode = st.st_ino;
    }
    walk->roots = calloc(count + 1, sizeof *walk->roots);
    for (size_t i = 0; walk->roots != NULL && i < count; i++) {
        /* Absolute, so that what is stored does not hang on the working folder; a path that cannot
         * be resolved is kept for the walk to report. */
        walk->roots[i] = realpath(paths[i], NULL);
        if (walk->roots[i] == NULL)
            walk->roots[i] = strdup(paths[i]);
    }
    if (walk->roots != NULL)
        /* NOCHDIR: other threads open files by path meanwhile. */
        walk->fts = fts_open(walk->roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (walk->fts == NULL) {
        kin_walk_free(walk);
        return kin_fail_errno(err, NULL, "cannot walk the folders");
    }
    *out = walk;
    return KIN_OK;
}

void kin_walk_free(kin_walk *walk)
{
    if (walk == NULL)
        return;
    if (walk->fts != NULL)
        fts_close(walk->fts);
    for (size_t i = 0; walk->roots != NULL && walk->roots[i] != NULL; i++)
        free(walk->roots[i]);
    free(walk->roots);
    pthread_mutex_destroy(&walk->lock);
    free(walk);
}

/* Judges an entry: true when it is to be handed out, with *status. */
static bool judge(const FTSENT *entry, kin_status *status, kin_error *err)
{
    *status = KIN_OK;
    switch (entry->fts_info) {
    case FTS_F:
    case FTS_DEFAULT: /* FIFO, device, socket: the decoder says so */
        return true;
    case FTS_DC:
        *status =
            kin_fail(err, KIN_E_UNSUPPORTED, entry->fts_path, "a folder that leads back to itself");
        return true;
    case FTS_SLNONE:
        *status = kin_fail(err, KIN_E_NOT_FOUND, entry->fts_path, "a symbolic link to nothing");
        return true;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        *status = kin_fail_errno(err, entry->fts_path, "cannot read");
        return true;
    default: /* folders on the way in and out */
        return false;
    }
}

static bool is_except(const kin_walk *walk, const FTSENT *entry)
{
    return walk->has_except && entry->fts_info == FTS_D &&
           entry->fts_statp->st_dev == walk->except_device &&
           entry->fts_statp->st_ino == walk->except_inode;
}

bool kin_walk_next(kin_walk *walk, char path[PATH_MAX], kin_status *status, kin_error *err)
{
    bool given = false;
    pthread_mutex_lock(&walk->lock);
    while (!given && !walk->ended) {
        FTSENT *entry = fts_read(walk->fts);
        if (entry == NULL) {
            walk->ended = true;
        } else if (is_except(walk, entry)) {
            fts_set(walk->fts, entry, FTS_SKIP);
        } else if (judge(entry, status, err)) {
            given = true;
            walk->found++;
            snprintf(path, PATH_MAX, "%s", entry->fts_path);
        }
    }
    pthread_mutex_unlock(&walk->lock);
    char resolved[PATH_MAX];
    if (given && *status == KIN_OK && realpath(path, resolved) != NULL)
        memcpy(path, resolved, PATH_MAX);
    return given;
}

uint64_t kin_walk_found(kin_walk *walk, bool *ended)
{
    pthread_mutex_lock(&walk->lock);
    uint64_t found = walk->found;
    *ended = walk->ended;
    pthread_mutex_unlock(&walk->lock);
    return found;
}
