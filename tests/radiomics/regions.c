#include "regions.h"

#include <string.h>

#include "volume/nrrd.h"

/* Intensities from the first slice to the last, in each from the first row; 0 is outside. */
static const unsigned char phantom_image[4][4][5] = {
    {{1, 4, 4, 1, 1}, {1, 4, 6, 1, 1}, {4, 1, 6, 4, 1}, {4, 4, 6, 4, 1}},
    {{1, 4, 4, 1, 1}, {1, 1, 6, 1, 1}, {1, 1, 3, 1, 1}, {4, 4, 6, 1, 1}},
    {{1, 4, 4, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 9, 1, 1}, {1, 1, 6, 1, 1}},
    {{1, 4, 4, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 6, 1, 1}}};
static const unsigned char phantom_mask[4][4][5] = {
    {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
    {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {0, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
    {{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {1, 1, 0, 1, 1}, {1, 1, 1, 1, 1}},
    {{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}};

kin_volume volume_of(int nx, int ny, int nz)
{
    kin_volume volume;
    assert_int_equal(kin_volume_init(&volume, (const int[3]){nx, ny, nz}, NULL), KIN_OK);
    return volume;
}

void phantom_make(kin_volume *image, kin_volume *mask)
{
    *image = volume_of(5, 4, 4);
    *mask = volume_of(5, 4, 4);
    for (int v = 0; v < 80; v++) {
        image->voxels[v] = phantom_image[v / 20][v / 5 % 4][v % 5];
        mask->voxels[v] = phantom_mask[v / 20][v / 5 % 4][v % 5];
    }
    for (int a = 0; a < 3; a++)
        image->spacing[a] = mask->spacing[a] = 2.0;
}

kin_volume volume_load(const char *name)
{
    char below[256], path[4096];
    kin_error err = {0};
    kin_volume volume;
    snprintf(below, sizeof below, "tumour-volumes/%s", name);
    FILE *file = fopen(shared_data(path, sizeof path, below), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(size);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    if (kin_nrrd_read(bytes, size, NULL, 0, &volume, &err) != KIN_OK)
        fail_msg("%s: %s", name, err.message);
    free(bytes);
    return volume;
}

double figure_of(const kin_radiomics *radiomics, const char *family, const char *aggregation,
                 const char *name)
{
    for (size_t i = 0; i < radiomics->count; i++) {
        kin_radiomics_description is;
        assert_true(kin_radiomics_describe(&radiomics->values[i], &is));
        if (strcmp(is.family, family) == 0 && strcmp(is.aggregation, aggregation) == 0 &&
            strcmp(is.name, name) == 0)
            return radiomics->values[i].value;
    }
    fail_msg("there is no figure %s, %s, %s", family, aggregation, name);
    return 0.0;
}

kin_radiomics measured(const kin_volume *image, const kin_volume *mask, int label,
                       const kin_radiomics_settings *settings)
{
    kin_radiomics radiomics;
    kin_error err = {0};
    if (kin_radiomics_compute(image, mask, label, settings, &radiomics, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return radiomics;
}
