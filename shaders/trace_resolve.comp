#version 460
// Adds each path's radiance to its pixel's sums.
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
#include "trace.glsl"

layout(local_size_x = TRACE_GROUP) in;
layout(set = PASS_SET, binding = TRACE_BIND_RADIANCE, rgba32f) uniform image2D radiance_sum;
layout(set = PASS_SET, binding = TRACE_BIND_ALBEDO, rgba16f) uniform readonly image2D albedo_mean;
layout(set = PASS_SET, binding = TRACE_BIND_MOMENTS, rg32f) uniform image2D moment_sum;

void main()
{
    uint path = gl_GlobalInvocationID.x;
    if (path >= params.path_count)
        return;
    ivec2 pixel = trace_pixel(path);
    if (pixel.x >= int(frame.extent.x) || pixel.y >= int(frame.extent.y))
        return;
    vec3 c = paths[path].radiance;
    float most = max(c.r, max(c.g, c.b));
    if (!(most < 1e30)) // NaN or infinite
        c = vec3(0.0);
    else if (params.firefly_clamp > 0.0 && most > params.firefly_clamp)
        c *= params.firefly_clamp / most;
    vec4 sum = params.sample_index > 0u ? imageLoad(radiance_sum, pixel) : vec4(0.0);
    vec2 moments = params.sample_index > 0u ? imageLoad(moment_sum, pixel).xy : vec2(0.0);
    sum += vec4(c, 1.0);
    vec3 albedo = max(imageLoad(albedo_mean, pixel).rgb, vec3(0.02));
    float light = dot(c / albedo, vec3(0.2126, 0.7152, 0.0722));
    imageStore(radiance_sum, pixel, sum);
    imageStore(moment_sum, pixel, vec4(moments + vec2(light, light * light), 0.0, 0.0));
}
