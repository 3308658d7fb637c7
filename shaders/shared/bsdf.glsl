// UsdPreviewSurface as a sum of a diffuse lobe, a GGX lobe and a GGX clear coat, and rough glass.
// Include after shared/surface.glsl and sampling.glsl.
#ifndef SHARED_BSDF_GLSL
#define SHARED_BSDF_GLSL
#include "bsdf_table.glsl"

struct Bsdf {
    vec3 n, t, b;
    vec3 diffuse; // albedo, what the other lobes take already taken off
    vec3 f0, f90;
    vec3 gain;    // of the GGX lobe: what scatters more than once between its facets (Turquin 2019)
    float alpha;  // GGX width
    float coat, coat_alpha;
    float p_diffuse, p_specular, p_coat; // chances of sampling each
};

float luminance(vec3 c) { return dot(c, vec3(0.2126, 0.7152, 0.0722)); }
float max3(vec3 c) { return max(c.x, max(c.y, c.z)); }

// What a GGX surface returns towards nv is f0 * x + f90 * y.
vec2 ggx_albedo(float roughness, float nv)
{
    vec2 at = clamp(vec2(nv, roughness), 0.0, 1.0) * float(GGX_TABLE_SIDE - 1);
    ivec2 i = min(ivec2(at), ivec2(GGX_TABLE_SIDE - 2));
    vec2 f = at - vec2(i);
    int k = i.y * GGX_TABLE_SIDE + i.x;
    vec2 low = mix(unpackUnorm2x16(GGX_TABLE[k]), unpackUnorm2x16(GGX_TABLE[k + 1]), f.x);
    k += GGX_TABLE_SIDE;
    vec2 high = mix(unpackUnorm2x16(GGX_TABLE[k]), unpackUnorm2x16(GGX_TABLE[k + 1]), f.x);
    return mix(low, high, f.y);
}

float ggx_d(float nh, float alpha)
{
    float a2 = alpha * alpha, s = nh * nh * (a2 - 1.0) + 1.0;
    return a2 / (PI * s * s);
}

// Smith's lambda for GGX.
float ggx_lambda(float nx, float alpha)
{
    float c2 = nx * nx;
    return 0.5 * (sqrt(1.0 + alpha * alpha * (1.0 - c2) / max(c2, 1e-8)) - 1.0);
}

// A visible facet of a GGX surface for a viewer at v, both in the frame of the normal (Heitz 2018, in the form
// of Dupuy and Benyoub 2023).
vec3 ggx_sample(vec3 v, float alpha, vec2 u)
{
    vec3 w = normalize(vec3(v.xy * alpha, v.z));
    float phi = 2.0 * PI * u.x;
    float z = (1.0 - u.y) * (1.0 + w.z) - w.z;
    float s = sqrt(clamp(1.0 - z * z, 0.0, 1.0));
    vec3 h = vec3(s * cos(phi), s * sin(phi), z) + w;
    return normalize(vec3(h.xy * alpha, max(h.z, 1e-6)));
}

float bsdf_alpha(float roughness) { return max(roughness * roughness, 0.001); }

Bsdf bsdf_make(Material m, vec3 v)
{
    Bsdf s;
    s.n = m.normal;
    frame_around(s.n, s.t, s.b);
    s.alpha = bsdf_alpha(m.roughness);
    s.diffuse = m.diffuse;
    if ((m.flags & MATERIAL_SPECULAR_WORKFLOW) != 0u) {
        s.f0 = m.specular;
    } else {
        float r = (m.ior - 1.0) / (m.ior + 1.0);
        s.f0 = mix(vec3(r * r), m.diffuse, m.metallic);
        s.diffuse *= 1.0 - m.metallic;
    }
    s.f90 = vec3(clamp(50.0 * max3(s.f0), 0.0, 1.0)); // black means no reflection at all
    float nv = max(dot(s.n, v), 1e-3);
    vec2 e = ggx_albedo(m.roughness, nv);
    s.gain = 1.0 + s.f0 * (1.0 / max(e.x + e.y, 0.1) - 1.0);
    vec3 specular = min((s.f0 * e.x + s.f90 * e.y) * s.gain, vec3(1.0));
    s.diffuse *= 1.0 - max3(specular);
    s.coat = m.clearcoat;
    s.coat_alpha = bsdf_alpha(m.clearcoat_roughness);
    float coat = 0.0;
    if (s.coat > 0.0) {
        vec2 c = ggx_albedo(m.clearcoat_roughness, nv);
        coat = s.coat * (0.04 * c.x + c.y);
        s.diffuse *= 1.0 - coat;
        s.gain *= 1.0 - coat;
        specular *= 1.0 - coat;
    }
    float wd = luminance(s.diffuse), ws = luminance(specular), sum = wd + ws + coat;
    sum = sum > 0.0 ? 1.0 / sum : 0.0;
    s.p_diffuse = wd * sum;
    s.p_specular = ws * sum;
    s.p_coat = coat * sum;
    return s;
}

// f times the cosine, for light from l to a viewer at v; pdf is that of bsdf_sample() choosing l.
vec3 bsdf_eval(Bsdf s, vec3 v, vec3 l, out float pdf)
{
    float nl = dot(s.n, l), nv = dot(s.n, v);
    pdf = 0.0;
    if (nl <= 0.0 || nv <= 0.0)
        return vec3(0.0);
    vec3 h = normalize(v + l);
    float nh = clamp(dot(s.n, h), 0.0, 1.0), f = pow(1.0 - clamp(dot(v, h), 0.0, 1.0), 5.0);
    float lv = ggx_lambda(nv, s.alpha), d = ggx_d(nh, s.alpha);
    vec3 sum = s.diffuse * (nl / PI);
    sum += (s.f0 + (s.f90 - s.f0) * f) * s.gain * (d / ((1.0 + lv + ggx_lambda(nl, s.alpha)) * 4.0 * nv));
    pdf = s.p_diffuse * nl / PI + s.p_specular * d / ((1.0 + lv) * 4.0 * nv);
    if (s.coat > 0.0) {
        float cv = ggx_lambda(nv, s.coat_alpha), cd = ggx_d(nh, s.coat_alpha);
        sum += s.coat * (0.04 + 0.96 * f) * cd / ((1.0 + cv + ggx_lambda(nl, s.coat_alpha)) * 4.0 * nv);
        pdf += s.p_coat * cd / ((1.0 + cv) * 4.0 * nv);
    }
    return sum;
}

// A direction in proportion to the lobes. r chooses the lobe, u the direction in it. The result may lie below
// the surface: bsdf_eval() then gives 0.
vec3 bsdf_sample(Bsdf s, vec3 v, float r, vec2 u)
{
    if (r < s.p_diffuse) {
        vec3 d = sample_cosine(u);
        return s.t * d.x + s.b * d.y + s.n * d.z;
    }
    float alpha = r < s.p_diffuse + s.p_specular ? s.alpha : s.coat_alpha;
    vec3 h = ggx_sample(vec3(dot(s.t, v), dot(s.b, v), dot(s.n, v)), alpha, u);
    return reflect(-v, s.t * h.x + s.b * h.y + s.n * h.z);
}

// Unpolarised reflectance of a dielectric; c: cosine outside, eta: index beyond divided by index before.
float fresnel_dielectric(float c, float eta)
{
    float g2 = eta * eta - 1.0 + c * c;
    if (g2 <= 0.0)
        return 1.0; // total reflection
    float g = sqrt(g2), a = (g - c) / (g + c), b = (c * (g + c) - 1.0) / (c * (g - c) + 1.0);
    return 0.5 * a * a * (1.0 + b * b);
}

// Rough glass (Walter et al. 2007), sampled only. eta as above. Gives the new direction and its weight.
vec3 glass_sample(vec3 n, vec3 v, float alpha, float eta, bool thin, vec3 tint, float r, vec2 u, out vec3 weight)
{
    vec3 t, b;
    frame_around(n, t, b);
    vec3 h = ggx_sample(vec3(dot(t, v), dot(b, v), dot(n, v)), alpha, u);
    h = t * h.x + b * h.y + n * h.z;
    float c = clamp(dot(v, h), 0.0, 1.0), f = fresnel_dielectric(c, eta);
    if (thin)
        f = 2.0 * f / (1.0 + f); // both faces, and what bounces between them
    vec3 l;
    if (r < f) {
        l = reflect(-v, h);
        weight = vec3(1.0);
    } else if (thin) {
        l = -v;
        weight = tint;
    } else {
        l = refract(-v, h, 1.0 / eta);
        weight = sqrt(tint); // a solid is passed through two faces
    }
    // G2 / G1 of the visible facets, taken as separable.
    weight /= 1.0 + ggx_lambda(abs(dot(n, l)), alpha);
    return l;
}
#endif
