// The encoder of bench-frame.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bench_encoder;

struct bench_encoder *bench_encoder_create(int width, int height); // NULL: said why on stderr
void bench_encoder_destroy(struct bench_encoder **e);
const char *bench_encoder_name(const struct bench_encoder *e);
// Encodes one BGRA8 picture of tight rows; returns its size and the two times in milliseconds.
size_t bench_encode(struct bench_encoder *e, const uint8_t *bgra, double *yuv_ms, double *encode_ms);
