// Copies from CUDA device memory, on a machine that has a CUDA driver; skipped (77) elsewhere. Needs no toolkit and no test
// library, so that the program can be taken to such a machine alone.
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda.h"

enum { W = 1920, H = 1080, PITCH = W * 4 + 256 };

static int (*cu_init)(unsigned), (*cu_device)(int *, int), (*cu_retain)(void **, int), (*cu_current)(void *);
static int (*cu_get_current)(void **), (*cu_alloc)(uint64_t *, size_t), (*cu_free)(uint64_t);
static int (*cu_write)(uint64_t, const void *, size_t), (*cu_event)(void **, unsigned), (*cu_record)(void *, void *);
static int (*cu_stream)(void **, unsigned), (*cu_fill)(uint64_t, unsigned char, size_t, void *);

static bool load(void)
{
    static const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        { "cuInit", &cu_init },
        { "cuDeviceGet", &cu_device },
        { "cuDevicePrimaryCtxRetain", &cu_retain },
        { "cuCtxSetCurrent", &cu_current },
        { "cuCtxGetCurrent", &cu_get_current },
        { "cuMemAlloc_v2", &cu_alloc },
        { "cuMemFree_v2", &cu_free },
        { "cuMemcpyHtoD_v2", &cu_write },
        { "cuEventCreate", &cu_event },
        { "cuEventRecord", &cu_record },
        { "cuStreamCreate", &cu_stream },
        { "cuMemsetD8Async", &cu_fill },
    };
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    for (size_t i = 0; library && i < sizeof(symbols) / sizeof(*symbols); i++)
        if (!(*(void **)symbols[i].slot = dlsym(library, symbols[i].name)))
            return false;
    return library && cu_init(0) == 0;
}

static int failures;

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            printf("line %d: %s (%s)\n", __LINE__, #condition, error);            \
            failures++;                                                           \
        }                                                                         \
    } while (0)

static uint8_t pattern(size_t x, size_t y) { return (uint8_t)(x * 7 + y * 13 + (x >> 8)); }

static bool equals_pattern(const uint8_t *rows)
{
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W * 4; x++)
            if (rows[y * W * 4 + x] != pattern(x, y))
                return false;
    return true;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_copies(uint64_t device, void *context)
{
    char error[CUDA_ERROR_SIZE] = "";
    void *before = NULL, *after = NULL, *stream = NULL, *event = NULL;
    struct cuda_sync none = { 0, 0 };
    static const int devices[] = { -1, 0 };
    for (int i = 0; i < 4; i++) { // device chosen or given, context given or the primary one
        struct cuda_copier *c = cuda_copier_create(devices[i & 1], i & 2 ? (uintptr_t)context : 0, error);
        CHECK(c != NULL);
        cu_get_current(&before);
        const uint8_t *rows = cuda_copy_to_host(c, device, PITCH, W * 4, H, &none, error);
        cu_get_current(&after);
        CHECK(rows && equals_pattern(rows));
        CHECK(before == after); // the caller's context is its own
        double start = seconds();
        for (int n = 0; n < 100; n++)
            cuda_copy_to_host(c, device, PITCH, W * 4, H, &none, error);
        printf("copy of %dx%d: %.3f ms\n", W, H, (seconds() - start) * 10);
        cuda_copier_destroy(&c);
    }
    // Work that is still queued must be waited for: by stream, and by event, which wins.
    struct cuda_copier *c = cuda_copier_create(0, 0, error);
    CHECK(cu_stream(&stream, 1) == 0 && cu_event(&event, 0) == 0);
    for (int n = 0; n < 20; n++) {
        bool by_event = n & 1;
        for (int k = 0; k <= 40; k++)
            cu_fill(device, (unsigned char)(k == 40 ? n : 255), (size_t)PITCH * H, stream);
        cu_record(event, stream);
        struct cuda_sync sync = { (uintptr_t)stream, by_event ? (uintptr_t)event : 0 };
        const uint8_t *rows   = cuda_copy_to_host(c, device, PITCH, W * 4, H, &sync, error);
        CHECK(rows && rows[0] == n && rows[(size_t)W * 4 * H - 1] == n);
    }
    cuda_copier_destroy(&c);
}

static void test_refusals(void)
{
    static uint8_t host[W * 4];
    char error[CUDA_ERROR_SIZE] = "";
    struct cuda_sync none       = { 0, 0 };
    CHECK(cuda_copier_create(4711, 0, error) == NULL && error[0]);
    struct cuda_copier *c = cuda_copier_create(-1, 0, error);
    error[0]              = '\0';
    CHECK(cuda_copy_to_host(c, (uintptr_t)host, sizeof(host), sizeof(host), 1, &none, error) == NULL && error[0]);
    printf("host pointer: %s\n", error);
    cuda_copier_destroy(&c);
}

int main(void)
{
    char error[CUDA_ERROR_SIZE] = "";
    int device;
    void *context;
    uint64_t memory;
    if (!load()) {
        printf("skipped: no CUDA driver\n");
        // What the library then says is still its contract.
        CHECK(cuda_copier_create(-1, 0, error) == NULL && error[0]);
        return failures ? 1 : 77;
    }
    CHECK(cu_device(&device, 0) == 0 && cu_retain(&context, device) == 0 && cu_current(context) == 0);
    CHECK(cu_alloc(&memory, (size_t)PITCH * H) == 0);
    uint8_t *rows = calloc(PITCH, H);
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W * 4; x++)
            rows[y * PITCH + x] = pattern(x, y);
    CHECK(cu_write(memory, rows, (size_t)PITCH * H) == 0);
    test_copies(memory, context);
    test_refusals();
    cu_free(memory);
    free(rows);
    printf("%d failures\n", failures);
    return failures != 0;
}
