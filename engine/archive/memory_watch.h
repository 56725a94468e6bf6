/*
 * memory_watch.h - the most memory that a stretch of work held.
 *
 * A thread looks every few milliseconds at the process's anonymous memory (/proc/self/statm: resident
 * less file-backed pages), so files that are mapped and read meanwhile do not count, as they do in the
 * system's own high-water mark; what other threads of the process allocate does.
 */
#ifndef KIN_ARCHIVE_MEMORY_WATCH_H
#define KIN_ARCHIVE_MEMORY_WATCH_H

#include <stdint.h>

typedef struct kin_memory_watch kin_memory_watch;

/* Begins; NULL where there is no memory or no thread for it. */
kin_memory_watch *kin_memory_watch_new(void);

/* Ends it, and tells the most that was held beyond what the process held at the beginning; 0 for NULL
 * or where the system does not tell. */
uint64_t kin_memory_watch_free(kin_memory_watch *watch);

#endif
