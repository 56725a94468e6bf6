/* openslide_off.c - what a build without OpenSlide says. */
#include "slide/slide.h"

bool kin_slide_has_openslide(void)
{
    return false;
}

void kin_slide_prepare(void)
{
}

kin_status kin_slide_open_fd(int fd, const kin_image_limits *limits, kin_slide **out,
                             kin_error *err)
{
    (void)fd;
    (void)limits;
    *out = NULL;
    return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "this program was built without OpenSlide");
}
