#include "image/write.h"

void kin_image_quantise(const float *px, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        /* Written so that NaN becomes 0, and without a branch or a call. */
        float v = px[i] > 0.0f ? px[i] : 0.0f;
        v = v < 1.0f ? v : 1.0f;
        out[i] = (uint8_t)(int)(v * 255.0f + 0.5f);
    }
}
