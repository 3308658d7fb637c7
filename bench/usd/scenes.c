#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene_out.h"

static uint32_t seed = 1;

// Six digits: what the text format prints is what the crate holds.
static double random_number(double scale, double offset)
{
    char text[32];
    seed = seed * 1664525u + 1013904223u;
    snprintf(text, sizeof(text), "%.6g", (seed >> 8) / 16777216.0 * scale + offset);
    return strtod(text, NULL);
}

static void *room(size_t bytes)
{
    void *p = malloc(bytes);
    if (!p) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return p;
}

static struct scene_out *create(const char *path, bool crate, const char *default_prim)
{
    seed = 1;
    return crate ? scene_out_crate(path, default_prim) : scene_out_text(path, default_prim);
}

#define ATTR(o, type_text, attr_name, element, value, n, ...)                                                            \
    scene_attr(o, &(struct attr_params) { .type_name = type_text, .name = attr_name, .type = element, .data = value, .count = n, __VA_ARGS__ })

static void cube(struct scene_out *o, const char *name, const char *variant_set)
{
    static const float extent[]       = { -1, -1, -1, 1, 1, 1 };
    static const char *const order[] = { "xformOp:translate" };
    double size = random_number(1, 0), move[3] = { random_number(1, 0), random_number(1, 0), random_number(1, 0) };
    scene_prim(o, &(struct prim_params) { .type = "Cube", .name = name, .variant_set = variant_set, .selection = "a", .declares_set = variant_set });
    ATTR(o, "double", "size", USD_TYPE_DOUBLE, &size, 1);
    ATTR(o, "float3[]", "extent", USD_TYPE_FLOAT3, extent, 2, .is_array = true);
    ATTR(o, "double3", "xformOp:translate", USD_TYPE_DOUBLE3, move, 1);
    ATTR(o, "token[]", "xformOpOrder", USD_TYPE_TOKEN, order, 1, .is_array = true, .uniform = true);
    if (variant_set) {
        scene_variant_set(o, variant_set);
        scene_variant(o, "a");
        double radius = 1;
        ATTR(o, "double", "radius", USD_TYPE_DOUBLE, &radius, 1);
        scene_variant_end(o);
        scene_variant_set_end(o);
    }
    scene_end(o);
}

static void cubes(struct scene_out *o, int count, int with_set)
{
    char name[32];
    for (int i = 0; i < count; i++) {
        if (i % 100 == 0) {
            if (i)
                scene_end(o);
            snprintf(name, sizeof(name), "Group_%d", i / 100);
            scene_prim(o, &(struct prim_params) { .type = "Xform", .name = name, .kind = "group" });
        }
        snprintf(name, sizeof(name), "Prim_%d", i % 100);
        cube(o, name, with_set && i % with_set == 0 ? "look" : NULL);
    }
    scene_end(o);
}

static void mesh(struct scene_out *o, int triangles)
{
    int points      = triangles / 2;
    int32_t *counts = room((size_t)triangles * 4), *indices = room((size_t)triangles * 12);
    float *xyz      = room((size_t)points * 12);
    for (int i = 0; i < triangles; i++)
        counts[i] = 3;
    for (int i = 0; i < triangles * 3; i++)
        indices[i] = (int)random_number(points - 1, 0);
    for (int i = 0; i < points; i++) {
        xyz[i * 3]     = (float)random_number(100, 0);
        xyz[i * 3 + 1] = (float)random_number(1, 0);
        xyz[i * 3 + 2] = (float)random_number(10, -5);
    }
    scene_prim(o, &(struct prim_params) { .type = "Mesh", .name = "Big" });
    ATTR(o, "int[]", "faceVertexCounts", USD_TYPE_INT, counts, (size_t)triangles, .is_array = true);
    ATTR(o, "int[]", "faceVertexIndices", USD_TYPE_INT, indices, (size_t)triangles * 3, .is_array = true);
    ATTR(o, "point3f[]", "points", USD_TYPE_FLOAT3, xyz, (size_t)points, .is_array = true);
    scene_end(o);
    free(counts);
    free(indices);
    free(xyz);
}

void scene_prims_and_mesh(const char *path, bool crate, int prims, int triangles)
{
    struct scene_out *o = create(path, crate, "World");
    scene_prim(o, &(struct prim_params) { .type = "Xform", .name = "World" });
    if (prims)
        cubes(o, prims, 0);
    if (triangles)
        mesh(o, triangles);
    scene_end(o);
    scene_out_close(o);
}

void scene_own_indices(const char *path, bool crate, int prims, int step)
{
    struct scene_out *o = create(path, crate, "World");
    scene_prim(o, &(struct prim_params) { .type = "Xform", .name = "World" });
    cubes(o, prims, step);
    scene_end(o);
    scene_out_close(o);
}

static void asset(const char *path, bool crate, int parts)
{
    struct scene_out *o   = create(path, crate, "A");
    static const int32_t counts[] = { 3 };
    scene_prim(o, &(struct prim_params) { .type = "Xform", .name = "A", .variant_set = "look", .selection = "a", .declares_set = true });
    if (parts) {
        scene_prim(o, &(struct prim_params) { .type = "Mesh", .name = "body" });
        ATTR(o, "int[]", "faceVertexCounts", USD_TYPE_INT, counts, 1, .is_array = true);
        scene_end(o);
        scene_prim(o, &(struct prim_params) { .type = "Scope", .name = "parts" });
        for (int k = 0; k < parts; k++) {
            char name[16];
            double size = k;
            snprintf(name, sizeof(name), "p%d", k);
            scene_prim(o, &(struct prim_params) { .type = "Cube", .name = name });
            ATTR(o, "double", "size", USD_TYPE_DOUBLE, &size, 1);
            scene_end(o);
        }
        scene_end(o);
    }
    scene_variant_set(o, "look");
    for (int32_t v = 0; v < 2; v++) {
        scene_variant(o, v ? "b" : "a");
        if (parts)
            scene_prim(o, &(struct prim_params) { .type = "", .name = "body", .over = true });
        ATTR(o, "int", "x", USD_TYPE_INT, &v, 1);
        if (parts)
            scene_end(o);
        scene_variant_end(o);
    }
    scene_variant_set_end(o);
    scene_end(o);
    scene_out_close(o);
}

void scene_references(const char *path, bool crate, int count, int assets, int parts)
{
    char name[64], file[1024], folder[900];
    snprintf(folder, sizeof(folder), "%s", path);
    *(strrchr(folder, '/') ? strrchr(folder, '/') : folder) = 0;
    for (int i = 0; i < assets; i++) {
        snprintf(file, sizeof(file), "%s/%s%d.%s", folder, parts ? "asset" : "single", i, crate ? "usdc" : "usda");
        asset(file, crate, parts);
    }
    struct scene_out *o = create(path, crate, "World");
    scene_prim(o, &(struct prim_params) { .type = "Xform", .name = "World" });
    for (int i = 0; i < count; i++) {
        char reference[64];
        snprintf(name, sizeof(name), "I%d", i);
        snprintf(reference, sizeof(reference), "./%s%d.%s", parts ? "asset" : "single", i % assets, crate ? "usdc" : "usda");
        scene_prim(o, &(struct prim_params) { .type = "", .name = name, .reference = reference, .variant_set = "look", .selection = i & 1 ? "a" : "b" });
        scene_end(o);
    }
    scene_end(o);
    scene_out_close(o);
}

void scene_point_instances(const char *path, bool crate, int count)
{
    struct scene_out *o = create(path, crate, "P");
    int32_t *which      = room((size_t)count * 4);
    float *where        = room((size_t)count * 12);
    memset(which, 0, (size_t)count * 4);
    for (int i = 0; i < count * 3; i++)
        where[i] = (float)random_number(1, 0);
    scene_prim(o, &(struct prim_params) { .type = "PointInstancer", .name = "P" });
    scene_prim(o, &(struct prim_params) { .type = "Sphere", .name = "proto" });
    scene_end(o);
    scene_rel(o, "prototypes", "/P/proto");
    ATTR(o, "int[]", "protoIndices", USD_TYPE_INT, which, (size_t)count, .is_array = true);
    ATTR(o, "point3f[]", "positions", USD_TYPE_FLOAT3, where, (size_t)count, .is_array = true);
    scene_end(o);
    scene_out_close(o);
    free(which);
    free(where);
}

void scene_huge(const char *path, int arrays, int points)
{
    struct scene_out *o = create(path, true, "World");
    float *xyz          = room((size_t)points * 12);
    scene_prim(o, &(struct prim_params) { .type = "Xform", .name = "World" });
    for (int i = 0; i < arrays; i++) {
        char name[32];
        snprintf(name, sizeof(name), "Cloud_%d", i);
        for (size_t k = 0; k < (size_t)points * 3; k++)
            xyz[k] = (float)(i + 1) + (float)(k % 1000);
        scene_prim(o, &(struct prim_params) { .type = "Points", .name = name });
        ATTR(o, "point3f[]", "points", USD_TYPE_FLOAT3, xyz, (size_t)points, .is_array = true);
        scene_end(o);
    }
    scene_end(o);
    scene_out_close(o);
    free(xyz);
}
