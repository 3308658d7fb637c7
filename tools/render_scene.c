// The root layer that stagecast render opens: the scene as a sublayer, and a product beside it.

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stageusd/stageusd.h>

#include "render.h"

static const usd_prim *first_of_type(const usd_stage *stage, const char *type)
{
    const usd_prim *root = usd_stage_pseudo_root(stage);
    for (const usd_prim *p = usd_prim_first_child(root); p;) {
        bool shown = usd_prim_is_traversable(p);
        if (shown && !strcmp(usd_prim_type_name(p), type))
            return p;
        p = usd_prim_next(p, root, !shown);
    }
    return NULL;
}

static bool is_light(const char *type)
{
    size_t n = strlen(type);
    return (n > 5 && !strcmp(type + n - 5, "Light")) || !strcmp(type, "DomeLight_1");
}

static bool has_light(const usd_stage *stage)
{
    const usd_prim *root = usd_stage_pseudo_root(stage);
    for (const usd_prim *p = usd_prim_first_child(root); p;) {
        bool shown = usd_prim_is_traversable(p);
        if (shown && is_light(usd_prim_type_name(p)))
            return true;
        p = usd_prim_next(p, root, !shown);
    }
    return false;
}

// A camera at 45 degrees to the side and 25 up (15 for flat and Z-up scenes) from which all is seen.
static void write_fitted_camera(FILE *out, const usd_stage *stage, const struct render_options *o)
{
    const double aperture = 20.955, focal = 18.15, pi = 3.14159265358979323846;
    double unit = usd_stage_meters_per_unit(stage), target[3] = { 0 }, distance = unit > 0 ? 5 / unit : 500, radius = distance;
    bool z_up   = usd_stage_up_axis(stage)[0] == 'Z', flat = false;
    double start = 0, end = 0;
    usd_stage_time_range(stage, &start, &end);
    double code = o->has_time ? o->time * usd_stage_time_codes_per_second(stage) : start;
    struct usd_bounds b;
    double vertical = aperture * o->height / o->width, smaller = vertical < aperture ? vertical : aperture;
    double half_fov = atan(smaller / 2 / focal);
    if (usd_prim_world_bounds(usd_stage_pseudo_root(stage), code, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER, &b)) {
        double size[3], largest = 0;
        for (int i = 0; i < 3; i++) {
            size[i]   = b.max[i] - b.min[i];
            target[i] = (b.max[i] + b.min[i]) / 2;
            largest   = fmax(largest, size[i]);
        }
        radius   = fmax(sqrt(size[0] * size[0] + size[1] * size[1] + size[2] * size[2]) / 2, 1e-6);
        distance = fmax(0.75 * largest / tan(half_fov), radius / sin(half_fov));
        flat     = size[z_up ? 2 : 1] < 0.25 * largest;
    }
    double a = pi / 4, e = (z_up || flat ? 15 : 25) * pi / 180;
    double up[3] = { 0, !z_up, z_up }, front[3] = { 0, z_up ? -1 : 0, !z_up }, side[3] = { 1, 0, 0 }, eye[3], back[3], right[3], top[3];
    for (int i = 0; i < 3; i++) {
        back[i] = cos(e) * (sin(a) * side[i] + cos(a) * front[i]) + sin(e) * up[i];
        eye[i]  = target[i] + distance * back[i];
    }
    right[0] = up[1] * back[2] - up[2] * back[1];
    right[1] = up[2] * back[0] - up[0] * back[2];
    right[2] = up[0] * back[1] - up[1] * back[0];
    double length = sqrt(right[0] * right[0] + right[1] * right[1] + right[2] * right[2]);
    for (int i = 0; i < 3; i++)
        right[i] /= length;
    top[0] = back[1] * right[2] - back[2] * right[1];
    top[1] = back[2] * right[0] - back[0] * right[2];
    top[2] = back[0] * right[1] - back[1] * right[0];
    fprintf(out, "    def Camera \"Camera\"\n    {\n        float focalLength = %.9g\n        float horizontalAperture = %.9g\n"
                 "        float verticalAperture = %.9g\n        float2 clippingRange = (%.9g, %.9g)\n"
                 "        matrix4d xformOp:transform = ((%.17g, %.17g, %.17g, 0), (%.17g, %.17g, %.17g, 0), "
                 "(%.17g, %.17g, %.17g, 0), (%.17g, %.17g, %.17g, 1))\n"
                 "        uniform token[] xformOpOrder = [\"!resetXformStack!\", \"xformOp:transform\"]\n    }\n",
            focal, aperture, vertical, fmax(distance * 0.001, 1e-4), distance + 10 * radius, right[0], right[1], right[2],
            top[0], top[1], top[2], back[0], back[1], back[2], eye[0], eye[1], eye[2]);
}

static void write_layer(FILE *out, const usd_stage *stage, const char *path, const struct render_options *o)
{
    double start, end;
    const char *marks = strchr(path, '@') ? "@@@" : "@";
    fprintf(out, "#usda 1.0\n(\n    subLayers = [\n        %s%s%s\n    ]\n    upAxis = \"%s\"\n    metersPerUnit = %.17g\n"
                 "    timeCodesPerSecond = %.17g\n    framesPerSecond = %.17g\n",
            marks, path, marks, usd_stage_up_axis(stage), usd_stage_meters_per_unit(stage),
            usd_stage_time_codes_per_second(stage), usd_stage_frames_per_second(stage));
    if (usd_stage_time_range(stage, &start, &end))
        fprintf(out, "    startTimeCode = %.17g\n    endTimeCode = %.17g\n", start, end);
    fprintf(out, ")\n\ndef \"StagecastRender\"\n{\n");

    const usd_prim *camera = o->camera ? NULL : first_of_type(stage, "Camera");
    const char *target     = o->camera ? o->camera : camera ? usd_prim_path(camera) : "/StagecastRender/Camera";
    if (!o->camera && !camera)
        write_fitted_camera(out, stage, o);
    if (o->default_light)
        fprintf(out, "    def DomeLight \"DefaultLight\"\n    {\n        float inputs:intensity = 1\n    }\n");
    fprintf(out, "    def RenderProduct \"Product\"\n    {\n        rel camera = <%s>\n        rel orderedVars = </StagecastRender/Var>\n"
                 "        uniform int2 resolution = (%u, %u)\n        token omni:rtx:rendermode = \"%s\"\n"
                 "        int omni:rtx:pt:samplesPerPixel = %u\n        bool omni:rtx:pt:denoising:enabled = %s\n    }\n"
                 "    def RenderVar \"Var\"\n    {\n        uniform string sourceName = \"%s\"\n    }\n}\n",
            target, o->width, o->height, o->mode, o->samples, o->denoise ? "true" : "false", o->aov);
}

static bool camera_ok(const usd_stage *stage, const char *path)
{
    const usd_prim *prim = usd_stage_find(stage, path);
    if (prim && !strcmp(usd_prim_type_name(prim), "Camera"))
        return true;
    const usd_prim *first = first_of_type(stage, "Camera");
    fprintf(stderr, "stagecast render: %s %s", path, prim ? "is no camera" : "does not exist");
    if (first)
        fprintf(stderr, "; the scene's first camera is %s\n", usd_prim_path(first));
    else
        fprintf(stderr, "; the scene has no camera, leave --camera out to look at all of it\n");
    return false;
}

bool render_scene_facts(struct render_scene_facts *out, const struct render_options *o)
{
    *out = (struct render_scene_facts) { 0 };
    for (const char *c = o->aov; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') {
            fprintf(stderr, "stagecast render: --aov %s is no render var's name\n", o->aov);
            return false;
        }
    }
    out->path = realpath(o->scene, NULL);
    if (!out->path || strstr(out->path, "@@@")) {
        fprintf(stderr, "stagecast render: %s: %s\n", o->scene, out->path ? "the path cannot be written into a layer" : "no such file");
        return false;
    }
    struct usd_error error = { 0 };
    usd_stage *stage       = NULL;
    if (usd_stage_open(out->path, NULL, &stage, &error) < 0) {
        fprintf(stderr, "stagecast render: %s\n", error.message);
        return false;
    }
    size_t size = 0;
    FILE *text  = open_memstream(&out->layer, &size);
    bool ok     = text && (!o->camera || camera_ok(stage, o->camera));
    if (ok)
        write_layer(text, stage, out->path, o);
    if (text)
        fclose(text);
    out->has_light = has_light(stage);
    usd_stage_close(&stage);
    return ok;
}

void render_scene_facts_finish(struct render_scene_facts *f)
{
    free(f->path);
    free(f->layer);
    *f = (struct render_scene_facts) { 0 };
}
