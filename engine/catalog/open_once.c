/*
 * LMDB must not be opened twice in one process: closing one of the two would drop the other's POSIX
 * record lock, and the next process would take the lock file for abandoned and wipe it under its
 * users.  LMDB does not notice, so a list of what this process has open does.  The rule is one
 * about processes, hence the only static state of this layer.  A forked child starts afresh.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/internal.h"

struct entry {
    struct entry *next;
    dev_t device;
    ino_t inode;
    pid_t process;
};

static pthread_mutex_t entries_lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;

static struct entry **find(dev_t device, ino_t inode)
{
    struct entry **at = &entries;
    while (*at != NULL &&
           ((*at)->device != device || (*at)->inode != inode || (*at)->process != getpid()))
        at = &(*at)->next;
    return at;
}

kin_status kin_open_once_enter(kin_catalog *catalog, kin_error *err)
{
    struct stat st;
    kin_status status = KIN_OK;
    if (stat(catalog->dir, &st) != 0)
        return kin_fail_errno(err, catalog->dir, "cannot stat the catalog's folder");
    struct entry *entry = malloc(sizeof *entry);
    if (entry == NULL)
        return kin_fail(err, KIN_E_NOMEM, catalog->dir, "no memory to open the catalog");
    *entry = (struct entry){.device = st.st_dev, .inode = st.st_ino, .process = getpid()};
    pthread_mutex_lock(&entries_lock);
    if (*find(st.st_dev, st.st_ino) != NULL) {
        status =
            kin_fail(err, KIN_E_BUSY, catalog->dir, "this process has the catalog open already");
    } else {
        entry->next = entries;
        entries = entry;
        entry = NULL;
        catalog->registered = true;
        catalog->device = st.st_dev;
        catalog->inode = st.st_ino;
    }
    pthread_mutex_unlock(&entries_lock);
    free(entry);
    return status;
}

void kin_open_once_leave(kin_catalog *catalog)
{
    if (!catalog->registered)
        return;
    pthread_mutex_lock(&entries_lock);
    struct entry **at = find(catalog->device, catalog->inode);
    struct entry *entry = *at;
    if (entry != NULL)
        *at = entry->next;
    pthread_mutex_unlock(&entries_lock);
    free(entry);
    catalog->registered = false;
}
