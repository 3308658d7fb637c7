#include "gpu_device.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_internal.h"
#include "log.h"

static atomic_uint validation_errors;

unsigned gpu_validation_errors(void)
{
    return atomic_load(&validation_errors);
}

int gpu_check(VkResult result, const char *what)
{
    if (result == VK_SUCCESS)
        return GPU_OK;
    log_error("gpu", "%s failed: VkResult %d", what, (int)result);
    switch (result) {
    case VK_TIMEOUT:
    case VK_NOT_READY: return GPU_ERR_TIMEOUT;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY: return GPU_ERR_NOMEM;
    case VK_ERROR_TOO_MANY_OBJECTS: return GPU_ERR_LIMIT;
    default: return GPU_ERR_DEVICE;
    }
}

static VkBool32 VKAPI_PTR on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                     VkDebugUtilsMessageTypeFlagsEXT types,
                                     const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    const bool validation = types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) {
        if (validation)
            atomic_fetch_add(&validation_errors, 1);
        log_error("gpu.validation", "%s", data->pMessage);
    } else if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT) {
        log_warn("gpu.validation", "%s", data->pMessage);
    }
    return VK_FALSE;
}

static bool has_layer(const char *name)
{
    VkLayerProperties layers[64];
    uint32_t count = 64;
    if (vkEnumerateInstanceLayerProperties(&count, layers) < 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(layers[i].layerName, name) == 0)
            return true;
    return false;
}

static bool has_instance_extension(const char *name)
{
    VkExtensionProperties ext[128];
    uint32_t count = 128;
    if (vkEnumerateInstanceExtensionProperties(NULL, &count, ext) < 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(ext[i].extensionName, name) == 0)
            return true;
    return false;
}

#define INSTALL_HINT "install a Vulkan 1.3 driver (Debian: the vendor's, or mesa-vulkan-drivers for any machine)"

static int create_instance(struct gpu_device *dev, bool validation)
{
    static const char layer[] = "VK_LAYER_KHRONOS_validation";
    const char *layers[1], *extensions[2];
    uint32_t layer_count = 0, extension_count = 0;
    if (validation && has_layer(layer))
        layers[layer_count++] = layer;
    else if (validation)
        log_warn("gpu", "validation asked for, but %s is not installed (Debian: vulkan-validationlayers)", layer);
    const bool debug = layer_count || getenv("STAGECAST_GPU_NAMES");
    const bool utils = debug && (layer_count || has_instance_extension(VK_EXT_DEBUG_UTILS_EXTENSION_NAME));
    if (utils)
        extensions[extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;

    const VkDebugUtilsMessengerCreateInfoEXT messages = {
        .sType           = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
        .pfnUserCallback = on_message,
    };
    VkResult r = vkCreateInstance(
        &(VkInstanceCreateInfo) {
            .sType            = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
            .pNext            = utils ? &messages : NULL,
            .pApplicationInfo = &(VkApplicationInfo) {
                .sType            = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                .pApplicationName = "stagecast",
                .apiVersion       = VK_API_VERSION_1_3,
            },
            .enabledLayerCount       = layer_count,
            .ppEnabledLayerNames     = layers,
            .enabledExtensionCount   = extension_count,
            .ppEnabledExtensionNames = extensions,
        },
        NULL, &dev->instance);
    if (r != VK_SUCCESS) {
        log_error("gpu", "no Vulkan instance (VkResult %d): %s", (int)r, INSTALL_HINT);
        return GPU_ERR_DEVICE;
    }
    if (!utils)
        return GPU_OK;
    PFN_vkCreateDebugUtilsMessengerEXT create = (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
        dev->instance, "vkCreateDebugUtilsMessengerEXT");
    dev->set_name = (PFN_vkSetDebugUtilsObjectNameEXT)vkGetInstanceProcAddr(dev->instance,
                                                                           "vkSetDebugUtilsObjectNameEXT");
    if (create)
        create(dev->instance, &messages, NULL, &dev->messenger);
    return GPU_OK;
}

struct device_extensions {
    VkExtensionProperties *items;
    uint32_t count;
};

static bool has_extension(const struct device_extensions *e, const char *name)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (strcmp(e->items[i].extensionName, name) == 0)
            return true;
    return false;
}

static struct device_extensions list_extensions(VkPhysicalDevice p)
{
    struct device_extensions e = { 0 };
    uint32_t count = 0;
    if (vkEnumerateDeviceExtensionProperties(p, NULL, &count, NULL) < 0 || !count)
        return e;
    e.items = calloc(count, sizeof(*e.items));
    if (e.items && vkEnumerateDeviceExtensionProperties(p, NULL, &count, e.items) >= 0)
        e.count = count;
    return e;
}

// One queue family that draws, computes and copies: every device that draws has one.
static bool find_family(VkPhysicalDevice p, uint32_t *family, bool *timestamps)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    vkGetPhysicalDeviceQueueFamilyProperties(p, &count, families);
    for (uint32_t i = 0; i < count; i++) {
        const VkQueueFlags want = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
        if ((families[i].queueFlags & want) == want) {
            *family     = i;
            *timestamps = families[i].timestampValidBits > 0;
            return true;
        }
    }
    return false;
}

// NULL when the device can run us, else what it lacks.
static const char *lacks(VkPhysicalDevice p)
{
    VkPhysicalDeviceProperties props;
    vkGetPhysicalDeviceProperties(p, &props);
    if (props.apiVersion < VK_API_VERSION_1_3)
        return "Vulkan 1.3";
    uint32_t family;
    bool stamps;
    if (!find_family(p, &family, &stamps))
        return "a queue for graphics and compute";
    struct device_extensions e = list_extensions(p);
    const bool push = has_extension(&e, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
    free(e.items);
    if (!push)
        return VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
    VkPhysicalDeviceVulkan13Features f13 = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES };
    VkPhysicalDeviceVulkan12Features f12 = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                             .pNext = &f13 };
    VkPhysicalDeviceFeatures2 f = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f12 };
    vkGetPhysicalDeviceFeatures2(p, &f);
    if (!f12.scalarBlockLayout)
        return "scalar block layout";
    if (!f.features.geometryShader)
        return "primitive ids in fragment shaders (the geometryShader feature)";
    return NULL;
}

static int type_rank(VkPhysicalDeviceType t)
{
    switch (t) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return 1;
    default: return 0;
    }
}

static int choose_physical(struct gpu_device *dev, int index)
{
    VkPhysicalDevice list[32];
    uint32_t count = 32;
    VkResult r = vkEnumeratePhysicalDevices(dev->instance, &count, list);
    if ((r != VK_SUCCESS && r != VK_INCOMPLETE) || count == 0) {
        log_error("gpu", "no Vulkan device: %s", INSTALL_HINT);
        return GPU_ERR_DEVICE;
    }
    if (index >= (int)count) {
        log_error("gpu", "no GPU %d: there are %u", index, count);
        return GPU_ERR_DEVICE;
    }
    int best = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (index >= 0 && (int)i != index)
            continue;
        VkPhysicalDeviceProperties props;
        vkGetPhysicalDeviceProperties(list[i], &props);
        const char *missing = lacks(list[i]);
        if (missing) {
            log_warn("gpu", "GPU %u (%s) lacks %s", i, props.deviceName, missing);
            continue;
        }
        if (best < 0 || type_rank(props.deviceType) > type_rank(dev->props.deviceType)) {
            best          = (int)i;
            dev->physical = list[i];
            dev->props    = props;
        }
    }
    if (best < 0) {
        log_error("gpu", "no usable Vulkan device: %s", INSTALL_HINT);
        return GPU_ERR_DEVICE;
    }
    log_info("gpu", "GPU %d: %s, Vulkan %u.%u", best, dev->props.deviceName, VK_API_VERSION_MAJOR(dev->props.apiVersion),
             VK_API_VERSION_MINOR(dev->props.apiVersion));
    return GPU_OK;
}

static void query_physical(struct gpu_device *dev)
{
    VkPhysicalDeviceIDProperties id = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES };
    VkPhysicalDeviceProperties2 p   = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id };
    vkGetPhysicalDeviceProperties2(dev->physical, &p);
    memcpy(dev->uuid, id.deviceUUID, sizeof(dev->uuid));
    memcpy(dev->luid, id.deviceLUID, sizeof(dev->luid));
    dev->luid_valid = id.deviceLUIDValid;
    dev->cpu        = dev->props.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    vkGetPhysicalDeviceMemoryProperties(dev->physical, &dev->memory);
    find_family(dev->physical, &dev->family, &dev->timestamps);
}

static int create_device(struct gpu_device *dev)
{
    struct device_extensions have = list_extensions(dev->physical);
    const char *extensions[4] = { VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME };
    uint32_t count            = 1;
    dev->external_fd          = has_extension(&have, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
    dev->ray_query            = has_extension(&have, VK_KHR_RAY_QUERY_EXTENSION_NAME);
    dev->ray_tracing_pipeline = has_extension(&have, VK_KHR_RAY_TRACING_PIPELINE_EXTENSION_NAME);
    if (dev->external_fd)
        extensions[count++] = VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME;
    free(have.items);

    VkPhysicalDeviceFeatures2 supported = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 };
    vkGetPhysicalDeviceFeatures2(dev->physical, &supported);
    VkPhysicalDeviceVulkan13Features f13 = {
        .sType            = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .synchronization2 = VK_TRUE,
        .dynamicRendering = VK_TRUE,
        .maintenance4     = VK_TRUE,
    };
    VkPhysicalDeviceVulkan12Features f12 = {
        .sType                        = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext                        = &f13,
        .timelineSemaphore            = VK_TRUE,
        .scalarBlockLayout            = VK_TRUE,
        .uniformBufferStandardLayout  = VK_TRUE,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType    = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext    = &f12,
        .features = {
            .geometryShader            = VK_TRUE, // gl_PrimitiveID in fragment shaders
            .fragmentStoresAndAtomics  = supported.features.fragmentStoresAndAtomics,
            .multiDrawIndirect         = supported.features.multiDrawIndirect,
            .drawIndirectFirstInstance = supported.features.drawIndirectFirstInstance,
            .shaderStorageImageReadWithoutFormat  = supported.features.shaderStorageImageReadWithoutFormat,
            .shaderStorageImageWriteWithoutFormat = supported.features.shaderStorageImageWriteWithoutFormat,
            .shaderInt64               = supported.features.shaderInt64,
        },
    };
    const float priority = 1;
    VkResult r = vkCreateDevice(
        dev->physical,
        &(VkDeviceCreateInfo) {
            .sType                = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
            .pNext                = &features,
            .queueCreateInfoCount = 1,
            .pQueueCreateInfos    = &(VkDeviceQueueCreateInfo) {
                .sType            = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                .queueFamilyIndex = dev->family,
                .queueCount       = 1,
                .pQueuePriorities = &priority,
            },
            .enabledExtensionCount   = count,
            .ppEnabledExtensionNames = extensions,
        },
        NULL, &dev->device);
    if (r != VK_SUCCESS)
        return gpu_check(r, "vkCreateDevice");
    vkGetDeviceQueue(dev->device, dev->family, 0, &dev->queue);
    dev->push_descriptors =
        (PFN_vkCmdPushDescriptorSetKHR)vkGetDeviceProcAddr(dev->device, "vkCmdPushDescriptorSetKHR");
    if (dev->external_fd)
        dev->get_memory_fd = (PFN_vkGetMemoryFdKHR)vkGetDeviceProcAddr(dev->device, "vkGetMemoryFdKHR");
    return GPU_OK;
}

static int create_sampler(struct gpu_device *dev, VkFilter filter, VkSamplerAddressMode mode, VkSampler *out)
{
    return gpu_check(vkCreateSampler(dev->device,
                                     &(VkSamplerCreateInfo) {
                                         .sType        = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                         .magFilter    = filter,
                                         .minFilter    = filter,
                                         .mipmapMode   = filter == VK_FILTER_LINEAR ? VK_SAMPLER_MIPMAP_MODE_LINEAR
                                                                                    : VK_SAMPLER_MIPMAP_MODE_NEAREST,
                                         .addressModeU = mode,
                                         .addressModeV = mode,
                                         .addressModeW = mode,
                                         .maxLod       = VK_LOD_CLAMP_NONE,
                                     },
                                     NULL, out),
                     "vkCreateSampler");
}

static int create_samplers(struct gpu_device *dev)
{
    const VkSamplerAddressMode clamp = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
    int rc = create_sampler(dev, VK_FILTER_NEAREST, clamp, &dev->nearest);
    if (rc == GPU_OK)
        rc = create_sampler(dev, VK_FILTER_LINEAR, clamp, &dev->linear);
    if (rc == GPU_OK)
        rc = create_sampler(dev, VK_FILTER_LINEAR, VK_SAMPLER_ADDRESS_MODE_REPEAT, &dev->linear_repeat);
    return rc;
}

#ifdef __SANITIZE_ADDRESS__
#include <dlfcn.h>
// The leak checker takes what only an unloaded driver's globals point to for a leak: keep drivers loaded.
static void keep_drivers_loaded(void)
{
    static const char *const names[] = { "libvulkan_lvp.so", "libVkLayer_khronos_validation.so" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
#else
static void keep_drivers_loaded(void) {}
#endif

int gpu_device_create(struct gpu_device **out, const struct gpu_params *params)
{
    *out                   = NULL;
    struct gpu_device *dev = calloc(1, sizeof(*dev));
    if (!dev)
        return GPU_ERR_NOMEM;
    int rc = create_instance(dev, params->validation);
    if (rc == GPU_OK)
        rc = choose_physical(dev, params->index);
    if (rc == GPU_OK) {
        query_physical(dev);
        rc = create_device(dev);
        keep_drivers_loaded();
    }
    if (rc == GPU_OK)
        rc = gpu_cache_load(dev);
    if (rc == GPU_OK)
        rc = gpu_allocator_create(dev);
    if (rc == GPU_OK)
        rc = gpu_commands_create(dev);
    if (rc == GPU_OK)
        rc = create_samplers(dev);
    if (rc != GPU_OK) {
        gpu_device_destroy(&dev);
        return rc;
    }
    *out = dev;
    return GPU_OK;
}

void gpu_device_destroy(struct gpu_device **out)
{
    struct gpu_device *dev = *out;
    if (!dev)
        return;
    *out = NULL;
    if (dev->device) {
        vkDeviceWaitIdle(dev->device);
        vkDestroySampler(dev->device, dev->nearest, NULL);
        vkDestroySampler(dev->device, dev->linear, NULL);
        vkDestroySampler(dev->device, dev->linear_repeat, NULL);
        gpu_commands_destroy(dev);
        gpu_allocator_destroy(dev);
        gpu_cache_save(dev);
        vkDestroyDevice(dev->device, NULL);
    }
    if (dev->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
            dev->instance, "vkDestroyDebugUtilsMessengerEXT");
        if (destroy)
            destroy(dev->instance, dev->messenger, NULL);
    }
    if (dev->instance)
        vkDestroyInstance(dev->instance, NULL);
    free(dev);
}

void gpu_set_name(const struct gpu_device *dev, VkObjectType type, uint64_t handle, const char *name)
{
    if (!dev->set_name || !name)
        return;
    dev->set_name(dev->device, &(VkDebugUtilsObjectNameInfoEXT) {
                                   .sType        = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
                                   .objectType   = type,
                                   .objectHandle = handle,
                                   .pObjectName  = name,
                               });
}
