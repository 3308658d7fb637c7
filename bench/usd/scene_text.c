// The text writer of the generators, and the calls that go to either writer.
#include <stdio.h>
#include <stdlib.h>

#include "scene_out.h"

struct text_out {
    struct scene_out base;
    FILE *f;
    int depth;
};

static void line(struct text_out *t) { fprintf(t->f, "%*s", t->depth * 4, ""); }

static void text_prim(struct scene_out *o, const struct prim_params *p)
{
    struct text_out *t = (struct text_out *)o;
    line(t);
    fprintf(t->f, "%s %s%s\"%s\"", p->over ? "over" : "def", p->type, *p->type ? " " : "", p->name);
    if (p->kind || p->reference || p->variant_set) {
        fputs(" (\n", t->f);
        if (p->kind)
            fprintf(t->f, "%*skind = \"%s\"\n", t->depth * 4 + 4, "", p->kind);
        if (p->reference)
            fprintf(t->f, "%*sprepend references = @%s@\n", t->depth * 4 + 4, "", p->reference);
        if (p->variant_set)
            fprintf(t->f, "%*svariants = { string %s = \"%s\" }\n", t->depth * 4 + 4, "", p->variant_set, p->selection);
        if (p->declares_set)
            fprintf(t->f, "%*sprepend variantSets = \"%s\"\n", t->depth * 4 + 4, "", p->variant_set);
        line(t);
        fputs(")", t->f);
    }
    fputc('\n', t->f);
    line(t);
    fputs("{\n", t->f);
    t->depth++;
}

static void text_end(struct scene_out *o)
{
    struct text_out *t = (struct text_out *)o;
    t->depth--;
    line(t);
    fputs("}\n\n", t->f);
}

static void element(FILE *f, enum usd_type type, const void *data, size_t i)
{
    const float *r  = data;
    const double *d = data;
    switch (type) {
    case USD_TYPE_INT: fprintf(f, "%d", ((const int32_t *)data)[i]); break;
    case USD_TYPE_FLOAT: fprintf(f, "%.6g", (double)r[i]); break;
    case USD_TYPE_DOUBLE: fprintf(f, "%.6g", d[i]); break;
    case USD_TYPE_FLOAT3: fprintf(f, "(%.6g, %.6g, %.6g)", (double)r[i * 3], (double)r[i * 3 + 1], (double)r[i * 3 + 2]); break;
    case USD_TYPE_DOUBLE3: fprintf(f, "(%.6g, %.6g, %.6g)", d[i * 3], d[i * 3 + 1], d[i * 3 + 2]); break;
    default: fprintf(f, "\"%s\"", ((const char *const *)data)[i]);
    }
}

static void text_attr(struct scene_out *o, const struct attr_params *a)
{
    struct text_out *t = (struct text_out *)o;
    line(t);
    fprintf(t->f, "%s%s %s = %s", a->uniform ? "uniform " : "", a->type_name, a->name, a->is_array ? "[" : "");
    for (size_t i = 0; i < a->count; i++) {
        if (i)
            fputs(", ", t->f);
        element(t->f, a->type, a->data, i);
    }
    fputs(a->is_array ? "]\n" : "\n", t->f);
}

static void text_rel(struct scene_out *o, const char *name, const char *target)
{
    struct text_out *t = (struct text_out *)o;
    line(t);
    fprintf(t->f, "rel %s = <%s>\n", name, target);
}

static void text_variant_set(struct scene_out *o, const char *set)
{
    struct text_out *t = (struct text_out *)o;
    line(t);
    fprintf(t->f, "variantSet \"%s\" = {\n", set);
    t->depth++;
}

static void text_variant(struct scene_out *o, const char *variant)
{
    struct text_out *t = (struct text_out *)o;
    line(t);
    fprintf(t->f, "\"%s\" {\n", variant);
    t->depth++;
}

static void text_close(struct scene_out *o)
{
    struct text_out *t = (struct text_out *)o;
    if (fclose(t->f)) {
        perror("generated text");
        exit(1);
    }
    free(t);
}

static const struct scene_writer text_writer = { text_close, text_prim, text_end, text_attr, text_rel,
                                                 text_variant_set, text_variant, text_end, text_end };

struct scene_out *scene_out_text(const char *path, const char *default_prim)
{
    struct text_out *t = calloc(1, sizeof(*t));
    if (!t || !(t->f = fopen(path, "w"))) {
        perror(path);
        exit(1);
    }
    setvbuf(t->f, NULL, _IOFBF, 1 << 20);
    t->base.writer = &text_writer;
    fprintf(t->f, "#usda 1.0\n(\n    defaultPrim = \"%s\"\n)\n\n", default_prim);
    return &t->base;
}

void scene_out_close(struct scene_out *o) { o->writer->close(o); }
void scene_prim(struct scene_out *o, const struct prim_params *p) { o->writer->prim(o, p); }
void scene_end(struct scene_out *o) { o->writer->end(o); }
void scene_attr(struct scene_out *o, const struct attr_params *a) { o->writer->attr(o, a); }
void scene_rel(struct scene_out *o, const char *name, const char *target) { o->writer->rel(o, name, target); }
void scene_variant_set(struct scene_out *o, const char *set) { o->writer->variant_set(o, set); }
void scene_variant(struct scene_out *o, const char *variant) { o->writer->variant(o, variant); }
void scene_variant_end(struct scene_out *o) { o->writer->variant_end(o); }
void scene_variant_set_end(struct scene_out *o) { o->writer->variant_set_end(o); }
