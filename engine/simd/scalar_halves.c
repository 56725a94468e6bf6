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

/* a where the condition (0 or 1) holds, else b: by masks, for compilers make vectors of these and
 * not of branches, which they would make again of conditional expressions. */
static inline uint32_t choose(uint32_t condition, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & (0u - condition));
}

/* Exponents are biased by 15 in a half and by 127 in a float, fractions have 10 bits and 23.  All
 * cases are calculated and one is taken. */
static inline float widen(uint16_t half)
{
    const uint32_t rebias = (127u - 15u) << 23, one_exponent = 1u << 23, quiet = 1u << 22;
    uint32_t bits = (uint32_t)(half & 0x7fffu) << 13, fraction = half & 0x3ffu;
    uint32_t exponent = half & 0x7c00u, normal = bits + rebias;
    /* 2^-14 (1 + fraction), less the 2^-14 that is not there */
    uint32_t subnormal = bits_of(float_of(normal + one_exponent) - float_of(rebias + one_exponent));
    /* infinite or NaN: the exponent stays the largest */
    uint32_t special = (normal + rebias) | choose(fraction != 0, quiet, 0);
    uint32_t magnitude =
        choose(exponent == 0, subnormal, choose(exponent == 0x7c00u, special, normal));
    return float_of(magnitude | (uint32_t)(half & 0x8000u) << 16);
}

static inline uint16_t narrow(float f)
{
    const uint32_t infinite = 0x7f800000u;                    /* as a float */
    const uint32_t too_large = (127u + 16u) << 23;            /* 2^16 */
    const uint32_t least_normal = (127u - 14u) << 23;         /* 2^-14 */
    const uint32_t subnormal_unit = (127u - 24u + 23u) << 23; /* its last bit weighs 2^-24 */
    uint32_t sign = (bits_of(f) >> 16) & 0x8000u, bits = bits_of(f) & 0x7fffffffu;
    /* to nearest, ties to even; a carry goes into the exponent, and from 65520 on to infinity */
    uint32_t normal = (bits - ((127u - 15u) << 23) + 0xfffu + ((bits >> 13) & 1u)) >> 13;
    /* the addition rounds at the weight of a half's last bit */
    uint32_t subnormal = bits_of(float_of(bits) + float_of(subnormal_unit)) - subnormal_unit;
    uint32_t special = 0x7c00u | choose(bits > infinite, 0x200u | ((bits >> 13) & 0x3ffu), 0);
    uint32_t half =
        choose(bits >= too_large, special, choose(bits < least_normal, subnormal, normal));
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
