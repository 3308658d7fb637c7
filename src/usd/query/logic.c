#include "logic.h"

#include <string.h>

const struct logic *logic_finish(struct logic_builder *b, struct arena *arena)
{
    struct logic *l           = arena_alloc(arena, sizeof(*l));
    struct logic_step *steps  = l ? arena_alloc(arena, b->count * sizeof(*steps) + 1) : NULL;
    if (steps && b->count)
        memcpy(steps, b->items, b->count * sizeof(*steps));
    if (steps)
        *l = (struct logic) { steps, b->count };
    array_free(b);
    return steps ? l : NULL;
}

bool logic_run(const struct logic *l, bool (*leaf)(const void *leaf, const void *user), const void *user)
{
    bool stack[LOGIC_DEPTH] = { false };
    size_t n                = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct logic_step *s = &l->steps[i];
        switch (s->op) {
        case LOGIC_LEAF: stack[n++] = leaf(s->leaf, user); continue;
        case LOGIC_NOT: stack[n - 1] = !stack[n - 1]; continue;
        case LOGIC_AND: stack[n - 2] = stack[n - 2] && stack[n - 1]; break;
        case LOGIC_OR: stack[n - 2] = stack[n - 2] || stack[n - 1]; break;
        case LOGIC_MINUS: stack[n - 2] = stack[n - 2] && !stack[n - 1]; break;
        }
        n--;
    }
    return n && stack[0];
}
