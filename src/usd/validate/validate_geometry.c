// Geometry: counts and indices, primvars, extents, instancers, cameras.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extent.h"
#include "validate.h"

// What a primvar of each interpolation must be as long as; SIZE_MAX: not known.
struct sizes {
    size_t uniform, varying, vertex, face_varying;
};

static const usd_property *find(const usd_prim *p, const char *name) { return usd_prim_find_property(p, name); }

// How many of the ints lie outside of [0, limit).
static size_t outside(const struct usd_value *v, size_t limit)
{
    size_t bad = 0;
    for (size_t i = 0; v->type == USD_TYPE_INT && i < v->count; i++) {
        int32_t k = ((const int32_t *)v->data)[i];
        bad += k < 0 || (size_t)k >= limit;
    }
    return bad;
}

static void check_range(struct usd_stage *s, const usd_prim *p, const char *name, size_t limit, const char *of)
{
    struct usd_value v;
    if (validate_value(p, name, &v)) {
        size_t bad = outside(&v, limit);
        if (bad)
            PROPERTY_FINDING(s, find(p, name), USD_ERROR, "index-range", "export the topology again; indices start at 0", "%zu of %zu indices lie outside of the %zu %s", bad, v.count, limit, of);
    }
    usd_value_finish(&v);
}

static int64_t sum_of(const struct usd_value *v)
{
    int64_t sum = 0;
    for (size_t i = 0; v->type == USD_TYPE_INT && i < v->count; i++)
        sum += ((const int32_t *)v->data)[i];
    return sum;
}

static void check_creases(struct usd_stage *s, const usd_prim *p, size_t points)
{
    struct usd_value lengths;
    size_t sharpnesses = validate_count(p, "creaseSharpnesses"), corners = validate_count(p, "cornerIndices"), corner_sharpnesses = validate_count(p, "cornerSharpnesses");
    if (validate_value(p, "creaseLengths", &lengths) && lengths.type == USD_TYPE_INT) {
        int64_t sum = sum_of(&lengths);
        if (sum != (int64_t)validate_count(p, "creaseIndices"))
            PROPERTY_FINDING(s, find(p, "creaseLengths"), USD_ERROR, "topology", "the lengths must add up to the indices", "the creases have %lld points, but creaseIndices has %zu", (long long)sum, validate_count(p, "creaseIndices"));
        if (sharpnesses != lengths.count && (int64_t)sharpnesses != sum - (int64_t)lengths.count)
            PROPERTY_FINDING(s, find(p, "creaseLengths"), USD_ERROR, "topology", "give one sharpness per crease, or one per edge", "%zu creases with %lld edges have %zu sharpnesses", lengths.count,
                             (long long)(sum - (int64_t)lengths.count), sharpnesses);
    }
    usd_value_finish(&lengths);
    if (corners != corner_sharpnesses && find(p, "cornerIndices"))
        PROPERTY_FINDING(s, find(p, "cornerIndices"), USD_ERROR, "topology", "give one sharpness per corner", "%zu corners have %zu sharpnesses", corners, corner_sharpnesses);
    check_range(s, p, "creaseIndices", points, "points");
    check_range(s, p, "cornerIndices", points, "points");
}

static struct sizes check_mesh(struct usd_stage *s, const usd_prim *p)
{
    const usd_property *counts = find(p, "faceVertexCounts"), *indices = find(p, "faceVertexIndices");
    struct usd_value c;
    size_t points = validate_count(p, "points"), corners = validate_count(p, "faceVertexIndices");
    struct sizes z = { SIZE_MAX, points, points, SIZE_MAX };
    if (validate_value(p, "faceVertexCounts", &c) && c.type == USD_TYPE_INT) {
        int64_t sum = sum_of(&c), few = 0, many = 0;
        for (size_t i = 0; i < c.count; i++) {
            few += ((const int32_t *)c.data)[i] < 3;
            many += ((const int32_t *)c.data)[i] > 3;
        }
        const char *scheme = "catmullClark";
        usd_prim_get_token(p, "subdivisionScheme", USD_TIME_DEFAULT, &scheme);
        if (many && !strcmp(scheme, "loop"))
            PROPERTY_FINDING(s, counts, USD_WARNING, "topology", "triangulate the mesh, or use catmullClark", "Loop subdivision is for triangles; %lld of %zu faces have more corners", (long long)many, c.count);
        if (few)
            PROPERTY_FINDING(s, counts, USD_WARNING, "topology", "delete these faces", "%lld of %zu faces have fewer than three corners", (long long)few, c.count);
        if (sum != (int64_t)corners)
            PROPERTY_FINDING(s, counts, USD_ERROR, "topology", "export counts and indices together", "the faces have %lld corners, but faceVertexIndices has %zu", (long long)sum, corners);
        if (c.count && !points)
            PRIM_FINDING(s, p, USD_ERROR, "topology", "author points", "a mesh of %zu faces has no points", c.count);
        z.uniform      = c.count;
        z.face_varying = corners;
        check_range(s, p, "holeIndices", c.count, "faces");
    } else if (indices && corners) {
        PROPERTY_FINDING(s, indices, USD_ERROR, "topology", "author faceVertexCounts", "there are indices, but no faceVertexCounts");
    }
    usd_value_finish(&c);
    if (points)
        check_range(s, p, "faceVertexIndices", points, "points");
    check_creases(s, p, points);
    return z;
}

static struct sizes check_curves(struct usd_stage *s, const usd_prim *p)
{
    const usd_property *counts = find(p, "curveVertexCounts");
    struct usd_value c;
    size_t points      = validate_count(p, "points");
    struct sizes z     = { SIZE_MAX, SIZE_MAX, points, SIZE_MAX };
    const char *type = "cubic", *basis = "bezier", *wrap = "nonperiodic";
    usd_prim_get_token(p, "type", USD_TIME_DEFAULT, &type);
    usd_prim_get_token(p, "basis", USD_TIME_DEFAULT, &basis);
    usd_prim_get_token(p, "wrap", USD_TIME_DEFAULT, &wrap);
    bool basis_curves = !strcmp(usd_prim_type_name(p), "BasisCurves"), cubic = basis_curves && !strcmp(type, "cubic");
    bool bezier = cubic && !strcmp(basis, "bezier"), open = !strcmp(wrap, "nonperiodic"), pinned = !strcmp(wrap, "pinned");
    if (validate_value(p, "curveVertexCounts", &c) && c.type == USD_TYPE_INT) {
        int64_t sum = sum_of(&c), bad = 0;
        for (size_t i = 0; i < c.count; i++) {
            int n = ((const int32_t *)c.data)[i];
            int least = pinned || !cubic ? 2 : bezier && !open ? 3 : 4;
            bad += n < least || (bezier && !pinned && (open ? (n - 4) % 3 : n % 3) != 0);
        }
        if (bad)
            PROPERTY_FINDING(s, counts, USD_ERROR, "topology", "see BasisCurves: Bezier curves have 3 n + 1 points (3 n when periodic), others at least 4 (linear: 2)",
                             "%lld of %zu curves have a number of points that %s curves cannot have", (long long)bad, c.count, cubic ? basis : "these");
        if (sum != (int64_t)points)
            PROPERTY_FINDING(s, counts, USD_ERROR, "topology", "the counts must add up to the points", "the curves have %lld points, but there are %zu", (long long)sum, points);
        z.uniform = c.count;
    }
    usd_value_finish(&c);
    return z;
}

// ---------------------------------------------------------------------------------------------------------------
// Primvars, normals, widths

static void check_size(struct usd_stage *s, const usd_property *q, size_t have, const struct sizes *z)
{
    const char *word = usd_attr_interpolation(q);
    size_t want      = !strcmp(word, "uniform") ? z->uniform : !strcmp(word, "varying") ? z->varying : !strcmp(word, "vertex") ? z->vertex
                     : !strcmp(word, "faceVarying") ? z->face_varying : SIZE_MAX;
    struct usd_value v;
    double each = 1;
    if (usd_property_metadata(q, "elementSize", &v))
        usd_value_doubles(&v, 0, &each, 1);
    usd_value_finish(&v);
    if (want == SIZE_MAX || (double)have == (double)want * each || (have == 1 && !strcmp(word, "vertex") && !strcmp(usd_property_name(q), "widths")))
        return;
    bool nothing   = !have && !strncmp(usd_property_name(q), "primvars:", 9); // harmless: as if it were not there
    char times[48] = "";
    if (each != 1)
        snprintf(times, sizeof(times), " of %g elements", each);
    PROPERTY_FINDING(s, q, nothing ? USD_WARNING : USD_ERROR, "primvar-size", "correct the interpolation, or export the values again", "has %zu values, but %s interpolation needs %zu%s", have, word, want, times);
}

static void check_unit(struct usd_stage *s, const usd_property *q, const struct usd_value *v, int components, const char *what)
{
    size_t off = 0, zero = 0;
    enum usd_type number = usd_type_component(v->type);
    if (usd_type_components(v->type) != components || (number != USD_TYPE_FLOAT && number != USD_TYPE_DOUBLE && number != USD_TYPE_HALF))
        return;
    for (size_t i = 0; i < v->count; i++) {
        double d[4] = { 0 }, sum = 0;
        if (!usd_value_doubles(v, i, d, components))
            return;
        for (int k = 0; k < components; k++)
            sum += d[k] * d[k];
        zero += !(sum > 1e-12);
        off += !(fabs(sqrt(sum) - 1) < 2e-2);
    }
    if (off)
        PROPERTY_FINDING(s, q, USD_WARNING, "not-normalised", "divide each by its length", "%zu of %zu %s do not have length 1%s", off, v->count, what, zero ? "; some are zero" : "");
}

static void check_primvar(struct usd_stage *s, const usd_prim *p, const usd_property *q, const struct sizes *z)
{
    char name[512];
    struct usd_value v, ix;
    if (snprintf(name, sizeof(name), "%s:indices", usd_property_name(q)) >= (int)sizeof(name) || !usd_attr_get(q, validate_first_time(q), &v))
        return;
    const usd_property *indices = find(p, name);
    if (v.is_array && indices && usd_attr_get(indices, validate_first_time(indices), &ix)) {
        size_t bad = outside(&ix, v.count);
        if (bad)
            PROPERTY_FINDING(s, indices, USD_ERROR, "index-range", "export the primvar again", "%zu of %zu indices lie outside of the %zu values", bad, ix.count, v.count);
        check_size(s, q, ix.count, z);
        usd_value_finish(&ix);
    } else if (v.is_array) {
        check_size(s, q, v.count, z);
    }
    if (!strcmp(usd_property_name(q), "normals") || !strcmp(usd_property_name(q), "primvars:normals"))
        check_unit(s, q, &v, 3, "normals");
    usd_value_finish(&v);
}

static void check_primvars(struct usd_stage *s, const usd_prim *p, const struct sizes *z)
{
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        const char *name      = usd_property_name(q);
        size_t n              = strlen(name);
        bool indices          = n > 8 && !strcmp(name + n - 8, ":indices");
        if (!usd_property_is_relationship(q) && !indices && (!strncmp(name, "primvars:", 9) || !strcmp(name, "normals") || !strcmp(name, "widths")))
            check_primvar(s, p, q, z);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Extents

static bool holds(const struct usd_bounds *outer, const struct usd_bounds *inner)
{
    for (int i = 0; i < 3; i++) {
        double slack = 1e-3 * fmax(fmax(fabs(inner->min[i]), fabs(inner->max[i])), inner->max[i] - inner->min[i]) + 1e-5;
        if (inner->min[i] < outer->min[i] - slack || inner->max[i] > outer->max[i] + slack)
            return false;
    }
    return true;
}

static void check_extent(struct usd_stage *s, const usd_prim *p)
{
    const usd_property *q = find(p, "extent");
    struct usd_value v;
    struct usd_bounds said, is;
    double t = validate_first_time(q);
    if (!q || !usd_attr_get(q, t, &v))
        return;
    if (!v.is_array || usd_type_components(v.type) != 3 || v.count != 2) {
        PROPERTY_FINDING(s, q, USD_ERROR, "extent", "write [(min), (max)]", "an extent has two corners, not %zu", v.count);
    } else {
        usd_value_doubles(&v, 0, said.min, 3);
        usd_value_doubles(&v, 1, said.max, 3);
        const char *hint = "compute it from the geometry, or take it out";
        if (said.min[0] > said.max[0] || said.min[1] > said.max[1] || said.min[2] > said.max[2])
            PROPERTY_FINDING(s, q, USD_ERROR, "extent", hint, "the first corner is greater than the second");
        else if (strcmp(usd_prim_type_name(p), "Skeleton") && extent_computed(p, t, &is) && !holds(&said, &is))
            PROPERTY_FINDING(s, q, USD_WARNING, "extent", hint, "(%g, %g, %g) to (%g, %g, %g) does not hold the geometry, which reaches from (%g, %g, %g) to (%g, %g, %g)", said.min[0],
                             said.min[1], said.min[2], said.max[0], said.max[1], said.max[2], is.min[0], is.min[1], is.min[2], is.max[0], is.max[1], is.max[2]);
    }
    usd_value_finish(&v);
}

// ---------------------------------------------------------------------------------------------------------------
// Point instancers, subsets, cameras

static void check_instancer(struct usd_stage *s, const usd_prim *p)
{
    static const char *const per_instance[] = { "positions", "orientations", "orientationsf", "scales", "ids", "velocities", "accelerations", "angularVelocities" };
    size_t n = validate_count(p, "protoIndices"), prototypes = usd_rel_target_count(find(p, "prototypes"));
    if (n && !prototypes)
        PRIM_FINDING(s, p, USD_ERROR, "instancer", "name the prototypes", "%zu instances have no prototypes to show", n);
    else
        check_range(s, p, "protoIndices", prototypes, "prototypes");
    for (size_t i = 0; i < sizeof(per_instance) / sizeof(per_instance[0]); i++) {
        size_t have = validate_count(p, per_instance[i]);
        if (have != n && (have || !i))
            PROPERTY_FINDING(s, find(p, have ? per_instance[i] : "protoIndices"), USD_ERROR, "instancer", "give one per element of protoIndices", "%zu %s for %zu instances", have, per_instance[i], n);
    }
    struct usd_value v;
    for (int i = 1; i < 3; i++) {
        if (validate_value(p, per_instance[i], &v))
            check_unit(s, find(p, per_instance[i]), &v, 4, "quaternions");
        usd_value_finish(&v);
    }
}

static void check_subset(struct usd_stage *s, const usd_prim *p)
{
    const usd_prim *of = usd_prim_parent(p);
    const char *element = "face";
    usd_prim_get_token(p, "elementType", USD_TIME_DEFAULT, &element);
    if (!of || !usd_prim_is_a(of, "Imageable")) {
        PRIM_FINDING(s, p, USD_WARNING, "subset", "put it below the geometry it divides", "a GeomSubset stands for a part of its parent, which is no geometry");
        return;
    }
    if (!strcmp(element, "face") && !strcmp(usd_prim_type_name(of), "Mesh"))
        check_range(s, p, "indices", validate_count(of, "faceVertexCounts"), "faces");
    else if (!strcmp(element, "point"))
        check_range(s, p, "indices", validate_count(of, "points"), "points");
}

// Subsets of one family must not overlap: that of materialBind, and where subsetFamily:NAME:familyType says so.
static bool must_not_overlap(const usd_prim *mesh, const usd_prim *subset, const char **family)
{
    const char *type = "unrestricted", *element = "face";
    char name[256];
    *family = "";
    usd_prim_get_token(subset, "familyName", USD_TIME_DEFAULT, family);
    usd_prim_get_token(subset, "elementType", USD_TIME_DEFAULT, &element);
    snprintf(name, sizeof(name), "subsetFamily:%.200s:familyType", *family);
    usd_prim_get_token(mesh, name, USD_TIME_DEFAULT, &type);
    return !strcmp(element, "face") && (!strcmp(*family, "materialBind") || strcmp(type, "unrestricted"));
}

#define MAX_FAMILIES 8 // of one mesh; one bit each

static void check_families(struct usd_stage *s, const usd_prim *p, size_t faces)
{
    uint8_t *taken = NULL; // families by face
    const char *families[MAX_FAMILIES];
    size_t count = 0;
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c)) {
        const char *family;
        if (strcmp(usd_prim_type_name(c), "GeomSubset") || !usd_prim_is_traversable(c) || !must_not_overlap(p, c, &family))
            continue;
        size_t f = 0, twice = 0;
        while (f < count && strcmp(families[f], family))
            f++;
        if (f == MAX_FAMILIES || (!taken && (!faces || !(taken = calloc(faces, 1)))))
            break;
        if (f == count)
            families[count++] = family;
        struct usd_value v;
        if (validate_value(c, "indices", &v) && v.type == USD_TYPE_INT)
            for (size_t i = 0; i < v.count; i++) {
                int32_t k = ((const int32_t *)v.data)[i];
                if (k >= 0 && (size_t)k < faces) {
                    twice += taken[k] >> f & 1;
                    taken[k] |= (uint8_t)(1u << f);
                }
            }
        usd_value_finish(&v);
        if (twice)
            PROPERTY_FINDING(s, find(c, "indices"), USD_WARNING, "subset", "leave each face in one subset of the family", "%zu faces are in another subset of the family '%s' already", twice, family);
    }
    free(taken);
}

static void check_camera(struct usd_stage *s, const usd_prim *p)
{
    float clip[2];
    double focal = 50, width = 20;
    if (usd_prim_get_vec2f(p, "clippingRange", USD_TIME_DEFAULT, clip) && !(clip[0] < clip[1]))
        PROPERTY_FINDING(s, find(p, "clippingRange"), USD_ERROR, "camera", "write (near, far)", "nothing lies between %g and %g", clip[0], clip[1]);
    const char *projection = "perspective";
    usd_prim_get_token(p, "projection", USD_TIME_DEFAULT, &projection);
    usd_prim_get_double(p, "focalLength", USD_TIME_DEFAULT, &focal);
    usd_prim_get_double(p, "horizontalAperture", USD_TIME_DEFAULT, &width);
    if (!(width > 0) || (!strcmp(projection, "perspective") && !(focal > 0)))
        PRIM_FINDING(s, p, USD_ERROR, "camera", "write numbers above 0", "a focal length of %g and an aperture of %g give no picture", focal, width);
}

static void check_nested(struct usd_stage *s, const usd_prim *p)
{
    for (const usd_prim *up = usd_prim_parent(p); up; up = usd_prim_parent(up))
        if (usd_prim_is_a(up, "Gprim")) {
            PRIM_FINDING(s, p, USD_WARNING, "nested-gprim", "put an Xform in between and both below it", "geometry stands below the geometry <%s>; not all readers draw it", usd_prim_path(up));
            return;
        }
}

void validate_geometry(struct usd_stage *s, const usd_prim *p)
{
    const char *type = usd_prim_type_name(p);
    if (!*type)
        return;
    size_t points = SIZE_MAX;
    struct sizes z = { SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX };
    if (!strcmp(type, "Mesh")) {
        z = check_mesh(s, p);
        if (z.uniform != SIZE_MAX)
            check_families(s, p, z.uniform);
    } else if (usd_prim_is_a(p, "Curves")) {
        z = check_curves(s, p);
    } else if (!strcmp(type, "Points")) {
        points = validate_count(p, "points");
        z      = (struct sizes) { 1, points, points, SIZE_MAX };
        size_t ids = validate_count(p, "ids");
        if (ids && ids != points)
            PROPERTY_FINDING(s, find(p, "ids"), USD_ERROR, "primvar-size", "give one id per point", "%zu ids for %zu points", ids, points);
    } else if (!strcmp(type, "PointInstancer")) {
        check_instancer(s, p);
    } else if (!strcmp(type, "GeomSubset")) {
        check_subset(s, p);
    } else if (!strcmp(type, "Camera")) {
        check_camera(s, p);
    }
    if (usd_prim_is_a(p, "PointBased"))
        check_primvars(s, p, &z);
    if (usd_prim_is_a(p, "Boundable"))
        check_extent(s, p);
    if (usd_prim_is_a(p, "Gprim"))
        check_nested(s, p);
}
