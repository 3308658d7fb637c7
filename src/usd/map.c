// Namespace mappings of arcs.
#include <string.h>

#include "path.h"
#include "stage.h"

const struct path_map path_map_identity = { .root_identity = true };

struct path_map *path_map_pair(struct arena *a, usd_tok from, usd_tok to, bool root_identity)
{
    struct path_map *m = arena_alloc(a, sizeof(*m) + sizeof(m->pairs[0]));
    if (m) {
        m->root_identity = root_identity;
        m->count         = 1;
        m->pairs[0]      = (struct path_pair) { from, to };
    }
    return m;
}

// Longest prefix among one side of the pairs; -1 is the root identity, -2 nothing.
static int best_match(const struct path_map *m, const char *path, bool by_target)
{
    int best         = m->root_identity ? -1 : -2;
    size_t best_size = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        usd_tok side = by_target ? m->pairs[i].to : m->pairs[i].from;
        size_t n     = tok_size(side);
        if (n > best_size && path_has_prefix(path, tok_text(side), n)) {
            best      = (int)i;
            best_size = n;
        }
    }
    return best;
}

static usd_tok replace_prefix(const char *path, usd_tok from, usd_tok to)
{
    char buf[4096];
    const char *rest = path + (tok_size(from) == 1 ? 0 : tok_size(from)), *head = tok_text(to);
    size_t head_size = tok_size(to) == 1 ? 0 : tok_size(to), rest_size = strlen(rest);
    if (!head_size && !rest_size)
        return tok_make("/", 1);
    if (head_size + rest_size >= sizeof(buf))
        return 0;
    memcpy(buf, head, head_size);
    memcpy(buf + head_size, rest, rest_size);
    return tok_make(buf, head_size + rest_size);
}

static usd_tok map_side(const struct path_map *m, const char *path, bool inverse)
{
    int i = best_match(m, path, inverse);
    if (i == -2)
        return 0;
    usd_tok to = i < 0 ? tok_str(path)
                       : replace_prefix(path, inverse ? m->pairs[i].to : m->pairs[i].from,
                                        inverse ? m->pairs[i].from : m->pairs[i].to);
    // Only one source may map to a target: a more specific pair on the other side hides this one.
    if (to && best_match(m, tok_text(to), !inverse) != i)
        return 0;
    return to;
}

usd_tok path_map_apply(const struct path_map *m, const char *path) { return map_side(m, path, false); }

struct path_map *path_map_compose(struct arena *a, const struct path_map *inner, const struct path_map *outer)
{
    if (!outer->count && outer->root_identity)
        return (struct path_map *)inner;
    if (!inner->count && inner->root_identity)
        return (struct path_map *)outer;
    struct path_map *m = arena_alloc(a, sizeof(*m) + (inner->count + outer->count) * sizeof(m->pairs[0]));
    if (!m)
        return NULL;
    m->root_identity = inner->root_identity && outer->root_identity;
    for (uint32_t i = 0; i < inner->count; i++) {
        usd_tok to = map_side(outer, tok_text(inner->pairs[i].to), false);
        if (to)
            m->pairs[m->count++] = (struct path_pair) { inner->pairs[i].from, to };
    }
    for (uint32_t i = 0; i < outer->count; i++) {
        usd_tok from = map_side(inner, tok_text(outer->pairs[i].from), true);
        bool known   = !from;
        for (uint32_t k = 0; k < m->count && !known; k++)
            known = m->pairs[k].from == from;
        if (!known)
            m->pairs[m->count++] = (struct path_pair) { from, outer->pairs[i].to };
    }
    return m;
}
