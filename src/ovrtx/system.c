// The library's own life: initialisation counts, living renderers, version, extensions, log calls.

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "draw.h"
#include "log.h"
#include "logging.h"
#include "products.h"
#include "renderer.h"

static struct {
    pthread_mutex_t lock;
    int initialized; // ovrtx_initialize without ovrtx_shutdown
    struct {
        ARRAY_OF(ovrtx_renderer_t *);
    } renderers;
    char *package_root;
} library = { .lock = PTHREAD_MUTEX_INITIALIZER };

char *text_copy(ovx_string_t text) { return strndup(text.ptr ? text.ptr : "", text.ptr ? text.length : 0); }
int text_shown(ovx_string_t text) { return !text.ptr ? 0 : text.length < 200 ? (int)text.length : 200; }

bool renderer_check(const ovrtx_renderer_t *r)
{
    bool found = false;
    pthread_mutex_lock(&library.lock);
    for (size_t i = 0; i < library.renderers.count && !found; i++)
        found = library.renderers.items[i] == r;
    pthread_mutex_unlock(&library.lock);
    if (!found)
        error_set(r ? "this renderer does not exist (any more)" : "the renderer is NULL");
    return found;
}

void ovrtx_get_version(uint32_t *out_major, uint32_t *out_minor, uint32_t *out_patch)
{
    error_clear();
    if (out_major)
        *out_major = OVRTX_VERSION_MAJOR;
    if (out_minor)
        *out_minor = OVRTX_VERSION_MINOR;
    if (out_patch)
        *out_patch = OVRTX_VERSION_PATCH;
}

// The folder of the shared library, from the address of one of its functions.
static char *library_folder(void)
{
    Dl_info info;
    void (*self)(uint32_t *, uint32_t *, uint32_t *) = ovrtx_get_version;
    void *address;
    memcpy(&address, &self, sizeof(address));
    if (!dladdr(address, &info) || !info.dli_fname)
        return strdup("");
    const char *slash = strrchr(info.dli_fname, '/');
    return slash ? strndup(info.dli_fname, (size_t)(slash - info.dli_fname)) : strdup(".");
}

ovrtx_result_t ovrtx_register_schema_paths(const ovrtx_config_t *config)
{
    error_clear();
    struct config c;
    const char *env = getenv("OMNI_USD_PLUGINS_BASE_PATH");
    char *root      = NULL;
    if (env && *env)
        root = strdup(env);
    else if (config && config_read(&c, config)) {
        root = c.package_root ? strdup(c.package_root) : NULL;
        config_finish(&c);
    }
    if (!root)
        root = library_folder();
    pthread_mutex_lock(&library.lock);
    if (!library.package_root) {
        library.package_root = root;
        root                 = NULL;
    } else if (root && strcmp(root, library.package_root)) {
        fprintf(stderr, "ovrtx: schema paths are registered for %s already; %s is ignored\n", library.package_root, root);
    }
    pthread_mutex_unlock(&library.lock);
    free(root);
    error_clear();
    return api_ok();
}

static bool apply_log_settings(const struct config *c)
{
    return (!c->log_level || logging_set_level(c->log_level)) && (!c->log_file || logging_set_file(c->log_file));
}

ovrtx_result_t ovrtx_initialize(const ovrtx_config_t *config)
{
    error_clear();
    struct config c;
    if (!config)
        return api_fail("ovrtx_initialize needs a configuration; it may be empty");
    if (!config_read(&c, config))
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    bool ok = logging_start();
    if (ok && !apply_log_settings(&c)) {
        logging_stop();
        config_finish(&c);
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    }
    config_finish(&c);
    if (!ok)
        return api_fail("the log thread cannot be started");
    pthread_mutex_lock(&library.lock);
    library.initialized++;
    pthread_mutex_unlock(&library.lock);
    return api_ok();
}

ovrtx_result_t ovrtx_shutdown(void)
{
    error_clear();
    pthread_mutex_lock(&library.lock);
    bool ok = library.initialized > 0;
    if (ok)
        library.initialized--;
    pthread_mutex_unlock(&library.lock);
    if (!ok)
        return api_fail("ovrtx_shutdown without a matching ovrtx_initialize");
    logging_stop();
    return api_ok();
}

// ---------------------------------------------------------------------------------------------
// Renderers

static void init_tables(ovrtx_renderer_t *r)
{
    pthread_mutex_init(&r->lock, NULL);
    handles_init(&r->bindings);
    handles_init(&r->reads);
    handles_init(&r->queries);
    handles_init(&r->attr_maps);
    handles_init(&r->results);
    handles_init(&r->outputs);
    handles_init(&r->output_maps);
    handles_init(&r->references);
}

static void free_renderer(ovrtx_renderer_t *r)
{
    ops_destroy(&r->ops); // runs what is pending
    reads_finish(r);
    queries_finish(r);
    attr_maps_finish(r);
    bindings_finish(r);
    results_finish(r);
    products_destroy(&r->products);
    draw_destroy(&r->draw);
    stage_finish(&r->stage);
    if (r->scene)
        render_scene_destroy(&r->scene);
    if (r->gpu)
        renderer_destroy(&r->gpu);
    paths_destroy(&r->paths);
    config_finish(&r->config);
    for (size_t i = 0; i < r->asset_root_count; i++)
        free(r->asset_roots[i]);
    free(r->asset_roots);
    handles_finish(&r->bindings);
    handles_finish(&r->reads);
    handles_finish(&r->queries);
    handles_finish(&r->attr_maps);
    handles_finish(&r->results);
    handles_finish(&r->outputs);
    handles_finish(&r->output_maps);
    handles_finish(&r->references);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool open_device(ovrtx_renderer_t *r)
{
    int rc = renderer_create(&r->gpu, &(struct render_params) {
        .gpu_index       = r->config.gpu_index,
        .validation      = getenv("OVRTX_VALIDATION") != NULL,
        .outline_enabled = r->config.outline_enabled,
        .outline_width   = r->config.outline_width,
        .fill_mode       = r->config.fill_mode,
    });
    if (rc < 0) {
        error_set("no usable Vulkan 1.3 device (code %d; the log says more): install your GPU's Vulkan driver, or Mesa's "
                  "software driver (Debian: mesa-vulkan-drivers)", rc);
        return false;
    }
    if (render_scene_create(r->gpu, &r->scene) < 0) {
        error_set("the renderer cannot make a scene: out of memory");
        return false;
    }
    log_info("ovrtx.renderer", "renderer created on %s", renderer_device_name(r->gpu));
    return true;
}

ovrtx_result_t ovrtx_create_renderer(const ovrtx_config_t *config, ovrtx_renderer_t **out_renderer)
{
    error_clear();
    if (!config || !out_renderer)
        return api_fail("ovrtx_create_renderer needs %s", config ? "a place for the renderer" : "a configuration");
    ovrtx_renderer_t *r = calloc(1, sizeof(*r));
    if (!r)
        return api_fail("out of memory");
    init_tables(r);
    if (!config_read(&r->config, config) || !logging_start()) {
        if (!error_text()[0])
            error_set("the log thread cannot be started");
        free_renderer(r);
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    }
    // Stage and products exist before the stream's thread does.
    r->paths    = paths_create();
    r->products = products_create();
    bool ok     = r->paths && r->products && !stage_init(&r->stage, r->paths) && (r->draw = draw_create(&r->stage))
        && (r->ops = ops_create(r, r->config.sync_mode));
    if (!ok)
        error_set("out of memory");
    loading_options(r, &r->stage.open);
    ok = ok && apply_log_settings(&r->config) && open_device(r);
    if (ok) {
        draw_set_scene(r->draw, r->scene);
        pthread_mutex_lock(&library.lock);
        ok = array_push(&library.renderers, r);
        pthread_mutex_unlock(&library.lock);
    }
    if (!ok) {
        free_renderer(r);
        logging_stop();
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    }
    *out_renderer = r;
    return api_ok();
}

ovrtx_result_t ovrtx_destroy_renderer(ovrtx_renderer_t *renderer)
{
    API_ENTER(renderer);
    if (ops_on_thread(renderer->ops))
        return api_fail("a renderer cannot be destroyed from inside one of its operations");
    pthread_mutex_lock(&library.lock);
    for (size_t i = 0; i < library.renderers.count; i++) {
        if (library.renderers.items[i] == renderer) {
            library.renderers.items[i] = library.renderers.items[--library.renderers.count];
            break;
        }
    }
    if (!library.renderers.count)
        array_free(&library.renderers);
    pthread_mutex_unlock(&library.lock);
    free_renderer(renderer);
    logging_stop();
    return api_ok();
}

// ---------------------------------------------------------------------------------------------
// The rest

ovrtx_result_t ovrtx_query_extension(const char *name, const void **vtable)
{
    error_clear();
    return api_fail("there is no extension table '%.100s'; extensions of this library are functions, see ovrtx_ext.h",
                    name ? name : "");
}

ovrtx_result_t ovrtx_set_log_callback(ovrtx_log_severity_t severity, const ovx_string_t *channel_filter,
                                      ovrtx_log_callback_t callback, void *user_data)
{
    error_clear();
    bool ok = logging_set_callback(severity, channel_filter, callback, user_data);
    return (ovrtx_result_t) { ok ? OVRTX_API_SUCCESS : OVRTX_API_ERROR };
}

ovrtx_result_t ovrtx_flush_log(ovrtx_timeout_t timeout)
{
    error_clear();
    pthread_mutex_lock(&library.lock);
    bool running = library.initialized || library.renderers.count;
    pthread_mutex_unlock(&library.lock);
    if (!running)
        return api_fail("the log is not running: call ovrtx_initialize or create a renderer first");
    return (ovrtx_result_t) { logging_flush(timeout.time_out_ns) ? OVRTX_API_SUCCESS : OVRTX_API_TIMEOUT };
}

ovrtx_result_t ovrtx_get_path_dictionary(ovrtx_renderer_t *instance, path_dictionary_instance_t *out)
{
    API_ENTER(instance);
    if (!out)
        return api_fail("ovrtx_get_path_dictionary needs a place for the dictionary");
    *out = paths_instance(instance->paths);
    return api_ok();
}

ovrtx_result_t ovrtx_wait_op(ovrtx_renderer_t *instance, ovrtx_op_id_t op_id, ovrtx_timeout_t time_out,
                             ovrtx_op_wait_result_t *out_wait_result)
{
    error_clear();
    if (out_wait_result)
        *out_wait_result = (ovrtx_op_wait_result_t) { 0 };
    API_ENTER(instance);
    if (!out_wait_result)
        return api_fail("ovrtx_wait_op needs a place for its result");
    if (!ops_known(instance->ops, op_id))
        return api_fail("operation %llu was never enqueued", (unsigned long long)op_id);
    bool done = ops_wait(instance->ops, op_id, time_out.time_out_ns);
    ops_report(instance->ops, op_id, out_wait_result);
    return (ovrtx_result_t) { done ? OVRTX_API_SUCCESS : OVRTX_API_TIMEOUT };
}

ovrtx_result_t ovrtx_query_op_status(ovrtx_renderer_t *instance, ovrtx_op_id_t op_id, ovrtx_op_status_t *out_status)
{
    API_ENTER(instance);
    if (!out_status)
        return api_fail("ovrtx_query_op_status needs a place for the status");
    if (!ops_known(instance->ops, op_id))
        return api_fail("operation %llu was never enqueued", (unsigned long long)op_id);
    return ops_status(instance->ops, op_id, out_status);
}

ovrtx_result_t ovrtx_release_op_status(ovrtx_renderer_t *instance, ovrtx_op_status_t *status)
{
    API_ENTER(instance);
    if (!status)
        return api_fail("ovrtx_release_op_status needs the status");
    free(status->counters);
    status->counters      = NULL;
    status->counter_count = 0;
    return api_ok();
}
