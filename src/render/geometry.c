#include "geometry.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "log.h"
#include "triangulate.h"

#define CHANNEL "render.geometry"
#define MAX_ELEMENTS ((size_t)1 << 31)
#define MAX_ATTRIBUTES (1 + GEO_MAX_UV_SETS + GEO_MAX_COLOR_SETS + 1)
#define MAX_COMPONENTS 4

void geo_mesh_finish(struct geo_mesh *m)
{
    free(m->positions);
    free(m->normals);
    for (size_t i = 0; i < GEO_MAX_UV_SETS; i++)
        free(m->uvs[i]);
    for (size_t i = 0; i < GEO_MAX_COLOR_SETS; i++)
        free(m->colors[i]);
    free(m->indices);
    free(m->faces);
    free(m->slots);
    *m = (struct geo_mesh) { 0 };
}

// One attribute of the vertices under construction: where its values come from and where they go.
struct attribute {
    const struct render_primvar *source; // NULL: derived normals in `derived`
    const float *derived;                // per point x 3, or per face x 3
    enum render_interpolation interpolation;
    uint32_t components, out_components;
    float *out; // vertex capacity x out_components
};

struct builder {
    const struct render_mesh_desc *desc;
    struct geo_mesh *mesh;
    struct attribute attributes[MAX_ATTRIBUTES];
    size_t attribute_count;
    size_t vertex_capacity, triangle_capacity;
    uint32_t *point_head; // per point: newest vertex made of it + 1
    uint32_t *vertex_next; // per vertex: the next older vertex of the same point + 1
    uint8_t *face_slot; // per face, or NULL
    uint8_t *face_skip; // per face, or NULL
    float *derived_normals;
};

static size_t primvar_elements(const struct render_mesh_desc *d, enum render_interpolation i)
{
    switch (i) {
    case RENDER_CONSTANT: return 1;
    case RENDER_UNIFORM: return d->face_count;
    case RENDER_VARYING:
    case RENDER_VERTEX: return d->point_count;
    case RENDER_FACE_VARYING: return d->face_vertex_count;
    }
    return 0;
}

static bool primvar_is_sound(const struct render_mesh_desc *d, const struct render_primvar *p)
{
    size_t want = primvar_elements(d, p->interpolation);
    size_t have = p->indices ? p->index_count : p->count;
    if (!p->values || !p->count || p->components < 1 || p->components > MAX_COMPONENTS || have < want) {
        log_warn(CHANNEL, "%s: primvar '%s' has %zu elements where its interpolation needs %zu; left out",
                 d->name, p->name, have, want);
        return false;
    }
    for (size_t i = 0; p->indices && i < want; i++)
        if (p->indices[i] < 0 || (size_t)p->indices[i] >= p->count) {
            log_warn(CHANNEL, "%s: primvar '%s' has index %d at %zu, but %zu values; left out", d->name,
                     p->name, p->indices[i], i, p->count);
            return false;
        }
    return true;
}

static size_t element_of(enum render_interpolation i, size_t face, size_t corner, size_t point)
{
    switch (i) {
    case RENDER_CONSTANT: return 0;
    case RENDER_UNIFORM: return face;
    case RENDER_FACE_VARYING: return corner;
    default: return point;
    }
}

static void attribute_value(const struct attribute *a, size_t face, size_t corner, size_t point, float *out)
{
    size_t e           = element_of(a->interpolation, face, corner, point);
    const float *value = a->derived ? a->derived + e * a->components
                                    : a->source->values +
                                          (a->source->indices ? (size_t)a->source->indices[e] : e) * a->components;
    for (uint32_t c = 0; c < a->out_components; c++)
        out[c] = c < a->components ? value[c] : 1.0f;
    if (a->components == 1 && a->out_components == 4) // a grey colour
        out[1] = out[2] = out[0];
}

static bool add_attribute(struct builder *b, struct attribute a, float **out)
{
    a.out = malloc(b->vertex_capacity * a.out_components * sizeof(float) + 1);
    if (!a.out)
        return false;
    *out                                = a.out;
    b->attributes[b->attribute_count++] = a;
    return true;
}

// Newell's method: robust for any polygon, length is twice the area.
static void face_normal(const struct render_mesh_desc *d, const int32_t *corners, size_t count, float n[3])
{
    n[0] = n[1] = n[2] = 0;
    for (size_t i = 0; i < count; i++) {
        const float *p = d->points + 3 * (size_t)corners[i];
        const float *q = d->points + 3 * (size_t)corners[(i + 1) % count];
        n[0] += (p[1] - q[1]) * (p[2] + q[2]);
        n[1] += (p[2] - q[2]) * (p[0] + q[0]);
        n[2] += (p[0] - q[0]) * (p[1] + q[1]);
    }
    if (d->left_handed)
        for (int c = 0; c < 3; c++)
            n[c] = -n[c];
}

static void normalize(float n[3])
{
    float len = sqrtf(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
    if (len > 0 && isfinite(len)) {
        n[0] /= len;
        n[1] /= len;
        n[2] /= len;
    } else {
        n[0] = n[1] = 0;
        n[2]        = 1;
    }
}

// Normals of points (area-weighted, smooth) or of faces.
static bool derive_normals(struct builder *b)
{
    const struct render_mesh_desc *d = b->desc;
    size_t count                     = d->smooth ? d->point_count : d->face_count;
    b->derived_normals               = calloc(count + 1, 3 * sizeof(float));
    if (!b->derived_normals)
        return false;
    size_t at = 0;
    for (size_t f = 0; f < d->face_count; f++) {
        size_t corners = (size_t)d->face_vertex_counts[f];
        if (!b->face_skip[f]) {
            float n[3];
            face_normal(d, d->face_vertex_indices + at, corners, n);
            for (size_t i = 0; i < (d->smooth ? corners : 1); i++) {
                size_t e = d->smooth ? (size_t)d->face_vertex_indices[at + i] : f;
                for (int c = 0; c < 3; c++)
                    b->derived_normals[3 * e + c] += n[c];
            }
        }
        at += corners;
    }
    for (size_t e = 0; e < count; e++)
        normalize(b->derived_normals + 3 * e);
    return true;
}

// Marks the faces that cannot be drawn and counts corners and triangles of the others.
static int check_faces(struct builder *b, size_t *face_count)
{
    const struct render_mesh_desc *d = b->desc;
    size_t holes = 0, small = 0, wild = 0, at = 0, f;
    b->face_skip = calloc(d->face_count + 1, 1);
    if (!b->face_skip)
        return RENDER_ERR_NOMEM;
    for (size_t i = 0; i < d->hole_count; i++)
        if (d->hole_faces[i] >= 0 && (size_t)d->hole_faces[i] < d->face_count) {
            holes += !b->face_skip[d->hole_faces[i]];
            b->face_skip[d->hole_faces[i]] = 1;
        }
    for (f = 0; f < d->face_count; f++) {
        int32_t corners = d->face_vertex_counts[f];
        if (corners < 0 || (size_t)corners > d->face_vertex_count - at) {
            log_warn(CHANNEL, "%s: face %zu wants %d corners, %zu are left; it and all later faces are left out",
                     d->name, f, corners, d->face_vertex_count - at);
            break;
        }
        if (corners < 3 && !b->face_skip[f]) {
            b->face_skip[f] = 1;
            small++;
        }
        for (int32_t i = 0; i < corners && !b->face_skip[f]; i++) {
            int32_t point = d->face_vertex_indices[at + i];
            if (point < 0 || (size_t)point >= d->point_count) {
                b->face_skip[f] = 1;
                wild++;
            }
        }
        if (!b->face_skip[f]) {
            b->vertex_capacity += corners;
            b->triangle_capacity += corners - 2;
        }
        at += corners;
    }
    *face_count = f;
    if (holes)
        log_warn(CHANNEL, "%s: %zu hole faces are left out", d->name, holes);
    if (small)
        log_warn(CHANNEL, "%s: %zu faces with fewer than three corners are left out", d->name, small);
    if (wild)
        log_warn(CHANNEL, "%s: %zu faces name points beyond the %zu there are; left out", d->name, wild,
                 d->point_count);
    return b->vertex_capacity > MAX_ELEMENTS || b->triangle_capacity > MAX_ELEMENTS ? RENDER_ERR_LIMIT
                                                                                    : RENDER_OK;
}

static int assign_slots(struct builder *b)
{
    const struct render_mesh_desc *d = b->desc;
    if (!d->subset_count)
        return RENDER_OK;
    b->face_slot = calloc(d->face_count + 1, 1);
    if (!b->face_slot)
        return RENDER_ERR_NOMEM;
    for (size_t s = 0; s < d->subset_count; s++) {
        if (s + 1 >= RENDER_MAX_MATERIAL_SLOTS) {
            log_warn(CHANNEL, "%s: only the first %d of %zu subsets keep their own material", d->name,
                     RENDER_MAX_MATERIAL_SLOTS - 1, d->subset_count);
            break;
        }
        for (size_t i = 0; i < d->subsets[s].face_count; i++) {
            int32_t f = d->subsets[s].faces[i];
            if (f >= 0 && (size_t)f < d->face_count)
                b->face_slot[f] = (uint8_t)(s + 1);
        }
    }
    return RENDER_OK;
}

static int choose_attributes(struct builder *b)
{
    const struct render_mesh_desc *d     = b->desc;
    struct geo_mesh *m                   = b->mesh;
    const struct render_primvar *opacity = NULL;

    struct attribute normals = { .components = 3, .out_components = 3 };
    if (d->normals && d->normals->components == 3 && primvar_is_sound(d, d->normals)) {
        normals.source        = d->normals;
        normals.interpolation = d->normals->interpolation;
    } else {
        if (!derive_normals(b))
            return RENDER_ERR_NOMEM;
        normals.derived       = b->derived_normals;
        normals.interpolation = d->smooth ? RENDER_VERTEX : RENDER_UNIFORM;
    }
    if (!add_attribute(b, normals, &m->normals))
        return RENDER_ERR_NOMEM;

    for (size_t i = 0; i < d->primvar_count; i++) {
        const struct render_primvar *p = &d->primvars[i];
        bool display                   = !strcmp(p->name, "displayColor");
        bool is_uv                     = p->components == 2 && m->uv_count < GEO_MAX_UV_SETS;
        bool is_color = p->components >= 3 && (display || !m->colors[1]);
        if (!strcmp(p->name, "displayOpacity") && p->components == 1)
            opacity = p;
        if (!(is_uv || is_color) || !primvar_is_sound(d, p))
            continue;
        struct attribute a = { .source        = p,
                               .interpolation = p->interpolation,
                               .components    = p->components,
                               .out_components = is_uv ? 2 : 4 };
        float **out = is_uv ? &m->uvs[m->uv_count] : &m->colors[display ? 0 : 1];
        if (*out)
            continue;
        if (!add_attribute(b, a, out))
            return RENDER_ERR_NOMEM;
        snprintf(is_uv ? m->uv_names[m->uv_count] : m->color_names[display ? 0 : 1], GEO_MAX_NAME, "%s", p->name);
        m->uv_count += is_uv;
    }
    // Opacity becomes the alpha of displayColor; it takes part in the weld as an attribute of its own.
    if (opacity && m->colors[0] && primvar_is_sound(d, opacity)) {
        struct attribute a = { .source = opacity, .interpolation = opacity->interpolation, .components = 1,
                               .out_components = 1 };
        float *unused;
        if (!add_attribute(b, a, &unused))
            return RENDER_ERR_NOMEM;
    }
    return RENDER_OK;
}

// The vertex of a face corner: an existing one of the same point with equal attributes, or a new one.
static uint32_t vertex_of(struct builder *b, size_t face, size_t corner, size_t point)
{
    float values[MAX_ATTRIBUTES][MAX_COMPONENTS];
    for (size_t a = 0; a < b->attribute_count; a++)
        attribute_value(&b->attributes[a], face, corner, point, values[a]);

    for (uint32_t v = b->point_head[point]; v; v = b->vertex_next[v - 1]) {
        bool same = true;
        for (size_t a = 0; a < b->attribute_count && same; a++) {
            const struct attribute *at = &b->attributes[a];
            same = !memcmp(at->out + (size_t)(v - 1) * at->out_components, values[a],
                           at->out_components * sizeof(float));
        }
        if (same)
            return v - 1;
    }
    uint32_t v = (uint32_t)b->mesh->vertex_count++;
    memcpy(b->mesh->positions + 3 * (size_t)v, b->desc->points + 3 * point, 3 * sizeof(float));
    for (size_t a = 0; a < b->attribute_count; a++) {
        const struct attribute *at = &b->attributes[a];
        memcpy(at->out + (size_t)v * at->out_components, values[a], at->out_components * sizeof(float));
    }
    b->vertex_next[v]    = b->point_head[point];
    b->point_head[point] = v + 1;
    return v;
}

static int emit_faces(struct builder *b, size_t face_count)
{
    const struct render_mesh_desc *d = b->desc;
    struct geo_mesh *m               = b->mesh;
    struct triangulator t            = { 0 };
    size_t at                        = 0;
    int status                       = RENDER_OK;
    for (size_t f = 0; f < face_count && status == RENDER_OK; f++) {
        size_t corners = (size_t)d->face_vertex_counts[f];
        size_t triangles;
        if (b->face_skip[f]) {
            at += corners;
            continue;
        }
        const uint32_t *local = triangulate(&t, d->points, d->face_vertex_indices + at, corners, &triangles);
        if (!local) {
            status = RENDER_ERR_NOMEM;
            break;
        }
        for (size_t i = 0; i < triangles; i++) {
            uint32_t *out = m->indices + 3 * m->triangle_count;
            for (int c = 0; c < 3; c++) {
                size_t corner = at + local[3 * i + (d->left_handed ? 2 - c : c)];
                out[c]        = vertex_of(b, f, corner, (size_t)d->face_vertex_indices[corner]);
            }
            m->faces[m->triangle_count] = (uint32_t)f;
            if (m->slots)
                m->slots[m->triangle_count] = b->face_slot[f];
            m->triangle_count++;
        }
        at += corners;
    }
    triangulator_finish(&t);
    return status;
}

// Authored normals may have any length, and values that are no numbers would spread.
static void clean_values(struct geo_mesh *m)
{
    for (size_t v = 0; v < m->vertex_count; v++)
        normalize(m->normals + 3 * v);
    for (size_t i = 0; i < 3 * m->vertex_count; i++)
        if (!isfinite(m->positions[i]))
            m->positions[i] = 0;
}

static void measure_bounds(struct geo_mesh *m)
{
    if (!m->vertex_count)
        return;
    for (int c = 0; c < 3; c++) {
        m->bounds[c]     = FLT_MAX;
        m->bounds[3 + c] = -FLT_MAX;
    }
    for (size_t v = 0; v < m->vertex_count; v++)
        for (int c = 0; c < 3; c++) {
            float x          = m->positions[3 * v + c];
            m->bounds[c]     = fminf(m->bounds[c], x);
            m->bounds[3 + c] = fmaxf(m->bounds[3 + c], x);
        }
}

static void merge_opacity(struct builder *b)
{
    struct attribute *last = b->attribute_count ? &b->attributes[b->attribute_count - 1] : NULL;
    if (!last || last->out_components != 1)
        return;
    for (size_t v = 0; v < b->mesh->vertex_count; v++)
        b->mesh->colors[0][4 * v + 3] = last->out[v];
    free(last->out);
}

int geo_mesh_from_polygons(const struct render_mesh_desc *desc, struct geo_mesh *out)
{
    struct builder b = { .desc = desc, .mesh = out };
    size_t face_count;
    *out       = (struct geo_mesh) { .double_sided = desc->double_sided };
    int status = check_faces(&b, &face_count);
    if (status == RENDER_OK)
        status = assign_slots(&b);
    if (status == RENDER_OK && b.triangle_capacity) {
        // Only faces that were checked may be walked from here on.
        struct render_mesh_desc checked = *desc;
        checked.face_count              = face_count;
        b.desc                          = &checked;
        status                          = choose_attributes(&b);
        out->positions                  = malloc(b.vertex_capacity * 3 * sizeof(float));
        out->indices                    = malloc(b.triangle_capacity * 3 * sizeof(uint32_t));
        out->faces                      = malloc(b.triangle_capacity * sizeof(uint32_t));
        out->slots                      = b.face_slot ? malloc(b.triangle_capacity) : NULL;
        b.point_head                    = calloc(desc->point_count, sizeof(uint32_t));
        b.vertex_next                   = malloc(b.vertex_capacity * sizeof(uint32_t));
        if (status == RENDER_OK && (!out->positions || !out->indices || !out->faces || !b.point_head ||
                                    !b.vertex_next || (b.face_slot && !out->slots)))
            status = RENDER_ERR_NOMEM;
        if (status == RENDER_OK)
            status = emit_faces(&b, face_count);
        merge_opacity(&b);
        if (status == RENDER_OK) {
            clean_values(out);
            measure_bounds(out);
        }
    }
    free(b.point_head);
    free(b.vertex_next);
    free(b.face_slot);
    free(b.face_skip);
    free(b.derived_normals);
    if (status != RENDER_OK)
        geo_mesh_finish(out);
    return status;
}
