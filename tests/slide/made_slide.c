#include "made_slide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLIDE_CLASS "1.2.840.10008.5.1.4.1.1.77.1.6"

enum { OTHER_PLANE = 7, WHITE = 255, MODULE_MAX = 24, TEXT = 160 };

made_picture made_picture_new(int width, int height, int channels, uint8_t value)
{
    size_t size = (size_t)width * (size_t)height * (size_t)channels;
    made_picture picture = {width, height, channels, malloc(size)};
    assert_non_null(picture.px);
    memset(picture.px, value, size);
    return picture;
}

void made_picture_release(made_picture *picture)
{
    free(picture->px);
    *picture = (made_picture){0};
}

/* Attributes with texts of their own. */
typedef struct attributes {
    kin_dicom_new_attribute *list;
    char (*texts)[2][TEXT];
    size_t count, capacity;
} attributes;

static void add(attributes *to, const char *value, const char *path_format, int index)
{
    assert_true(to->count < to->capacity);
    char *path = to->texts[to->count][0], *text = to->texts[to->count][1];
    snprintf(path, TEXT, path_format, index); /* NOLINT: formats are this file's literals */
    snprintf(text, TEXT, "%s", value);
    to->list[to->count++] = (kin_dicom_new_attribute){.path = path, .value = text};
}

static void add_number(attributes *to, long long value, const char *path_format, int index)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", value);
    add(to, text, path_format, index);
}

/* Copies a tile out of the picture; beyond its edge samples are 99. */
static bool cut_tile(const made_slide *slide, int tile_x, int tile_y, uint8_t *out)
{
    const made_picture *p = slide->picture;
    bool blank = true;
    for (int y = 0; y < slide->tile_height; y++)
        for (int x = 0; x < slide->tile_width; x++)
            for (int c = 0; c < p->channels; c++, out++) {
                bool within = tile_x + x < p->width && tile_y + y < p->height;
                size_t at = ((size_t)(tile_y + y) * (size_t)p->width + (size_t)(tile_x + x)) *
                                (size_t)p->channels +
                            (size_t)c;
                *out = within ? p->px[at] : 99;
                blank = blank && (!within || *out == WHITE);
            }
    return blank;
}

static void describe(const made_slide *slide, attributes *to)
{
    const made_picture *p = slide->picture;
    char text[TEXT];
    add(to, slide->image_type != NULL ? slide->image_type : "ORIGINAL\\PRIMARY\\VOLUME\\NONE",
        "ImageType", 0);
    add(to, "SM", "Modality", 0);
    add(to, slide->patient_id != NULL ? slide->patient_id : "made", "PatientID", 0);
    add(to, "1.2.3.4.5", "StudyInstanceUID", 0);
    add(to, slide->series_uid != NULL ? slide->series_uid : "1.2.3.4.5.1", "SeriesInstanceUID", 0);
    add_number(to, p->width, "TotalPixelMatrixColumns", 0);
    add_number(to, p->height, "TotalPixelMatrixRows", 0);
    add(to, slide->sparse ? "TILED_SPARSE" : "TILED_FULL", "DimensionOrganizationType", 0);
    add_number(to, slide->focal_planes > 0 ? slide->focal_planes : 1, "TotalPixelMatrixFocalPlanes",
               0);
    add(to, "1", "NumberOfOpticalPaths", 0);
    add(to, "1", "OpticalPathSequence[0].OpticalPathIdentifier", 0);
    if (slide->objective_power != NULL)
        add(to, slide->objective_power, "OpticalPathSequence[0].ObjectiveLensPower", 0);
    if (slide->mpp > 0) {
        snprintf(text, sizeof text, "%.8g\\%.8g", slide->mpp / 1000, slide->mpp / 1000);
        add(to, text, "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing", 0);
    }
    if (slide->part_count > 0) {
        add(to, "1.2.3.4.5.9", "ConcatenationUID", 0);
        add(to, slide->part_from > 0 ? "2" : "1", "InConcatenationNumber", 0);
        add_number(to, slide->part_from, "ConcatenationFrameOffsetNumber", 0);
    }
}

/* Frames and, of a sparse slide, their places. */
static int lay_frames(const made_slide *slide, uint8_t *pixels, size_t tile_bytes, attributes *to)
{
    int across = (slide->picture->width + slide->tile_width - 1) / slide->tile_width;
    int down = (slide->picture->height + slide->tile_height - 1) / slide->tile_height;
    int planes = slide->focal_planes > 0 ? slide->focal_planes : 1, frames = 0;
    for (int plane = 0; plane < planes; plane++)
        for (int i = 0; i < across * down; i++) {
            /* Sparse: backwards, so that the order says nothing of the place. */
            int tile = slide->sparse ? across * down - 1 - i : i;
            int x = tile % across * slide->tile_width, y = tile / across * slide->tile_height;
            uint8_t *out = pixels + (size_t)frames * tile_bytes;
            bool blank = cut_tile(slide, x, y, out);
            if (slide->sparse && slide->leave_out_blank && blank)
                continue;
            if (plane != (planes - 1) / 2)
                memset(out, OTHER_PLANE, tile_bytes);
            if (slide->sparse) {
                static const char position[] =
                    "PerFrameFunctionalGroupsSequence[%d].PlanePositionSlideSequence[0].";
                char path[TEXT];
                snprintf(path, sizeof path, "%sColumnPositionInTotalImagePixelMatrix", position);
                add_number(to, x + 1, path, frames);
                snprintf(path, sizeof path, "%sRowPositionInTotalImagePixelMatrix", position);
                add_number(to, y + 1, path, frames);
                snprintf(path, sizeof path, "%sZOffsetInSlideCoordinateSystem", position);
                add_number(to, plane, path, frames);
            }
            frames++;
        }
    return frames;
}

void *made_slide_bytes(const made_slide *slide, size_t *size)
{
    const made_picture *p = slide->picture;
    size_t across = (size_t)((p->width + slide->tile_width - 1) / slide->tile_width);
    size_t down = (size_t)((p->height + slide->tile_height - 1) / slide->tile_height);
    size_t planes = slide->focal_planes > 0 ? (size_t)slide->focal_planes : 1;
    size_t tile_bytes =
        (size_t)slide->tile_width * (size_t)slide->tile_height * (size_t)p->channels;
    size_t capacity = across * down * planes * 3 + MODULE_MAX;
    attributes made = {calloc(capacity, sizeof *made.list), calloc(capacity, sizeof *made.texts), 0,
                       capacity};
    uint8_t *pixels = malloc(across * down * planes * tile_bytes);
    assert_true(made.list != NULL && made.texts != NULL && pixels != NULL);
    describe(slide, &made);
    int frames = lay_frames(slide, pixels, tile_bytes, &made);
    if (slide->part_count > 0) {
        memmove(pixels, pixels + (size_t)slide->part_from * tile_bytes,
                (size_t)slide->part_count * tile_bytes);
        frames = slide->part_count;
    }
    const kin_dicom_new spec = {
        .syntax = slide->syntax,
        .sop_class_uid = SLIDE_CLASS,
        .sop_instance_uid = slide->instance_uid != NULL ? slide->instance_uid : "1.2.3.4.5.1.1",
        .attributes = made.list,
        .attribute_count = made.count,
        .pixels = pixels,
        .pixels_size = (size_t)frames * tile_bytes,
        .rows = slide->tile_height,
        .columns = slide->tile_width,
        .frames = frames,
        .samples_per_pixel = p->channels,
    };
    kin_error err;
    kin_error_clear(&err);
    void *bytes = NULL;
    if (kin_dicom_write_memory(&spec, &bytes, size, &err) != KIN_OK)
        fail_msg("cannot write a slide: %s", err.message);
    free(made.list);
    free(made.texts);
    free(pixels);
    return bytes;
}
