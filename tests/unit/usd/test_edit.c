// Edits in memory: the session layer, commits, lists of changes.
#include "usd_test.h"

#include <malloc.h>

struct text {
    char *data;
    size_t size, capacity;
};

static bool append(void *user, const char *data, size_t size)
{
    struct text *t = user;
    if (t->size + size + 1 > t->capacity) {
        t->capacity = (t->size + size + 1) * 2;
        t->data     = realloc(t->data, t->capacity);
        assert_non_null(t->data);
    }
    memcpy(t->data + t->size, data, size);
    t->size += size;
    t->data[t->size] = 0;
    return true;
}

static char *session_text(const usd_stage *s)
{
    struct text t = { 0 };
    assert_int_equal(usd_session_write(s, append, &t, NULL), USD_OK);
    return t.data;
}

static void ok(int rc, const struct usd_error *err)
{
    if (rc != USD_OK)
        fail_msg("%d: %s", rc, err->message);
}
#define OK(call)                    \
    do {                            \
        struct usd_error error_ = { 0 }, *err_ = &error_; \
        ok((call), err_);           \
    } while (0)

// Commits; the changes as "path:R " and "path:I ".
static const char *commit(usd_stage *s)
{
    static char out[4096];
    const struct usd_change *c;
    size_t n, at = 0;
    struct usd_error err = { 0 };
    ok(usd_stage_commit(s, &c, &n, &err), &err);
    *out = 0;
    for (size_t i = 0; i < n && at < sizeof(out) - 300; i++)
        at += (size_t)snprintf(out + at, 300, "%s:%c ", c[i].path, c[i].kind == USD_CHANGE_RESYNCED ? 'R' : 'I');
    return out;
}

// ---------------------------------------------------------------------------------------------------------------
// Everything a stage says, one line each: "path|what", in an order that does not depend on how it was composed.

struct walk {
    struct text text;
    const usd_stage *stage;
};

static void line(struct walk *w, const char *path, const char *what) // "path\twhat\n"
{
    append(&w->text, path, strlen(path));
    append(&w->text, "\t", 1);
    append(&w->text, what, strlen(what));
    append(&w->text, "\n", 1);
}

static void put_value(char *out, size_t size, const struct usd_value *v)
{
    size_t at = (size_t)snprintf(out, size, "%d/%d/%zu:", (int)v->type, v->is_array, v->count);
    for (size_t i = 0; i < v->count && at < size - 100; i++) {
        double d[16];
        int n = usd_type_components(v->type);
        if (v->type == USD_TYPE_STRING || v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_PATH)
            at += (size_t)snprintf(out + at, 90, "%s,", ((const char *const *)v->data)[i]);
        else if (v->type == USD_TYPE_ASSET)
            at += (size_t)snprintf(out + at, 90, "%s,", ((const struct usd_asset *)v->data)[i].authored);
        else if (usd_value_doubles(v, i, d, 16))
            for (int k = 0; k < n && at < size - 100; k++)
                at += (size_t)snprintf(out + at, 90, "%.17g,", d[k]);
    }
}

static void walk_property(struct walk *w, const usd_property *q, const char *prim_path, size_t place)
{
    char path[1024], what[4096], value[2048];
    struct usd_value v;
    snprintf(path, sizeof(path), "%s.%s", prim_path, usd_property_name(q));
    snprintf(what, sizeof(what), "%s %d%d%d", usd_property_type_name(q), usd_property_is_relationship(q), usd_property_is_uniform(q), usd_property_is_custom(q));
    line(w, path, what);
    snprintf(what, sizeof(what), "opinion: place %zu", place);
    line(w, path, what);
    for (double t = -1; t < 3; t++) {
        if (usd_attr_get(q, t < 0 ? USD_TIME_DEFAULT : t, &v)) {
            put_value(value, sizeof(value), &v);
            line(w, path, value);
        }
        usd_value_finish(&v);
    }
    for (size_t i = 0; i < usd_attr_connection_count(q); i++)
        line(w, path, usd_attr_connection(q, i));
    for (size_t i = 0; i < usd_rel_target_count(q); i++)
        line(w, path, usd_rel_target(q, i));
    const char *key;
    for (size_t at = 0; (key = usd_property_metadata_next(q, &at));)
        if (usd_property_metadata(q, key, &v)) {
            put_value(value, sizeof(value), &v);
            snprintf(what, sizeof(what), "%s=%s", key, value);
            line(w, path, what);
            usd_value_finish(&v);
        }
    struct usd_opinion o;
    for (size_t i = 0; usd_property_opinion(q, i, &o); i++) {
        snprintf(what, sizeof(what), "opinion %zu %s %s %g %g", i, o.layer, o.path, o.offset, o.scale);
        line(w, path, what);
    }
}

static void walk_prim(struct walk *w, const usd_prim *p)
{
    const char *path = usd_prim_path(p);
    char what[4096], value[2048];
    struct usd_value v;
    snprintf(what, sizeof(what), "%s %d %d%d%d%d%d%d", usd_prim_type_name(p), usd_prim_specifier(p), usd_prim_is_active(p), usd_prim_is_defined(p),
             usd_prim_is_abstract(p), usd_prim_is_instanceable(p), usd_prim_is_instance(p), usd_prim_is_instance_proxy(p));
    line(w, path, what);
    const char *key;
    for (size_t at = 0; (key = usd_prim_metadata_next(p, &at));)
        if (usd_prim_metadata(p, key, &v)) {
            put_value(value, sizeof(value), &v);
            snprintf(what, sizeof(what), "%s=%s", key, value);
            line(w, path, what);
            usd_value_finish(&v);
        }
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++) {
        snprintf(what, sizeof(what), "variant %s=%s", usd_prim_variant_set(p, i), usd_prim_variant_selection(p, i));
        line(w, path, what);
    }
    struct usd_opinion o;
    for (size_t i = 0; usd_prim_opinion(p, i, &o); i++)
        if (!usd_prim_is_instance_proxy(p)) {
            snprintf(what, sizeof(what), "opinion %zu %s %s %g %g", i, o.layer, o.path, o.offset, o.scale);
            line(w, path, what);
        }
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        assert_ptr_equal(usd_property_prim(usd_prim_property(p, i)), p);
        walk_property(w, usd_prim_property(p, i), path, i);
    }
    *what = 0;
    size_t n = 0;
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c)) {
        n += (size_t)snprintf(what + n, sizeof(what) - n, "%s ", usd_prim_name(c));
        assert_ptr_equal(usd_prim_parent(c), p);
        assert_ptr_equal(usd_stage_find(w->stage, usd_prim_path(c)), c);
    }
    line(w, path, what);
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c))
        walk_prim(w, c);
}

static char *walk_stage(const usd_stage *s)
{
    struct walk w = { .stage = s };
    walk_prim(&w, usd_stage_pseudo_root(s));
    return w.text.data;
}

// Which prims share a prototype: "path first-path-of-the-group". Those below instances are left out (*nested): what they
// share with depends on the instance that was first.
static char *walk_sharing(const usd_stage *s, bool *nested)
{
    struct walk w        = { .stage = s };
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false)) {
        if (!usd_prim_is_instance(p) || (usd_prim_is_instance_proxy(p) && (*nested = true)))
            continue;
        const usd_prim *q = usd_prim_first_child(root);
        while (!usd_prim_is_instance(q) || usd_prim_is_instance_proxy(q) || usd_prim_in_prototype(q) != usd_prim_in_prototype(p))
            q = usd_prim_next(q, root, false);
        char path[1024];
        snprintf(path, sizeof(path), "%s", usd_prim_path(p));
        line(&w, path, usd_prim_path(q));
    }
    append(&w.text, "", 0);
    return w.text.data;
}

// ---------------------------------------------------------------------------------------------------------------

static const char *const shop =
    "#usda 1.0\n( defaultPrim = \"World\" )\n"
    "class \"_class_Chair\" { double height = 1\n def \"Leg\" { double length = 1\n }\n }\n"
    "def Xform \"Chair\" ( inherits = </_class_Chair>\n variants = { string look = \"wood\" }\n variantSets = \"look\" )\n{\n"
    " double3 xformOp:translate = (1, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
    " def Cube \"Seat\" { double size = 1\n }\n"
    " variantSet \"look\" = { \"wood\" { over \"Seat\" { color3f[] primvars:displayColor = [(1, 0, 0)]\n }\n }\n"
    "  \"steel\" { def \"Screw\" { int turns = 3\n }\n } }\n}\n"
    "def Xform \"World\"\n{\n"
    " def \"A\" ( references = </Chair> ) {}\n"
    " def \"B\" ( references = </Chair> ) { over \"Seat\" { double size = 2\n }\n }\n"
    " def \"I1\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def \"I2\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def \"I3\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def Scope \"Plain\" { def Scope \"Deep\" {}\n }\n}\n";

static void a_value_is_set_and_cleared(void **state)
{
    usd_stage *s = open_text(shop);
    assert_string_equal(commit(s), "");
    const usd_prim *seat = prim(s, "/World/A/Seat"), *world = prim(s, "/World");
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", NULL, (double[]) { 5 }, 1, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), "/World/A/Seat.size:R ");
    assert_true(number(s, "/World/A/Seat.size", NAN) == 5 && number(s, "/World/B/Seat.size", NAN) == 2);
    assert_ptr_equal(prim(s, "/World/A/Seat"), seat);
    assert_ptr_equal(prim(s, "/World"), world);
    struct usd_opinion o;
    assert_true(usd_property_opinion(usd_stage_find_property(s, "/World/A/Seat.size"), 0, &o));
    assert_string_equal(o.layer, "session");
    // now that the opinion exists, nothing moves
    const usd_property *size = usd_stage_find_property(s, "/World/A/Seat.size");
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", "double", (double[]) { 6 }, 1, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), "/World/A/Seat.size:I ");
    assert_ptr_equal(usd_stage_find_property(s, "/World/A/Seat.size"), size);
    assert_true(number(s, "/World/A/Seat.size", NAN) == 6);
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", NULL, (double[]) { 6 }, 1, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), ""); // the same again
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", NULL, (double[]) { 7 }, 1, 4, err_));
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", NULL, (double[]) { 9 }, 1, 6, err_));
    assert_string_equal(commit(s), "/World/A/Seat.size:I ");
    assert_true(number(s, "/World/A/Seat.size", 5) == 8 && number(s, "/World/A/Seat.size", NAN) == 6);
    OK(usd_session_block(s, "/World/A/Seat.size", err_));
    commit(s);
    assert_false(usd_attr_has_value(usd_stage_find_property(s, "/World/A/Seat.size")));
    OK(usd_session_clear(s, "/World/A/Seat.size", err_));
    assert_string_equal(commit(s), "/World/A/Seat.size:R ");
    assert_true(number(s, "/World/A/Seat.size", NAN) == 1);
    char *text = session_text(s);
    assert_null(strstr(text, "World")); // what only led there is gone too
    free(text);
    usd_stage_close(&s);
}

static void visibility_and_transforms(void **state)
{
    usd_stage *s = open_text(shop);
    OK(usd_session_set_visible(s, "/World/A", false, err_));
    commit(s);
    assert_false(usd_prim_is_visible(prim(s, "/World/A/Seat"), 0));
    assert_true(usd_prim_is_visible(prim(s, "/World/B/Seat"), 0));
    OK(usd_session_set_visible(s, "/World/A", true, err_));
    assert_string_equal(commit(s), "/World/A.visibility:I ");
    assert_true(usd_prim_is_visible(prim(s, "/World/A/Seat"), 0));
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 7, 8, 9, 1 }, got[16];
    OK(usd_session_set_transform(s, "/World/I2", m, USD_TIME_DEFAULT, err_)); // an instance itself has opinions of its own
    assert_string_equal(commit(s), "/World/I2.xformOp:transform:R /World/I2.xformOpOrder:R ");
    usd_prim_world_matrix(prim(s, "/World/I2/Seat"), 0, got);
    assert_memory_equal(got, m, sizeof(m));
    usd_prim_world_matrix(prim(s, "/World/I1/Seat"), 0, got);
    assert_true(got[12] == 1);
    m[12] = 10;
    OK(usd_session_set_transform(s, "/World/I2", m, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), "/World/I2.xformOp:transform:I ");
    usd_stage_close(&s);
    s = open_text("#usda 1.0\ndef Xform \"P\" { double3 xformOp:translate = (1, 1, 1)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
                  " def Xform \"C\" { double3 xformOp:translate.timeSamples = { 0: (0, 0, 0), 1: (1, 1, 1) }\n"
                  "  uniform token[] xformOpOrder = [\"!resetXformStack!\", \"xformOp:translate\"]\n }\n }\n");
    OK(usd_session_set_transform(s, "/P/C", m, USD_TIME_DEFAULT, err_));
    commit(s);
    usd_prim_world_matrix(prim(s, "/P/C"), 1, got);
    assert_true(got[12] == 10); // still without its parent
    OK(usd_session_clear(s, "/P/C", err_));
    commit(s);
    usd_prim_world_matrix(prim(s, "/P/C"), 1, got);
    assert_true(got[12] == 1);
    usd_stage_close(&s);
}

static void variants_are_switched(void **state)
{
    usd_stage *s        = open_text(shop);
    const usd_prim *a   = prim(s, "/World/A"), *b = prim(s, "/World/B/Seat");
    uint64_t before     = usd_stage_prim_count(s);
    OK(usd_session_set_variant(s, "/World/A", "look", "steel", err_));
    assert_string_equal(commit(s), "/World/A:R ");
    assert_string_equal(children(a), "Screw Leg Seat ");
    assert_string_equal(usd_prim_variant_selection(a, 0), "steel");
    assert_true(a == prim(s, "/World/A") && b == prim(s, "/World/B/Seat"));
    assert_true(usd_stage_prim_count(s) == before + 1);
    assert_null(usd_stage_find(s, "/World/B/Screw"));
    OK(usd_session_set_variant(s, "/World/A", "look", NULL, err_));
    assert_string_equal(commit(s), "/World/A:R ");
    assert_string_equal(children(a), "Seat Leg ");
    assert_true(usd_stage_prim_count(s) == before);
    // at the asset: all that refer to it
    OK(usd_session_set_variant(s, "/Chair", "look", "steel", err_));
    assert_string_equal(commit(s), "/Chair:R /World/A:R /World/B:R /World/I1:R /World/I2:R /World/I3:R ");
    assert_non_null(usd_stage_find(s, "/World/I3/Screw"));
    usd_stage_close(&s);
}

static void instances_go_on_sharing(void **state)
{
    usd_stage *s = open_text(shop);
    struct usd_stage_stats st;
    const usd_prim *seats[3];
    for (int round = 0; round < 6; round++) {
        const char *paths[] = { "/World/I1", "/World/I2", "/World/I3" };
        const char *one     = paths[round % 3];
        for (int i = 0; i < 3; i++) {
            char seat[64];
            snprintf(seat, sizeof(seat), "%s/Seat", paths[i]);
            seats[i] = prim(s, seat);
        }
        OK(usd_session_set_variant(s, one, "look", "steel", err_));
        char expected[64];
        snprintf(expected, sizeof(expected), "%s:R ", one);
        assert_string_equal(commit(s), expected);
        usd_stage_stats(s, &st);
        assert_int_equal(st.prototypes, 2);
        assert_int_equal(st.instances, 3);
        for (int i = 0; i < 3; i++) {
            char screw[64], seat[64];
            snprintf(screw, sizeof(screw), "%s/Screw", paths[i]);
            snprintf(seat, sizeof(seat), "%s/Seat", paths[i]);
            assert_int_equal(usd_stage_find(s, screw) != NULL, i == round % 3);
            if (i != round % 3)
                assert_ptr_equal(prim(s, seat), seats[i]);
            assert_string_equal(usd_prim_path(prim(s, seat)), seat);
        }
        OK(usd_session_clear_all(s, err_));
        assert_string_equal(commit(s), expected);
        usd_stage_stats(s, &st);
        assert_int_equal(st.prototypes, 1);
        assert_true(usd_prim_in_prototype(prim(s, "/World/I1/Seat")) == usd_prim_in_prototype(prim(s, "/World/I2/Seat")));
    }
    // what all of them share comes from the class
    OK(usd_session_define(s, "/_class_Chair/Leg/Foot", "Sphere", err_));
    assert_string_equal(commit(s), "/Chair/Leg/Foot:R /World/A/Leg/Foot:R /World/B/Leg/Foot:R /World/I1:R /World/I2:R /World/I3:R /_class_Chair/Leg/Foot:R ");
    assert_non_null(usd_stage_find(s, "/World/I2/Leg/Foot"));
    usd_stage_stats(s, &st);
    assert_int_equal(st.prototypes, 1);
    // a value of it that is new, and one that is another: nothing is composed for the second
    OK(usd_session_set_numbers(s, "/_class_Chair/Leg.length", NULL, (double[]) { 2 }, 1, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), "/Chair/Leg.length:R /World/A/Leg.length:R /World/B/Leg.length:R /World/I1:R /World/I2:R /World/I3:R /_class_Chair/Leg.length:R ");
    const usd_prim *leg = prim(s, "/World/I2/Leg");
    OK(usd_session_set_numbers(s, "/_class_Chair/Leg.length", NULL, (double[]) { 3 }, 1, USD_TIME_DEFAULT, err_));
    assert_string_equal(commit(s), "/Chair/Leg.length:I /World/A/Leg.length:I /World/B/Leg.length:I /World/I1/Leg.length:I "
                                   "/World/I2/Leg.length:I /World/I3/Leg.length:I /_class_Chair/Leg.length:I ");
    assert_ptr_equal(prim(s, "/World/I2/Leg"), leg);
    assert_true(number(s, "/World/I2/Leg.length", NAN) == 3);
    usd_stage_close(&s);
}

static void prims_come_and_go(void **state)
{
    usd_stage *s = open_text(shop);
    const usd_prim *deep = prim(s, "/World/Plain/Deep");
    OK(usd_session_define(s, "/World/Plain/New/Leaf", "Sphere", err_));
    assert_string_equal(commit(s), "/World/Plain/New:R ");
    assert_string_equal(usd_prim_type_name(prim(s, "/World/Plain/New/Leaf")), "Sphere");
    assert_string_equal(children(prim(s, "/World/Plain")), "Deep New ");
    assert_ptr_equal(prim(s, "/World/Plain/Deep"), deep);
    OK(usd_session_add_arc(s, "/World/Plain/New", "references", "", "/Chair", 0, 1, err_));
    assert_string_equal(commit(s), "/World/Plain/New:R ");
    assert_string_equal(children(prim(s, "/World/Plain/New")), "Seat Leg Leaf ");
    OK(usd_session_set_active(s, "/World/Plain", false, err_));
    assert_string_equal(commit(s), "/World/Plain:R ");
    assert_null(usd_prim_first_child(prim(s, "/World/Plain")));
    OK(usd_session_clear_key(s, "/World/Plain", "active", err_));
    assert_string_equal(commit(s), "/World/Plain:R ");
    assert_non_null(usd_stage_find(s, "/World/Plain/New/Seat"));
    OK(usd_session_clear(s, "/World/Plain/New", err_));
    assert_string_equal(commit(s), "/World/Plain/New:R ");
    assert_null(usd_stage_find(s, "/World/Plain/New"));
    assert_string_equal(children(prim(s, "/World/Plain")), "Deep ");
    usd_stage_close(&s);
}

static void targets_and_lists(void **state)
{
    usd_stage *s = open_text(shop);
    OK(usd_session_set_list(s, "/World/A.look", "targets", USD_LIST_EXPLICIT, (const char *[]) { "/World/A/Seat", "/World/B.x" }, 2, err_));
    OK(usd_session_set_list(s, "/World/A/Seat.size", "connections", USD_LIST_PREPEND, (const char *[]) { "/World/B/Seat.size" }, 1, err_));
    OK(usd_session_set_list(s, "/World/Plain", "inherits", USD_LIST_EXPLICIT, (const char *[]) { "/_class_Chair" }, 1, err_));
    assert_string_equal(commit(s), "/World/A.look:R /World/A/Seat.size:R /World/Plain:R ");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/World/A.look"), 1), "/World/B.x");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/World/A/Seat.size"), 0), "/World/B/Seat.size");
    assert_true(number(s, "/World/Plain/Leg.length", NAN) == 1);
    struct usd_value v = { .type = USD_TYPE_STRING, .count = 1, .data = (const char *[]) { "component" } };
    OK(usd_session_set_metadata(s, "/World/A", "kind", &v, err_));
    assert_string_equal(commit(s), "/World/A:I ");
    assert_string_equal(usd_prim_kind(prim(s, "/World/A")), "component");
    v.data = (const char *[]) { "Z" };
    OK(usd_session_set_metadata(s, "/", "upAxis", &v, err_));
    assert_string_equal(commit(s), "/:I ");
    assert_string_equal(usd_stage_up_axis(s), "Z");
    usd_stage_close(&s);
}

static void what_cannot_be_edited(void **state)
{
    usd_stage *s = open_text(shop);
    double one   = 1;
    struct usd_error err;
    assert_int_equal(usd_session_set_active(s, "/World/I1/Seat", false, &err), USD_ERR_INVALID);
    assert_non_null(strstr(err.message, "below the instance </World/I1>"));
    assert_int_equal(usd_session_set_active(s, "/Nowhere", false, &err), USD_ERR_NOT_FOUND);
    assert_int_equal(usd_session_set_active(s, "/", false, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_active(s, "World", false, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_active(s, "/World//A", false, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_active(s, "/World.x", false, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_numbers(s, "/World/A/Seat.size", "float", &one, 1, USD_TIME_DEFAULT, &err), USD_ERR_INVALID);
    assert_non_null(strstr(err.message, "double"));
    assert_int_equal(usd_session_set_numbers(s, "/World/A/Seat.nothing", NULL, &one, 1, USD_TIME_DEFAULT, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_text(s, "/World/A/Seat.size", NULL, "x", USD_TIME_DEFAULT, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_set_list(s, "/World/A/Seat.size", "targets", USD_LIST_EXPLICIT, NULL, 0, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_add_arc(s, "/World/A", "inherits", "", "/Chair", 0, 1, &err), USD_ERR_INVALID);
    assert_int_equal(usd_session_read(s, "#usda 1.0\ndef {", 15, NULL, &err), USD_ERR_SYNTAX);
    assert_string_equal(commit(s), "");
    OK(usd_session_set_instanceable(s, "/World/I1", false, err_));
    commit(s);
    OK(usd_session_set_active(s, "/World/I1/Seat", false, err_));
    assert_string_equal(commit(s), "/World/I1/Seat:R ");
    usd_stage_close(&s);
}

static void payloads_come_and_go(void **state)
{
    static const char *const text = "#usda 1.0\ndef \"Box\" { def \"Lid\" ( payload = </Ball> ) {}\n }\ndef \"Ball\" { int b = 1\n}\n"
                                    "def \"W\" {\n def \"A\" ( payload = </Box> ) { def \"Own\" ( payload = </Ball> ) {}\n }\n"
                                    " def \"I1\" ( references = </Box>\n instanceable = true ) {}\n def \"I2\" ( references = </Box>\n instanceable = true ) {}\n }\n";
    const struct usd_load_rule rules[] = { { "/", USD_LOAD_NONE }, { "/W/A/Lid", USD_LOAD_ALL } };
    struct usd_open_options o          = { .load_rules = rules, .load_rule_count = 2 };
    usd_stage *s;
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, NULL, &o, &s, NULL), USD_OK);
    assert_non_null(usd_stage_find_property(s, "/W/A/Lid.b")); // and so the payload of /W/A, which leads there
    assert_null(usd_stage_find_property(s, "/W/A/Own.b"));
    assert_null(usd_stage_find_property(s, "/W/I1/Lid.b"));
    assert_true(usd_stage_is_loaded(s, "/W/A") && !usd_stage_is_loaded(s, "/W/A/Own"));
    OK(usd_stage_unload(s, "/W/A/Lid", err_));
    assert_string_equal(commit(s), "/W/A:R ");
    assert_null(usd_stage_find(s, "/W/A/Lid"));
    OK(usd_stage_load(s, "/W/A", false, err_));
    assert_string_equal(commit(s), "/W/A:R ");
    assert_non_null(usd_stage_find(s, "/W/A/Lid"));
    assert_null(usd_stage_find_property(s, "/W/A/Lid.b"));
    OK(usd_stage_load(s, "/W/A", true, err_));
    assert_string_equal(commit(s), "/W/A:R ");
    assert_non_null(usd_stage_find_property(s, "/W/A/Own.b"));
    OK(usd_stage_load(s, "/W/A", true, err_));
    assert_string_equal(commit(s), "");
    // instances that load differently share no longer
    OK(usd_stage_load(s, "/W/I1/Lid", true, err_));
    assert_string_equal(commit(s), "/W/I1:R ");
    assert_non_null(usd_stage_find_property(s, "/W/I1/Lid.b"));
    assert_null(usd_stage_find_property(s, "/W/I2/Lid.b"));
    OK(usd_stage_load(s, "/", true, err_));
    commit(s);
    assert_non_null(usd_stage_find_property(s, "/W/I2/Lid.b"));
    assert_ptr_equal(usd_prim_in_prototype(prim(s, "/W/I1/Lid")), usd_prim_in_prototype(prim(s, "/W/I2/Lid")));
    assert_int_equal(usd_stage_load(s, "W", true, NULL), USD_ERR_INVALID);
    usd_stage_close(&s);
    o = (struct usd_open_options) { .skip_payloads = true };
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, NULL, &o, &s, NULL), USD_OK);
    assert_null(usd_stage_find(s, "/W/A/Lid"));
    OK(usd_stage_load(s, "/W/A", true, err_));
    commit(s);
    assert_non_null(usd_stage_find_property(s, "/W/A/Lid.b"));
    usd_stage_close(&s);
}

static void session_layers_are_written_and_read(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "part.usda", "#usda 1.0\n( defaultPrim = \"Part\" )\ndef Sphere \"Part\" { double radius = 4\n}\n");
    usd_stage *s = open_text(shop), *t;
    OK(usd_session_set_variant(s, "/World/A", "look", "steel", err_));
    OK(usd_session_set_numbers(s, "/World/A/Seat.size", NULL, (double[]) { 3 }, 1, 1, err_));
    char *text = session_text(s);
    struct usd_open_options o = { .session = text, .session_size = strlen(text) };
    assert_int_equal(usd_stage_open_string(shop, strlen(shop), NULL, NULL, &o, &t, NULL), USD_OK);
    assert_non_null(usd_stage_find(t, "/World/A/Screw"));
    assert_true(number(t, "/World/A/Seat.size", 1) == 3);
    char *again = session_text(t);
    assert_string_equal(text, again);
    free(text);
    free(again);
    assert_string_equal(commit(s), "/World/A:R ");
    // that there are no variant sets is more than text can say
    OK(usd_session_set_list(s, "/World/Plain", "variantSets", USD_LIST_EXPLICIT, NULL, 0, err_));
    OK(usd_session_set_list(s, "/World/Plain", "apiSchemas", USD_LIST_EXPLICIT, NULL, 0, err_));
    text = session_text(s);
    assert_true(!strstr(text, "variantSets") && strstr(text, "apiSchemas = []"));
    free(text);
    commit(s);
    struct usd_value one = { .type = USD_TYPE_INT, .count = 1, .data = &(int) { 1 } };
    assert_int_equal(usd_session_set_metadata(s, "/World/Plain", "a:b", &one, NULL), USD_ERR_INVALID);
    // another text in its place; what it refers to starts at its own folder
    const char *other = "#usda 1.0\n( metersPerUnit = 2 )\nover \"World\" { def \"P\" ( references = @./part.usda@ ) {}\n }\n";
    OK(usd_session_read(s, other, strlen(other), f.path, err_));
    assert_string_equal(commit(s), "/:I /World/A:R /World/P:R /World/Plain:R ");
    assert_true(number(s, "/World/P.radius", NAN) == 4 && usd_stage_meters_per_unit(s) == 2);
    // a session layer with sublayers or another rate makes everything anew
    other = "#usda 1.0\n( timeCodesPerSecond = 48\n subLayers = [@./part.usda@] )\n";
    OK(usd_session_read(s, other, strlen(other), f.path, err_));
    assert_string_equal(commit(s), "/:R ");
    assert_true(number(s, "/Part.radius", NAN) == 4 && usd_stage_time_codes_per_second(s) == 48);
    assert_null(usd_stage_find(s, "/World/P"));
    OK(usd_session_clear_all(s, err_));
    assert_string_equal(commit(s), "/:R ");
    assert_null(usd_stage_find(s, "/Part"));
    usd_stage_close(&t);
    o = (struct usd_open_options) { .session = "def", .session_size = 3 };
    struct usd_error err;
    assert_int_equal(usd_stage_open_string(shop, strlen(shop), NULL, NULL, &o, &t, &err), USD_ERR_FORMAT);
    assert_null(t);
    usd_stage_close(&s);
    remove_folder(&f);
}

static usd_stage *open_with_session(const char *root, const char *session)
{
    usd_stage *s;
    struct usd_open_options o = { .session = session, .session_size = strlen(session) };
    struct usd_error err      = { 0 };
    ok(usd_stage_open(root, &o, &s, &err), &err);
    return s;
}

// Where the stage has the sample that a layer has at 1.
static double sample_at(const usd_stage *s, const char *path)
{
    double t = NAN;
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, path), &t, 1), 1);
    return t;
}

static void session_layers_have_rates(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "part.usda", "#usda 1.0\n( timeCodesPerSecond = 12 )\ndef \"Part\" { double y.timeSamples = { 1: 1 }\n}\n");
    const char *root  = write_file(&f, "root.usda", "#usda 1.0\n( timeCodesPerSecond = 48 )\ndef \"A\" { double z.timeSamples = { 1: 1 }\n}\n");
    const char *prims = "over \"A\" { double x.timeSamples = { 1: 1 }\n}\ndef \"B\" ( references = @./part.usda@</Part> ) {}\n";
    static const struct {
        const char *head;
        double rate, session, root;
    } rows[] = {
        { "subLayers = [@./part.usda@]", 48, 1, 1 }, // no rate of its own
        { "framesPerSecond = 24\n subLayers = [@./part.usda@]", 48, 2, 1 },
        { "timeCodesPerSecond = 24\n subLayers = [@./part.usda@]", 24, 1, 0.5 },
        { "timeCodesPerSecond = 24\n framesPerSecond = 96\n subLayers = [@./part.usda@]", 24, 1, 0.5 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), "#usda 1.0\n( %s )\n%s", rows[i].head, prims);
        usd_stage *s = open_with_session(root, text);
        assert_true(usd_stage_time_codes_per_second(s) == rows[i].rate);
        assert_true(sample_at(s, "/A.x") == rows[i].session && sample_at(s, "/A.z") == rows[i].root);
        assert_true(sample_at(s, "/Part.y") == rows[i].rate / 12 && sample_at(s, "/B.y") == rows[i].rate / 12);
        // edits are at times of the stage
        OK(usd_session_set_numbers(s, "/A.new", "double", (double[]) { 7 }, 1, 10, err_));
        commit(s);
        double t;
        assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/A.new"), &t, 1), 1);
        assert_true(t == 10);
        usd_stage_close(&s);
    }
    remove_folder(&f);
}

static size_t heap(void) { return mallinfo2().uordblks + mallinfo2().hblkhd; }

static void edits_again_and_again_take_no_memory(void **state)
{
    usd_stage *s = open_text(shop);
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    size_t start = 0;
    for (int i = 0; i < 10200; i++) {
        if (i == 200) // every path and table was made by then
            start = heap();
        const char *look = i & 1 ? "steel" : "wood";
        OK(usd_session_set_variant(s, "/World/A", "look", look, err_));
        OK(usd_session_set_variant(s, "/World/I1", "look", look, err_)); // the holder of a prototype
        OK(usd_session_set_variant(s, "/World/I3", "look", look, err_));
        m[12] = i;
        OK(usd_session_set_transform(s, "/World/B", m, USD_TIME_DEFAULT, err_));
        if (i & 1) {
            OK(usd_session_define(s, "/World/New/Leaf", "Sphere", err_));
            OK(usd_session_set_visible(s, "/World/Plain", false, err_));
            OK(usd_session_set_text(s, "/World/Plain.note", "string", "some text", USD_TIME_DEFAULT, err_));
        } else {
            OK(usd_session_clear(s, "/World/New", err_));
            OK(usd_session_clear(s, "/World/Plain", err_));
        }
        OK(usd_stage_commit(s, NULL, NULL, err_));
        const usd_prim *root = usd_stage_pseudo_root(s); // parts that are made on first use, too
        for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false)) {
            usd_prim_path(p);
            for (size_t k = 0; k < usd_prim_property_count(p); k++)
                usd_rel_target_count(usd_prim_property(p, k));
        }
    }
    size_t grown = heap() > start ? heap() - start : 0;
    if (grown > 16384) // room that doubles now and then
        fail_msg("%zu bytes more after 10,000 rounds", grown);
    usd_stage_close(&s);
}

static void count_changes(void *user, const usd_stage *s, const struct usd_change *c, size_t n) { *(size_t *)user += n; }

static void listeners_hear_of_changes(void **state)
{
    usd_stage *s = open_text(shop);
    size_t heard = 0;
    OK(usd_stage_listen(s, count_changes, &heard, err_));
    uint64_t id = usd_stage_id(s);
    commit(s);
    assert_true(heard == 0 && usd_stage_id(s) == id);
    OK(usd_session_set_visible(s, "/World", false, err_));
    commit(s);
    assert_true(heard == 1 && usd_stage_id(s) != id);
    usd_stage_unlisten(s, count_changes, &heard);
    OK(usd_session_set_visible(s, "/World", true, err_));
    commit(s);
    assert_int_equal(heard, 1);
    usd_stage_close(&s);
}

// ---------------------------------------------------------------------------------------------------------------
// Random edits of random stages: a stage that was edited says the same as one opened with the same session layer.

static uint32_t seed;
static unsigned pick(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    append(t, line, (size_t)vsnprintf(line, sizeof(line), format, args));
    va_end(args);
}

static const char *const child_names[] = { "a", "b", "c" };

// Every class has one heir: instances share by the arcs they have, and one that inherits a class directly shares with one
// that inherits it through a reference, though their opinions may come in another order.
static unsigned classes;

static void random_body(struct text *t, unsigned depth, unsigned level)
{
    for (unsigned i = 0, n = pick(3); i < n; i++)
        put(t, "double x%u = %u\n", i, pick(9));
    if (!pick(4))
        put(t, "rel r = [</W>, </W/none>]\n");
    for (unsigned i = 0; depth && i < 3; i++) {
        if (pick(2))
            continue;
        put(t, "%s \"%s\"", pick(3) ? "def Xform" : "over", child_names[i]);
        if (!pick(5) && level)
            put(t, " ( inherits = </C%u> )", classes++);
        else if (!pick(5) && level)
            put(t, " ( %sreferences = </P%u> )", pick(2) ? "instanceable = true\n " : "", pick(level));
        else if (!pick(8))
            put(t, " ( instanceable = true )");
        put(t, " {\n");
        random_body(t, depth - 1, level);
        put(t, "}\n");
    }
}

static void random_prim(struct text *t, const char *kind, const char *name, unsigned level, bool external)
{
    put(t, "%s \"%s\" (\n", kind, name);
    if (level && pick(2))
        put(t, "references = </P%u>\n", pick(level));
    else if (external && !pick(3))
        put(t, "references = @asset.usda@\n");
    if (level && pick(2))
        put(t, "%s = </C%u%s>\n", pick(4) ? "inherits" : "specializes", classes++, pick(4) ? "" : "/a");
    if (level && !pick(3))
        put(t, "instanceable = true\n");
    bool sets = pick(2);
    if (sets)
        put(t, "variants = { string v = \"%s\" }\nprepend variantSets = \"v\"\n", pick(2) ? "one" : "two");
    put(t, ") {\n");
    random_body(t, 2, level);
    if (sets) {
        put(t, "variantSet \"v\" = {\n\"one\" {\n");
        random_body(t, 1, level);
        put(t, "}\n\"two\" ( %s ) {\n", level && !pick(3) ? "references = </P0>" : "");
        random_body(t, 2, level);
        put(t, "}\n}\n");
    }
    put(t, "}\n");
}

static char *random_stage(const struct folder *f)
{
    struct text t = { 0 };
    classes       = 0;
    put(&t, "#usda 1.0\n( defaultPrim = \"R\" )\n");
    random_prim(&t, "class", "C", 0, false);
    put(&t, "def \"R\" ( inherits = </C> ) {\n");
    random_body(&t, 2, 0);
    put(&t, "}\n");
    write_file(f, "asset.usda", t.data);
    t.size = 0;
    put(&t, "#usda 1.0\n");
    bool relocates = !pick(4);
    if (relocates)
        put(&t, "( relocates = { </V/J0/a>: </V/J0/z>, </V/J0/b>: </V/J1/y>, </V/J1/c>: <> } )\n");
    random_prim(&t, "class", "C", 0, false);
    for (unsigned i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof(name), "P%u", i);
        random_prim(&t, "def Xform", name, i, true);
    }
    put(&t, "def Xform \"W\" {\n");
    for (unsigned i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof(name), "I%u", i);
        random_prim(&t, "def", name, 4, true);
    }
    put(&t, "}\n");
    if (relocates)
        put(&t, "def \"V\" {\ndef \"J0\" ( references = </P3>\ninstanceable = false ) {}\ndef \"J1\" ( references = @asset.usda@\ninherits = </C%u> ) {}\n}\n", classes++);
    for (unsigned i = 0; i < classes; i++) {
        char name[16];
        snprintf(name, sizeof(name), "C%u", i);
        if (pick(4))
            random_prim(&t, "class", name, 0, false);
    }
    return t.data;
}

// A session layer as no edits would make it: with arcs, variants and opinions below instances.
static char *random_session(void)
{
    struct text t = { 0 };
    put(&t, "#usda 1.0\n");
    for (unsigned i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof(name), "P%u", i);
        if (!pick(3))
            random_prim(&t, pick(4) ? "over" : "def Scope", name, i, false);
    }
    put(&t, "over \"W\" {\n");
    for (unsigned i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof(name), "I%u", i);
        if (!pick(3))
            random_prim(&t, pick(4) ? "over" : "def", name, 4, true);
    }
    put(&t, "}\n");
    if (!pick(8))
        put(&t, "reorder rootPrims = [\"W\", \"P1\"]\n");
    return t.data;
}

static void random_path(const usd_stage *s, char *out, size_t size)
{
    const usd_prim *p = usd_stage_pseudo_root(s);
    for (;;) {
        size_t n = 0;
        for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c))
            n++;
        if (!n || (usd_prim_parent(p) && !pick(3)))
            break;
        const usd_prim *c = usd_prim_first_child(p);
        for (size_t i = pick((unsigned)n); i; i--)
            c = usd_prim_next_sibling(c);
        p = c;
    }
    usd_prim_path_copy(p, out, size);
}

static void random_edit(usd_stage *s)
{
    char path[512], prop[600], other[512];
    double n[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, pick(9), 0, 0, 1 };
    random_path(s, path, sizeof(path));
    random_path(s, other, sizeof(other));
    snprintf(prop, sizeof(prop), "%s.x%u", path, pick(3));
    double time = pick(3) ? USD_TIME_DEFAULT : pick(3);
    enum usd_list_edit edit = (enum usd_list_edit)pick(4);
    unsigned heir = 5;
    for (const char *at = path; *at; at++)
        heir = heir * 31 + (unsigned char)*at;
    char class[32];
    snprintf(class, sizeof(class), "/E%u", heir % 1000);
    const char *items[1] = { class };
    struct usd_value v   = { .type = USD_TYPE_TOKEN, .count = 1, .data = (const char *[]) { pick(2) ? "group" : "component" } };
    int rc               = 0; // refusals are fine: what is asked is random
    unsigned what        = pick(22);
    if (getenv("EDIT_TRACE"))
        fprintf(stderr, "edit %u <%s> %s\n", what, path, other);
    switch (what) {
    case 0:
    case 1:
    case 2: rc = usd_session_set_numbers(s, prop, "double", n + 12, 1, time, NULL); break;
    case 3:
    case 4: rc = usd_session_set_variant(s, path, "v", pick(4) ? pick(2) ? "one" : "two" : NULL, NULL); break;
    case 5: rc = usd_session_set_active(s, path, pick(2), NULL); break;
    case 6: // not what has relocations below: instances would share what is moved in one of them
        rc = strncmp(path, "/V", 2) ? usd_session_set_instanceable(s, path, pick(2), NULL) : 0;
        break;
    case 7: rc = usd_session_set_visible(s, path, pick(2), NULL); break;
    case 8: rc = usd_session_set_transform(s, path, n, time, NULL); break;
    case 9:
        if (!pick(4))
            strcpy(path, class);
        strcat(path, pick(2) ? "/a" : "/new");
        rc = usd_session_define(s, path, pick(2) ? "Sphere" : "", NULL);
        break;
    case 10:
    case 11: rc = usd_session_clear(s, pick(3) ? path : prop, NULL); break;
    case 12: rc = usd_session_add_arc(s, path, "references", pick(4) ? "" : "asset.usda", pick(4) ? "/P0" : "", pick(2), 1, NULL); break;
    case 13: rc = usd_session_set_list(s, path, pick(3) ? "inherits" : "specializes", edit, items, 1, NULL); break;
    case 14: rc = usd_session_set_metadata(s, path, "kind", &v, NULL); break;
    case 15:
        snprintf(prop, sizeof(prop), "%s.r", path);
        // not what may be an instance: a prototype's targets are those of the instance that happened to be first
        rc = usd_session_set_list(s, prop, "targets", edit, (const char *[]) { "/W", "/W/else" }, pick(3), NULL);
        break;
    case 16: rc = usd_session_set_list(s, prop, "connections", edit, (const char *[]) { "/W.x" }, 1, NULL); break;
    case 17: {
        const char *const keys[] = { "active", "kind", "references", "inherits", "variants", "instanceable" };
        rc = usd_session_clear_key(s, path, keys[pick(6)], NULL);
        break;
    }
    case 18: rc = usd_session_clear_key(s, prop, pick(2) ? "value" : "connections", NULL); break;
    case 19: rc = usd_session_block(s, prop, NULL); break;
    case 20:
        if (!pick(4))
            rc = usd_session_clear_all(s, NULL);
        break;
    case 21:
        if (!pick(3)) { // out and in again, or another one
            char *text = pick(2) ? session_text(s) : random_session();
            rc         = usd_session_read(s, text, strlen(text), NULL, NULL);
            assert_int_equal(rc, USD_OK);
            free(text);
        }
        break;
    }
    assert_true(rc == USD_OK || rc == USD_ERR_INVALID || rc == USD_ERR_NOT_FOUND);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char **sorted_lines(char *text, size_t *count, bool opinions)
{
    size_t n = 0, capacity = 1024;
    char **lines = malloc(capacity * sizeof(*lines));
    for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
        if (!opinions && strstr(at, "\topinion"))
            continue;
        if (n == capacity)
            lines = realloc(lines, (capacity *= 2) * sizeof(*lines));
        lines[n++] = at;
    }
    qsort(lines, n, sizeof(*lines), by_text);
    *count = n;
    return lines;
}

// A line about a path, or a list of children, is covered when a change says that something is different there.
static bool covered(const char *text, const struct usd_change *c, size_t count)
{
    size_t n      = strcspn(text, "\t");
    bool children = !strchr(text + n, '=') && (!text[n + 1] || text[strlen(text) - 1] == ' ');
    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(c[i].path);
        if (m == n && !strncmp(text, c[i].path, n))
            return true;
        if (c[i].kind == USD_CHANGE_RESYNCED && (m == 1 || (m < n && !strncmp(text, c[i].path, m) && (text[m] == '/' || text[m] == '.'))))
            return true;
        const char *slash = strrchr(c[i].path, '/');
        size_t parent     = slash == c[i].path ? 1 : (size_t)(slash - c[i].path);
        if (children && c[i].kind == USD_CHANGE_RESYNCED && parent == n && !strncmp(text, c[i].path, n))
            return true;
    }
    return false;
}

static void check_coverage(char *before, char *after, const struct usd_change *c, size_t count)
{
    size_t n, m, i = 0, k = 0;
    char **a = sorted_lines(before, &n, false), **b = sorted_lines(after, &m, false);
    while (i < n || k < m) {
        int order = i == n ? 1 : k == m ? -1 : strcmp(a[i], b[k]);
        if (order && !covered(order < 0 ? a[i] : b[k], c, count))
            fail_msg("seed %u: not reported: %s", seed, order < 0 ? a[i] : b[k]);
        i += order <= 0;
        k += order >= 0;
    }
    free(a);
    free(b);
}

// Lines in any order: names of metadata come in that of the opinions, which instances of one prototype need not share.
static void same(const char *what, unsigned run, unsigned step, const char *edited, const char *fresh, const char *session, const char *stage)
{
    size_t n, m, i = 0;
    char *x = strdup(edited), *y = strdup(fresh), **a = sorted_lines(x, &n, true), **b = sorted_lines(y, &m, true);
    while (i < n && i < m && !strcmp(a[i], b[i]))
        i++;
    if (i < n || i < m) {
        fprintf(stderr, "session layer:\n%s\nstage:\n%s\n", session, stage);
        fail_msg("run %u step %u: %s\nedited: %.200s\nfresh:  %.200s", run, step, what, i < n ? a[i] : "", i < m ? b[i] : "");
    }
    free(a);
    free(b);
    free(x);
    free(y);
}

static void one_run(unsigned run, const struct folder *f)
{
    seed        = run * 2654435761u + 1;
    char *stage = random_stage(f);
    usd_stage *s, *fresh;
    struct usd_error err = { 0 };
    struct usd_open_options alone = { .threads = 1 }; // the same instance is the first every time
    ok(usd_stage_open_string(stage, strlen(stage), NULL, f->path, &alone, &s, &err), &err);
    for (unsigned step = 0; step < 12; step++) {
        char *before = walk_stage(s);
        for (unsigned i = 0, n = 1 + pick(3); i < n; i++)
            random_edit(s);
        char *text = session_text(s);
        const struct usd_change *c;
        size_t count;
        ok(usd_stage_commit(s, &c, &count, &err), &err);
        for (size_t i = 0; i < count && getenv("EDIT_TRACE"); i++)
            fprintf(stderr, "  step %u: %s %d\n", step, c[i].path, c[i].kind);
        struct usd_open_options o = { .session = text, .session_size = strlen(text), .threads = 1 };
        ok(usd_stage_open_string(stage, strlen(stage), NULL, f->path, &o, &fresh, &err), &err);
        char *x = walk_stage(s), *y = walk_stage(fresh);
        same("content", run, step, x, y, text, stage);
        free(y);
        bool nested = false;
        char *u = walk_sharing(s, &nested), *w = walk_sharing(fresh, &nested);
        same("sharing", run, step, u, w, text, stage);
        free(u);
        free(w);
        struct usd_stage_stats p, q;
        usd_stage_stats(s, &p);
        usd_stage_stats(fresh, &q);
        if (nested)
            q.prims = p.prims, q.prototypes = p.prototypes, q.instances = p.instances;
        if (p.prims != q.prims || p.prims_expanded != q.prims_expanded || p.instances != q.instances || p.prototypes != q.prototypes)
            fail_msg("run %u step %u: %zu/%zu prims, %zu/%zu expanded, %zu/%zu instances, %zu/%zu prototypes\n%s\n%s", run, step, (size_t)p.prims,
                     (size_t)q.prims, (size_t)p.prims_expanded, (size_t)q.prims_expanded, (size_t)p.instances, (size_t)q.instances,
                     (size_t)p.prototypes, (size_t)q.prototypes, text, stage);
        check_coverage(before, x, c, count);
        usd_stage_close(&fresh);
        free(before);
        free(x);
        free(text);
    }
    usd_stage_close(&s);
    free(stage);
}

static void edited_stages_equal_opened_ones(void **state)
{
    struct folder f = make_folder();
    unsigned first = getenv("EDIT_FIRST") ? (unsigned)atoi(getenv("EDIT_FIRST")) : 0, runs = getenv("EDIT_RUNS") ? (unsigned)atoi(getenv("EDIT_RUNS")) : 150;
    for (unsigned run = first; run < first + runs; run++)
        one_run(run, &f);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_set_and_cleared), cmocka_unit_test(visibility_and_transforms), cmocka_unit_test(variants_are_switched),
        cmocka_unit_test(instances_go_on_sharing),    cmocka_unit_test(prims_come_and_go),         cmocka_unit_test(targets_and_lists),
        cmocka_unit_test(what_cannot_be_edited),      cmocka_unit_test(listeners_hear_of_changes),
        cmocka_unit_test(payloads_come_and_go),
        cmocka_unit_test(session_layers_are_written_and_read),
        cmocka_unit_test(session_layers_have_rates),
        cmocka_unit_test(edits_again_and_again_take_no_memory),
        cmocka_unit_test(edited_stages_equal_opened_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
