/* IEEE 754 halves in plain C, bit for bit as the processors' own conversions: a signalling NaN
 * becomes a quiet one, and a NaN keeps its sign and as much of its payload as there is room for. */
#include <string.h>

#include "simd/kernels_tables.h"

enum { CHUNK = 256 };

static inline uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Exponents are biased by 15 in a half and by 127 in a float, fractions have 10 bits and 23. */
static inline float widen(uint16_t half)
{
    const uint32_t rebias = (127u - 15u) << 23, quiet = 1u << 22;
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, bits = (uint32_t)(half & 0x7fffu) << 13;
    if (half & 0x7c00u) {
        bits += rebias;
        if ((half & 0x7c00u) == 0x7c00u) /* infinite or NaN: the exponent stays the largest */
            bits = (bits + rebias) | ((half & 0x3ffu) != 0 ? quiet : 0);
    } else { /* subnormal: 2^-14 (1 + fraction) less the 2^-14 that is not there */
        bits = bits_of(float_of(bits + rebias + (1u << 23)) - float_of(rebias + (1u << 23)));
    }
    return float_of(sign | bits);
}

static inline uint16_t narrow(float f)
{
    const uint32_t infinite = 0x7f800000u;                    /* as a float */
    const uint32_t too_large = (127u + 16u) << 23;            /* 2^16 */
    const uint32_t least_normal = (127u - 14u) << 23;         /* 2^-14 */
    const uint32_t subnormal_unit = (127u - 24u + 23u) << 23; /* its last bit weighs 2^-24 */
    uint32_t bits = bits_of(f), sign = (bits >> 16) & 0x8000u, half;
    bits &= 0x7fffffffu;
    if (bits > infinite)
        half = 0x7e00u | ((bits >> 13) & 0x3ffu);
    else if (bits >= too_large)
        half = 0x7c00u;
    else if (bits < least_normal) /* the addition rounds at the weight of a half's last bit */
        half = bits_of(float_of(bits) + float_of(subnormal_unit)) - subnormal_unit;
    else /* to nearest, ties to even; a carry goes into the exponent, and from 65520 to infinity */
        half = (bits - ((127u - 15u) << 23) + 0xfffu + ((bits >> 13) & 1u)) >> 13;
    return (uint16_t)(sign | half);
}

void kin_scalar_to_half(const float *from, uint16_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = narrow(from[i]);
}

void kin_scalar_from_half(const uint16_t *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = widen(from[i]);
}

/* Rows are widened a piece at a time, and the floats' sums do the rest. */
float kin_scalar_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    float wide[CHUNK], total = 0;
    for (size_t i = 0; i < dim; i += CHUNK) {
        size_t n = dim - i < CHUNK ? dim - i : CHUNK;
        kin_scalar_from_half(row + i, wide, n);
        total += kin_scalar_dot(query + i, wide, n);
    }
    return total;
}

float kin_scalar_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    float wide[CHUNK], total = 0;
    for (size_t i = 0; i < dim; i += CHUNK) {
        size_t n = dim - i < CHUNK ? dim - i : CHUNK;
        kin_scalar_from_half(row + i, wide, n);
        total += kin_scalar_l2sq(query + i, wide, n);
    }
    return total;
}

void kin_scalar_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                              size_t dim, float *out)
{
    for (size_t r = 0; r < count; r++)
        out[r] = kin_scalar_dot_half(query, rows + r * stride, dim);
}
