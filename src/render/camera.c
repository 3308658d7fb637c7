#include "camera.h"

#include <math.h>
#include <string.h>

#include "matrix.h"

static vec3 row(const double m[16], int r)
{
    return (vec3) { (float)m[4 * r], (float)m[4 * r + 1], (float)m[4 * r + 2] };
}

static vec3 scaled(vec3 v, double f)
{
    return (vec3) { (float)(v.x * f), (float)(v.y * f), (float)(v.z * f) };
}

static vec3 sum(vec3 a, vec3 b)
{
    return (vec3) { a.x + b.x, a.y + b.y, a.z + b.z };
}

// Half extents and centre of the film at distance 1 (perspective) or of the view volume (orthographic).
struct film {
    double half_x, half_y, centre_x, centre_y;
};

static struct film film_of(const struct render_camera *c, double aspect)
{
    double w = c->horizontal_aperture, h = c->vertical_aperture;
    // expandAperture: never crop what the camera asked for.
    if (w / h < aspect)
        w = h * aspect;
    else
        h = w / aspect;
    // Apertures are in tenths of a scene unit; so is the focal length.
    const double unit = c->orthographic ? 0.1 : 1.0 / c->focal_length;
    return (struct film) { w / 2 * unit, h / 2 * unit, c->horizontal_offset * unit, c->vertical_offset * unit };
}

static bool usable(const struct render_camera *c)
{
    return matrix_finite(c->transform) && fabs(matrix_det3(c->transform)) > 1e-30 && c->horizontal_aperture > 0 &&
           c->vertical_aperture > 0 && (c->orthographic || c->focal_length > 0) && isfinite(c->clip_near) &&
           isfinite(c->clip_far);
}

// View space to clip: reversed Z with an infinite far plane for perspective, so z = near / w; linear from 1 at
// near to 0 at far for orthographic. Clip y points down.
static void projection(const struct render_camera *c, const struct film *f, double near, double far, double jx,
                       double jy, double p[16])
{
    memset(p, 0, 16 * sizeof(*p));
    if (c->orthographic) {
        p[0]  = 1 / f->half_x;
        p[5]  = -1 / f->half_y;
        p[10] = 1 / (far - near);
        p[12] = -f->centre_x / f->half_x - jx;
        p[13] = f->centre_y / f->half_y - jy;
        p[14] = far / (far - near);
        p[15] = 1;
        return;
    }
    p[0]  = 1 / f->half_x;
    p[5]  = -1 / f->half_y;
    p[8]  = f->centre_x / f->half_x + jx; // times z, which is -w
    p[9]  = -f->centre_y / f->half_y + jy;
    p[11] = -1;
    p[14] = near;
}

bool camera_setup(const struct render_camera *camera, uint32_t width, uint32_t height, vec2 jitter,
                  struct SceneFrame *out)
{
    struct render_camera c = *camera;
    const bool ok          = usable(&c);
    if (!ok)
        c = (struct render_camera) {
            .transform = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 },
            .focal_length = 50, .horizontal_aperture = 20.955f, .vertical_aperture = 15.2908f, .clip_near = 1,
            .clip_far = 1e6f,
        };
    // A scale of the camera's own transform goes into the film and the clip range; the axes become unit.
    double size[3];
    for (int r = 0; r < 3; r++) {
        double *a = c.transform + 4 * r;
        size[r]   = sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
        for (int k = 0; k < 3; k++)
            a[k] /= size[r];
    }
    const double near = (c.orthographic ? c.clip_near : c.clip_near > 0 ? c.clip_near : 0.01) * size[2];
    const double far  = c.clip_far * size[2] > near ? c.clip_far * size[2] : near + 1e6;
    struct film f     = film_of(&c, (double)width / height);
    const double depth = c.orthographic ? 1 : size[2];
    f.half_x *= size[0] / depth;
    f.centre_x *= size[0] / depth;
    f.half_y *= size[1] / depth;
    f.centre_y *= size[1] / depth;
    double view[16], p[16], m[16];
    matrix_invert(c.transform, view);
    projection(&c, &f, near, far, 2.0 * jitter.x / width, 2.0 * jitter.y / height, p);
    matrix_multiply(view, p, m);
    out->world_to_clip = matrix_to_float(m);
    const vec3 right = row(c.transform, 0), up = row(c.transform, 1), back = row(c.transform, 2);
    const vec3 eye      = row(c.transform, 3);
    const vec3 forward  = scaled(back, -1);
    out->film_x         = scaled(right, f.half_x);
    out->film_y         = scaled(up, f.half_y);
    const vec3 centre   = sum(scaled(right, f.centre_x), scaled(up, f.centre_y));
    out->flags          = c.orthographic ? FRAME_ORTHOGRAPHIC : 0;
    out->eye            = c.orthographic ? sum(eye, centre) : eye;
    out->film_center    = c.orthographic ? forward : sum(forward, centre);
    out->axis           = forward;
    out->near_clip      = (float)near;
    out->far_clip       = (float)far;
    out->jitter         = jitter;
    out->extent         = (vec2) { (float)width, (float)height };
    out->pixel_spread   = (float)(2 * f.half_y / height);
    out->exposure       = c.exposure_scale > 0 ? c.exposure_scale : 1;
    return ok;
}

bool camera_equal(const struct render_camera *a, const struct render_camera *b)
{
    return memcmp(a->transform, b->transform, sizeof(a->transform)) == 0 && a->orthographic == b->orthographic &&
           a->focal_length == b->focal_length && a->horizontal_aperture == b->horizontal_aperture &&
           a->vertical_aperture == b->vertical_aperture && a->horizontal_offset == b->horizontal_offset &&
           a->vertical_offset == b->vertical_offset && a->clip_near == b->clip_near && a->clip_far == b->clip_far &&
           a->f_stop == b->f_stop && a->focus_distance == b->focus_distance;
}
