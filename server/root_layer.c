#include "root_layer.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "display.h"

struct text {
    char *data;
    size_t size, capacity;
    bool bad;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (t->bad || n < 0)
        return;
    if (t->size + (size_t)n + 1 > t->capacity) {
        size_t capacity = (t->capacity + (size_t)n + 1) * 2;
        char *data      = realloc(t->data, capacity);
        t->bad          = !data;
        if (!data)
            return;
        t->data     = data;
        t->capacity = capacity;
    }
    va_start(args, format);
    vsnprintf(t->data + t->size, (size_t)n + 1, format, args);
    va_end(args);
    t->size += (size_t)n;
}

static void add_quoted(struct text *t, const char *s)
{
    add(t, "\"");
    for (; *s; s++)
        add(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    add(t, "\"");
}

static bool add_asset(struct text *t, const char *path, char *error, size_t error_size)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f) {
            snprintf(error, error_size, "the scene's path holds a control character");
            return false;
        }
    if (!strchr(path, '@')) {
        add(t, "@%s@", path);
        return true;
    }
    if (strstr(path, "@@@") || path[n - 1] == '@') {
        snprintf(error, error_size, "the scene's path cannot be written in a layer: too many '@'");
        return false;
    }
    add(t, "@@@%s@@@", path);
    return true;
}

static void add_metadata(struct text *t, const struct root_layer_metadata *m)
{
    if (m->up_axis[0]) {
        add(t, "    upAxis = ");
        add_quoted(t, m->up_axis);
        add(t, "\n");
    }
    if (m->has_meters_per_unit)
        add(t, "    metersPerUnit = %.17g\n", m->meters_per_unit);
    if (m->has_start)
        add(t, "    startTimeCode = %.17g\n", m->start);
    if (m->has_end)
        add(t, "    endTimeCode = %.17g\n", m->end);
    if (m->has_time_codes)
        add(t, "    timeCodesPerSecond = %.17g\n", m->time_codes_per_second);
    if (m->has_frames)
        add(t, "    framesPerSecond = %.17g\n", m->frames_per_second);
}

static void add_camera(struct text *t, const struct camera *c)
{
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    double v[16];
    if (camera_matrix(c, v))
        memcpy(m, v, sizeof(m));
    add(t, "\ndef Camera \"OVCamera\"\n{\n"
           "    token projection = \"perspective\"\n"
           "    float focalLength = %.9g\n"
           "    float horizontalAperture = %.9g\n"
           "    float verticalAperture = %.9g\n"
           "    float2 clippingRange = (%.9g, %.9g)\n"
           "    matrix4d xformOp:transform = (",
        c->lens.focal_length, c->lens.horizontal_aperture, c->lens.vertical_aperture, c->lens.clip_near, c->lens.clip_far);
    for (int row = 0; row < 4; row++)
        add(t, "%s(%.17g, %.17g, %.17g, %.17g)", row ? ", " : "", m[4 * row], m[4 * row + 1], m[4 * row + 2], m[4 * row + 3]);
    add(t, ")\n    uniform token[] xformOpOrder = [\"xformOp:transform\"]\n}\n");
}

static void add_product(struct text *t, const struct root_layer_desc *d)
{
    static const char *const passes[] = {
        "diAOV", "giAOV", "diffuseFilterAOV", "reflectionsAOV", "refractionFilterAOV", "refractionsAOV", "selfIllumAOV",
        "volumesAOV", "worldNormalsAOV", "worldPosAOV", "zDepthAOV", "denoising:optix:denoiseAOVs",
    };
    // Renderers spell the semantic ids' source name in two ways: both are asked for, one will be there.
    struct { const char *prim, *source; } vars[AOV_COUNT + 1];
    int count = 0;
    for (int i = 0; i < (d->all_aovs ? AOV_COUNT : 1); i++) {
        vars[count].prim     = aov_prim_name((enum aov)i);
        vars[count++].source = aov_name((enum aov)i);
    }
    if (d->all_aovs)
        vars[count].prim = vars[count].source = AOV_SEMANTIC_OTHER, count++;
    add(t, "\ndef \"Render\"\n{\n"
           "    def \"OVServer\"\n    {\n"
           "        def RenderProduct \"ViewportTexture0\" (\n"
           "            prepend apiSchemas = [\"OmniRtxSettingsCommonAdvancedAPI_1\", \"OmniRtxSettingsPtAdvancedAPI_1\", "
           "\"OmniRtxSettingsRtAdvancedAPI_1\"]\n"
           "        )\n        {\n"
           "            rel camera = <" VIEWER_CAMERA ">\n"
           "            rel orderedVars = [\n");
    for (int i = 0; i < count; i++)
        add(t, "                </Render/Vars/%s>%s\n", vars[i].prim, i + 1 < count ? "," : "");
    add(t, "            ]\n"
           "            uniform int2 resolution = (%d, %d)\n"
           "            token omni:rtx:rendermode = \"RealTimePathTracing\"\n", d->width, d->height);
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
        add(t, "            bool omni:rtx:pt:%s = 1\n", passes[i]);
    add(t, "            float omni:rtx:pt:zDepthMin = 0.1\n"
           "            float omni:rtx:pt:zDepthMax = 10000\n"
           "            int omni:rtx:pt:maxSamplesPerLaunch = 2073600\n"
           "            float omni:rtx:rtpt:modulatingRoughnessThreshold = 0.08\n"
           "        }\n    }\n\n    def \"Vars\"\n    {\n");
    for (int i = 0; i < count; i++)
        add(t, "%s        def RenderVar \"%s\"\n        {\n            uniform string sourceName = \"%s\"\n        }\n",
            i ? "\n" : "", vars[i].prim, vars[i].source);
    add(t, "    }\n\n    def RenderSettings \"OVRenderSettings\"\n    {\n"
           "        rel products = <" VIEWER_PRODUCT ">\n    }\n}\n");
}

// One nested chain of overs for a prim path, innermost with its variant selections.
static void add_variants(struct text *t, const char *path, json_t *sets)
{
    int depth = 0;
    const char *p = path;
    add(t, "\n");
    while (*p == '/') {
        size_t n  = strcspn(p + 1, "/");
        bool last = p[1 + n] == '\0';
        add(t, "%*sover \"%.*s\"%s\n", depth * 4, "", (int)n, p + 1, last ? " (" : "");
        if (last) {
            const char *set;
            json_t *selection;
            add(t, "%*svariants = {\n", depth * 4 + 4, "");
            json_object_foreach(sets, set, selection) {
                add(t, "%*sstring ", depth * 4 + 8, "");
                add_quoted(t, set);
                add(t, " = ");
                add_quoted(t, json_string_value(selection));
                add(t, "\n");
            }
            add(t, "%*s}\n%*s)\n", depth * 4 + 4, "", depth * 4, "");
        }
        add(t, "%*s{\n", depth * 4, "");
        depth++;
        p += 1 + n;
    }
    while (depth--)
        add(t, "%*s}\n", depth * 4, "");
}

char *root_layer_text(const struct root_layer_desc *d, char *error, size_t error_size)
{
    struct text t = { 0 };
    // Numbers are written with a point in every locale.
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), before = c ? uselocale(c) : (locale_t)0;
    add(&t, "#usda 1.0\n(\n");
    add_metadata(&t, d->metadata);
    add(&t, "    subLayers = [\n        ");
    bool ok = add_asset(&t, d->scene, error, error_size);
    add(&t, "\n    ]\n)\n");
    add_camera(&t, d->camera);
    add_product(&t, d);
    const char *path;
    json_t *sets;
    json_object_foreach(d->variants, path, sets)
        add_variants(&t, path, sets);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    if (t.bad)
        snprintf(error, error_size, "out of memory");
    if (ok && !t.bad)
        return t.data;
    free(t.data);
    return NULL;
}

bool root_layer_owns(const char *path)
{
    static const char *const own[] = { VIEWER_CAMERA, "/Render/OVServer", "/Render/Vars", "/Render/OVRenderSettings" };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        size_t n = strlen(own[i]);
        if (!strncmp(path, own[i], n) && (path[n] == '\0' || path[n] == '/'))
            return true;
    }
    return false;
}
