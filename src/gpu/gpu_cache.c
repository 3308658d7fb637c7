// The pipeline cache on disk: $XDG_CACHE_HOME/stagecast/pipelines-VENDOR-DEVICE-DRIVER.bin
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu_internal.h"
#include "log.h"

#define CACHE_MAX_BYTES (256u << 20)

static bool cache_path(const struct gpu_device *dev, char *out, size_t size, bool make)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char dir[3072];
    if (base && base[0] == '/')
        snprintf(dir, sizeof(dir), "%s", base);
    else if (home && home[0] == '/')
        snprintf(dir, sizeof(dir), "%s/.cache", home);
    else
        return false;
    if (make)
        (void)mkdir(dir, 0700);
    size_t used = strlen(dir);
    snprintf(dir + used, sizeof(dir) - used, "/stagecast");
    if (make && mkdir(dir, 0700) != 0 && errno != EEXIST)
        return false;
    const int n = snprintf(out, size, "%s/pipelines-%04x-%04x-%08x.bin", dir, dev->props.vendorID, dev->props.deviceID,
                           dev->props.driverVersion);
    return n > 0 && (size_t)n < size;
}

static void *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    void *data = NULL;
    struct stat st;
    if (fstat(fileno(f), &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size <= CACHE_MAX_BYTES) {
        *size = (size_t)st.st_size;
        data  = malloc(*size);
        if (data && fread(data, 1, *size, f) != *size) {
            free(data);
            data = NULL;
        }
    }
    fclose(f);
    return data;
}

// Drivers check the header too, but not all of them carefully (Vulkan 1.3, table "Layout for pipeline cache
// header version VK_PIPELINE_CACHE_HEADER_VERSION_ONE").
static bool header_matches(const struct gpu_device *dev, const void *data, size_t size)
{
    VkPipelineCacheHeaderVersionOne h;
    if (size < sizeof(h))
        return false;
    memcpy(&h, data, sizeof(h));
    return h.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && h.vendorID == dev->props.vendorID &&
           h.deviceID == dev->props.deviceID &&
           memcmp(h.pipelineCacheUUID, dev->props.pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

int gpu_cache_load(struct gpu_device *dev)
{
    char path[4096];
    size_t size = 0;
    void *data  = cache_path(dev, path, sizeof(path), false) ? read_file(path, &size) : NULL;
    if (data && !header_matches(dev, data, size))
        size = 0;
    VkResult r = vkCreatePipelineCache(dev->device,
                                       &(VkPipelineCacheCreateInfo) {
                                           .sType           = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                           .initialDataSize = data ? size : 0,
                                           .pInitialData    = data,
                                       },
                                       NULL, &dev->cache);
    free(data);
    return gpu_check(r, "vkCreatePipelineCache");
}

void gpu_cache_save(struct gpu_device *dev)
{
    if (!dev->cache)
        return;
    char path[4096], temp[4160];
    size_t size = 0;
    void *data  = NULL;
    if (cache_path(dev, path, sizeof(path), true) &&
        vkGetPipelineCacheData(dev->device, dev->cache, &size, NULL) == VK_SUCCESS && size && (data = malloc(size)) &&
        vkGetPipelineCacheData(dev->device, dev->cache, &size, data) == VK_SUCCESS) {
        // Written aside and renamed, so that a reader never sees half a file.
        snprintf(temp, sizeof(temp), "%s.%ld", path, (long)getpid());
        FILE *f = fopen(temp, "wb");
        if (f) {
            bool ok = fwrite(data, 1, size, f) == size;
            ok      = fclose(f) == 0 && ok;
            if (!ok || rename(temp, path) != 0)
                (void)unlink(temp);
        }
    }
    free(data);
    vkDestroyPipelineCache(dev->device, dev->cache, NULL);
    dev->cache = VK_NULL_HANDLE;
}
