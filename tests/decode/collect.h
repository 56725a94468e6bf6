/* A sink that keeps everything, and ways to compare what two of them got. */
#ifndef KIN_TEST_COLLECT_H
#define KIN_TEST_COLLECT_H

#include <stdbool.h>

#include "decode/decode.h"

enum { COLLECT_FRAMES_MAX = 4096 };

typedef struct collected {
    int headers, frames;
    char *text; /* the header, one field a line */
    int announced;
    uint32_t width[COLLECT_FRAMES_MAX], height[COLLECT_FRAMES_MAX];
    float *descriptors; /* frame after frame */
    size_t length;
    uint8_t *preview; /* of the last frame; NULL: none */
    uint32_t preview_width, preview_height, preview_channels;
    int previews; /* frames that had one */
    /* Set before: */
    int fail_at;    /* frame at which the sink fails (0: never; 1: the first) */
    uint32_t first; /* index of the first frame that is expected */
} collected;

/* A sink that fills *c, which is zeroed first (but for fail_at and first). */
kin_decode_sink collect_into(collected *c);
void collected_release(collected *c);

/* Bit for bit the same header, frames and last preview. */
bool collected_equal(const collected *a, const collected *b);

/* The value of a field or attribute in the header's text ("" where absent), in static memory. */
const char *collected_value(const collected *c, const char *name);

#endif
