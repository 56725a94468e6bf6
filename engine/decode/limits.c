#include "decode/decode.h"

static const kin_decode_limits defaults = {
    .max_file_bytes = (size_t)2 << 30,
    .max_frame_bytes = (size_t)512 << 20,
    .max_total_bytes = (size_t)16 << 30,
    .max_frames = 65536,
    .memory_bytes = (size_t)3 << 30,
    .seconds = 60.0,
};

kin_decode_limits kin_decode_limits_effective(const kin_decode_limits *limits)
{
    if (limits == NULL)
        return defaults;
    kin_decode_limits out = *limits;
    if (out.max_file_bytes == 0)
        out.max_file_bytes = defaults.max_file_bytes;
    if (out.max_frame_bytes == 0)
        out.max_frame_bytes = defaults.max_frame_bytes;
    if (out.max_total_bytes == 0)
        out.max_total_bytes = defaults.max_total_bytes;
    if (out.max_frames <= 0)
        out.max_frames = defaults.max_frames;
    if (out.memory_bytes == 0)
        out.memory_bytes = defaults.memory_bytes;
    if (!(out.seconds > 0.0))
        out.seconds = defaults.seconds;
    if (out.nice < 0)
        out.nice = 0;
    if (out.nice > KIN_DECODE_NICE_MAX)
        out.nice = KIN_DECODE_NICE_MAX;
    return out;
}
