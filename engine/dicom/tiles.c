#include "dicom/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/module.h"

enum {
    TAG_IMAGE_TYPE = 0x00080008,
    TAG_CONCATENATION_OFFSET = 0x00209228,
    TAG_ORGANIZATION = 0x00209311,
    TAG_Z_OFFSET = 0x0040074a,
    TAG_MATRIX_COLUMNS = 0x00480006,
    TAG_MATRIX_ROWS = 0x00480007,
    TAG_OPTICAL_PATHS = 0x00480105,
    TAG_PATH_IDENTIFIER = 0x00480106,
    TAG_OBJECTIVE_POWER = 0x00480112,
    TAG_PATH_OF_FRAME = 0x00480207,
    TAG_PLANE_POSITION = 0x0048021a,
    TAG_COLUMN_POSITION = 0x0048021e,
    TAG_ROW_POSITION = 0x0048021f,
    TAG_PATH_COUNT = 0x00480302,
    TAG_FOCAL_PLANES = 0x00480303,
    PLANES_MAX = 65535 /* focal planes, and optical paths */
};

static const char slide_class[] = "1.2.840.10008.5.1.4.1.1.77.1.6";
static const double micrometres_per_mm = 1000;

struct kin_dicom_tiles {
    kin_dicom_tiling tiling;
    kin_dicom_tile *list; /* sorted by y, x, frame */
    size_t count;
};

/* A frame of TILED_SPARSE before one plane is chosen. */
typedef struct placed {
    kin_dicom_tile tile;
    double z;
} placed;

static bool read_matrix(kin_item *root, int64_t *columns, int64_t *rows)
{
    double c, r;
    if (!kin_dicom_item_number(root, TAG_MATRIX_COLUMNS, 0, &c) ||
        !kin_dicom_item_number(root, TAG_MATRIX_ROWS, 0, &r) || c < 1 || r < 1)
        return false;
    *columns = (int64_t)c; /* 32-bit numbers: exact */
    *rows = (int64_t)r;
    return true;
}

bool kin_dicom_is_slide(const kin_dicom *dicom)
{
    int64_t columns, rows;
    return strcmp(dicom->header.sop_class_uid, slide_class) == 0 &&
           dicom->header.kind == KIN_DICOM_IMAGE && read_matrix(dicom->root, &columns, &rows);
}

/* Value number `index` of a text attribute is `word`. */
static bool value_is(kin_item *item, kin_tag tag, int index, const char *word)
{
    const char *text;
    size_t length;
    if (!kin_dicom_item_text(item, tag, &text, &length))
        return false;
    const char *end = text + length, *at = text;
    for (int i = 0; i < index && at != NULL; i++) {
        at = memchr(at, '\\', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL)
        return false;
    const char *stop = memchr(at, '\\', (size_t)(end - at));
    if (stop == NULL)
        stop = end;
    while (stop > at && stop[-1] == ' ')
        stop--;
    return (size_t)(stop - at) == strlen(word) && memcmp(at, word, (size_t)(stop - at)) == 0;
}

static kin_dicom_flavour flavour_of(kin_item *root)
{
    if (value_is(root, TAG_IMAGE_TYPE, 2, "LABEL"))
        return KIN_FLAVOUR_LABEL;
    if (value_is(root, TAG_IMAGE_TYPE, 2, "OVERVIEW"))
        return KIN_FLAVOUR_OVERVIEW;
    if (value_is(root, TAG_IMAGE_TYPE, 2, "THUMBNAIL") ||
        value_is(root, TAG_IMAGE_TYPE, 2, "LOCALIZER"))
        return KIN_FLAVOUR_THUMBNAIL;
    return KIN_FLAVOUR_VOLUME;
}

static void read_tiling(const kin_dicom *dicom, kin_dicom_tiling *out)
{
    const kin_dicom_header *h = &dicom->header;
    double power;
    read_matrix(dicom->root, &out->columns, &out->rows);
    out->tile_width = h->columns;
    out->tile_height = h->rows;
    out->mpp_x = h->spacing_x_mm * micrometres_per_mm;
    out->mpp_y = h->spacing_y_mm * micrometres_per_mm;
    if (kin_dicom_item_number(kin_dicom_item_at(dicom->root, TAG_OPTICAL_PATHS, 0),
                              TAG_OBJECTIVE_POWER, 0, &power) &&
        power > 0)
        out->objective_power = power;
    out->flavour = flavour_of(dicom->root);
    out->resampled = value_is(dicom->root, TAG_IMAGE_TYPE, 3, "RESAMPLED");
    out->partial = kin_dicom_item_has(dicom->root, TAG_CONCATENATION_OFFSET);
}

/* A count that defaults to 1. */
static int64_t count_of(kin_item *root, kin_tag tag)
{
    int count;
    return kin_dicom_item_int(root, tag, 0, &count) && count >= 1 && count <= PLANES_MAX ? count
                                                                                         : 1;
}

static int64_t tiles_along(int64_t pixels, int tile)
{
    return (pixels + tile - 1) / tile;
}

/* TILED_FULL: along rows, then rows, then focal planes, then optical paths. */
static kin_status lay_full(const kin_dicom *dicom, kin_dicom_tiles *tiles, kin_error *err)
{
    const kin_dicom_tiling *t = &tiles->tiling;
    int64_t across = tiles_along(t->columns, t->tile_width);
    int64_t down = tiles_along(t->rows, t->tile_height);
    int64_t plane = across * down; /* both below 2^32: no overflow */
    int64_t planes = count_of(dicom->root, TAG_FOCAL_PLANES), frames = dicom->header.frames;
    if (plane > KIN_DICOM_TILES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a slide of %lld tiles is over the limit of %d",
                        (long long)plane, KIN_DICOM_TILES_MAX);
    int64_t wanted = plane * planes * count_of(dicom->root, TAG_PATH_COUNT);
    if (!t->partial && frames < wanted)
        return kin_fail(err, KIN_E_FORMAT, NULL, "%lld frames where the slide's tiles need %lld",
                        (long long)frames, (long long)wanted);
    double offset = 0;
    if (t->partial)
        kin_dicom_item_number(dicom->root, TAG_CONCATENATION_OFFSET, 0, &offset);
    /* Of the first optical path's middle plane, those that this file has. */
    int64_t first = (planes - 1) / 2 * plane;
    int64_t from = (int64_t)offset > first ? (int64_t)offset : first;
    int64_t to =
        (int64_t)offset + frames < first + plane ? (int64_t)offset + frames : first + plane;
    tiles->list = calloc(to > from ? (size_t)(to - from) : 1, sizeof *tiles->list);
    if (tiles->list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    for (int64_t f = from; f < to; f++)
        tiles->list[tiles->count++] = (kin_dicom_tile){.x = (f - first) % across * t->tile_width,
                                                       .y = (f - first) / across * t->tile_height,
                                                       .frame = (int)(f - (int64_t)offset)};
    return KIN_OK;
}

/* Does the frame belong to another optical path than the first frame? */
static bool is_other_path(const kin_dicom *dicom, int frame)
{
    const char *first, *own;
    size_t first_length, own_length;
    kin_item *a = kin_dicom_frame_group(dicom, 0, TAG_PATH_OF_FRAME);
    kin_item *b = kin_dicom_frame_group(dicom, frame, TAG_PATH_OF_FRAME);
    return kin_dicom_item_text(a, TAG_PATH_IDENTIFIER, &first, &first_length) &&
           kin_dicom_item_text(b, TAG_PATH_IDENTIFIER, &own, &own_length) &&
           (first_length != own_length || memcmp(first, own, own_length) != 0);
}

static kin_status place_frame(const kin_dicom *dicom, const kin_dicom_tiling *t, int frame,
                              placed *out, kin_error *err)
{
    int x, y;
    kin_item *position = kin_dicom_frame_group(dicom, frame, TAG_PLANE_POSITION);
    if (!kin_dicom_item_int(position, TAG_COLUMN_POSITION, 0, &x) ||
        !kin_dicom_item_int(position, TAG_ROW_POSITION, 0, &y))
        return kin_fail(err, KIN_E_FORMAT, NULL, "tile %d of %d has no place on the slide",
                        frame + 1, dicom->header.frames);
    if (x < 1 || y < 1 || x > t->columns || y > t->rows)
        return kin_fail(err, KIN_E_FORMAT, NULL, "tile %d of %d lies outside the slide", frame + 1,
                        dicom->header.frames);
    out->tile = (kin_dicom_tile){.x = x - 1, .y = y - 1, .frame = frame};
    if (!kin_dicom_item_number(position, TAG_Z_OFFSET, 0, &out->z))
        out->z = 0;
    return KIN_OK;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
    const kin_dicom_tile *p = a, *q = b;
    if (p->y != q->y)
        return p->y < q->y ? -1 : 1;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return p->frame < q->frame ? -1 : p->frame > q->frame;
}

/* The middle one of the distinct focal planes. */
static kin_status middle_plane(const placed *all, size_t count, double *z, kin_error *err)
{
    double *planes = calloc(count, sizeof *planes);
    if (planes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    for (size_t i = 0; i < count; i++)
        planes[i] = all[i].z;
    qsort(planes, count, sizeof *planes, by_number);
    size_t distinct = 1;
    for (size_t i = 1; i < count; i++)
        if (planes[i] > planes[distinct - 1])
            planes[distinct++] = planes[i];
    *z = planes[(distinct - 1) / 2];
    free(planes);
    return KIN_OK;
}

static kin_status lay_sparse(const kin_dicom *dicom, kin_dicom_tiles *tiles, kin_error *err)
{
    size_t frames = (size_t)dicom->header.frames, count = 0;
    double z = 0;
    kin_status status = KIN_OK;
    placed *all = calloc(frames, sizeof *all);
    tiles->list = calloc(frames, sizeof *tiles->list);
    if (all == NULL || tiles->list == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    for (size_t f = 0; status == KIN_OK && f < frames; f++) {
        if (is_other_path(dicom, (int)f))
            continue;
        status = place_frame(dicom, &tiles->tiling, (int)f, &all[count], err);
        count++;
    }
    if (status == KIN_OK)
        status = middle_plane(all, count, &z, err); /* the first frame's path: at least one */
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (all[i].z == z)
            tiles->list[tiles->count++] = all[i].tile;
    if (status == KIN_OK)
        qsort(tiles->list, tiles->count, sizeof *tiles->list, by_place);
    free(all);
    return status;
}

/* By what the file says or, where it is silent, by whether its frames have places. */
static bool is_full(const kin_dicom *dicom)
{
    if (value_is(dicom->root, TAG_ORGANIZATION, 0, "TILED_FULL"))
        return true;
    if (value_is(dicom->root, TAG_ORGANIZATION, 0, "TILED_SPARSE"))
        return false;
    return kin_dicom_frame_group(dicom, 0, TAG_PLANE_POSITION) == NULL;
}

kin_status kin_dicom_tiles_new(const kin_dicom *dicom, kin_dicom_tiles **out, kin_error *err)
{
    *out = NULL;
    if (!kin_dicom_is_slide(dicom))
        return kin_fail(err, KIN_E_ARG, NULL, "not a whole slide");
    kin_dicom_tiles *tiles = calloc(1, sizeof *tiles);
    if (tiles == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide's tiles");
    read_tiling(dicom, &tiles->tiling);
    kin_status status =
        is_full(dicom) ? lay_full(dicom, tiles, err) : lay_sparse(dicom, tiles, err);
    if (status == KIN_OK)
        *out = tiles;
    else
        kin_dicom_tiles_free(tiles);
    return status;
}

void kin_dicom_tiles_free(kin_dicom_tiles *tiles)
{
    if (tiles == NULL)
        return;
    free(tiles->list);
    free(tiles);
}

const kin_dicom_tiling *kin_dicom_tiling_borrow(const kin_dicom_tiles *tiles)
{
    return &tiles->tiling;
}

const kin_dicom_tile *kin_dicom_tiles_borrow(const kin_dicom_tiles *tiles, size_t *count)
{
    *count = tiles->count;
    return tiles->list;
}

/* The first tile, at `from` or later, whose rows reach below y. */
static size_t first_row(const kin_dicom_tiles *tiles, size_t from, int64_t y)
{
    size_t low = from, high = tiles->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tiles->list[middle].y + tiles->tiling.tile_height > y)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t kin_dicom_tiles_next(const kin_dicom_tiles *tiles, size_t from, int64_t x, int64_t y,
                            int64_t width, int64_t height)
{
    for (size_t i = first_row(tiles, from, y); i < tiles->count; i++) {
        const kin_dicom_tile *tile = &tiles->list[i];
        if (tile->y >= y + height)
            break;
        if (tile->x < x + width && tile->x + tiles->tiling.tile_width > x)
            return i;
    }
    return SIZE_MAX;
}
