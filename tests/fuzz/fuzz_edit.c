#include <string.h>

#include <stdint.h>

#include "fuzz_edit.h"

struct input {
    const uint8_t *p, *end;
};

static unsigned take(struct input *in, unsigned n) { return in->p < in->end ? *in->p++ % n : 0; }

static const char *prim_path(struct input *in)
{
    static const char *const paths[] = { "/A", "/B", "/A/B", "/A/C", "/B/A", "/C/D", "/A/B/C", "/D", "/N/M", "/", "bad", "/A/B/A" };
    return paths[take(in, sizeof(paths) / sizeof(paths[0]))];
}

static const char *property_path(struct input *in)
{
    static const char *const paths[] = { "/A.f", "/B.f", "/A/B.f", "/A.r", "/A.xformOp:translate", "/C.tex", "/B/A.visibility", "/A/C.new", "/X.f", "/A" };
    return paths[take(in, sizeof(paths) / sizeof(paths[0]))];
}

static void list_edit(usd_stage *s, struct input *in)
{
    static const char *const keys[]   = { "inherits", "specializes", "apiSchemas", "variantSets", "targets", "connections" };
    static const char *const items[]  = { "/A", "/B/C", "/A.f", "v", "MaterialBindingAPI" };
    const char *one[]                 = { items[take(in, 5)], items[take(in, 5)] };
    unsigned key                      = take(in, 6);
    usd_session_set_list(s, key < 4 ? prim_path(in) : property_path(in), keys[key], (enum usd_list_edit)take(in, 4), one, take(in, 3), NULL);
}

static void edit(usd_stage *s, struct input *in)
{
    static const double m[16]      = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 3, 2, 1, 1 };
    static const char *const set[] = { "v", "w" }, *const names[] = { "A", "B", "C", "", NULL };
    double number                  = take(in, 9), time = take(in, 3) ? USD_TIME_DEFAULT : take(in, 40);
    const char *path;
    switch (take(in, 17)) {
    case 0: path = prim_path(in); usd_session_set_variant(s, path, set[take(in, 2)], names[take(in, 5)], NULL); break;
    case 1: path = prim_path(in); usd_session_set_active(s, path, take(in, 2), NULL); break;
    case 2: path = prim_path(in); usd_session_set_instanceable(s, path, take(in, 2), NULL); break;
    case 3: path = prim_path(in); usd_session_set_visible(s, path, take(in, 2), NULL); break;
    case 4: usd_session_set_transform(s, prim_path(in), m, time, NULL); break;
    case 5: usd_session_set_numbers(s, property_path(in), take(in, 2) ? "float" : NULL, &number, 1, time, NULL); break;
    case 6: usd_session_set_text(s, property_path(in), take(in, 2) ? "string" : NULL, "a text", time, NULL); break;
    case 7: usd_session_block(s, property_path(in), NULL); break;
    case 8: list_edit(s, in); break;
    case 9:
        path = prim_path(in);
        usd_session_add_arc(s, path, take(in, 2) ? "references" : "payload", take(in, 2) ? "l0.usda" : "", take(in, 2) ? "/B" : "", number, 1, NULL);
        break;
    case 10: path = prim_path(in); usd_session_define(s, path, take(in, 2) ? "Mesh" : "", NULL); break;
    case 11: usd_session_clear(s, take(in, 2) ? prim_path(in) : property_path(in), NULL); break;
    case 12: usd_session_clear_key(s, take(in, 2) ? prim_path(in) : property_path(in), take(in, 2) ? "value" : "references", NULL); break;
    case 13: usd_session_clear_all(s, NULL); break;
    case 14: path = prim_path(in); usd_stage_load(s, path, take(in, 2), NULL); break;
    case 15: usd_stage_unload(s, prim_path(in), NULL); break;
    default: {
        struct usd_value v = { .type = USD_TYPE_TOKEN, .count = 1, .data = &names[0] };
        path               = take(in, 2) ? prim_path(in) : property_path(in);
        usd_session_set_metadata(s, path, take(in, 2) ? "kind" : "documentation", &v, NULL);
    }
    }
}

static size_t told;
static void on_change(void *user, const usd_stage *s, const struct usd_change *changes, size_t count) { told += count; }

void fuzz_edit(usd_stage *s, const uint8_t *bytes, size_t size)
{
    struct input in = { bytes, bytes + size };
    usd_stage_listen(s, on_change, NULL, NULL);
    for (unsigned commits = take(&in, 4); commits--;) {
        for (unsigned n = take(&in, 5); n--;)
            edit(s, &in);
        const struct usd_change *changes;
        size_t count;
        told = 0;
        if (usd_stage_commit(s, &changes, &count, NULL) != USD_OK)
            return; // the stage can only be closed now
        FUZZ_REQUIRE(told == count);
        for (size_t i = 0; i < count; i++)
            FUZZ_REQUIRE(changes[i].path && *changes[i].path == '/' && (!i || strcmp(changes[i - 1].path, changes[i].path) < 0));
        fuzz_walk(s);
    }
    fuzz_flatten(s);
    usd_stage_unlisten(s, on_change, NULL);
}
