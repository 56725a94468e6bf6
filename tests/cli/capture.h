/* capture.h - what a function printed, as a string. */
#ifndef KIN_TESTS_CLI_CAPTURE_H
#define KIN_TESTS_CLI_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>

typedef struct kin_capture {
    char *text; /* valid after capture_end(); freed by capture_release() */
    size_t size;
    FILE *out;
} kin_capture;

static inline FILE *capture_begin(kin_capture *capture)
{
    capture->text = NULL;
    capture->out = open_memstream(&capture->text, &capture->size);
    if (capture->out == NULL)
        abort();
    return capture->out;
}

static inline const char *capture_end(kin_capture *capture)
{
    fclose(capture->out);
    return capture->text;
}

static inline void capture_release(kin_capture *capture)
{
    free(capture->text);
}

#endif
