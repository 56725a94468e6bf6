#include "dicom/prescan.h"

#include <string.h>

#include "dicom/container.h"
#include "dicom/wire.h"

enum {
    UNDEFINED_LENGTH = 0xffffffff,
    TAG_ITEM = 0xfffee000,
    TAG_ITEM_END = 0xfffee00d,
    TAG_SEQUENCE_END = 0xfffee0dd,
    TAG_FLOAT_PIXELS = 0x7fe00008,
    TAG_DOUBLE_PIXELS = 0x7fe00009,
    TAG_PIXELS = 0x7fe00010,
    /* The data set, and for each level of nesting a sequence and an item of it. */
    STACK_SIZE = 1 + 2 * KIN_DICOM_MAX_NESTING
};

typedef enum level_kind {
    LEVEL_ELEMENTS, /* the data set or an item: elements follow each other */
    LEVEL_ITEMS,    /* a sequence: items follow each other */
    LEVEL_FRAGMENTS /* an encapsulated value: items with opaque contents */
} level_kind;

typedef struct level {
    level_kind kind;
    kin_dicom_encoding encoding;
    size_t end;   /* the level may not reach beyond */
    bool bounded; /* it ends at `end`; else at its delimiter, somewhere before */
    bool guessed; /* the value may be a sequence or opaque: trouble within makes it opaque */
} level;

typedef struct walk {
    const uint8_t *bytes;
    size_t size, at;
    size_t headers; /* visited so far */
    level stack[STACK_SIZE];
    int depth; /* index of the innermost level */
    kin_dicom_layout *layout;
    kin_error *err;
} walk;

typedef struct element {
    uint32_t tag;
    char vr[2];
    uint32_t length;
    size_t header; /* bytes of tag, VR and length */
} element;

static level *top(walk *w)
{
    return &w->stack[w->depth];
}

static kin_status malformed(walk *w, const char *what)
{
    return kin_fail(w->err, KIN_E_FORMAT, NULL, "%s at offset %zu", what, w->at);
}

static kin_status push(walk *w, level_kind kind, kin_dicom_encoding encoding, uint32_t length,
                       bool guessed)
{
    if (w->depth + 1 >= STACK_SIZE)
        return kin_fail(w->err, KIN_E_LIMIT, NULL,
                        "sequences nested more than %d deep at offset %zu", KIN_DICOM_MAX_NESTING,
                        w->at);
    bool bounded = length != UNDEFINED_LENGTH;
    size_t end = bounded ? w->at + length : top(w)->end;
    w->stack[++w->depth] = (level){kind, encoding, end, bounded, guessed};
    return KIN_OK;
}

static bool is_delimiter(uint32_t tag)
{
    return tag == TAG_ITEM || tag == TAG_ITEM_END || tag == TAG_SEQUENCE_END;
}

/* VRs with two reserved bytes and a length of 32 bits (PS3.5 table 7.1-1).  As DCMTK does, one that
 * nobody knows is taken for a future one, which by the standard's promise has that form too, when
 * it is two capital letters; anything else is an old error with a short length. */
static bool has_long_length(const char *vr)
{
    static const char short_vrs[][3] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT",
                                        "FL", "FD", "IS", "LO", "LT", "PN", "SH",
                                        "SL", "SS", "ST", "TM", "UI", "UL", "US"};
    if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
        return false;
    for (size_t i = 0; i < sizeof short_vrs / sizeof short_vrs[0]; i++)
        if (memcmp(vr, short_vrs[i], 2) == 0)
            return false;
    return true;
}

/* Reads the header at w->at, which may not reach beyond `end`. */
static kin_status read_header(walk *w, size_t end, kin_dicom_encoding encoding, element *out)
{
    const uint8_t *p = w->bytes + w->at;
    size_t room = end - w->at;
    bool big = encoding == KIN_DICOM_EXPLICIT_BIG;
    if (++w->headers > KIN_DICOM_MAX_ELEMENTS)
        return kin_fail(w->err, KIN_E_LIMIT, NULL, "more than %d elements", KIN_DICOM_MAX_ELEMENTS);
    if (room < 8)
        return malformed(w, "truncated: an element's header is cut off");
    out->tag = (uint32_t)kin_wire_16(p, big) << 16 | kin_wire_16(p + 2, big);
    out->header = 8;
    if (encoding == KIN_DICOM_IMPLICIT_LITTLE || is_delimiter(out->tag)) {
        memcpy(out->vr, "OW", 2);
        out->length = kin_wire_32(p + 4, big);
        return KIN_OK;
    }
    memcpy(out->vr, p + 4, 2);
    if (!has_long_length(out->vr)) {
        out->length = kin_wire_16(p + 6, big);
        return KIN_OK;
    }
    if (room < 12)
        return malformed(w, "truncated: an element's header is cut off");
    out->header = 12;
    out->length = kin_wire_32(p + 8, big);
    return KIN_OK;
}

/* The header of an item or delimiter within a sequence or an encapsulated value. */
static kin_status read_item_header(walk *w, const level *in, element *out)
{
    kin_status status = read_header(w, in->end, in->encoding, out);
    if (status == KIN_OK && !is_delimiter(out->tag))
        return malformed(w, "an item of a sequence was expected");
    return status;
}

static bool begins_with_item(const walk *w, const element *e, bool big)
{
    const uint8_t *p = w->bytes + w->at;
    return e->length >= 8 && kin_wire_16(p, big) == TAG_ITEM >> 16 &&
           kin_wire_16(p + 2, big) == (TAG_ITEM & 0xffff);
}

static bool is_pixel_tag(uint32_t tag)
{
    return tag == TAG_PIXELS || tag == TAG_FLOAT_PIXELS || tag == TAG_DOUBLE_PIXELS;
}

/* Notes the pixel data of the data set's own level, whose value begins at w->at. */
static void note_pixels(walk *w, const element *e)
{
    kin_dicom_layout *layout = w->layout;
    layout->has_pixels = true;
    layout->end = w->at - e->header;
    layout->pixel_tag = e->tag;
    memcpy(layout->pixel_vr, e->vr, 2);
    layout->pixel_offset = w->at;
    layout->pixel_size = e->length;
    layout->encapsulated = e->length == UNDEFINED_LENGTH;
}

/* Goes into the value of e, when it holds elements, or past it.  w->at is behind the header. */
static kin_status enter_or_skip(walk *w, const element *e)
{
    level in = *top(w);
    bool implicit = in.encoding == KIN_DICOM_IMPLICIT_LITTLE;
    bool unknown = implicit || memcmp(e->vr, "UN", 2) == 0;
    if (e->length == UNDEFINED_LENGTH) {
        bool bulk = !implicit && (memcmp(e->vr, "OB", 2) == 0 || memcmp(e->vr, "OW", 2) == 0);
        if (bulk || (implicit && is_pixel_tag(e->tag)))
            return push(w, LEVEL_FRAGMENTS, in.encoding, e->length, false);
        /* PS3.5 section 6.2.2 note 2: UN of undefined length is a sequence in implicit VR. */
        bool sequence = memcmp(e->vr, "SQ", 2) == 0;
        return push(w, LEVEL_ITEMS, sequence ? in.encoding : KIN_DICOM_IMPLICIT_LITTLE, e->length,
                    false);
    }
    if (e->length > in.end - w->at)
        return malformed(w, "truncated: an element is longer than what remains");
    if (!implicit && memcmp(e->vr, "SQ", 2) == 0)
        return push(w, LEVEL_ITEMS, in.encoding, e->length, false);
    /* Without a VR only the dictionary knows a sequence; what looks like one is walked as one. */
    if (unknown && begins_with_item(w, e, false))
        return push(w, LEVEL_ITEMS, KIN_DICOM_IMPLICIT_LITTLE, e->length, true);
    w->at += e->length;
    return KIN_OK;
}

static kin_status step_elements(walk *w)
{
    element e = {0};
    kin_status status = read_header(w, top(w)->end, top(w)->encoding, &e);
    if (status != KIN_OK)
        return status;
    if (e.tag == TAG_ITEM_END && w->depth > 0) {
        w->at += e.header;
        w->depth--;
        return KIN_OK;
    }
    if (is_delimiter(e.tag))
        return malformed(w, "an item or delimiter where an element was expected");
    w->at += e.header;
    if (w->depth == 0 && is_pixel_tag(e.tag))
        note_pixels(w, &e);
    return enter_or_skip(w, &e);
}

/* Takes the header of an item, or of the sequence's end; `stray` says of an item's end, which can be
 * neither, where it stands. */
static kin_status take_item_header(walk *w, const level *in, const char *stray, element *e)
{
    kin_status status = read_item_header(w, in, e);
    if (status != KIN_OK)
        return status;
    if (e->tag == TAG_ITEM_END)
        return malformed(w, stray);
    w->at += e->header;
    return KIN_OK;
}

static kin_status step_items(walk *w)
{
    element e = {0};
    level in = *top(w);
    kin_status status = take_item_header(w, &in, "an item's delimiter outside of an item", &e);
    if (status != KIN_OK)
        return status;
    if (e.tag == TAG_SEQUENCE_END) {
        w->depth--;
        return KIN_OK;
    }
    if (e.length != UNDEFINED_LENGTH && e.length > in.end - w->at)
        return malformed(w, "truncated: an item is longer than what remains");
    return push(w, LEVEL_ELEMENTS, in.encoding, e.length, false);
}

static kin_status step_fragments(walk *w)
{
    element e = {0};
    level in = *top(w);
    kin_status status = take_item_header(w, &in, "an item's delimiter among fragments", &e);
    if (status != KIN_OK)
        return status;
    if (e.tag == TAG_SEQUENCE_END) {
        w->depth--;
        if (w->depth == 0 && w->layout->has_pixels)
            w->layout->pixel_size = w->at - w->layout->pixel_offset;
        return KIN_OK;
    }
    if (e.length == UNDEFINED_LENGTH || e.length > in.end - w->at)
        return malformed(w, "truncated: a fragment is longer than what remains");
    w->at += e.length;
    if (w->depth == 1 && w->layout->has_pixels)
        w->layout->item_count++;
    return KIN_OK;
}

/* Leaves bounded levels that end here. */
static void leave_finished(walk *w)
{
    while (w->depth > 0 && top(w)->bounded && w->at >= top(w)->end)
        w->depth--;
}

/* After trouble: when it lies within a value that was only guessed to be a sequence, the value is
 * opaque, and the walk goes on behind it.  Whatever reads it as a sequence meets its own error. */
static bool give_up_guess(walk *w)
{
    for (int i = w->depth; i > 0; i--)
        if (w->stack[i].guessed) {
            w->at = w->stack[i].end;
            w->depth = i - 1;
            return true;
        }
    return false;
}

/* A few zero bytes at the very end are padding by some archive. */
static bool only_zeros_remain(const walk *w)
{
    for (size_t i = w->at; i < w->size; i++)
        if (w->bytes[i] != 0)
            return false;
    return true;
}

static kin_status step(walk *w)
{
    switch (top(w)->kind) {
    case LEVEL_ELEMENTS:
        return step_elements(w);
    case LEVEL_ITEMS:
        return step_items(w);
    default:
        return step_fragments(w);
    }
}

kin_status kin_dicom_walk(const void *bytes, size_t size, kin_dicom_encoding encoding,
                          kin_dicom_layout *layout, kin_error *err)
{
    memset(layout, 0, sizeof *layout);
    walk w = {.bytes = bytes, .size = size, .layout = layout, .err = err};
    w.stack[0] = (level){LEVEL_ELEMENTS, encoding, size, true, false};
    while (w.depth > 0 || w.at < size) {
        if (w.depth == 0 && (layout->has_pixels || (size - w.at < 8 && only_zeros_remain(&w))))
            break;
        kin_status status = step(&w);
        if (status != KIN_OK && (status == KIN_E_LIMIT || !give_up_guess(&w)))
            return status;
        leave_finished(&w);
    }
    if (!layout->has_pixels)
        layout->end = w.at;
    return KIN_OK;
}

kin_status kin_dicom_prescan(const void *bytes, size_t size, kin_error *err)
{
    kin_dicom_container container;
    kin_dicom_layout layout;
    kin_status status = kin_dicom_container_read(bytes, size, &container, err);
    if (status != KIN_OK || container.deflated)
        return status;
    return kin_dicom_walk(container.data_set, container.data_set_size, container.encoding, &layout,
                          err);
}
