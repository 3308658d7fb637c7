// Prim queries: filter the prim table, group what is left by attributes.

#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "renderer.h"

struct filter {
    ovrtx_filter_kind_t kind;
    uint32_t name; // token
};

struct query_op {
    atomic_int refs;
    size_t all_count, any_count, exclude_count;
    struct filter *filters; // all, then any, then exclude
    ovrtx_attribute_filter_mode_t mode;
    size_t name_count;
    uint32_t *names;
    struct paths *paths;
    uint64_t op_id;
    // result
    struct {
        ARRAY_OF(ovrtx_query_prim_group_t);
    } groups;
    size_t total;
};

static void drop(void *payload)
{
    struct query_op *q = payload;
    if (--q->refs > 0)
        return;
    for (size_t i = 0; i < q->groups.count; i++) {
        paths_list_destroy(q->paths, q->groups.items[i].prim_list_handle);
        free((void *)(uintptr_t)q->groups.items[i].attributes);
    }
    array_free(&q->groups);
    free(q->filters);
    free(q->names);
    free(q);
}

static bool passes(const struct stage *s, uint32_t prim, const struct filter *f)
{
    ovrtx_attribute_type_t type;
    return f->kind == OVRTX_FILTER_PRIM_TYPE ? s->prims.items[prim].type == f->name : attr_type(s, prim, f->name, &type);
}

static bool matches(const struct stage *s, uint32_t prim, const struct query_op *q)
{
    const struct filter *all = q->filters, *any = all + q->all_count, *exclude = any + q->any_count;
    for (size_t i = 0; i < q->all_count; i++) {
        if (!passes(s, prim, &all[i]))
            return false;
    }
    bool one = !q->any_count;
    for (size_t i = 0; i < q->any_count && !one; i++)
        one = passes(s, prim, &any[i]);
    for (size_t i = 0; i < q->exclude_count && one; i++)
        one = !passes(s, prim, &exclude[i]);
    return one;
}

// Prims of one group while it grows.
struct group {
    struct attr_list attrs;
    struct {
        ARRAY_OF(uint32_t);
    } paths;
    uint64_t hash;
};

struct grouping {
    struct {
        ARRAY_OF(struct group);
    } groups;
    struct hash_map by_hash; // hash of the attributes to group index; a collision costs one more group
};

static bool attributes_of(const struct stage *s, uint32_t prim, const struct query_op *q, struct attr_list *out)
{
    array_clear(out);
    if (q->mode == OVRTX_ATTRIBUTE_FILTER_ALL)
        return attr_list_all(s, prim, out);
    for (size_t i = 0; q->mode == OVRTX_ATTRIBUTE_FILTER_SPECIFIC && i < q->name_count; i++) {
        ovrtx_attribute_desc_t desc = { .name = q->names[i] };
        if (attr_type(s, prim, q->names[i], &desc.type) && !array_push(out, desc))
            return false;
    }
    return true;
}

static uint64_t hash_attributes(const struct attr_list *attrs)
{
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < attrs->count; i++) {
        const ovrtx_attribute_desc_t *a = &attrs->items[i];
        uint64_t type = (uint64_t)a->type.dtype.code << 40 | (uint64_t)a->type.dtype.bits << 32
            | (uint64_t)a->type.dtype.lanes << 16 | (uint64_t)a->type.semantic << 1 | a->type.is_array;
        h = hash_u64(h ^ a->name) + hash_u64(type);
    }
    return h;
}

static bool same_attributes(const struct attr_list *a, const struct attr_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        ovrtx_attribute_type_t x = a->items[i].type, y = b->items[i].type;
        same = a->items[i].name == b->items[i].name && x.dtype.code == y.dtype.code && x.dtype.bits == y.dtype.bits
            && x.dtype.lanes == y.dtype.lanes && x.is_array == y.is_array && x.semantic == y.semantic;
    }
    return same;
}

static bool add_prim(struct grouping *g, const struct stage *s, uint32_t prim, const struct query_op *q,
                     struct attr_list *scratch)
{
    if (!attributes_of(s, prim, q, scratch))
        return false;
    uint64_t hash       = hash_attributes(scratch);
    uint64_t *index     = hash_map_get(&g->by_hash, hash);
    struct group *group = index ? &g->groups.items[*index] : NULL;
    if (!group || !same_attributes(&group->attrs, scratch)) {
        struct group fresh = { .hash = hash };
        if (!array_append(&fresh.attrs, scratch->items, scratch->count) || !array_push(&g->groups, fresh)) {
            array_free(&fresh.attrs);
            return false;
        }
        hash_map_put(&g->by_hash, hash, g->groups.count - 1);
        group = &g->groups.items[g->groups.count - 1];
    }
    return array_push(&group->paths, s->prims.items[prim].path);
}

// Hands the groups over to the query.
static bool publish(struct grouping *g, struct query_op *q)
{
    for (size_t i = 0; i < g->groups.count; i++) {
        struct group *group = &g->groups.items[i];
        ovrtx_query_prim_group_t out = { group->paths.count, paths_list_create(q->paths, group->paths.items, group->paths.count),
                                         group->attrs.items, group->attrs.count };
        if (!out.prim_list_handle || !array_push(&q->groups, out)) {
            paths_list_destroy(q->paths, out.prim_list_handle);
            return false;
        }
        group->attrs.items = NULL;
        q->total += group->paths.count;
    }
    return true;
}

static int run_query(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    struct query_op *q  = payload;
    struct grouping g   = { 0 };
    struct attr_list scratch = { 0 };
    bool ok = true;
    for (uint32_t p = stage_next(&r->stage, 0, 0, false); p && ok; p = stage_next(&r->stage, p, 0, false)) {
        if (matches(&r->stage, p, q))
            ok = add_prim(&g, &r->stage, p, q, &scratch);
    }
    ok = ok && publish(&g, q);
    for (size_t i = 0; i < g.groups.count; i++) {
        array_free(&g.groups.items[i].attrs);
        array_free(&g.groups.items[i].paths);
    }
    array_free(&g.groups);
    hash_map_finish(&g.by_hash);
    array_free(&scratch);
    return ok ? 0 : op_fail(op, "out of memory");
}

static uint32_t name_token(struct paths *paths, const ovx_string_or_token_t *name)
{
    if (name->token)
        return name->token <= UINT32_MAX ? (uint32_t)name->token : 0;
    return name->string.ptr && name->string.length ? paths_token(paths, name->string.ptr, name->string.length) : 0;
}

static bool copy_filters(struct paths *paths, struct filter *out, const ovrtx_filter_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct filter) { in[i].kind, name_token(paths, &in[i].name) };
        if (!out[i].name || (unsigned)in[i].kind > OVRTX_FILTER_HAS_ATTRIBUTE)
            return error_set("filter %zu has an unknown kind or no name", i), false;
    }
    return true;
}

static struct query_op *copy_query(ovrtx_renderer_t *r, const ovrtx_query_desc_t *d)
{
    const ovrtx_attribute_filter_t *a = &d->attribute_filter;
    if ((d->require_all_count && !d->require_all) || (d->require_any_count && !d->require_any)
        || (d->exclude_count && !d->exclude) || (a->attribute_name_count && !a->attribute_names)) {
        error_set("the query has a count without a pointer");
        return NULL;
    }
    const size_t limit = 1u << 16;
    if (d->require_all_count > limit || d->require_any_count > limit || d->exclude_count > limit
        || a->attribute_name_count > limit) {
        error_set("the query has more than %zu filters", limit);
        return NULL;
    }
    struct query_op *q = calloc(1, sizeof(*q));
    if (!q) {
        error_set("out of memory");
        return NULL;
    }
    q->refs          = 1;
    q->paths         = r->paths;
    q->all_count     = d->require_all_count;
    q->any_count     = d->require_any_count;
    q->exclude_count = d->exclude_count;
    q->mode          = a->mode;
    q->filters       = calloc(q->all_count + q->any_count + q->exclude_count + 1, sizeof(*q->filters));
    q->names         = calloc(a->attribute_name_count + 1, sizeof(*q->names));
    bool ok = q->filters && q->names;
    if (!ok)
        error_set("out of memory");
    ok = ok && copy_filters(r->paths, q->filters, d->require_all, q->all_count)
        && copy_filters(r->paths, q->filters + q->all_count, d->require_any, q->any_count)
        && copy_filters(r->paths, q->filters + q->all_count + q->any_count, d->exclude, q->exclude_count);
    for (size_t i = 0; ok && i < a->attribute_name_count; i++) {
        q->names[i] = name_token(r->paths, &a->attribute_names[i]);
        q->name_count += q->names[i] != 0;
        ok = q->names[i] || error_set("attribute name %zu of the query is empty", i) == OVRTX_API_SUCCESS;
    }
    if (!ok) {
        drop(q);
        return NULL;
    }
    return q;
}

ovrtx_enqueue_result_t ovrtx_query_prims(ovrtx_renderer_t *instance, const ovrtx_query_desc_t *query_desc,
                                         ovrtx_query_handle_t *out_query_handle)
{
    ENQUEUE_ENTER(instance);
    if (!query_desc || !out_query_handle)
        return enqueue_fail("a query needs a description and a place for the handle");
    struct query_op *q = copy_query(instance, query_desc);
    if (!q)
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    uint64_t handle = handles_add(&instance->queries, q);
    if (!handle) {
        drop(q);
        return enqueue_fail("out of memory");
    }
    q->refs += 2; // the operation's, and ours while the id is noted
    ovrtx_enqueue_result_t result = ops_enqueue(instance->ops, run_query, drop, q);
    q->op_id = result.op_index;
    drop(q);
    if (!result.op_index) {
        handles_take(&instance->queries, handle);
        drop(q);
    } else {
        *out_query_handle = handle;
    }
    return result;
}

ovrtx_result_t ovrtx_fetch_query_results(ovrtx_renderer_t *instance, ovrtx_query_handle_t query_handle,
                                         ovrtx_timeout_t timeout, ovrtx_query_result_t *out_result)
{
    API_ENTER(instance);
    if (!out_result)
        return api_fail("fetching needs a place for the result");
    *out_result        = (ovrtx_query_result_t) { 0 };
    struct query_op *q = handles_get(&instance->queries, query_handle);
    if (!q)
        return api_fail("query %llu does not exist", (unsigned long long)query_handle);
    if (!ops_wait(instance->ops, q->op_id, timeout.time_out_ns))
        return (ovrtx_result_t) { OVRTX_API_TIMEOUT };
    char text[ERROR_TEXT_SIZE];
    if (ops_failure(instance->ops, q->op_id, text, sizeof(text)))
        return api_fail("%s", text);
    *out_result = (ovrtx_query_result_t) { q->groups.items, q->groups.count, q->total };
    return api_ok();
}

ovrtx_result_t ovrtx_release_query_results(ovrtx_renderer_t *instance, ovrtx_query_handle_t query_handle)
{
    API_ENTER(instance);
    struct query_op *q = handles_take(&instance->queries, query_handle);
    if (!q)
        return api_fail("query %llu does not exist", (unsigned long long)query_handle);
    drop(q);
    return api_ok();
}

void queries_finish(ovrtx_renderer_t *r)
{
    for (struct query_op *q; (q = handles_take_any(&r->queries));)
        drop(q);
}
