// RenderProducts: what their prims ask for, the views that draw them, and what callers set beside.
//
// The functions marked "any thread" lock; the others run on the operation thread.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <ovrtx/ovrtx_ext.h>

#include "array.h"
#include "ops.h"
#include "render.h"
#include "stage.h"

#define PRODUCT_MAX_VARS 64
#define PRODUCT_MAX_SIZE 16384 // pixels along a side

struct products;
struct view;

// One frame of a view, shared by results and mappings. The pixels stay with the renderer until the view
// needs the room; then they are copied to host memory.
struct frame {
    atomic_int refs;
    pthread_mutex_t lock;
    struct render_frame *gpu; // NULL once copied
    struct view *view;
    uint32_t width, height;
    uint32_t outputs; // bits of enum render_output that exist
    int mapped;       // live mappings: the frame must stay where it is
    void *host[RENDER_OUT_COUNT];
    uint8_t *semantic_map; // bytes of the SemanticIdMap var, or NULL
    size_t semantic_map_size;
    bool has_pick, pick_ready;
    struct render_pick_hit *hits;
    size_t hit_count;
    double meters_per_unit;
};

enum var_kind { VAR_IMAGE, VAR_SEMANTIC_MAP, VAR_PICK };

// A render var as a product lists it.
struct product_var {
    enum var_kind kind;
    enum render_output output;
    const char *name; // source name; lives as long as the path dictionary
};

struct product_frame {
    struct frame *frame; // a reference
    struct product_var vars[PRODUCT_MAX_VARS + 1];
    size_t var_count;
};

struct products *products_create(void);
void products_destroy(struct products **p); // all frames must be gone
void products_forget_stage(struct products *p); // views, histories and picks; what callers set stays
void products_forget_history(struct products *p);

// Draws one product. 0, or -1 after op_fail().
int product_render(struct ovrtx_renderer_t *r, uint32_t path, struct product_frame *out, struct op *op);
// After a step: views of products that were not drawn in it forget their history.
void products_end_step(struct products *p);
void product_set_pick(struct products *p, uint32_t path, const ovrtx_pick_query_desc_t *desc);

// Any thread.
bool product_set_budget(struct products *p, uint32_t path, double milliseconds);
bool product_select(struct products *p, uint32_t path, const uint32_t *names, size_t count);
bool product_last_stats(struct products *p, uint32_t path, ovrtx_ext_product_stats_t *out); // of its last step
// Operation thread: asks the renderer again.
bool product_refresh_stats(struct ovrtx_renderer_t *r, uint32_t path);

void frame_drop(struct frame *f); // any thread; NULL is fine
// Any thread. Host pixels of an output; the frame must be held in place with `mapped`.
int frame_pixels(struct frame *f, enum render_output output, uint64_t timeout_ns, const void **out);
int frame_hits(struct frame *f, uint64_t timeout_ns); // fills hits
