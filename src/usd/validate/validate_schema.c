// Prims and properties against the schemas, and what properties point at.
#include <string.h>

#include "validate.h"

// ---------------------------------------------------------------------------------------------------------------
// Prims

static void check_type(struct usd_stage *s, const usd_prim *p)
{
    const char *type         = usd_prim_type_name(p);
    const usd_schema *schema = usd_schema_find(type);
    if (!*type)
        return;
    if (!schema)
        PRIM_FINDING(s, p, USD_WARNING, "unknown-type", "use a type of the core schemas where others are to read the file",
                     "the type '%s' is in none of the core schemas; it is drawn and measured as nothing", type);
    else if (usd_schema_kind(schema) == USD_SCHEMA_ABSTRACT)
        PRIM_FINDING(s, p, USD_ERROR, "abstract-type", "use a type that derives from it", "'%s' is abstract: no prim can be one", type);
    else if (usd_schema_kind(schema) != USD_SCHEMA_CONCRETE)
        PRIM_FINDING(s, p, USD_ERROR, "abstract-type", "list it in apiSchemas instead", "'%s' is an API schema, not a type", type);
}

static void check_api(struct usd_stage *s, const usd_prim *p, const char *api)
{
    char name[256];
    size_t n           = strcspn(api, ":");
    const char *reason = NULL;
    if (n >= sizeof(name))
        return;
    memcpy(name, api, n);
    name[n]                  = 0;
    const usd_schema *schema = usd_schema_find(name);
    if (!schema)
        return; // of other libraries: nothing to say
    switch (usd_schema_kind(schema)) {
    case USD_SCHEMA_API: reason = api[n] ? "takes no instance name" : NULL; break;
    case USD_SCHEMA_API_MULTIPLE: reason = api[n] && api[n + 1] ? NULL : "needs an instance name (Name:instance)"; break;
    case USD_SCHEMA_API_PLAIN: reason = "is an interface that is never applied"; break;
    default: reason = "is a type, not an API schema";
    }
    if (reason)
        PRIM_FINDING(s, p, USD_ERROR, "api-schema", "correct the entry in apiSchemas", "apiSchemas lists '%s', but %s %s", api, name, reason);
}

// Properties that mean something only where their API schema is applied.
static void check_unapplied(struct usd_stage *s, const usd_prim *p)
{
    static const struct {
        const char *prefix, *api;
    } rows[] = {
        { "material:binding", "MaterialBindingAPI" },
        { "skel:", "SkelBindingAPI" },
        { "primvars:skel:joint", "SkelBindingAPI" },
        { "inputs:shaping:", "ShapingAPI" },
        { "inputs:shadow:", "ShadowAPI" },
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            const usd_property *q = usd_prim_property(p, i);
            if (strncmp(usd_property_name(q), rows[r].prefix, strlen(rows[r].prefix)) || usd_prim_has_api(p, rows[r].api))
                continue;
            PROPERTY_FINDING(s, q, USD_WARNING, "api-not-applied", "prepend it to the prim's apiSchemas", "the prim does not apply %s; readers may ignore the property", rows[r].api);
            break;
        }
}

void validate_schema(struct usd_stage *s, const usd_prim *p)
{
    check_type(s, p);
    for (size_t i = 0; i < usd_prim_api_schema_count(p); i++)
        check_api(s, p, usd_prim_api_schema(p, i));
    check_unapplied(s, p);
}

// ---------------------------------------------------------------------------------------------------------------
// Targets and assets

static void check_target(struct usd_stage *s, const usd_property *q, const char *target)
{
    const char *dot  = strchr(target, '.');
    const char *what = usd_property_is_relationship(q) ? "target" : "connection";
    char path[8192];
    size_t n = dot ? (size_t)(dot - target) : strlen(target);
    if (n >= sizeof(path))
        return;
    memcpy(path, target, n);
    path[n]           = 0;
    const usd_prim *p = usd_stage_find(s, path);
    if (!p)
        PROPERTY_FINDING(s, q, USD_ERROR, usd_property_is_relationship(q) ? "missing-target" : "missing-connection", "correct the path, or add the prim",
                         "its %s <%s> does not exist: there is no prim <%s>", what, target, path);
    else if (!usd_prim_is_active(p))
        PROPERTY_FINDING(s, q, USD_WARNING, "missing-target", "activate the prim, or point elsewhere", "its %s <%s> is not active", what, target);
    else if (dot && !usd_prim_find_property(p, dot + 1) && strncmp(dot + 1, "collection:", 11)
             && !usd_definition_find(usd_prim_definition(p), dot + 1, &(struct usd_built_in) { 0 }))
        PROPERTY_FINDING(s, q, USD_WARNING, usd_property_is_relationship(q) ? "missing-target" : "missing-connection", "declare the property, or correct its name",
                         "its %s <%s> is declared by no layer", what, target);
}

// Targets that an arc drops because they lead out of what it brings in.
static void check_dropped(struct usd_stage *s, const usd_property *q)
{
    const struct usd_prim *p = prim_real(usd_property_prim(q));
    usd_tok name             = usd_property_is_relationship(q) ? T_targetPaths : T_connectionPaths;
    for (unsigned i = 0; i < q->ref_count; i++) {
        const struct layer *l;
        struct prop_ref r         = prop_refs(q)[i];
        const struct prop_spec *o = ref_prop(p->index, r, &l);
        const struct field *f     = o->field_count ? prop_field(l, o, name) : NULL;
        if (!f || f->type != VT_PATH_LISTOP)
            continue;
        const struct listop *op = field_ptr(f);
        for (int k = 0; k <= LISTOP_APPEND; k++)
            for (size_t n = 0; n < op->list[k].count; n++) {
                const char *path = ((const char *const *)op->list[k].items)[n];
                if (!path_map_apply(p->index->nodes[r.node].to_root, path)) {
                    struct usd_opinion at;
                    usd_property_opinion(q, i, &at);
                    char where[8192];
                    validate_property_path(q, where, sizeof(where));
                    stage_finding(s, USD_WARNING, "target-outside", "bring in a prim that holds both, such as the asset's default prim", at.layer, where,
                                  "<%s>, as <%s> has it, leads out of what the arc brings in; it is left out", path, at.path);
                }
            }
        if (op->is_explicit)
            break;
    }
}

static bool is_udim(const char *path) { return strstr(path, "<UDIM>") != NULL; }

static bool is_url(const char *path) { return strstr(path, "://") && strncmp(path, "file://", 7) != 0; }

static void check_assets(struct usd_stage *s, const usd_property *q, const struct usd_value *v)
{
    const struct usd_asset *a = v->data;
    const char *name          = usd_property_name(q);
    // Shader sources come from the search paths of a renderer.
    bool source = !strncmp(name, "info:", 5) && strstr(name, "sourceAsset");
    for (size_t i = 0; i < v->count; i++)
        if (is_url(a[i].authored))
            PROPERTY_FINDING(s, q, USD_WARNING, "missing-asset", "put a copy beside the layer and name that", "asset @%s@ is a URL; only files and package members are read", a[i].authored);
        else if (*a[i].authored && !*a[i].resolved)
            PROPERTY_FINDING(s, q, source ? USD_WARNING : USD_ERROR, "missing-asset",
                             source ? "a renderer must find it on its own search path" : "correct the path, put the file there, or give --search-path",
                             is_udim(a[i].authored) ? "no tile of @%s@ was found" : "asset @%s@ was not found", a[i].authored);
}

// ---------------------------------------------------------------------------------------------------------------
// Types and values

static bool same_storage(const char *a, const char *b)
{
    bool array_a, array_b;
    return usd_type_from_name(a, &array_a) == usd_type_from_name(b, &array_b) && array_a == array_b;
}

static void check_against_schema(struct usd_stage *s, const usd_property *q, const struct usd_built_in *b)
{
    const char *declared = usd_property_declared_type(q);
    if (b->is_relationship != usd_property_is_relationship(q)) {
        PROPERTY_FINDING(s, q, USD_ERROR, "property-kind", "rename one of the two", "the schema has it as %s, but a layer as %s", b->is_relationship ? "a relationship" : "an attribute",
                         b->is_relationship ? "an attribute" : "a relationship");
        return;
    }
    if (b->is_relationship)
        return;
    if (*declared && strcmp(declared, b->type_name))
        PROPERTY_FINDING(s, q, same_storage(declared, b->type_name) ? USD_WARNING : USD_ERROR, "schema-type", "declare it as the schema does",
                         "is declared as %s; the schema says %s", declared, b->type_name);
    if (b->is_uniform && usd_attr_sample_count(q))
        PROPERTY_FINDING(s, q, USD_WARNING, "uniform-samples", "give it a default value instead", "has time samples, but is uniform: it cannot vary");
}

static void check_token(struct usd_stage *s, const usd_property *q, const struct usd_value *v)
{
    struct usd_value allowed;
    if (v->type != USD_TYPE_TOKEN || v->is_array)
        return;
    const char *value = *(const char *const *)v->data;
    if (usd_definition_metadata(usd_prim_definition(usd_property_prim(q)), usd_property_name(q), "allowedTokens", &allowed) && allowed.type == USD_TYPE_TOKEN) {
        bool found = false;
        char list[256];
        size_t n = 0;
        list[0]  = 0;
        for (size_t i = 0; i < allowed.count; i++) {
            const char *t = ((const char *const *)allowed.data)[i];
            found |= !strcmp(t, value);
            if (n + strlen(t) + 4 < sizeof(list)) {
                strcat(strcat(list, n ? ", " : ""), t);
                n = strlen(list);
            }
        }
        if (!found)
            PROPERTY_FINDING(s, q, USD_ERROR, "allowed-tokens", "use one of the allowed words", "'%s' is not allowed here (%s)", value, list);
    }
    usd_value_finish(&allowed);
}

static void check_metadata(struct usd_stage *s, const usd_property *q)
{
    static const char *const words[] = { "constant", "uniform", "varying", "vertex", "faceVarying" };
    struct usd_value v;
    if (usd_property_metadata(q, "interpolation", &v) && v.type == USD_TYPE_TOKEN && !v.is_array) {
        bool known = false;
        for (int i = 0; i < 5; i++)
            known |= !strcmp(words[i], *(const char *const *)v.data);
        if (!known)
            PROPERTY_FINDING(s, q, USD_ERROR, "interpolation", "use constant, uniform, varying, vertex or faceVarying", "'%s' is no interpolation", *(const char *const *)v.data);
    }
    usd_value_finish(&v);
}

// None is written as a value of the type `value`, where `declared` is wanted.
static bool fits(enum usd_type declared, enum usd_type value)
{
    if (declared == value)
        return true;
    bool text_d = declared == USD_TYPE_STRING || declared == USD_TYPE_TOKEN || declared == USD_TYPE_PATH;
    bool text_v = value == USD_TYPE_STRING || value == USD_TYPE_TOKEN || value == USD_TYPE_PATH;
    return text_d && text_v && (declared == USD_TYPE_PATH || value == USD_TYPE_PATH); // path expressions
}

// Specs of the other kind than the strongest do not count.
static void check_kinds(struct usd_stage *s, const usd_property *q)
{
    const struct usd_prim *p   = prim_real(prop_prim(q));
    const struct spec_ref *ref = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *spec  = ref_spec(p->index, ref[i], &l);
        const struct prop_spec *other = spec_prop(l, spec, q->name);
        if (!other || !((other->flags ^ q->flags) & PROP_RELATIONSHIP))
            continue;
        char path[8192];
        validate_property_path(q, path, sizeof(path));
        stage_finding(s, USD_WARNING, "property-kind", "rename one of the two", l->identifier, path,
                      "this layer has it as %s, which does not count: a stronger one has it as %s", other->flags & PROP_RELATIONSHIP ? "a relationship" : "an attribute",
                      other->flags & PROP_RELATIONSHIP ? "an attribute" : "a relationship");
    }
}

void validate_property(struct usd_stage *s, const usd_property *q)
{
    struct usd_built_in b;
    bool built_in = usd_definition_find(usd_prim_definition(usd_property_prim(q)), usd_property_name(q), &b);
    if (built_in)
        check_against_schema(s, q, &b);
    else
        check_kinds(s, q);
    check_dropped(s, q);
    if (usd_property_is_relationship(q)) {
        for (size_t i = 0; i < usd_rel_target_count(q); i++)
            check_target(s, q, usd_rel_target(q, i));
        return;
    }
    for (size_t i = 0; i < usd_attr_connection_count(q); i++)
        check_target(s, q, usd_attr_connection(q, i));
    check_metadata(s, q);
    struct usd_value v;
    bool is_array;
    const char *name = usd_property_declared_type(q);
    enum usd_type t  = usd_type_from_name(name, &is_array);
    if (usd_attr_get(q, validate_first_time(q), &v)) {
        if (t == USD_TYPE_NONE)
            PROPERTY_FINDING(s, q, USD_WARNING, "unknown-value-type", "use a value type of USD", "has the unknown type '%s'", name);
        else if (!fits(t, v.type) || v.is_array != is_array)
            PROPERTY_FINDING(s, q, USD_ERROR, "value-type", "make both the same", "is declared as %s, but its value is %s%s", name, usd_type_name(v.type), v.is_array ? "[]" : "");
        if (v.type == USD_TYPE_ASSET)
            check_assets(s, q, &v);
        if (built_in)
            check_token(s, q, &v);
    }
    usd_value_finish(&v);
}
