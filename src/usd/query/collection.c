// Collections (UsdCollectionAPI): which paths belong to them. Either by rules, from the includes and excludes
// relationships (the nearest rule at or above a path decides), or by a path expression.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "path_expression.h"

#define MAX_CHAIN 32 // collections that include collections that ...

enum rule { RULE_EXPLICIT = 1, RULE_PRIMS, RULE_PROPERTIES, RULE_EXCLUDE };

struct usd_collection {
    struct hash_map rules; // path token -> enum rule
    const struct usd_prim *owner;
    const char *expression; // NULL: by rules
    const struct path_map *map;
    int depth;
    bool circular;
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

// A membership expression counts only where no relationship and no includeRoot does.
static void read_expression(struct usd_collection *c, const usd_prim *owner, const char *name, size_t size)
{
    const usd_property *q = property(owner, name, size, "membershipExpression");
    const char *text;
    if (!q || include_root(owner, name, size) || usd_rel_target_count(property(owner, name, size, "includes"))
        || usd_rel_target_count(property(owner, name, size, "excludes")) || !usd_attr_get_token(q, USD_TIME_DEFAULT, &text))
        return;
    const struct index *ix = prim_real(owner)->index;
    c->expression          = text;
    c->map                 = q->ref_count ? ix->nodes[prop_refs(q)[0].node].to_root : NULL;
}

static bool setup(struct usd_collection *c, const usd_prim *owner, const char *name, size_t size, int depth)
{
    *c = (struct usd_collection) { .owner = owner, .depth = depth };
    if (!owner || depth > MAX_CHAIN)
        return false;
    read_expression(c, owner, name, size);
    if (!c->expression)
        add_rules(c, owner, name, size, 0);
    return true;
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

static bool expression_has(const usd_prim *owner, const char *name, size_t size, const char *path, int depth);

static struct path_expression expression_of(const struct usd_collection *c)
{
    return (struct path_expression) { c->owner, c->expression, c->map, expression_has, c->depth };
}

static bool has(const struct usd_collection *c, const char *path)
{
    if (!c->expression)
        return rules_have(c, path);
    struct path_expression e = expression_of(c);
    return path_expression_matches(&e, path);
}

static bool expression_has(const usd_prim *owner, const char *name, size_t size, const char *path, int depth)
{
    struct usd_collection c;
    bool found = setup(&c, owner, name, size, depth) && has(&c, path);
    hash_map_finish(&c.rules);
    return found;
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
    setup(c, owner, name, strlen(name), 0);
    *out = c;
    return USD_OK;
}

void usd_collection_close(usd_collection **c)
{
    if (*c)
        hash_map_finish(&(*c)->rules);
    free(*c);
    *c = NULL;
}

bool usd_collection_has(const usd_collection *c, const char *path) { return c && path && has(c, path); }
bool usd_collection_is_circular(const usd_collection *c) { return c && c->circular; }

const char *usd_collection_unsupported(const usd_collection *c)
{
    if (!c || !c->expression)
        return NULL;
    struct path_expression e = expression_of(c);
    return path_expression_unsupported(&e);
}

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
    bool found = setup(&c, light, link, strlen(link), 0) && has(&c, path);
    hash_map_finish(&c.rules);
    return found;
}
