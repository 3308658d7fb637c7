// What a pick query found, from the renderer's synthetic output. Render thread.
#pragma once

#include <jansson.h>

#include "rx.h"

/**
 * Decode the pick output of a frame.
 *
 * @param paths Set to a list of unique prim paths, nearest first; empty on a miss. The caller's reference.
 * @return      -1: the output is malformed or cannot be mapped; 0: the frame has none; 1: decoded.
 */
int pick_decode(struct rx *rx, const struct rx_frame *frame, json_t **paths);
