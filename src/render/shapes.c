// The shapes of UsdGeom as triangles: a cube, a plane, and surfaces of revolution.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geometry.h"

#define SEGMENTS 64 // around the axis; the chord of 1/64 turn misses the arc by 0.12 % of the radius
#define RINGS 32    // pole to pole
#define MAX_PROFILE (RINGS + 8)

// A point of the outline that turns around the axis: distance from it, place along it, normal, v.
struct profile_point {
    double r, h, nr, nh, v;
};

struct profile {
    struct profile_point points[MAX_PROFILE];
    size_t count;
};

static void profile_add(struct profile *p, double r, double h, double nr, double nh, double v)
{
    p->points[p->count++] = (struct profile_point) { r, h, nr, nh, v };
}

// The axes that take the place of X, Y and Z when the shape's own axis is Z.
static void place(char axis, const double in[3], float out[3])
{
    int first = axis == 'X' ? 1 : axis == 'Y' ? 2 : 0; // X: y z x; Y: z x y; Z: x y z
    for (int c = 0; c < 3; c++)
        out[(first + c) % 3] = (float)in[c];
}

static int allocate(struct geo_mesh *m, size_t vertices, size_t triangles)
{
    m->positions = malloc(vertices * 3 * sizeof(float));
    m->normals   = malloc(vertices * 3 * sizeof(float));
    m->uvs[0]    = malloc(vertices * 2 * sizeof(float));
    m->indices   = malloc(triangles * 3 * sizeof(uint32_t));
    m->faces     = calloc(triangles, sizeof(uint32_t));
    m->uv_count  = 1;
    strcpy(m->uv_names[0], "st");
    return m->positions && m->normals && m->uvs[0] && m->indices && m->faces ? RENDER_OK : RENDER_ERR_NOMEM;
}

static uint32_t add_vertex(struct geo_mesh *m, char axis, const double p[3], const double n[3], double s, double t)
{
    size_t v = m->vertex_count++;
    place(axis, p, m->positions + 3 * v);
    place(axis, n, m->normals + 3 * v);
    m->uvs[0][2 * v]     = (float)s;
    m->uvs[0][2 * v + 1] = (float)t;
    return (uint32_t)v;
}

static void add_triangle(struct geo_mesh *m, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t *out = m->indices + 3 * m->triangle_count++;
    out[0]        = a;
    out[1]        = b;
    out[2]        = c;
}

static bool same_place(const struct profile_point *a, const struct profile_point *b)
{
    return a->r == b->r && a->h == b->h;
}

// Turns the outline, listed from the bottom up, around the axis.
static int revolve(struct geo_mesh *m, char axis, const struct profile *p)
{
    size_t columns = SEGMENTS + 1;
    int status     = allocate(m, p->count * columns, (p->count - 1) * SEGMENTS * 2);
    if (status != RENDER_OK)
        return status;
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < columns; k++) {
            const struct profile_point *q = &p->points[i];
            double angle = 2 * M_PI * (double)(k % SEGMENTS) / SEGMENTS;
            double c = cos(angle), s = sin(angle);
            double position[3] = { q->r * c, q->r * s, q->h };
            double normal[3]   = { q->nr * c, q->nr * s, q->nh };
            add_vertex(m, axis, position, normal, (double)k / SEGMENTS, q->v);
        }
    for (size_t i = 0; i + 1 < p->count; i++) {
        const struct profile_point *low = &p->points[i], *high = &p->points[i + 1];
        if (same_place(low, high)) // two normals of one edge
            continue;
        for (size_t k = 0; k < SEGMENTS; k++) {
            uint32_t a = (uint32_t)(i * columns + k), b = a + 1;
            uint32_t d = (uint32_t)(a + columns), c = d + 1;
            if (low->r > 0)
                add_triangle(m, a, b, high->r > 0 ? c : d);
            if (high->r > 0)
                add_triangle(m, a, c, d);
        }
    }
    return RENDER_OK;
}

static void sphere_profile(struct profile *p, double radius)
{
    for (int i = 0; i <= RINGS; i++) {
        double a = M_PI * ((double)i / RINGS - 0.5);
        double c = i == 0 || i == RINGS ? 0 : cos(a);
        profile_add(p, radius * c, radius * sin(a), c, sin(a), (double)i / RINGS);
    }
}

static void capsule_profile(struct profile *p, double radius, double height)
{
    for (int i = 0; i <= RINGS; i++) {
        double a     = M_PI * ((double)i / RINGS - 0.5);
        double c     = i == 0 || i == RINGS ? 0 : cos(a);
        double half  = i < RINGS / 2 ? 0 : 0.5; // v: a quarter for each cap, a half for the straight part
        double shift = i < RINGS / 2 ? -height / 2 : height / 2;
        if (i == RINGS / 2) // the equator stands at both ends of the straight part
            profile_add(p, radius, -height / 2, 1, 0, 0.25);
        profile_add(p, radius * c, radius * sin(a) + shift, c, sin(a), 0.5 * i / RINGS + half);
    }
}

static void cylinder_profile(struct profile *p, double radius, double height)
{
    double h = height / 2;
    profile_add(p, 0, -h, 0, -1, 0);
    profile_add(p, radius, -h, 0, -1, 0.25);
    profile_add(p, radius, -h, 1, 0, 0.25);
    profile_add(p, radius, h, 1, 0, 0.75);
    profile_add(p, radius, h, 0, 1, 0.75);
    profile_add(p, 0, h, 0, 1, 1);
}

static void cone_profile(struct profile *p, double radius, double height)
{
    double h = height / 2, slant = hypot(radius, height);
    double nr = slant > 0 ? height / slant : 1, nh = slant > 0 ? radius / slant : 0;
    profile_add(p, 0, -h, 0, -1, 0);
    profile_add(p, radius, -h, 0, -1, 0.25);
    profile_add(p, radius, -h, nr, nh, 0.25);
    profile_add(p, 0, h, nr, nh, 1);
}

// A rectangle in the plane of two axes, facing the third; corners counter-clockwise.
static void add_quad(struct geo_mesh *m, char axis, double half_u, double half_v, double at, bool flip)
{
    double n[3] = { 0, 0, flip ? -1 : 1 };
    uint32_t v[4];
    for (int i = 0; i < 4; i++) {
        double u = i == 1 || i == 2 ? 1 : -1, w = i >= 2 ? 1 : -1;
        double p[3] = { (flip ? -u : u) * half_u, w * half_v, flip ? -at : at };
        v[i]        = add_vertex(m, axis, p, n, (u + 1) / 2, (w + 1) / 2);
    }
    add_triangle(m, v[0], v[1], v[2]);
    add_triangle(m, v[0], v[2], v[3]);
}

static int make_cube(struct geo_mesh *m, double size)
{
    int status = allocate(m, 24, 12);
    if (status != RENDER_OK)
        return status;
    for (char axis = 'X'; axis <= 'Z'; axis++) {
        add_quad(m, axis, size / 2, size / 2, size / 2, false);
        add_quad(m, axis, size / 2, size / 2, size / 2, true);
    }
    return RENDER_OK;
}

// UsdGeomPlane: width runs along X (along Z for axis X), length along Y (along Z for axis Y).
static int make_plane(struct geo_mesh *m, const struct render_shape_desc *d)
{
    int status = allocate(m, 4, 2);
    if (status != RENDER_OK)
        return status;
    bool width_first = d->axis == 'Z';
    add_quad(m, d->axis, (width_first ? d->width : d->length) / 2, (width_first ? d->length : d->width) / 2, 0,
             false);
    return RENDER_OK;
}

static int add_color(struct geo_mesh *m, const struct render_primvar *color)
{
    m->colors[0] = malloc(m->vertex_count * 4 * sizeof(float));
    if (!m->colors[0])
        return RENDER_ERR_NOMEM;
    for (size_t v = 0; v < m->vertex_count; v++)
        for (uint32_t c = 0; c < 4; c++)
            m->colors[0][4 * v + c] = c < color->components ? color->values[c] : 1;
    strcpy(m->color_names[0], "displayColor");
    return RENDER_OK;
}

static void measure(struct geo_mesh *m)
{
    for (size_t v = 0; v < m->vertex_count; v++)
        for (int c = 0; c < 3; c++) {
            float x          = m->positions[3 * v + c];
            m->bounds[c]     = v ? fminf(m->bounds[c], x) : x;
            m->bounds[3 + c] = v ? fmaxf(m->bounds[3 + c], x) : x;
        }
}

int geo_mesh_from_shape(const struct render_shape_desc *d, struct geo_mesh *out)
{
    struct profile p = { .count = 0 };
    int status       = RENDER_OK;
    *out             = (struct geo_mesh) { .double_sided = d->double_sided };
    if (d->axis < 'X' || d->axis > 'Z')
        return RENDER_ERR_INVALID;
    switch (d->shape) {
    case RENDER_CUBE: status = make_cube(out, d->size); break;
    case RENDER_PLANE: status = make_plane(out, d); break;
    case RENDER_SPHERE: sphere_profile(&p, d->radius); break;
    case RENDER_CYLINDER: cylinder_profile(&p, d->radius, d->height); break;
    case RENDER_CONE: cone_profile(&p, d->radius, d->height); break;
    case RENDER_CAPSULE: capsule_profile(&p, d->radius, d->height); break;
    default: return RENDER_ERR_INVALID;
    }
    if (p.count)
        status = revolve(out, d->axis, &p);
    if (status == RENDER_OK && d->display_color && d->display_color->values && d->display_color->count)
        status = add_color(out, d->display_color);
    if (status == RENDER_OK)
        measure(out);
    else
        geo_mesh_finish(out);
    return status;
}
