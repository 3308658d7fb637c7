// Values of crate files: from value representations to fields and public values.
#include <stdlib.h>
#include <string.h>

#include "crate_private.h"
#include "lz4.h"
#include "spline.h"
#include "stage.h"

#define COMPRESSED_FROM 16u // shorter arrays are never compressed

// ---------------------------------------------------------------------------------------------------------------
// Integer coding: a common delta, two bits per value that say how its delta is stored, then the deltas.

static uint8_t *unpack(const struct crate *c, const uint8_t *src, size_t size, size_t worst, size_t *got)
{
    if (size > SIZE_MAX / c->limits.max_inflate_ratio - 64)
        return NULL;
    size_t room = size * c->limits.max_inflate_ratio + 64;
    room        = room < worst ? room : worst;
    uint8_t *b  = malloc(room + 1);
    *got        = b ? lz4_decode_chunks(src, size, b, room) : SIZE_MAX;
    if (*got == SIZE_MAX) {
        free(b);
        return NULL;
    }
    return b;
}

bool crate_ints32(const struct crate *c, const uint8_t *src, size_t size, size_t n, uint32_t *out)
{
    if (!n)
        return true;
    size_t got, codes_size = (n * 2 + 7) / 8;
    uint8_t *b = unpack(c, src, size, 4 + codes_size + n * 4, &got);
    if (!b)
        return false;
    bool ok = got >= 4 + codes_size;
    if (ok) {
        struct cursor v      = cur_make(b, got);
        int32_t common       = (int32_t)cur_u32le(&v);
        const uint8_t *codes = cur_take(&v, codes_size), *p = v.p, *end = v.end;
        uint32_t value = 0;
        size_t i       = 0;
        // Four at a time while none can reach the end: a load of 4 bytes, cut to what the code says, no branches.
        for (; n - i >= 4 && end - p >= 16; i += 4) {
            unsigned four = codes[i / 4];
            if (!four) {
                for (int k = 0; k < 4; k++)
                    out[i + k] = value += (uint32_t)common;
                continue;
            }
            for (int k = 0; k < 4; k++, four >>= 2) {
                static const uint8_t bytes[4] = { 0, 1, 2, 4 }, cut[4] = { 0, 24, 16, 0 };
                unsigned code = four & 3;
                int32_t delta;
                memcpy(&delta, p, 4);
                delta = (int32_t)((uint32_t)delta << cut[code]) >> cut[code];
                value += (uint32_t)(code ? delta : common);
                out[i + k] = value;
                p += bytes[code];
            }
        }
        for (; i < n; i++) {
            int32_t delta = common;
            switch (codes[i / 4] >> (i % 4 * 2) & 3) {
            case 0: break;
            case 1:
                if (end - p < 1)
                    goto damaged;
                delta = (int8_t)*p++;
                break;
            case 2:
                if (end - p < 2)
                    goto damaged;
                delta = (int16_t)(p[0] | p[1] << 8);
                p += 2;
                break;
            default:
                if (end - p < 4)
                    goto damaged;
                delta = (int32_t)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
                p += 4;
            }
            value += (uint32_t)delta;
            out[i] = value;
        }
    }
    free(b);
    return ok;
damaged:
    free(b);
    return false;
}

static bool ints64(const struct crate *c, const uint8_t *src, size_t size, size_t n, uint64_t *out)
{
    if (!n)
        return true;
    size_t got, codes_size = (n * 2 + 7) / 8;
    uint8_t *b = unpack(c, src, size, 8 + codes_size + n * 8, &got);
    if (!b)
        return false;
    struct cursor v      = cur_make(b, got);
    uint64_t common      = cur_u64le(&v), value = 0;
    const uint8_t *codes = cur_take(&v, codes_size);
    for (size_t i = 0; i < n && !v.bad; i++) {
        uint64_t delta = common;
        switch (codes[i / 4] >> (i % 4 * 2) & 3) {
        case 0: break;
        case 1: delta = (uint64_t)(int64_t)(int16_t)cur_u16le(&v); break;
        case 2: delta = (uint64_t)(int64_t)(int32_t)cur_u32le(&v); break;
        default: delta = cur_u64le(&v);
        }
        value += delta;
        out[i] = value;
    }
    free(b);
    return !v.bad;
}

bool crate_ints32_at(const struct crate *c, struct cursor *at, size_t n, uint32_t *out)
{
    uint64_t size      = cur_u64le(at);
    const uint8_t *src = at->bad ? NULL : cur_take(at, (size_t)size);
    return src && crate_ints32(c, src, (size_t)size, n, out);
}

// ---------------------------------------------------------------------------------------------------------------

static const uint8_t value_types[CT_COUNT] = {
    [CT_BOOL] = USD_TYPE_BOOL, [CT_UCHAR] = USD_TYPE_UCHAR, [CT_INT] = USD_TYPE_INT, [CT_UINT] = USD_TYPE_UINT,
    [CT_INT64] = USD_TYPE_INT64, [CT_UINT64] = USD_TYPE_UINT64, [CT_HALF] = USD_TYPE_HALF, [CT_FLOAT] = USD_TYPE_FLOAT,
    [CT_DOUBLE] = USD_TYPE_DOUBLE, [CT_STRING] = USD_TYPE_STRING, [CT_TOKEN] = USD_TYPE_TOKEN, [CT_ASSET] = USD_TYPE_ASSET,
    [CT_MATRIX2D] = USD_TYPE_MATRIX2D, [CT_MATRIX3D] = USD_TYPE_MATRIX3D, [CT_MATRIX4D] = USD_TYPE_MATRIX4D,
    [CT_QUATD] = USD_TYPE_QUATD, [CT_QUATF] = USD_TYPE_QUATF, [CT_QUATH] = USD_TYPE_QUATH,
    [CT_VEC2D] = USD_TYPE_DOUBLE2, [CT_VEC2F] = USD_TYPE_FLOAT2, [CT_VEC2H] = USD_TYPE_HALF2, [CT_VEC2I] = USD_TYPE_INT2,
    [CT_VEC3D] = USD_TYPE_DOUBLE3, [CT_VEC3F] = USD_TYPE_FLOAT3, [CT_VEC3H] = USD_TYPE_HALF3, [CT_VEC3I] = USD_TYPE_INT3,
    [CT_VEC4D] = USD_TYPE_DOUBLE4, [CT_VEC4F] = USD_TYPE_FLOAT4, [CT_VEC4H] = USD_TYPE_HALF4, [CT_VEC4I] = USD_TYPE_INT4,
    [CT_TIMECODE] = USD_TYPE_TIMECODE, [CT_PATH_EXPRESSION] = USD_TYPE_STRING,
};

enum usd_type crate_value_type(unsigned t) { return t < CT_COUNT ? (enum usd_type)value_types[t] : USD_TYPE_NONE; }

static bool is_text(enum usd_type t) { return t == USD_TYPE_STRING || t == USD_TYPE_TOKEN || t == USD_TYPE_ASSET; }

static const char *text_at(const struct crate *c, enum usd_type t, uint32_t i)
{
    return tok_text(t == USD_TYPE_TOKEN ? crate_token(c, i) : crate_string(c, i));
}

// An inlined scalar, or one at the payload's offset, in layer layout (text as const char *), at most 128 bytes.
static bool scalar(const struct crate *c, uint64_t rep, void *out)
{
    unsigned ct           = REP_TYPE(rep);
    enum usd_type t       = crate_value_type(ct);
    uint32_t load         = (uint32_t)REP_PAYLOAD(rep);
    const struct type_info *info = &type_table[t];
    if (t == USD_TYPE_NONE)
        return false;
    if (!(rep & REP_INLINED)) {
        struct cursor at = crate_at(c, REP_PAYLOAD(rep));
        if (is_text(t)) {
            const char *text = text_at(c, t, cur_u32le(&at));
            memcpy(out, &text, sizeof(text));
            return !at.bad;
        }
        return cur_copy(&at, out, info->size); // crate files are little-endian, and so are we
    }
    if (is_text(t)) { // a single asset is a token, in arrays they are strings
        const char *text = text_at(c, t == USD_TYPE_ASSET ? USD_TYPE_TOKEN : t, load);
        memcpy(out, &text, sizeof(text));
        return true;
    }
    if (info->rows) { // the diagonal, each a small integer
        double *m = out;
        memset(m, 0, info->size);
        for (int i = 0; i < info->rows; i++)
            m[i * (info->rows + 1)] = (int8_t)(load >> (8 * i));
        return true;
    }
    if (info->components > 1) { // small integers too
        for (int i = 0; i < info->components; i++) {
            int8_t v = (int8_t)(load >> (8 * i));
            switch (info->component) {
            case USD_TYPE_INT: ((int32_t *)out)[i] = v; break;
            case USD_TYPE_FLOAT: ((float *)out)[i] = v; break;
            case USD_TYPE_DOUBLE: ((double *)out)[i] = v; break;
            default: ((uint16_t *)out)[i] = half_from_float(v);
            }
        }
        return true;
    }
    float f;
    memcpy(&f, &load, 4);
    switch (t) {
    case USD_TYPE_BOOL: *(uint8_t *)out = load != 0; break;
    case USD_TYPE_UCHAR: *(uint8_t *)out = (uint8_t)load; break;
    case USD_TYPE_HALF: *(uint16_t *)out = (uint16_t)load; break;
    case USD_TYPE_DOUBLE:
    case USD_TYPE_TIMECODE: *(double *)out = f; break;
    case USD_TYPE_INT64: *(int64_t *)out = (int32_t)load; break;
    case USD_TYPE_UINT64: *(uint64_t *)out = load; break;
    default: memcpy(out, &load, 4);
    }
    return true;
}

// Where the elements of an array begin, and how many there are.
static bool array_head(const struct crate *c, uint64_t rep, struct cursor *at, uint64_t *count)
{
    *count = 0;
    if (!REP_PAYLOAD(rep)) {
        *at = cur_make("", 0);
        return true;
    }
    *at = crate_at(c, REP_PAYLOAD(rep));
    if (c->version < VERSION(0, 5, 0))
        cur_skip(at, 4); // the rank, always 1
    *count = c->version < VERSION(0, 7, 0) ? cur_u32le(at) : cur_u64le(at);
    return !at->bad && *count <= c->limits.max_array_elements;
}

static bool compressed_reals(const struct crate *c, struct cursor *at, enum usd_type t, size_t n, char *out)
{
    uint8_t code  = cur_u8(at);
    size_t size   = type_table[t].size, table_size = 0;
    const uint8_t *values = NULL;
    if (code == 't') {
        table_size = cur_u32le(at);
        values     = cur_take(at, table_size > SIZE_MAX / size ? SIZE_MAX : table_size * size);
    } else if (code != 'i') {
        return false;
    }
    uint32_t *ints = malloc(n * 4 + 4);
    bool ok        = ints && !at->bad && crate_ints32_at(c, at, n, ints);
    for (size_t i = 0; ok && i < n; i++) {
        if (values) {
            ok = ints[i] < table_size;
            if (ok)
                memcpy(out + i * size, values + ints[i] * size, size);
        } else if (t == USD_TYPE_FLOAT) {
            ((float *)out)[i] = (float)(int32_t)ints[i];
        } else if (t == USD_TYPE_HALF) {
            ((uint16_t *)out)[i] = half_from_float((float)(int32_t)ints[i]);
        } else {
            ((double *)out)[i] = (int32_t)ints[i];
        }
    }
    free(ints);
    return ok;
}

// Compressed elements cannot be more than their bytes could ever hold; checked before memory is taken for them.
static bool plausible(const struct crate *c, const struct cursor *at, uint64_t n)
{
    return n / 4 <= (uint64_t)cur_left(at) * c->limits.max_inflate_ratio;
}

static bool compressed(const struct crate *c, struct cursor *at, enum usd_type t, size_t n, void *out)
{
    switch (t) {
    case USD_TYPE_INT:
    case USD_TYPE_UINT: return crate_ints32_at(c, at, n, out);
    case USD_TYPE_INT64:
    case USD_TYPE_UINT64: {
        uint64_t size      = cur_u64le(at);
        const uint8_t *src = at->bad ? NULL : cur_take(at, (size_t)size);
        return src && ints64(c, src, (size_t)size, n, out);
    }
    case USD_TYPE_HALF:
    case USD_TYPE_FLOAT:
    case USD_TYPE_DOUBLE: return compressed_reals(c, at, t, n, out);
    default: return false;
    }
}

/*
 * Elements of an array in layer layout. *owned is malloc'ed memory, or NULL when the file itself is used.
 */
static bool array(const struct crate *c, uint64_t rep, const void **data, size_t *count, void **owned)
{
    enum usd_type t = crate_value_type(REP_TYPE(rep));
    struct cursor at;
    uint64_t n;
    *owned = NULL;
    *count = 0;
    *data  = "";
    if (t == USD_TYPE_NONE || !array_head(c, rep, &at, &n))
        return false;
    *count = (size_t)n;
    if (!n)
        return true;
    if (is_text(t)) {
        if (n > cur_left(&at) / 4)
            return false;
        const char **text = malloc((size_t)n * sizeof(*text));
        for (uint64_t i = 0; text && i < n; i++)
            text[i] = text_at(c, t, cur_u32le(&at));
        *data = *owned = text;
        return text != NULL;
    }
    size_t size = type_table[t].size;
    if (rep & REP_COMPRESSED && n >= COMPRESSED_FROM) {
        if (!plausible(c, &at, n))
            return false;
        void *out = malloc((size_t)n * size);
        if (!out || !compressed(c, &at, t, (size_t)n, out)) {
            free(out);
            return false;
        }
        *data = *owned = out;
        return true;
    }
    if (n > cur_left(&at) / size)
        return false;
    size_t align = type_table[type_table[t].component].size;
    if ((uintptr_t)at.p % align == 0) {
        *data = at.p;
        return true;
    }
    *owned = malloc((size_t)n * size);
    if (*owned)
        memcpy(*owned, at.p, (size_t)n * size);
    *data = *owned;
    return *owned != NULL;
}

static bool read_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out)
{
    const struct crate *c = l->crate;
    memset(out, 0, sizeof(*out));
    out->type = crate_value_type(REP_TYPE(f->bits));
    if (f->type == USD_TYPE_BLOCK || out->type == USD_TYPE_NONE)
        return out->type = USD_TYPE_NONE, false;
    if (!(f->bits & REP_ARRAY)) {
        out->count = 1;
        out->data  = out->storage;
        if (!scalar(c, f->bits, out->storage))
            return out->type = USD_TYPE_NONE, false;
        if (out->type == USD_TYPE_ASSET) {
            const char *name;
            memcpy(&name, out->storage, sizeof(name));
            struct field one = { .bits = (uintptr_t)name, .count = 1, .type = USD_TYPE_ASSET };
            return field_value(s, l, &one, out);
        }
        return true;
    }
    out->is_array = true;
    if (!array(c, f->bits, &out->data, &out->count, &out->owned)) {
        usd_value_finish(out);
        return false;
    }
    if (out->type == USD_TYPE_ASSET) {
        const char *const *names = out->data;
        void *old                = out->owned;
        bool ok                  = asset_values(s, l, out, names);
        free(old);
        return ok;
    }
    return true;
}

bool crate_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out)
{
    bool ok = read_value(s, l, f, out);
    if (ok && file_lost(&l->crate->owner)) { // zeros stand where the file was
        usd_value_finish(out);
        return false;
    }
    return ok;
}

// ---------------------------------------------------------------------------------------------------------------
// Time samples

void crate_follow(const struct crate *c, struct cursor *at)
{
    uint64_t from = (uint64_t)(at->p - c->data), offset = cur_u64le(at), to = from + offset;
    bool back     = offset >> 63;
    if (at->bad || (back ? to > from : to < from))
        *at = (struct cursor) { c->data, c->data, true };
    else
        *at = crate_at(c, to);
}

static const struct samples none;

static struct samples *decode_samples(struct crate *c, uint64_t rep)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    crate_follow(c, &at);
    uint64_t times = cur_u64le(&at);
    crate_follow(c, &at);
    uint64_t n = cur_u64le(&at);
    if (at.bad || n > cur_left(&at) / 8)
        return NULL;
    const void *data = NULL;
    void *owned      = NULL;
    size_t count     = 0;
    if (REP_TYPE(times) == CT_DOUBLE_VECTOR) {
        struct cursor t = crate_at(c, REP_PAYLOAD(times));
        uint64_t k      = cur_u64le(&t);
        if (t.bad || k > cur_left(&t) / 8)
            return NULL;
        data  = t.p;
        count = (size_t)k;
    } else if (!(REP_TYPE(times) == CT_DOUBLE && times & REP_ARRAY) || !array(c, times, &data, &count, &owned)) {
        return NULL;
    }
    n                = n < count ? n : count;
    struct samples *s   = arena_alloc(&c->arena, sizeof(*s));
    double *t           = arena_alloc(&c->arena, (size_t)n * sizeof(*t) + 1);
    struct field *v     = arena_alloc(&c->arena, (size_t)n * sizeof(*v) + 1);
    size_t kept      = 0;
    for (uint64_t i = 0; s && t && v && i < n; i++) {
        uint64_t value = cur_u64le(&at);
        double time;
        memcpy(&time, (const uint8_t *)data + i * 8, 8);
        if (kept && !(time > t[kept - 1]))
            continue; // times must ascend
        if ((!kept && time != time) || value & REP_ARRAY_EDIT) // edits are not applied
            continue;
        bool block = REP_TYPE(value) == CT_VALUE_BLOCK;
        t[kept]    = time;
        v[kept++]  = (struct field) { .bits = value, .count = 1, .type = block ? USD_TYPE_BLOCK : (uint8_t)crate_value_type(REP_TYPE(value)),
                                     .flags = block ? 0 : (uint8_t)(VF_CRATE | (value & REP_ARRAY ? VF_ARRAY : 0)) };
    }
    free(owned);
    if (!s || !t || !v)
        return NULL;
    *s = (struct samples) { kept, t, v };
    return s;
}

const struct samples *crate_samples(const struct layer *l, const struct field *f)
{
    struct crate *c = l->crate;
    pthread_mutex_lock(&c->lock);
    uint64_t *known         = hash_map_get(&c->samples, f->bits);
    const struct samples *s = known ? (const struct samples *)(uintptr_t)*known : NULL;
    if (!s) {
        s = decode_samples(c, f->bits);
        s = s ? s : &none;
        hash_map_put(&c->samples, f->bits, (uintptr_t)s);
    }
    pthread_mutex_unlock(&c->lock);
    return s;
}

// ---------------------------------------------------------------------------------------------------------------
// Values that the layer keeps itself: nobody could free those of dictionaries one by one.

static bool own_array(struct layer *l, struct crate *c, struct field *f)
{
    const void *data;
    void *owned;
    size_t count;
    enum usd_type t = crate_value_type(REP_TYPE(f->bits));
    if (!array(c, f->bits, &data, &count, &owned) || count > UINT32_MAX)
        return false;
    size_t bytes = count * (is_text(t) ? sizeof(char *) : type_table[t].size);
    void *copy   = arena_alloc(&l->arena, bytes + 1);
    if (copy)
        memcpy(copy, data, bytes);
    free(owned);
    *f = (struct field) { .bits = (uintptr_t)copy, .count = (uint32_t)count, .type = (uint8_t)t, .flags = VF_ARRAY };
    return copy != NULL;
}

static bool own_scalar(struct layer *l, struct crate *c, struct field *f)
{
    char value[128];
    enum usd_type t = crate_value_type(REP_TYPE(f->bits));
    if (!scalar(c, f->bits, value))
        return false;
    size_t size = is_text(t) ? sizeof(char *) : type_table[t].size;
    void *to    = size <= 8 ? (void *)&f->bits : arena_alloc(&l->arena, size);
    if (!to)
        return false;
    f->bits = 0;
    memcpy(to, value, size);
    if (size > 8)
        f->bits = (uintptr_t)to;
    f->type  = (uint8_t)t;
    f->flags = 0;
    f->count = 1;
    return true;
}

bool crate_own(struct layer *l, struct crate *c, struct field *f) { return f->flags & VF_ARRAY ? own_array(l, c, f) : own_scalar(l, c, f); }
