#include "shadow.h"

#include <math.h>
#include <stdlib.h>

#include "light.h"

static vec3 sub(vec3 a, vec3 b) { return (vec3) { a.x - b.x, a.y - b.y, a.z - b.z }; }
static vec3 add(vec3 a, vec3 b) { return (vec3) { a.x + b.x, a.y + b.y, a.z + b.z }; }
static vec3 mul(vec3 a, float f) { return (vec3) { a.x * f, a.y * f, a.z * f }; }
static float dot3(vec3 a, vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static float length3(vec3 a) { return sqrtf(dot3(a, a)); }
static vec3 cross3(vec3 a, vec3 b)
{
    return (vec3) { a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x };
}
static vec3 unit3(vec3 a)
{
    const float l = length3(a);
    return l > 0 ? mul(a, 1 / l) : (vec3) { 0, 0, 1 };
}

// World box of an instance: centre and half size.
static void instance_box(const struct scene_instance *i, const struct SceneMesh *m, float c[3], float e[3])
{
    const float lo[3] = { m->bounds_min.x, m->bounds_min.y, m->bounds_min.z };
    const float hi[3] = { m->bounds_max.x, m->bounds_max.y, m->bounds_max.z };
    for (int k = 0; k < 3; k++) {
        const vec4 r       = i->gpu.to_world[k];
        const float row[3] = { r.x, r.y, r.z };
        c[k]               = r.w;
        e[k]               = 0;
        for (int a = 0; a < 3; a++) {
            c[k] += row[a] * (lo[a] + hi[a]) / 2;
            e[k] += fabsf(row[a]) * (hi[a] - lo[a]) / 2;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

struct sphere {
    vec3 center;
    float radius;
};

static void fit_sphere(const struct sphere *s, size_t count, float limit, struct shadow_bounds *out)
{
    vec3 lo = { INFINITY, INFINITY, INFINITY }, hi = { -INFINITY, -INFINITY, -INFINITY };
    for (size_t i = 0; i < count; i++) {
        if (s[i].radius > limit)
            continue;
        const vec3 c = s[i].center;
        const float r = s[i].radius;
        lo = (vec3) { fminf(lo.x, c.x - r), fminf(lo.y, c.y - r), fminf(lo.z, c.z - r) };
        hi = (vec3) { fmaxf(hi.x, c.x + r), fmaxf(hi.y, c.y + r), fmaxf(hi.z, c.z + r) };
    }
    out->center = mul(add(lo, hi), 0.5f);
    for (size_t i = 0; i < count; i++)
        if (s[i].radius <= limit)
            out->radius = fmaxf(out->radius, length3(sub(s[i].center, out->center)) + s[i].radius);
}

void shadow_bounds_of(const struct render_scene *s, struct shadow_bounds *out)
{
    struct { ARRAY_OF(struct sphere); } spheres = { 0 };
    struct { ARRAY_OF(float); } radii           = { 0 };
    *out     = (struct shadow_bounds) { 0 };
    out->min = (vec3) { INFINITY, INFINITY, INFINITY };
    out->max = (vec3) { -INFINITY, -INFINITY, -INFINITY };
    for (size_t k = 0; k < s->instances.count; k++) {
        const struct scene_instance *i = &s->instances.items[k];
        const uint32_t want            = INSTANCE_LIVE | INSTANCE_VISIBLE;
        if ((i->gpu.flags & want) != want || i->mesh >= s->meshes.count || !s->meshes.items[i->mesh].live)
            continue;
        float c[3], e[3];
        instance_box(i, &s->meshes.items[i->mesh].gpu, c, e);
        out->min = (vec3) { fminf(out->min.x, c[0] - e[0]), fminf(out->min.y, c[1] - e[1]), fminf(out->min.z, c[2] - e[2]) };
        out->max = (vec3) { fmaxf(out->max.x, c[0] + e[0]), fmaxf(out->max.y, c[1] + e[1]), fmaxf(out->max.z, c[2] + e[2]) };
        const struct sphere b = { { c[0], c[1], c[2] }, sqrtf(e[0] * e[0] + e[1] * e[1] + e[2] * e[2]) };
        if (!array_push(&spheres, b) || !array_push(&radii, b.radius))
            break;
    }
    if (spheres.count) {
        out->any = true;
        qsort(radii.items, radii.count, sizeof(float), by_value);
        const float median = radii.items[radii.count / 2];
        fit_sphere(spheres.items, spheres.count, fmaxf(median * 12, radii.items[0]), out);
    }
    array_free(&spheres);
    array_free(&radii);
}

uint32_t shadow_choose_lights(const struct render_scene *s, struct PreviewScene *out)
{
    const struct SceneLight *lights = scene_lights_array(s);
    const uint32_t count            = scene_lights_count(s);
    uint32_t order[PREVIEW_LIGHTS + PREVIEW_MORE], n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (lights[i].type == LIGHT_DOME)
            continue;
        // Insertion into the few brightest.
        uint32_t at = n < PREVIEW_LIGHTS + PREVIEW_MORE ? n++ : n - 1;
        if (at == n - 1 && n == PREVIEW_LIGHTS + PREVIEW_MORE && i >= n && lights[order[at]].select >= lights[i].select)
            continue;
        order[at] = i;
        for (; at > 0 && lights[order[at]].select > lights[order[at - 1]].select; at--) {
            const uint32_t t = order[at];
            order[at]        = order[at - 1];
            order[at - 1]    = t;
        }
    }
    const uint32_t first = n < PREVIEW_LIGHTS ? n : PREVIEW_LIGHTS;
    for (uint32_t i = 0; i < first; i++)
        out->lights[i] = lights[order[i]];
    out->more_count = n - first;
    for (uint32_t i = first; i < n; i++)
        out->more[i - first] = order[i];
    return first;
}

// Rows of the rotation and the eye to a world-to-view matrix (looking along -z), for column vectors.
struct view {
    vec3 x, y, z, eye;
};

static struct view view_along(vec3 eye, vec3 back)
{
    const vec3 z    = unit3(back);
    const vec3 side = fabsf(z.y) < 0.9f ? (vec3) { 0, 1, 0 } : (vec3) { 1, 0, 0 };
    const vec3 x    = unit3(cross3(side, z));
    return (struct view) { x, cross3(z, x), z, eye };
}

// clip = rows[k] . (p, 1), each row given as a direction and an offset.
static void set_row(mat4 *m, int k, vec3 d, float w)
{
    m->m[k]      = d.x;
    m->m[4 + k]  = d.y;
    m->m[8 + k]  = d.z;
    m->m[12 + k] = w;
}

static void set_sampling(const mat4 *clip, struct PreviewScene *out, uint32_t i)
{
    for (int c = 0; c < 4; c++) { // x and y from -1..1 to 0..1, in clip space
        const float x = clip->m[4 * c], y = clip->m[4 * c + 1], z = clip->m[4 * c + 2], w = clip->m[4 * c + 3];
        out->shadow[i].m[4 * c]     = (x + w) / 2;
        out->shadow[i].m[4 * c + 1] = (y + w) / 2;
        out->shadow[i].m[4 * c + 2] = z;
        out->shadow[i].m[4 * c + 3] = w;
    }
}

// Depth range of the world box along a direction from a point.
static void depth_range(const struct shadow_bounds *b, vec3 eye, vec3 along, float *near, float *far)
{
    *near = INFINITY;
    *far  = -INFINITY;
    for (int k = 0; k < 8; k++) {
        const vec3 p  = { k & 1 ? b->max.x : b->min.x, k & 2 ? b->max.y : b->min.y, k & 4 ? b->max.z : b->min.z };
        const float d = dot3(sub(p, eye), along);
        *near         = fminf(*near, d);
        *far          = fmaxf(*far, d);
    }
}

static void setup_parallel(const struct shadow_bounds *b, const struct SceneLight *l, uint32_t i, mat4 *clip,
                           struct PreviewScene *out)
{
    const struct view v = view_along(b->center, l->axis_z);
    float near, far;
    depth_range(b, b->center, mul(v.z, -1), &near, &far);
    const float range = fmaxf(far - near, 1e-6f), r = fmaxf(b->radius, 1e-6f);
    *clip = (mat4) { { 0 } };
    set_row(clip, 0, mul(v.x, 1 / r), -dot3(v.x, v.eye) / r);
    set_row(clip, 1, mul(v.y, 1 / r), -dot3(v.y, v.eye) / r);
    set_row(clip, 2, mul(v.z, -1 / range), (dot3(v.z, v.eye) - near) / range);
    clip->m[15]       = 1;
    const float texel = 2 * r / SHADOW_SIZE, sine = sqrtf(fmaxf(1 - l->cos_angle * l->cos_angle, 0));
    // Penumbra for an occluder a tenth of the scene away.
    const float soft    = l->type == LIGHT_DISTANT ? sine * 0.1f : 0;
    out->shadow_bias[i] = (vec4) { texel * 2.5f, texel * 2.0f / range, fminf(fmaxf(soft, 0.75f / SHADOW_SIZE), 0.01f), 1 };
}

static bool setup_projected(const struct shadow_bounds *b, const struct SceneLight *l, uint32_t i, mat4 *clip,
                            struct PreviewScene *out)
{
    const vec3 to        = sub(b->center, l->position);
    const float distance = length3(to);
    const bool flat      = l->type == LIGHT_RECT || l->type == LIGHT_DISK || l->flags & LIGHT_SHAPED;
    float half; // tangent of half the opening angle
    struct view v;
    if (flat) {
        v    = view_along(l->position, l->axis_z);
        half = 1.9f; // about 125 degrees; what is outside gets little light
        if (l->flags & LIGHT_SHAPED && l->cone_angle < 1.0f)
            half = tanf(l->cone_angle) * 1.05f;
    } else {
        if (distance < b->radius * 1.1f)
            return false; // it shines all around: one map cannot hold that
        v    = view_along(l->position, mul(to, -1));
        half = b->radius / sqrtf(distance * distance - b->radius * b->radius) * 1.02f;
    }
    float near, far;
    depth_range(b, l->position, mul(v.z, -1), &near, &far);
    if (far <= 0)
        return false;
    const float size = sqrtf(l->area) + l->radius;
    near             = fmaxf(near * 0.98f, far * 0.002f);
    const float a = far / (far - near), f = 1 / half;
    *clip = (mat4) { { 0 } };
    set_row(clip, 0, mul(v.x, f), -dot3(v.x, v.eye) * f);
    set_row(clip, 1, mul(v.y, f), -dot3(v.y, v.eye) * f);
    set_row(clip, 2, mul(v.z, -a), dot3(v.z, v.eye) * a - near * a);
    set_row(clip, 3, mul(v.z, -1), dot3(v.z, v.eye));
    const float reach = fminf(fmaxf(distance, 1e-6f), far);
    const float texel = 2 * half * reach / SHADOW_SIZE;
    const float soft  = fminf(size / (reach * half) * 0.12f, 0.03f);
    out->shadow_bias[i] = (vec4) { texel * 2.5f, 0.0005f, fmaxf(soft, 0.75f / SHADOW_SIZE), 1 };
    return true;
}

bool shadow_setup(const struct shadow_bounds *bounds, const struct SceneLight *light, uint32_t i, mat4 *clip,
                  struct PreviewScene *out)
{
    out->shadow_bias[i] = (vec4) { 0 };
    if (!bounds->any)
        return false;
    if (light->type == LIGHT_DISTANT || light->type == LIGHT_DIRECTION)
        setup_parallel(bounds, light, i, clip, out);
    else if (!setup_projected(bounds, light, i, clip, out))
        return false;
    set_sampling(clip, out, i);
    return true;
}
