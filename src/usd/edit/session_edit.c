// Authoring in the session layer: checks what is asked, writes the opinion, notes what the next commit has to look at.
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit.h"
#include "path.h"
#include "schema.h"
#include "session.h"
#include "usda.h"
#include "write.h"

#define MAX_PATH 4000

struct place {
    usd_tok path, name; // of the prim; of the property or 0
    const usd_prim *prim; // composed, or NULL
    const usd_property *prop;
};

__attribute__((format(printf, 4, 5))) static int refuse(struct usd_error *err, int code, const char *path, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error_set(err, code, "session", "<%.100s> cannot be edited: %s", path ? path : "", text);
    return code;
}

static int no_memory(struct usd_error *err, const char *path) { return refuse(err, USD_ERR_NOMEM, path, "out of memory"); }

static bool valid_prim_path(const char *path, size_t size)
{
    if (!size || *path != '/' || size >= MAX_PATH)
        return false;
    for (size_t at = 1; at < size || (at == size && size > 1);) {
        const char *end = memchr(path + at, '/', size - at);
        size_t n        = end ? (size_t)(end - path) - at : size - at;
        if (!path_valid_identifier(path + at, n) || memchr(path + at, ':', n))
            return false;
        at += n + 1;
    }
    return true;
}

enum want { WANT_PRIM = 1, WANT_PROP = 2, WANT_ROOT = 4, WANT_NEW = 8 };

// Where an edit goes, or why it cannot go there.
static int find_place(usd_stage *s, const char *path, unsigned want, struct place *out, struct usd_error *err)
{
    *out = (struct place) { 0 };
    if (!s || !path)
        return refuse(err, USD_ERR_INVALID, path, "no stage or no path is given");
    const char *dot = strchr(path, '.');
    size_t size     = dot ? (size_t)(dot - path) : strlen(path);
    if (!valid_prim_path(path, size) || (dot && !path_valid_identifier(dot + 1, strlen(dot + 1))))
        return refuse(err, USD_ERR_INVALID, path, "not an absolute path of a prim or a property");
    if (dot ? !(want & WANT_PROP) || size == 1 : !(want & WANT_PRIM))
        return refuse(err, USD_ERR_INVALID, path, "the path of a %s is expected", want & WANT_PROP ? "property" : "prim");
    if (size == 1 && !(want & WANT_ROOT))
        return refuse(err, USD_ERR_INVALID, path, "the pseudo-root is no prim");
    if (!edits_create(s))
        return no_memory(err, path);
    out->path = tok_make(path, size);
    out->name = dot ? tok_str(dot + 1) : 0;
    const usd_prim *p = s->root;
    for (size_t at = 1; p && at < size;) {
        if (p->flags & (PRIM_INSTANCE | PRIM_PROXY))
            return refuse(err, USD_ERR_INVALID, path, "it lies below the instance <%.*s>, whose content is shared; edit that, or set "
                          "instanceable to false there", (int)(at - 1), path);
        size_t n     = strcspn(path + at, "/.");
        usd_tok name = tok_find(path + at, n);
        p            = name == UINT32_MAX ? NULL : usd_prim_child(p, tok_text(name));
        at += n + 1;
    }
    out->prim = p;
    if (!p && !(want & WANT_NEW) && !spec_find(session_layer(s->session), tok_text(out->path)))
        return refuse(err, USD_ERR_NOT_FOUND, path, "there is no such prim");
    out->prop = p && dot ? usd_prim_find_property(p, dot + 1) : NULL;
    return USD_OK;
}

// The session layer's spec for the prim; those on the way to it are made too.
static uint32_t make_spec(usd_stage *s, usd_tok path)
{
    const char *text = tok_text(path);
    uint32_t spec    = 0;
    for (size_t at = 1, size = tok_size(path); at < size;) {
        size_t n     = strcspn(text + at, "/");
        usd_tok name = tok_make(text + at, n);
        at += n + (at + n < size);
        uint32_t next = spec_child(session_layer(s->session), spec, name);
        if (!next) {
            next = session_spec(s->session, spec, name);
            if (!next)
                return SESSION_NONE;
            pend_prim(s, tok_make(text, at < size ? at - 1 : at), PEND_SPEC);
        }
        spec = next;
    }
    return spec;
}

static uint32_t known_spec(const usd_stage *s, usd_tok path)
{
    uint32_t spec = tok_size(path) == 1 ? 0 : spec_find(session_layer(s->session), tok_text(path));
    return spec || tok_size(path) == 1 ? spec : SESSION_NONE;
}

// Specs that say nothing any more, and those above them that only led to them.
static void prune(usd_stage *s, uint32_t spec)
{
    const struct layer *l = session_layer(s->session);
    while (spec && spec != SESSION_NONE) {
        const struct prim_spec *p = &l->prims.items[spec];
        uint32_t up               = p->parent;
        if (p->field_count || p->prop_count || p->first_child || p->first_variant_set || p->type_name || p->specifier != USD_OVER)
            return;
        char path[8192];
        size_t n = spec_path(l, spec, path, sizeof(path));
        pend_prim(s, tok_make(path, n), PEND_SPEC);
        session_drop_spec(s->session, spec);
        spec = up;
    }
}

// What a change of a prim's field means. The layer's own fields are those of "/".
static unsigned meaning(usd_tok path, usd_tok key)
{
    static const usd_tok composing[] = { T_active, T_instanceable, T_references, T_payload, T_inheritPaths, T_specializes,
                                         T_variantSetNames, T_variantSelection, T_apiSchemas, T_primOrder, T_clips, T_clipSets,
                                         T_permission };
    if (tok_size(path) == 1) {
        static const char *const stack[] = { "subLayers", "subLayerOffsets", "relocates", "layerRelocates", "timeCodesPerSecond",
                                             "framesPerSecond", "expressionVariables" };
        for (size_t i = 0; i < sizeof(stack) / sizeof(stack[0]); i++)
            if (!strcmp(stack[i], tok_text(key)))
                return PEND_STRUCT;
    }
    for (size_t i = 0; i < sizeof(composing) / sizeof(composing[0]); i++)
        if (composing[i] == key)
            return PEND_STRUCT;
    return key == T_propertyOrder ? PEND_PROPS | PEND_INFO : PEND_INFO;
}

// Stores a prim's field. Takes over the value.
static int store(usd_stage *s, usd_tok path, struct field *f, struct usd_error *err)
{
    uint32_t spec = known_spec(s, path);
    if (spec != SESSION_NONE && session_same_value(session_get(s->session, (struct session_owner) { false, spec }, f->name), f)) {
        session_free_value(f);
        return USD_OK;
    }
    spec         = make_spec(s, path);
    usd_tok name = f->name;
    if (spec == SESSION_NONE) {
        session_free_value(f);
        return no_memory(err, tok_text(path));
    }
    if (!session_put(s->session, (struct session_owner) { false, spec }, f))
        return no_memory(err, tok_text(path));
    if (name == T_clips)
        atomic_store(&s->has_clips, true);
    pend_prim(s, path, meaning(path, name) | (spec ? 0 : PEND_SPEC));
    return USD_OK;
}

static void unstore(usd_stage *s, usd_tok path, usd_tok key)
{
    uint32_t spec = known_spec(s, path);
    if (spec == SESSION_NONE || !session_drop(s->session, (struct session_owner) { false, spec }, key))
        return;
    pend_prim(s, path, meaning(path, key) | (spec ? 0 : PEND_SPEC));
    prune(s, spec);
}

// ---------------------------------------------------------------------------------------------------------------
// Prims

static int set_flag(usd_stage *s, const char *path, usd_tok key, bool value, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM, &at, err);
    if (rc != USD_OK)
        return rc;
    return store(s, at.path, &(struct field) { .bits = value, .count = 1, .name = key, .type = USD_TYPE_BOOL }, err);
}

int usd_session_set_active(usd_stage *s, const char *path, bool active, struct usd_error *err)
{
    return set_flag(s, path, T_active, active, err);
}

int usd_session_set_instanceable(usd_stage *s, const char *path, bool instanceable, struct usd_error *err)
{
    return set_flag(s, path, T_instanceable, instanceable, err);
}

int usd_session_set_variant(usd_stage *s, const char *path, const char *set, const char *selection, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM, &at, err);
    if (rc != USD_OK)
        return rc;
    if (!set || !path_valid_identifier(set, strlen(set)))
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is no name of a variant set", set ? set : "");
    uint32_t spec           = known_spec(s, at.path);
    const struct field *old = spec == SESSION_NONE ? NULL : session_get(s->session, (struct session_owner) { false, spec }, T_variantSelection);
    struct field f          = { .name = T_variantSelection };
    if (!session_selections(&f, old, tok_str(set), selection))
        return no_memory(err, path);
    if (f.count)
        return store(s, at.path, &f, err);
    session_free_value(&f);
    unstore(s, at.path, T_variantSelection);
    return USD_OK;
}

int usd_session_define(usd_stage *s, const char *path, const char *type_name, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM | WANT_NEW, &at, err);
    if (rc != USD_OK)
        return rc;
    if (type_name && *type_name && !path_valid_identifier(type_name, strlen(type_name)))
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is no type", type_name);
    const char *text = tok_text(at.path);
    for (size_t n = 1, size = tok_size(at.path); n < size;) {
        n += strcspn(text + n, "/");
        bool last          = n == size;
        usd_tok tok        = tok_make(text, n);
        const usd_prim *is = usd_stage_find(s, tok_text(tok));
        uint32_t spec      = last || !is ? make_spec(s, tok) : 0;
        if (spec == SESSION_NONE)
            return no_memory(err, path);
        struct prim_spec *p = &session_layer(s->session)->prims.items[spec];
        usd_tok type        = last && type_name ? tok_str(type_name) : p->type_name;
        if (spec && (p->specifier != USD_DEF || p->type_name != type)) {
            p->specifier = USD_DEF;
            p->type_name = type;
            pend_prim(s, tok, PEND_STRUCT);
        }
        n += !last;
    }
    return USD_OK;
}

static enum listop_kind kind_of(enum usd_list_edit edit)
{
    switch (edit) {
    case USD_LIST_PREPEND: return LISTOP_PREPEND;
    case USD_LIST_APPEND: return LISTOP_APPEND;
    case USD_LIST_DELETE: return LISTOP_DELETE;
    default: return LISTOP_EXPLICIT;
    }
}

int usd_session_add_arc(usd_stage *s, const char *path, const char *key, const char *asset, const char *target, double offset,
                        double scale, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM, &at, err);
    if (rc != USD_OK)
        return rc;
    usd_tok name = key && !strcmp(key, "references") ? T_references : key && !strcmp(key, "payload") ? T_payload : 0;
    if (!name)
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is neither references nor payload", key ? key : "");
    if (target && *target && (!valid_prim_path(target, strlen(target)) || strlen(target) < 2))
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is not the path of a prim", target);
    if (!isfinite(offset) || !isfinite(scale))
        return refuse(err, USD_ERR_INVALID, path, "offset and scale must be finite");
    uint32_t spec            = known_spec(s, at.path);
    const struct field *old  = spec == SESSION_NONE ? NULL : session_get(s->session, (struct session_owner) { false, spec }, name);
    const struct listop *op  = old && old->type == VT_REF_LISTOP ? field_ptr(old) : NULL;
    enum listop_kind kind    = op && op->is_explicit ? LISTOP_EXPLICIT : LISTOP_PREPEND;
    size_t before            = op ? op->list[kind].count : 0, n = 1;
    struct arc_ref *items    = malloc((before + 1) * sizeof(*items));
    if (!items)
        return no_memory(err, path);
    items[0] = (struct arc_ref) { asset ? asset : "", target ? target : "", offset, scale, NULL };
    for (size_t i = 0; i < before; i++) { // the same arc twice is the same arc
        const struct arc_ref *r = (const struct arc_ref *)op->list[kind].items + i;
        if (strcmp(r->asset, items[0].asset) || strcmp(r->path, items[0].path) || r->offset != offset || r->scale != scale)
            items[n++] = *r;
    }
    struct field f = { .name = name };
    bool ok        = session_refs(&f, kind, items, n);
    free(items);
    return ok ? store(s, at.path, &f, err) : no_memory(err, path);
}

// ---------------------------------------------------------------------------------------------------------------
// Properties

// The property's spec, made when need be. SESSION_NONE: refused, *rc says why.
static uint32_t make_prop(usd_stage *s, const struct place *at, const char *path, const char *type_name, bool relationship, int *rc,
                          struct usd_error *err)
{
    uint32_t spec           = known_spec(s, at->path);
    uint32_t prop           = spec == SESSION_NONE ? SESSION_NONE : session_find_prop(s->session, spec, at->name);
    const struct prop_spec *own = prop == SESSION_NONE ? NULL : &session_layer(s->session)->props.items[prop];
    const struct prop_spec *built_in = at->prim ? definition_spec(usd_prim_definition(at->prim), at->name) : NULL;
    bool is_rel             = own ? own->flags & PROP_RELATIONSHIP : at->prop ? usd_property_is_relationship(at->prop) : built_in ? built_in->flags & PROP_RELATIONSHIP : relationship;
    const char *declared    = own ? tok_text(own->type_name) : at->prop ? usd_property_type_name(at->prop) : built_in ? tok_text(built_in->type_name) : NULL;
    *rc                     = USD_ERR_INVALID;
    if (is_rel != relationship) {
        refuse(err, USD_ERR_INVALID, path, "it is %s", is_rel ? "a relationship" : "an attribute");
        return SESSION_NONE;
    }
    if (!relationship && !declared && !type_name) {
        *rc = refuse(err, USD_ERR_NOT_FOUND, path, "there is no such attribute, and no type is given to make it");
        return SESSION_NONE;
    }
    if (!relationship && declared && type_name && strcmp(declared, type_name)) {
        refuse(err, USD_ERR_INVALID, path, "its type is %s, not %s", declared, type_name);
        return SESSION_NONE;
    }
    if (own)
        return prop;
    uint8_t flags                    = relationship ? PROP_RELATIONSHIP : 0;
    if (at->prop ? usd_property_is_uniform(at->prop) : built_in && built_in->flags & PROP_UNIFORM)
        flags |= PROP_UNIFORM;
    if (!at->prop && !built_in)
        flags |= PROP_CUSTOM;
    spec = make_spec(s, at->path);
    prop = spec == SESSION_NONE ? SESSION_NONE
                                : session_make_prop(s->session, spec, at->name, relationship ? 0 : tok_str(declared ? declared : type_name), flags);
    if (prop == SESSION_NONE)
        *rc = no_memory(err, path);
    else
        pend_property(s, at->path, at->name, true);
    return prop;
}

// Stores a property's field. Takes over the value.
static int store_prop(usd_stage *s, const struct place *at, uint32_t prop, struct field *f, bool anew, struct usd_error *err)
{
    struct session_owner o = { true, prop };
    if (session_same_value(session_get(s->session, o, f->name), f)) {
        session_free_value(f);
        return USD_OK;
    }
    if (!session_put(s->session, o, f))
        return no_memory(err, tok_text(at->path));
    pend_property(s, at->path, at->name, anew);
    return USD_OK;
}

int usd_session_set_value(usd_stage *s, const char *path, const char *type_name, const struct usd_value *v, double time, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PROP, &at, err);
    if (rc != USD_OK)
        return rc;
    if (!v || isinf(time))
        return refuse(err, USD_ERR_INVALID, path, v ? "the time is infinite" : "no value is given");
    const char *name = type_name ? type_name : at.prop ? usd_property_type_name(at.prop) : "";
    bool is_array;
    enum usd_type type = usd_type_from_name(name, &is_array);
    if (*name && type == USD_TYPE_NONE)
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is no type of a value", name);
    if (*name && v->type != USD_TYPE_BLOCK && (v->type != type || v->is_array != is_array))
        return refuse(err, USD_ERR_INVALID, path, "a value of type %s%s does not fit %s", usd_type_name(v->type), v->is_array ? "[]" : "", name);
    if (v->type == USD_TYPE_NONE || v->type >= USD_TYPE_COUNT)
        return refuse(err, USD_ERR_INVALID, path, "no value is given");
    struct field value = { .name = isnan(time) ? T_default : 0 };
    if (!session_value(&value, v))
        return no_memory(err, path);
    uint32_t prop = make_prop(s, &at, path, type_name, false, &rc, err);
    if (prop == SESSION_NONE) {
        session_free_value(&value);
        return rc;
    }
    if (isnan(time))
        return store_prop(s, &at, prop, &value, false, err);
    struct field samples = { .name = T_timeSamples };
    const struct field *old = session_get(s->session, (struct session_owner) { true, prop }, T_timeSamples);
    bool ok                 = session_sample(&samples, old, time / stack_session_scale(s), &value);
    session_free_value(&value); // unless the samples own it by now
    return ok ? store_prop(s, &at, prop, &samples, false, err) : no_memory(err, path);
}

int usd_session_set_numbers(usd_stage *s, const char *path, const char *type_name, const double *numbers, size_t count, double time,
                            struct usd_error *err)
{
    const usd_property *q = s && path && !type_name ? usd_stage_find_property(s, path) : NULL;
    const char *name      = type_name ? type_name : usd_property_type_name(q);
    bool is_array;
    enum usd_type type = usd_type_from_name(name, &is_array);
    size_t n           = (size_t)usd_type_components(type), size = usd_type_size(type);
    if (!n || !numbers || count % n || (!is_array && count != n))
        return refuse(err, USD_ERR_INVALID, path, "%zu numbers do not make a value of type '%.100s'", count, name);
    uint8_t *data = malloc(count / n * size + 1);
    if (!data)
        return no_memory(err, path);
    for (size_t i = 0; i < count; i++) {
        double d = numbers[i];
        uint8_t *to = data + i * (size / n);
        switch (usd_type_component(type)) {
        case USD_TYPE_BOOL: *to = d != 0; break;
        case USD_TYPE_UCHAR: *to = (uint8_t)(d >= 0 && d <= 255 ? d : 0); break;
        case USD_TYPE_INT: memcpy(to, &(int32_t) { d >= INT32_MIN && d <= INT32_MAX ? (int32_t)d : 0 }, 4); break;
        case USD_TYPE_UINT: memcpy(to, &(uint32_t) { d >= 0 && d <= UINT32_MAX ? (uint32_t)d : 0 }, 4); break;
        case USD_TYPE_INT64: memcpy(to, &(int64_t) { fabs(d) < 9.2e18 ? (int64_t)d : 0 }, 8); break;
        case USD_TYPE_UINT64: memcpy(to, &(uint64_t) { d >= 0 && d < 1.8e19 ? (uint64_t)d : 0 }, 8); break;
        case USD_TYPE_HALF: memcpy(to, &(uint16_t) { half_from_float((float)d) }, 2); break;
        case USD_TYPE_FLOAT: memcpy(to, &(float) { (float)d }, 4); break;
        default: memcpy(to, &d, 8); break;
        }
    }
    struct usd_value v = { .type = type, .is_array = is_array, .count = count / n, .data = data };
    int rc             = usd_session_set_value(s, path, type_name, &v, time, err);
    free(data);
    return rc;
}

int usd_session_set_text(usd_stage *s, const char *path, const char *type_name, const char *text, double time, struct usd_error *err)
{
    const usd_property *q = s && path && !type_name ? usd_stage_find_property(s, path) : NULL;
    bool is_array;
    enum usd_type type = usd_type_from_name(type_name ? type_name : usd_property_type_name(q), &is_array);
    if (!text || is_array || (type != USD_TYPE_STRING && type != USD_TYPE_TOKEN && type != USD_TYPE_ASSET))
        return refuse(err, USD_ERR_INVALID, path, "a text does not fit the type '%.100s'", type_name ? type_name : usd_property_type_name(q));
    struct usd_asset asset = { text, "" };
    struct usd_value v     = { .type = type, .count = 1, .data = type == USD_TYPE_ASSET ? (const void *)&asset : (const void *)&text };
    return usd_session_set_value(s, path, type_name, &v, time, err);
}

int usd_session_block(usd_stage *s, const char *path, struct usd_error *err)
{
    struct usd_value v = { .type = USD_TYPE_BLOCK, .count = 1 };
    int rc             = usd_session_set_value(s, path, NULL, &v, USD_TIME_DEFAULT, err);
    struct place at;
    if (rc == USD_OK && find_place(s, path, WANT_PROP, &at, err) == USD_OK) {
        uint32_t prop = session_find_prop(s->session, known_spec(s, at.path), at.name);
        if (session_drop(s->session, (struct session_owner) { true, prop }, T_timeSamples))
            pend_property(s, at.path, at.name, false);
    }
    return rc;
}

int usd_session_set_visible(usd_stage *s, const char *path, bool visible, struct usd_error *err)
{
    char name[MAX_PATH + 16];
    if (!path || snprintf(name, sizeof(name), "%s.visibility", path) >= (int)sizeof(name))
        return refuse(err, USD_ERR_INVALID, path, "not the path of a prim");
    int rc = usd_session_set_text(s, name, "token", visible ? "inherited" : "invisible", USD_TIME_DEFAULT, err);
    struct place at;
    if (rc == USD_OK && find_place(s, name, WANT_PROP, &at, err) == USD_OK)
        if (session_drop(s->session, (struct session_owner) { true, session_find_prop(s->session, known_spec(s, at.path), at.name) }, T_timeSamples))
            pend_property(s, at.path, at.name, false);
    return rc;
}

int usd_session_set_transform(usd_stage *s, const char *path, const double matrix[16], double time, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM, &at, err);
    char op[MAX_PATH + 32], order[MAX_PATH + 32];
    if (rc != USD_OK)
        return rc;
    if (!matrix)
        return refuse(err, USD_ERR_INVALID, path, "no matrix is given");
    snprintf(op, sizeof(op), "%s.xformOp:transform", tok_text(at.path));
    snprintf(order, sizeof(order), "%s.xformOpOrder", tok_text(at.path));
    bool resets = false;
    struct usd_value v;
    if (usd_attr_get(usd_prim_find_property(at.prim, "xformOpOrder"), USD_TIME_DEFAULT, &v) && v.type == USD_TYPE_TOKEN && v.count)
        resets = !strcmp(*(const char *const *)v.data, "!resetXformStack!");
    usd_value_finish(&v);
    rc = usd_session_set_numbers(s, op, "matrix4d", matrix, 16, time, err);
    if (rc != USD_OK)
        return rc;
    uint32_t spec = known_spec(s, at.path), prop = session_find_prop(s->session, spec, tok_str("xformOp:transform"));
    session_layer(s->session)->props.items[prop].flags &= (uint8_t)~PROP_CUSTOM;
    if (isnan(time) && session_drop(s->session, (struct session_owner) { true, prop }, T_timeSamples))
        pend_property(s, at.path, tok_str("xformOp:transform"), false);
    static const char *const names[] = { "!resetXformStack!", "xformOp:transform" };
    struct usd_value list            = { .type = USD_TYPE_TOKEN, .is_array = true, .count = resets ? 2 : 1, .data = resets ? names : names + 1 };
    rc                               = usd_session_set_value(s, order, "token[]", &list, USD_TIME_DEFAULT, err);
    if (rc == USD_OK) {
        prop                    = session_find_prop(s->session, spec, T_xformOpOrder);
        struct prop_spec *made  = &session_layer(s->session)->props.items[prop];
        made->flags             = (uint8_t)((made->flags & ~PROP_CUSTOM) | PROP_UNIFORM);
    }
    return rc;
}

// ---------------------------------------------------------------------------------------------------------------
// Metadata and lists

// Field of a key as people write it, and its type where USD defines one.
static usd_tok field_of(const char *key, int *type, bool *is_array)
{
    const char *name = key;
    *type            = usda_field_type(key, is_array, &name);
    return tok_str(name);
}

int usd_session_set_metadata(usd_stage *s, const char *path, const char *key, const struct usd_value *v, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM | WANT_PROP | WANT_ROOT, &at, err);
    if (rc != USD_OK)
        return rc;
    if (!key || !text_is_field_name(key) || !v)
        return refuse(err, USD_ERR_INVALID, path, "a key and a value are expected");
    int type;
    bool is_array;
    usd_tok name = field_of(key, &type, &is_array);
    if (type >= USD_TYPE_COUNT || name == T_default || name == T_timeSamples || name == T_targetPaths || name == T_connectionPaths
        || name == T_primOrder || name == T_propertyOrder || name == T_typeName || name == T_specifier)
        return refuse(err, USD_ERR_INVALID, path, "'%s' is no metadata with a plain value", key);
    struct usd_value copy = { .type = v->type, .is_array = v->is_array, .count = v->count, .data = v->data };
    bool texts            = (type == USD_TYPE_TOKEN || type == USD_TYPE_STRING) && (v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_STRING);
    if (texts)
        copy.type = (enum usd_type)type;
    if (type != USD_TYPE_NONE && ((int)copy.type != type || copy.is_array != is_array))
        return refuse(err, USD_ERR_INVALID, path, "'%s' is of type %s%s", key, usd_type_name((enum usd_type)type), is_array ? "[]" : "");
    if (copy.type <= USD_TYPE_BLOCK || copy.type >= USD_TYPE_COUNT)
        return refuse(err, USD_ERR_INVALID, path, "a value is expected");
    struct field f = { .name = name };
    if (!at.name)
        return session_value(&f, &copy) ? store(s, at.path, &f, err) : no_memory(err, path);
    bool rel = at.prop && usd_property_is_relationship(at.prop);
    if (!session_value(&f, &copy))
        return no_memory(err, path);
    uint32_t prop = make_prop(s, &at, path, NULL, rel, &rc, err);
    if (prop == SESSION_NONE) {
        session_free_value(&f);
        return rc;
    }
    return store_prop(s, &at, prop, &f, false, err);
}

int usd_session_set_list(usd_stage *s, const char *path, const char *key, enum usd_list_edit edit, const char *const *items, size_t count,
                         struct usd_error *err)
{
    static const struct {
        const char *key;
        usd_tok field;
        int type;
        bool of_property;
    } keys[] = {
        { "inherits", T_inheritPaths, VT_PATH_LISTOP, false },     { "specializes", T_specializes, VT_PATH_LISTOP, false },
        { "apiSchemas", T_apiSchemas, VT_TOKEN_LISTOP, false },    { "variantSets", T_variantSetNames, VT_STRING_LISTOP, false },
        { "clipSets", T_clipSets, VT_STRING_LISTOP, false },       { "targets", T_targetPaths, VT_PATH_LISTOP, true },
        { "connections", T_connectionPaths, VT_PATH_LISTOP, true },
    };
    size_t k = 0;
    while (key && k < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[k].key, key))
        k++;
    if (!key || k == sizeof(keys) / sizeof(keys[0]) || (count && !items))
        return refuse(err, USD_ERR_INVALID, path, "'%.100s' is no list that can be edited", key ? key : "");
    struct place at;
    int rc = find_place(s, path, keys[k].of_property ? WANT_PROP : WANT_PRIM, &at, err);
    if (rc != USD_OK)
        return rc;
    if (!count && edit != USD_LIST_EXPLICIT) // says nothing
        return usd_session_clear_key(s, path, key, err);
    for (size_t i = 0; i < count; i++) {
        const char *dot = keys[k].of_property && items[i] ? strchr(items[i], '.') : NULL;
        size_t n        = !items[i] ? 0 : dot ? (size_t)(dot - items[i]) : strlen(items[i]);
        bool ok         = items[i] && *items[i];
        if (ok && keys[k].type == VT_PATH_LISTOP)
            ok = valid_prim_path(items[i], n) && n > 1 && (!dot || path_valid_identifier(dot + 1, strlen(dot + 1)));
        for (size_t j = 0; j < i && ok; j++)
            ok = strcmp(items[i], items[j]) != 0;
        if (!ok)
            return refuse(err, USD_ERR_INVALID, path, "'%.100s' cannot stand in that list, or stands there twice", items[i] ? items[i] : "");
    }
    struct field f = { .name = keys[k].field };
    if (!session_names(&f, keys[k].type, kind_of(edit), items, count))
        return no_memory(err, path);
    if (!keys[k].of_property)
        return store(s, at.path, &f, err);
    uint32_t prop = make_prop(s, &at, path, NULL, f.name == T_targetPaths, &rc, err);
    if (prop == SESSION_NONE) {
        session_free_value(&f);
        return rc;
    }
    return store_prop(s, &at, prop, &f, true, err);
}

// ---------------------------------------------------------------------------------------------------------------
// Taking back

// Everything that a spec of the session layer, or several, may have said.
static void pend_all(usd_stage *s, uint32_t spec, char *path, size_t n)
{
    const struct layer *l     = session_layer(s->session);
    const struct prim_spec *p = &l->prims.items[spec];
    usd_tok at                = n ? tok_make(path, n) : tok_make("/", 1);
    unsigned flags            = PEND_SPEC;
    for (unsigned i = 0; i < p->field_count; i++)
        flags |= meaning(at, l->fields.items[p->first_field + i].name);
    if (spec && (p->specifier != USD_OVER || p->type_name || p->first_variant_set))
        flags |= PEND_STRUCT;
    pend_prim(s, at, flags);
    for (uint32_t i = 0; i < p->prop_count; i++)
        pend_property(s, at, l->props.items[p->first_prop + i].name, true);
    for (uint32_t c = p->first_child; c; c = l->prims.items[c].next_sibling) {
        usd_tok name = l->prims.items[c].name;
        if (n + tok_size(name) + 2 >= 8192)
            continue;
        path[n] = '/';
        memcpy(path + n + 1, tok_text(name), tok_size(name));
        pend_all(s, c, path, n + 1 + tok_size(name));
    }
}

static void pend_spec(usd_stage *s, uint32_t spec)
{
    char path[8192];
    size_t n = spec ? spec_path(session_layer(s->session), spec, path, sizeof(path)) : 0;
    if (n < sizeof(path))
        pend_all(s, spec, path, n);
}

int usd_session_clear(usd_stage *s, const char *path, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM | WANT_PROP | WANT_NEW, &at, err);
    if (rc != USD_OK)
        return rc;
    uint32_t spec = known_spec(s, at.path);
    if (spec == SESSION_NONE)
        return USD_OK;
    uint32_t up = session_layer(s->session)->prims.items[spec].parent;
    if (!at.name) {
        pend_spec(s, spec);
        session_drop_spec(s->session, spec);
        prune(s, up);
        return USD_OK;
    }
    uint32_t prop = session_find_prop(s->session, spec, at.name);
    if (prop == SESSION_NONE)
        return USD_OK;
    session_drop_prop(s->session, spec, prop);
    pend_property(s, at.path, at.name, true);
    prune(s, spec);
    return USD_OK;
}

int usd_session_clear_key(usd_stage *s, const char *path, const char *key, struct usd_error *err)
{
    struct place at;
    int rc = find_place(s, path, WANT_PRIM | WANT_PROP | WANT_ROOT | WANT_NEW, &at, err), type;
    if (rc != USD_OK)
        return rc;
    if (!key)
        return refuse(err, USD_ERR_INVALID, path, "no key is given");
    bool is_array;
    usd_tok field = field_of(key, &type, &is_array);
    if (!at.name) {
        unstore(s, at.path, field);
        return USD_OK;
    }
    uint32_t spec = known_spec(s, at.path), prop = spec == SESSION_NONE ? SESSION_NONE : session_find_prop(s->session, spec, at.name);
    if (prop == SESSION_NONE)
        return USD_OK;
    struct session_owner o = { true, prop };
    bool value             = !strcmp(key, "value"), list = !strcmp(key, "targets") || !strcmp(key, "connections");
    bool changed           = false;
    if (value)
        changed = session_drop(s->session, o, T_default) | session_drop(s->session, o, T_timeSamples);
    else if (list)
        changed = session_drop(s->session, o, !strcmp(key, "targets") ? T_targetPaths : T_connectionPaths);
    else
        changed = session_drop(s->session, o, field);
    if (!changed)
        return USD_OK;
    pend_property(s, at.path, at.name, list);
    if (!session_layer(s->session)->props.items[prop].field_count)
        return usd_session_clear(s, path, err);
    return USD_OK;
}

int usd_session_clear_all(usd_stage *s, struct usd_error *err)
{
    if (!s || !edits_create(s))
        return refuse(err, s ? USD_ERR_NOMEM : USD_ERR_INVALID, "/", s ? "out of memory" : "no stage is given");
    if (session_is_empty(s->session))
        return USD_OK;
    pend_spec(s, 0);
    session_clear(s->session);
    return USD_OK;
}

// ---------------------------------------------------------------------------------------------------------------
// Text

int usd_session_write(const usd_stage *s, usd_write_fn *write, void *user, struct usd_error *err)
{
    if (!s || !write) {
        error_set(err, USD_ERR_INVALID, "session", "no stage or no function is given");
        return USD_ERR_INVALID;
    }
    if (layer_write(session_layer(s->session), write, user))
        return USD_OK;
    error_set(err, USD_ERR_IO, "session", "the text could not be written");
    return USD_ERR_IO;
}

static int parse(usd_stage *s, const char *text, size_t size, const char *anchor_dir, const char *root_anchor, char *anchor,
                 struct layer **out, struct usd_error *err)
{
    if (!text || !usda_looks_like(text, size)) {
        error_set(err, USD_ERR_FORMAT, "session", "session: text that begins with '#usda' is expected");
        return USD_ERR_FORMAT;
    }
    char here[PATH_MAX] = "";
    if (anchor_dir && *anchor_dir != '/' && !getcwd(here, sizeof(here)))
        *here = 0;
    int n = anchor_dir ? snprintf(anchor, RESOLVED_MAX, "%s%s%s/x", here, *here ? "/" : "", anchor_dir)
                       : snprintf(anchor, RESOLVED_MAX, "%s", root_anchor);
    if (n >= RESOLVED_MAX)
        return refuse(err, USD_ERR_INVALID, "/", "the folder's name is too long");
    int rc = layer_from_bytes(&s->env, "session", anchor, text, size, out, err);
    for (size_t i = 0; rc == USD_OK && i < (*out)->warnings.count; i++)
        stage_diagnose(s, USD_WARNING, USD_ERR_UNSUPPORTED, "session", "", "%s", (*out)->warnings.items[i]);
    if (rc == USD_OK && (*out)->has_clips)
        atomic_store(&s->has_clips, true);
    return rc;
}

int session_open(struct usd_stage *s, const char *anchor, const struct usd_open_options *o, struct usd_error *err)
{
    char own_anchor[RESOLVED_MAX];
    struct layer *l;
    if (session_create(s, anchor) != USD_OK)
        return no_memory(err, "/");
    if (!o || !o->session)
        return USD_OK;
    int rc = parse(s, o->session, o->session_size, o->session_anchor, anchor, own_anchor, &l, err);
    if (rc != USD_OK)
        return rc;
    session_set_anchor(s->session, own_anchor);
    return session_take(s->session, l) ? USD_OK : no_memory(err, "/");
}

int usd_session_read(usd_stage *s, const char *text, size_t size, const char *anchor_dir, struct usd_error *err)
{
    char anchor[RESOLVED_MAX];
    struct layer *l;
    if (!s || !edits_create(s))
        return refuse(err, s ? USD_ERR_NOMEM : USD_ERR_INVALID, "/", s ? "out of memory" : "no stage is given");
    int rc = parse(s, text, size, anchor_dir, s->root_layer->anchor, anchor, &l, err);
    if (rc != USD_OK)
        return rc;
    if (!session_is_empty(s->session))
        pend_spec(s, 0);
    bool ok = session_take(s->session, l);
    session_set_anchor(s->session, anchor);
    if (!session_is_empty(s->session))
        pend_spec(s, 0);
    return ok ? USD_OK : no_memory(err, "/");
}
