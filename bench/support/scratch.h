/* scratch.h - a folder for one measurement, and its end. */
#ifndef KIN_BENCH_SCRATCH_H
#define KIN_BENCH_SCRATCH_H

#include "base/status.h"

enum { BENCH_SCRATCH_SIZE = 256 };

/* Makes an empty folder in $TMPDIR (or /tmp) and writes its path.  Removes those of measurements that
 * were killed before they could. */
kin_status bench_scratch_make(char path[BENCH_SCRATCH_SIZE], kin_error *err);
/* Removes it with all that is in it; "" is fine. */
void bench_scratch_remove(const char *path);

#endif
