#include "dicom_bytes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put16(FILE *out, unsigned value)
{
    fputc((int)(value & 0xFF), out);
    fputc((int)(value >> 8 & 0xFF), out);
}

static void put32(FILE *out, uint32_t value)
{
    put16(out, value & 0xFFFF);
    put16(out, value >> 16);
}

static void put_tag(FILE *out, uint32_t tag)
{
    put16(out, tag >> 16);
    put16(out, tag & 0xFFFF);
}

/* An element with a text value and a 16-bit length; padded to an even one. */
static void put_text(FILE *out, uint32_t tag, const char *vr, const char *text)
{
    size_t length = strlen(text);
    put_tag(out, tag);
    fputs(vr, out);
    put16(out, (unsigned)(length + length % 2));
    fputs(text, out);
    if (length % 2 != 0)
        fputc(strcmp(vr, "UI") == 0 ? '\0' : ' ', out);
}

static void put_us(FILE *out, uint32_t tag, unsigned value)
{
    put_tag(out, tag);
    fputs("US", out);
    put16(out, 2);
    put16(out, value);
}

static void put_start(FILE *out)
{
    static const char syntax[] = "1.2.840.10008.1.2.1";
    static const char preamble[128] = {0};
    fwrite(preamble, 1, sizeof preamble, out);
    fputs("DICM", out);
    put_tag(out, 0x00020000);
    fputs("UL", out);
    put16(out, 4);
    put32(out, 8 + sizeof syntax); /* the syntax's terminating NUL makes its length even */
    put_text(out, 0x00020010, "UI", syntax);
    put_text(out, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    put_text(out, 0x00080018, "UI", "1.2.3.4");
}

static void put_pixels(FILE *out, unsigned rows, unsigned columns, unsigned bits)
{
    put_us(out, 0x00280002, 1);
    put_text(out, 0x00280004, "CS", "MONOCHROME2");
    put_us(out, 0x00280010, rows);
    put_us(out, 0x00280011, columns);
    put_us(out, 0x00280100, bits);
    put_us(out, 0x00280101, bits);
    put_us(out, 0x00280102, bits - 1);
    put_us(out, 0x00280103, 0);
    put_tag(out, 0x7FE00010);
    fputs("OW", out);
    put16(out, 0);
    put32(out, 64);
    for (int i = 0; i < 64; i++)
        fputc(i * 3, out);
}

void *dicom_nested(size_t levels, size_t *size)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    put_start(out);
    for (size_t i = 0; i < levels; i++) {
        put_tag(out, 0x00081140);
        fputs("SQ", out);
        put16(out, 0);
        put32(out, UINT32_MAX);
        put_tag(out, 0xFFFEE000);
        put32(out, UINT32_MAX);
    }
    for (size_t i = 0; i < levels; i++) {
        put_tag(out, 0xFFFEE00D);
        put32(out, 0);
        put_tag(out, 0xFFFEE0DD);
        put32(out, 0);
    }
    put_pixels(out, 8, 8, 8);
    fclose(out);
    return bytes;
}

void *dicom_huge_claim(size_t *size)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    put_start(out);
    put_pixels(out, 65535, 65535, 16);
    fclose(out);
    return bytes;
}
