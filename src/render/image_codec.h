// The decoders behind image_decode(); each gives false with `error` set.
#pragma once

#include "image.h"

bool image_png_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_jpeg_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_exr_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_stb_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);

// Whether a file of `size` bytes can hold that many pixels at all: no format here packs more than about 8000 into a
// byte (1-bit PNG). Keeps a few bytes from asking for a gigabyte. false: `error` says so.
bool image_plausible(uint64_t width, uint64_t height, size_t size, char *error, size_t error_size);
