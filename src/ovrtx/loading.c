// Stage operations: open, add and remove references, clone, reset, time.

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "log.h"
#include "products.h"
#include "renderer.h"

// ---------------------------------------------------------------------------------------------
// Which files may be read

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && (path[n] == '/' || !path[n] || (n && folder[n - 1] == '/'));
}

static bool allow_path(const char *absolute, void *user)
{
    ovrtx_renderer_t *r = user;
    char resolved[PATH_MAX];
    pthread_mutex_lock(&r->lock);
    ovrtx_ext_asset_access_t callback = r->asset_access;
    void *callback_user               = r->asset_user;
    bool rules                        = callback || r->asset_root_count;
    // What does not exist is judged by the path as it is; opening it fails anyway.
    const char *path = rules && realpath(absolute, resolved) ? resolved : absolute;
    bool allowed     = !r->asset_root_count;
    for (size_t i = 0; i < r->asset_root_count && !allowed; i++)
        allowed = below(path, r->asset_roots[i]);
    pthread_mutex_unlock(&r->lock);
    allowed = allowed && (!callback || callback(path, callback_user));
    if (!allowed)
        log_warn("ovrtx.assets", "%s: refused, it is outside the allowed folders", path);
    return allowed;
}

void loading_options(ovrtx_renderer_t *r, struct usd_open_options *options)
{
    *options = (struct usd_open_options) { .allow_path = allow_path, .user = r };
}

ovrtx_result_t ovrtx_ext_set_asset_access(ovrtx_renderer_t *instance, ovrtx_ext_asset_access_t callback,
                                          void *user_data)
{
    API_ENTER(instance);
    pthread_mutex_lock(&instance->lock);
    instance->asset_access = callback;
    instance->asset_user   = user_data;
    pthread_mutex_unlock(&instance->lock);
    return api_ok();
}

ovrtx_result_t ovrtx_ext_set_asset_roots(ovrtx_renderer_t *instance, const ovx_string_t *roots, size_t count)
{
    API_ENTER(instance);
    if (count && !roots)
        return api_fail("%zu asset roots but no pointer to them", count);
    char **resolved = calloc(count ? count : 1, sizeof(*resolved));
    if (!resolved)
        return api_fail("out of memory");
    for (size_t i = 0; i < count; i++) {
        char *text  = text_copy(roots[i]);
        resolved[i] = text ? realpath(text, NULL) : NULL;
        if (!resolved[i]) {
            ovrtx_result_t result = api_fail("asset root '%s' does not exist", text ? text : "");
            free(text);
            while (i--)
                free(resolved[i]);
            free(resolved);
            return result;
        }
        free(text);
    }
    pthread_mutex_lock(&instance->lock);
    char **old       = instance->asset_roots;
    size_t old_count = instance->asset_root_count;
    instance->asset_roots      = resolved;
    instance->asset_root_count = count;
    pthread_mutex_unlock(&instance->lock);
    for (size_t i = 0; i < old_count; i++)
        free(old[i]);
    free(old);
    return api_ok();
}

// ---------------------------------------------------------------------------------------------
// Opening

struct load {
    char *text;      // file name, or layer text
    size_t size;     // of the text
    bool is_file;
    char *prefix;    // NULL = as the root
    uint64_t handle; // of an added reference
};

static void free_load(void *payload)
{
    struct load *l = payload;
    free(l->text);
    free(l->prefix);
    free(l);
}

static void empty_stage(ovrtx_renderer_t *r)
{
    draw_clear(r->draw);
    stage_clear(&r->stage);
    products_forget_stage(r->products);
    r->last_step_time = 0;
}

static usd_stage *open_layer(ovrtx_renderer_t *r, const struct load *l, struct op *op)
{
    struct usd_open_options options;
    struct usd_error error = { 0 };
    usd_stage *usd         = NULL;
    loading_options(r, &options);
    int rc = l->is_file ? usd_stage_open(l->text, &options, &usd, &error)
                        : usd_stage_open_string(l->text, l->size, NULL, NULL, &options, &usd, &error);
    if (rc < 0) {
        op_fail(op, "cannot open %s: %s", l->is_file ? l->text : "the layer", error.message[0] ? error.message : "no reason given");
        return NULL;
    }
    size_t count = usd_stage_diagnostic_count(usd);
    for (size_t i = 0; i < count; i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(usd, i);
        log_write(d->severity == USD_INFO ? LOG_INFO : LOG_WARN, "usd.compose", "%s%s%s%s%s", d->layer,
                  d->layer[0] ? ": " : "", d->path, d->path[0] ? ": " : "", d->message);
    }
    return usd;
}

static void read_root_metadata(struct stage *s, const usd_stage *usd)
{
    struct usd_value data;
    s->meters_per_unit = usd_stage_meters_per_unit(usd);
    s->up_axis         = usd_stage_up_axis(usd)[0] == 'Z' ? 'Z' : 'Y';
    if (usd_stage_metadata(usd, "customLayerData", &data)) {
        const struct usd_value *flag = usd_dict_find(&data, "populateAllAuthoredAttributes");
        double v = 0;
        s->populate_all = flag && usd_value_doubles(flag, 0, &v, 1) && v != 0;
    }
    usd_value_finish(&data);
}

static int run_open(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    const struct load *l = payload;
    empty_stage(r);
    usd_stage *usd = open_layer(r, l, op);
    if (!usd)
        return -1;
    read_root_metadata(&r->stage, usd);
    struct usd_stage_stats stats;
    usd_stage_stats(usd, &stats);
    if (stage_graft(&r->stage, usd, "/", paths_path(r->paths, "/", 1), 0)) {
        empty_stage(r);
        return op_fail(op, "cannot open %s: out of memory", l->is_file ? l->text : "the layer");
    }
    if (draw_populate(r->draw, r, op))
        return -1;
    log_info("ovrtx.stage", "opened %s: %zu prims, %llu layers, parsed in %.0f ms, composed in %.0f ms",
             l->is_file ? l->text : "a layer in memory", r->stage.prims.count - 1, (unsigned long long)stats.layers,
             stats.parse_seconds * 1e3, stats.compose_seconds * 1e3);
    return 0;
}

static int run_add(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r  = user;
    const struct load *l = payload;
    uint32_t path        = paths_path(r->paths, l->prefix, strlen(l->prefix));
    if (!path || !strcmp(l->prefix, "/"))
        return op_fail(op, "'%s' is not an absolute prim path for a reference", l->prefix);
    if (stage_find(&r->stage, path))
        return op_fail(op, "cannot add a reference at %s: a prim is there already", l->prefix);
    usd_stage *usd = open_layer(r, l, op);
    if (!usd)
        return -1;
    const usd_prim *prim = usd_stage_default_prim(usd);
    if (!prim) {
        usd_stage_close(&usd);
        return op_fail(op, "cannot reference %s: it has no defaultPrim", l->is_file ? l->text : "the layer");
    }
    char *root = strdup(usd_prim_path(prim));
    int rc     = root ? stage_graft(&r->stage, usd, root, path, (uint32_t)l->handle) : -1;
    if (!root)
        usd_stage_close(&usd);
    free(root);
    if (rc)
        return op_fail(op, "cannot add a reference at %s: out of memory", l->prefix);
    log_info("ovrtx.stage", "added %s at %s", l->is_file ? l->text : "a layer in memory", l->prefix);
    return 0;
}

static ovrtx_enqueue_result_t enqueue_load(ovrtx_renderer_t *r, ovx_string_t text, bool is_file,
                                           const ovx_string_t *prefix, ovrtx_usd_handle_t *handle)
{
    ENQUEUE_ENTER(r);
    if (!text.ptr || (is_file && !text.length))
        return enqueue_fail(is_file ? "the file name is empty" : "the layer text is NULL");
    if (prefix && (!handle || !prefix->ptr))
        return enqueue_fail("adding a reference needs a prim path and a place for the handle");
    struct load *l = calloc(1, sizeof(*l));
    if (l) {
        l->text    = text_copy(text);
        l->size    = text.length;
        l->is_file = is_file;
        l->prefix  = prefix ? text_copy(*prefix) : NULL;
    }
    if (!l || !l->text || (prefix && !l->prefix)) {
        if (l)
            free_load(l);
        return enqueue_fail("out of memory");
    }
    if (prefix)
        *handle = l->handle = handles_reserve(&r->references);
    return ops_enqueue(r->ops, prefix ? run_add : run_open, free_load, l);
}

ovrtx_enqueue_result_t ovrtx_open_usd_from_file(ovrtx_renderer_t *instance, ovx_string_t file_name)
{
    return enqueue_load(instance, file_name, true, NULL, NULL);
}

ovrtx_enqueue_result_t ovrtx_open_usd_from_string(ovrtx_renderer_t *instance, ovx_string_t root_layer_content)
{
    return enqueue_load(instance, root_layer_content, false, NULL, NULL);
}

ovrtx_enqueue_result_t ovrtx_add_usd_reference_from_file(ovrtx_renderer_t *instance, ovx_string_t layer_file,
                                                         ovx_string_t prefix_path, ovrtx_usd_handle_t *out_handle)
{
    return enqueue_load(instance, layer_file, true, &prefix_path, out_handle);
}

ovrtx_enqueue_result_t ovrtx_add_usd_reference_from_string(ovrtx_renderer_t *instance, ovx_string_t layer_content,
                                                           ovx_string_t prefix_path, ovrtx_usd_handle_t *out_handle)
{
    return enqueue_load(instance, layer_content, false, &prefix_path, out_handle);
}

// ---------------------------------------------------------------------------------------------
// Removing, cloning, emptying, time

static int run_remove(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    uint64_t handle     = *(uint64_t *)payload;
    bool found          = false;
    for (uint32_t i = 1; i < r->stage.prims.count; i++) {
        const struct stage_prim *p = &r->stage.prims.items[i];
        if (p->alive && p->added_by && p->added_by == (uint32_t)handle) {
            stage_remove(&r->stage, i);
            found = true;
        }
    }
    return found ? 0 : op_fail(op, "USD handle %llu names nothing on the stage", (unsigned long long)handle);
}

ovrtx_enqueue_result_t ovrtx_remove_usd(ovrtx_renderer_t *instance, ovrtx_usd_handle_t add_usd_handle)
{
    ENQUEUE_ENTER(instance);
    if (!add_usd_handle)
        return enqueue_fail("the USD handle is 0");
    uint64_t *payload = malloc(sizeof(*payload));
    if (!payload)
        return enqueue_fail("out of memory");
    *payload = add_usd_handle;
    return ops_enqueue(instance->ops, run_remove, free, payload);
}

struct clone {
    uint32_t source;
    size_t count;
    uint32_t targets[];
};

static int run_clone(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r   = user;
    const struct clone *c = payload;
    uint32_t source       = stage_find(&r->stage, c->source);
    if (!source)
        return op_fail(op, "cannot clone %s: there is no such prim", paths_text(r->paths, c->source, NULL));
    for (size_t i = 0; i < c->count; i++) {
        const char *target = paths_text(r->paths, c->targets[i], NULL);
        if (!strcmp(target, "/") || stage_find(&r->stage, c->targets[i]))
            return op_fail(op, "cannot clone to %s: a prim is there already", target);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (stage_clone(&r->stage, source, c->targets[i]))
            return op_fail(op, "cannot clone to %s: out of memory", paths_text(r->paths, c->targets[i], NULL));
    }
    return 0;
}

ovrtx_enqueue_result_t ovrtx_clone_usd(ovrtx_renderer_t *instance, ovx_string_t source_path_in_usd,
                                       const ovx_string_t *target_paths, size_t num_target_paths)
{
    ENQUEUE_ENTER(instance);
    if (num_target_paths && !target_paths)
        return enqueue_fail("%zu target paths but no pointer to them", num_target_paths);
    if (num_target_paths > SIZE_MAX / 8)
        return enqueue_fail("too many target paths");
    struct clone *c = malloc(sizeof(*c) + num_target_paths * sizeof(c->targets[0]));
    if (!c)
        return enqueue_fail("out of memory");
    c->count  = num_target_paths;
    c->source = paths_path(instance->paths, source_path_in_usd.ptr, source_path_in_usd.length);
    ovx_string_t bad = source_path_in_usd;
    bool ok          = c->source != 0;
    for (size_t i = 0; ok && i < num_target_paths; i++) {
        bad           = target_paths[i];
        c->targets[i] = paths_path(instance->paths, bad.ptr, bad.length);
        ok            = c->targets[i] != 0;
    }
    if (!ok) {
        free(c);
        return enqueue_fail("'%.*s' is not an absolute prim path", text_shown(bad), bad.ptr ? bad.ptr : "");
    }
    return ops_enqueue(instance->ops, run_clone, free, c);
}

static int run_reset_stage(void *user, void *payload, struct op *op)
{
    empty_stage(user);
    log_info("ovrtx.stage", "the stage is empty");
    return 0;
}

ovrtx_enqueue_result_t ovrtx_reset_stage(ovrtx_renderer_t *instance)
{
    ENQUEUE_ENTER(instance);
    return ops_enqueue(instance->ops, run_reset_stage, NULL, NULL);
}

static int run_set_time(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    stage_set_time(&r->stage, *(double *)payload);
    return 0;
}

ovrtx_enqueue_result_t ovrtx_update_stage_from_usd_time(ovrtx_renderer_t *instance, double usd_time)
{
    ENQUEUE_ENTER(instance);
    if (!(usd_time > -1e300 && usd_time < 1e300))
        return enqueue_fail("the time is not a finite number of seconds");
    double *payload = malloc(sizeof(*payload));
    if (!payload)
        return enqueue_fail("out of memory");
    *payload = usd_time;
    return ops_enqueue(instance->ops, run_set_time, free, payload);
}
