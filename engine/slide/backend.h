/* backend.h - what a kind of slide file gives (private to engine/slide). */
#ifndef KIN_SLIDE_BACKEND_H
#define KIN_SLIDE_BACKEND_H

#include "slide/slide.h"

typedef struct kin_slide_backend {
    /* Fills out, which is of the region's size and all background, with what there is of the
     * region. */
    kin_status (*read)(void *self, size_t level, int64_t x, int64_t y, kin_raster *out,
                       kin_error *err);
    /* kin_slide_has(); NULL: always true. */
    bool (*has)(const void *self, size_t level, int64_t x, int64_t y, int64_t width,
                int64_t height);
    void (*close)(void *self);
} kin_slide_backend;

struct kin_slide {
    const kin_slide_backend *backend;
    void *self; /* the backend's own */
    kin_slide_info info;
    kin_image_limits limits;
};

/* Settles the size of level 0's pixels from what is stated (0: nothing is) and the objective's
 * power, and of all levels by their downsampling.  The levels' sizes must be there. */
void kin_slide_settle_mpp(kin_slide_info *info, double mpp_x, double mpp_y);

/* Makes a slide around a backend's own state, which is closed when that fails. */
kin_status kin_slide_new(const kin_slide_backend *backend, void *self, const kin_slide_info *info,
                         const kin_image_limits *limits, kin_slide **out, kin_error *err);

#endif
