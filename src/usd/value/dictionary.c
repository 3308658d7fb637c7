// Dictionaries as public values: one block holds all entries, those of nested dictionaries, and the arrays that have to be
// made (assets with resolved paths, time codes that layer offsets move).
#include <stdlib.h>
#include <string.h>

#include "stage.h"

#define DICT_DEPTH 512

struct room {
    size_t entries, bytes;
};
struct block {
    struct usd_dict_entry *entries; // next free
    char *bytes;
};

// Bytes of an array that stands in the block; 0 for those that stay where they are.
static size_t array_bytes(int type, size_t count)
{
    return type == USD_TYPE_ASSET ? count * sizeof(struct usd_asset) : type == USD_TYPE_TIMECODE ? count * sizeof(double) : 0;
}

static void *block_alloc(const struct room *r, struct block *b)
{
    size_t head = (r->entries + 1) * sizeof(*b->entries);
    char *all   = malloc(head + r->bytes);
    *b          = (struct block) { (struct usd_dict_entry *)(void *)all, all ? all + head : NULL };
    return all;
}

static void *block_bytes(struct block *b, size_t size)
{
    void *at = b->bytes;
    b->bytes += size;
    return at;
}

// ---------------------------------------------------------------------------------------------------------------
// From a layer

static void room_of_field(const struct field *f, struct room *r, unsigned depth)
{
    const struct vdict_entry *e = field_ptr(f);
    r->entries += f->count;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct field *v = &e[i].value;
        if (v->type == VT_DICT && depth)
            room_of_field(v, r, depth - 1);
        else if (v->flags & VF_ARRAY)
            r->bytes += array_bytes(v->type, v->count);
    }
}

static void fill(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out, struct block *b, unsigned depth)
{
    const struct vdict_entry *e = field_ptr(f);
    struct usd_dict_entry *to   = b->entries;
    b->entries += f->count;
    out->type  = USD_TYPE_DICTIONARY;
    out->count = f->count;
    out->data  = to;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct field *v = &e[i].value;
        memset(&to[i], 0, sizeof(to[i]));
        to[i].key    = e[i].key;
        bool made    = v->flags & VF_ARRAY && array_bytes(v->type, 1); // also when it is empty
        if (v->type == VT_DICT && depth) {
            fill(s, l, v, &to[i].value, b, depth - 1);
        } else if (made) {
            void *at       = block_bytes(b, array_bytes(v->type, v->count));
            to[i].value    = (struct usd_value) { .type = (enum usd_type)v->type, .is_array = true, .count = v->count, .data = at };
            if (v->type == USD_TYPE_ASSET)
                assets_resolve(s, l, field_ptr(v), v->count, at);
            else if (v->count)
                memcpy(at, field_ptr(v), v->count * sizeof(double));
        } else {
            field_value(s, l, v, &to[i].value);
            if (to[i].value.owned) // a list operation: only in a damaged crate, and nobody would free it
                usd_value_finish(&to[i].value);
        }
    }
}

bool dict_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out)
{
    struct room room = { 0 };
    struct block b;
    room_of_field(f, &room, DICT_DEPTH);
    out->owned = block_alloc(&room, &b);
    if (out->owned)
        fill(s, l, f, out, &b, DICT_DEPTH);
    return out->owned != NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// From several opinions

struct merge_node {
    const char *key;
    const struct usd_value *value;   // of a leaf
    struct merge_node *first, *next; // of a dictionary: entries by key
    size_t count;
    bool is_dict;
};

static struct merge_node *merge_find(struct merge_node *dict, const char *key)
{
    for (struct merge_node *n = dict->first; n; n = n->next)
        if (!strcmp(n->key, key))
            return n;
    return NULL;
}

static void merge_into(struct arena *a, struct merge_node *dict, const struct usd_value *v, unsigned depth)
{
    const struct usd_dict_entry *e = v->data;
    for (size_t i = 0; i < v->count; i++) {
        struct merge_node *n = merge_find(dict, e[i].key);
        bool is_dict         = e[i].value.type == USD_TYPE_DICTIONARY;
        if (n) {
            if (n->is_dict && is_dict && depth)
                merge_into(a, n, &e[i].value, depth - 1);
            continue; // the stronger one stays
        }
        n = arena_alloc(a, sizeof(*n));
        if (!n)
            return;
        n->key     = e[i].key;
        n->is_dict = is_dict;
        n->value   = &e[i].value;
        struct merge_node **at = &dict->first;
        while (*at && strcmp((*at)->key, n->key) < 0)
            at = &(*at)->next;
        n->next = *at;
        *at     = n;
        dict->count++;
        if (is_dict && depth)
            merge_into(a, n, &e[i].value, depth - 1);
    }
}

static void room_of_merge(const struct merge_node *dict, struct room *r)
{
    r->entries += dict->count;
    for (const struct merge_node *c = dict->first; c; c = c->next) {
        if (c->is_dict)
            room_of_merge(c, r);
        else if (c->value->is_array)
            r->bytes += array_bytes(c->value->type, c->value->count);
    }
}

static void merge_write(const struct merge_node *dict, struct usd_value *out, struct block *b)
{
    struct usd_dict_entry *to = b->entries;
    b->entries += dict->count;
    out->type  = USD_TYPE_DICTIONARY;
    out->count = dict->count;
    out->data  = to;
    for (const struct merge_node *c = dict->first; c; c = c->next, to++) {
        memset(to, 0, sizeof(*to));
        to->key = c->key;
        if (c->is_dict) {
            merge_write(c, &to->value, b);
            continue;
        }
        to->value = *c->value;
        size_t n  = c->value->is_array ? array_bytes(c->value->type, c->value->count) : 0;
        if (n)
            to->value.data = memcpy(block_bytes(b, n), c->value->data, n);
        else if (c->value->data == c->value->storage) // a scalar inside the struct moves along
            to->value.data = to->value.storage;
    }
}

bool dict_merge(const struct usd_value *parts, size_t count, struct usd_value *out)
{
    struct arena a;
    struct block b;
    struct room room       = { 0 };
    struct merge_node root = { .is_dict = true };
    arena_init(&a, 0);
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count; i++)
        merge_into(&a, &root, &parts[i], DICT_DEPTH);
    room_of_merge(&root, &room);
    out->owned = block_alloc(&room, &b);
    if (out->owned)
        merge_write(&root, out, &b);
    arena_finish(&a);
    return out->owned != NULL;
}

// ---------------------------------------------------------------------------------------------------------------

static void map_inside(struct usd_value *v, struct time_map t)
{
    if (v->type == USD_TYPE_DICTIONARY) {
        struct usd_dict_entry *e = (struct usd_dict_entry *)v->data;
        for (size_t i = 0; i < v->count; i++)
            map_inside(&e[i].value, t);
    } else if (v->type == USD_TYPE_TIMECODE) {
        double *to = v->is_array ? (double *)v->data : v->storage; // arrays stand in the dictionary's own block
        for (size_t i = 0; i < v->count; i++)
            to[i] = ((const double *)v->data)[i] * t.scale + t.offset;
        v->data = to;
    }
}

void value_map_attribute(struct usd_value *v, usd_tok type, struct time_map t)
{
    const char *name = tok_text(type);
    bool is_duration = v->type == USD_TYPE_DOUBLE && !strncmp(name, "duration", 8) && (!name[8] || !strcmp(name + 8, "[]"));
    if (!is_duration) {
        value_map_times(v, t);
        return;
    }
    v->type = USD_TYPE_TIMECODE;
    value_map_times(v, (struct time_map) { 0, t.scale });
    v->type = USD_TYPE_DOUBLE;
}

void value_map_times(struct usd_value *v, struct time_map t)
{
    if ((t.offset == 0 && t.scale == 1) || (v->type != USD_TYPE_TIMECODE && v->type != USD_TYPE_DICTIONARY))
        return;
    if (v->type == USD_TYPE_TIMECODE && v->is_array) {
        double *to = malloc((v->count + 1) * sizeof(*to));
        if (!to)
            return;
        for (size_t i = 0; i < v->count; i++)
            to[i] = ((const double *)v->data)[i] * t.scale + t.offset;
        free(v->owned);
        v->data = v->owned = to;
    } else {
        map_inside(v, t);
    }
}
