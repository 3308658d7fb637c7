// The latency stamp, version 1: a machine-readable clock in the top left 512 x 32 pixels of a BGRA8 picture. Two rows of 32
// blocks of 16 x 16 pixels, most significant bit first, white is 1:
//   row 0: CLOCK_MONOTONIC in ticks of 0.1 ms, modulo 2^32
//   row 1: frame counter (16 bits), echo (8), CRC-8 of the seven bytes before it (8; polynomial 0x07, initial value 0)
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_WIDTH 512u
#define STAMP_HEIGHT 32u

struct stamp {
    uint32_t ticks; // 0.1 ms
    uint16_t counter;
    uint8_t echo;
};

uint32_t stamp_ticks_now(void);

// The picture must be at least STAMP_WIDTH x STAMP_HEIGHT; stride in bytes.
void stamp_draw(uint8_t *bgra, size_t stride, const struct stamp *stamp);

// Reads it back; false: the CRC is wrong.
bool stamp_read(const uint8_t *bgra, size_t stride, struct stamp *out);

// A number that a client sent for the echo: decimal 1 to 255, nothing else. 0 when it is none.
uint8_t stamp_parse_echo(const char *text, size_t size);
