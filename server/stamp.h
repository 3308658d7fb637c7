// The latency stamp: a machine-readable clock in the top left 512 x 32 pixels of a BGRA8 picture.
#pragma once

#include <stdint.h>

#define STAMP_WIDTH 512
#define STAMP_HEIGHT 32

// Draw into a picture of at least that size; smaller ones are left alone.
void stamp_draw(uint8_t *bgra, int width, int height, int64_t mono_ns, uint16_t counter, uint8_t echo);
// CRC-8, polynomial 0x07, initial value 0.
uint8_t stamp_crc8(const uint8_t *data, int size);
