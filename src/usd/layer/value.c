// The table of types and the functions on public values that need no stage.
#include "value.h"

#include <math.h>
#include <stdlib.h>
#include <pthread.h>
#include <string.h>

#define N(T) USD_TYPE_##T
const struct type_info type_table[USD_TYPE_COUNT] = {
    [N(NONE)] = { "none", 0, N(NONE), 0, 0 },
    [N(BLOCK)] = { "None", 0, N(BLOCK), 0, 0 },
    [N(BOOL)] = { "bool", 1, N(BOOL), 1, 0 },
    [N(UCHAR)] = { "uchar", 1, N(UCHAR), 1, 0 },
    [N(INT)] = { "int", 4, N(INT), 1, 0 },
    [N(UINT)] = { "uint", 4, N(UINT), 1, 0 },
    [N(INT64)] = { "int64", 8, N(INT64), 1, 0 },
    [N(UINT64)] = { "uint64", 8, N(UINT64), 1, 0 },
    [N(HALF)] = { "half", 2, N(HALF), 1, 0 },
    [N(FLOAT)] = { "float", 4, N(FLOAT), 1, 0 },
    [N(DOUBLE)] = { "double", 8, N(DOUBLE), 1, 0 },
    [N(TIMECODE)] = { "timecode", 8, N(TIMECODE), 1, 0 },
    [N(STRING)] = { "string", sizeof(char *), N(STRING), 0, 0 },
    [N(TOKEN)] = { "token", sizeof(char *), N(TOKEN), 0, 0 },
    [N(ASSET)] = { "asset", sizeof(struct usd_asset), N(ASSET), 0, 0 },
    [N(INT2)] = { "int2", 8, N(INT), 2, 0 },
    [N(INT3)] = { "int3", 12, N(INT), 3, 0 },
    [N(INT4)] = { "int4", 16, N(INT), 4, 0 },
    [N(HALF2)] = { "half2", 4, N(HALF), 2, 0 },
    [N(HALF3)] = { "half3", 6, N(HALF), 3, 0 },
    [N(HALF4)] = { "half4", 8, N(HALF), 4, 0 },
    [N(FLOAT2)] = { "float2", 8, N(FLOAT), 2, 0 },
    [N(FLOAT3)] = { "float3", 12, N(FLOAT), 3, 0 },
    [N(FLOAT4)] = { "float4", 16, N(FLOAT), 4, 0 },
    [N(DOUBLE2)] = { "double2", 16, N(DOUBLE), 2, 0 },
    [N(DOUBLE3)] = { "double3", 24, N(DOUBLE), 3, 0 },
    [N(DOUBLE4)] = { "double4", 32, N(DOUBLE), 4, 0 },
    [N(QUATH)] = { "quath", 8, N(HALF), 4, 0 },
    [N(QUATF)] = { "quatf", 16, N(FLOAT), 4, 0 },
    [N(QUATD)] = { "quatd", 32, N(DOUBLE), 4, 0 },
    [N(MATRIX2D)] = { "matrix2d", 32, N(DOUBLE), 4, 2 },
    [N(MATRIX3D)] = { "matrix3d", 72, N(DOUBLE), 9, 3 },
    [N(MATRIX4D)] = { "matrix4d", 128, N(DOUBLE), 16, 4 },
    [N(DICTIONARY)] = { "dictionary", 0, N(DICTIONARY), 0, 0 },
    [N(PATH)] = { "path", sizeof(char *), N(PATH), 0, 0 },
};

// Role names, each with the type that stores it.
static const struct {
    const char *name;
    uint8_t type;
} roles[] = {
    { "point3h", N(HALF3) }, { "point3f", N(FLOAT3) }, { "point3d", N(DOUBLE3) },
    { "vector3h", N(HALF3) }, { "vector3f", N(FLOAT3) }, { "vector3d", N(DOUBLE3) },
    { "normal3h", N(HALF3) }, { "normal3f", N(FLOAT3) }, { "normal3d", N(DOUBLE3) },
    { "color3h", N(HALF3) }, { "color3f", N(FLOAT3) }, { "color3d", N(DOUBLE3) },
    { "color4h", N(HALF4) }, { "color4f", N(FLOAT4) }, { "color4d", N(DOUBLE4) },
    { "texCoord2h", N(HALF2) }, { "texCoord2f", N(FLOAT2) }, { "texCoord2d", N(DOUBLE2) },
    { "texCoord3h", N(HALF3) }, { "texCoord3f", N(FLOAT3) }, { "texCoord3d", N(DOUBLE3) },
    { "frame4d", N(MATRIX4D) }, { "pathExpression", N(STRING) }, { "duration", N(DOUBLE) },
    // Names from before 2014, which files still have.
    { "Vec2i", N(INT2) }, { "Vec2h", N(HALF2) }, { "Vec2f", N(FLOAT2) }, { "Vec2d", N(DOUBLE2) },
    { "Vec3i", N(INT3) }, { "Vec3h", N(HALF3) }, { "Vec3f", N(FLOAT3) }, { "Vec3d", N(DOUBLE3) },
    { "Vec4i", N(INT4) }, { "Vec4h", N(HALF4) }, { "Vec4f", N(FLOAT4) }, { "Vec4d", N(DOUBLE4) },
    { "Point", N(DOUBLE3) }, { "PointFloat", N(FLOAT3) }, { "Normal", N(DOUBLE3) }, { "NormalFloat", N(FLOAT3) },
    { "Vector", N(DOUBLE3) }, { "VectorFloat", N(FLOAT3) }, { "Color", N(DOUBLE3) }, { "ColorFloat", N(FLOAT3) },
    { "Quath", N(QUATH) }, { "Quatf", N(QUATF) }, { "Quatd", N(QUATD) }, { "Matrix2d", N(MATRIX2D) }, { "Matrix3d", N(MATRIX3D) },
    { "Matrix4d", N(MATRIX4D) }, { "Frame", N(MATRIX4D) }, { "Transform", N(MATRIX4D) }, { "PointIndex", N(INT) },
    { "EdgeIndex", N(INT) }, { "FaceIndex", N(INT) }, { "Schema", N(TOKEN) },
};

// All names in a small hash table, because every property asks.
#define NAME_SLOTS 256u
static struct {
    const char *name; // NULL: free
    uint8_t size, type;
} names[NAME_SLOTS];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static unsigned name_slot(const char *name, size_t size)
{
    return (unsigned)(size * 61 + (unsigned char)name[0] * 7u + (unsigned char)name[size / 2] * 31u + (unsigned char)name[size - 1] * 13u) % NAME_SLOTS;
}

static void add_name(const char *name, enum usd_type type)
{
    size_t size = strlen(name);
    unsigned at = name_slot(name, size);
    while (names[at].name)
        at = (at + 1) % NAME_SLOTS;
    names[at].name = name;
    names[at].size = (uint8_t)size;
    names[at].type = (uint8_t)type;
}

static void make_names(void)
{
    for (int i = USD_TYPE_BOOL; i <= USD_TYPE_DICTIONARY; i++)
        add_name(type_table[i].name, i);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        add_name(roles[i].name, roles[i].type);
}

enum usd_type type_from_token(const char *name, size_t size)
{
    if (!size)
        return USD_TYPE_NONE;
    pthread_once(&names_once, make_names);
    for (unsigned at = name_slot(name, size); names[at].name; at = (at + 1) % NAME_SLOTS)
        if (names[at].size == size && !memcmp(names[at].name, name, size))
            return (enum usd_type)names[at].type;
    return USD_TYPE_NONE;
}

enum usd_type usd_type_from_name(const char *type_name, bool *is_array)
{
    size_t n  = strlen(type_name);
    bool many = n > 2 && !strcmp(type_name + n - 2, "[]");
    if (is_array)
        *is_array = many;
    return type_from_token(type_name, many ? n - 2 : n);
}

static bool known(enum usd_type t) { return (unsigned)t < USD_TYPE_COUNT; }
size_t usd_type_size(enum usd_type t) { return known(t) ? type_table[t].size : 0; }
int usd_type_components(enum usd_type t) { return known(t) ? type_table[t].components : 0; }
enum usd_type usd_type_component(enum usd_type t) { return known(t) ? type_table[t].component : USD_TYPE_NONE; }
const char *usd_type_name(enum usd_type t) { return known(t) ? type_table[t].name : "unknown"; }

float usd_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff, bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float f = ldexpf((float)mantissa, -24);
        return sign ? -f : f;
    }
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

// Round to nearest, ties to even.
uint16_t half_from_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint16_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits >= 0x7f800000)
        return sign | 0x7c00 | (bits > 0x7f800000 ? 0x200 : 0);
    if (bits >= 0x477ff000)
        return sign | 0x7c00; // rounds past the largest half
    if (bits < 0x38800000) {  // subnormal half: units of 2^-24
        float v;
        memcpy(&v, &bits, 4);
        return sign | (uint16_t)lrintf(v * 16777216.0f);
    }
    uint32_t rounded = bits + 0xfff + (bits >> 13 & 1);
    return sign | (uint16_t)((rounded - 0x38000000) >> 13);
}

void usd_value_finish(struct usd_value *v)
{
    if (!v)
        return;
    free(v->owned);
    v->owned    = NULL;
    v->data     = NULL;
    v->count    = 0;
    v->type     = USD_TYPE_NONE;
    v->is_array = false;
}

static double component(enum usd_type t, const void *data, size_t i)
{
    switch (t) {
    case USD_TYPE_BOOL:
    case USD_TYPE_UCHAR: return ((const uint8_t *)data)[i];
    case USD_TYPE_INT: return ((const int32_t *)data)[i];
    case USD_TYPE_UINT: return ((const uint32_t *)data)[i];
    case USD_TYPE_INT64: return (double)((const int64_t *)data)[i];
    case USD_TYPE_UINT64: return (double)((const uint64_t *)data)[i];
    case USD_TYPE_HALF: return usd_half_to_float(((const uint16_t *)data)[i]);
    case USD_TYPE_FLOAT: return ((const float *)data)[i];
    default: return ((const double *)data)[i];
    }
}

bool usd_value_doubles(const struct usd_value *v, size_t i, double *out, int components)
{
    int n = usd_type_components(v->type);
    if (!n || i >= v->count || !v->data)
        return false;
    for (int c = 0; c < n && c < components; c++)
        out[c] = component(type_table[v->type].component, v->data, i * n + c);
    return true;
}

static const struct usd_value *dict_find(const struct usd_value *dict, const char *key, size_t size)
{
    const struct usd_dict_entry *e = dict->data;
    for (size_t i = 0; i < dict->count; i++)
        if (!strncmp(e[i].key, key, size) && !e[i].key[size])
            return &e[i].value;
    return NULL;
}

const struct usd_value *usd_dict_find(const struct usd_value *dict, const char *key)
{
    if (!dict || dict->type != USD_TYPE_DICTIONARY)
        return NULL;
    const struct usd_value *v = dict_find(dict, key, strlen(key));
    for (const char *colon = key; !v && (colon = strchr(colon, ':')); colon++) {
        const struct usd_value *inner = dict_find(dict, key, (size_t)(colon - key));
        if (inner)
            v = usd_dict_find(inner, colon + 1);
    }
    return v;
}
