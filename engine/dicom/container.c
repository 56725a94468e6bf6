#include "dicom/container.h"

#include <string.h>

#include "dicom/dicom.h"
#include "dicom/wire.h"

enum {
    PREAMBLE = 128,
    MAGIC_END = PREAMBLE + 4,
    TAG_TRANSFER_SYNTAX = 0x00020010,
    META_GROUP = 0x0002
};

/* Pairs of letters that are a VR (PS3.5 section 6.2). */
static bool is_vr(const uint8_t *p)
{
    static const char vrs[][3] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD",
                                  "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW",
                                  "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC",
                                  "UI", "UL", "UN", "UR", "US", "UT", "UV"};
    for (size_t i = 0; i < sizeof vrs / sizeof vrs[0]; i++)
        if (memcmp(p, vrs[i], 2) == 0)
            return true;
    return false;
}

/* How a data set that begins at p (6 bytes at least) is coded.  A group above 0x00ff that is below
 * it when read the other way is a swapped one: data sets begin with group 0008. */
static kin_dicom_encoding detect_encoding(const uint8_t *p)
{
    if (!is_vr(p + 4))
        return KIN_DICOM_IMPLICIT_LITTLE;
    bool swapped = kin_wire_16(p, false) > 0xff && kin_wire_16(p, true) <= 0xff;
    return swapped ? KIN_DICOM_EXPLICIT_BIG : KIN_DICOM_EXPLICIT_LITTLE;
}

/* One element of a little endian header run; false where it does not fit into size. */
typedef struct plain_element {
    uint32_t tag;
    const uint8_t *value;
    size_t length;
} plain_element;

static bool read_plain(const uint8_t *p, size_t size, bool is_explicit, bool big,
                       plain_element *out)
{
    static const char *const long_vrs[] = {"OB", "OW", "SQ", "UN", "UT"};
    size_t header = 8;
    if (size < 8)
        return false;
    out->tag = (uint32_t)kin_wire_16(p, big) << 16 | kin_wire_16(p + 2, big);
    out->length = is_explicit ? kin_wire_16(p + 6, big) : kin_wire_32(p + 4, big);
    for (size_t i = 0; is_explicit && i < sizeof long_vrs / sizeof long_vrs[0]; i++)
        if (memcmp(p + 4, long_vrs[i], 2) == 0) {
            if (size < 12)
                return false;
            header = 12;
            out->length = kin_wire_32(p + 8, big);
        }
    out->value = p + header;
    return out->length <= size - header;
}

static void copy_uid(char uid[KIN_UID_SIZE], const uint8_t *value, size_t length)
{
    size_t n = 0;
    while (n < length && n < KIN_UID_SIZE - 1 &&
           ((value[n] >= '0' && value[n] <= '9') || value[n] == '.'))
        n++;
    memcpy(uid, value, n);
    uid[n] = '\0';
}

/* Walks the meta group (explicit little endian, PS3.10 section 7.1; some write it implicit), from
 * *at to the first element of another group.  The group length is not believed. */
static kin_status read_meta(const uint8_t *bytes, size_t size, size_t *at, char uid[KIN_UID_SIZE],
                            kin_error *err)
{
    uid[0] = '\0';
    while (*at + 2 <= size && kin_wire_16(bytes + *at, false) == META_GROUP) {
        const uint8_t *p = bytes + *at;
        bool is_explicit = *at + 6 <= size && is_vr(p + 4);
        plain_element e;
        if (!read_plain(p, size - *at, is_explicit, false, &e))
            return kin_fail(err, KIN_E_FORMAT, NULL, "truncated file meta group at offset %zu",
                            *at);
        if (e.tag == TAG_TRANSFER_SYNTAX)
            copy_uid(uid, e.value, e.length);
        *at = (size_t)(e.value - bytes) + e.length;
    }
    return KIN_OK;
}

static bool has_magic(const uint8_t *bytes, size_t size)
{
    return size >= MAGIC_END && memcmp(bytes + PREAMBLE, "DICM", 4) == 0;
}

/* Without the magic: a few elements of ascending tags that begin with group 0002 or 0008. */
static bool plausible_data_set(const uint8_t *bytes, size_t size)
{
    enum { LOOK_AT = 3 };
    if (size < 8)
        return false;
    kin_dicom_encoding encoding = detect_encoding(bytes);
    bool big = encoding == KIN_DICOM_EXPLICIT_BIG;
    uint32_t previous = 0;
    size_t at = 0;
    for (int i = 0; i < LOOK_AT && at < size; i++) {
        plain_element e;
        bool is_explicit = size - at >= 8 && is_vr(bytes + at + 4);
        if (!read_plain(bytes + at, size - at, is_explicit, big, &e))
            return false;
        unsigned group = e.tag >> 16;
        if (i == 0 ? group != 0x0002 && group != 0x0008 : e.tag <= previous)
            return false;
        previous = e.tag;
        at = (size_t)(e.value - bytes) + e.length;
    }
    return true;
}

bool kin_dicom_recognise(const void *bytes, size_t size)
{
    return has_magic(bytes, size) || plausible_data_set(bytes, size);
}

/* Sets encoding and codec from the syntax named in the file and from the data set's first bytes. */
static void settle_syntax(kin_dicom_container *out)
{
    const kin_dicom_syntax_info *named = kin_dicom_syntax_of(out->syntax_uid);
    bool native = named == NULL || (named->codec == KIN_CODEC_NATIVE && !named->deflated);
    if (native && out->data_set_size >= 8) {
        kin_dicom_encoding found = detect_encoding(out->data_set);
        if (named == NULL && out->syntax_uid[0] != '\0') {
            out->encoding = found; /* a private syntax: its elements may still be readable */
            out->codec = KIN_CODEC_NONE;
            return;
        }
        if (named == NULL || named->encoding != found)
            named = kin_dicom_syntax_native(found);
    }
    if (named == NULL)
        named = kin_dicom_syntax_native(KIN_DICOM_EXPLICIT_LITTLE);
    memmove(out->syntax_uid, named->uid, strlen(named->uid) + 1);
    out->encoding = named->encoding;
    out->deflated = named->deflated;
    out->codec = named->codec;
}

kin_status kin_dicom_container_read(const void *bytes, size_t size, kin_dicom_container *out,
                                    kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (!kin_dicom_recognise(bytes, size))
        return kin_fail(err, KIN_E_FORMAT, NULL, "not a DICOM file");
    size_t at = has_magic(bytes, size) ? MAGIC_END : 0;
    kin_status status = read_meta(bytes, size, &at, out->syntax_uid, err);
    if (status != KIN_OK)
        return status;
    if (at == size)
        return kin_fail(err, KIN_E_FORMAT, NULL, "truncated: no data set");
    out->data_set = (const uint8_t *)bytes + at;
    out->data_set_size = size - at;
    settle_syntax(out);
    return KIN_OK;
}
