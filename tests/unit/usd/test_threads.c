// One stage read by eight threads at once, and stages that share layers opened and closed by several. Everything that is
// made on first use is asked for: paths, property tables, targets, stand-ins below instances, samples of crates, clips,
// long child lists, definitions, assets, bounds. What the threads see must be what one thread alone sees. Built with
// -Db_sanitize=thread (`make sanitize` does) it also shows what they do to each other.
#include "usd_test.h"

#include <pthread.h>

#define THREADS 8

static struct folder dir;
static char corpus[512], root_path[128];

static const char *const part =
    "#usda 1.0\n( defaultPrim = \"Part\" )\n"
    "def Xform \"Part\" ( variants = { string look = \"red\" }\n prepend variantSets = \"look\"\n"
    "  clips = { dictionary default = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./clip.usda@]\n double2[] active = [(0, 0)]\n double2[] times = [(0, 0), (10, 10)]\n } } )\n{\n"
    " double v\n double3 xformOp:translate.timeSamples = { 0: (0, 0, 0), 10: (1, 2, 3) }\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
    " def Mesh \"mesh\" ( prepend apiSchemas = [\"MaterialBindingAPI\"] ) {\n"
    "  point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]\n int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0, 1, 2]\n"
    "  color3f[] primvars:displayColor = [(1, 0, 0)]\n rel material:binding = </Part/mat>\n }\n"
    " def Material \"mat\" { token outputs:surface.connect = </Part/mat/shader.outputs:surface>\n"
    "  def Shader \"shader\" { asset inputs:file = @./picture.png@\n token outputs:surface\n }\n }\n"
    " def PointInstancer \"many\" { rel prototypes = </Part/many/ball>\n int[] protoIndices = [0, 0]\n point3f[] positions = [(0, 0, 0), (5, 0, 0)]\n def Sphere \"ball\" {}\n }\n"
    " def \"inner\" ( instanceable = true\n references = </Leaf> ) {}\n"
    " variantSet \"look\" = { \"red\" { over \"mesh\" { int tone = 1\n }\n }\n \"blue\" { over \"mesh\" { int tone = 2\n }\n } }\n"
    "}\n"
    "def \"Leaf\" { rel back = </Leaf/tip>\n def Cube \"tip\" { double size = 3\n float size2.connect = </Leaf.x>\n }\n float x = 1\n }\n";

static int make(void **state)
{
    dir = make_folder();
    write_file(&dir, "part.usda", part);
    write_file(&dir, "clip.usda", "#usda 1.0\nover \"Clip\" { double v.timeSamples = { 0: 1, 10: 2 }; }\n");
    write_file(&dir, "picture.png", "no picture");
    write_file(&dir, "base.usda", "#usda 1.0\nclass \"_style\" { int styled = 7\n }\nover \"World\" { over \"I3\" { custom string note = \"weak\"\n }\n }\n");
    write_file(&dir, "more.usda", "#usda 1.0\nover \"World\" { over \"I5\" { custom string more = \"weakest\"\n }\n }\n");
    char *text = malloc(1 << 16), *at = text;
    at += sprintf(at, "#usda 1.0\n( defaultPrim = \"World\"\n subLayers = [@./base.usda@ (offset = 3), @./more.usda@, @./none.usda@] )\ndef Xform \"World\" ( kind = \"assembly\" )\n{\n");
    for (int i = 0; i < 90; i++) // more than a list that is searched name by name
        at += sprintf(at, " def \"I%d\" ( instanceable = %s\n inherits = </_style>\n references = @./part.usda@\n variants = { string look = \"%s\" }\n"
                          "  customData = { int number = %d } )\n {\n double3 xformOp:translate = (%d, 0, 0)\n }\n",
                      i, i % 9 ? "true" : "false", i & 1 ? "red" : "blue", i, i);
    at += sprintf(at, "}\ndef \"Binary\" ( references = @%s/v0_8_0.usdc@ ) {}\n", corpus);
    snprintf(root_path, sizeof(root_path), "%s", write_file(&dir, "root.usda", text));
    free(text);
    return 0;
}

static int clean(void **state)
{
    remove_folder(&dir);
    return 0;
}

// ---------------------------------------------------------------------------------------------------------------
// A digest of all that a stage says. Sums over prims, so that the order of the walk does not matter.

static uint64_t mix(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}
static uint64_t mix_text(uint64_t h, const char *text) { return text ? mix(h, text, strlen(text) + 1) : h + 1; }
static uint64_t mix_number(uint64_t h, double v) { return mix(h, &v, sizeof(v)); }

static uint64_t mix_value(uint64_t h, struct usd_value *v)
{
    h = mix_number(h, (double)v->count + v->type * 1e6);
    if (v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_STRING || v->type == USD_TYPE_PATH)
        for (size_t i = 0; i < v->count; i++)
            h = mix_text(h, ((const char *const *)v->data)[i]);
    else if (v->type == USD_TYPE_ASSET)
        for (size_t i = 0; i < v->count; i++)
            h = mix_text(h, ((const struct usd_asset *)v->data)[i].resolved);
    else if (usd_type_size(v->type))
        h = mix(h, v->data, v->count * usd_type_size(v->type));
    usd_value_finish(v);
    return h;
}

static uint64_t property_digest(uint64_t h, const usd_property *q)
{
    static const double times[] = { NAN, 0, 4.5 };
    struct usd_value v;
    struct usd_opinion o;
    h = mix_text(mix_text(h, usd_property_name(q)), usd_property_type_name(q));
    for (int i = 0; i < 3; i++)
        if (usd_attr_get(q, times[i], &v))
            h = mix_value(h, &v);
    h = mix_number(h, (double)usd_attr_sample_count(q));
    for (size_t i = 0; i < usd_rel_target_count(q); i++)
        h = mix_text(h, usd_rel_target(q, i));
    for (size_t i = 0; i < usd_attr_connection_count(q); i++)
        h = mix_text(h, usd_attr_connection(q, i));
    for (size_t i = 0; usd_property_opinion(q, i, &o); i++)
        h = mix_text(mix_text(h, o.layer), o.path);
    return h;
}

static uint64_t prim_digest(const usd_stage *s, const usd_prim *p)
{
    uint64_t h = mix_text(0xcbf29ce484222325u, usd_prim_path(p));
    double matrix[16];
    struct usd_bounds b;
    struct usd_value v;
    struct usd_opinion o;
    h = mix_number(h, usd_stage_find(s, usd_prim_path(p)) == p);
    for (size_t i = 0; i < usd_prim_property_count(p); i++)
        h = property_digest(h, usd_prim_property(p, i));
    usd_prim_world_matrix(p, 4, matrix);
    h = mix(h, matrix, sizeof(matrix));
    if (usd_prim_world_bounds(p, 4, USD_PURPOSE_DEFAULT, &b))
        h = mix(h, &b, sizeof(b));
    h = mix_text(h, usd_prim_path(usd_prim_bound_material(p, "")));
    h = mix_text(h, usd_property_name(usd_prim_find_primvar(p, "displayColor", NULL)));
    h = mix_text(h, usd_prim_path(usd_prim_in_prototype(p)) ? usd_prim_type_name(usd_prim_in_prototype(p)) : "");
    h = mix_number(h, (double)usd_definition_property_count(usd_prim_definition(p)));
    if (usd_prim_metadata(p, "customData", &v))
        h = mix_value(h, &v);
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++)
        h = mix_text(h, usd_prim_variant_selection(p, i));
    for (size_t i = 0; usd_prim_opinion(p, i, &o); i++)
        h = mix_text(mix_text(h, o.layer), o.path);
    return h;
}

static uint64_t subtree_digest(const usd_stage *s, const usd_prim *top, size_t *count)
{
    uint64_t sum = 0;
    for (const usd_prim *p = top; p; p = usd_prim_next(p, top, false)) {
        sum += prim_digest(s, p);
        ++*count;
    }
    return sum;
}

struct walk {
    const usd_stage *stage;
    int first; // child of the top prims with which this thread begins
    uint64_t sum;
    size_t count;
};

static void *walk(void *user)
{
    struct walk *w    = user;
    const usd_prim *p = prim(w->stage, "/World");
    int n             = 0;
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c))
        n++;
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "I%d", (i + w->first) % n);
        const usd_prim *c = usd_prim_child(p, name);
        w->sum += c ? subtree_digest(w->stage, c, &w->count) : 1;
    }
    w->sum += prim_digest(w->stage, p) + subtree_digest(w->stage, prim(w->stage, "/Binary"), &w->count);
    return NULL;
}

static void eight_threads_see_what_one_sees(void **state)
{
    usd_stage *s     = open_file(root_path);
    struct walk alone = { .stage = s };
    walk(&alone);
    assert_int_equal(usd_stage_diagnostic_count(s), 1); // a sublayer that is not there is reported once, whoever looked for it
    usd_stage_close(&s);
    assert_true(alone.count > 90 * 7);
    for (int round = 0; round < 3; round++) {
        s = open_file(root_path); // nothing that is made on first use is there
        struct walk w[THREADS];
        pthread_t t[THREADS];
        for (int i = 0; i < THREADS; i++) {
            w[i] = (struct walk) { .stage = s, .first = round ? i * 11 : 0 };
            assert_int_equal(pthread_create(&t[i], NULL, walk, &w[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(t[i], NULL);
            assert_int_equal(w[i].count, alone.count);
            assert_true(w[i].sum == alone.sum);
        }
        usd_stage_close(&s);
    }
}

// ---------------------------------------------------------------------------------------------------------------

struct opener {
    uint64_t expected;
    int failures;
};

static void *open_and_close(void *user)
{
    struct opener *o = user;
    for (int i = 0; i < 12; i++) {
        usd_stage *s;
        if (usd_stage_open(root_path, NULL, &s, NULL) != USD_OK) {
            o->failures++;
            continue;
        }
        struct walk w = { .stage = s };
        const usd_prim *p = usd_stage_find(s, "/World/I1");
        w.sum             = p ? subtree_digest(s, p, &w.count) : 0;
        o->failures += w.sum != o->expected;
        usd_stage_close(&s);
    }
    return NULL;
}

// Layers go when their last stage closes, while another thread may just be asking for them.
static void stages_share_layers_while_others_open_and_close(void **state)
{
    usd_stage *s = open_file(root_path);
    size_t count = 0;
    struct opener o[4];
    pthread_t t[4];
    uint64_t expected = subtree_digest(s, prim(s, "/World/I1"), &count);
    usd_stage_close(&s);
    for (int i = 0; i < 4; i++) {
        o[i] = (struct opener) { expected, 0 };
        assert_int_equal(pthread_create(&t[i], NULL, open_and_close, &o[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(o[i].failures, 0);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Composing by many threads: every child of /Set opens assets of its own.

#define ASSETS 320 // more than the list of children that is shared between threads

static void write_assets(void)
{
    char name[64], text[4096];
    for (int i = 0; i < ASSETS; i++) {
        snprintf(text, sizeof(text),
                 "#usda 1.0\n( defaultPrim = \"A\"\n expressionVariables = { string part = \"%s\" }\n subLayers = [@./under%d.usda@] )\n"
                 "def \"A\" ( references = [@`\"./${part}.usda\"`@, @./missing%d.usda@] )\n{\n"
                 " def \"next\" ( references = @./asset%d.usda@</A/mesh> ) {}\n def Scope \"own\" {}\n}\n",
                 "part", i % 40, i % 7, (i + 1) % ASSETS);
        snprintf(name, sizeof(name), "asset%d.usda", i);
        write_file(&dir, name, text);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "#usda 1.0\n( relocates = { </A/inner>: </A/moved%d> } )\nover \"A\" { int under = %d\n }\n", i, i);
        snprintf(name, sizeof(name), "under%d.usda", i);
        write_file(&dir, name, text);
    }
    char *set = malloc(1 << 16), *at = set;
    at += sprintf(at, "#usda 1.0\ndef \"Set\"\n{\n");
    for (int i = 0; i < ASSETS; i++)
        at += sprintf(at, " def \"S%d\" ( references = @./asset%d.usda@ ) {}\n", i, i);
    sprintf(at, "}\n");
    write_file(&dir, "set.usda", set);
    free(set);
}

static usd_stage *open_set(int threads)
{
    char path[128];
    usd_stage *s;
    struct usd_error err;
    struct usd_open_options o = { .threads = threads };
    snprintf(path, sizeof(path), "%s/set.usda", dir.path);
    if (usd_stage_open(path, &o, &s, &err) != USD_OK)
        fail_msg("%s", err.message);
    return s;
}

static void many_threads_compose_what_one_composes(void **state)
{
    write_assets();
    usd_stage *alone = open_set(1);
    size_t prims = 0, layers = usd_stage_layer_count(alone), said = usd_stage_diagnostic_count(alone);
    uint64_t expected = subtree_digest(alone, prim(alone, "/Set"), &prims);
    usd_stage_close(&alone);
    assert_int_equal(layers, 1 + ASSETS + 40 + 1); // set, assets, their sublayers, part
    assert_true(prims > 5 * ASSETS && said >= ASSETS);
    for (int round = 0; round < 5; round++) {
        size_t count = 0;
        usd_stage *s = open_set(THREADS);
        assert_true(subtree_digest(s, prim(s, "/Set"), &count) == expected);
        assert_int_equal(count, prims);
        assert_int_equal(usd_stage_layer_count(s), layers);
        assert_int_equal(usd_stage_diagnostic_count(s), said);
        usd_stage_close(&s);
    }
}

int main(int argc, char **argv)
{
    snprintf(corpus, sizeof(corpus), "%s/../../fuzz/corpus/crate", argc > 1 ? argv[1] : ".");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_see_what_one_sees),
        cmocka_unit_test(stages_share_layers_while_others_open_and_close),
        cmocka_unit_test(many_threads_compose_what_one_composes),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
