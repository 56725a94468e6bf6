/* wire.h - integers as they lie in a file, whatever the machine's own order and alignment. */
#ifndef KIN_DICOM_WIRE_H
#define KIN_DICOM_WIRE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t kin_wire_16(const uint8_t *p, bool big_endian)
{
    return big_endian ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t kin_wire_32(const uint8_t *p, bool big_endian)
{
    return big_endian ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                      : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t kin_wire_64(const uint8_t *p, bool big_endian)
{
    uint64_t first = kin_wire_32(p, big_endian), second = kin_wire_32(p + 4, big_endian);
    return big_endian ? first << 32 | second : second << 32 | first;
}

#endif
