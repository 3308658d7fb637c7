// UsdLux values to what the shaders sample (UsdLux "Light Quantities": intensity, exposure, normalize).
#include <math.h>
#include <string.h>

#include "light.h"

#define PI 3.14159265358979323846f

static vec3 v3(float x, float y, float z) { return (vec3) { x, y, z }; }
static vec3 scaled(vec3 a, float s) { return v3(a.x * s, a.y * s, a.z * s); }
static float dot3(vec3 a, vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static float length3(vec3 a) { return sqrtf(dot3(a, a)); }
static vec3 cross3(vec3 a, vec3 b)
{
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static vec3 unit3(vec3 a, vec3 otherwise)
{
    float l = length3(a);
    return l > 0 && isfinite(l) ? scaled(a, 1 / l) : otherwise;
}

// CIE xy of the Planckian locus (Kim et al. 2002), 1667 to 25000 K; below, the locus' reddest point.
static void planck_xy(float kelvin, float *x, float *y)
{
    float t = fmaxf(kelvin, 1667) / 1000, i = 1 / t;
    if (t < 4)
        *x = -0.2661239f * i * i * i - 0.2343589f * i * i + 0.8776956f * i + 0.179910f;
    else
        *x = -3.0258469f * i * i * i + 2.1070379f * i * i + 0.2226347f * i + 0.240390f;
    float a = *x, b = a * a, c = b * a;
    if (t < 2.222f)
        *y = -1.1063814f * c - 1.34811020f * b + 2.18555832f * a - 0.20219683f;
    else if (t < 4)
        *y = -0.9549476f * c - 1.37418593f * b + 2.09137015f * a - 0.16748867f;
    else
        *y = 3.0817580f * c - 5.87338670f * b + 3.75112997f * a - 0.37001483f;
}

void light_blackbody(float kelvin, float rgb[3])
{
    kelvin = kelvin < 1000 ? 1000 : kelvin > 10000 ? 10000 : kelvin;
    float x, y;
    planck_xy(kelvin, &x, &y);
    float X = x / y, Z = (1 - x - y) / y; // Y = 1
    rgb[0]  = fmaxf(3.2404542f * X - 1.5371385f - 0.4985314f * Z, 0);
    rgb[1]  = fmaxf(-0.9692660f * X + 1.8760108f + 0.0415560f * Z, 0);
    rgb[2]  = fmaxf(0.0556434f * X - 0.2040259f + 1.0572252f * Z, 0);
    float luminance = 0.2126f * rgb[0] + 0.7152f * rgb[1] + 0.0722f * rgb[2];
    for (int i = 0; i < 3; i++)
        rgb[i] /= luminance;
}

static void set_shape(const struct render_light_desc *desc, struct SceneLight *l, vec3 x, vec3 y, vec3 z)
{
    float scale = (length3(x) + length3(y) + length3(z)) / 3; // of round things, which UsdLux scales evenly
    switch (desc->type) {
    case RENDER_LIGHT_SPHERE:
        l->radius = desc->radius * scale;
        l->area   = 4 * PI * l->radius * l->radius;
        break;
    case RENDER_LIGHT_RECT:
        l->axis_x = scaled(x, desc->width * 0.5f);
        l->axis_y = scaled(y, desc->height * 0.5f);
        l->area   = 4 * length3(cross3(l->axis_x, l->axis_y));
        break;
    case RENDER_LIGHT_DISK:
        l->axis_x = scaled(x, desc->radius);
        l->axis_y = scaled(y, desc->radius);
        l->area   = PI * length3(cross3(l->axis_x, l->axis_y));
        break;
    case RENDER_LIGHT_CYLINDER: // along X, lateral surface only
        l->axis_x = scaled(x, desc->length * 0.5f);
        l->axis_y = unit3(y, v3(0, 1, 0));
        l->radius = desc->radius * (length3(y) + length3(z)) / 2;
        l->area   = 2 * PI * l->radius * 2 * length3(l->axis_x);
        break;
    default: // directions only
        l->axis_x = unit3(x, v3(1, 0, 0));
        l->axis_y = unit3(y, v3(0, 1, 0));
        break;
    }
    vec3 flat_normal = cross3(l->axis_x, l->axis_y);
    bool planar      = desc->type == RENDER_LIGHT_RECT || desc->type == RENDER_LIGHT_DISK;
    if (planar && dot3(flat_normal, z) < 0)
        flat_normal = scaled(flat_normal, -1);
    l->axis_z = unit3(planar ? flat_normal : z, unit3(z, v3(0, 0, 1)));
}

// What radiance is divided by under `normalize`, and the delta types' factor.
static float size_factor(const struct render_light_desc *desc, struct SceneLight *l)
{
    if (desc->type == RENDER_LIGHT_DISTANT) {
        float half = fminf(fmaxf(desc->angle, 0), 360) * PI / 360, sine = sinf(half);
        l->cos_angle = cosf(half);
        if (half < 1e-4f) { // parallel rays: irradiance either way
            l->type = LIGHT_DIRECTION;
            return 1;
        }
        return half <= PI / 2 ? PI * sine * sine : PI * (2 - sine * sine);
    }
    if (desc->type == RENDER_LIGHT_DOME)
        return 1;
    return l->area;
}

void light_describe(const struct render_light_desc *desc, struct SceneLight *l)
{
    *l               = (struct SceneLight) { .type = (uint)desc->type, .table = SCENE_NONE };
    const double *m  = desc->transform;
    vec3 x = v3((float)m[0], (float)m[1], (float)m[2]), y = v3((float)m[4], (float)m[5], (float)m[6]);
    vec3 z = v3((float)m[8], (float)m[9], (float)m[10]);
    l->position = v3((float)m[12], (float)m[13], (float)m[14]);
    set_shape(desc, l, x, y, z);
    float factor = size_factor(desc, l), power = desc->intensity * exp2f(desc->exposure);
    bool point   = desc->type == RENDER_LIGHT_SPHERE && (desc->treat_as_point || !(l->area > 0));
    if (point) { // intensity of a small sphere: radiance times its disk
        l->type = LIGHT_POINT;
        power *= desc->normalize ? 0.25f : l->area / 4;
    } else if (desc->normalize) {
        power = factor > 0 ? power / factor : 0;
    }
    float tint[3] = { 1, 1, 1 };
    if (desc->enable_color_temperature)
        light_blackbody(desc->color_temperature, tint);
    l->radiance = v3(fmaxf(desc->color[0] * tint[0] * power, 0), fmaxf(desc->color[1] * tint[1] * power, 0),
                     fmaxf(desc->color[2] * tint[2] * power, 0));
    if (!(isfinite(l->radiance.x) && isfinite(l->radiance.y) && isfinite(l->radiance.z)))
        l->radiance = v3(0, 0, 0);
    bool cone = desc->shaping_cone_angle > 0 && desc->shaping_cone_angle < 180;
    if ((cone || desc->shaping_focus > 0) && desc->type >= RENDER_LIGHT_SPHERE)
        l->flags |= LIGHT_SHAPED;
    l->cone_angle    = cone ? desc->shaping_cone_angle * PI / 180 : 2 * PI;
    l->cone_softness = fminf(fmaxf(desc->shaping_cone_softness, 0), 1);
    l->focus         = fmaxf(desc->shaping_focus, 0);
    l->diffuse       = fmaxf(desc->diffuse, 0);
    l->specular      = fmaxf(desc->specular, 0);
    if (l->type != LIGHT_POINT && l->type != LIGHT_DIRECTION)
        l->flags |= LIGHT_VISIBLE;
}

void render_light_defaults(struct render_light_desc *desc, enum render_light_type type)
{
    *desc = (struct render_light_desc) {
        .type              = type,
        .transform         = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 },
        .color             = { 1, 1, 1 },
        .intensity         = type == RENDER_LIGHT_DISTANT ? 50000.0f : 1.0f,
        .diffuse           = 1,
        .specular          = 1,
        .color_temperature = 6500,
        .angle             = 0.53f,
        .radius            = 0.5f,
        .width             = 1,
        .height            = 1,
        .length            = 1,
        .visible           = true,
    };
}
