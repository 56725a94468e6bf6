/* wish.h - kin_decode_wish as both sides of the conversation read it. */
#ifndef KIN_DECODE_WISH_H
#define KIN_DECODE_WISH_H

#include "decode/decode.h"

/* KIN_E_ARG for a wish that no file could fulfil (NULL is fine): the message begins with the
 * field's name. */
kin_status kin_wish_check(const kin_decode_wish *wish, kin_error *err);

/* `wish`, or for NULL the one that is all zero. */
kin_decode_wish kin_wish_effective(const kin_decode_wish *wish);

/* Of the frames of a file: how many are wanted, and the first of them.  KIN_E_NOT_FOUND when the
 * one that is wished for is not there. */
kin_status kin_wish_frames(const kin_decode_wish *wish, int frames, int *first, int *count,
                           kin_error *err);

/* True when the region, where one is wished for, lies within a frame of width x height pixels. */
bool kin_wish_fits(const kin_decode_wish *wish, uint32_t width, uint32_t height);

#endif
