/* data_set.h - data sets put together element by element (explicit little endian). */
#ifndef KIN_TEST_DATA_SET_H
#define KIN_TEST_DATA_SET_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "builder.h"

static inline void put16(builder *b, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    put(b, bytes, sizeof bytes);
}

static inline void put32(builder *b, uint32_t value)
{
    put16(b, value & 0xffff);
    put16(b, value >> 16);
}

static inline void put_tag(builder *b, uint32_t tag)
{
    put16(b, tag >> 16);
    put16(b, tag & 0xffff);
}

/* Any value, of a VR with a 16-bit length; padded by `pad`. */
static inline void put_value(builder *b, uint32_t tag, const char *vr, const void *value,
                             size_t size, char pad)
{
    put_tag(b, tag);
    put(b, vr, 2);
    put16(b, (unsigned)(size + size % 2));
    put(b, value, size);
    if (size % 2 != 0)
        put(b, &pad, 1);
}

static inline void put_text(builder *b, uint32_t tag, const char *vr, const char *text)
{
    put_value(b, tag, vr, text, strlen(text), strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

static inline void put_us(builder *b, uint32_t tag, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    put_value(b, tag, "US", bytes, sizeof bytes, 0);
}

static inline void put_floats(builder *b, uint32_t tag, const float *values, size_t count)
{
    put_value(b, tag, "FL", values, count * sizeof *values, 0); /* the tests' machines: little */
}

/* Sequences and items of undefined length. */
static inline void open_sequence(builder *b, uint32_t tag)
{
    put_tag(b, tag);
    put(b, "SQ\0\0", 4);
    put32(b, 0xffffffff);
}

static inline void open_item(builder *b)
{
    put_tag(b, 0xfffee000);
    put32(b, 0xffffffff);
}

static inline void close_item(builder *b)
{
    put_tag(b, 0xfffee00d);
    put32(b, 0);
}

static inline void close_sequence(builder *b)
{
    put_tag(b, 0xfffee0dd);
    put32(b, 0);
}

/* A sequence of one item. */
static inline void open_one(builder *b, uint32_t tag)
{
    open_sequence(b, tag);
    open_item(b);
}

static inline void close_one(builder *b)
{
    close_item(b);
    close_sequence(b);
}

static inline void put_pixels(builder *b, const char *vr, const void *bytes, size_t size)
{
    put_tag(b, 0x7fe00010);
    put(b, vr, 2);
    put16(b, 0);
    put32(b, (uint32_t)size);
    put(b, bytes, size);
}

/* Preamble, file meta information and the identity of an object. */
static inline void begin_file(builder *b, const char *sop_class)
{
    static const char preamble[128];
    builder meta = {0};
    put_text(&meta, 0x00020010, "UI", "1.2.840.10008.1.2.1");
    put(b, preamble, sizeof preamble);
    put(b, "DICM", 4);
    put_tag(b, 0x00020000);
    put(b, "UL", 2);
    put16(b, 4);
    put32(b, (uint32_t)meta.size);
    put(b, meta.bytes, meta.size);
    free(meta.bytes);
    put_text(b, 0x00080016, "UI", sop_class);
    put_text(b, 0x00080018, "UI", "1.2.3.99");
}

#endif
