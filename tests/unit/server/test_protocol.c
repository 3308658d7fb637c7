// The envelope, the size cap, prim paths, command merging, settings, options and assets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets.h"
#include "commands.h"
#include "options.h"
#include "protocol.h"
#include "settings.h"

static void envelopes(void **state)
{
    static const struct {
        const char *text;
        bool good, framed;
    } cases[] = {
        { "{\"event_type\":\"a\",\"payload\":{\"x\":1}}", true, false },
        { "{\"event_type\":\"a\"}", true, false },
        { "{\"event_type\":\"a\",\"payload\":null}", true, false },
        { "{\"event_type\":\"a\",\"payload\":[1]}", true, false },
        { "{\"messageType\":\"json\",\"messageRecipient\":\"app\",\"data\":\"{\\\"event_type\\\":\\\"a\\\"}\"}", true, true },
        { "{\"messageRecipient\":\"kit\",\"data\":{\"event_type\":\"a\"}}", true, true },
        { "{\"data\":{\"data\":{\"data\":{\"event_type\":\"a\"}}}}", true, true },
        { "{\"data\":{\"data\":{\"data\":{\"data\":{\"data\":{\"event_type\":\"a\"}}}}}}", false, false },
        { "{\"messageRecipient\":\"stream\",\"data\":{\"event_type\":\"a\"}}", false, false },
        { "{\"messageRecipient\":\"stream\",\"event_type\":\"a\"}", false, false },
        { "{\"event_type\":\"\"}", false, false },
        { "{\"event_type\":7}", false, false },
        { "[{\"event_type\":\"a\"}]", false, false },
        { "\"a\"", false, false },
        { "", false, false },
        { "{", false, false },
        { "{\"event_type\":\"a\"} x", false, false },
        { "{\"event_type\":\"\xff\xfe\"}", false, false },
        { "{\"event_type\":\"a\\u0000b\"}", false, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool framed;
        const char *why;
        json_t *m = protocol_decode(cases[i].text, strlen(cases[i].text), &framed, &why);
        if ((m != NULL) != cases[i].good)
            fail_msg("case %zu: %s", i, cases[i].text);
        if (m) {
            assert_int_equal(framed, cases[i].framed);
            assert_true(json_is_object(json_object_get(m, "payload")));
        }
        json_decref(m);
    }
}

static void hostile_sizes(void **state)
{
    (void)state;
    bool framed;
    const char *why;
    char *deep = malloc(200000);
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    assert_null(protocol_decode(deep, 200000, &framed, &why));
    assert_string_equal(why, "nested too deeply");
    size_t huge = 1024 * 1024 + 1;
    deep        = realloc(deep, huge);
    memset(deep, ' ', huge);
    assert_null(protocol_decode(deep, huge, &framed, &why));
    assert_string_equal(why, "too long");
    char *p = deep + sprintf(deep, "{\"event_type\":\"a\",\"payload\":{\"l\":[0");
    for (int i = 0; i < 100001; i++)
        p += sprintf(p, ",0");
    p += sprintf(p, "]}}");
    assert_null(protocol_decode(deep, (size_t)(p - deep), &framed, &why));
    free(deep);
}

static json_t *decoded(const char *text, size_t size)
{
    bool framed;
    const char *why;
    return protocol_decode(text, size, &framed, &why);
}

// Whatever is put in, what comes out fits, parses and says how much is missing.
static void long_replies_are_trimmed(void **state)
{
    (void)state;
    for (int framed = 0; framed < 2; framed++) {
        for (int kind = 0; kind < 4; kind++) {
            json_t *payload = json_object();
            json_object_set_new(payload, "prim_path", json_string("/World"));
            json_object_set_new(payload, "request_id", json_string("r1"));
            const char *member = kind == 0 ? "children" : kind == 1 ? "prims" : kind == 2 ? "properties" : "variants";
            json_t *many       = kind < 2 ? json_array() : json_object();
            json_object_set_new(payload, member, many);
            if (kind == 2)
                json_object_set_new(many, "typeName", json_string("Mesh"));
            for (int i = 0; i < 20000; i++) {
                char name[64];
                snprintf(name, sizeof(name), "quotes\"and\\backslashes/%05d", i);
                if (kind == 0)
                    json_array_append_new(many, json_pack("{s:s, s:b}", "name", name, "hasChildren", 1));
                else if (kind == 1)
                    json_array_append_new(many, json_string(name));
                else if (kind == 2)
                    json_object_set_new(many, name, json_string(name));
                else if (i < 3000)
                    json_object_set_new(many, name, json_pack("{s:[s,s], s:s}", "options", name, name, "selection", name));
            }
            size_t total = kind < 2 ? json_array_size(many) : json_object_size(many), size;
            long long wishes[] = { 0, 5000, 10, 1000000 };
            size_t caps[]      = { 60000, 5000, 1024, 60000 };
            for (int w = 0; w < 4; w++) {
                char *text = protocol_encode("x", payload, framed, wishes[w], &size);
                assert_true(size <= caps[w]);
                assert_true(size > caps[w] / 2); // not needlessly little
                json_t *m = decoded(text, size), *p = json_object_get(m, "payload"), *kept = json_object_get(p, member);
                assert_non_null(m);
                assert_true(json_is_true(json_object_get(p, "truncated")));
                size_t left = kind < 2 ? json_array_size(kept) : json_object_size(kept);
                assert_int_equal(json_integer_value(json_object_get(p, "omitted_count")), total - left);
                assert_string_equal(json_string_value(json_object_get(p, "prim_path")), "/World");
                assert_string_equal(json_string_value(json_object_get(p, "request_id")), "r1");
                if (kind == 2)
                    assert_string_equal(json_string_value(json_object_get(kept, "typeName")), "Mesh");
                json_decref(m);
                free(text);
            }
            json_decref(payload);
        }
    }
    json_t *blob = json_pack("{s:s, s:o}", "url", "a", "text", json_stringn("", 0));
    char *big    = malloc(70001);
    memset(big, 'x', 70000);
    big[70000] = 0;
    json_object_set_new(blob, "text", json_string(big));
    size_t size;
    char *text = protocol_encode("x", blob, true, 0, &size);
    assert_true(size < 60000);
    assert_non_null(strstr(text, "payload too large"));
    free(text);
    free(big);
    json_decref(blob);
}

static void a_late_small_property_survives(void **state)
{
    (void)state;
    char *big = malloc(70001);
    memset(big, 'x', 70000);
    big[70000]      = 0;
    json_t *payload = json_pack("{s:s, s:{s:s, s:s, s:i}}", "prim_path", "/A", "properties", "typeName", "Mesh", "big", big, "small", 1);
    size_t size;
    char *text = protocol_encode("x", payload, false, 0, &size);
    json_t *m  = decoded(text, size), *kept = json_object_get(json_object_get(m, "payload"), "properties");
    assert_non_null(json_object_get(kept, "small"));
    assert_null(json_object_get(kept, "big"));
    json_decref(m);
    json_decref(payload);
    free(text);
    free(big);
}

static void prim_paths(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "/", "/" }, { "/World", "/World" }, { "/World/", "/World" }, { "/W/\xc3\xa9t\xc3\xa9", "/W/\xc3\xa9t\xc3\xa9" },
        { "/a_1/B2", "/a_1/B2" }, { "", NULL }, { "World", NULL }, { "/World//x", NULL }, { "/1a", NULL }, { "/a.b", NULL }, { "/a b", NULL },
        { "/a<b", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64] = "";
        json_t *v    = json_string(cases[i].in);
        bool good    = protocol_prim_path(v, out, sizeof(out));
        assert_int_equal(good, cases[i].out != NULL);
        if (good)
            assert_string_equal(out, cases[i].out);
        json_decref(v);
    }
    char tiny[4];
    json_t *v = json_string("/abcdef");
    assert_false(protocol_prim_path(v, tiny, sizeof(tiny)));
    json_decref(v);
}

static void push(struct command_queue *q, struct command c, enum command_push want)
{
    struct command replaced = { .kind = COMMAND_WAKE };
    assert_int_equal(command_queue_push(q, &c, &replaced), want);
    command_finish(&replaced);
}

static void commands_merge(void **state)
{
    (void)state;
    struct command_queue *q = command_queue_create(8);
    for (int i = 0; i < 1000; i++)
        push(q, (struct command) { .kind = COMMAND_ORBIT, .x = 1, .y = 2 }, COMMAND_PUSHED);
    assert_int_equal(command_queue_size(q), 1);
    push(q, (struct command) { .kind = COMMAND_PICK, .x = 1 }, COMMAND_PUSHED);
    push(q, (struct command) { .kind = COMMAND_PICK, .x = 2 }, COMMAND_PUSHED);
    push(q, (struct command) { .kind = COMMAND_SETTING, .payload = json_pack("{s:s,s:i}", "key", "a", "value", 1) }, COMMAND_PUSHED);
    push(q, (struct command) { .kind = COMMAND_SETTING, .payload = json_pack("{s:s,s:i}", "key", "b", "value", 1) }, COMMAND_PUSHED);
    push(q, (struct command) { .kind = COMMAND_SETTING, .payload = json_pack("{s:s,s:i}", "key", "a", "value", 2) }, COMMAND_PUSHED);
    assert_int_equal(command_queue_size(q), 4);
    push(q, (struct command) { .kind = COMMAND_OPEN, .target = strdup("/a"), .payload = json_pack("[i]", 1) }, COMMAND_PUSHED);
    push(q, (struct command) { .kind = COMMAND_OPEN, .target = strdup("/a"), .payload = json_pack("[i]", 2) }, COMMAND_JOINED);
    push(q, (struct command) { .kind = COMMAND_OPEN, .target = strdup("/b"), .payload = json_pack("[i]", 3) }, COMMAND_REPLACED);
    // Full: continuous ones make room, discrete ones do not.
    for (int i = 0; i < 3; i++)
        push(q, (struct command) { .kind = COMMAND_CAMERA }, COMMAND_PUSHED);
    assert_int_equal(command_queue_size(q), 8);
    push(q, (struct command) { .kind = COMMAND_CAMERA }, COMMAND_PUSHED);
    assert_int_equal(command_queue_dropped(q), 1);
    push(q, (struct command) { .kind = COMMAND_CAMERA }, COMMAND_REFUSED);
    struct command c;
    assert_true(command_queue_pop(q, &c));
    assert_true(c.kind == COMMAND_PICK && c.x == 2);
    command_finish(&c);
    assert_false(command_queue_wait(q, 0) == false);
    command_queue_destroy(&q);
}

static void settings(void **state)
{
    char file[] = "/tmp/stagecast-settings-XXXXXX";
    (void)state;
    close(mkstemp(file));
    FILE *f = fopen(file, "w");
    fputs("{ broken", f);
    fclose(f);
    struct settings s;
    settings_load(&s, file); // a damaged file is only a warning
    json_t *v = json_real(99);
    assert_int_equal(settings_set(&s, "exposure", v), SETTINGS_APPLIED);
    assert_true(s.exposure == 10); // clamped
    json_decref(v);
    v = json_string("none");
    assert_int_equal(settings_set(&s, "tone_mapping", v), SETTINGS_APPLIED);
    assert_int_equal(settings_set(&s, "exposure", v), SETTINGS_BAD_VALUE);
    assert_int_equal(settings_set(&s, "samples_per_pixel", v), SETTINGS_UNKNOWN_KEY);
    json_decref(v);
    settings_finish(&s);
    settings_load(&s, file);
    assert_true(s.exposure == 10 && s.tone_mapping == TONE_NONE);
    settings_finish(&s);
    json_t *c = settings_capabilities();
    assert_int_equal(json_array_size(c), 3);
    json_decref(c);
    unlink(file);
}

static enum options_result parse(struct options *o, char *error, int argc, const char *const *argv)
{
    return options_parse(o, argc, (char **)(uintptr_t)argv, error, 256);
}

static void options(void **state)
{
    struct options o;
    char error[256];
    (void)state;
    setenv("STAGECAST_FPS", "25", 1);
    setenv("STAGECAST_HEIGHT", "400", 1);
    const char *all[] = { "serve", "--width=640", "--height", "360", "scene.usda", "--asset-root", "/a", "--asset-root=/b", "--latency-stamp",
                          "--camera-policy", "preserve", "--listen", "0.0.0.0", "--health-port", "9000" };
    assert_int_equal(parse(&o, error, 15, all), OPTIONS_OK);
    assert_true(o.width == 640 && o.height == 360 && o.fps == 25 && o.http_port == 9000 && o.signal_port == 49100 && o.media_port == 47998);
    assert_true(o.latency_stamp && o.asset_root_count == 2 && o.camera_policy == CAMERA_POLICY_PRESERVE);
    assert_string_equal(o.scene, "scene.usda");
    assert_string_equal(options_public_ip(&o), "");
    options_finish(&o);
    unsetenv("STAGECAST_FPS");
    unsetenv("STAGECAST_HEIGHT");
    static const char *const bad[][3] = {
        { "serve", "--nonsense", NULL }, { "serve", "--width", NULL }, { "serve", "--width", "63" }, { "serve", "--fps", "0" },
        { "serve", "--fps", "12x" }, { "serve", "--width", "641" }, { "serve", "a", "b" }, { "serve", "--size", "12" },
        { "serve", "--camera-policy", "none" }, { "serve", "--config", "/nonexistent.json" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = 0;
        assert_int_equal(parse(&o, error, bad[i][2] ? 3 : 2, bad[i]), OPTIONS_BAD);
        assert_true(strlen(error) > 10 && !strchr(error, '\n'));
        options_finish(&o);
    }
    const char *none[] = { "serve" };
    assert_int_equal(parse(&o, error, 1, none), OPTIONS_OK);
    assert_true(o.width == 1280 && o.height == 720 && o.fps == 60 && o.http_port == 8081);
    assert_string_equal(options_public_ip(&o), "127.0.0.1");
    options_finish(&o);
}

static void write_file(const char *root, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    fputs("#usda 1.0\n", f);
    fclose(f);
}

static void assets(void **state)
{
    char root[] = "/tmp/stagecast-assets-XXXXXX", path[512], error[256];
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/offer", root);
    mkdir(path, 0700);
    struct options o = { .asset_roots = { path }, .asset_root_count = 1 };
    write_file(root, "secret.usda");
    write_file(path, "one.usda");
    write_file(path, "red_house.usd");
    write_file(path, "notes.txt");
    char sub[600], link[600], target[600];
    snprintf(sub, sizeof(sub), "%s/more", path);
    mkdir(sub, 0700);
    write_file(sub, "one.usda");
    snprintf(link, sizeof(link), "%s/out.usda", path);
    snprintf(target, sizeof(target), "%s/secret.usda", root);
    assert_int_equal(symlink(target, link), 0);
    snprintf(link, sizeof(link), "%s/in.usda", path);
    snprintf(target, sizeof(target), "%s/one.usda", path);
    assert_int_equal(symlink(target, link), 0);

    struct assets *a = assets_create(&o, error, sizeof(error));
    assert_non_null(a);
    char outside[600], inside[600], file_url[700];
    snprintf(outside, sizeof(outside), "%s/secret.usda", root);
    snprintf(inside, sizeof(inside), "%s/one.usda", path);
    snprintf(file_url, sizeof(file_url), "file://%s", inside);
    const struct {
        const char *url;
        enum asset_status status;
        const char *file;
    } cases[] = {
        { "one.usda", ASSET_OK, "/offer/one.usda" }, { "./one.usda", ASSET_OK, "/offer/one.usda" },
        { "more/../one.usda", ASSET_OK, "/offer/one.usda" }, { "in.usda", ASSET_OK, "/offer/one.usda" },
        { "more/one.usda", ASSET_OK, "/offer/more/one.usda" }, { "red_house", ASSET_OK, "/offer/red_house.usd" },
        { inside, ASSET_OK, "/offer/one.usda" }, { file_url, ASSET_OK, "/offer/one.usda" },
        { "../secret.usda", ASSET_OUTSIDE, NULL }, { outside, ASSET_OUTSIDE, NULL }, { "out.usda", ASSET_OUTSIDE, NULL },
        { "/etc/passwd", ASSET_OUTSIDE, NULL }, { "../../../../../../etc/none.usda", ASSET_OUTSIDE, NULL },
        { "none.usda", ASSET_NOT_FOUND, NULL }, { "one", ASSET_NOT_FOUND, NULL }, { "notes.txt", ASSET_UNSUPPORTED, NULL },
        { "http://host/x.usda", ASSET_UNSUPPORTED, NULL }, { "omniverse://h/x.usd", ASSET_UNSUPPORTED, NULL },
        { "${HOME}/x.usda", ASSET_UNSUPPORTED, NULL }, { "", ASSET_BAD, NULL }, { "a\nb.usda", ASSET_BAD, NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *found              = NULL;
        enum asset_status status = asset_resolve(a, cases[i].url, false, &found);
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].url, (int)status, (int)cases[i].status);
        if (found)
            assert_string_equal(found + strlen(found) - strlen(cases[i].file), cases[i].file);
        free(found);
    }
    json_t *list = assets_list(a);
    char *text   = json_dumps(list, JSON_COMPACT);
    assert_non_null(strstr(text, "\"red_house\""));
    assert_non_null(strstr(text, "\"Red House\""));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "out.usda"));
    assert_null(strstr(text, root));
    free(text);
    json_decref(list);
    assets_destroy(&a);
    snprintf(path, sizeof(path), "rm -r %s", root);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes), cmocka_unit_test(hostile_sizes), cmocka_unit_test(long_replies_are_trimmed),
        cmocka_unit_test(a_late_small_property_survives), cmocka_unit_test(prim_paths), cmocka_unit_test(commands_merge),
        cmocka_unit_test(settings), cmocka_unit_test(options), cmocka_unit_test(assets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
