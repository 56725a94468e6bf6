#include "dicom/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "dicom/wire.h"

enum {
    ITEM_HEADER = 8,
    TAG_EXTENDED_OFFSETS = 0x7fe00001,
    MARKER_SOI = 0xffd8,
    MARKER_EOI = 0xffd9, /* the same value ends JPEG, JPEG-LS and JPEG 2000 streams */
    MARKER_SOC = 0xff4f
};

/* Lists the items of the value; the walk has checked every length.  The first is the offset
 * table. */
static kin_status list_items(const uint8_t *data_set, const kin_dicom_layout *layout,
                             kin_fragment *table, kin_fragments *out, kin_error *err)
{
    if (layout->item_count == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "encapsulated pixel data without an offset table");
    size_t count = layout->item_count - 1;
    out->list = calloc(count > 0 ? count : 1, sizeof *out->list);
    if (out->list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    size_t at = layout->pixel_offset;
    for (size_t i = 0; i < layout->item_count; i++) {
        size_t size = kin_wire_32(data_set + at + 4, false);
        kin_fragment *f = i == 0 ? table : &out->list[i - 1];
        *f = (kin_fragment){at, at + ITEM_HEADER, size};
        at += ITEM_HEADER + size;
    }
    out->count = count;
    return KIN_OK;
}

/* Offsets of frames, counted from the first fragment's item, of 4 or 8 bytes each. */
typedef struct offset_table {
    const uint8_t *narrow;
    const uint64_t *wide;
    size_t count;
} offset_table;

static uint64_t offset_at(const offset_table *t, size_t i)
{
    return t->wide != NULL ? t->wide[i] : kin_wire_32(t->narrow + 4 * i, false);
}

/* Follows a table; false unless each of its offsets is the start of a fragment, in order. */
static bool divide_by_table(const offset_table *table, size_t frames, kin_fragments *f)
{
    if (table->count != frames || f->count == 0)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < frames; i++) {
        uint64_t wanted = offset_at(table, i);
        while (at < f->count && f->list[at].item - f->list[0].item < wanted)
            at++;
        bool starts_here = at < f->count && f->list[at].item - f->list[0].item == wanted;
        if (!starts_here || (i == 0 && at != 0) || (i > 0 && at <= f->first[i - 1]))
            return false;
        f->first[i] = at;
    }
    f->first[frames] = f->count;
    return true;
}

/* True when a stream of the JPEG family begins here. */
static bool begins_stream(const uint8_t *data_set, const kin_fragment *f)
{
    if (f->size < 2)
        return false;
    unsigned marker = kin_wire_16(data_set + f->offset, true);
    return marker == MARKER_SOI || marker == MARKER_SOC;
}

/* True when it ends here: an end marker as the last two bytes, or before one byte of padding. */
static bool ends_stream(const uint8_t *data_set, const kin_fragment *f)
{
    const uint8_t *end = data_set + f->offset + f->size;
    return (f->size >= 2 && kin_wire_16(end - 2, true) == MARKER_EOI) ||
           (f->size >= 3 && kin_wire_16(end - 3, true) == MARKER_EOI);
}

static bool divide_by_markers(const uint8_t *data_set, size_t frames, kin_fragments *f)
{
    size_t found = 0;
    for (size_t i = 0; i < f->count; i++) {
        bool after_end = i == 0 || ends_stream(data_set, &f->list[i - 1]);
        if (!after_end || !begins_stream(data_set, &f->list[i]))
            continue;
        if (found == frames)
            return false;
        f->first[found++] = i;
    }
    if (found != frames || f->first[0] != 0)
        return false;
    f->first[frames] = f->count;
    return true;
}

static void divide_evenly(size_t frames, kin_fragments *f)
{
    for (size_t i = 0; i <= frames; i++)
        f->first[i] = i;
}

static kin_status divide(const uint8_t *data_set, const kin_fragment *table, kin_item *root,
                         kin_dicom_codec codec, size_t frames, kin_fragments *f, kin_error *err)
{
    if (f->count < frames)
        return kin_fail(err, KIN_E_FORMAT, NULL, "%zu fragments for %zu frames", f->count, frames);
    if (f->count == frames) {
        divide_evenly(frames, f);
        return KIN_OK;
    }
    if (frames == 1) {
        f->first[0] = 0;
        f->first[1] = f->count;
        return KIN_OK;
    }
    offset_table basic = {data_set + table->offset, NULL, table->size / 4};
    offset_table extended = {0};
    bool divided =
        kin_dicom_item_longs(root, TAG_EXTENDED_OFFSETS, &extended.wide, &extended.count) &&
        divide_by_table(&extended, frames, f);
    divided = divided || divide_by_table(&basic, frames, f);
    if (!divided && codec != KIN_CODEC_RLE)
        divided = divide_by_markers(data_set, frames, f);
    if (!divided)
        return kin_fail(err, KIN_E_FORMAT, NULL, "%zu fragments cannot be divided among %zu frames",
                        f->count, frames);
    return KIN_OK;
}

kin_status kin_dicom_fragments_load(const uint8_t *data_set, const kin_dicom_layout *layout,
                                    kin_item *root, kin_dicom_codec codec, int frames,
                                    kin_fragments *out, kin_error *err)
{
    kin_fragment table = {0};
    memset(out, 0, sizeof *out);
    kin_status status = list_items(data_set, layout, &table, out, err);
    if (status != KIN_OK)
        return status;
    out->first = calloc((size_t)frames + 1, sizeof *out->first);
    if (out->first == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    return divide(data_set, &table, root, codec, (size_t)frames, out, err);
}

void kin_dicom_fragments_release(kin_fragments *fragments)
{
    free(fragments->list);
    free(fragments->first);
    memset(fragments, 0, sizeof *fragments);
}

kin_status kin_dicom_fragments_join(const kin_fragments *fragments, const uint8_t *data_set,
                                    int frame, const uint8_t **bytes, size_t *size, void **owned,
                                    kin_error *err)
{
    size_t from = fragments->first[frame], to = fragments->first[frame + 1], total = 0;
    *owned = NULL;
    *bytes = data_set + fragments->list[from].offset;
    *size = fragments->list[from].size;
    if (to - from == 1)
        return KIN_OK;
    for (size_t i = from; i < to; i++)
        total += fragments->list[i].size; /* all lie within the file: no overflow */
    uint8_t *joined = malloc(total > 0 ? total : 1);
    if (joined == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    *bytes = *owned = joined;
    *size = total;
    for (size_t i = from; i < to; i++) {
        memcpy(joined, data_set + fragments->list[i].offset, fragments->list[i].size);
        joined += fragments->list[i].size;
    }
    return KIN_OK;
}
