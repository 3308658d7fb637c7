// The decoders behind image_decode(); each gives false with `error` set.
#pragma once

#include "image.h"

bool image_png_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_jpeg_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_exr_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
bool image_stb_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
