#include <string.h>

#include "features/families.h"

static const kin_family *const families[] = {
    &kin_family_pixels,        &kin_family_hog,          &kin_family_lbp,
    &kin_family_glcm,          &kin_family_intensity,    &kin_family_gabor,
    &kin_family_colour,        &kin_family_stain,        &kin_family_stain_texture,
    &kin_family_fisher_colour, &kin_family_fisher_stain,
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
