#include "cuda.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <pthread.h>

// The few declarations of the driver API that are needed here; names and values are its ABI.
typedef int CUresult;
typedef struct CUctx_st *CUcontext;
enum { CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9, CU_MEMORYTYPE_HOST = 1, CU_MEMORYTYPE_DEVICE = 2 };

typedef struct {
    size_t src_x, src_y;
    unsigned src_type;
    const void *src_host;
    uint64_t src_device;
    void *src_array;
    size_t src_pitch;
    size_t dst_x, dst_y;
    unsigned dst_type;
    void *dst_host;
    uint64_t dst_device;
    void *dst_array;
    size_t dst_pitch;
    size_t width_bytes, height;
} copy_2d; // CUDA_MEMCPY2D

static struct {
    void *library;
    CUresult (*init)(unsigned);
    CUresult (*error_string)(CUresult, const char **);
    CUresult (*device_get)(int *, int);
    CUresult (*primary_retain)(CUcontext *, int);
    CUresult (*primary_release)(int);
    CUresult (*push)(CUcontext);
    CUresult (*pop)(CUcontext *);
    CUresult (*attribute)(void *, int, uint64_t);
    CUresult (*alloc_host)(void **, size_t);
    CUresult (*free_host)(void *);
    CUresult (*stream_create)(void **, unsigned);
    CUresult (*stream_destroy)(void *);
    CUresult (*stream_wait)(void *);
    CUresult (*event_wait)(void *);
    CUresult (*copy)(const copy_2d *, void *);
} cu;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static char load_error[CUDA_ERROR_SIZE];

static void load(void)
{
    static const struct {
        const char *name;
        void **slot;
    } symbols[] = {
        { "cuInit", (void **)&cu.init },
        { "cuGetErrorString", (void **)&cu.error_string },
        { "cuDeviceGet", (void **)&cu.device_get },
        { "cuDevicePrimaryCtxRetain", (void **)&cu.primary_retain },
        { "cuDevicePrimaryCtxRelease_v2", (void **)&cu.primary_release },
        { "cuCtxPushCurrent_v2", (void **)&cu.push },
        { "cuCtxPopCurrent_v2", (void **)&cu.pop },
        { "cuPointerGetAttribute", (void **)&cu.attribute },
        { "cuMemAllocHost_v2", (void **)&cu.alloc_host },
        { "cuMemFreeHost", (void **)&cu.free_host },
        { "cuStreamCreate", (void **)&cu.stream_create },
        { "cuStreamDestroy_v2", (void **)&cu.stream_destroy },
        { "cuStreamSynchronize", (void **)&cu.stream_wait },
        { "cuEventSynchronize", (void **)&cu.event_wait },
        { "cuMemcpy2DAsync_v2", (void **)&cu.copy },
    };
    cu.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!cu.library) {
        snprintf(load_error, sizeof(load_error), "no CUDA driver: %s", dlerror());
        return;
    }
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
        if (!(*symbols[i].slot = dlsym(cu.library, symbols[i].name))) {
            snprintf(load_error, sizeof(load_error), "the CUDA driver has no %s", symbols[i].name);
            return;
        }
    CUresult rc = cu.init(0);
    if (rc)
        snprintf(load_error, sizeof(load_error), "cuInit: error %d", rc);
}

struct cuda_copier {
    int device;      // negative until the first pointer is seen
    bool retained;   // the primary context is ours to release
    CUcontext context;
    void *stream;
    uint8_t *host;
    size_t host_size;
};

static bool failed(CUresult rc, const char *call, char error[CUDA_ERROR_SIZE])
{
    if (!rc)
        return false;
    const char *text = NULL;
    cu.error_string(rc, &text);
    snprintf(error, CUDA_ERROR_SIZE, "%s: %s (CUDA error %d)", call, text ? text : "unknown", rc);
    return true;
}

struct cuda_copier *cuda_copier_create(int device, uintptr_t context, char error[CUDA_ERROR_SIZE])
{
    pthread_once(&load_once, load);
    if (load_error[0]) {
        snprintf(error, CUDA_ERROR_SIZE, "%s", load_error);
        return NULL;
    }
    int handle;
    if (device >= 0 && failed(cu.device_get(&handle, device), "cuDeviceGet", error))
        return NULL;
    struct cuda_copier *c = calloc(1, sizeof(*c));
    if (!c) {
        snprintf(error, CUDA_ERROR_SIZE, "out of memory");
        return NULL;
    }
    c->device  = device;
    c->context = device >= 0 ? (CUcontext)context : NULL;
    return c;
}

void cuda_copier_destroy(struct cuda_copier **copier)
{
    struct cuda_copier *c = *copier;
    CUcontext popped;
    if (!c)
        return;
    if (c->context && !cu.push(c->context)) {
        if (c->stream)
            cu.stream_destroy(c->stream);
        if (c->host)
            cu.free_host(c->host);
        cu.pop(&popped);
    }
    if (c->retained)
        cu.primary_release(c->device);
    free(c);
    *copier = NULL;
}

// The context to copy in, for a pointer that may be the first one.
static bool find_context(struct cuda_copier *c, uintptr_t pointer, char error[CUDA_ERROR_SIZE])
{
    int owner = -1;
    // Needs no current context. Memory of the plain kind always has the attribute.
    if (failed(cu.attribute(&owner, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, pointer), "not a CUDA device pointer", error))
        return false;
    if (c->device >= 0 && owner != c->device) {
        snprintf(error, CUDA_ERROR_SIZE, "the frame is on CUDA device %d, the server was started for device %d", owner,
                 c->device);
        return false;
    }
    c->device = owner;
    if (c->context)
        return true;
    if (failed(cu.primary_retain(&c->context, owner), "cuDevicePrimaryCtxRetain", error))
        return false;
    c->retained = true;
    return true;
}

// Runs with the context current.
static bool copy_now(struct cuda_copier *c, const copy_2d *what, const struct cuda_sync *sync,
                     char error[CUDA_ERROR_SIZE])
{
    enum { NON_BLOCKING = 1 };
    if (!c->stream && failed(cu.stream_create(&c->stream, NON_BLOCKING), "cuStreamCreate", error))
        return false;
    if (sync->event) {
        if (failed(cu.event_wait((void *)sync->event), "cuEventSynchronize", error))
            return false;
    } else if (sync->stream && failed(cu.stream_wait((void *)sync->stream), "cuStreamSynchronize", error)) {
        return false;
    }
    return !failed(cu.copy(what, c->stream), "cuMemcpy2DAsync", error) &&
           !failed(cu.stream_wait(c->stream), "cuStreamSynchronize", error);
}

static bool reserve_host(struct cuda_copier *c, size_t size, char error[CUDA_ERROR_SIZE])
{
    if (c->host_size >= size)
        return true;
    if (c->host)
        cu.free_host(c->host);
    c->host      = NULL;
    c->host_size = 0;
    if (failed(cu.alloc_host((void **)&c->host, size), "cuMemAllocHost", error))
        return false;
    c->host_size = size;
    return true;
}

const uint8_t *cuda_copy_to_host(struct cuda_copier *c, uintptr_t device_ptr, size_t pitch, size_t row_bytes,
                                 size_t height, const struct cuda_sync *sync, char error[CUDA_ERROR_SIZE])
{
    CUcontext popped;
    if (!find_context(c, device_ptr, error) || failed(cu.push(c->context), "cuCtxPushCurrent", error))
        return NULL;
    bool ok = reserve_host(c, row_bytes * height, error);
    if (ok) {
        copy_2d what = {
            .src_type    = CU_MEMORYTYPE_DEVICE,
            .src_device  = device_ptr,
            .src_pitch   = pitch,
            .dst_type    = CU_MEMORYTYPE_HOST,
            .dst_host    = c->host,
            .dst_pitch   = row_bytes,
            .width_bytes = row_bytes,
            .height      = height,
        };
        ok = copy_now(c, &what, sync, error);
    }
    cu.pop(&popped);
    return ok ? c->host : NULL;
}
