// The functions of ovrtx_ext.h that are not about assets.

#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "products.h"
#include "renderer.h"

static uint32_t product_path(ovrtx_renderer_t *r, ovx_string_t product)
{
    uint32_t path = paths_path(r->paths, product.ptr, product.length);
    if (!path)
        error_set("'%.*s' is not an absolute prim path", text_shown(product), product.ptr ? product.ptr : "");
    return path;
}

static int run_refresh(void *user, void *payload, struct op *op)
{
    product_refresh_stats(user, *(uint32_t *)payload);
    return 0;
}

ovrtx_result_t ovrtx_ext_get_product_stats(ovrtx_renderer_t *instance, ovx_string_t product, ovrtx_ext_product_stats_t *out_stats)
{
    API_ENTER(instance);
    if (!out_stats || out_stats->struct_size < sizeof(size_t))
        return api_fail("the statistics need a structure with struct_size set");
    uint32_t path = product_path(instance, product);
    if (!path)
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    // While operations are pending the last step's numbers do; nobody wants to wait for a load here.
    uint32_t *payload = ops_lowest_pending(instance->ops) ? NULL : malloc(sizeof(*payload));
    if (payload) {
        *payload = path;
        ovrtx_enqueue_result_t queued = ops_enqueue_async(instance->ops, run_refresh, free, payload);
        ops_wait(instance->ops, queued.op_index, UINT64_MAX);
    }
    ovrtx_ext_product_stats_t stats;
    if (!product_last_stats(instance->products, path, &stats))
        return api_fail("%.*s was not stepped yet", text_shown(product), product.ptr);
    size_t size       = out_stats->struct_size < sizeof(stats) ? out_stats->struct_size : sizeof(stats);
    stats.struct_size = out_stats->struct_size;
    memcpy(out_stats, &stats, size);
    return api_ok();
}

ovrtx_result_t ovrtx_ext_set_frame_budget(ovrtx_renderer_t *instance, ovx_string_t product, double milliseconds)
{
    API_ENTER(instance);
    if (!(milliseconds >= 0 && milliseconds < 1e9))
        return api_fail("a frame budget is 0 or a positive number of milliseconds");
    uint32_t path = product_path(instance, product);
    if (!path)
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    return product_set_budget(instance->products, path, milliseconds) ? api_ok() : api_fail("out of memory");
}

ovrtx_result_t ovrtx_ext_select_outputs(ovrtx_renderer_t *instance, ovx_string_t product, const ovx_string_t *names, size_t count)
{
    API_ENTER(instance);
    if ((count && !names) || count > PRODUCT_MAX_VARS)
        return api_fail("%zu names of render vars and %s pointer to them", count, names ? "a" : "no");
    uint32_t path = product_path(instance, product), tokens[PRODUCT_MAX_VARS];
    if (!path)
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    for (size_t i = 0; i < count; i++)
        tokens[i] = paths_token(instance->paths, names[i].ptr ? names[i].ptr : "", names[i].ptr ? names[i].length : 0);
    return product_select(instance->products, path, tokens, count) ? api_ok() : api_fail("out of memory");
}

struct bounds {
    char *path;
    struct box box;
    bool found;
};

static int run_bounds(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    struct bounds *b    = payload;
    uint32_t prim       = b->path[0] && strcmp(b->path, "/") ? stage_find_text(&r->stage, b->path) : 0;
    if (!prim && b->path[0] && strcmp(b->path, "/"))
        return op_fail(op, "there is no prim %s", b->path);
    if (draw_update(r->draw, r, op))
        return -1;
    b->found = draw_bounds(r->draw, prim, &b->box);
    return 0;
}

ovrtx_result_t ovrtx_ext_get_bounds(ovrtx_renderer_t *instance, ovx_string_t prim, ovrtx_ext_bounds_t *out_bounds)
{
    API_ENTER(instance);
    if (!out_bounds)
        return api_fail("the bounds need a place to go");
    struct bounds b = { .path = text_copy(prim), .box = box_empty() };
    if (!b.path)
        return api_fail("out of memory");
    ovrtx_enqueue_result_t queued = ops_enqueue_async(instance->ops, run_bounds, NULL, &b);
    char text[ERROR_TEXT_SIZE] = "";
    ovrtx_result_t result = { queued.status };
    if (queued.status == OVRTX_API_SUCCESS) {
        ops_wait(instance->ops, queued.op_index, UINT64_MAX);
        if (ops_failure(instance->ops, queued.op_index, text, sizeof(text))) {
            ops_forgive(instance->ops, queued.op_index);
            result = api_fail("%s", text);
        }
    }
    free(b.path);
    memcpy(out_bounds->min, b.box.min, sizeof(out_bounds->min));
    memcpy(out_bounds->max, b.box.max, sizeof(out_bounds->max));
    return result;
}
