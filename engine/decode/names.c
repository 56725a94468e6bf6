#include "decode/names.h"

#include <string.h>
#include <strings.h>

#include "slide/slide.h"

bool kin_name_ends(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length >= n && strncasecmp(name + length - n, ending, n) == 0;
}

kin_status kin_name_unrecognised(const char *name, size_t length, size_t size, kin_error *err)
{
    static const char *const promises[] = {".dcm",  ".dicom", ".png",  ".jpg", ".jpeg", ".tif",
                                           ".tiff", ".svs",   ".ndpi", ".scn", ".bif"};
    const char *what = size == 0 ? "an empty file" : "of no format that is known";
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++)
        if (kin_name_ends(name, length, promises[i]))
            return kin_fail(err, KIN_E_FORMAT, NULL, "%s, in spite of its name", what);
    return kin_fail(err, KIN_E_NO_IMAGE, NULL, "%s", what);
}

kin_status kin_name_refuse(const char *name, size_t length, kin_error *err)
{
    static const char *const several[] = {".mrxs", ".vms", ".vmu"};
    static const char *const vendors[] = {".svs", ".ndpi", ".scn", ".bif"};
    for (size_t i = 0; i < sizeof several / sizeof several[0]; i++)
        if (kin_name_ends(name, length, several[i]))
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                            "slides in several files (MRXS, VMS, VMU) are not read");
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
        if (!kin_slide_has_openslide() && kin_name_ends(name, length, vendors[i]))
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                            "a scanner's slide, and this program was built without OpenSlide");
    return KIN_OK;
}
