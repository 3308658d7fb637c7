// Moving BGRA8 pictures for measurements: drawn, or from a file of raw I420 frames (BT.709, limited range).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct picture;

// The drawn picture pans a coloured pattern and has, at the bottom left, five squares at rest of 64 x 64 pixels for colour
// checks: red, green, blue, white, black. file NULL = drawn. NULL: no memory, or the file cannot be used.
struct picture *picture_create(uint32_t width, uint32_t height, const char *file);
void picture_destroy(struct picture **p);

uint8_t *picture_pixels(struct picture *p); // rows of width * 4 bytes; the same buffer for every frame
bool picture_next(struct picture *p, uint64_t n); // draw frame n; false: the file cannot be read
