/* one_archive.h - the fixture of most tests of the archive: a new one for each, in a folder of its
 * own. */
#ifndef KIN_TEST_ONE_ARCHIVE_H
#define KIN_TEST_ONE_ARCHIVE_H

#include "archive_support.h"

static char folder[PATH_MAX], dir[PATH_MAX];
static kin_archive *archive;

static inline void make_archive(void)
{
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    archive = new_archive(dir);
}

static inline int tear_down(void **state)
{
    (void)state;
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

#endif
