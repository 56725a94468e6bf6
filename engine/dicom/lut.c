#include "dicom/lut.h"

#include <stdlib.h>
#include <string.h>

bool kin_dicom_lut_descriptor(kin_item *item, kin_tag tag, bool inputs_signed, kin_lut *out)
{
    const uint16_t *words;
    size_t count;
    bool is_signed;
    if (!kin_dicom_item_words(item, tag, &words, &count, &is_signed) || count < 3)
        return false;
    out->count = words[0] != 0 ? words[0] : 65536; /* 2^16 does not fit the word */
    out->first = words[1];
    /* The VR should tell; where it is US, a "first" that only makes sense as negative is. */
    if (is_signed || (inputs_signed && words[1] > INT16_MAX))
        out->first = (int16_t)words[1];
    out->bits = words[2];
    return out->bits >= 1 && out->bits <= 16;
}

/* Entries from words; with 8 bits two may share a word, the first in the low byte. */
static void take_entries(kin_lut *lut, const uint16_t *words, size_t word_count)
{
    bool packed = word_count < lut->count;
    unsigned largest = 0;
    for (size_t i = 0; i < lut->count; i++) {
        unsigned v = packed ? words[i / 2] >> (i % 2 * 8) & 0xff : words[i];
        lut->entries[i] = (uint16_t)v;
        largest = v > largest ? v : largest;
    }
    /* Some files say 8 and mean 16; the entries know better. */
    while (lut->bits < 16 && largest >> lut->bits != 0)
        lut->bits++;
    if (packed)
        lut->bits = 8;
}

bool kin_dicom_lut_load(kin_item *item, kin_tag descriptor, kin_tag data, bool inputs_signed,
                        kin_lut *out)
{
    const uint16_t *words;
    size_t count;
    memset(out, 0, sizeof *out);
    if (!kin_dicom_lut_descriptor(item, descriptor, inputs_signed, out) ||
        !kin_dicom_item_words(item, data, &words, &count, NULL))
        return false;
    if (count < out->count && 2 * count < out->count)
        return false; /* the data are cut off */
    if (count < out->count && out->bits > 8) {
        out->count = count; /* fewer entries than promised: inputs beyond take the last */
    }
    out->entries = malloc(out->count * sizeof *out->entries);
    if (out->entries == NULL)
        return false;
    take_entries(out, words, count);
    return true;
}

void kin_dicom_lut_release(kin_lut *lut)
{
    free(lut->entries);
    memset(lut, 0, sizeof *lut);
}
