#include "fault_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, FDS_MAX = 4096 };

/* A change to a file's bytes that has not been synced: a write, or (bytes NULL) a new size. */
struct change {
    struct change *next;
    unsigned char *bytes;
    size_t at, size;
};

/* What a path can name.  Never freed before the end: old names may come back after a power loss. */
struct node {
    struct node *next;
    bool is_folder;
    unsigned char *safe; /* a file's bytes as of its last sync */
    size_t safe_size;
    struct change *first, **last;
};

struct name {
    struct name *next;
    char path[PATH_MAX];
    struct node *node;
};

/* A change to a folder's names that has not been synced. */
struct step {
    struct step *next;
    char folder[PATH_MAX], from[PATH_MAX]; /* from: renamed from; empty for all others */
    char path[PATH_MAX];
    struct node *node; /* NULL: removed */
};

struct fault_fs {
    kin_fs table;
    pthread_mutex_t lock;
    char root[PATH_MAX];
    size_t operations, fail_at, space, written;
    int fail_number;
    bool lasting;
    struct node *nodes;
    struct name *now, *safe; /* the names as programs see them, and as of the folders' last syncs */
    struct step *steps, **last_step;
    struct node *open_nodes[FDS_MAX]; /* by descriptor */
    char *open_paths[FDS_MAX];
};

static void *must(void *p)
{
    if (p == NULL) {
        perror("fault_fs");
        exit(2);
    }
    return p;
}

static void must_be(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(2);
    }
}

/* --- names --- */

static struct name *name_find(struct name *list, const char *path)
{
    while (list != NULL && strcmp(list->path, path) != 0)
        list = list->next;
    return list;
}

static void name_set(struct name **list, const char *path, struct node *node)
{
    struct name *name = name_find(*list, path);
    if (name == NULL) {
        name = must(calloc(1, sizeof *name));
        snprintf(name->path, sizeof name->path, "%s", path);
        name->next = *list;
        *list = name;
    }
    name->node = node;
}

static void name_drop(struct name **list, const char *path)
{
    while (*list != NULL && strcmp((*list)->path, path) != 0)
        list = &(*list)->next;
    if (*list != NULL) {
        struct name *gone = *list;
        *list = gone->next;
        free(gone);
    }
}

static struct name *names_copy(const struct name *from)
{
    struct name *copy = NULL;
    for (; from != NULL; from = from->next)
        name_set(&copy, from->path, from->node);
    return copy;
}

static void names_free(struct name *list)
{
    while (list != NULL) {
        struct name *next = list->next;
        free(list);
        list = next;
    }
}

static void folder_of(const char *path, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
}

static void step_apply(struct name **names, const struct step *step)
{
    if (step->from[0] != '\0')
        name_drop(names, step->from);
    if (step->node != NULL)
        name_set(names, step->path, step->node);
    else
        name_drop(names, step->path);
}

/* Records a change of names and applies it to the names as programs see them. */
static void step_add(fault_fs *f, const char *from, const char *path, struct node *node)
{
    struct step *step = must(calloc(1, sizeof *step));
    folder_of(path, step->folder);
    snprintf(step->from, sizeof step->from, "%s", from);
    snprintf(step->path, sizeof step->path, "%s", path);
    step->node = node;
    *f->last_step = step;
    f->last_step = &step->next;
    step_apply(&f->now, step);
}

/* The folder has been synced: its steps are safe. */
static void steps_settle(fault_fs *f, const char *folder)
{
    struct step **at = &f->steps;
    while (*at != NULL) {
        struct step *step = *at;
        if (strcmp(step->folder, folder) != 0) {
            at = &step->next;
            continue;
        }
        step_apply(&f->safe, step);
        *at = step->next;
        free(step);
    }
    f->last_step = at;
}

/* --- nodes --- */

static struct node *node_new(fault_fs *f, bool is_folder)
{
    struct node *node = must(calloc(1, sizeof *node));
    node->is_folder = is_folder;
    node->last = &node->first;
    node->next = f->nodes;
    f->nodes = node;
    return node;
}

static void change_add(struct node *node, const void *bytes, size_t at, size_t size)
{
    struct change *change = must(calloc(1, sizeof *change));
    change->at = at;
    change->size = size;
    if (bytes != NULL) {
        change->bytes = must(malloc(size > 0 ? size : 1));
        memcpy(change->bytes, bytes, size);
    }
    *node->last = change;
    node->last = &change->next;
}

static void resize(unsigned char **bytes, size_t *size, size_t to)
{
    *bytes = must(realloc(*bytes, to > 0 ? to : 1));
    if (to > *size)
        memset(*bytes + *size, 0, to - *size);
    *size = to;
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

/* Applies a change whole (state NULL), or each sector of it by chance. */
static void change_apply(const struct change *change, unsigned char **bytes, size_t *size,
                         uint64_t *state)
{
    if (change->bytes == NULL) {
        if (state == NULL || draw(state) >> 63)
            resize(bytes, size, change->size);
        return;
    }
    for (size_t done = 0; done < change->size;) {
        size_t at = change->at + done, part = SECTOR - at % SECTOR;
        if (part > change->size - done)
            part = change->size - done;
        if (state == NULL || draw(state) >> 63) {
            if (at + part > *size)
                resize(bytes, size, at + part);
            memcpy(*bytes + at, change->bytes + done, part);
        }
        done += part;
    }
}

static void changes_drop(struct node *node)
{
    while (node->first != NULL) {
        struct change *gone = node->first;
        node->first = gone->next;
        free(gone->bytes);
        free(gone);
    }
    node->last = &node->first;
}

/* --- the operations --- */

/* Counts an operation; true when it shall fail, with errno set. */
static bool fails(fault_fs *f)
{
    f->operations++;
    if (f->fail_at == 0 || f->operations < f->fail_at ||
        (f->operations > f->fail_at && !f->lasting))
        return false;
    errno = f->fail_number;
    return true;
}

static fault_fs *enter(const kin_fs *fs)
{
    fault_fs *f = fs->state;
    pthread_mutex_lock(&f->lock);
    return f;
}

static int leave(fault_fs *f, int result)
{
    int number = errno;
    pthread_mutex_unlock(&f->lock);
    errno = number;
    return result;
}

static int fault_open(const kin_fs *fs, const char *path, int flags, mode_t mode)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0)
        return leave(f, -1);
    must_be(fd < FDS_MAX, "fault_fs: too many open files");
    struct name *name = name_find(f->now, path);
    if (name == NULL && (flags & O_CREAT) != 0) {
        step_add(f, "", path, node_new(f, false));
        name = name_find(f->now, path);
    } else if (name != NULL && (flags & O_TRUNC) != 0) {
        change_add(name->node, NULL, 0, 0);
    }
    f->open_nodes[fd] = name != NULL ? name->node : NULL;
    f->open_paths[fd] = must(strdup(path));
    return leave(f, fd);
}

static int fault_close(const kin_fs *fs, int fd)
{
    fault_fs *f = enter(fs);
    bool failing = fails(f);
    int number = errno,
        result = close(fd); /* a failing close closes all the same, as Linux's does */
    free(f->open_paths[fd]);
    f->open_paths[fd] = NULL;
    f->open_nodes[fd] = NULL;
    if (failing)
        errno = number;
    return leave(f, failing ? -1 : result);
}

static ssize_t fault_pread(const kin_fs *fs, int fd, void *buf, size_t size, off_t at)
{
    fault_fs *f = enter(fs);
    bool failing = fails(f);
    leave(f, 0);
    return failing ? -1 : pread(fd, buf, size, at);
}

static ssize_t fault_pwrite(const kin_fs *fs, int fd, const void *buf, size_t size, off_t at)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    if (size > f->space)
        size = f->space;
    if (size == 0) {
        errno = ENOSPC;
        return leave(f, -1);
    }
    ssize_t wrote = pwrite(fd, buf, size, at);
    if (wrote > 0) {
        if (f->space != SIZE_MAX)
            f->space -= (size_t)wrote;
        f->written += (size_t)wrote;
        if (f->open_nodes[fd] != NULL)
            change_add(f->open_nodes[fd], buf, (size_t)at, (size_t)wrote);
    }
    leave(f, 0);
    return wrote;
}

static int fault_fsync(const kin_fs *fs, int fd)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    struct node *node = f->open_nodes[fd];
    if (node == NULL || node->is_folder) {
        steps_settle(f, f->open_paths[fd]);
        return leave(f, 0);
    }
    for (struct change *c = node->first; c != NULL; c = c->next)
        change_apply(c, &node->safe, &node->safe_size, NULL);
    changes_drop(node);
    return leave(f, 0); /* the real file need not be synced: the model is what survives */
}

static int fault_ftruncate(const kin_fs *fs, int fd, off_t size)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    int result = ftruncate(fd, size);
    if (result == 0 && f->open_nodes[fd] != NULL)
        change_add(f->open_nodes[fd], NULL, 0, (size_t)size);
    return leave(f, result);
}

static int fault_rename(const kin_fs *fs, const char *from, const char *to)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    int result = rename(from, to);
    struct name *name = name_find(f->now, from);
    if (result == 0 && name != NULL)
        step_add(f, from, to, name->node);
    return leave(f, result);
}

static int fault_unlink(const kin_fs *fs, const char *path)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    int result = unlink(path);
    if (result == 0 && name_find(f->now, path) != NULL)
        step_add(f, "", path, NULL);
    return leave(f, result);
}

static int fault_mkdir(const kin_fs *fs, const char *path, mode_t mode)
{
    fault_fs *f = enter(fs);
    if (fails(f))
        return leave(f, -1);
    int result = mkdir(path, mode);
    if (result == 0)
        step_add(f, "", path, node_new(f, true));
    return leave(f, result);
}

/* --- making, setting, ending --- */

/* Loads a file's bytes as its safe ones. */
static void load_file(struct node *node, const char *path, size_t size)
{
    resize(&node->safe, &node->safe_size, size);
    FILE *file = must(fopen(path, "rb"));
    must_be(fread(node->safe, 1, size, file) == size, path);
    fclose(file);
}

/* Loads what is there already, the root itself among it. */
static void load(fault_fs *f)
{
    char *roots[] = {f->root, NULL};
    FTS *tree = must(fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL));
    for (FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
        must_be(entry->fts_info != FTS_NS && entry->fts_info != FTS_DNR, entry->fts_path);
        if (entry->fts_info == FTS_DP)
            continue;
        struct node *node = node_new(f, entry->fts_info == FTS_D);
        name_set(&f->now, entry->fts_path, node);
        if (!node->is_folder)
            load_file(node, entry->fts_path, (size_t)entry->fts_statp->st_size);
    }
    fts_close(tree);
    f->safe = names_copy(f->now);
}

fault_fs *fault_fs_new(const char *root)
{
    fault_fs *f = must(calloc(1, sizeof *f));
    f->table = (kin_fs){
        .open = fault_open,
        .close = fault_close,
        .pread = fault_pread,
        .pwrite = fault_pwrite,
        .fsync = fault_fsync,
        .ftruncate = fault_ftruncate,
        .rename = fault_rename,
        .unlink = fault_unlink,
        .mkdir = fault_mkdir,
        .state = f,
    };
    pthread_mutex_init(&f->lock, NULL);
    snprintf(f->root, sizeof f->root, "%s", root);
    f->space = SIZE_MAX;
    f->last_step = &f->steps;
    load(f);
    return f;
}

void fault_fs_free(fault_fs *f)
{
    while (f->nodes != NULL) {
        struct node *gone = f->nodes;
        f->nodes = gone->next;
        changes_drop(gone);
        free(gone->safe);
        free(gone);
    }
    while (f->steps != NULL) {
        struct step *gone = f->steps;
        f->steps = gone->next;
        free(gone);
    }
    for (size_t fd = 0; fd < FDS_MAX; fd++)
        free(f->open_paths[fd]);
    names_free(f->now);
    names_free(f->safe);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

const kin_fs *fault_fs_borrow(fault_fs *f)
{
    return &f->table;
}

void fault_fs_fail_at(fault_fs *f, size_t n, int number, int lasting)
{
    pthread_mutex_lock(&f->lock);
    f->operations = 0;
    f->fail_at = n;
    f->fail_number = number;
    f->lasting = lasting != 0;
    pthread_mutex_unlock(&f->lock);
}

size_t fault_fs_operations(fault_fs *f)
{
    pthread_mutex_lock(&f->lock);
    size_t count = f->operations;
    pthread_mutex_unlock(&f->lock);
    return count;
}

void fault_fs_space(fault_fs *f, size_t bytes)
{
    pthread_mutex_lock(&f->lock);
    f->space = bytes;
    pthread_mutex_unlock(&f->lock);
}

size_t fault_fs_written(fault_fs *f)
{
    pthread_mutex_lock(&f->lock);
    size_t count = f->written;
    pthread_mutex_unlock(&f->lock);
    return count;
}

/* --- power loss --- */

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct name *const *)a)->path, (*(struct name *const *)b)->path);
}

/* Writes one surviving name; a file in a folder that did not survive is lost with it. */
static void materialise(const fault_fs *f, const struct name *name, const char *into,
                        uint64_t *state)
{
    char target[2 * PATH_MAX];
    snprintf(target, sizeof target, "%s%s", into, name->path + strlen(f->root));
    if (name->node->is_folder) {
        must_be(mkdir(target, 0777) == 0 || errno == EEXIST || errno == ENOENT, target);
        return;
    }
    unsigned char *bytes = NULL;
    size_t size = 0;
    resize(&bytes, &size, name->node->safe_size);
    if (size > 0)
        memcpy(bytes, name->node->safe, size);
    if (state != NULL)
        for (struct change *c = name->node->first; c != NULL; c = c->next)
            change_apply(c, &bytes, &size, state);
    FILE *file = fopen(target, "wb");
    must_be(file != NULL || errno == ENOENT, target);
    if (file != NULL) {
        must_be(fwrite(bytes, 1, size, file) == size, target);
        fclose(file);
    }
    free(bytes);
}

void fault_fs_power_loss(fault_fs *f, const char *into, uint64_t seed)
{
    pthread_mutex_lock(&f->lock);
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    struct name *names = names_copy(f->safe);
    size_t steps = 0, kept = 0, count = 0;
    for (struct step *s = f->steps; s != NULL; s = s->next)
        steps++;
    if (seed != 0)
        kept = draw(&state) % (steps + 1);
    for (struct step *s = f->steps; kept > 0; s = s->next, kept--)
        step_apply(&names, s);
    for (struct name *n = names; n != NULL; n = n->next)
        count++;
    struct name **sorted = must(calloc(count + 1, sizeof *sorted));
    count = 0;
    for (struct name *n = names; n != NULL; n = n->next)
        sorted[count++] = n;
    qsort(sorted, count, sizeof *sorted, by_path); /* folders before what is in them */
    for (size_t i = 0; i < count; i++)
        materialise(f, sorted[i], into, seed != 0 ? &state : NULL);
    free(sorted);
    names_free(names);
    pthread_mutex_unlock(&f->lock);
}
