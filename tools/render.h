// stagecast render: a scene to a picture file, through the ovrtx interface.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int render_run(int argc, char **argv);

struct render_options {
    const char *scene, *output;
    const char *camera; // NULL = the scene's first, else one fitted to its bounds
    uint32_t width, height;
    const char *mode;   // omni:rtx:rendermode
    uint32_t samples;
    const char *aov;
    double time;        // seconds
    bool has_time, default_light, denoise, quiet, verbose;
};
enum parse_result { PARSE_OK, PARSE_HELP, PARSE_BAD };
enum parse_result render_options_parse(struct render_options *out, int argc, char **argv);

// What the tool has to know of a scene before the renderer opens it.
struct render_scene_facts {
    char *path; // absolute
    char *layer; // the generated root layer: the scene, a product at RENDER_PRODUCT, a camera when needed
    bool has_light;
};
#define RENDER_PRODUCT "/StagecastRender/Product"
#define RENDER_MAX_SAMPLES 65536
// false after a message on stderr.
bool render_scene_facts(struct render_scene_facts *out, const struct render_options *options);
void render_scene_facts_finish(struct render_scene_facts *f);

// Pixels of one picture, rows tight, top row first.
enum picture_kind { PICTURE_U8, PICTURE_U32, PICTURE_HALF, PICTURE_FLOAT };
struct picture_data {
    enum picture_kind kind;
    uint32_t width, height, channels;
    const void *pixels;
};
// PNG or EXR by the file's name. Floats and ids become grey levels or colours in a PNG; `depth` says that near is bright.
bool picture_write(const char *path, const struct picture_data *p);
bool picture_path_ok(const char *path); // ends in .png or .exr
