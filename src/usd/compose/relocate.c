#include "relocate.h"

#include <string.h>

#include "path.h"
#include "site.h"

struct entry {
    usd_tok from, to, origin;
    const struct layer *layer;
    bool bad;
};
struct entries {
    ARRAY_OF(struct entry);
    struct hash_map by_source, by_target; // number + 1
};

static const char *path_problem(const char *path)
{
    if (*path != '/')
        return "paths of relocations are absolute";
    if (strchr(path, '{'))
        return "relocations cannot name variants";
    if (strchr(path, '.'))
        return "only prims can be relocated";
    return NULL;
}

// NULL when source and target can be a relocation at all.
static const char *entry_problem(const char *from, const char *to)
{
    const char *why = path_problem(from);
    if (!why && !strchr(from + 1, '/'))
        why = "root prims cannot be relocated";
    if (why || !*to)
        return why;
    why = path_problem(to);
    if (why)
        return why;
    if (!strcmp(from, to))
        return "target and source are the same";
    if (path_has_prefix(to, from, strlen(from)))
        return "the target lies below the source";
    return path_has_prefix(from, to, strlen(to)) ? "the source lies below the target" : NULL;
}

static void complain(struct usd_stage *s, const struct entry *e, const char *why, usd_tok other)
{
    stage_diagnose(s, USD_ERROR, USD_ERR_INVALID, e->layer->identifier, tok_text(e->from),
                   "relocation from <%s> to <%s> is left out: %s%s%s%s", tok_text(e->from), tok_text(e->to), why,
                   other ? " <" : "", tok_text(other), other ? ">" : "");
}

static void gather(struct usd_stage *s, const struct layer_stack *st, struct entries *all)
{
    for (uint32_t i = 0; i < st->count; i++) {
        const struct layer *l = st->layers[i].layer;
        const struct field *f = spec_field(l, &l->prims.items[0], T_relocates);
        if (!f)
            f = spec_field(l, &l->prims.items[0], T_layerRelocates);
        if (!f || f->type != VT_RELOCATES)
            continue;
        const char *const *pair = field_ptr(f);
        for (uint32_t k = 0; k < f->count; k++) {
            struct entry e  = { .from = tok_str(pair[k * 2]), .to = tok_str(pair[k * 2 + 1]), .layer = l };
            const char *why = entry_problem(pair[k * 2], pair[k * 2 + 1]);
            if (why)
                complain(s, &e, why, 0);
            else if (!hash_map_get(&all->by_source, e.from) && array_push(all, e))
                hash_map_put(&all->by_source, e.from, all->count);
        }
    }
}

static struct entry *find_entry(struct entries *all, const struct hash_map *by, usd_tok path)
{
    uint64_t *at = hash_map_get((struct hash_map *)by, path);
    return at ? &all->items[*at - 1] : NULL;
}

// The entry whose source is a true ancestor of the path.
static struct entry *moved_ancestor(struct entries *all, usd_tok path)
{
    for (usd_tok p = site_parent(path); p && tok_size(p) > 1; p = site_parent(p)) {
        struct entry *e = find_entry(all, &all->by_source, p);
        if (e)
            return e;
    }
    return NULL;
}

static void mark_conflicts(struct usd_stage *s, struct entries *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct entry *e = &all->items[i], *other;
        if (e->to) {
            other = find_entry(all, &all->by_target, e->to);
            if (other) {
                if (!other->bad)
                    complain(s, other, "another prim is relocated to the same target, from", e->from);
                complain(s, e, "another prim is relocated to the same target, from", other->from);
                e->bad = other->bad = true;
            } else {
                hash_map_put(&all->by_target, e->to, i + 1);
            }
            other = find_entry(all, &all->by_source, e->to);
            if (other) {
                complain(s, e, "its target is relocated itself, to", other->to);
                complain(s, other, "its source is the target of a relocation, from", e->from);
                e->bad = other->bad = true;
            }
            other = moved_ancestor(all, e->to);
            if (other) {
                complain(s, e, "its target lies below the source of another relocation,", other->from);
                e->bad = true;
            }
        }
        other = moved_ancestor(all, e->from);
        if (other) {
            complain(s, e, "its source lies below the source of another relocation,", other->from);
            e->bad = true;
        }
    }
}

static void compute_origin(struct entries *all, struct entry *e)
{
    if (e->origin)
        return;
    e->origin = e->from; // ends rings
    for (usd_tok p = e->from; p && tok_size(p) > 1; p = site_parent(p)) {
        struct entry *up = find_entry(all, &all->by_target, p);
        if (up && !up->bad) {
            compute_origin(all, up);
            e->origin = site_replace_prefix(e->from, p, up->origin);
            return;
        }
    }
}

static usd_tok key_of(const struct relocate *r, enum relocate_key key)
{
    return key == RELOCATE_SOURCE ? r->from : key == RELOCATE_TARGET ? r->to : r->origin;
}

struct sort_item {
    const char *text;
    uint32_t number;
};
static int by_text(const void *a, const void *b)
{
    const struct sort_item *x = a, *y = b;
    int c = strcmp(x->text, y->text);
    return c ? c : x->number < y->number ? -1 : 1;
}

static void sort_by(struct layer_stack *st, enum relocate_key key, struct sort_item *items)
{
    for (uint32_t i = 0; i < st->relocate_count; i++)
        items[i] = (struct sort_item) { tok_text(key_of(&st->relocates[i], key)), i };
    qsort(items, st->relocate_count, sizeof(*items), by_text);
    for (uint32_t i = 0; i < st->relocate_count; i++)
        st->relocate_order[key * st->relocate_count + i] = items[i].number;
}

static bool publish(struct usd_stage *s, struct layer_stack *st, const struct entries *all)
{
    uint32_t n = 0;
    for (size_t i = 0; i < all->count; i++)
        n += !all->items[i].bad;
    struct sort_item *items = malloc((n + 1) * sizeof(*items));
    pthread_mutex_lock(&s->lock);
    st->relocates      = arena_alloc(&s->arena, n * sizeof(*st->relocates) + 1);
    st->relocate_order = arena_alloc(&s->arena, 3 * n * sizeof(*st->relocate_order) + 1);
    pthread_mutex_unlock(&s->lock);
    bool ok = items && st->relocates && st->relocate_order;
    for (size_t i = 0; ok && i < all->count; i++)
        if (!all->items[i].bad)
            st->relocates[st->relocate_count++] = (struct relocate) { all->items[i].from, all->items[i].to, all->items[i].origin };
    for (int key = 0; ok && key < 3; key++)
        sort_by(st, (enum relocate_key)key, items);
    free(items);
    return ok;
}

void relocates_collect(struct usd_stage *s, struct layer_stack *st)
{
    struct entries all = { 0 };
    gather(s, st, &all);
    mark_conflicts(s, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!all.items[i].bad)
            compute_origin(&all, &all.items[i]);
    if (all.count && publish(s, st, &all) && st->relocate_count)
        atomic_store(&s->has_relocates, true);
    hash_map_finish(&all.by_source);
    hash_map_finish(&all.by_target);
    array_free(&all);
}

// ---------------------------------------------------------------------------------------------------------------

const struct relocate *relocate_nth(const struct layer_stack *st, enum relocate_key key, uint32_t i)
{
    return &st->relocates[st->relocate_order[key * st->relocate_count + i]];
}

void relocate_range(const struct layer_stack *st, enum relocate_key key, usd_tok path, uint32_t *begin, uint32_t *end)
{
    uint32_t low = 0, high = st->relocate_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(tok_text(key_of(relocate_nth(st, key, middle), key)), tok_text(path)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *begin = low;
    while (low < st->relocate_count && site_has_prefix(key_of(relocate_nth(st, key, low), key), path))
        low++;
    *end = low;
}

static const struct relocate *find(const struct layer_stack *st, enum relocate_key key, usd_tok path)
{
    if (!st->relocate_count || !path)
        return NULL;
    uint32_t begin, end;
    relocate_range(st, key, path, &begin, &end);
    return begin < end && key_of(relocate_nth(st, key, begin), key) == path ? relocate_nth(st, key, begin) : NULL;
}

const struct relocate *relocate_from(const struct layer_stack *st, usd_tok source) { return find(st, RELOCATE_SOURCE, source); }
const struct relocate *relocate_to(const struct layer_stack *st, usd_tok target) { return find(st, RELOCATE_TARGET, target); }

bool relocate_empties(const struct layer_stack *st, usd_tok path)
{
    uint32_t begin, end;
    relocate_range(st, RELOCATE_ORIGIN, path, &begin, &end);
    return begin < end;
}

// Prims that are deleted keep their paths: targets that name them stay, though nothing is there.
static void add_pair(struct path_map *m, usd_tok from, usd_tok to)
{
    if (to)
        m->pairs[m->count++] = (struct path_pair) { from, to };
}

static bool leads_to(const struct path_map *m, uint32_t pairs, usd_tok to)
{
    for (uint32_t i = 0; i < pairs; i++)
        if (m->pairs[i].to == to)
            return true;
    return false;
}

const struct path_map *relocate_map(const struct layer_stack *st, usd_tok path, struct arena *a)
{
    if (!st->relocate_count)
        return NULL;
    uint32_t from, from_end, origin, origin_end;
    relocate_range(st, RELOCATE_ORIGIN, path, &origin, &origin_end);
    relocate_range(st, RELOCATE_SOURCE, path, &from, &from_end);
    size_t n = (origin_end - origin) + (from_end - from);
    struct path_map *m = n ? arena_alloc(a, sizeof(*m) + n * sizeof(m->pairs[0])) : NULL;
    if (!m)
        return NULL;
    *m = (struct path_map) { .time = { 0, 1 }, .root_identity = true };
    for (uint32_t i = origin; i < origin_end; i++) {
        const struct relocate *r = relocate_nth(st, RELOCATE_ORIGIN, i);
        add_pair(m, r->origin, r->to);
    }
    uint32_t full = m->count;
    for (uint32_t i = from; i < from_end; i++) {
        const struct relocate *r = relocate_nth(st, RELOCATE_SOURCE, i);
        if (!leads_to(m, full, r->to)) // two sources for one target would not be one-to-one
            add_pair(m, r->from, r->to);
    }
    return m;
}
