#include "products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "product_camera.h"
#include "clock.h"
#include "draw.h"
#include "log.h"
#include "renderer.h"

struct view {
    struct render_view *gpu;
    struct frame *frames[RENDER_MAX_FRAMES]; // not references; oldest first
    size_t frame_count;
};

struct product {
    uint32_t path;
    // Set by callers, under the lock.
    double budget_ms;
    uint32_t *selected;
    size_t selected_count;
    bool selects; // false: all of orderedVars
    ovrtx_ext_product_stats_t stats;
    bool has_stats;
    // Operation thread.
    struct view *view;
    uint32_t width, height;
    bool drawn; // in the step that runs
    bool pick_pending;
    ovrtx_pick_query_desc_t pick;
    uint64_t warned_generation; // unknown render vars were named for this state of the stage
    float step_ms;
};

struct products {
    pthread_mutex_t lock; // of the list and of what callers set
    struct {
        ARRAY_OF(struct product *);
    } list;
    struct {
        ARRAY_OF(struct view *);
    } retired; // destroyed when their last frame is gone; operation thread
};

struct products *products_create(void)
{
    struct products *p = calloc(1, sizeof(*p));
    if (p)
        pthread_mutex_init(&p->lock, NULL);
    return p;
}

static struct product *find(struct products *p, uint32_t path, bool create)
{
    for (size_t i = 0; i < p->list.count; i++) {
        if (p->list.items[i]->path == path)
            return p->list.items[i];
    }
    struct product *product = create ? calloc(1, sizeof(*product)) : NULL;
    if (product) {
        product->path = path;
        if (!array_push(&p->list, product)) {
            free(product);
            product = NULL;
        }
    }
    return product;
}

static struct product *find_locked(struct products *p, uint32_t path)
{
    pthread_mutex_lock(&p->lock);
    struct product *product = find(p, path, true);
    pthread_mutex_unlock(&p->lock);
    return product;
}

// ---------------------------------------------------------------------------------------------
// Views. A view outlives its product's interest in it while frames of it are held.

static pthread_mutex_t frames_lock = PTHREAD_MUTEX_INITIALIZER; // views' frame lists, all renderers

static void retire(struct products *p, struct product *product)
{
    if (!product->view)
        return;
    array_push(&p->retired, product->view);
    product->view = NULL;
}

static void sweep(struct products *p)
{
    for (size_t i = 0; i < p->retired.count;) {
        struct view *v = p->retired.items[i];
        pthread_mutex_lock(&frames_lock);
        bool held = v->frame_count > 0;
        pthread_mutex_unlock(&frames_lock);
        if (held) {
            i++;
            continue;
        }
        render_view_destroy(&v->gpu);
        free(v);
        p->retired.items[i] = p->retired.items[--p->retired.count];
    }
}

void products_forget_stage(struct products *p)
{
    for (size_t i = 0; i < p->list.count; i++) {
        p->list.items[i]->pick_pending = false;
        retire(p, p->list.items[i]);
    }
    sweep(p);
}

void products_forget_history(struct products *p)
{
    for (size_t i = 0; i < p->list.count; i++) {
        if (p->list.items[i]->view)
            render_view_reset(p->list.items[i]->view->gpu);
    }
}

void products_destroy(struct products **pp)
{
    struct products *p = *pp;
    if (!p)
        return;
    products_forget_stage(p);
    for (size_t i = 0; i < p->list.count; i++) {
        free(p->list.items[i]->selected);
        free(p->list.items[i]);
    }
    array_free(&p->list);
    array_free(&p->retired);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *pp = NULL;
}

void products_end_step(struct products *p)
{
    for (size_t i = 0; i < p->list.count; i++) {
        struct product *product = p->list.items[i];
        if (product->view && !product->drawn)
            render_view_reset(product->view->gpu);
        product->drawn = false;
    }
}

// ---------------------------------------------------------------------------------------------
// Frames

static void free_frame(struct frame *f)
{
    for (int i = 0; i < RENDER_OUT_COUNT; i++)
        free(f->host[i]);
    free(f->semantic_map);
    free(f->hits);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void leave_view(struct frame *f)
{
    pthread_mutex_lock(&frames_lock);
    struct view *v = f->view;
    for (size_t i = 0; v && i < v->frame_count; i++) {
        if (v->frames[i] == f) {
            memmove(v->frames + i, v->frames + i + 1, (v->frame_count - i - 1) * sizeof(v->frames[0]));
            v->frame_count--;
            break;
        }
    }
    f->view = NULL;
    pthread_mutex_unlock(&frames_lock);
}

void frame_drop(struct frame *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&frames_lock); // against make_room() taking it up again
    bool last = --f->refs == 0;
    pthread_mutex_unlock(&frames_lock);
    if (!last)
        return;
    // The renderer's frame goes first: the view may be destroyed once the list is empty.
    if (f->gpu)
        render_frame_destroy(&f->gpu);
    leave_view(f);
    free_frame(f);
}

static size_t output_bytes(const struct frame *f, enum render_output output)
{
    static const size_t sizes[] = { [RENDER_U8] = 1, [RENDER_U32] = 4, [RENDER_F16] = 2, [RENDER_F32] = 4 };
    const struct render_output_info *info = render_output_info(output);
    return (size_t)f->width * f->height * info->channels * sizes[info->component];
}

static int read_hits(struct frame *f)
{
    if (f->pick_ready || !f->gpu)
        return 0;
    struct render_pick_hit none;
    int count = render_frame_pick(f->gpu, &none, 0);
    if (count < 0)
        return count;
    f->hits = calloc((size_t)count + 1, sizeof(*f->hits));
    if (!f->hits)
        return RENDER_ERR_NOMEM;
    int again    = render_frame_pick(f->gpu, f->hits, (size_t)count);
    f->hit_count = again < 0 ? 0 : again < count ? (size_t)again : (size_t)count;
    f->pick_ready = true;
    return 0;
}

int frame_pixels(struct frame *f, enum render_output output, uint64_t timeout_ns, const void **out)
{
    pthread_mutex_lock(&f->lock);
    int rc = 0;
    *out   = f->host[output];
    if (!*out) {
        rc = f->gpu ? render_frame_wait(f->gpu, timeout_ns) : RENDER_ERR_INVALID;
        if (!rc)
            rc = render_frame_map(f->gpu, output, out);
    }
    pthread_mutex_unlock(&f->lock);
    return rc;
}

int frame_hits(struct frame *f, uint64_t timeout_ns)
{
    pthread_mutex_lock(&f->lock);
    int rc = f->pick_ready || !f->gpu ? 0 : render_frame_wait(f->gpu, timeout_ns);
    if (!rc)
        rc = read_hits(f);
    pthread_mutex_unlock(&f->lock);
    return rc;
}

// Copies a frame to host memory and gives the renderer's back. false: it is mapped, or memory is short.
static bool move_to_host(struct frame *f)
{
    pthread_mutex_lock(&f->lock);
    bool ok = !f->mapped && f->gpu;
    for (int i = 0; ok && i < RENDER_OUT_COUNT; i++) {
        const void *pixels;
        if (!(f->outputs >> i & 1))
            continue;
        ok = !render_frame_map(f->gpu, (enum render_output)i, &pixels)
            && (f->host[i] = malloc(output_bytes(f, (enum render_output)i)));
        if (ok)
            memcpy(f->host[i], pixels, output_bytes(f, (enum render_output)i));
    }
    if (ok && f->has_pick)
        ok = !read_hits(f);
    if (ok)
        render_frame_destroy(&f->gpu);
    for (int i = 0; !ok && i < RENDER_OUT_COUNT; i++) {
        free(f->host[i]);
        f->host[i] = NULL;
    }
    pthread_mutex_unlock(&f->lock);
    return ok;
}

// Makes sure that the view may have one more frame.
static bool make_room(struct view *v)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&frames_lock);
        bool room        = v->frame_count < RENDER_MAX_FRAMES;
        struct frame *f  = !room && i < v->frame_count ? v->frames[i] : NULL;
        if (f && f->refs == 0) // on its way out in another thread
            f = NULL;
        else if (f)
            f->refs++;
        pthread_mutex_unlock(&frames_lock);
        if (room)
            return true;
        if (i >= RENDER_MAX_FRAMES)
            return false;
        if (!f)
            continue;
        if (move_to_host(f))
            leave_view(f);
        frame_drop(f);
    }
}

static struct frame *wrap_frame(struct view *v, struct render_frame *gpu, uint32_t width, uint32_t height, uint32_t outputs)
{
    struct frame *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->refs    = 1;
    f->gpu     = gpu;
    f->view    = v;
    f->width   = width;
    f->height  = height;
    f->outputs = outputs;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_lock(&frames_lock);
    v->frames[v->frame_count++] = f;
    pthread_mutex_unlock(&frames_lock);
    return f;
}

// ---------------------------------------------------------------------------------------------
// Render vars

static bool var_from_source(const char *source, struct product_var *out)
{
    *out = (struct product_var) { VAR_IMAGE, RENDER_OUT_COUNT, source };
    if (!strcmp(source, "SemanticIdMap")) {
        out->kind = VAR_SEMANTIC_MAP;
        return true;
    }
    const char *name = !strcmp(source, "SemanticSegmentationSD") ? "SemanticSegmentation" : source;
    for (int i = 0; i < RENDER_OUT_COUNT; i++) {
        if (!strcmp(render_output_info((enum render_output)i)->name, name)) {
            out->output = (enum render_output)i;
            return true;
        }
    }
    return false;
}

static void list_vars(const struct stage *s, uint32_t prim, struct product *product, struct product_frame *out)
{
    bool warn = product->warned_generation != s->generation;
    product->warned_generation = s->generation;
    uint32_t path;
    for (size_t i = 0; (path = stage_get_target(s, prim, "orderedVars", i)); i++) {
        uint32_t var       = stage_find(s, path);
        const char *source = "";
        if (!var || s->prims.items[var].kind != PRIM_RENDER_VAR) {
            if (warn)
                log_warn("ovrtx.products", "%s: %s is no RenderVar", stage_path_text(s, prim), paths_text(s->paths, path, NULL));
            continue;
        }
        if (!stage_get_token(s, var, "sourceName", &source) || !source[0])
            source = strrchr(stage_path_text(s, var), '/') + 1;
        // The interned copy outlives the stage.
        source = paths_token_text(s->paths, paths_token(s->paths, source, strlen(source)));
        if (out->var_count == PRODUCT_MAX_VARS || !var_from_source(source, &out->vars[out->var_count])) {
            if (warn)
                log_warn("ovrtx.products", "%s: render var %s is not supported yet and left out", stage_path_text(s, prim), source);
            continue;
        }
        out->var_count++;
    }
}

static uint32_t wanted_outputs(struct products *p, struct product *product, const struct stage *s, const struct product_frame *out)
{
    uint32_t bits = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < out->var_count; i++) {
        bool wanted = !product->selects;
        for (size_t k = 0; k < product->selected_count && !wanted; k++)
            wanted = !strcmp(paths_token_text(s->paths, product->selected[k]), out->vars[i].name);
        if (wanted && out->vars[i].kind == VAR_IMAGE)
            bits |= 1u << out->vars[i].output;
    }
    pthread_mutex_unlock(&p->lock);
    return bits;
}

// ---------------------------------------------------------------------------------------------
// Drawing

static int ensure_view(ovrtx_renderer_t *r, struct product *product, uint32_t width, uint32_t height, struct op *op)
{
    if (product->view && product->width == width && product->height == height)
        return 0;
    retire(r->products, product);
    sweep(r->products);
    struct view *v = calloc(1, sizeof(*v));
    if (!v)
        return op_fail(op, "out of memory");
    int rc = render_view_create(r->gpu, r->scene, width, height, &v->gpu);
    if (rc < 0) {
        free(v);
        return op_fail(op, "%s: a picture of %u x %u cannot be made (code %d; the log says more)",
                       paths_text(r->paths, product->path, NULL), width, height, rc);
    }
    product->view   = v;
    product->width  = width;
    product->height = height;
    return 0;
}

static bool pick_rectangle(const struct product *product, uint32_t width, uint32_t height, struct render_pick_rect *out)
{
    const ovrtx_pick_query_desc_t *q = &product->pick;
    int64_t left = q->left > 0 ? q->left : 0, top = q->top > 0 ? q->top : 0;
    int64_t right  = q->right < (int64_t)width ? q->right : (int64_t)width;
    int64_t bottom = q->bottom < (int64_t)height ? q->bottom : (int64_t)height;
    if (left >= right || top >= bottom)
        return false;
    *out = (struct render_pick_rect) { (uint32_t)left, (uint32_t)top, (uint32_t)right, (uint32_t)bottom };
    return true;
}

static void keep_stats(ovrtx_renderer_t *r, struct product *product)
{
    struct render_stats s = { 0 };
    struct draw_stats d;
    render_view_stats(product->view->gpu, &s);
    draw_stats(r->draw, &d);
    ovrtx_ext_product_stats_t out = {
        .width = product->width, .height = product->height, .samples = s.samples, .resolution_scale = s.resolution_scale,
        .converged = s.converged, .gpu_ms = s.gpu_ms, .raster_ms = s.raster_ms, .trace_ms = s.trace_ms,
        .denoise_ms = s.denoise_ms, .resolve_ms = s.resolve_ms, .step_ms = product->step_ms, .populate_ms = d.populate_ms,
        .triangles = s.triangles, .instances = s.instances, .device_bytes = s.device_bytes,
    };
    const char *name = renderer_device_name(r->gpu);
    size_t size = name ? strlen(name) : 0;
    memcpy(out.device_name, name ? name : "", size < sizeof(out.device_name) ? size : sizeof(out.device_name) - 1);
    pthread_mutex_lock(&r->products->lock);
    product->stats     = out;
    product->has_stats = true;
    pthread_mutex_unlock(&r->products->lock);
}

// The frame of a product whose view exists; takes what is pending.
static int draw_frame(ovrtx_renderer_t *r, struct product *product, struct render_frame_desc *desc, struct product_frame *out,
                      struct op *op)
{
    if (!make_room(product->view))
        return op_fail(op, "%s: %d frames are still mapped; unmap some", paths_text(r->paths, product->path, NULL), RENDER_MAX_FRAMES);
    struct render_frame *gpu = NULL;
    int rc = render_view_render(product->view->gpu, desc, &gpu);
    if (rc < 0)
        return op_fail(op, "%s: rendering failed (code %d; the log says more)", paths_text(r->paths, product->path, NULL), rc);
    out->frame = wrap_frame(product->view, gpu, product->width, product->height, desc->settings.outputs);
    if (!out->frame) {
        render_frame_destroy(&gpu);
        return op_fail(op, "out of memory");
    }
    out->frame->meters_per_unit = r->stage.meters_per_unit;
    return 0;
}

int product_render(ovrtx_renderer_t *r, uint32_t path, struct product_frame *out, struct op *op)
{
    const struct stage *s   = &r->stage;
    uint32_t prim           = stage_find(s, path);
    struct product *product = find_locked(r->products, path);
    int64_t start           = clock_mono_ns();
    float size[2]           = { 2048, 1080 };
    out->frame              = NULL;
    out->var_count          = 0;
    if (!product)
        return op_fail(op, "out of memory");
    if (!prim || s->prims.items[prim].kind != PRIM_RENDER_PRODUCT)
        return op_fail(op, "%s is no RenderProduct on the stage", paths_text(r->paths, path, NULL));
    stage_get_floats(s, prim, "resolution", size, 2);
    if (!(size[0] >= 1 && size[1] >= 1 && size[0] <= PRODUCT_MAX_SIZE && size[1] <= PRODUCT_MAX_SIZE))
        return op_fail(op, "%s: a resolution of %g x %g is outside 1 to %d", stage_path_text(s, prim), (double)size[0],
                       (double)size[1], PRODUCT_MAX_SIZE);
    uint32_t width = (uint32_t)size[0], height = (uint32_t)size[1];

    struct render_frame_desc desc = { 0 };
    struct render_pick_rect rect;
    if (product_camera(s, prim, width, height, &desc.camera, op) || ensure_view(r, product, width, height, op))
        return -1;
    product_settings(s, prim, &desc.settings);
    list_vars(s, prim, product, out);
    desc.settings.outputs = wanted_outputs(r->products, product, s, out);
    pthread_mutex_lock(&r->products->lock);
    desc.settings.budget_ms = (float)product->budget_ms;
    pthread_mutex_unlock(&r->products->lock);
    bool picks = product->pick_pending;
    if (picks && pick_rectangle(product, width, height, &rect))
        desc.pick = &rect;
    if (draw_frame(r, product, &desc, out, op))
        return -1;

    product->pick_pending = false;
    product->drawn        = true;
    if (picks) {
        out->frame->has_pick   = true;
        out->frame->pick_ready = !desc.pick; // nothing to find
        out->vars[out->var_count++] = (struct product_var) { VAR_PICK, RENDER_OUT_COUNT, OVRTX_RENDER_VAR_PICK_HIT };
    }
    for (size_t i = 0; i < out->var_count; i++) {
        if (out->vars[i].kind == VAR_SEMANTIC_MAP && !out->frame->semantic_map)
            out->frame->semantic_map = draw_semantic_map(r->draw, &out->frame->semantic_map_size);
    }
    product->step_ms = (float)(clock_mono_ns() - start) * 1e-6f;
    keep_stats(r, product);
    return 0;
}

void product_set_pick(struct products *p, uint32_t path, const ovrtx_pick_query_desc_t *desc)
{
    struct product *product = find_locked(p, path);
    if (product) {
        product->pick         = *desc;
        product->pick_pending = true;
    }
}

// ---------------------------------------------------------------------------------------------
// What callers set and ask

bool product_set_budget(struct products *p, uint32_t path, double milliseconds)
{
    pthread_mutex_lock(&p->lock);
    struct product *product = find(p, path, true);
    if (product)
        product->budget_ms = milliseconds;
    pthread_mutex_unlock(&p->lock);
    return product != NULL;
}

bool product_select(struct products *p, uint32_t path, const uint32_t *names, size_t count)
{
    uint32_t *copy = count ? malloc(count * sizeof(*copy)) : NULL;
    if (count && !copy)
        return false;
    if (count)
        memcpy(copy, names, count * sizeof(*copy));
    pthread_mutex_lock(&p->lock);
    struct product *product = find(p, path, true);
    if (product) {
        free(product->selected);
        product->selected       = copy;
        product->selected_count = count;
        product->selects        = count > 0;
    }
    pthread_mutex_unlock(&p->lock);
    if (!product)
        free(copy);
    return product != NULL;
}

bool product_last_stats(struct products *p, uint32_t path, ovrtx_ext_product_stats_t *out)
{
    pthread_mutex_lock(&p->lock);
    const struct product *product = find(p, path, false);
    bool ok                       = product && product->has_stats;
    if (ok)
        *out = product->stats;
    pthread_mutex_unlock(&p->lock);
    return ok;
}

bool product_refresh_stats(ovrtx_renderer_t *r, uint32_t path)
{
    pthread_mutex_lock(&r->products->lock);
    struct product *product = find(r->products, path, false);
    pthread_mutex_unlock(&r->products->lock);
    if (product && product->view)
        keep_stats(r, product);
    return product != NULL;
}
