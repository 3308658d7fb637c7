// Sampling lights, and what a ray sees of them. Include after shared/scene.glsl, texture.glsl and sampling.glsl.
#ifndef SHARED_LIGHTS_GLSL
#define SHARED_LIGHTS_GLSL
#include "lights.h"

layout(scalar, set = SCENE_SET, binding = SCENE_BIND_LIGHTS) readonly buffer Lights { SceneLight lights[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_ENVIRONMENT) readonly buffer Environment
{
    SceneEnvironment environment;
    uint dome_words[];
};
layout(set = SCENE_SET, binding = SCENE_BIND_DOME) uniform sampler2DArray dome_maps;

// Lights come in groups: area lights, distant ones, domes, delta ones.
uint light_area_end() { return environment.reserved[0]; }
uint light_distant_end() { return environment.reserved[1]; }
uint light_dome_end() { return environment.reserved[1] + environment.dome_count; }

struct LightSample {
    vec3 direction; // towards the light, unit
    float distance;
    vec3 radiance; // arriving; for delta lights already divided by the distance squared
    float pdf;     // over solid angle, of this light alone; 0 = no sample; delta lights 1
    bool delta;
};

// UsdLux ShapingAPI: d is the direction of emission.
float light_shaping(SceneLight l, vec3 d)
{
    if ((l.flags & LIGHT_SHAPED) == 0u)
        return 1.0;
    float c = dot(d, -l.axis_z);
    float angle = acos(clamp(c, -1.0, 1.0));
    float start = l.cone_angle * (1.0 - l.cone_softness);
    float cone = l.cone_softness > 0.0 ? 1.0 - smoothstep(start, l.cone_angle, angle) : (angle <= l.cone_angle ? 1.0 : 0.0);
    return cone * (l.focus > 0.0 ? pow(max(c, 0.0), l.focus) : 1.0);
}

vec2 dome_uv(SceneLight l, vec3 d)
{
    vec3 p = vec3(dot(l.axis_x, d), dot(l.axis_y, d), dot(l.axis_z, d));
    return vec2(0.5 - atan(p.x, p.z) / (2.0 * PI), acos(clamp(p.y, -1.0, 1.0)) / PI);
}

vec3 dome_radiance_at(SceneLight l, vec2 uv)
{
    if ((l.flags & LIGHT_TEXTURED) == 0u)
        return l.radiance;
    float rows = float(textureSize(dome_maps, 0).y); // the poles do not repeat
    uv.y = clamp(uv.y, 0.5 / rows, 1.0 - 0.5 / rows);
    return l.radiance * textureLod(dome_maps, vec3(uv, float(l.dome_layer)), 0.0).rgb;
}

float dome_pdf_at(SceneLight l, vec2 uv)
{
    if (l.table == SCENE_NONE)
        return 1.0 / (4.0 * PI);
    uint w = l.table_size & 0xffffu, h = l.table_size >> 16;
    uvec2 cell = min(uvec2(uv * vec2(w, h)), uvec2(w, h) - 1u);
    uint at = l.table - environment.table_offset + (cell.y * w + cell.x) * uint(LIGHT_TABLE_WORDS);
    return uintBitsToFloat(dome_words[at + 2u]) / max(sin(PI * uv.y), 1e-4);
}

vec3 dome_sample(SceneLight l, vec2 u, out vec2 uv)
{
    if (l.table == SCENE_NONE) {
        uv = vec2(u.x, acos(clamp(1.0 - 2.0 * u.y, -1.0, 1.0)) / PI);
    } else {
        uint w = l.table_size & 0xffffu, h = l.table_size >> 16, count = w * h;
        float f = u.x * float(h); // row and column of the slot each from one number, the rest reused
        uint row = min(uint(f), h - 1u);
        float g = u.y * float(w);
        uint column = min(uint(g), w - 1u);
        vec2 rest = vec2(f - float(row), g - float(column));
        uint cell = row * w + column;
        uint at = l.table - environment.table_offset + cell * uint(LIGHT_TABLE_WORDS);
        float keep = uintBitsToFloat(dome_words[at + 1u]);
        if (rest.x < keep) {
            rest.x = rest.x / keep;
        } else {
            cell = dome_words[at];
            rest.x = (rest.x - keep) / (1.0 - keep);
        }
        uv = (vec2(cell % w, cell / w) + rest.yx) / vec2(w, h);
    }
    float longitude = PI * (1.0 - 2.0 * uv.x), latitude = PI * (0.5 - uv.y);
    vec3 p = vec3(sin(longitude) * cos(latitude), sin(latitude), cos(longitude) * cos(latitude));
    return p.x * l.axis_x + p.y * l.axis_y + p.z * l.axis_z;
}

// Radiance of a flat light's spot (x, y in -1 to 1 along its axes).
vec3 rect_radiance(SceneLight l, vec2 at)
{
    if ((l.flags & LIGHT_TEXTURED) == 0u)
        return l.radiance;
    // Upright and not mirrored for who looks at the lit side, that is along the light's +Z: left is its +X.
    return l.radiance * texture_sample(l.texture, vec2(0.5 - 0.5 * at.x, 0.5 + 0.5 * at.y), 0x11u, 0.0).rgb;
}

// Fills in what follows from a point on an area light with unit normal n.
LightSample light_from_point(SceneLight l, vec3 to, vec3 n, float inverse_area, vec3 radiance)
{
    LightSample s;
    float d2 = dot(to, to);
    s.distance  = sqrt(d2);
    s.direction = to / max(s.distance, 1e-20);
    float c = -dot(s.direction, n);
    s.pdf      = c > 1e-6 ? d2 / c * inverse_area : 0.0;
    s.radiance = radiance;
    s.delta    = false;
    return s;
}

LightSample light_sample(SceneLight l, vec3 p, vec2 u)
{
    LightSample s;
    s.delta = false;
    s.pdf   = 0.0;
    s.distance = 1e30;
    s.direction = l.axis_z;
    s.radiance = l.radiance;
    switch (l.type) {
    case LIGHT_DISTANT: {
        vec3 t, b;
        frame_around(l.axis_z, t, b);
        vec3 d = sample_cone(u, 1.0 - l.cos_angle);
        s.direction = t * d.x + b * d.y + l.axis_z * d.z;
        s.pdf = 1.0 / (2.0 * PI * (1.0 - l.cos_angle));
        break;
    }
    case LIGHT_DOME: {
        vec2 uv;
        s.direction = dome_sample(l, u, uv);
        s.pdf = dome_pdf_at(l, uv);
        s.radiance = dome_radiance_at(l, uv);
        break;
    }
    case LIGHT_SPHERE: {
        vec3 to = l.position - p;
        float d2 = dot(to, to), r2 = l.radius * l.radius;
        if (d2 <= r2)
            break;
        float d = sqrt(d2), sin2 = r2 / d2;
        // 1 - cosine, without cancellation for small angles.
        float h = sin2 / (1.0 + sqrt(1.0 - sin2));
        vec3 t, b;
        frame_around(to / d, t, b);
        vec3 c = sample_cone(u, h);
        s.direction = t * c.x + b * c.y + to / d * c.z;
        // To the near side of the sphere.
        float along = d * c.z;
        s.distance = along - sqrt(max(r2 - d2 * (1.0 - c.z * c.z), 0.0));
        s.pdf = 1.0 / (2.0 * PI * h);
        break;
    }
    case LIGHT_RECT: {
        vec2 at = 2.0 * u - 1.0;
        s = light_from_point(l, l.position + at.x * l.axis_x + at.y * l.axis_y - p, -l.axis_z, 1.0 / l.area,
                             rect_radiance(l, at));
        break;
    }
    case LIGHT_DISK: {
        vec2 at = sample_disk(u);
        s = light_from_point(l, l.position + at.x * l.axis_x + at.y * l.axis_y - p, -l.axis_z, 1.0 / l.area, l.radiance);
        break;
    }
    case LIGHT_CYLINDER: {
        vec3 z = cross(normalize(l.axis_x), l.axis_y);
        float phi = 2.0 * PI * u.x;
        vec3 n = cos(phi) * l.axis_y + sin(phi) * z;
        s = light_from_point(l, l.position + (2.0 * u.y - 1.0) * l.axis_x + n * l.radius - p, n, 1.0 / l.area, l.radiance);
        break;
    }
    case LIGHT_POINT: {
        vec3 to = l.position - p;
        float d2 = max(dot(to, to), 1e-20);
        s.distance = sqrt(d2);
        s.direction = to / s.distance;
        s.radiance = l.radiance / d2;
        s.pdf = 1.0;
        s.delta = true;
        break;
    }
    default: // LIGHT_DIRECTION
        s.pdf = 1.0;
        s.delta = true;
        break;
    }
    s.radiance *= light_shaping(l, -s.direction);
    return s;
}

// Picks a light by power. r in 0 to 1.
uint light_choose(float r)
{
    float f = r * float(frame.light_count);
    uint slot = min(uint(f), frame.light_count - 1u);
    return f - float(slot) < lights[slot].alias_keep ? slot : lights[slot].alias;
}

// Whether a ray along the unit direction d meets an area light before t_max. `radiance` is what the light sends
// back along the ray, pdf the density with which light_sample() would have chosen d, choice of the light included.
bool light_hit(SceneLight l, vec3 o, vec3 d, float t_max, out float t, out vec3 radiance, out float pdf)
{
    vec3 to = l.position - o;
    float hit = -1.0, density = 0.0;
    vec3 color = l.radiance;
    if (l.type == LIGHT_RECT || l.type == LIGHT_DISK) {
        float c = dot(d, l.axis_z); // positive: we look at the emitting side
        if (c > 1e-6) {
            hit = dot(to, l.axis_z) / c;
            vec3 at = d * hit - to;
            // Solve at = x axis_x + y axis_y; the axes may be sheared.
            float xx = dot(l.axis_x, l.axis_x), xy = dot(l.axis_x, l.axis_y), yy = dot(l.axis_y, l.axis_y);
            float ax = dot(at, l.axis_x), ay = dot(at, l.axis_y), det = max(xx * yy - xy * xy, 1e-30);
            vec2 uv = vec2(ax * yy - ay * xy, ay * xx - ax * xy) / det;
            bool inside = l.type == LIGHT_RECT ? all(lessThanEqual(abs(uv), vec2(1.0))) : dot(uv, uv) <= 1.0;
            density = hit * hit / (c * l.area);
            if (!inside)
                hit = -1.0;
            else if (l.type == LIGHT_RECT && hit > 0.0 && hit < t_max)
                color = rect_radiance(l, uv);
        }
    } else if (l.type == LIGHT_SPHERE) {
        float b = dot(to, d), d2 = dot(to, to), r2 = l.radius * l.radius;
        vec3 miss = to - b * d;
        float root = r2 - dot(miss, miss);
        if (root > 0.0 && d2 > r2) {
            hit = b - sqrt(root);
            float sin2 = r2 / d2;
            density = (1.0 + sqrt(1.0 - sin2)) / (2.0 * PI * sin2);
        }
    } else { // cylinder, lateral surface
        float h = length(l.axis_x);
        vec3 x = l.axis_x / max(h, 1e-20);
        vec3 dd = d - x * dot(d, x), oo = to - x * dot(to, x);
        float a = dot(dd, dd), b = dot(dd, oo), root = b * b - a * (dot(oo, oo) - l.radius * l.radius);
        if (root > 0.0 && a > 1e-12 && dot(oo, oo) > l.radius * l.radius) {
            hit = (b - sqrt(root)) / a;
            vec3 at = d * hit - to;
            if (abs(dot(at, x)) > h)
                hit = -1.0;
            vec3 n = (at - x * dot(at, x)) / l.radius;
            density = hit * hit / (max(-dot(n, d), 1e-6) * l.area);
        }
    }
    t = hit;
    radiance = color * light_shaping(l, -d);
    pdf = density * l.select;
    return hit > 0.0 && hit < t_max;
}
#endif
