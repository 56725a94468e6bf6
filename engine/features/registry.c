#include <stdio.h>
#include <string.h>

#include "features/families.h"
#include "features/view.h"

static const kin_family *const families[] = {
    &kin_family_pixels, &kin_family_hog,       &kin_family_lbp,
    &kin_family_glcm,   &kin_family_intensity, &kin_family_gabor,
    &kin_family_colour, &kin_family_stain,     &kin_family_stain_texture,
};

const kin_family *const *kin_families(size_t *count)
{
    *count = sizeof families / sizeof families[0];
    return families;
}

const kin_family *kin_family_named(const char *name, size_t name_length)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strlen(families[i]->name) == name_length &&
            memcmp(families[i]->name, name, name_length) == 0)
            return families[i];
    }
    return NULL;
}

size_t kin_descriptor_length(void)
{
    size_t length = 0;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        length += families[i]->length;
    return length;
}

void kin_descriptor_signature(char signature[KIN_LAYOUT_SIGNATURE_SIZE])
{
    size_t used = 0;
    signature[0] = '\0';
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const kin_family *family = families[i];
        int n = snprintf(signature + used, KIN_LAYOUT_SIGNATURE_SIZE - used, "%s%s/%d:%zu",
                         i > 0 ? " " : "", family->name, family->version, family->length);
        if (n < 0 || (size_t)n >= KIN_LAYOUT_SIGNATURE_SIZE - used)
            return; /* the table above is tested to fit */
        used += (size_t)n;
    }
}

kin_status kin_describe(const kin_raster *raster, float *out, kin_error *err)
{
    kin_view *view;
    kin_status status = kin_view_new(raster, &view, err);
    for (size_t i = 0; status == KIN_OK && i < sizeof families / sizeof families[0]; i++) {
        const kin_family *family = families[i];
        if (family->colour && view->colour.px == NULL)
            memset(out, 0, family->length * sizeof(float));
        else
            status = family->describe(view, out, err);
        out += family->length;
    }
    kin_view_free(view);
    return status;
}
