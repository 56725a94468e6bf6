#include "profile.h"

#include <stdint.h>
#include <string.h>

/* The profile's parts, one after the other, each a multiple of four bytes long. */
enum {
    TAGS = 9,
    AT_TABLE = 128, /* after the header */
    AT_NAME = AT_TABLE + 4 + TAGS * 12,
    AT_RIGHTS = AT_NAME + 96,
    AT_POINTS = AT_RIGHTS + 12, /* white point, red, green, blue: 20 bytes each */
    AT_CURVE = AT_POINTS + 4 * 20,
    AT_END = AT_CURVE + 16
};
_Static_assert((int)AT_END == (int)PROFILE_BYTES, "the parts fill the profile");

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static void put_text(uint8_t *at, const char *text)
{
    while (*text != '\0') { /* its end is not written: the format counts */
        *at++ = (uint8_t)*text++;
    }
}

static void put_header(uint8_t *bytes)
{
    put32(bytes, PROFILE_BYTES);
    put32(bytes + 8, 0x02100000); /* version 2.1 */
    put_text(bytes + 12, "scnrRGB XYZ ");
    static const uint8_t date[12] = {0x07, 0xE3, 0, 1, 0, 1}; /* 2019-01-01, midnight */
    memcpy(bytes + 24, date, sizeof date);
    put_text(bytes + 36, "acsp");
    put32(bytes + 68, 0xF6D6); /* the illuminant, D50, in s15Fixed16 */
    put32(bytes + 72, 0x10000);
    put32(bytes + 76, 0xD32D);
}

static void put_tag(uint8_t *bytes, int index, const char *name, uint32_t at, uint32_t size)
{
    uint8_t *entry = bytes + AT_TABLE + 4 + index * 12;
    put_text(entry, name);
    put32(entry + 4, at);
    put32(entry + 8, size);
}

static void put_points(uint8_t *bytes)
{
    static const char *const names[4] = {"wtpt", "rXYZ", "gXYZ", "bXYZ"};
    static const uint32_t xyz[4][3] = {
        {0xF6D6, 0x10000, 0xD32D}, /* D50 */
        {0x6FA2, 0x38F5, 0x0390},  /* sRGB's primaries, adapted to it */
        {0x6299, 0xB785, 0x18DA},
        {0x24A0, 0x0F84, 0xB6CF}};
    for (int i = 0; i < 4; i++) {
        uint32_t at = AT_POINTS + 20 * (uint32_t)i;
        put_tag(bytes, 2 + i, names[i], at, 20);
        put_text(bytes + at, "XYZ ");
        for (int k = 0; k < 3; k++) {
            put32(bytes + at + 8 + 4 * k, xyz[i][k]);
        }
    }
}

void profile_srgb(unsigned short words[PROFILE_WORDS])
{
    uint8_t bytes[PROFILE_BYTES] = {0};
    put_header(bytes);
    put32(bytes + AT_TABLE, TAGS);
    put_tag(bytes, 0, "desc", AT_NAME, 95);
    put_text(bytes + AT_NAME, "desc");
    put32(bytes + AT_NAME + 8, 5); /* with its NUL */
    put_text(bytes + AT_NAME + 12, "sRGB");
    put_tag(bytes, 1, "cprt", AT_RIGHTS, 12);
    put_text(bytes + AT_RIGHTS, "text");
    put_text(bytes + AT_RIGHTS + 8, "CC0");
    put_points(bytes);
    put_tag(bytes, 6, "rTRC", AT_CURVE, 14); /* one curve for all three */
    put_tag(bytes, 7, "gTRC", AT_CURVE, 14);
    put_tag(bytes, 8, "bTRC", AT_CURVE, 14);
    put_text(bytes + AT_CURVE, "curv");
    put32(bytes + AT_CURVE + 8, 1);
    bytes[AT_CURVE + 12] = 2; /* gamma 2.2 in u8Fixed8 */
    bytes[AT_CURVE + 13] = 0x33;
    for (int i = 0; i < PROFILE_WORDS; i++) {
        words[i] = (unsigned short)(bytes[2 * i] | bytes[2 * i + 1] << 8);
    }
}
