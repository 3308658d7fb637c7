// Collections (UsdCollectionAPI): which paths belong to them. Either by rules, from the includes and excludes
// relationships (the nearest rule at or above a path decides), or by a path expression.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "path_expression.h"

#define MAX_CHAIN 32   // collections that include collections that ...
#define MAX_OPENED 500 // that the expression of one collection looks into, over others
#define MAX_OPINIONS 64 // that "%_" goes through
#define MAX_MEMORY (64 << 20)

enum rule { RULE_EXPLICIT = 1, RULE_PRIMS, RULE_PROPERTIES, RULE_EXCLUDE };

struct usd_collection {
    struct hash_map rules; // path token -> enum rule
    const struct usd_prim *owner;
    bool by_expression;
    bool circular;
    struct arena memory, *arena; // of what follows: its own, or that of the collection where the asking began
    const char *name;
    const struct logic *expression; // NULL: no members
    const char *refused;
    struct usd_collection *asked; // those the expression names; the next of them
    struct usd_collection *next;
    struct usd_collection *from, *first; // while it is opened: the one that names it, and the one where that began
    unsigned depth, opened;
};

static const usd_property *property(const usd_prim *owner, const char *name, size_t size, const char *what)
{
    char full[1024];
    if (snprintf(full, sizeof(full), "collection:%.*s:%s", (int)size, name, what) >= (int)sizeof(full))
        return NULL;
    return usd_prim_find_property(owner, full);
}

static bool include_root(const usd_prim *owner, const char *name, size_t size)
{
    char full[1024];
    bool v = false; // a fallback counts: lightLink of lights includes everything
    if (snprintf(full, sizeof(full), "collection:%.*s:includeRoot", (int)size, name) < (int)sizeof(full))
        usd_prim_get_bool(owner, full, USD_TIME_DEFAULT, &v);
    return v;
}

static enum rule expansion(const usd_prim *owner, const char *name, size_t size)
{
    const char *rule = "expandPrims";
    usd_attr_get_token(property(owner, name, size, "expansionRule"), USD_TIME_DEFAULT, &rule);
    return !strcmp(rule, "explicitOnly") ? RULE_EXPLICIT : !strcmp(rule, "expandPrimsAndProperties") ? RULE_PROPERTIES : RULE_PRIMS;
}

// The prim and the name in "/Prim.collection:name"; NULL when the path is another.
static const usd_prim *collection_at(const usd_stage *s, const char *path, const char **name)
{
    char prim[8192];
    const char *dot = strstr(path, ".collection:");
    if (!dot || (size_t)(dot - path) >= sizeof(prim))
        return NULL;
    memcpy(prim, path, (size_t)(dot - path));
    prim[dot - path] = 0;
    *name            = dot + strlen(".collection:");
    return usd_stage_find(s, prim);
}

static void add_rules(struct usd_collection *c, const usd_prim *owner, const char *name, size_t size, int depth)
{
    if (depth > MAX_CHAIN) {
        c->circular = true;
        return;
    }
    enum rule rule               = expansion(owner, name, size);
    const usd_property *includes = property(owner, name, size, "includes"), *excludes = property(owner, name, size, "excludes");
    if (include_root(owner, name, size))
        hash_map_put(&c->rules, tok_str("/"), rule);
    for (size_t i = 0; i < usd_rel_target_count(includes) && !c->circular; i++) {
        const char *target = usd_rel_target(includes, i), *other;
        const usd_prim *p  = collection_at(prim_stage(owner), target, &other);
        if (p) // what comes later overrides
            add_rules(c, p, other, strlen(other), depth + 1);
        else
            hash_map_put(&c->rules, tok_str(target), rule);
    }
    for (size_t i = 0; i < usd_rel_target_count(excludes); i++)
        hash_map_put(&c->rules, tok_str(usd_rel_target(excludes, i)), RULE_EXCLUDE);
}

// ---------------------------------------------------------------------------------------------------------------
// By expression

static bool setup(struct usd_collection *c, const usd_prim *owner, const char *name, size_t size, struct usd_collection *from);

// What the expression of another collection means by "%/Prim:name".
static const struct usd_collection *ask(void *user, const usd_prim *owner, const char *name)
{
    struct usd_collection *from = user, *first = from->first;
    for (const struct usd_collection *c = from; c; c = c->from)
        if (c->owner == owner && !strcmp(c->name, name)) {
            first->circular = true;
            return NULL;
        }
    if (from->depth == MAX_CHAIN || first->opened == MAX_OPENED) {
        if (!first->refused)
            first->refused = "too many collections";
        return NULL;
    }
    first->opened++;
    struct usd_collection *c = arena_alloc(from->arena, sizeof(*c));
    if (!c)
        return NULL;
    setup(c, owner, name, strlen(name), from);
    c->next     = from->asked;
    from->asked = c;
    return c;
}

// The opinions on the expression, strongest first: more than one where "%_" asks for it.
static size_t opinions(struct usd_collection *c, const usd_property *q, struct path_expression_text *out)
{
    const struct usd_prim *p = prim_real(c->owner);
    bool more                = true;
    size_t n                 = 0;
    for (unsigned i = 0; more && i < q->ref_count && n < MAX_OPINIONS; i++) {
        const struct layer *l;
        struct prop_ref r         = prop_refs(q)[i];
        const struct prop_spec *s = ref_prop(p->index, r, &l);
        const struct field *f     = prop_field(l, s, T_default);
        const struct node *node   = &p->index->nodes[r.node];
        struct usd_value v        = { 0 };
        if (!f || f->type == VT_ANIMATION_BLOCK)
            continue;
        more = field_value(prim_stage(c->owner), l, f, &v) && !v.is_array && (v.type == USD_TYPE_STRING || v.type == USD_TYPE_TOKEN);
        if (more) {
            const char *text = *(const char *const *)v.data;
            usd_tok site     = node_site(node, p->index, p);
            text             = arena_strndup(c->arena, text, strlen(text));
            more             = text && site;
            if (more)
                out[n++] = (struct path_expression_text) { text, tok_text(site), node->to_root };
            more = more && path_expression_has_weaker(text);
        }
        usd_value_finish(&v);
    }
    return n;
}

// A membership expression counts only where no relationship and no includeRoot does.
static void read_expression(struct usd_collection *c, const char *name, size_t size)
{
    const usd_prim *owner = c->owner;
    const usd_property *q = property(owner, name, size, "membershipExpression");
    if (!q || usd_property_is_relationship(q) || include_root(owner, name, size) || usd_rel_target_count(property(owner, name, size, "includes"))
        || usd_rel_target_count(property(owner, name, size, "excludes")))
        return;
    struct path_expression_text texts[MAX_OPINIONS];
    size_t n                         = opinions(c, q, texts);
    struct path_expression_reader to = { .owner = owner, .arena = c->arena, .collection = ask, .user = c };
    c->by_expression                 = n > 0;
    c->expression                    = path_expression_read(&to, texts, n);
    if (to.refused)
        c->refused = to.refused;
}

static bool setup(struct usd_collection *c, const usd_prim *owner, const char *name, size_t size, struct usd_collection *from)
{
    *c = (struct usd_collection) { .owner = owner, .from = from, .first = from ? from->first : c, .depth = from ? from->depth + 1 : 0 };
    arena_init(&c->memory, MAX_MEMORY);
    c->arena = &c->first->memory;
    c->name  = arena_strndup(c->arena, name, size);
    if (!owner || !c->name)
        return false;
    read_expression(c, name, size);
    if (!c->by_expression)
        add_rules(c, owner, name, size, 0);
    return true;
}

static void finish(struct usd_collection *c)
{
    for (struct usd_collection *other = c->asked; other; other = other->next)
        finish(other);
    hash_map_finish(&c->rules);
    arena_finish(&c->memory);
}

static bool rules_have(const struct usd_collection *c, const char *path)
{
    size_t n = strlen(path);
    if (!c->rules.count || *path != '/')
        return false;
    bool is_property = strchr(path, '.') != NULL;
    for (bool self = true; n; self = false) {
        usd_tok tok    = tok_find(path, n);
        uint64_t *rule = tok != UINT32_MAX ? hash_map_get(&c->rules, tok) : NULL;
        if (rule && *rule == RULE_EXCLUDE)
            return false;
        if (rule && (self || *rule == RULE_PROPERTIES || (*rule == RULE_PRIMS && !is_property)))
            return true;
        if (n == 1)
            return false;
        while (n && path[n - 1] != '/' && path[n - 1] != '.')
            n--;
        n = n > 1 ? n - 1 : 1;
    }
    return false;
}

bool collection_has_subject(const struct usd_collection *c, const struct path_subject *s)
{
    return c->by_expression ? path_expression_matches(c->expression, s) : rules_have(c, s->path);
}

static bool has(const struct usd_collection *c, const char *path)
{
    struct path_subject s;
    if (!c->by_expression)
        return rules_have(c, path);
    path_subject_init(&s, prim_stage(c->owner), path);
    return path_expression_matches(c->expression, &s);
}

// ---------------------------------------------------------------------------------------------------------------

int usd_collection_open(const usd_prim *owner, const char *name, usd_collection **out)
{
    *out = NULL;
    if (!owner || !name || !*name)
        return USD_ERR_INVALID;
    struct usd_collection *c = malloc(sizeof(*c));
    if (!c)
        return USD_ERR_NOMEM;
    setup(c, owner, name, strlen(name), NULL);
    *out = c;
    return USD_OK;
}

void usd_collection_close(usd_collection **c)
{
    if (*c)
        finish(*c);
    free(*c);
    *c = NULL;
}

bool usd_collection_has(const usd_collection *c, const char *path) { return c && path && has(c, path); }
bool usd_collection_is_circular(const usd_collection *c) { return c && c->circular; }

const char *usd_collection_unsupported(const usd_collection *c) { return c ? c->refused : NULL; }

size_t usd_prim_collection_count(const usd_prim *p)
{
    const usd_definition *d = usd_prim_definition(p);
    size_t n                = 0;
    for (size_t i = 0; i < usd_definition_api_count(d); i++)
        n += !strncmp(usd_definition_api(d, i), "CollectionAPI:", 14);
    return n;
}

const char *usd_prim_collection(const usd_prim *p, size_t at)
{
    const usd_definition *d = usd_prim_definition(p);
    for (size_t i = 0; i < usd_definition_api_count(d); i++)
        if (!strncmp(usd_definition_api(d, i), "CollectionAPI:", 14) && !at--)
            return usd_definition_api(d, i) + 14;
    return NULL;
}

bool usd_light_links(const usd_prim *light, const char *link, const usd_prim *prim)
{
    char path[8192];
    struct usd_collection c;
    if (!light || !prim || prim_path_write(prim, path, sizeof(path)) >= sizeof(path))
        return false;
    bool found = setup(&c, light, link, strlen(link), NULL) && has(&c, path);
    finish(&c);
    return found;
}
