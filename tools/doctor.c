#include "doctor.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vulkan/vulkan_core.h>

#include "command.h"
#include "log.h"
#include "ovrtx/ovrtx.h"
#include "ovrtx/ovrtx_config.h"
#include "ovstream/ovstream.h"
#include "thread.h"

struct report {
    int problems;
};

static void good(const char *what) { printf("  ok       %s\n", what); }

static void note(const char *what) { printf("  note     %s\n", what); }

static void missing(struct report *r, const char *what, const char *remedy)
{
    printf("  MISSING  %s\n           %s\n", what, remedy);
    r->problems++;
}

// ---------------------------------------------------------------------------------------------------
// Vulkan

#define MAX_DEVICES 16
#define NEEDED_VERSION VK_API_VERSION_1_3

static const char *device_kind(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "graphics card";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "built-in graphics";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "software on the CPU: works, slowly";
    default: return "other";
    }
}

static bool has_extension(PFN_vkGetInstanceProcAddr get, VkInstance instance, VkPhysicalDevice device, const char *name)
{
    PFN_vkEnumerateDeviceExtensionProperties list =
        (PFN_vkEnumerateDeviceExtensionProperties)get(instance, "vkEnumerateDeviceExtensionProperties");
    uint32_t count = 0;
    if (!list || list(device, NULL, &count, NULL) != VK_SUCCESS || !count)
        return false;
    VkExtensionProperties *all = calloc(count, sizeof(*all));
    bool found                 = false;
    if (all && list(device, NULL, &count, all) >= VK_SUCCESS)
        for (uint32_t i = 0; i < count; i++)
            found |= !strcmp(all[i].extensionName, name);
    free(all);
    return found;
}

static void check_devices(struct report *r, PFN_vkGetInstanceProcAddr get, VkInstance instance)
{
    PFN_vkEnumeratePhysicalDevices list     = (PFN_vkEnumeratePhysicalDevices)get(instance, "vkEnumeratePhysicalDevices");
    PFN_vkGetPhysicalDeviceProperties query = (PFN_vkGetPhysicalDeviceProperties)get(instance, "vkGetPhysicalDeviceProperties");
    VkPhysicalDevice devices[MAX_DEVICES];
    uint32_t count = MAX_DEVICES;
    int usable     = 0;
    if (!list || !query || list(instance, &count, devices) < VK_SUCCESS)
        count = 0;
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties p;
        char line[512];
        query(devices[i], &p);
        bool new_enough = p.apiVersion >= NEEDED_VERSION;
        bool ray_query  = has_extension(get, instance, devices[i], "VK_KHR_ray_query");
        snprintf(line, sizeof(line), "--gpu %u: %s (%s), Vulkan %u.%u, %s", i, p.deviceName, device_kind(p.deviceType),
                 VK_API_VERSION_MAJOR(p.apiVersion), VK_API_VERSION_MINOR(p.apiVersion),
                 ray_query ? "traces rays in hardware" : "rays are traced by our own shaders");
        if (new_enough) {
            good(line);
            usable++;
        } else {
            strncat(line, "; too old, 1.3 is needed", sizeof(line) - strlen(line) - 1);
            note(line);
        }
    }
    if (!usable)
        missing(r, "a Vulkan 1.3 device",
                "Install the driver of your GPU, or 'apt install mesa-vulkan-drivers' for Mesa's drivers with a software device.");
}

static void check_vulkan(struct report *r)
{
    printf("Rendering\n");
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        missing(r, "the Vulkan loader (libvulkan.so.1)", "apt install libvulkan1 mesa-vulkan-drivers");
        return;
    }
    PFN_vkGetInstanceProcAddr get;
    *(void **)&get = dlsym(library, "vkGetInstanceProcAddr");
    PFN_vkCreateInstance create = get ? (PFN_vkCreateInstance)get(NULL, "vkCreateInstance") : NULL;
    VkApplicationInfo application = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = NEEDED_VERSION };
    VkInstanceCreateInfo info     = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application };
    VkInstance instance           = VK_NULL_HANDLE;
    if (create && create(&info, NULL, &instance) == VK_SUCCESS) {
        check_devices(r, get, instance);
        PFN_vkDestroyInstance destroy = (PFN_vkDestroyInstance)get(instance, "vkDestroyInstance");
        if (destroy)
            destroy(instance, NULL);
    } else {
        missing(r, "a Vulkan driver", "Install the driver of your GPU, or 'apt install mesa-vulkan-drivers'.");
    }
    dlclose(library);
}

static void check_renderer(struct report *r)
{
    uint32_t major = 0, minor = 0, patch = 0;
    char line[600];
    ovrtx_get_version(&major, &minor, &patch);
    ovrtx_config_t config      = { 0 };
    ovrtx_renderer_t *renderer = NULL;
    if (ovrtx_create_renderer(&config, &renderer).status == OVRTX_API_SUCCESS) {
        snprintf(line, sizeof(line), "the renderer starts (ovrtx interface %u.%u.%u)", major, minor, patch);
        good(line);
        ovrtx_destroy_renderer(renderer);
        return;
    }
    ovx_string_t e = ovrtx_get_last_error();
    snprintf(line, sizeof(line), "a renderer that starts: %.*s", (int)(e.length < 500 ? e.length : 500), e.ptr ? e.ptr : "");
    missing(r, line, "The lines above say what the renderer needs.");
}

// ---------------------------------------------------------------------------------------------------
// Streaming

static void check_encoders(struct report *r)
{
    static const struct {
        const char *name, *what;
        bool hardware;
    } encoders[] = { // those that the streaming library tries, in its order
        { "h264_nvenc", "H.264 on NVIDIA GPUs that have an encoder, with their driver", true },
        { "libx264", "H.264 on the CPU", false },
        { "libopenh264", "H.264 on the CPU", false },
    };
    static const char *const versions[] = { "libavcodec.so.59", "libavcodec.so.60", "libavcodec.so.61", "libavcodec.so" };
    void *library = NULL;
    for (size_t i = 0; i < 4 && !library; i++)
        library = dlopen(versions[i], RTLD_NOW | RTLD_LOCAL);
    const void *(*find)(const char *) = NULL;
    if (library)
        *(void **)&find = dlsym(library, "avcodec_find_encoder_by_name");
    if (!find) {
        missing(r, "libavcodec, which encodes the video", "apt install libavcodec59");
        return;
    }
    bool software = false;
    for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++) {
        char line[160];
        bool there = find(encoders[i].name) != NULL;
        snprintf(line, sizeof(line), "encoder %s: %s", encoders[i].name, encoders[i].what);
        if (there)
            good(line);
        software |= there && !encoders[i].hardware;
    }
    if (!software)
        missing(r, "a software H.264 encoder", "apt install libavcodec-extra59");
    void *cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    note(cuda ? "NVIDIA's driver is here: its encoder is used where the GPU has one" : "no NVIDIA driver (libcuda.so.1): encoding on the CPU");
    if (cuda)
        dlclose(cuda);
    dlclose(library);
}

static void check_stream(struct report *r)
{
    char line[600];
    uint32_t major = 0, minor = 0, patch = 0;
    ovstream_get_version(&major, &minor, &patch);
    if (OVSTREAM_OK(ovstream_initialize(NULL))) {
        snprintf(line, sizeof(line), "the streaming library starts (ovstream interface %u.%u.%u)", major, minor, patch);
        good(line);
        ovstream_shutdown();
        return;
    }
    ovstream_string_t e = ovstream_get_last_error();
    snprintf(line, sizeof(line), "a streaming library that starts: %.*s", (int)(e.length < 500 ? e.length : 500), e.ptr ? e.ptr : "");
    missing(r, line, "Look at the line above.");
}

static void check_port(struct report *r, int type, int port, const char *what, const char *option)
{
    int fd                = socket(AF_INET, type, 0), one = 1;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char line[200], remedy[200];
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool free_port = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    int error      = errno;
    if (fd >= 0)
        close(fd);
    snprintf(line, sizeof(line), "%s port %d (%s)", type == SOCK_STREAM ? "TCP" : "UDP", port, what);
    if (free_port) {
        strncat(line, " is free", sizeof(line) - strlen(line) - 1);
        good(line);
        return;
    }
    strncat(line, ": ", sizeof(line) - strlen(line) - 1);
    strncat(line, strerror(error), sizeof(line) - strlen(line) - 1);
    snprintf(remedy, sizeof(remedy), "Stop the program that uses it (another stagecast?) or choose another with %s.", option);
    missing(r, line, remedy);
}

// ---------------------------------------------------------------------------------------------------

int doctor_run(int argc, char **argv)
{
    if (argc > 1) {
        bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
        fprintf(help ? stdout : stderr, "usage: stagecast doctor\n\nSays what this machine has for rendering and streaming, and what is missing.\n");
        return help ? EXIT_OK : EXIT_BAD_USE;
    }
    struct report r = { 0 };
    log_set_level(LOG_ERROR);
    printf("stagecast %s on a machine with %d cores\n\n", STAGECAST_VERSION, thread_cpu_count());
    check_vulkan(&r);
    check_renderer(&r);
    printf("\nStreaming\n");
    check_stream(&r);
    check_encoders(&r);
    printf("\nPorts\n");
    check_port(&r, SOCK_STREAM, 8081, "page and health", "--http-port");
    check_port(&r, SOCK_STREAM, 49100, "WebRTC signalling", "--signal-port");
    check_port(&r, SOCK_DGRAM, 47998, "WebRTC media", "--media-port");
    if (r.problems)
        printf("\n%d thing%s missing, see above.\n", r.problems, r.problems == 1 ? " is" : "s are");
    else
        printf("\nNothing is missing: try 'stagecast serve SCENE'.\n");
    return r.problems ? EXIT_FAILED : EXIT_OK;
}
