// Image files: whatever the bytes, a picture within the limits or an error with a text.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[200] = "";
    struct image image;
    if (image_decode(data, size, &image, error, sizeof(error))) {
        assert(image.pixels && image.width && image.height && image.width <= IMAGE_MAX_SIDE && image.height <= IMAGE_MAX_SIDE);
        float rgba[4];
        image_pixel(&image, image.width - 1, image.height - 1, rgba);
        image_free(&image);
    } else {
        assert(error[0] && !image.pixels);
    }
    return 0;
}
