// Composes clip sets from the `clips` and `clipSets` metadata of a prim. Order and anchoring follow OpenUSD: within a
// layer stack dictionaries merge and list operations combine, across arcs the strongest opinion on each entry counts; the
// set belongs to the strongest layer that names its files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clip_set.h"
#include "expression.h"
#include "path.h"
#include "site.h"

// Entries with one time of the stage jump: the left one moves by this (UsdTimeCode::SafeStep).
#define SAFE_STEP (2.2204460492503131e-16 * 1e6 * 10 * 2)

enum key {
    K_PRIM_PATH, K_ASSETS, K_MANIFEST, K_ACTIVE, K_TIMES, K_INTERPOLATE, K_TEMPLATE, K_STRIDE, K_START, K_END, K_OFFSET, K_COUNT
};
static const char *const key_names[K_COUNT] = {
    "primPath", "assetPaths", "manifestAssetPath", "active", "times", "interpolateMissingClipValues", "templateAssetPath",
    "templateStride", "templateStartTime", "templateEndTime", "templateActiveOffset",
};

struct opinion {
    const struct field *field;
    struct time_map time; // of the layer it is from, to the stage
};
struct draft {
    usd_tok name;
    struct opinion key[K_COUNT];
    bool anchored, listed;
    uint16_t node, layer, order;
    struct time_map time; // of the anchor
};
struct drafts {
    ARRAY_OF(struct draft);
};

static struct draft *draft_of(struct drafts *d, usd_tok name)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].name == name)
            return &d->items[i];
    return array_push(d, (struct draft) { .name = name }) ? &d->items[d->count - 1] : NULL;
}

static bool is_scalar(const struct field *f, enum usd_type t) { return f && f->type == t && !(f->flags & (VF_ARRAY | VF_CRATE)); }
static bool is_array(const struct field *f, enum usd_type t) { return f && f->type == t && (f->flags & (VF_ARRAY | VF_CRATE)) == VF_ARRAY; }
static const char *text_of(const struct field *f, enum usd_type t) { return is_scalar(f, t) ? field_ptr(f) : NULL; }
static bool number_of(const struct field *f, double *out)
{
    if (is_scalar(f, USD_TYPE_DOUBLE))
        memcpy(out, &f->bits, sizeof(*out));
    return is_scalar(f, USD_TYPE_DOUBLE);
}

// ---------------------------------------------------------------------------------------------------------------
// Metadata to drafts

// Stronger entries of one layer over what weaker layers of the same stack said.
static void read_set(struct draft *d, const struct field *info, const struct index *ix, uint16_t node, uint16_t layer)
{
    const struct vdict_entry *e = field_ptr(info);
    struct time_map time        = ref_time(ix, node, layer);
    for (uint32_t i = 0; i < info->count; i++)
        for (int k = 0; k < K_COUNT; k++)
            if (!strcmp(e[i].key, key_names[k])) {
                d->key[k] = (struct opinion) { &e[i].value, time };
                if ((k == K_ASSETS && is_array(&e[i].value, USD_TYPE_ASSET)) || (k == K_TEMPLATE && is_scalar(&e[i].value, USD_TYPE_STRING))) {
                    d->anchored = true;
                    d->node     = node;
                    d->layer    = layer;
                    d->time     = time;
                }
            }
}

static void read_layer(struct usd_stage *s, const struct usd_prim *p, struct spec_ref r, struct drafts *sets, struct item_set *names)
{
    const struct layer *l;
    const struct prim_spec *spec = ref_spec(p->index, r, &l);
    const struct field *clips    = spec->field_count ? spec_field(l, spec, T_clips) : NULL;
    const struct field *order    = spec->field_count ? spec_field(l, spec, T_clipSets) : NULL;
    if (clips && clips->type == VT_DICT) {
        const struct vdict_entry *e = field_ptr(clips);
        for (uint32_t i = 0; i < clips->count; i++) { // sorted by name
            if (!*e[i].key || e[i].value.type != VT_DICT) {
                stage_diagnose(s, USD_WARNING, USD_ERR_INVALID, l->identifier, usd_prim_path(p), "clip set '%s' is not a named dictionary; left out", e[i].key);
                continue;
            }
            usd_tok name    = tok_str(e[i].key);
            struct draft *d = draft_of(sets, name);
            if (!d)
                return;
            read_set(d, &e[i].value, p->index, r.node, r.layer);
            bool known = false;
            for (size_t k = 0; k < names->count && !known; k++)
                known = names->items[k] == name;
            if (!known)
                (void)array_push(names, name);
        }
    }
    if (order && (order->type == VT_STRING_LISTOP || order->type == VT_TOKEN_LISTOP))
        listop_names(names, order);
}

// One layer stack: refs[0] is its strongest layer.
static void read_node(struct usd_stage *s, const struct usd_prim *p, const struct spec_ref *refs, size_t count, struct drafts *all)
{
    struct drafts here    = { 0 };
    struct item_set names = { 0 };
    size_t weakest        = 0; // clipSets below the weakest layer with clips say nothing
    for (size_t i = 0; i < count; i++) {
        const struct layer *l;
        const struct prim_spec *spec = ref_spec(p->index, refs[i], &l);
        if (spec->field_count && spec_field(l, spec, T_clips))
            weakest = i + 1;
    }
    for (size_t i = weakest; i-- > 0;)
        read_layer(s, p, refs[i], &here, &names);
    for (size_t i = 0; i < here.count; i++) {
        struct draft *d = &here.items[i];
        for (size_t k = 0; k < names.count; k++)
            if (names.items[k] == d->name) {
                d->listed = true;
                d->order  = (uint16_t)k;
            }
        struct draft *to = d->listed ? draft_of(all, d->name) : NULL;
        if (!to)
            continue;
        if (!to->anchored && d->anchored) {
            to->anchored = true;
            to->node     = d->node;
            to->layer    = d->layer;
            to->time     = d->time;
            to->order    = d->order;
        }
        for (int k = 0; k < K_COUNT; k++)
            if (!to->key[k].field)
                to->key[k] = d->key[k];
    }
    array_free(&here);
    array_free(&names);
}

// ---------------------------------------------------------------------------------------------------------------
// Drafts to clip sets

struct pair {
    double time, value;
};
struct pairs {
    ARRAY_OF(struct pair);
};
struct names {
    ARRAY_OF(const char *);
};
struct parts {
    struct pairs active, times;
    struct names assets; // resolved paths
    bool has_active;
};

struct build {
    struct usd_stage *s;
    const struct usd_prim *prim;
    const struct draft *d;
    const struct layer *layer; // the anchor
};

static void complain(const struct build *b, const char *what)
{
    stage_diagnose(b->s, USD_WARNING, USD_ERR_INVALID, b->layer->identifier, usd_prim_path(b->prim), "clip set '%s': %s; left out",
                   tok_text(b->d->name), what);
}

static bool read_pairs(const struct opinion *o, struct pairs *out)
{
    if (!is_array(o->field, USD_TYPE_DOUBLE2))
        return false;
    const double(*v)[2] = field_ptr(o->field);
    for (uint32_t i = 0; i < o->field->count; i++)
        if (!array_push(out, (struct pair) { v[i][0] * o->time.scale + o->time.offset, v[i][1] }))
            return false;
    return true;
}

// Variable expressions evaluated; NULL when one fails.
static const char *evaluated(const struct build *b, const char *text, char *out)
{
    const struct layer_stack *st = b->prim->index->nodes[b->d->node].stack;
    return expression_or_report(b->s, st, b->layer, usd_prim_path(b->prim), text, out);
}

static const char *keep_asset(const struct build *b, const char *authored)
{
    char resolved[RESOLVED_MAX], text[EXPRESSION_MAX];
    authored = evaluated(b, authored, text);
    size_t n = authored && *authored ? asset_anchor(b->s, b->layer->anchor, authored, resolved) : 0;
    return n ? arena_strndup(&b->s->clips.arena, resolved, n) : NULL;
}

static bool push_pair(struct pairs *p, double time, double value) { return array_push(p, (struct pair) { time, value }); }

// "path/base.###.###.usd" cut at its dots; groups of # are where the time goes.
struct pattern {
    char text[4096];
    const char *part[64];
    size_t folder, count, integer, fraction; // positions of the groups, SIZE_MAX = none
};

static bool read_pattern(const char *path, struct pattern *t)
{
    const char *args = strstr(path, ":SDF_FORMAT_ARGS:"); // for file formats that take some: not part of the name
    size_t size      = args ? (size_t)(args - path) : strlen(path);
    t->folder        = size;
    while (t->folder && path[t->folder - 1] != '/')
        t->folder--;
    t->integer = t->fraction = SIZE_MAX;
    t->count         = 0;
    size_t groups    = 0;
    if (snprintf(t->text, sizeof(t->text), "%.*s", (int)(size - t->folder), path + t->folder) >= (int)sizeof(t->text))
        return false;
    for (char *save, *p = strtok_r(t->text, ".", &save); p; p = strtok_r(NULL, ".", &save)) {
        if (t->count == sizeof(t->part) / sizeof(t->part[0]))
            return false;
        if (!p[strspn(p, "#")]) {
            *(t->integer == SIZE_MAX ? &t->integer : &t->fraction) = t->count;
            groups++;
        }
        t->part[t->count++] = p;
    }
    return groups == 1 || (groups == 2 && t->fraction == t->integer + 1);
}

static bool pattern_name(const char *path, const struct pattern *t, double time, char *out, size_t capacity)
{
    size_t n = (size_t)snprintf(out, capacity, "%.*s", (int)t->folder, path);
    for (size_t i = 0; i < t->count && n < capacity; i++) {
        const char *dot = i ? "." : "";
        if (i == t->integer) {
            n += (size_t)snprintf(out + n, capacity - n, "%s%0*d", dot, (int)strlen(t->part[i]), (int)time);
        } else if (i == t->fraction) {
            char number[512];
            int digits = (int)strlen(t->part[i]);
            snprintf(number, sizeof(number), "%.*f", digits > 64 ? 64 : digits, time);
            const char *point = strchr(number, '.');
            n += (size_t)snprintf(out + n, capacity - n, "%s%s", dot, point ? point + 1 : "");
        } else {
            n += (size_t)snprintf(out + n, capacity - n, "%s%s", dot, t->part[i]);
        }
    }
    return n < capacity;
}

// Files that exist, one clip each, active from their time on and showing that time.
static bool derive(const struct build *b, const char *path, struct parts *out)
{
    double stride, start, end, offset = 0;
    struct pattern t;
    const struct opinion *k = b->d->key;
    if (!number_of(k[K_STRIDE].field, &stride) || !number_of(k[K_START].field, &start) || !number_of(k[K_END].field, &end))
        return false;
    bool has_offset = number_of(k[K_OFFSET].field, &offset);
    if (!(stride > 0))
        return complain(b, "templateStride must be greater than 0"), false;
    if (has_offset && fabs(offset) > stride)
        return complain(b, "templateActiveOffset is greater than templateStride"), false;
    if (!read_pattern(path, &t))
        return complain(b, "templateAssetPath is not of the form name.###.usd or name.###.###.usd"), false;
    if (!(start <= end) || !(fabs(start) < 2e9) || !(fabs(end) < 2e9))
        return complain(b, "templateStartTime and templateEndTime are not a range"), false;
    if ((end - start) / stride > b->s->env.limits.max_clips)
        return complain(b, "the template names more clips than max_clips"), false;
    out->has_active = true;
    const double unit = 10000; // steps are taken in whole units, as in OpenUSD: the sums round alike
    bool ok = !has_offset || push_pair(&out->times, (start * unit - fabs(offset) * unit) / unit, (start * unit - fabs(offset) * unit) / unit);
    size_t steps = 0; // a stride too small to move a large time
    for (double at = start * unit; at <= end * unit && ok && steps++ <= b->s->env.limits.max_clips; at += stride * unit) {
        char name[RESOLVED_MAX], resolved[RESOLVED_MAX];
        double time = at / unit;
        size_t n    = pattern_name(path, &t, time, name, sizeof(name)) ? asset_resolve(b->s, b->layer->anchor, name, resolved) : 0;
        if (!n)
            continue;
        double from = has_offset ? (at + offset * unit) / unit : time;
        char *asset = arena_strndup(&b->s->clips.arena, resolved, n);
        ok          = asset && push_pair(&out->active, from, (double)out->assets.count) && push_pair(&out->times, time, time)
             && array_push(&out->assets, asset);
    }
    if (has_offset)
        ok = ok && push_pair(&out->times, (end * unit + fabs(offset) * unit) / unit, (end * unit + fabs(offset) * unit) / unit);
    // The anchor's offset moves when clips are shown, not which files there are.
    struct pairs *both[2] = { &out->times, &out->active };
    for (int w = 0; w < 2; w++)
        for (size_t i = 0; i < both[w]->count; i++)
            both[w]->items[i].time = both[w]->items[i].time * b->d->time.scale + b->d->time.offset;
    return ok;
}

static bool collect(const struct build *b, struct parts *out)
{
    const struct opinion *k  = b->d->key;
    const char *template_path = text_of(k[K_TEMPLATE].field, USD_TYPE_STRING);
    if (!is_array(k[K_ASSETS].field, USD_TYPE_ASSET)) {
        char text[EXPRESSION_MAX];
        template_path = template_path ? evaluated(b, template_path, text) : NULL;
        return template_path && derive(b, template_path, out);
    }
    const char *const *names = field_ptr(k[K_ASSETS].field);
    if (k[K_ASSETS].field->count > b->s->env.limits.max_clips)
        return complain(b, "it has more clips than max_clips"), false;
    for (uint32_t i = 0; i < k[K_ASSETS].field->count; i++) {
        const char *path = keep_asset(b, names[i]);
        if (!*names[i])
            return complain(b, "assetPaths has an empty path"), false;
        if (!array_push(&out->assets, path ? path : ""))
            return false;
    }
    out->has_active = read_pairs(&k[K_ACTIVE], &out->active);
    read_pairs(&k[K_TIMES], &out->times);
    return true;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct pair *)a)->time, y = ((const struct pair *)b)->time;
    return x < y ? -1 : x > y;
}

struct ordered_time {
    struct clip_time t;
    size_t at;
};
static int by_stage_time(const void *a, const void *b)
{
    const struct ordered_time *x = a, *y = b;
    return x->t.stage < y->t.stage ? -1 : x->t.stage > y->t.stage ? 1 : x->at < y->at ? -1 : 1;
}

static bool check(const struct build *b, struct parts *parts, const char *prim_path)
{
    if (!prim_path || !*prim_path)
        return complain(b, "primPath is missing"), false;
    if (*prim_path != '/' || !prim_path[1] || strpbrk(prim_path, ".[{"))
        return complain(b, "primPath is not the absolute path of a prim"), false;
    for (size_t i = 0; i < parts->active.count; i++) {
        double at = parts->active.items[i].value;
        if (!(at >= 0 && at < (double)parts->assets.count))
            return complain(b, "'active' has an index without an asset path"), false;
        if (isnan(parts->active.items[i].time))
            return complain(b, "'active' has a time that is no number"), false;
    }
    if (parts->active.count)
        qsort(parts->active.items, parts->active.count, sizeof(parts->active.items[0]), by_time);
    for (size_t i = 1; i < parts->active.count; i++)
        if (parts->active.items[i].time == parts->active.items[i - 1].time)
            return complain(b, "two clips are active from one time on"), false;
    return true;
}

static bool set_times(const struct build *b, struct clip_set *set, struct parts *parts)
{
    size_t n = parts->times.count;
    if (!n)
        return true;
    struct ordered_time *sorted = malloc(n * sizeof(*sorted));
    set->times                  = arena_alloc(&b->s->clips.arena, (n + 2) * sizeof(*set->times));
    bool ok                     = sorted && set->times;
    for (size_t i = 0; ok && i < n; i++)
        sorted[i] = (struct ordered_time) { { parts->times.items[i].time, parts->times.items[i].value, false }, i };
    if (ok)
        qsort(sorted, n, sizeof(*sorted), by_stage_time);
    for (size_t i = 2; ok && i < n; i++)
        if (sorted[i].t.stage == sorted[i - 2].t.stage)
            ok = (complain(b, "more than two entries of 'times' have one stage time"), false);
    for (size_t i = 0; ok && i < n; i++) {
        set->times[i + 1] = sorted[i].t;
        if (i + 1 < n && sorted[i].t.stage == sorted[i + 1].t.stage) {
            set->times[i + 1].stage -= SAFE_STEP;
            set->times[i + 1].jump = true;
        }
    }
    if (ok) {
        set->times[0]     = set->times[1];
        set->times[n + 1] = set->times[n];
        set->time_count   = n + 2;
    }
    free(sorted);
    return ok;
}

static struct clip_set *assemble(const struct build *b, struct parts *parts)
{
    const struct opinion *k = b->d->key;
    const struct node *node = &b->prim->index->nodes[b->d->node];
    struct clip_set *set    = arena_alloc(&b->s->clips.arena, sizeof(*set));
    size_t n                = parts->active.count;
    if (!set || !n)
        return NULL;
    set->stack     = node->stack;
    set->layer     = b->d->layer;
    set->path      = node_site(node, b->prim->index, b->prim);
    if (node->arc == ARC_VARIANT)
        site_selection(node->site, &set->set, &set->selection);
    set->order     = b->d->order;
    set->prim_path = text_of(k[K_PRIM_PATH].field, USD_TYPE_STRING);
    set->clips     = arena_alloc(&b->s->clips.arena, n * sizeof(*set->clips));
    if (!set->clips || !set->path || !set_times(b, set, parts))
        return NULL;
    set->clip_count = n;
    set->untimed    = k[K_ACTIVE].field ? k[K_ACTIVE].time : (struct time_map) { 0, 1 };
    for (size_t i = 0; i < n; i++) {
        double from       = parts->active.items[i].time;
        struct clip *c    = &set->clips[i];
        c->asset          = parts->assets.items[(size_t)parts->active.items[i].value];
        c->authored_start = from;
        c->start          = i ? from : -INFINITY;
        c->end            = i + 1 < n ? parts->active.items[i + 1].time : INFINITY;
    }
    if (is_scalar(k[K_INTERPOLATE].field, USD_TYPE_BOOL))
        set->interpolate_missing = (uint8_t)k[K_INTERPOLATE].field->bits;
    const char *manifest = text_of(k[K_MANIFEST].field, USD_TYPE_ASSET);
    if (manifest) {
        const char *path  = keep_asset(b, manifest);
        set->has_manifest = true;
        set->manifest.asset = path ? path : "";
    }
    return set;
}

static int by_order(const void *a, const void *b)
{
    const struct clip_set *x = *(const struct clip_set *const *)a, *y = *(const struct clip_set *const *)b;
    return (int)x->order - (int)y->order;
}

void clip_sets_of_prim(struct usd_stage *s, const struct usd_prim *p, struct clip_sets *out)
{
    const struct spec_ref *r = prim_refs(p);
    struct drafts all        = { 0 };
    for (size_t i = 0, n; i < p->ref_count; i += n) {
        for (n = 1; i + n < p->ref_count && r[i + n].node == r[i].node;)
            n++;
        read_node(s, p, r + i, n, &all);
    }
    size_t first = out->count;
    for (size_t i = 0; i < all.count; i++) {
        const struct draft *d = &all.items[i];
        if (!d->anchored)
            continue;
        struct build b     = { s, p, d, ref_stack_layer(p->index, d->node, d->layer)->layer };
        struct parts parts = { 0 };
        struct clip_set *set = NULL;
        if (collect(&b, &parts) && parts.has_active && check(&b, &parts, text_of(d->key[K_PRIM_PATH].field, USD_TYPE_STRING)))
            set = assemble(&b, &parts);
        if (set)
            (void)array_push(out, set);
        array_free(&parts.active);
        array_free(&parts.times);
        array_free(&parts.assets);
    }
    if (out->count > first + 1)
        qsort(out->items + first, out->count - first, sizeof(*out->items), by_order);
    array_free(&all);
}
