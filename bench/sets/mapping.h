/* mapping.h - a whole file, read in place. */
#ifndef KIN_BENCH_MAPPING_H
#define KIN_BENCH_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The file must not shrink while it is open. */
typedef struct bench_mapping {
    const uint8_t *bytes; /* NULL: none is open */
    size_t size;
} bench_mapping;

/* KIN_E_UNSUPPORTED: no regular file; KIN_E_FORMAT: an empty one. */
kin_status bench_mapping_open(const char *path, bench_mapping *out, kin_error *err);
void bench_mapping_close(bench_mapping *mapping);

#ifdef __cplusplus
}
#endif

#endif
