/* program.h - where the running program lies. */
#ifndef KIN_BASE_PROGRAM_H
#define KIN_BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The folder of the running program, without a slash at its end; false when it cannot be told. */
bool kin_program_folder(char path[PATH_MAX]);

#ifdef __cplusplus
}
#endif

#endif
