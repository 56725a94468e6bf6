#include "dicom/palette.h"

#include <stdlib.h>
#include <string.h>

enum {
    TAG_DESCRIPTOR = 0x00281101, /* of red; green and blue follow */
    TAG_DATA = 0x00281201,
    TAG_SEGMENTED_DATA = 0x00281221,
    SEGMENT_DISCRETE = 0,
    SEGMENT_LINEAR = 1,
    SEGMENT_INDIRECT = 2
};

typedef struct expansion {
    const uint16_t *units;
    size_t unit_count;
    uint16_t *entries;
    size_t count, filled;
} expansion;

/* Length in units of the segment at `at`; 0 where it does not fit. */
static size_t segment_length(const expansion *e, size_t at)
{
    if (at + 2 > e->unit_count)
        return 0;
    size_t n = e->units[at] == SEGMENT_DISCRETE ? 2 + (size_t)e->units[at + 1]
               : e->units[at] == SEGMENT_LINEAR ? 3
                                                : 4;
    return n <= e->unit_count - at ? n : 0;
}

static void append(expansion *e, uint16_t value)
{
    if (e->filled < e->count)
        e->entries[e->filled++] = value;
}

/* A discrete or linear segment; a line goes from the entry before it to its own last value. */
static bool expand_segment(expansion *e, size_t at)
{
    size_t length = e->units[at + 1];
    if (e->units[at] == SEGMENT_DISCRETE) {
        for (size_t i = 0; i < length; i++)
            append(e, e->units[at + 2 + i]);
        return true;
    }
    if (e->units[at] != SEGMENT_LINEAR || e->filled == 0 || length == 0)
        return false;
    double from = e->entries[e->filled - 1], to = e->units[at + 2];
    for (size_t i = 1; i <= length; i++)
        append(e, (uint16_t)(from + (to - from) * (double)i / (double)length + 0.5));
    return true;
}

/* Repeats segments that stand at a byte offset from the start; they must not be indirect again. */
static bool expand_indirect(expansion *e, size_t at, size_t unit_bytes)
{
    size_t segments = e->units[at + 1];
    size_t unit_bits = unit_bytes * 8;
    size_t offset = (e->units[at + 2] | (size_t)e->units[at + 3] << unit_bits) / unit_bytes;
    for (size_t i = 0; i < segments && e->filled < e->count; i++) {
        size_t length = offset < e->unit_count ? segment_length(e, offset) : 0;
        if (length == 0 || e->units[offset] >= SEGMENT_INDIRECT || !expand_segment(e, offset))
            return false;
        offset += length;
    }
    return true;
}

bool kin_dicom_palette_expand(const uint16_t *units, size_t unit_count, size_t unit_bytes,
                              uint16_t *entries, size_t count)
{
    expansion e = {units, unit_count, entries, count, 0};
    size_t at = 0;
    while (e.filled < count) {
        size_t length = at < unit_count ? segment_length(&e, at) : 0;
        if (length == 0 || units[at] > SEGMENT_INDIRECT)
            return false;
        bool done = units[at] == SEGMENT_INDIRECT ? expand_indirect(&e, at, unit_bytes)
                                                  : expand_segment(&e, at);
        if (!done)
            return false;
        at += length;
    }
    return true;
}

/* Segmented data of 8 bits are bytes: two units to a word. */
static uint16_t *units_of_bytes(const uint16_t *words, size_t count)
{
    uint16_t *units = calloc(count, 2 * sizeof *units);
    for (size_t i = 0; units != NULL && i < count; i++) {
        units[2 * i] = words[i] & 0xff;
        units[2 * i + 1] = words[i] >> 8;
    }
    return units;
}

static bool load_segmented(kin_item *item, kin_tag descriptor, kin_tag data, kin_lut *out)
{
    const uint16_t *words;
    size_t count;
    if (!kin_dicom_lut_descriptor(item, descriptor, false, out) ||
        !kin_dicom_item_words(item, data, &words, &count, NULL))
        return false;
    uint16_t *units = out->bits <= 8 ? units_of_bytes(words, count) : NULL;
    out->entries = malloc(out->count * sizeof *out->entries);
    bool expanded = false;
    if (out->entries != NULL && out->bits > 8)
        expanded = kin_dicom_palette_expand(words, count, 2, out->entries, out->count);
    else if (out->entries != NULL && units != NULL)
        expanded = kin_dicom_palette_expand(units, 2 * count, 1, out->entries, out->count);
    free(units);
    return expanded;
}

/* Tables of 16 bits that hold nothing above 255 are 8-bit tables. */
static void mend_depth(kin_palette *palette)
{
    for (int c = 0; c < 3; c++)
        for (size_t i = 0; i < palette->channel[c].count; i++)
            if (palette->channel[c].entries[i] > 255)
                return;
    for (int c = 0; c < 3; c++)
        palette->channel[c].bits = 8;
}

kin_status kin_dicom_palette_load(const kin_dicom *dicom, kin_palette *out, kin_error *err)
{
    bool is_signed = dicom->header.is_signed;
    memset(out, 0, sizeof *out);
    for (unsigned c = 0; c < 3; c++) {
        kin_lut *lut = &out->channel[c];
        if (kin_dicom_lut_load(dicom->root, TAG_DESCRIPTOR + c, TAG_DATA + c, is_signed, lut))
            continue;
        kin_dicom_lut_release(lut);
        if (!load_segmented(dicom->root, TAG_DESCRIPTOR + c, TAG_SEGMENTED_DATA + c, lut)) {
            kin_dicom_palette_release(out);
            return kin_fail(err, KIN_E_FORMAT, NULL, "palette table %u is missing or broken",
                            c + 1);
        }
    }
    mend_depth(out);
    return KIN_OK;
}

void kin_dicom_palette_release(kin_palette *palette)
{
    for (int c = 0; c < 3; c++)
        kin_dicom_lut_release(&palette->channel[c]);
}

static long stored_at(const kin_samples *samples, size_t i)
{
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        return ((const uint8_t *)samples->data)[i];
    case KIN_SAMPLE_S8:
        return ((const int8_t *)samples->data)[i];
    case KIN_SAMPLE_U16:
        return ((const uint16_t *)samples->data)[i];
    case KIN_SAMPLE_S16:
        return ((const int16_t *)samples->data)[i];
    case KIN_SAMPLE_U32:
        return ((const uint32_t *)samples->data)[i];
    case KIN_SAMPLE_S32:
        return ((const int32_t *)samples->data)[i];
    default:
        return 0;
    }
}

void kin_dicom_palette_apply(const kin_palette *palette, const kin_samples *samples, float *out)
{
    size_t count = kin_samples_count(samples);
    float scale[3];
    for (int c = 0; c < 3; c++)
        scale[c] = 1.0f / (float)((1 << palette->channel[c].bits) - 1);
    for (size_t i = 0; i < count; i++) {
        long v = stored_at(samples, i);
        for (int c = 0; c < 3; c++)
            out[3 * i + (size_t)c] = (float)kin_lut_at(&palette->channel[c], v) * scale[c];
    }
}
