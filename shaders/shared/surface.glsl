// What a ray or a visibility sample hit, and the material there. Include after shared/scene.glsl and
// shared/texture.glsl, which provides
//     vec4 texture_sample(uint texture, vec2 uv, uint wrap, float uv_width);
// `wrap` as in SceneInput; uv_width is the footprint's width in uv units (0 = finest level). Linear values.
//
// Fragment shaders may define SURFACE_INTERPOLATED: uv coordinates, vertex colour and derivatives then come from
// these variables, which they fill first, instead of from the triangle's corners.
//     vec4 interpolated_uv; vec2 interpolated_uv_dx, interpolated_uv_dy (set 0); vec4 interpolated_color;
//     vec3 interpolated_dx, interpolated_dy (of the world position)
#ifndef SHARED_SURFACE_GLSL
#define SHARED_SURFACE_GLSL
#ifdef SURFACE_INTERPOLATED
vec4 interpolated_uv, interpolated_color;
vec2 interpolated_uv_dx, interpolated_uv_dy;
vec3 interpolated_dx, interpolated_dy;
#endif

struct Surface {
    vec3 position;  // world
    vec3 geometric; // unit normal of the triangle, towards the viewer
    vec3 normal;    // unit shading normal, towards the viewer's side; without normal map
    uint instance, triangle, material;
    bool back;      // the viewer sees the back
    uvec3 vertex;
    vec2 barycentric; // of corners 1 and 2
    float uv_scale; // uv units per world unit at set 0, for texture levels
};

struct Material {
    vec3 diffuse;  // base colour
    vec3 emissive;
    vec3 specular; // F0 of a specular workflow material; else derived from ior and metallic
    float metallic, roughness, clearcoat, clearcoat_roughness;
    float opacity; // coverage, threshold applied: 0 or 1 then
    float ior, transmission, occlusion;
    uint flags;
    vec3 normal;   // unit shading normal with normal map, world, towards the viewer's side
};

vec3 octahedral_decode(uint packed)
{
    vec2 e = unpackSnorm2x16(packed);
    vec3 n = vec3(e, 1.0 - abs(e.x) - abs(e.y));
    float t = max(-n.z, 0.0);
    n.xy += mix(vec2(t), vec2(-t), greaterThanEqual(n.xy, vec2(0.0)));
    return normalize(n);
}

// Offset of an attribute of `vertex`, past the `skip` first uints.
uint attribute_at(SceneMesh mesh, uint vertex, uint skip)
{
    return mesh.first_attribute + vertex * mesh.attribute_stride + skip;
}

vec4 decode_color(uint packed)
{
    vec4 c = unpackUnorm4x8(packed);
    return vec4(c.rgb * c.rgb, c.a);
}

vec4 surface_color(SceneMesh mesh, Surface s, vec4 none)
{
    if ((mesh.flags & MESH_CONSTANT_COLOR) != 0u)
        return decode_color(mesh.color);
    if ((mesh.flags & MESH_HAS_COLOR) == 0u)
        return none;
#ifdef SURFACE_INTERPOLATED
    return interpolated_color;
#endif
    uint skip = (mesh.flags & MESH_HAS_NORMALS) != 0u ? 1u : 0u;
    vec4 a = decode_color(attributes[attribute_at(mesh, s.vertex.x, skip)]);
    vec4 b = decode_color(attributes[attribute_at(mesh, s.vertex.y, skip)]);
    vec4 c = decode_color(attributes[attribute_at(mesh, s.vertex.z, skip)]);
    return a + (b - a) * s.barycentric.x + (c - a) * s.barycentric.y;
}

vec2 uv_of(SceneMesh mesh, uint vertex, uint set)
{
    uint skip = ((mesh.flags & MESH_HAS_NORMALS) != 0u ? 1u : 0u) + ((mesh.flags & MESH_HAS_COLOR) != 0u ? 1u : 0u);
    uint i = attribute_at(mesh, vertex, skip + 2u * set);
    return vec2(uintBitsToFloat(attributes[i]), uintBitsToFloat(attributes[i + 1u]));
}

uint uv_set(SceneMesh mesh, uint name)
{
    for (uint i = 0u; i < mesh.uv_count; i++)
        if (((mesh.uv_names >> (8u * i)) & 0xffu) == name)
            return i;
    return 0u;
}

// The surface at barycentrics b of corners 1 and 2 of a triangle, seen along direction `view` (any length).
Surface surface_fetch(uint instance, uint triangle, vec2 b, vec3 view)
{
    SceneInstance inst = instances[instance];
    SceneMesh mesh     = meshes[inst.mesh];
    Surface s;
    s.instance    = instance;
    s.triangle    = triangle;
    s.barycentric = b;
    s.vertex      = mesh_triangle(mesh, triangle);
    s.material    = surface_material(inst, mesh, triangle);
    vec3 p0 = mesh_position(mesh, s.vertex.x);
    vec3 e1 = mesh_position(mesh, s.vertex.y) - p0;
    vec3 e2 = mesh_position(mesh, s.vertex.z) - p0;
    s.position = transform_point(inst.to_world, p0 + e1 * b.x + e2 * b.y);
    // As a normal, so that a mirroring transform keeps the outside outside.
    vec3 g = normalize(transform_normal(inst.to_object, cross(e1, e2)));
    s.back = dot(g, view) > 0.0;
    s.geometric = s.back ? -g : g;
    s.normal = s.geometric;
    if ((mesh.flags & MESH_HAS_NORMALS) != 0u) {
        vec3 n0 = octahedral_decode(attributes[attribute_at(mesh, s.vertex.x, 0u)]);
        vec3 n1 = octahedral_decode(attributes[attribute_at(mesh, s.vertex.y, 0u)]);
        vec3 n2 = octahedral_decode(attributes[attribute_at(mesh, s.vertex.z, 0u)]);
        vec3 n  = normalize(transform_normal(inst.to_object, n0 + (n1 - n0) * b.x + (n2 - n0) * b.y));
        s.normal = dot(n, s.geometric) < 0.0 ? -n : n;
    }
    s.uv_scale = 0.0;
    return s;
}

// Barycentrics (of corners 1 and 2) and ray parameter t of the plane of a triangle, in object space, so that any
// instance transform works. Not clipped to the triangle: a rasterised sample may lie a rounding error outside.
vec3 surface_intersect(uint instance, uint triangle, vec3 o, vec3 d)
{
    SceneInstance inst = instances[instance];
    SceneMesh mesh     = meshes[inst.mesh];
    uvec3 v = mesh_triangle(mesh, triangle);
    vec3 p0 = mesh_position(mesh, v.x);
    vec3 e1 = mesh_position(mesh, v.y) - p0;
    vec3 e2 = mesh_position(mesh, v.z) - p0;
    vec3 lo = transform_point(inst.to_object, o) - p0;
    vec3 ld = transform_vector(inst.to_object, d);
    vec3 h = cross(ld, e2), q = cross(lo, e1);
    float det = dot(e1, h);
    float inv = det == 0.0 ? 0.0 : 1.0 / det;
    vec2 b = clamp(vec2(dot(lo, h), dot(ld, q)) * inv, vec2(0.0), vec2(1.0));
    if (b.x + b.y > 1.0)
        b /= b.x + b.y;
    return vec3(b, dot(e2, q) * inv);
}

vec4 input_value(uint index, SceneMesh mesh, Surface s, float width)
{
    SceneInput i = inputs[index];
    vec4 v = i.fallback;
    if (i.texture == SCENE_NONE) {
        v = surface_color(mesh, s, i.fallback);
    } else if (mesh.uv_count > 0u) {
        uint set = uv_set(mesh, i.uv_name);
#ifdef SURFACE_INTERPOLATED
        vec2 uv = set == 1u ? interpolated_uv.zw : interpolated_uv.xy;
        float uv_width = sqrt(max(dot(interpolated_uv_dx, interpolated_uv_dx), dot(interpolated_uv_dy, interpolated_uv_dy)) *
                              abs(i.uv_matrix[0] * i.uv_matrix[4] - i.uv_matrix[1] * i.uv_matrix[3]));
#else
        vec2 a = uv_of(mesh, s.vertex.x, set), b = uv_of(mesh, s.vertex.y, set), c = uv_of(mesh, s.vertex.z, set);
        vec2 uv = a + (b - a) * s.barycentric.x + (c - a) * s.barycentric.y;
        // Footprint: world width of the pixel times the triangle's uv density.
        vec3 p = mesh_position(mesh, s.vertex.x);
        SceneInstance inst = instances[s.instance];
        vec3 e1 = transform_vector(inst.to_world, mesh_position(mesh, s.vertex.y) - p);
        vec3 e2 = transform_vector(inst.to_world, mesh_position(mesh, s.vertex.z) - p);
        float world = length(cross(e1, e2));
        float area  = abs((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)) *
                     abs(i.uv_matrix[0] * i.uv_matrix[4] - i.uv_matrix[1] * i.uv_matrix[3]);
        float uv_width = world > 0.0 ? width * sqrt(area / world) : 0.0;
#endif
        uv = vec2(i.uv_matrix[0] * uv.x + i.uv_matrix[1] * uv.y + i.uv_matrix[2],
                  i.uv_matrix[3] * uv.x + i.uv_matrix[4] * uv.y + i.uv_matrix[5]);
        v = texture_sample(i.texture, uv, i.wrap, uv_width);
        v = v * i.scale + i.bias;
    }
    if (i.channel < INPUT_CHANNEL_RGB)
        v = vec4(v[i.channel]);
    return v;
}

// Coverage alone, for passes that only ask whether something is there.
float material_opacity(Surface s, float width)
{
    SceneMaterial m = materials[s.material];
    if ((m.flags & MATERIAL_CUTOUT) == 0u)
        return 1.0;
    float opacity = m.opacity;
    uint bit = 1u << INPUT_OPACITY;
    if ((m.input_mask & bit) != 0u) {
        uint at = m.first_input + uint(bitCount(m.input_mask & (bit - 1u)));
        opacity = clamp(input_value(at, meshes[instances[s.instance].mesh], s, width).x, 0.0, 1.0);
    }
    return m.opacity_threshold > 0.0 ? (opacity >= m.opacity_threshold ? 1.0 : 0.0) : opacity;
}

// Material parameters at a surface. `width` is the world-space width of the ray's footprint there.
Material material_fetch(Surface s, float width)
{
    SceneMaterial m = materials[s.material];
    SceneMesh mesh  = meshes[instances[s.instance].mesh];
    Material o;
    o.diffuse = m.diffuse;
    if ((m.flags & MATERIAL_DISPLAY_COLOR) != 0u)
        o.diffuse = surface_color(mesh, s, vec4(m.diffuse, 1.0)).rgb;
    o.emissive = m.emissive;
    o.specular = m.specular;
    o.metallic = m.metallic;
    o.roughness = m.roughness;
    o.clearcoat = m.clearcoat;
    o.clearcoat_roughness = m.clearcoat_roughness;
    o.opacity = m.opacity;
    o.ior = m.ior;
    o.transmission = m.transmission;
    o.occlusion = m.occlusion;
    o.flags = m.flags;
    o.normal = s.normal;
    uint next = m.first_input;
    for (uint bits = m.input_mask; bits != 0u; bits &= bits - 1u) {
        vec4 v = input_value(next++, mesh, s, width);
        switch (findLSB(bits)) {
        case INPUT_DIFFUSE: o.diffuse = max(v.rgb, vec3(0.0)); break;
        case INPUT_EMISSIVE: o.emissive = max(v.rgb, vec3(0.0)); break;
        case INPUT_SPECULAR: o.specular = clamp(v.rgb, 0.0, 1.0); break;
        case INPUT_METALLIC: o.metallic = clamp(v.x, 0.0, 1.0); break;
        case INPUT_ROUGHNESS: o.roughness = clamp(v.x, 0.0, 1.0); break;
        case INPUT_CLEARCOAT: o.clearcoat = clamp(v.x, 0.0, 1.0); break;
        case INPUT_CLEARCOAT_ROUGHNESS: o.clearcoat_roughness = clamp(v.x, 0.0, 1.0); break;
        case INPUT_OPACITY: o.opacity = clamp(v.x, 0.0, 1.0); break;
        case INPUT_IOR: o.ior = max(v.x, 1.0); break;
        case INPUT_OCCLUSION: o.occlusion = clamp(v.x, 0.0, 1.0); break;
        case INPUT_NORMAL: {
            // Tangent frame of the triangle in uv set 0 (the set normal maps use in practice).
            if (mesh.uv_count == 0u)
                break;
#ifdef SURFACE_INTERPOLATED
            vec2 du = interpolated_uv_dx, dv = interpolated_uv_dy;
            vec3 e1 = interpolated_dx, e2 = interpolated_dy;
            float det = du.x * dv.y - du.y * dv.x;
            if (det == 0.0)
                break;
            vec3 t = (e1 * dv.y - e2 * du.y) / det, bt = (e2 * du.x - e1 * dv.x) / det;
#else
            SceneInstance inst = instances[s.instance];
            vec2 a = uv_of(mesh, s.vertex.x, 0u);
            vec2 du = uv_of(mesh, s.vertex.y, 0u) - a, dv = uv_of(mesh, s.vertex.z, 0u) - a;
            vec3 p = mesh_position(mesh, s.vertex.x);
            vec3 e1 = mesh_position(mesh, s.vertex.y) - p, e2 = mesh_position(mesh, s.vertex.z) - p;
            float det = du.x * dv.y - du.y * dv.x;
            if (det == 0.0)
                break;
            vec3 t = transform_vector(inst.to_world, (e1 * dv.y - e2 * du.y) / det);
            vec3 bt = transform_vector(inst.to_world, (e2 * du.x - e1 * dv.x) / det);
#endif
            vec3 tt = t - s.normal * dot(t, s.normal);
            vec3 bb = bt - s.normal * dot(bt, s.normal);
            if (dot(tt, tt) == 0.0 || dot(bb, bb) == 0.0)
                break;
            vec3 n = normalize(tt) * v.x + normalize(bb) * v.y + s.normal * max(v.z, 0.01);
            n = normalize(n);
            // Never below the triangle.
            float below = dot(n, s.geometric);
            o.normal = below > 0.01 ? n : normalize(n + s.geometric * (0.02 - below));
            break;
        }
        }
    }
    if (o.opacity < 1.0 && m.opacity_threshold > 0.0)
        o.opacity = o.opacity >= m.opacity_threshold ? 1.0 : 0.0;
    return o;
}
#endif
