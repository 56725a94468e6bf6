/*
 * fault_fs.h - a file layer that fails on demand, for tests.
 *
 * It passes every operation on to real files below one folder and can
 *   - fail the n-th operation with an errno, once or from then on,
 *   - run out of space after so many bytes (with the short write that a disk makes of it),
 *   - lose power: write into another folder what a disk may hold afterwards.
 *
 * The model of power loss is POSIX's bare promise.  Bytes written to a file are safe once that file
 * has been synced; its name (creation, renaming, removal) is safe once its folder has been synced.
 * With seed 0 everything else is gone.  With another seed a random part of it survives as well: of
 * the unsynced bytes each 512-byte sector by itself, of the unsynced names those of a random prefix
 * of the operations, as a journal would keep them.
 *
 * Paths are compared as text: the code under test must spell a folder the same way each time.  Not
 * modelled: changes made without this layer, links, and renaming between folders.
 */
#ifndef KIN_TEST_FAULT_FS_H
#define KIN_TEST_FAULT_FS_H

#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"

typedef struct fault_fs fault_fs;

/* Watches the folder `root`; what is there already counts as safe.  Ends the program when memory is
 * gone or the folder cannot be read: a test cannot go on. */
fault_fs *fault_fs_new(const char *root);
void fault_fs_free(fault_fs *faults);

/* The table to hand to the code under test; lives as long as `faults`. */
const kin_fs *fault_fs_borrow(fault_fs *faults);

/* Fails the n-th operation from now (1 is the next) with errno = number; with `lasting`, all later
 * ones too.  n = 0: none.  The count of operations starts again at 0. */
void fault_fs_fail_at(fault_fs *faults, size_t n, int number, int lasting);

/* Operations since the last fault_fs_fail_at(). */
size_t fault_fs_operations(fault_fs *faults);

/* Lets `bytes` more bytes be written, then ENOSPC; SIZE_MAX: no bound. */
void fault_fs_space(fault_fs *faults, size_t bytes);

/* Bytes written so far. */
size_t fault_fs_written(fault_fs *faults);

/* Writes what survives a power loss now into the folder `into`, which must exist and be empty.  The
 * files of `root` and the model stay as they are, so that many seeds can be tried. */
void fault_fs_power_loss(fault_fs *faults, const char *into, uint64_t seed);

#endif
