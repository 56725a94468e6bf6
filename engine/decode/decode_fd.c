/* decode_fd.c - a file that is open: read in place where it is a scanner's slide, else into
 * memory. */
#include <stdlib.h>

#include "decode/pictures.h"
#include "decode/read_fd.h"
#include "decode/slides.h"
#include "decode/wish.h"

kin_status kin_decode_fd(const kin_extractor *extractor, int fd, const char *name,
                         const kin_decode_limits *limits, const kin_decode_wish *wish,
                         const kin_decode_sink *sink, kin_error *err)
{
    kin_status status = kin_wish_check(wish, err);
    if (status != KIN_OK)
        return status;
    kin_decode_limits effective = kin_decode_limits_effective(limits);
    const kin_job job = kin_job_of(extractor, &effective, wish, sink);
    kin_slide *slide = NULL;
    if (kin_slide_has_openslide()) {
        status = kin_slide_open_fd(fd, &job.limits, &slide, err);
        if (status == KIN_OK)
            return kin_decode_slide(slide, NULL, &job, err);
        if (status != KIN_E_NO_IMAGE)
            return status;
    }
    void *bytes = NULL;
    size_t size = 0;
    status = kin_read_fd(fd, effective.max_file_bytes, &bytes, &size, err);
    if (status == KIN_OK)
        status = kin_decode_bytes(extractor, bytes, size, name, &effective, wish, sink, err);
    free(bytes);
    return status;
}
