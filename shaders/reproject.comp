#version 460
// While the camera moves, the last traced picture is still right for what it saw from nearly the same side:
// it is taken from there, and from the preview for the rest. It is always the same picture that is looked up, so
// nothing blurs over time; what reflects changes with the angle, so trust fades with it.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/reproject.h"

layout(local_size_x = 8, local_size_y = 8) in;
layout(set = PASS_SET, binding = 0) uniform sampler2D preview;
layout(set = PASS_SET, binding = 1) uniform sampler2D depth;         // of the preview
layout(set = PASS_SET, binding = 2) uniform sampler2D traced;        // full size
layout(set = PASS_SET, binding = 3) uniform sampler2D traced_normal; // full size; a = distance along its axis
layout(set = PASS_SET, binding = 4, rgba16f) uniform writeonly image2D picture;
layout(scalar, push_constant) uniform Params { ReprojectParams params; };

const float SKY = 59000.0; // guide distances from here on are background

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(frame.extent))))
        return;
    vec3 o, d;
    camera_ray(vec2(p) + 0.5, o, d);
    float z = texelFetch(depth, p, 0).x;
    bool ortho = params.orthographic != 0.0, sky = z <= 0.0;
    float along = ortho ? params.far_clip - z * (params.far_clip - params.near_clip) : params.near_clip / max(z, 1e-9);
    vec3 world = o + d * along;
    vec3 then = world - params.eye;
    vec4 q = params.world_to_clip * (sky && !ortho ? vec4(d, 0.0) : vec4(world, 1.0));
    vec2 at = q.xy / q.w * 0.5 + 0.5;
    float distance = dot(then, params.axis);
    // All around, so that nothing of a silhouette's smoothed edge comes along.
    vec2 texel = 1.2 / vec2(textureSize(traced_normal, 0));
    vec4 seen = vec4(textureLod(traced_normal, at + texel, 0.0).a, textureLod(traced_normal, at - texel, 0.0).a,
                     textureLod(traced_normal, at + vec2(texel.x, -texel.y), 0.0).a,
                     textureLod(traced_normal, at + vec2(-texel.x, texel.y), 0.0).a);
    float nearest = min(min(seen.x, seen.y), min(seen.z, seen.w)), farthest = max(max(seen.x, seen.y), max(seen.z, seen.w));
    float tolerance = 0.02 * distance + 4.0 * frame.pixel_spread * distance;
    bool same = sky ? nearest > SKY : nearest > distance - tolerance && farthest < distance + tolerance;
    bool inside = q.w > 0.0 && all(greaterThan(at, vec2(0.0))) && all(lessThan(at, vec2(1.0)));
    float turned = sky ? 1.0 : dot(normalize(then), normalize(world - o));
    float trust = inside && same ? params.trust * smoothstep(0.90, 0.99, turned) : 0.0;
    vec3 old = textureLod(traced, at, 0.0).rgb;
    imageStore(picture, p, vec4(mix(texelFetch(preview, p, 0).rgb, old, trust), 1.0));
}
