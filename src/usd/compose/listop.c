// List operations: explicit, delete, add, prepend, append, reorder, in that order (SdfListOp).
#include <string.h>

#include "stage.h"

// Lists from this size are searched through a map instead of one by one.
#define SEARCH_BY_MAP 32

static bool contains(const uint64_t *items, size_t count, uint64_t v)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == v)
            return true;
    return false;
}

// A set of values that answers quickly whatever its size.
struct lookup {
    const uint64_t *items;
    size_t count;
    struct hash_map map;
};

static struct lookup lookup_make(const uint64_t *items, size_t count)
{
    struct lookup l = { items, count, { 0 } };
    if (count >= SEARCH_BY_MAP)
        for (size_t i = 0; i < count; i++)
            hash_map_put(&l.map, items[i], i);
    return l;
}

static bool lookup_has(const struct lookup *l, uint64_t v)
{
    return l->count >= SEARCH_BY_MAP ? hash_map_get(&l->map, v) != NULL : contains(l->items, l->count, v);
}

static void remove_all(struct item_set *set, const uint64_t *items, size_t count)
{
    if (!count || !set->count)
        return;
    struct lookup l = lookup_make(items, count);
    size_t n        = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!lookup_has(&l, set->items[i]))
            set->items[n++] = set->items[i];
    set->count = n;
    hash_map_finish(&l.map);
}

// Appends those items that are not there yet.
static void add_new(struct item_set *set, const uint64_t *items, size_t count)
{
    struct hash_map seen = { 0 };
    bool by_map          = set->count + count >= SEARCH_BY_MAP;
    for (size_t i = 0; by_map && i < set->count; i++)
        hash_map_put(&seen, set->items[i], 1);
    for (size_t i = 0; i < count; i++) {
        if (by_map ? hash_map_get(&seen, items[i]) != NULL : contains(set->items, set->count, items[i]))
            continue;
        if (!array_push(set, items[i]))
            break;
        if (by_map)
            hash_map_put(&seen, items[i], 1);
    }
    hash_map_finish(&seen);
}

static void prepend(struct item_set *set, const uint64_t *items, size_t count)
{
    struct item_set out = { 0 };
    add_new(&out, items, count);
    remove_all(set, items, count);
    if (set->count && !array_append(&out, set->items, set->count))
        out.count = 0;
    array_free(set);
    *set = out;
}

void order_apply(struct item_set *set, const uint64_t *order, size_t count)
{
    if (!count || !set->count)
        return;
    // Each item that the order names takes along those behind it that the order does not name.
    struct item_set out    = { 0 };
    struct lookup named    = lookup_make(order, count);
    struct hash_map places = { 0 };
    for (size_t i = 0; i < set->count; i++)
        hash_map_put(&places, set->items[i], i);
    size_t i = 0;
    for (; i < set->count && !lookup_has(&named, set->items[i]); i++)
        (void)array_push(&out, set->items[i]);
    struct hash_map done = { 0 };
    for (size_t k = 0; k < count; k++) {
        uint64_t *at = hash_map_get(&places, order[k]);
        if (!at || hash_map_get(&done, order[k]))
            continue;
        hash_map_put(&done, order[k], 1);
        size_t from = (size_t)*at;
        (void)array_push(&out, set->items[from]);
        for (size_t j = from + 1; j < set->count && !lookup_has(&named, set->items[j]); j++)
            (void)array_push(&out, set->items[j]);
    }
    hash_map_finish(&done);
    hash_map_finish(&places);
    hash_map_finish(&named.map);
    if (out.count == set->count) {
        array_free(set);
        *set = out;
    } else {
        array_free(&out);
    }
}

void listop_apply(struct item_set *set, const uint64_t *const items[LISTOP_KINDS], const size_t counts[LISTOP_KINDS],
                  bool is_explicit)
{
    if (is_explicit) {
        array_clear(set);
        add_new(set, items[LISTOP_EXPLICIT], counts[LISTOP_EXPLICIT]);
        return;
    }
    remove_all(set, items[LISTOP_DELETE], counts[LISTOP_DELETE]);
    add_new(set, items[LISTOP_ADD], counts[LISTOP_ADD]);
    if (counts[LISTOP_PREPEND])
        prepend(set, items[LISTOP_PREPEND], counts[LISTOP_PREPEND]);
    if (counts[LISTOP_APPEND]) {
        remove_all(set, items[LISTOP_APPEND], counts[LISTOP_APPEND]);
        add_new(set, items[LISTOP_APPEND], counts[LISTOP_APPEND]);
    }
    order_apply(set, items[LISTOP_REORDER], counts[LISTOP_REORDER]);
}

void listop_names(struct item_set *set, const struct field *f)
{
    if (f->type != VT_TOKEN_LISTOP && f->type != VT_STRING_LISTOP)
        return;
    const struct listop *op = field_ptr(f);
    uint64_t *lists[LISTOP_KINDS];
    size_t counts[LISTOP_KINDS];
    for (int k = 0; k < LISTOP_KINDS; k++) {
        const char *const *names = op->list[k].items;
        counts[k]                = op->list[k].count;
        lists[k]                 = counts[k] ? malloc(counts[k] * sizeof(uint64_t)) : NULL;
        if (counts[k] && !lists[k])
            counts[k] = 0;
        for (size_t i = 0; i < counts[k]; i++)
            lists[k][i] = tok_str(names[i]);
    }
    listop_apply(set, (const uint64_t *const *)lists, counts, op->is_explicit);
    for (int k = 0; k < LISTOP_KINDS; k++)
        free(lists[k]);
}

bool item_set_value(struct item_set *set, struct usd_value *out)
{
    const char **names = malloc((set->count + 1) * sizeof(*names));
    for (size_t i = 0; names && i < set->count; i++)
        names[i] = tok_text((usd_tok)set->items[i]);
    out->type     = USD_TYPE_TOKEN;
    out->is_array = true;
    out->count    = set->count;
    out->data = out->owned = names;
    array_free(set);
    return names != NULL;
}
