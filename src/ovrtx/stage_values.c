// Attribute values as the rest of the library wants them, transforms, and time.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "xform.h"

// What was written to an attribute by name; NULL for most.
static const struct stage_attr *written(const struct stage *s, uint32_t prim, const char *name)
{
    if (!s->prims.items[prim].overrides)
        return NULL;
    return stage_override(s, prim, paths_token_find(s->paths, name, strlen(name)));
}

static float half_to_float(uint16_t bits) { return usd_half_to_float(bits); }

// Lane `lane` of the first element as a number.
static bool number(const struct stage_attr *a, size_t lane, double *out)
{
    if (!a->count || lane >= a->type.dtype.lanes)
        return false;
    size_t bytes        = a->type.dtype.bits / 8;
    const void *at      = (const char *)a->data + lane * bytes;
    union { int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32; int64_t i64; uint64_t u64; float f; double d; } v;
    if (bytes > sizeof(v))
        return false;
    memcpy(&v, at, bytes);
    switch (a->type.dtype.code << 8 | a->type.dtype.bits) {
    case kDLFloat << 8 | 16: *out = half_to_float(v.u16); return true;
    case kDLFloat << 8 | 32: *out = v.f; return true;
    case kDLFloat << 8 | 64: *out = v.d; return true;
    case kDLInt << 8 | 8: *out = v.i8; return true;
    case kDLInt << 8 | 16: *out = v.i16; return true;
    case kDLInt << 8 | 32: *out = v.i32; return true;
    case kDLInt << 8 | 64: *out = (double)v.i64; return true;
    case kDLBool << 8 | 8:
    case kDLUInt << 8 | 8: *out = v.u8; return true;
    case kDLUInt << 8 | 16: *out = v.u16; return true;
    case kDLUInt << 8 | 32: *out = v.u32; return true;
    case kDLUInt << 8 | 64: *out = (double)v.u64; return true;
    default: return false;
    }
}

bool stage_get_double(const struct stage *s, uint32_t prim, const char *name, double *out)
{
    const struct stage_attr *a = written(s, prim, name);
    if (a)
        return number(a, 0, out);
    return usd_prim_get_double(s->prims.items[prim].usd, name, stage_time_code(s, prim), out);
}

bool stage_get_float(const struct stage *s, uint32_t prim, const char *name, float *out)
{
    double v;
    if (!stage_get_double(s, prim, name, &v))
        return false;
    *out = (float)v;
    return true;
}

bool stage_get_int(const struct stage *s, uint32_t prim, const char *name, int *out)
{
    double v;
    if (!stage_get_double(s, prim, name, &v) || !(v >= -2147483648.0 && v <= 2147483647.0))
        return false;
    *out = (int)v;
    return true;
}

bool stage_get_bool(const struct stage *s, uint32_t prim, const char *name, bool *out)
{
    double v;
    const struct stage_attr *a = written(s, prim, name);
    if (!a)
        return usd_prim_get_bool(s->prims.items[prim].usd, name, stage_time_code(s, prim), out);
    if (!number(a, 0, &v))
        return false;
    *out = v != 0;
    return true;
}

bool stage_get_floats(const struct stage *s, uint32_t prim, const char *name, float *out, int components)
{
    const struct stage_attr *a = written(s, prim, name);
    double v[4];
    if (components > 4)
        return false;
    if (a) {
        for (int i = 0; i < components; i++) {
            // Components come as lanes, or as that many scalar elements.
            struct stage_attr one = *a;
            if (a->type.dtype.lanes == 1 && a->count >= (size_t)components)
                one.data = (char *)a->data + (size_t)i * a->type.dtype.bits / 8;
            if (!number(&one, a->type.dtype.lanes == 1 ? 0 : (size_t)i, &v[i]))
                return false;
        }
    } else {
        struct usd_value value;
        bool ok = usd_prim_get(s->prims.items[prim].usd, name, stage_time_code(s, prim), &value)
            && usd_type_components(value.type) >= components && usd_value_doubles(&value, 0, v, components);
        usd_value_finish(&value);
        if (!ok)
            return false;
    }
    for (int i = 0; i < components; i++)
        out[i] = (float)v[i];
    return true;
}

bool stage_get_token(const struct stage *s, uint32_t prim, const char *name, const char **out)
{
    const struct stage_attr *a = written(s, prim, name);
    if (!a)
        return usd_prim_get_token(s->prims.items[prim].usd, name, stage_time_code(s, prim), out);
    if (!a->count || a->type.dtype.code != kDLUInt)
        return false;
    if (a->type.dtype.bits == 64) {
        uint64_t id;
        memcpy(&id, a->data, sizeof(id));
        *out = paths_token_text(s->paths, (uint32_t)id);
        return true;
    }
    // A string: bytes without a terminator. Interning gives it one.
    *out = paths_token_text(s->paths, paths_token(s->paths, a->data, a->count));
    return true;
}

uint32_t stage_get_target(const struct stage *s, uint32_t prim, const char *name, size_t i)
{
    const struct stage_attr *a = written(s, prim, name);
    const struct stage_prim *p = &s->prims.items[prim];
    if (a) {
        uint64_t id = 0;
        if (i < a->count && a->type.dtype.bits == 64)
            memcpy(&id, (char *)a->data + i * sizeof(id), sizeof(id));
        return (uint32_t)id;
    }
    const usd_property *rel = usd_prim_find_property(p->usd, name);
    return rel && usd_property_is_relationship(rel) && i < usd_rel_target_count(rel)
        ? stage_path_from_usd(s, p->source, usd_rel_target(rel, i))
        : 0;
}

// ---------------------------------------------------------------------------------------------
// Transforms

void stage_local_matrix(const struct stage *s, uint32_t prim, double out[16], bool *resets)
{
    const struct stage_prim *p   = &s->prims.items[prim];
    const struct stage_attr *own = NULL, *reset = NULL;
    if (p->overrides) {
        own   = stage_override(s, prim, s->names.xform);
        reset = stage_override(s, prim, s->names.reset_xform);
    }
    bool authored_reset = false;
    if (own)
        memcpy(out, own->data, 16 * sizeof(double));
    else
        matrix_identity(out);
    if (p->usd && p->has_transform && (!own || !reset)) {
        double m[16];
        usd_prim_local_matrix(p->usd, stage_time_code(s, prim), m, &authored_reset);
        if (!own)
            memcpy(out, m, sizeof(m));
    }
    *resets = reset ? *(const uint8_t *)reset->data != 0 : authored_reset;
}

void stage_world_matrix(const struct stage *s, uint32_t prim, double out[16])
{
    matrix_identity(out);
    for (; prim; prim = s->prims.items[prim].parent) {
        double local[16];
        bool resets;
        if (!s->prims.items[prim].has_transform)
            continue;
        stage_local_matrix(s, prim, local, &resets);
        matrix_mul(out, out, local);
        if (resets)
            return;
    }
}

// ---------------------------------------------------------------------------------------------
// Time

// What has to be looked at again when this property has another value.
static uint32_t change_of(const struct stage *s, const struct stage_prim *p, const char *name)
{
    if (!strcmp(name, "visibility"))
        return CHANGE_VISIBILITY;
    if (p->kind == PRIM_MESH && (!strcmp(name, "points") || !strcmp(name, "normals")))
        return CHANGE_POINTS;
    if (stage_is_drawable(p->kind) || p->kind == PRIM_POINT_INSTANCER)
        return CHANGE_GEOMETRY;
    if (p->kind == PRIM_LIGHT)
        return CHANGE_LIGHT;
    if (p->kind == PRIM_MATERIAL || p->kind == PRIM_SHADER || p->kind == PRIM_NODE_GRAPH)
        return CHANGE_SHADER;
    return 0;
}

void stage_set_time(struct stage *s, double seconds)
{
    s->time_set = true;
    s->time     = seconds;
    for (uint32_t i = 1; i < s->prims.count; i++) {
        const struct stage_prim p = s->prims.items[i];
        if (!p.alive || !p.usd)
            continue;
        uint32_t changes = 0;
        if (p.has_transform && usd_prim_transform_varies(p.usd, false)) {
            stage_drop_override(s, i, s->names.xform);
            changes |= CHANGE_TRANSFORM;
        }
        size_t count = usd_prim_property_count(p.usd);
        for (size_t k = 0; k < count; k++) {
            const usd_property *property = usd_prim_property(p.usd, k);
            if (usd_property_is_relationship(property) || usd_attr_sample_count(property) == 0)
                continue;
            const char *name = usd_property_name(property);
            if (!strncmp(name, "xformOp:", 8))
                continue;
            stage_drop_override(s, i, paths_token_find(s->paths, name, strlen(name)));
            changes |= change_of(s, &p, name);
        }
        if (changes)
            stage_touch(s, i, changes);
    }
}
