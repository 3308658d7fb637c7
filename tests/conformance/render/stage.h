// What the renderer's tests share: a renderer with validation on, a small scene of shapes, frames to look into.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render.h"

struct stage {
    struct renderer *renderer;
    struct render_scene *scene;
    struct render_view *view;
    struct render_frame *frame; // the newest
    uint32_t width, height;
    struct render_frame_desc desc;
};

// Exits with 77 when there is no Vulkan device.
void stage_open(struct stage *s, uint32_t width, uint32_t height);
void stage_close(struct stage *s); // fails on validation errors
// Draws and keeps the frame, the one before is destroyed.
void stage_draw(struct stage *s);
const void *stage_map(struct stage *s, enum render_output output);

void stage_translation(double m[16], double x, double y, double z);
render_id stage_shape(struct stage *s, enum render_shape shape, double size); // cube edge, sphere radius, plane side
render_id stage_material(struct stage *s, float r, float g, float b);
// At (x, y, z), visible and pickable, instance id and user as given.
render_id stage_instance(struct stage *s, render_id mesh, render_id material, double x, double y, double z, uint32_t id);
render_id stage_dome(struct stage *s, float r, float g, float b);

// RGBA8 pixel of LdrColor.
struct stage_pixel {
    uint8_t r, g, b, a;
};
struct stage_pixel stage_pixel(struct stage *s, uint32_t x, uint32_t y);
