// Traversal of the two-level tree. The includer declares, in its pass set,
//     utextureBuffer bvh_nodes, bvh_triangles;
// Texel buffers rather than storage buffers: software Vulkan reads them 60 % faster, and the hardware's
// texture path suits these scattered reads too.
#ifndef SHARED_BVH_GLSL
#define SHARED_BVH_GLSL
#include "bvh.h"

struct BvhHit {
    float t; // ray parameter
    vec2 barycentric; // of corners 1 and 2
    uint triangle, slot, instance; // instance SCENE_NONE: nothing was hit
    uint flags; // INSTANCE_* of it
};

void bvh_order(inout float ta, inout uint ca, inout float tb, inout uint cb)
{
    bool swap = tb < ta;
    float t = swap ? ta : tb;
    uint c  = swap ? ca : cb;
    ta = swap ? tb : ta;
    ca = swap ? cb : ca;
    tb = t;
    cb = c;
}

vec4 bvh_bytes(uint word) { return vec4(word & 255u, (word >> 8) & 255u, (word >> 16) & 255u, word >> 24); }

vec3 bvh_rotate(vec3 v, int axis) { return axis == 0 ? v.yzx : axis == 1 ? v.zxy : v; }

vec3 bvh_inverse(vec3 d) { return 1.0 / mix(d, vec3(1e-20), lessThan(abs(d), vec3(1e-20))); }

/*
 * The closest hit with t_min < t < t_max along o + t d. d need not be a unit vector.
 * first: stop at the first hit of an instance without INSTANCE_CUTOUT; hits of others are kept as the closest.
 *
 * One loop serves both levels: an instance record is read like a node, moves the ray to object space (the
 * ray parameter stays the same) and leaves BVH_EMPTY on the stack, which brings the ray back when popped.
 * Boxes: Ylitie et al. 2017. Triangles: watertight, Woop, Benthin and Wald 2013.
 */
BvhHit bvh_trace(uint top, vec3 world_o, vec3 world_d, float t_min, float t_max, bool first)
{
    BvhHit hit;
    hit.t = t_max;
    hit.instance = SCENE_NONE;
    hit.barycentric = vec2(0.0);
    hit.triangle = hit.slot = hit.flags = 0u;
    uint stack[BVH_STACK];
    int depth = 0;
    vec3 o = world_o, d = world_d, inv = bvh_inverse(d);
    uint base = top, first_triangle = 0u, instance = 0u, flags = 0u;
    uint at = 0u;
    bool done = any(isnan(o + d)) || any(isinf(o + d));
    while (!done) {
        // Down to a leaf. `at` is an inner node or an instance record.
        while (!done && (at & BVH_LEAF) == 0u) {
            int texel = int((base + (at & BVH_INSTANCE_PLACE)) * 4u);
            uvec4 n0 = texelFetch(bvh_nodes, texel), n1 = texelFetch(bvh_nodes, texel + 1);
            uvec4 n2 = texelFetch(bvh_nodes, texel + 2), n3 = texelFetch(bvh_nodes, texel + 3);
            if ((at & BVH_INSTANCE) != 0u) {
                vec4 x = uintBitsToFloat(n0), y = uintBitsToFloat(n1), z = uintBitsToFloat(n2);
                o = vec3(dot(x, vec4(world_o, 1.0)), dot(y, vec4(world_o, 1.0)), dot(z, vec4(world_o, 1.0)));
                d = vec3(dot(x.xyz, world_d), dot(y.xyz, world_d), dot(z.xyz, world_d));
                inv = bvh_inverse(d);
                base = n3.x;
                first_triangle = n3.y;
                instance = n3.z;
                flags = n3.w;
                stack[depth++] = BVH_EMPTY; // there is room: nodes leave the last entry free
                at = 0u;
                continue;
            }
            vec3 step = uintBitsToFloat((uvec3(n0.w, n0.w >> 8, n0.w >> 16) & 255u) << 23) * inv;
            vec3 from = (uintBitsToFloat(n0.xyz) - o) * inv;
            uvec3 lower = n1.xyz, upper = uvec3(n1.w, n2.xy);
            bvec3 forward = greaterThanEqual(inv, vec3(0.0));
            uvec3 near = mix(upper, lower, forward), far = mix(lower, upper, forward);
            vec4 t0 = max(max(bvh_bytes(near.x) * step.x + from.x, bvh_bytes(near.y) * step.y + from.y),
                          max(bvh_bytes(near.z) * step.z + from.z, vec4(t_min)));
            vec4 t1 = min(min(bvh_bytes(far.x) * step.x + from.x, bvh_bytes(far.y) * step.y + from.y),
                          min(bvh_bytes(far.z) * step.z + from.z, vec4(hit.t)));
            bvec4 miss = greaterThan(t0, t1 * 1.0000004);
            t0 = mix(t0, vec4(3e38), miss);
            uvec4 child = mix(uvec4(n2.zw, n3.xy), uvec4(BVH_EMPTY), miss);
            bvh_order(t0.x, child.x, t0.y, child.y);
            bvh_order(t0.z, child.z, t0.w, child.w);
            bvh_order(t0.x, child.x, t0.z, child.z);
            bvh_order(t0.y, child.y, t0.w, child.w);
            bvh_order(t0.y, child.y, t0.z, child.z);
            if (child.w != BVH_EMPTY && depth < BVH_STACK - 1)
                stack[depth++] = child.w;
            if (child.z != BVH_EMPTY && depth < BVH_STACK - 1)
                stack[depth++] = child.z;
            if (child.y != BVH_EMPTY && depth < BVH_STACK - 1)
                stack[depth++] = child.y;
            at = child.x;
            if (at == BVH_EMPTY) {
                done = depth == 0;
                if (!done)
                    at = stack[--depth];
                if (!done && at == BVH_EMPTY) { // out of the instance
                    o = world_o;
                    d = world_d;
                    inv = bvh_inverse(d);
                    base = top;
                    done = depth == 0;
                    if (!done)
                        at = stack[--depth];
                }
            }
        }
        if (done)
            break;
        // Shear that turns the ray into +z.
        vec3 size = abs(d);
        int axis = size.x > size.y ? (size.x > size.z ? 0 : 2) : (size.y > size.z ? 1 : 2);
        vec3 r = bvh_rotate(d, axis);
        vec3 shear = vec3(r.xy / r.z, 1.0 / r.z);
        uint i = first_triangle + (at & BVH_LEAF_FIRST);
        uint end = i + ((at >> BVH_LEAF_COUNT_SHIFT) & 15u) + 1u;
        while (i < end) {
            int texel = int(i * 3u);
            uvec4 w0 = texelFetch(bvh_triangles, texel), w1 = texelFetch(bvh_triangles, texel + 1);
            uvec4 w2 = texelFetch(bvh_triangles, texel + 2);
            vec3 a = bvh_rotate(uintBitsToFloat(w0.xyz) - o, axis);
            vec3 b = bvh_rotate(uintBitsToFloat(w1.xyz) - o, axis);
            vec3 c = bvh_rotate(uintBitsToFloat(w2.xyz) - o, axis);
            vec2 pa = a.xy - shear.xy * a.z, pb = b.xy - shear.xy * b.z, pc = c.xy - shear.xy * c.z;
            precise float u = pc.x * pb.y - pc.y * pb.x;
            precise float v = pa.x * pc.y - pa.y * pc.x;
            precise float w = pb.x * pa.y - pb.y * pa.x;
            bool outside = (u < 0.0 || v < 0.0 || w < 0.0) && (u > 0.0 || v > 0.0 || w > 0.0);
            float det = u + v + w;
            float t = (u * a.z + v * b.z + w * c.z) * shear.z / det;
            if (!outside && det != 0.0 && t > t_min && t < hit.t) {
                hit.t = t;
                hit.barycentric = vec2(v, w) / det;
                hit.triangle = w0.w;
                hit.slot = w1.w;
                hit.instance = instance;
                hit.flags = flags;
            }
            i++;
        }
        done = depth == 0 || (first && hit.instance != SCENE_NONE && (hit.flags & INSTANCE_CUTOUT) == 0u);
        if (!done)
            at = stack[--depth];
        if (!done && at == BVH_EMPTY) {
            o = world_o;
            d = world_d;
            inv = bvh_inverse(d);
            base = top;
            done = depth == 0;
            if (!done)
                at = stack[--depth];
        }
    }
    return hit;
}
#endif
