// Namespace and time mappings of arcs. A mapping is one-to-one: a path that another pair claims for itself does not map.
#include <math.h>
#include <string.h>

#include "path.h"
#include "stage.h"

const struct path_map path_map_identity = { .time = { 0, 1 }, .root_identity = true };

static struct path_map *map_alloc(struct arena *a, size_t pairs)
{
    struct path_map *m = arena_alloc(a, sizeof(*m) + pairs * sizeof(m->pairs[0]));
    if (m)
        m->time = (struct time_map) { 0, 1 };
    return m;
}

struct path_map *path_map_pair(struct arena *a, usd_tok from, usd_tok to, bool root_identity)
{
    struct path_map *m = map_alloc(a, 1);
    if (m) {
        m->root_identity = root_identity;
        m->count         = 1;
        m->pairs[0]      = (struct path_pair) { from, to };
    }
    return m;
}

bool path_map_is_identity(const struct path_map *m)
{
    return !m->count && m->root_identity && m->time.offset == 0 && m->time.scale == 1;
}

#define SIMPLIFY_MAX 64 // pairs; what is longer is not compared often
#define NO_MATCH (-2)
#define ROOT_MATCH (-1)

// The pair with the longest prefix of `path` among sources or targets; `skip` is left out.
static int best_match(const struct path_map *m, const char *path, bool by_target, int skip)
{
    int best         = m->root_identity ? ROOT_MATCH : NO_MATCH;
    size_t best_size = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        usd_tok side = by_target ? m->pairs[i].to : m->pairs[i].from;
        size_t n     = tok_size(side);
        if (n > best_size && (int)i != skip && path_has_prefix(path, tok_text(side), n)) {
            best      = (int)i;
            best_size = n;
        }
    }
    return best;
}

static usd_tok replace_prefix(const char *path, usd_tok from, usd_tok to)
{
    char buf[8192];
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

static usd_tok map_side(const struct path_map *m, const char *path, bool inverse, int skip)
{
    int i = best_match(m, path, inverse, skip);
    if (i == NO_MATCH)
        return 0;
    usd_tok from = 0, to = 0, result;
    if (i >= 0) {
        from = inverse ? m->pairs[i].to : m->pairs[i].from;
        to   = inverse ? m->pairs[i].from : m->pairs[i].to;
        if (!to) // blocked
            return 0;
    }
    result = i < 0 ? tok_str(path) : replace_prefix(path, from, to);
    if (result && best_match(m, tok_text(result), !inverse, skip) != i)
        return 0;
    return result;
}

usd_tok path_map_apply(const struct path_map *m, const char *path) { return map_side(m, path, false, NO_MATCH); }
usd_tok path_map_unapply(const struct path_map *m, const char *path) { return map_side(m, path, true, NO_MATCH); }

// Drops pairs that say what the others say already, so that equal mappings look equal.
static void simplify(struct path_map *m)
{
    for (uint32_t i = 0; i < m->count;) {
        struct path_pair p = m->pairs[i];
        if (map_side(m, tok_text(p.from), false, (int)i) != p.to) {
            i++;
            continue;
        }
        m->count--;
        memmove(&m->pairs[i], &m->pairs[i + 1], (m->count - i) * sizeof(m->pairs[0]));
    }
}

struct path_map *path_map_compose(struct arena *a, const struct path_map *inner, const struct path_map *outer)
{
    if (path_map_is_identity(outer))
        return (struct path_map *)inner;
    if (path_map_is_identity(inner))
        return (struct path_map *)outer;
    struct path_map *m = map_alloc(a, inner->count + outer->count);
    if (!m)
        return NULL;
    m->root_identity = inner->root_identity && outer->root_identity;
    m->time          = time_compose(outer->time, inner->time);
    for (uint32_t i = 0; i < inner->count; i++) {
        usd_tok to = inner->pairs[i].to ? path_map_apply(outer, tok_text(inner->pairs[i].to)) : 0;
        if (inner->pairs[i].from)
            m->pairs[m->count++] = (struct path_pair) { inner->pairs[i].from, to };
    }
    for (uint32_t i = 0; i < outer->count; i++) {
        usd_tok from = outer->pairs[i].from ? path_map_unapply(inner, tok_text(outer->pairs[i].from)) : 0;
        bool known   = !from;
        for (uint32_t k = 0; k < m->count && !known; k++)
            known = m->pairs[k].from == from;
        if (!known)
            m->pairs[m->count++] = (struct path_pair) { from, outer->pairs[i].to };
    }
    if ((m->count > 1 || m->root_identity) && m->count <= SIMPLIFY_MAX)
        simplify(m);
    return m;
}

struct path_map *path_map_inverse(struct arena *a, const struct path_map *m)
{
    struct path_map *v = map_alloc(a, m->count);
    if (!v)
        return NULL;
    v->root_identity = m->root_identity;
    v->time          = (struct time_map) { m->time.offset == 0 ? 0 : -m->time.offset / m->time.scale, 1 / m->time.scale };
    v->count         = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        v->pairs[i] = (struct path_pair) { m->pairs[i].to, m->pairs[i].from };
    return v;
}

struct path_map *path_map_copy(struct arena *a, const struct path_map *m)
{
    size_t size        = sizeof(*m) + m->count * sizeof(m->pairs[0]);
    struct path_map *c = arena_alloc(a, size);
    if (c)
        memcpy(c, m, size);
    return c;
}

struct path_map *path_map_with_root(struct arena *a, const struct path_map *m)
{
    if (m->root_identity)
        return (struct path_map *)m;
    struct path_map *c = path_map_copy(a, m);
    if (c) {
        c->root_identity = true;
        simplify(c);
    }
    return c;
}

bool path_map_equal(const struct path_map *a, const struct path_map *b)
{
    if (a == b)
        return true;
    if (a->root_identity != b->root_identity || a->count != b->count || a->time.offset != b->time.offset || a->time.scale != b->time.scale)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < b->count && !found; k++)
            found = a->pairs[i].from == b->pairs[k].from && a->pairs[i].to == b->pairs[k].to;
        if (!found)
            return false;
    }
    return true;
}
