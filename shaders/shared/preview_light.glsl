// Light without rays: each light as one direction with a solid angle, the domes as harmonics. Include after
// shared/surface.glsl and shared/lights.glsl.
#ifndef SHARED_PREVIEW_LIGHT_GLSL
#define SHARED_PREVIEW_LIGHT_GLSL

// Radiance of the domes convolved with a cosine lobe, divided by pi (Ramamoorthi and Hanrahan 2001).
// `sharp` 0: the clamped cosine; 1: the unconvolved harmonics, for a glossy direction.
vec3 environment_light(vec3 n, float sharp)
{
    float a1 = mix(2.0 / 3.0, 1.0, sharp), a2 = mix(0.25, 1.0, sharp);
    vec3 c = 0.282095 * preview.sh[0].rgb;
    c += a1 * 0.488603 * (preview.sh[1].rgb * n.y + preview.sh[2].rgb * n.z + preview.sh[3].rgb * n.x);
    c += a2 * (1.092548 * (preview.sh[4].rgb * n.x * n.y + preview.sh[5].rgb * n.y * n.z +
                           preview.sh[7].rgb * n.x * n.z) +
               0.315392 * preview.sh[6].rgb * (3.0 * n.z * n.z - 1.0) +
               0.546274 * preview.sh[8].rgb * (n.x * n.x - n.y * n.y));
    return max(c, vec3(0.0));
}

vec3 preview_dome(PreviewDome l, vec3 d)
{
    if (l.layer < 0.0)
        return l.radiance;
    vec3 p = vec3(dot(l.axis_x, d), dot(l.axis_y, d), dot(l.axis_z, d));
    vec2 at = vec2(0.5 - atan(p.x, p.z) / (2.0 * PI), acos(clamp(p.y, -1.0, 1.0)) / PI); // as dome_uv()
    return l.radiance * textureLod(dome_maps, vec3(at, l.layer), 0.0).rgb;
}

// What the domes send from a direction.
vec3 dome_light(vec3 d)
{
    if ((features & PREVIEW_HAS_DOME_MAPS) == 0u)
        return preview.domes[0].radiance + preview.domes[1].radiance;
    return preview_dome(preview.domes[0], d) + preview_dome(preview.domes[1], d);
}

// A light seen from a point: direction to its middle, irradiance on a surface that faces it (no shadow),
// and the half angle of the cone it fills, for highlights.
struct PreviewLight {
    vec3 direction;
    vec3 irradiance; // at normal incidence
    float spread;    // sine of the half angle
};

// `type` is l.type, known when the pipeline is made where possible.
PreviewLight preview_light(SceneLight l, uint type, vec3 p)
{
    PreviewLight o;
    vec3 to = l.position - p;
    float d2 = max(dot(to, to), 1e-12);
    o.direction = to * inversesqrt(d2);
    o.irradiance = l.radiance;
    o.spread = 0.0;
    switch (type) {
    case LIGHT_DISTANT: {
        float sin2 = 1.0 - l.cos_angle * l.cos_angle;
        o.direction = l.axis_z;
        o.irradiance *= PI * sin2;
        o.spread = sqrt(sin2);
        break;
    }
    case LIGHT_DIRECTION:
        o.direction = l.axis_z;
        break;
    case LIGHT_SPHERE: {
        float sin2 = min(l.radius * l.radius / d2, 1.0);
        o.irradiance *= PI * sin2;
        o.spread = sqrt(sin2);
        break;
    }
    case LIGHT_POINT:
        o.irradiance /= d2;
        break;
    case LIGHT_CYLINDER: {
        float h = length(l.axis_x), c = dot(o.direction, l.axis_x) / max(h, 1e-20);
        float solid = 4.0 * l.radius * h * sqrt(max(1.0 - c * c, 0.0)) / (d2 + h * l.radius);
        o.irradiance *= min(solid, PI);
        o.spread = min(sqrt(solid / PI), 1.0);
        break;
    }
    default: { // rect, disk: a disk of the same area, exact on its axis
        // The nearest part counts most: aim between the middle and the point below.
        vec2 size = vec2(length(l.axis_x), length(l.axis_y));
        vec2 at = vec2(dot(-to, l.axis_x), dot(-to, l.axis_y)) / (size * size);
        at = clamp(at, -0.6, 0.6) * smoothstep(4.0, 0.5, sqrt(d2 / l.area));
        to += at.x * l.axis_x + at.y * l.axis_y;
        d2 = max(dot(to, to), 1e-12);
        o.direction = to * inversesqrt(d2);
        float c = max(dot(o.direction, l.axis_z), 0.0);
        float solid = l.area * c / (d2 + l.area / PI);
        o.irradiance *= solid;
        o.spread = min(sqrt(solid / PI), 1.0);
        break;
    }
    }
    if ((features & PREVIEW_HAS_SHAPING) != 0u)
        o.irradiance *= light_shaping(l, -o.direction);
    return o;
}

// Split-sum environment term of GGX (Karis 2014, mobile fit): scale and bias of F0.
vec2 environment_brdf(float rough, float cosine)
{
    vec4 r = rough * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(r.x * r.x, exp2(-9.28 * cosine)) * r.x + r.y;
    return vec2(-1.04, 1.04) * a + r.zw;
}

float ggx(float cos_h, float alpha)
{
    float a2 = alpha * alpha, d = cos_h * cos_h * (a2 - 1.0) + 1.0;
    return a2 / max(PI * d * d, 1e-7);
}

float smith(float cos_v, float cos_l, float alpha)
{
    float a2 = alpha * alpha;
    float v = cos_l * sqrt(cos_v * cos_v * (1.0 - a2) + a2), l = cos_v * sqrt(cos_l * cos_l * (1.0 - a2) + a2);
    return 0.5 / max(v + l, 1e-5);
}

vec3 environment_reflection(vec3 r, float rough)
{
    vec3 c = environment_light(r, 1.0 - rough);
    if ((features & PREVIEW_HAS_DOME_MAPS) != 0u)
        c = mix(dome_light(r), c, smoothstep(0.05, 0.6, rough));
    return c + frame.ambient;
}

struct PreviewShading {
    vec3 normal, view, f0;
    float cos_v, alpha, coat_alpha, coat;
    bool diffuse_only;
};

// Adds what one light sends. `lit`: how much of it arrives.
void preview_add(PreviewShading m, SceneLight l, uint type, Surface s, float lit, inout vec3 diffuse, inout vec3 glossy, inout vec3 coat)
{
    PreviewLight p = preview_light(l, type, s.position);
    float cos_l = dot(m.normal, p.direction);
    // A wide light reaches a little past its middle's horizon.
    float facing = clamp((cos_l + p.spread) / (1.0 + p.spread), 0.0, 1.0);
    float wrap = max(cos_l, p.spread > 0.0 ? facing * facing : 0.0);
    diffuse += p.irradiance * (wrap * lit * l.diffuse / PI);
    if (m.diffuse_only)
        return;
    cos_l = max(cos_l, 0.0);
    vec3 h = normalize(m.view + p.direction);
    float cos_h = max(dot(m.normal, h), 0.0), f = 1.0 - max(dot(m.view, h), 0.0), f2 = f * f;
    f = f2 * f2 * f;
    // The lobe widened by the light's size, its energy kept (Karis 2013).
    float wide = clamp(m.alpha + 0.5 * p.spread, 0.0, 1.0), keep = m.alpha / wide;
    vec3 light = p.irradiance * (cos_l * lit * l.specular);
    glossy += light * (ggx(cos_h, wide) * keep * keep * smith(m.cos_v, cos_l, m.alpha)) * (m.f0 + (1.0 - m.f0) * f);
    if (rich) {
        float cw = clamp(m.coat_alpha + 0.5 * p.spread, 0.0, 1.0), ck = m.coat_alpha / cw;
        coat += light * m.coat * (ggx(cos_h, cw) * ck * ck * smith(m.cos_v, cos_l, m.coat_alpha) * (0.04 + 0.96 * f));
    }
}

// What is reflected from each light and the domes towards `view` (unit, away from the surface).
// The includer supplies `preview` (PreviewScene), the constants `light_types`, `features` and `rich` (clearcoat and
// transmission exist), and preview_shadow(i, s): how much of light i arrives.
vec3 preview_shade(Surface s, Material m, vec3 view, bool diffuse_only, float occlusion)
{
    vec3 n = m.normal;
    float cos_v = max(dot(n, view), 1e-3);
    float f0d = (m.ior - 1.0) / (m.ior + 1.0);
    bool spec_flow = (features & PREVIEW_HAS_SPECULAR_WORKFLOW) != 0u && (m.flags & MATERIAL_SPECULAR_WORKFLOW) != 0u;
    vec3 f0 = spec_flow ? m.specular : mix(vec3(f0d * f0d), m.diffuse, m.metallic);
    vec3 base = m.diffuse * (spec_flow ? 1.0 - max(f0.r, max(f0.g, f0.b)) : 1.0 - m.metallic) * (1.0 - m.transmission);
    float alpha = max(m.roughness * m.roughness, 0.002);
    vec2 ab = environment_brdf(m.roughness, cos_v);
    vec3 specular_albedo = f0 * ab.x + ab.y;
    if (diffuse_only)
        specular_albedo = vec3(0.0);
    vec3 r = reflect(-view, n);
    vec3 diffuse = (environment_light(n, 0.0) + frame.ambient) * occlusion;
    vec3 glossy = diffuse_only ? vec3(0.0) : environment_reflection(r, m.roughness) * specular_albedo * mix(occlusion, 1.0, 0.5);
    vec3 coat = vec3(0.0);
    float coat_f = 0.0;
    if (rich && !diffuse_only) {
        coat_f = m.clearcoat * (0.04 + 0.96 * pow(1.0 - cos_v, 5.0));
        coat = environment_reflection(r, m.clearcoat_roughness) * coat_f;
    }
    PreviewShading shading = PreviewShading(n, view, f0, cos_v, alpha, max(m.clearcoat_roughness * m.clearcoat_roughness, 0.002),
                                            diffuse_only ? 0.0 : m.clearcoat, diffuse_only);
#define PREVIEW_ADD(i)                                                                               \
    if ((light_types >> (4u * i) & 15u) != 0u)                                                         \
        preview_add(shading, preview.lights[i], (light_types >> (4u * i) & 15u) - 1u, s, preview_shadow(i, s), diffuse, \
                    glossy, coat);
    PREVIEW_ADD(0u)
    PREVIEW_ADD(1u)
    PREVIEW_ADD(2u)
    PREVIEW_ADD(3u)
    if ((features & PREVIEW_HAS_MORE) != 0u)
        for (uint i = 0u; i < preview.more_count; i++)
            preview_add(shading, lights[preview.more[i]], lights[preview.more[i]].type, s, 1.0, diffuse, glossy, coat);
    vec3 through = vec3(0.0);
    if (rich) {
        vec3 d = (m.flags & MATERIAL_THIN_WALLED) != 0u ? -view : refract(-view, n, s.back ? m.ior : 1.0 / m.ior);
        through = environment_reflection(d, m.roughness) * m.diffuse * m.transmission * (1.0 - specular_albedo);
    }
    return (base * (1.0 - specular_albedo) * diffuse + glossy + through) * (1.0 - coat_f) + coat + m.emissive;
}
#endif
