// The command line of stagecast render.

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

static const char usage[] =
    "usage: stagecast render SCENE -o FILE [OPTIONS]\n"
    "\n"
    "Renders a USD scene (.usda, .usdc, .usd, .usdz) to FILE: .png, or .exr for unclipped values.\n"
    "\n"
    "  -o, --output FILE     the picture\n"
    "      --camera PATH     camera prim; without it the scene's first camera, else one fitted to the scene\n"
    "      --size WxH        pixels (1280x720)\n"
    "      --mode MODE       rt: real-time path tracing (default); pt: reference path tracing; minimal: rasterised\n"
    "      --spp N           samples per pixel (64)\n"
    "      --aov NAME        what to write: LdrColor (default), HdrColor, NormalSD, DepthSD, DistanceToCameraSD,\n"
    "                        DistanceToImagePlaneSD, DiffuseAlbedoSD, Camera3dPositionSD, InstanceSegmentationSD,\n"
    "                        SemanticSegmentation\n"
    "      --time SECONDS    stage time (the scene's start)\n"
    "      --default-light   adds a dome light, for scenes that have no light\n"
    "      --no-denoise      keeps the noise of --mode pt\n"
    "  -q, --quiet           no progress and no hints\n"
    "  -v, --verbose         the library's messages too\n"
    "  -h, --help            this text\n"
    "\n"
    "examples:\n"
    "  stagecast render samples/gallery.usda -o gallery.png\n"
    "  stagecast render model.usdz -o model.png --size 1920x1080 --mode pt --spp 256 --default-light\n"
    "  stagecast render shot.usda -o depth.exr --aov DistanceToCameraSD --camera /World/Cam --time 1.5\n";

static const struct {
    const char *name, *token;
} modes[] = { { "rt", "RealTimePathTracing" }, { "pt", "PathTracing" }, { "minimal", "Minimal" } };

static bool parse_size(const char *text, struct render_options *o)
{
    unsigned w, h;
    char end;
    if (sscanf(text, "%ux%u%c", &w, &h, &end) != 2 || w < 1 || h < 1 || w > 16384 || h > 16384) {
        fprintf(stderr, "stagecast render: --size %s is not WIDTHxHEIGHT with 1 to 16384 pixels a side\n", text);
        return false;
    }
    o->width  = w;
    o->height = h;
    return true;
}

static bool parse_mode(const char *text, struct render_options *o)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (!strcmp(text, modes[i].name)) {
            o->mode = modes[i].token;
            return true;
        }
    }
    fprintf(stderr, "stagecast render: --mode %s is none of rt, pt, minimal\n", text);
    return false;
}

static bool parse_samples(const char *text, struct render_options *o)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!*text || *end || n < 1 || n > RENDER_MAX_SAMPLES) {
        fprintf(stderr, "stagecast render: --spp %s is not a number from 1 to %d\n", text, RENDER_MAX_SAMPLES);
        return false;
    }
    o->samples = (uint32_t)n;
    return true;
}

static bool parse_time(const char *text, struct render_options *o)
{
    char *end;
    o->time     = strtod(text, &end);
    o->has_time = true;
    if (!*text || *end || !isfinite(o->time)) {
        fprintf(stderr, "stagecast render: --time %s is not a number of seconds\n", text);
        return false;
    }
    return true;
}

static bool check(const struct render_options *o)
{
    if (!o->scene)
        fprintf(stderr, "stagecast render: which scene? 'stagecast render --help' shows how\n");
    else if (!o->output)
        fprintf(stderr, "stagecast render: where to? add -o picture.png\n");
    else if (!picture_path_ok(o->output))
        fprintf(stderr, "stagecast render: %s: the name must end in .png or .exr\n", o->output);
    else if (o->camera && o->camera[0] != '/')
        fprintf(stderr, "stagecast render: --camera %s is not an absolute prim path such as /World/Camera\n", o->camera);
    else
        return true;
    return false;
}

enum parse_result render_options_parse(struct render_options *o, int argc, char **argv)
{
    enum { CAMERA = 256, SIZE, MODE, SPP, AOV, TIME, LIGHT, NO_DENOISE };
    static const struct option longs[] = {
        { "output", required_argument, NULL, 'o' }, { "camera", required_argument, NULL, CAMERA },
        { "size", required_argument, NULL, SIZE },  { "mode", required_argument, NULL, MODE },
        { "spp", required_argument, NULL, SPP },    { "aov", required_argument, NULL, AOV },
        { "time", required_argument, NULL, TIME },  { "default-light", no_argument, NULL, LIGHT },
        { "no-denoise", no_argument, NULL, NO_DENOISE }, { "quiet", no_argument, NULL, 'q' },
        { "verbose", no_argument, NULL, 'v' },      { "help", no_argument, NULL, 'h' }, { 0 },
    };
    *o = (struct render_options) { .width = 1280, .height = 720, .mode = modes[0].token, .samples = 64, .aov = "LdrColor", .denoise = true };
    bool ok = true;
    int c;
    optind = 0; // start over, glibc
    while (ok && (c = getopt_long(argc, argv, "o:qvh", longs, NULL)) != -1) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'q': o->quiet = true; break;
        case 'v': o->verbose = true; break;
        case CAMERA: o->camera = optarg; break;
        case AOV: o->aov = optarg; break;
        case LIGHT: o->default_light = true; break;
        case NO_DENOISE: o->denoise = false; break;
        case SIZE: ok = parse_size(optarg, o); break;
        case MODE: ok = parse_mode(optarg, o); break;
        case SPP: ok = parse_samples(optarg, o); break;
        case TIME: ok = parse_time(optarg, o); break;
        case 'h': fputs(usage, stdout); return PARSE_HELP;
        default: ok = false; break;
        }
    }
    if (ok && optind < argc)
        o->scene = argv[optind++];
    if (ok && optind < argc) {
        fprintf(stderr, "stagecast render: one scene at a time; what is '%s'?\n", argv[optind]);
        ok = false;
    }
    return ok && check(o) ? PARSE_OK : PARSE_BAD;
}
