// Stepping: draws a set of products; picks, selection styles and history.

#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "log.h"
#include "results.h"

struct step {
    struct step_result *result;
    double delta;
};

static void free_step(void *payload)
{
    struct step *step = payload;
    result_drop(step->result);
    free(step);
}

static int run_step(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r        = user;
    struct step *step          = payload;
    struct step_result *result = step->result;
    result->start_time         = r->last_step_time;
    result->end_time = r->last_step_time += step->delta;
    int rc = draw_update(r->draw, r, op);
    for (size_t i = 0; i < result->count && !rc; i++)
        rc = product_render(r, result->products[i].path, &result->products[i].frame, op);
    products_end_step(r->products);
    if (!rc && !result_publish(r, result))
        rc = op_fail(op, "out of memory");
    return rc;
}

ovrtx_enqueue_result_t ovrtx_step(ovrtx_renderer_t *instance, ovrtx_render_product_set_t render_products, double delta_time,
                                  ovrtx_step_result_handle_t *out_step_result_handle)
{
    ENQUEUE_ENTER(instance);
    size_t count = render_products.num_render_products;
    if (!out_step_result_handle || (count && !render_products.render_products))
        return enqueue_fail("a step needs product paths and a place for the result handle");
    if (!(delta_time >= 0 && delta_time < 1e300))
        return enqueue_fail("the time of a step must be finite and not negative");
    if (count > 1024)
        return enqueue_fail("%zu products in one step are more than 1024", count);
    struct step *step = calloc(1, sizeof(*step));
    struct step_result *result = step ? result_create(count) : NULL;
    if (!result) {
        free(step);
        return enqueue_fail("out of memory");
    }
    step->result = result;
    step->delta  = delta_time;
    for (size_t i = 0; i < count; i++) {
        ovx_string_t path        = render_products.render_products[i];
        result->products[i].path = paths_path(instance->paths, path.ptr, path.length);
        if (!result->products[i].path) {
            free_step(step);
            return enqueue_fail("'%.*s' is not an absolute prim path", text_shown(path), path.ptr ? path.ptr : "");
        }
    }
    uint64_t handle = result->handle = handles_add(&instance->results, result);
    if (!handle) {
        free_step(step);
        return enqueue_fail("out of memory");
    }
    result->refs += 2; // the table's, and ours while the id is noted
    ovrtx_enqueue_result_t queued = ops_enqueue(instance->ops, run_step, free_step, step);
    result->op_id = queued.op_index;
    result_drop(result);
    if (!queued.op_index) {
        handles_take(&instance->results, handle);
        result_drop(result);
    } else {
        *out_step_result_handle = handle;
    }
    return queued;
}

// ---------------------------------------------------------------------------------------------
// Reset, picks, styles

static int run_reset(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    r->last_step_time   = *(double *)payload;
    products_forget_history(r->products);
    return 0;
}

ovrtx_enqueue_result_t ovrtx_reset(ovrtx_renderer_t *instance, double time)
{
    ENQUEUE_ENTER(instance);
    if (!(time > -1e300 && time < 1e300))
        return enqueue_fail("the time is not a finite number of seconds");
    double *payload = malloc(sizeof(*payload));
    if (!payload)
        return enqueue_fail("out of memory");
    *payload = time;
    return ops_enqueue(instance->ops, run_reset, free, payload);
}

struct pick {
    uint32_t path;
    ovrtx_pick_query_desc_t desc;
};

static int run_pick(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r     = user;
    const struct pick *pick = payload;
    uint32_t prim           = stage_find(&r->stage, pick->path);
    if (!prim || r->stage.prims.items[prim].kind != PRIM_RENDER_PRODUCT) {
        log_info("ovrtx.pick", "%s is no RenderProduct on the stage; the query is dropped", paths_text(r->paths, pick->path, NULL));
        return 0;
    }
    product_set_pick(r->products, pick->path, &pick->desc);
    return 0;
}

ovrtx_enqueue_result_t ovrtx_enqueue_pick_query(ovrtx_renderer_t *instance, const ovrtx_pick_query_desc_t *desc)
{
    ENQUEUE_ENTER(instance);
    if (!desc)
        return enqueue_fail("the pick query is NULL");
    struct pick *pick = calloc(1, sizeof(*pick));
    if (!pick)
        return enqueue_fail("out of memory");
    pick->desc = *desc;
    pick->path = paths_path(instance->paths, desc->render_product_path.ptr, desc->render_product_path.length);
    pick->desc.render_product_path = (ovx_string_t) { NULL, 0 };
    if (!pick->path) {
        free(pick);
        return enqueue_fail("'%.*s' is not an absolute prim path", text_shown(desc->render_product_path),
                            desc->render_product_path.ptr ? desc->render_product_path.ptr : "");
    }
    return ops_enqueue(instance->ops, run_pick, free, pick);
}

struct styles {
    size_t count;
    struct {
        uint8_t group;
        struct render_group_style style;
    } items[];
};

static int run_styles(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r    = user;
    const struct styles *s = payload;
    for (size_t i = 0; i < s->count; i++)
        renderer_set_group_style(r->gpu, s->items[i].group, &s->items[i].style);
    return 0;
}

ovrtx_enqueue_result_t ovrtx_set_selection_group_styles(ovrtx_renderer_t *instance, const uint8_t *group_ids,
                                                        const ovrtx_selection_group_style_t *styles, size_t count)
{
    ENQUEUE_ENTER(instance);
    if (count && (!group_ids || !styles))
        return enqueue_fail("%zu styles but no pointer to %s", count, group_ids ? "them" : "the groups");
    if (count > 65536)
        return enqueue_fail("%zu styles are more than 65536", count);
    struct styles *s = malloc(sizeof(*s) + count * sizeof(s->items[0]));
    if (!s)
        return enqueue_fail("out of memory");
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        s->items[i].group = group_ids[i];
        memcpy(s->items[i].style.outline, styles[i].outline_color, sizeof(styles[i].outline_color));
        memcpy(s->items[i].style.fill, styles[i].fill_color, sizeof(styles[i].fill_color));
    }
    return ops_enqueue(instance->ops, run_styles, free, s);
}
