// Tables of the session layer that grow and shrink.
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES 32 // of lists, by powers of two

struct range {
    uint32_t first;
    uint8_t size_class, what; // enum list
};
enum list { LIST_FIELDS, LIST_PROPS, LIST_SPEC };

struct ranges {
    ARRAY_OF(struct range);
};

struct room {
    uint32_t fields, props; // that a spec's lists have place for
};

struct session {
    struct layer *layer;
    struct layer *source; // what was loaded: owns the values that `owned` does not mark
    // Beside each spec, property and field of the layer.
    struct {
        ARRAY_OF(struct room);
    } spec_room;
    struct {
        ARRAY_OF(uint32_t);
    } prop_room; // fields
    struct {
        ARRAY_OF(bool);
    } owned;
    struct ranges free_ranges[2][CLASSES], given_up;
    struct {
        ARRAY_OF(uint32_t);
    } free_specs;
    struct usd_limits limits;
};

struct layer *session_layer(const struct session *x) { return x->layer; }

bool session_is_empty(const struct session *x)
{
    const struct prim_spec *root = &x->layer->prims.items[0];
    return !root->first_child && !root->field_count;
}

int session_create(struct usd_stage *s, const char *anchor)
{
    struct session *x = calloc(1, sizeof(*x));
    if (!x)
        return USD_ERR_NOMEM;
    x->limits   = s->env.limits;
    x->layer    = layer_create("session", anchor, &x->limits);
    s->session  = x;
    bool ok     = x->layer && array_push(&x->spec_room, (struct room) { 0, 0 });
    if (ok)
        layer_derive(x->layer);
    return ok ? USD_OK : USD_ERR_NOMEM;
}

static struct field *field_at(const struct session *x, uint32_t i) { return &x->layer->fields.items[i]; }
static struct prim_spec *spec_at(const struct session *x, uint32_t i) { return &x->layer->prims.items[i]; }
static struct prop_spec *prop_at(const struct session *x, uint32_t i) { return &x->layer->props.items[i]; }

static void free_field(struct session *x, uint32_t i)
{
    if (x->owned.items[i])
        session_free_value(field_at(x, i));
    x->owned.items[i] = false;
    memset(field_at(x, i), 0, sizeof(struct field));
}

void session_destroy(struct session **session)
{
    struct session *x = *session;
    *session          = NULL;
    if (!x)
        return;
    for (size_t i = 0; i < x->owned.count; i++)
        if (x->owned.items[i])
            session_free_value(field_at(x, (uint32_t)i));
    layer_release(x->layer);
    layer_release(x->source);
    for (int i = 0; i < CLASSES; i++) {
        array_free(&x->free_ranges[LIST_FIELDS][i]);
        array_free(&x->free_ranges[LIST_PROPS][i]);
    }
    array_free(&x->given_up);
    array_free(&x->free_specs);
    array_free(&x->spec_room);
    array_free(&x->prop_room);
    array_free(&x->owned);
    free(x);
}

void session_set_anchor(struct session *x, const char *anchor)
{
    char *copy = strdup(anchor);
    if (!copy)
        return;
    free(x->layer->anchor);
    x->layer->anchor = copy;
}

// ---------------------------------------------------------------------------------------------------------------
// Room for lists

static uint8_t class_of(uint32_t count)
{
    uint8_t c = 1; // at least two
    while (c < CLASSES - 1 && (1ull << c) < count)
        c++;
    return c;
}

static bool grow_fields(struct session *x, size_t count)
{
    if (x->layer->fields.count + count > UINT32_MAX || !array_reserve(&x->layer->fields, x->layer->fields.count + count)
        || !array_reserve(&x->owned, x->owned.count + count))
        return false;
    memset(x->layer->fields.items + x->layer->fields.count, 0, count * sizeof(struct field));
    memset(x->owned.items + x->owned.count, 0, count * sizeof(bool));
    x->layer->fields.count += count;
    x->owned.count += count;
    return true;
}

static bool grow_props(struct session *x, size_t count)
{
    if (x->layer->props.count + count > UINT32_MAX || !array_reserve(&x->layer->props, x->layer->props.count + count)
        || !array_reserve(&x->prop_room, x->prop_room.count + count))
        return false;
    memset(x->layer->props.items + x->layer->props.count, 0, count * sizeof(struct prop_spec));
    memset(x->prop_room.items + x->prop_room.count, 0, count * sizeof(uint32_t));
    x->layer->props.count += count;
    x->prop_room.count += count;
    return true;
}

static bool take_range(struct session *x, enum list what, uint8_t size_class, uint32_t *first)
{
    struct ranges *free_list = &x->free_ranges[what][size_class];
    if (free_list->count) {
        *first = free_list->items[--free_list->count].first;
        return true;
    }
    *first = (uint32_t)(what == LIST_FIELDS ? x->layer->fields.count : x->layer->props.count);
    return what == LIST_FIELDS ? grow_fields(x, (size_t)1 << size_class) : grow_props(x, (size_t)1 << size_class);
}

static void give_up(struct session *x, enum list what, uint32_t first, uint32_t room)
{
    if (room || what == LIST_SPEC)
        (void)array_push(&x->given_up, (struct range) { first, class_of(room), (uint8_t)what });
}

void session_settle(struct session *x)
{
    for (size_t i = 0; i < x->given_up.count; i++) {
        struct range r = x->given_up.items[i];
        if (r.what == LIST_SPEC)
            (void)array_push(&x->free_specs, r.first);
        else
            (void)array_push(&x->free_ranges[r.what][r.size_class], r);
    }
    array_clear(&x->given_up);
}

// ---------------------------------------------------------------------------------------------------------------
// Specs

static void unlink_child(struct session *x, uint32_t spec)
{
    struct prim_spec *s = spec_at(x, spec), *up = spec_at(x, s->parent);
    uint32_t *at        = s->kind == SPEC_VARIANT_SET ? &up->first_variant_set : &up->first_child;
    while (*at && *at != spec)
        at = &spec_at(x, *at)->next_sibling;
    if (*at)
        *at = s->next_sibling;
    hash_map_remove(&x->layer->child_index, (uint64_t)(s->parent + 1ull) << 32 | s->name);
}

static uint32_t new_spec(struct session *x, const struct prim_spec *s)
{
    if (x->free_specs.count) {
        uint32_t i      = x->free_specs.items[--x->free_specs.count];
        *spec_at(x, i)  = *s;
        return i;
    }
    if (x->layer->prims.count >= UINT32_MAX - 1 || !array_push(&x->spec_room, (struct room) { 0, 0 }))
        return 0;
    if (!array_push(&x->layer->prims, *s)) {
        x->spec_room.count--;
        return 0;
    }
    return (uint32_t)x->layer->prims.count - 1;
}

uint32_t session_spec(struct session *x, uint32_t parent, usd_tok name)
{
    uint32_t i = spec_child(x->layer, parent, name);
    if (i)
        return i;
    i = new_spec(x, &(struct prim_spec) { .name = name, .parent = parent, .specifier = USD_OVER, .flags = SPEC_SPECIFIER_SET });
    if (!i)
        return 0;
    uint32_t *at = &spec_at(x, parent)->first_child;
    while (*at)
        at = &spec_at(x, *at)->next_sibling;
    *at = i;
    if (hash_map_get(&x->layer->child_index, parent))
        hash_map_put(&x->layer->child_index, (uint64_t)(parent + 1ull) << 32 | name, i);
    return i;
}

static void drop_fields(struct session *x, uint32_t first, uint32_t count, uint32_t room)
{
    for (uint32_t i = 0; i < count; i++)
        free_field(x, first + i);
    give_up(x, LIST_FIELDS, first, room);
}

static void drop_below(struct session *x, uint32_t first);

static void drop_spec(struct session *x, uint32_t spec)
{
    struct prim_spec s = *spec_at(x, spec);
    drop_below(x, s.first_child);
    drop_below(x, s.first_variant_set);
    for (uint32_t i = 0; i < s.prop_count; i++) {
        struct prop_spec p = *prop_at(x, s.first_prop + i);
        drop_fields(x, p.first_field, p.field_count, x->prop_room.items[s.first_prop + i]);
        memset(prop_at(x, s.first_prop + i), 0, sizeof(p));
        x->prop_room.items[s.first_prop + i] = 0;
    }
    give_up(x, LIST_PROPS, s.first_prop, x->spec_room.items[spec].props);
    drop_fields(x, s.first_field, s.field_count, x->spec_room.items[spec].fields);
    hash_map_remove(&x->layer->child_index, spec);
    x->spec_room.items[spec] = (struct room) { 0, 0 };
    *spec_at(x, spec)        = (struct prim_spec) { .specifier = USD_OVER };
    if (spec)
        give_up(x, LIST_SPEC, spec, 0);
}

static void drop_below(struct session *x, uint32_t first)
{
    for (uint32_t next; first; first = next) {
        next = spec_at(x, first)->next_sibling;
        hash_map_remove(&x->layer->child_index, (uint64_t)(spec_at(x, first)->parent + 1ull) << 32 | spec_at(x, first)->name);
        drop_spec(x, first);
    }
}

void session_drop_spec(struct session *x, uint32_t spec)
{
    if (spec)
        unlink_child(x, spec);
    drop_spec(x, spec);
    if (!spec)
        spec_at(x, 0)->specifier = USD_DEF;
}

void session_clear(struct session *x)
{
    session_drop_spec(x, 0);
    layer_release(x->source);
    x->source = NULL;
    layer_derive(x->layer);
}

// ---------------------------------------------------------------------------------------------------------------
// Properties

uint32_t session_find_prop(const struct session *x, uint32_t spec, usd_tok name)
{
    const struct prop_spec *p = spec_prop(x->layer, spec_at(x, spec), name);
    return p ? (uint32_t)(p - x->layer->props.items) : SESSION_NONE;
}

uint32_t session_make_prop(struct session *x, uint32_t spec, usd_tok name, usd_tok type, uint8_t flags)
{
    struct prim_spec *s = spec_at(x, spec);
    struct room *room   = &x->spec_room.items[spec];
    if (s->prop_count == room->props) {
        uint8_t c = class_of(s->prop_count + 1);
        uint32_t first;
        if (!take_range(x, LIST_PROPS, c, &first))
            return SESSION_NONE;
        for (uint32_t i = 0; i < s->prop_count; i++) { // the old place stays, without fields
            *prop_at(x, first + i)                     = *prop_at(x, s->first_prop + i);
            prop_at(x, s->first_prop + i)->field_count = 0;
            x->prop_room.items[first + i]              = x->prop_room.items[s->first_prop + i];
            x->prop_room.items[s->first_prop + i]      = 0;
        }
        give_up(x, LIST_PROPS, s->first_prop, room->props);
        s->first_prop = first;
        room->props   = 1u << c;
    }
    uint32_t i               = s->first_prop + s->prop_count++;
    *prop_at(x, i)           = (struct prop_spec) { .name = name, .type_name = type, .flags = flags };
    x->prop_room.items[i]    = 0;
    return i;
}

void session_drop_prop(struct session *x, uint32_t spec, uint32_t prop)
{
    struct prim_spec *s = spec_at(x, spec);
    uint32_t end        = s->first_prop + s->prop_count;
    drop_fields(x, prop_at(x, prop)->first_field, prop_at(x, prop)->field_count, x->prop_room.items[prop]);
    for (uint32_t i = prop; i + 1 < end; i++) {
        *prop_at(x, i)        = *prop_at(x, i + 1);
        x->prop_room.items[i] = x->prop_room.items[i + 1];
    }
    memset(prop_at(x, end - 1), 0, sizeof(struct prop_spec));
    x->prop_room.items[end - 1] = 0;
    s->prop_count--;
}

// ---------------------------------------------------------------------------------------------------------------
// Fields

struct list_of {
    uint32_t *first, *room;
    uint16_t *count;
};

static struct list_of fields_of(struct session *x, struct session_owner o)
{
    if (o.is_prop)
        return (struct list_of) { &prop_at(x, o.index)->first_field, &x->prop_room.items[o.index], &prop_at(x, o.index)->field_count };
    return (struct list_of) { &spec_at(x, o.index)->first_field, &x->spec_room.items[o.index].fields, &spec_at(x, o.index)->field_count };
}

const struct field *session_get(const struct session *x, struct session_owner o, usd_tok name)
{
    return o.is_prop ? prop_field(x->layer, prop_at(x, o.index), name) : spec_field(x->layer, spec_at(x, o.index), name);
}

static void derive(struct session *x, struct session_owner o)
{
    if (!o.is_prop)
        layer_derive_spec(x->layer, o.index);
    if (!o.is_prop && !o.index)
        layer_derive(x->layer);
}

// The field takes part under its name; `owned` says whose its value is.
static bool put(struct session *x, struct session_owner o, const struct field *f, bool owned)
{
    struct list_of l = fields_of(x, o);
    for (uint16_t i = 0; i < *l.count; i++)
        if (field_at(x, *l.first + i)->name == f->name) {
            free_field(x, *l.first + i);
            *field_at(x, *l.first + i)     = *f;
            x->owned.items[*l.first + i]   = owned;
            derive(x, o);
            return true;
        }
    if (*l.count == UINT16_MAX)
        return false;
    if (*l.count == *l.room) {
        uint8_t c = class_of(*l.count + 1u);
        uint32_t first;
        if (!take_range(x, LIST_FIELDS, c, &first))
            return false;
        l = fields_of(x, o);
        for (uint16_t i = 0; i < *l.count; i++) {
            *field_at(x, first + i)      = *field_at(x, *l.first + i);
            x->owned.items[first + i]    = x->owned.items[*l.first + i];
            x->owned.items[*l.first + i] = false;
        }
        give_up(x, LIST_FIELDS, *l.first, *l.room);
        *l.first = first;
        *l.room  = 1u << c;
    }
    uint32_t i        = *l.first + (*l.count)++;
    *field_at(x, i)   = *f;
    x->owned.items[i] = owned;
    derive(x, o);
    return true;
}

bool session_put(struct session *x, struct session_owner o, struct field *f)
{
    if (put(x, o, f, true))
        return true;
    session_free_value(f);
    return false;
}

bool session_drop(struct session *x, struct session_owner o, usd_tok name)
{
    struct list_of l = fields_of(x, o);
    for (uint16_t i = 0; i < *l.count; i++) {
        if (field_at(x, *l.first + i)->name != name)
            continue;
        uint32_t at = *l.first + i, end = *l.first + *l.count;
        free_field(x, at);
        for (; at + 1 < end; at++) {
            *field_at(x, at)   = *field_at(x, at + 1);
            x->owned.items[at] = x->owned.items[at + 1];
        }
        memset(field_at(x, end - 1), 0, sizeof(struct field));
        x->owned.items[end - 1] = false;
        (*l.count)--;
        derive(x, o);
        return true;
    }
    return false;
}

// ---------------------------------------------------------------------------------------------------------------
// Loading

static bool take_fields(struct session *x, struct session_owner o, const struct layer *from, uint32_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!put(x, o, &from->fields.items[first + i], false))
            return false;
    return true;
}

static bool take_spec(struct session *x, const struct layer *from, uint32_t from_spec, uint32_t spec)
{
    const struct prim_spec *f = &from->prims.items[from_spec];
    if (!take_fields(x, (struct session_owner) { false, spec }, from, f->first_field, f->field_count))
        return false;
    for (uint32_t i = 0; i < f->prop_count; i++) {
        const struct prop_spec *p = &from->props.items[f->first_prop + i];
        uint32_t made             = session_make_prop(x, spec, p->name, p->type_name, p->flags);
        if (made == SESSION_NONE || !take_fields(x, (struct session_owner) { true, made }, from, p->first_field, p->field_count))
            return false;
    }
    for (int sets = 0; sets < 2; sets++) {
        uint32_t last = 0;
        for (uint32_t c = sets ? f->first_variant_set : f->first_child; c; c = from->prims.items[c].next_sibling) {
            const struct prim_spec *child = &from->prims.items[c];
            struct prim_spec copy         = { .name = child->name, .type_name = child->type_name, .parent = spec,
                                              .specifier = child->specifier, .kind = child->kind, .flags = child->flags };
            uint32_t made                 = new_spec(x, &copy);
            if (!made)
                return false;
            if (last)
                spec_at(x, last)->next_sibling = made;
            else if (sets)
                spec_at(x, spec)->first_variant_set = made;
            else
                spec_at(x, spec)->first_child = made;
            last = made;
            if (!take_spec(x, from, c, made))
                return false;
        }
    }
    return true;
}

bool session_take(struct session *x, struct layer *from)
{
    session_clear(x);
    hash_map_clear(&x->layer->child_index);
    x->source = from;
    return take_spec(x, from, 0, 0);
}
