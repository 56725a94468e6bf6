/* Where the real test images lie, and how a test is skipped where they do not. */
#ifndef KIN_TEST_SHARED_DATA_H
#define KIN_TEST_SHARED_DATA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h> /* wants those above to be there */

/* Writes "<shared data>/<name>" into buf; skips the running cmocka test when it is absent. */
static inline const char *shared_data(char *buf, size_t size, const char *name)
{
    const char *root = getenv("KINDRED_SHARED_DATA");
    snprintf(buf, size, "%s/%s", root != NULL ? root : "../shared/data", name);
    if (access(buf, R_OK) != 0) {
        print_message("skipped: real test data not found at %s\n", buf);
        skip();
    }
    return buf;
}

#endif
