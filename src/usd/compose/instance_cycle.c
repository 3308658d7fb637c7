// Prototypes that hold instances of each other without end. Arcs that make a cycle are left out where they are met, but what a
// prototype shares was composed at another place, where no arc was one. Such an instance loses its children here.
#include <stdlib.h>

#include "stage.h"

enum { OPEN = 1, DONE = 2 };

struct frame {
    const struct usd_prim *holder, *at;
};

struct search {
    struct usd_stage *s;
    struct hash_map state; // holder -> OPEN or DONE
    struct {
        ARRAY_OF(struct frame);
    } stack;
};

static bool enter(struct search *x, const struct usd_prim *holder)
{
    return hash_map_put(&x->state, (uintptr_t)holder, OPEN) && array_push(&x->stack, (struct frame) { holder, holder });
}

// The prim after `p` inside the subtree of `top`; below instances that share another prim's children there is nothing.
static const struct usd_prim *after(const struct usd_prim *p, const struct usd_prim *top)
{
    const struct usd_prim *c = atomic_load_explicit(&((struct usd_prim *)p)->first_child, memory_order_relaxed);
    if (c && c != &prim_pending && !(c->flags & PRIM_PROXY)) // stand-ins exist once the stage was read
        return c;
    while (p != top && !p->next_sibling)
        p = p->parent;
    return p == top ? NULL : p->next_sibling;
}

static void cut(struct search *x, struct usd_prim *p)
{
    char path[1024];
    prim_path_write(p, path, sizeof(path));
    p->flags &= (uint16_t)~PRIM_INSTANCE;
    p->index->prototype->users--;
    atomic_store_explicit(&p->first_child, NULL, memory_order_relaxed);
    atomic_fetch_sub(&x->s->instance_count, 1);
    stage_diagnose(x->s, USD_ERROR, USD_ERR_INVALID, "", path, "this instance holds itself without end; its children are left out");
}

// Depth first over holders; an instance of a holder that is still open closes a cycle.
static bool visit(struct search *x, const struct usd_prim *holder)
{
    if (!enter(x, holder))
        return false;
    while (x->stack.count) {
        struct frame *f          = &x->stack.items[x->stack.count - 1];
        const struct usd_prim *p = f->at = after(f->at, f->holder);
        if (!p) {
            hash_map_put(&x->state, (uintptr_t)f->holder, DONE);
            x->stack.count--;
            continue;
        }
        if (!(p->flags & PRIM_INSTANCE) || prim_holder(p) == p)
            continue;
        uint64_t *state = hash_map_get(&x->state, (uintptr_t)prim_holder(p));
        if (state && *state == OPEN)
            cut(x, (struct usd_prim *)p);
        else if (!state && !enter(x, prim_holder(p)))
            return false;
    }
    return true;
}

bool instances_cut_cycles(struct usd_stage *s)
{
    struct search x = { .s = s };
    bool ok         = true;
    for (const struct usd_prim *p = s->root; p && ok; p = after(p, s->root))
        if (p->flags & PRIM_INSTANCE && prim_holder(p) == p && !hash_map_get(&x.state, (uintptr_t)p))
            ok = visit(&x, p);
    hash_map_finish(&x.state);
    array_free(&x.stack);
    return ok;
}
