// Composition. The input's bytes choose the statements of one to six small layers with every arc between them, cycles and
// missing targets included; they are packed into one package in memory and opened as a stage.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_edit.h"
#include "fuzz_walk.h"
#include "fuzz_zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct gen {
    const uint8_t *p, *end;
    unsigned layers, depth, serial;
    struct fuzz_bytes text;
};

// 0 once the input is used up: every production takes its shortest form then.
static unsigned take(struct gen *g, unsigned n) { return g->p < g->end ? *g->p++ % n : 0; }

static void put(struct gen *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct gen *g, const char *format, ...)
{
    char b[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b, sizeof(b), format, args);
    va_end(args);
    fuzz_put(&g->text, b, (size_t)n);
}

static const char *const names[] = { "A", "B", "C", "D" };
static const char *const sets[]  = { "v", "w" };

// A list must not have an item twice: takes the newest one back when it is there already. items[0..n] are where each begins.
static bool is_new(struct gen *g, const size_t *items, unsigned n)
{
    size_t size = g->text.count - items[n];
    for (unsigned i = 0; i < n; i++) {
        size_t other = items[i + 1] - items[i];
        if (other == size + 2 && !memcmp(g->text.items + items[i], g->text.items + items[n], size)) { // 2: ", "
            g->text.count = items[n];
            return false;
        }
    }
    put(g, ", ");
    return true;
}

static void path(struct gen *g, bool relative)
{
    static const char *const forms[] = { "/A", "/B", "/C", "/A/B", "/A/C", "/B/A", "/C/D", "/A/B/C", "/D", "/A/B/C/D", "/B/B", "/X" };
    static const char *const near[]  = { "../A", "B", "B/A", "../B/C" };
    unsigned n                       = sizeof(forms) / sizeof(forms[0]);
    if (relative && take(g, 4) == 3)
        put(g, "%s", near[take(g, 4)]);
    else
        put(g, "%s", forms[take(g, n)]);
}

static void asset(struct gen *g)
{
    unsigned k = take(g, g->layers + 3);
    if (k < g->layers)
        put(g, "@l%u.usda@", k);
    else if (k == g->layers)
        put(g, "@missing.usda@");
    else if (k == g->layers + 1)
        put(g, "@`\"l${N}.usda\"`@");
    else
        put(g, "@./l%u.usda@", take(g, 6));
}

static void offset(struct gen *g)
{
    static const char *const forms[] = { "", "", " (offset = 10)", " (scale = 2)", " (offset = -3; scale = 0.5)", " (scale = -1)", " (scale = 0)" };
    put(g, "%s", forms[take(g, 7)]);
}

static void list_word(struct gen *g)
{
    static const char *const words[] = { "prepend ", "", "append ", "add ", "delete ", "prepend " };
    put(g, "%s", words[take(g, 6)]);
}

static void arc_item(struct gen *g, bool external)
{
    unsigned kind = external ? take(g, 3) : 1; // file, file with path, path
    if (external && kind < 2)
        asset(g);
    if (!external || kind) {
        put(g, "<");
        path(g, !external);
        put(g, ">");
    }
    if (external)
        offset(g);
}

static void arc(struct gen *g)
{
    static const char *const fields[] = { "references", "payload", "inherits", "specializes" };
    unsigned field                    = take(g, 4), count = 1 + take(g, 3);
    put(g, "  ");
    list_word(g);
    put(g, "%s = ", fields[field]);
    if (take(g, 16) == 15) {
        put(g, "None\n");
        return;
    }
    put(g, "[");
    size_t items[4];
    for (unsigned i = 0; count--;) {
        items[i] = g->text.count;
        arc_item(g, field < 2);
        i += is_new(g, items, i);
    }
    put(g, "]\n");
}

static void clips(struct gen *g)
{
    put(g, "  clips = { dictionary %s = {\n", take(g, 2) ? "default" : "other");
    if (take(g, 2))
        put(g, "asset[] assetPaths = [@l0.usda@, @./l%u.usda@]\n double2[] active = [(0, 0), (%u, 1)]\n double2[] times = [(0, 0), (5, 5), (5, %u), (20, 2)]\n",
            take(g, 6), take(g, 20), take(g, 9));
    else
        put(g, "string templateAssetPath = \"l#.usda\"\n double templateStartTime = %u\n double templateEndTime = %u\n double templateStride = %s\n",
            take(g, 3), take(g, 6), take(g, 3) ? "1" : take(g, 2) ? "0" : "0.5");
    put(g, "string primPath = \"/%s\"\n", names[take(g, 4)]);
    if (take(g, 2))
        put(g, "asset manifestAssetPath = @l%u.usda@\n", take(g, 6));
    if (take(g, 2))
        put(g, "bool interpolateMissingClipValues = 1\n");
    put(g, "} }\n");
}

static void prim_metadata(struct gen *g)
{
    put(g, " (\n");
    for (unsigned n = take(g, 5); n--;) {
        switch (take(g, 13)) {
        case 0:
        case 1:
        case 2:
        case 3: arc(g); break;
        case 4: put(g, "  variants = { string %s = \"%s\" }\n", sets[take(g, 2)], take(g, 4) ? names[take(g, 3)] : "`${N}`"); break;
        case 5:
            list_word(g);
            put(g, "variantSets = [\"%s\", \"%s\"]\n", "v", "w");
            break;
        case 6: put(g, "  instanceable = %s\n", take(g, 4) == 3 ? "false" : "true"); break;
        case 7: put(g, "  active = %s\n", take(g, 3) ? "true" : "false"); break;
        case 8: put(g, "  permission = private\n"); break;
        case 9: put(g, "  kind = \"%s\"\n", take(g, 2) ? "group" : "component"); break;
        case 10:
            put(g, "  prepend apiSchemas = [\"MaterialBindingAPI\", \"CollectionAPI:c%u\"]\n", take(g, 2));
            break;
        case 11: put(g, "  customData = { int n = %u\n dictionary d = { string s = \"%u\" } }\n", take(g, 9), g->serial++); break;
        default: clips(g);
        }
    }
    put(g, ")");
}

static void targets(struct gen *g, const char *suffix)
{
    put(g, " = [");
    size_t items[4];
    for (unsigned i = 0, n = take(g, 3) + 1; n--;) {
        items[i] = g->text.count;
        put(g, "<");
        path(g, true);
        put(g, "%s>", take(g, 2) ? suffix : "");
        i += is_new(g, items, i);
    }
    put(g, "]\n");
}

static void property(struct gen *g)
{
    switch (take(g, 16)) {
    case 0: put(g, "float f = %u\n", take(g, 9)); break;
    case 1: put(g, "float f.timeSamples = { %u: 1, %u: 2.5, 30: None, 40: %u }\n", take(g, 5), take(g, 29), take(g, 9)); break;
    case 2:
        list_word(g);
        put(g, "rel r");
        targets(g, ".f");
        break;
    case 3:
        list_word(g);
        put(g, "float f.connect");
        targets(g, ".f");
        break;
    case 4: put(g, "double3 xformOp:translate = (%u, 0, 1)\n uniform token[] xformOpOrder = [%s\"xformOp:translate\"]\n", take(g, 9), take(g, 3) ? "" : "\"!resetXformStack!\", "); break;
    case 5: put(g, "double3 xformOp:translate.timeSamples = { 0: (0, 0, 0), %u: (1, 2, 3) }\n", 1 + take(g, 20)); break;
    case 6: put(g, "token visibility = \"%s\"\n", take(g, 2) ? "invisible" : "inherited"); break;
    case 7: put(g, "uniform token purpose = \"%s\"\n", take(g, 2) ? "render" : "guide"); break;
    case 8: put(g, "asset tex = @%s@\n", take(g, 2) ? "t.<UDIM>.png" : take(g, 2) ? "`\"${N}.png\"`" : "l0.usda"); break;
    case 9:
        put(g, "rel material:binding");
        targets(g, "");
        break;
    case 10:
        put(g, "rel collection:c%u:includes", take(g, 2));
        targets(g, ".f");
        break;
    case 11: put(g, "float3[] extent = [(-1, -1, -1), (1, 1, %u)]\n", take(g, 4)); break;
    case 12: put(g, "point3f[] points = [(0, 0, 0), (%u, 1, 1)]\n int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0, 1, %u]\n", take(g, 9), take(g, 4)); break;
    case 13: put(g, "float[] primvars:p = [1, %u] (\n interpolation = \"constant\"\n)\n int[] primvars:p:indices = [0, %u]\n", take(g, 9), take(g, 3)); break;
    case 14: put(g, "int[] protoIndices = [0, %u]\n rel prototypes = <B>\n point3f[] positions = [(0, 0, 0), (5, 0, 0)]\n", take(g, 3)); break;
    default:
        put(g, "double sp.spline = {\n %s,\n %u: %u; post held,\n 10: 4; pre (2, 1); post curve (3, 0.5),\n}\n", take(g, 2) ? "bezier" : "hermite", take(g, 9), take(g, 9));
    }
}

static void prims(struct gen *g, unsigned max);

static void variant_set(struct gen *g, const char *set)
{
    put(g, "variantSet \"%s\" = {\n", set);
    unsigned used = 0;
    for (unsigned n = take(g, 4); n--;) {
        unsigned k = take(g, 3);
        if (used >> k & 1)
            continue;
        used |= 1u << k;
        put(g, "\"%s\"", names[k]);
        if (take(g, 2))
            prim_metadata(g);
        put(g, " {\n");
        if (take(g, 2))
            property(g);
        prims(g, 2);
        put(g, "}\n");
    }
    put(g, "}\n");
}

// The grammar wants properties of one name to agree; each is written once.
static void body(struct gen *g)
{
    for (unsigned n = take(g, 4); n--;)
        property(g);
    if (take(g, 5) == 4)
        put(g, "reorder nameChildren = [\"%s\", \"%s\"]\n", names[take(g, 2)], names[2 + take(g, 2)]);
    prims(g, 3);
    unsigned v = take(g, 6);
    for (unsigned i = 0; i < 2; i++)
        if (v == i + 1 || v == 3)
            variant_set(g, sets[i]);
}

static void prims(struct gen *g, unsigned max)
{
    static const char *const types[] = { "", "Xform", "Mesh", "Scope", "Sphere", "PointInstancer", "Material" };
    static const char *const words[] = { "def", "def", "over", "class" };
    if (++g->depth < 6) {
        unsigned used = 0;
        for (unsigned n = take(g, max + 1); n--;) {
            unsigned k = take(g, 4);
            if (used >> k & 1)
                continue;
            used |= 1u << k;
            put(g, "%s %s \"%s\"", words[take(g, 4)], types[take(g, 7)], names[k]);
            prim_metadata(g);
            put(g, " {\n");
            body(g);
            put(g, "}\n");
        }
    }
    g->depth--;
}

static void layer(struct gen *g)
{
    put(g, "#usda 1.0\n(\n");
    for (unsigned n = take(g, 5); n--;) {
        switch (take(g, 6)) {
        case 0: put(g, "defaultPrim = \"%s\"\n", take(g, 5) ? names[take(g, 4)] : "A/B"); break;
        case 1:
            put(g, "subLayers = [");
            for (unsigned i = 0, k = 1 + take(g, 2); i < k; i++) {
                put(g, i ? ", " : "");
                asset(g);
                offset(g);
            }
            put(g, "]\n");
            break;
        case 2:
            put(g, "relocates = {");
            for (unsigned i = 0, k = 1 + take(g, 3); i < k; i++) {
                put(g, "<");
                path(g, false);
                put(g, ">: <");
                if (take(g, 5))
                    path(g, false);
                put(g, ">,\n");
            }
            put(g, "}\n");
            break;
        case 3: put(g, "expressionVariables = { string N = \"%s\" }\n", take(g, 2) ? "1" : "`${M}`"); break;
        case 4: put(g, "timeCodesPerSecond = %s\n", take(g, 2) ? "48" : "12"); break;
        default: put(g, "startTimeCode = 1\n endTimeCode = %u\n", take(g, 100));
        }
    }
    put(g, ")\n");
    prims(g, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    struct gen g          = { .p = data, .end = data + size };
    struct fuzz_bytes zip = { 0 };
    g.layers              = 1 + take(&g, 6);
    unsigned flags        = take(&g, 16);
    // Each layer has its own part, so that changing one leaves the others alone; the last bytes are edits.
    size_t edits        = g.end - g.p > 40 ? 24 : 0;
    const uint8_t *from = g.p, *to = g.end - edits;
    for (unsigned i = 0; i < g.layers; i++) {
        char name[16];
        int n = snprintf(name, sizeof(name), "l%u.usda", i);
        g.p   = from + (size_t)(to - from) * i / g.layers;
        g.end = from + (size_t)(to - from) * (i + 1) / g.layers;
        array_clear(&g.text);
        layer(&g);
        if (getenv("FUZZ_SHOW")) // to read what a finding says
            fprintf(stderr, "--- %s\n%.*s", name, (int)g.text.count, (const char *)g.text.items);
        fuzz_zip_add(&zip, name, (size_t)n, g.text.items, g.text.count, 0, 0, 64);
    }
    fuzz_zip_end(&zip, "");
    array_free(&g.text);
    struct usd_variant_choice choice = { "/A", "v", "B" };
    struct usd_open_options options  = { .limits = &fuzz_limits, .allow_path = fuzz_no_path, .skip_payloads = flags == 15,
                                         .threads = flags & 1 ? 2 : 1, .variants = &choice, .variant_count = flags >> 1 & 1 };
    usd_stage *s;
    if (usd_stage_open_string(zip.items, zip.count, "/fuzz/p.usdz", "/fuzz", &options, &s, NULL) == USD_OK) {
        fuzz_walk(s);
        fuzz_flatten(s);
        usd_stage_validate(s);
        fuzz_edit(s, to, edits);
        for (size_t i = 0; getenv("FUZZ_SHOW") && i < usd_stage_diagnostic_count(s); i++)
            printf("%s: %s\n", usd_stage_diagnostic(s, i)->path, usd_stage_diagnostic(s, i)->message);
    }
    usd_stage_close(&s);
    array_free(&zip);
    return 0;
}
