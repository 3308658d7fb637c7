// Material bindings, and the render scene's materials. How networks are read is in shading.c.

#include <string.h>

#include "draw_internal.h"
#include "log.h"
#include "shading.h"

// ---------------------------------------------------------------------------------------------
// Bindings

static struct shading_node node_of_prim(const struct stage *s, uint32_t prim)
{
    return (struct shading_node) { prim, s->prims.items[prim].usd, s->prims.items[prim].source };
}

static bool has_own_binding(const usd_prim *usd)
{
    const usd_property *rel = usd_prim_find_property(usd, "material:binding");
    return rel && usd_rel_target_count(rel) > 0;
}

// The bound material as a node with neither prim nor usd when there is none.
static struct shading_node bound_material(const struct stage *s, uint32_t prim)
{
    const struct shading_node none = { 0 };
    for (uint32_t p = prim; p;) {
        const struct stage_prim *sp = &s->prims.items[p];
        const struct stage_attr *a  = stage_override(s, p, s->names.binding);
        if (a) {
            uint32_t target = stage_find(s, stage_get_target(s, p, "material:binding", 0));
            return target && s->prims.items[target].kind == PRIM_MATERIAL ? node_of_prim(s, target) : none;
        }
        // Without writes in between USD knows best: collections, strengths, purposes.
        if (sp->usd && (!s->binding_overridden || has_own_binding(sp->usd))) {
            const usd_prim *material = usd_prim_bound_material(sp->usd, "full");
            if (material) {
                uint32_t path = stage_path_from_usd(s, sp->source, usd_prim_path(material));
                return (struct shading_node) { stage_find(s, path), material, sp->source };
            }
            // Not bound inside this source; a grafted one may stand below a bound prim.
            while (p && s->prims.items[p].source == sp->source && !s->binding_overridden)
                p = s->prims.items[p].parent;
            if (!s->binding_overridden)
                continue;
        }
        p = sp->parent;
    }
    return none;
}

static uint64_t key_of(const struct shading_node *n)
{
    return n->usd ? (uint64_t)(uintptr_t)usd_prim_in_prototype(n->usd) : (uint64_t)n->prim << 1 | 1;
}

static void describe(struct draw *d, struct material *m, struct render_material_desc *desc)
{
    struct shading_node node = { m->prim, m->usd, m->source };
    array_clear(&m->primvars);
    shading_describe(d, &node, desc, m);
}

struct material *material_of(struct draw *d, uint32_t prim, ovrtx_renderer_t *r)
{
    struct shading_node node = bound_material(d->stage, prim);
    if (!node.usd && !node.prim)
        return NULL;
    uint64_t key    = key_of(&node);
    uint64_t *known = hash_map_get(&d->material_by_key, key);
    if (known)
        return &d->materials.items[*known];
    struct material m = { .key = key, .prim = node.prim, .usd = node.usd, .source = node.source };
    struct render_material_desc desc;
    describe(d, &m, &desc);
    int rc = render_material_create(d->scene, &desc, &m.id);
    if (rc < 0) {
        log_warn("ovrtx.materials", "%s: the material cannot be made (code %d)", desc.name, rc);
        m.id = 0;
    }
    if (!array_push(&d->materials, m)) {
        array_free(&m.primvars);
        return NULL;
    }
    hash_map_put(&d->material_by_key, key, d->materials.count - 1);
    if (r)
        ops_progress(r->ops, OP_COUNTER_MATERIALS, d->materials.count, d->materials.count);
    return &d->materials.items[d->materials.count - 1];
}

size_t mesh_subsets(const struct draw *d, uint32_t mesh, uint32_t out[DRAW_MAX_SLOTS])
{
    const struct stage *s = d->stage;
    size_t n              = 0;
    for (uint32_t c = s->prims.items[mesh].first_child; c; c = s->prims.items[c].next_sibling) {
        if (s->prims.items[c].kind != PRIM_GEOM_SUBSET)
            continue;
        const char *family = "", *element = "face";
        stage_get_token(s, c, "familyName", &family);
        stage_get_token(s, c, "elementType", &element);
        bool bound = !strcmp(family, "materialBind") || has_own_binding(s->prims.items[c].usd)
            || stage_override(s, c, s->names.binding);
        if (!bound || strcmp(element, "face"))
            continue;
        if (n == DRAW_MAX_SLOTS - 1) {
            log_warn("ovrtx.materials", "%s: more than %d material subsets", stage_path_text(s, mesh), DRAW_MAX_SLOTS - 1);
            break;
        }
        out[n++] = c;
    }
    return n;
}

size_t material_slots(struct draw *d, uint32_t prim, size_t subset_count, render_id slots[DRAW_MAX_SLOTS], ovrtx_renderer_t *r)
{
    uint32_t subsets[DRAW_MAX_SLOTS];
    const struct material *m = material_of(d, prim, r);
    slots[0]                 = m ? m->id : 0;
    size_t count             = subset_count ? mesh_subsets(d, prim, subsets) : 0;
    for (size_t i = 0; i < subset_count && i + 1 < DRAW_MAX_SLOTS; i++) {
        m            = i < count ? material_of(d, subsets[i], r) : m;
        slots[i + 1] = m ? m->id : slots[0];
    }
    return subset_count + 1;
}

void materials_changed(struct draw *d, uint32_t prim, ovrtx_renderer_t *r)
{
    const struct stage *s = d->stage;
    while (prim && s->prims.items[prim].kind != PRIM_MATERIAL)
        prim = s->prims.items[prim].parent;
    if (!prim)
        return;
    struct shading_node node = node_of_prim(s, prim);
    uint64_t *known          = hash_map_get(&d->material_by_key, key_of(&node));
    if (!known)
        return;
    struct material *m = &d->materials.items[*known];
    m->prim            = prim; // the one that was written, of those that share
    struct render_material_desc desc;
    describe(d, m, &desc);
    if (m->id)
        render_material_update(d->scene, m->id, &desc);
}
