#include "patch_slide.h"

#include <string.h>

#include "base/fs.h"
#include "image/read.h"
#include "image/write.h"
#include "shared_data.h"

enum { LINE = 512, PLACES_MAX = 100 };

/* A row of the manifest: path,diagnosis,patient_id,modality,body_part,slide_x,slide_y. */
typedef struct row {
    char path[LINE], patient[16];
    int x, y; /* of the patch's first pixel, counted from 1 in steps of 50 */
} row;

static bool parse(char *line, row *out)
{
    char *fields[7], *at = line;
    for (int i = 0; i < 7; i++) {
        fields[i] = at;
        if (at == NULL)
            return false;
        at = strchr(at, ',');
        if (at != NULL)
            *at++ = '\0';
    }
    snprintf(out->path, sizeof out->path, "%s", fields[0]);
    snprintf(out->patient, sizeof out->patient, "%s", fields[2]);
    out->x = (int)strtol(fields[5], NULL, 10);
    out->y = (int)strtol(fields[6], NULL, 10);
    return out->x >= 1 && out->y >= 1;
}

static void lay(patch_slide *slide, const char *folder, const row *patch)
{
    char path[2 * LINE];
    void *bytes;
    size_t size;
    kin_error err;
    kin_raster r;
    snprintf(path, sizeof path, "%s/%s", folder, patch->path);
    if (kin_fs_read_file(kin_fs_posix(), path, 1 << 20, &bytes, &size, &err) != KIN_OK ||
        kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &r, &err) != KIN_OK)
        fail_msg("%s: %s", path, err.message);
    free(bytes);
    assert_true(r.width == PATCH_SIDE && r.height == PATCH_SIDE && r.channels == 3);
    for (int y = 0; y < PATCH_SIDE; y++)
        kin_image_quantise(r.px + y * PATCH_SIDE * 3, (size_t)PATCH_SIDE * 3,
                           slide->picture.px +
                               ((patch->y - 1 + y) * slide->picture.width + patch->x - 1) * 3);
    slide->has[patch->y / PATCH_SIDE * slide->across + patch->x / PATCH_SIDE] = true;
    slide->patches++;
    kin_raster_release(&r);
}

/* Calls lay(), or with slide->has NULL only finds how large the slide is. */
static void walk(patch_slide *slide, const char *folder, const char *manifest, const char *patient,
                 int from_x, int to_x)
{
    char line[LINE];
    row patch;
    FILE *file = fopen(manifest, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (!parse(line, &patch) || strcmp(patch.patient, patient) != 0)
            continue;
        if (slide->has == NULL) { /* the whole slide, whichever part of it is laid */
            int across = patch.x / PATCH_SIDE + 1, down = patch.y / PATCH_SIDE + 1;
            slide->across = across > slide->across ? across : slide->across;
            slide->down = down > slide->down ? down : slide->down;
        } else if (patch.x >= from_x && patch.x < to_x) {
            lay(slide, folder, &patch);
        }
    }
    fclose(file);
}

patch_slide patch_slide_new(const char *patient, int from_x, int to_x)
{
    char folder[LINE], manifest[2 * LINE];
    shared_data(folder, sizeof folder, "breast-idc");
    snprintf(manifest, sizeof manifest, "%s/manifest.csv", folder);
    patch_slide slide = {0};
    walk(&slide, folder, manifest, patient, from_x, to_x);
    assert_true(slide.across > 0 && slide.across < PLACES_MAX && slide.down < PLACES_MAX);
    slide.picture =
        made_picture_new(slide.across * PATCH_SIDE, slide.down * PATCH_SIDE, 3, UINT8_MAX);
    slide.has = calloc((size_t)slide.across * (size_t)slide.down, sizeof *slide.has);
    assert_non_null(slide.has);
    walk(&slide, folder, manifest, patient, from_x, to_x);
    assert_true(slide.patches > 0);
    return slide;
}

void patch_slide_release(patch_slide *slide)
{
    made_picture_release(&slide->picture);
    free(slide->has);
    *slide = (patch_slide){0};
}
