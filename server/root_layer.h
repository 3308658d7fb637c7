// The viewer's own root layer as USDA text: the user's scene as only sublayer, the camera, the render
// product with its variables and settings, and variant selections. Any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "camera.h"

#define VIEWER_CAMERA "/OVCamera"
#define VIEWER_PRODUCT "/Render/OVServer/ViewportTexture0"

// Metadata of the user's layer; only what it authors is copied.
struct root_layer_metadata {
    char up_axis[8]; // "" = not authored
    bool has_meters_per_unit, has_start, has_end, has_time_codes, has_frames;
    double meters_per_unit, start, end, time_codes_per_second, frames_per_second;
};

struct root_layer_desc {
    const char *scene; // absolute path
    const struct root_layer_metadata *metadata;
    const struct camera *camera;
    int width, height;
    bool all_aovs;
    json_t *variants; // {"/Prim": {"set": "selection"}} or NULL
};

/** malloc'ed text, or NULL with *error saying why this scene cannot be named in a layer. */
char *root_layer_text(const struct root_layer_desc *desc, char *error, size_t error_size);
// Whether a path belongs to the viewer: the camera, or the render scope it authored.
bool root_layer_owns(const char *prim_path);
