// Pixels in CUDA device memory, through the driver API of libcuda.so.1, which is opened on first use. The library runs
// on machines without it.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cuda_copier;

struct cuda_sync {
    uintptr_t stream, event; // CUstream, CUevent; the event wins; both 0: ready now
};

#define CUDA_ERROR_SIZE 256

/**
 * @param device   CUDA ordinal; negative = device of the first pointer copied.
 * @param context  CUcontext of the producer, 0 = the device's primary context.
 * @return         NULL with a sentence in error: no driver, no such device, no memory.
 */
struct cuda_copier *cuda_copier_create(int device, uintptr_t context, char error[CUDA_ERROR_SIZE]);
void cuda_copier_destroy(struct cuda_copier **c);

/**
 * Wait for `sync`, copy height rows of row_bytes to page-locked host memory and wait for that. The calling thread's
 * current context is the same afterwards.
 *
 * @return  The copy, rows row_bytes apart, valid until the next call; NULL with a sentence in error.
 *
 * Thread-safety: one thread at a time.
 */
const uint8_t *cuda_copy_to_host(struct cuda_copier *c, uintptr_t device_ptr, size_t pitch, size_t row_bytes,
                                 size_t height, const struct cuda_sync *sync, char error[CUDA_ERROR_SIZE]);
