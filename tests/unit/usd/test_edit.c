// Edits in memory: the session layer, commits, lists of changes.
#include "usd_test.h"

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

static void walk_property(struct walk *w, const usd_property *q, const char *prim_path)
{
    char path[1024], what[4096], value[2048];
    struct usd_value v;
    snprintf(path, sizeof(path), "%s.%s", prim_path, usd_property_name(q));
    snprintf(what, sizeof(what), "%s %d%d%d", usd_property_type_name(q), usd_property_is_relationship(q), usd_property_is_uniform(q), usd_property_is_custom(q));
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
        snprintf(what, sizeof(what), "opinion %s %s %g %g", o.layer, o.path, o.offset, o.scale);
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
            snprintf(what, sizeof(what), "opinion %s %s %g %g", o.layer, o.path, o.offset, o.scale);
            line(w, path, what);
        }
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        assert_ptr_equal(usd_property_prim(usd_prim_property(p, i)), p);
        walk_property(w, usd_prim_property(p, i), path);
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

// Which prims share a prototype: "path first-path-of-the-group".
static char *walk_sharing(const usd_stage *s)
{
    struct walk w        = { .stage = s };
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false)) {
        if (!usd_prim_is_instance(p))
            continue;
        const usd_prim *q = usd_prim_first_child(root);
        while (!usd_prim_is_instance(q) || usd_prim_in_prototype(q) != usd_prim_in_prototype(p))
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
    "class \"_class_Chair\" { double height = 1\n def \"Leg\" { double length = 1\n } }\n"
    "def Xform \"Chair\" ( inherits = </_class_Chair>\n variants = { string look = \"wood\" }\n variantSets = \"look\" )\n{\n"
    " double3 xformOp:translate = (1, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
    " def Cube \"Seat\" { double size = 1\n }\n"
    " variantSet \"look\" = { \"wood\" { over \"Seat\" { color3f[] primvars:displayColor = [(1, 0, 0)]\n } }\n"
    "  \"steel\" { def \"Screw\" { int turns = 3\n } } }\n}\n"
    "def Xform \"World\"\n{\n"
    " def \"A\" ( references = </Chair> ) {}\n"
    " def \"B\" ( references = </Chair> ) { over \"Seat\" { double size = 2\n } }\n"
    " def \"I1\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def \"I2\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def \"I3\" ( references = </Chair>\n instanceable = true ) {}\n"
    " def Scope \"Plain\" { def Scope \"Deep\" {} }\n}\n";

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
                  "  uniform token[] xformOpOrder = [\"!resetXformStack!\", \"xformOp:translate\"]\n } }\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_set_and_cleared), cmocka_unit_test(visibility_and_transforms), cmocka_unit_test(variants_are_switched),
        cmocka_unit_test(instances_go_on_sharing),    cmocka_unit_test(prims_come_and_go),         cmocka_unit_test(targets_and_lists),
        cmocka_unit_test(what_cannot_be_edited),      cmocka_unit_test(listeners_hear_of_changes),
    };
    (void)walk_stage;
    (void)walk_sharing;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
