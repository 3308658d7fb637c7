// Semantic labels: texts of prims, their ids, and the table that goes with the segmentation image.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw_internal.h"

#define MAX_LABEL 4096 // bytes of one prim's label

struct label {
    char text[MAX_LABEL];
    size_t size;
};

static void append(struct label *l, const char *type, const char *data)
{
    if (l->size >= MAX_LABEL)
        return;
    int n = snprintf(l->text + l->size, MAX_LABEL - l->size, "%s%s: %s;", l->size ? " " : "", type, data);
    l->size += n > 0 ? (size_t)n : 0;
    if (l->size >= MAX_LABEL)
        l->size = MAX_LABEL - 1;
}

// "semantic:INSTANCE:params:semanticData", with the type beside it.
static void add_classic(const struct stage *s, uint32_t prim, const char *name, struct label *l)
{
    static const char tail[] = ":params:semanticData";
    size_t size = strlen(name), tail_size = sizeof(tail) - 1;
    char type_name[512];
    const char *type = "class", *data = NULL;
    if (size <= tail_size || strcmp(name + size - tail_size, tail) || size >= sizeof(type_name))
        return;
    memcpy(type_name, name, size - 4);
    memcpy(type_name + size - 4, "Type", 5);
    stage_get_token(s, prim, type_name, &type);
    if (stage_get_token(s, prim, name, &data) && data[0])
        append(l, type, data);
}

// "semantics:labels:TAXONOMY", an array of tokens.
static void add_labels(const struct stage *s, uint32_t prim, const char *name, struct label *l)
{
    struct attr_value value;
    const char *taxonomy = name + strlen("semantics:labels:");
    if (attr_read(s, prim, paths_token(s->paths, name, strlen(name)), &value)
        && value.type.semantic == OVRTX_SEMANTIC_TOKEN_ID) {
        for (size_t i = 0; i < value.count; i++)
            append(l, taxonomy, paths_token_text(s->paths, (uint32_t)((const uint64_t *)value.data)[i]));
    }
    attr_finish(&value);
}

static void add_property(const struct stage *s, uint32_t prim, const char *name, struct label *l)
{
    if (!strncmp(name, "semantic:", 9))
        add_classic(s, prim, name, l);
    else if (!strncmp(name, "semantics:labels:", 17))
        add_labels(s, prim, name, l);
}

uint32_t semantic_id(struct draw *d, uint32_t prim, uint32_t inherited_id)
{
    const struct stage *s      = d->stage;
    const struct stage_prim *p = &s->prims.items[prim];
    struct label label;
    label.size = 0;
    size_t count = usd_prim_property_count(p->usd);
    for (size_t i = 0; i < count; i++) {
        const char *name = usd_property_name(usd_prim_property(p->usd, i));
        if (name[0] == 's')
            add_property(s, prim, name, &label);
    }
    for (size_t i = 0; p->overrides && i < s->overrides.items[p->overrides].count; i++) {
        const char *name = paths_token_text(s->paths, s->overrides.items[p->overrides].items[i].name);
        // Those that are authored too were seen above.
        if (name[0] == 's' && !usd_prim_find_property(p->usd, name))
            add_property(s, prim, name, &label);
    }
    if (!label.size)
        return inherited_id;
    uint32_t token  = paths_token(s->paths, label.text, label.size);
    uint64_t *known = hash_map_get(&d->label_by_token, token);
    if (known)
        return (uint32_t)*known;
    if (!array_push(&d->labels, token))
        return inherited_id;
    hash_map_put(&d->label_by_token, token, d->labels.count);
    return (uint32_t)d->labels.count;
}

static void put_u32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

// Entries of 24 bytes (four ids of which the first counts, length, offset), the texts, and the number of
// entries in the last four bytes.
uint8_t *draw_semantic_map(const struct draw *d, size_t *size)
{
    const size_t entry = 24;
    size_t count = d->labels.count, text = 0;
    for (size_t i = 0; i < count; i++)
        text += strlen(paths_token_text(d->stage->paths, d->labels.items[i]));
    *size         = count * entry + text + 4;
    uint8_t *data = calloc(1, *size);
    if (!data)
        return NULL;
    size_t at = count * entry;
    for (size_t i = 0; i < count; i++) {
        const char *label = paths_token_text(d->stage->paths, d->labels.items[i]);
        size_t length     = strlen(label);
        put_u32(data + i * entry, (uint32_t)i + 1);
        put_u32(data + i * entry + 16, (uint32_t)length);
        put_u32(data + i * entry + 20, (uint32_t)at);
        memcpy(data + at, label, length);
        at += length;
    }
    put_u32(data + at, (uint32_t)count);
    return data;
}
