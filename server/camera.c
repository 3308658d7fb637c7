#include "camera.h"

#include <math.h>
#include <string.h>

#define ORBIT_PER_PIXEL 0.005
#define DOLLY_PER_PIXEL 0.005
#define WHEEL_PER_NOTCH 0.1
#define PI 3.14159265358979323846

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void cross(double out[3], const double a[3], const double b[3])
{
    double r[3] = { a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0] };
    memcpy(out, r, sizeof(r));
}

static void normalise(double v[3])
{
    double n = sqrt(dot(v, v));
    for (int i = 0; i < 3; i++)
        v[i] /= n;
}

static const double *up_vector(enum camera_up up)
{
    static const double y[3] = { 0, 1, 0 }, z[3] = { 0, 0, 1 };
    return up == CAMERA_UP_Z ? z : y;
}

static const double *zero_azimuth(enum camera_up up)
{
    static const double y[3] = { 0, 0, 1 }, z[3] = { 0, -1, 0 };
    return up == CAMERA_UP_Z ? z : y;
}

static const double quarter_turn[3] = { 1, 0, 0 };

void camera_default_lens(struct camera *c)
{
    c->lens = (struct camera_lens) {
        .focal_length = CAMERA_FOCAL_LENGTH, .horizontal_aperture = CAMERA_HORIZONTAL_APERTURE,
        .vertical_aperture = CAMERA_HORIZONTAL_APERTURE * c->height / c->width,
        .clip_near = 0.01, .clip_far = 10000000,
    };
}

void camera_init(struct camera *c, int width, int height)
{
    *c = (struct camera) {
        .view = { .azimuth = -1.5708, .distance = 500 }, .width = width, .height = height, .fly_speed = 2,
    };
    c->valid = c->view;
    camera_default_lens(c);
}

static void keep_finite(double *v, double last)
{
    if (!isfinite(*v))
        *v = last;
}

void camera_sanitise(struct camera *c)
{
    struct camera_view *v = &c->view;
    keep_finite(&v->azimuth, c->valid.azimuth);
    keep_finite(&v->elevation, c->valid.elevation);
    keep_finite(&v->distance, c->valid.distance);
    for (int i = 0; i < 3; i++)
        keep_finite(&v->target[i], c->valid.target[i]);
    v->elevation = fmin(fmax(v->elevation, -CAMERA_MAX_ELEVATION), CAMERA_MAX_ELEVATION);
    if (v->azimuth <= -PI || v->azimuth > PI)
        v->azimuth -= 2 * PI * ceil((v->azimuth - PI) / (2 * PI));
    v->distance = fmax(v->distance, CAMERA_MIN_DISTANCE);
    c->valid    = *v;
}

void camera_basis(const struct camera *c, struct camera_basis *out)
{
    if (c->fixed) {
        const double *m = c->fixed_matrix;
        for (int i = 0; i < 3; i++) {
            out->right[i]   = m[i];
            out->up[i]      = m[4 + i];
            out->forward[i] = -m[8 + i];
            out->eye[i]     = m[12 + i];
        }
        return;
    }
    const struct camera_view *v = &c->view;
    const double *u = up_vector(c->up), *a = zero_azimuth(c->up), *b = quarter_turn;
    double ce = cos(v->elevation), se = sin(v->elevation), ca = cos(v->azimuth), sa = sin(v->azimuth);
    for (int i = 0; i < 3; i++) {
        double direction = ce * (sa * b[i] + ca * a[i]) + se * u[i]; // from the target to the eye, unit length
        out->eye[i]      = v->target[i] + v->distance * direction;
        out->forward[i]  = -direction;
    }
    cross(out->right, out->forward, u);
    normalise(out->right);
    cross(out->up, out->right, out->forward);
}

bool camera_matrix(const struct camera *c, double m[16])
{
    struct camera_basis b;
    camera_basis(c, &b);
    for (int i = 0; i < 3; i++) {
        m[i]      = b.right[i];
        m[4 + i]  = b.up[i];
        m[8 + i]  = -b.forward[i];
        m[12 + i] = b.eye[i];
        m[4 * i + 3] = 0;
    }
    m[15] = 1;
    for (int i = 0; i < 16; i++)
        if (!isfinite(m[i]))
            return false;
    return true;
}

void camera_turn(struct camera *c, double d_azimuth, double d_elevation)
{
    camera_leave_fixed(c);
    c->view.azimuth += d_azimuth;
    c->view.elevation += d_elevation;
    camera_sanitise(c);
}

void camera_orbit(struct camera *c, double dx, double dy)
{
    camera_turn(c, -ORBIT_PER_PIXEL * dx, ORBIT_PER_PIXEL * dy);
}

void camera_pan(struct camera *c, double dx, double dy)
{
    camera_leave_fixed(c);
    struct camera_basis b;
    camera_basis(c, &b);
    // What lies at the target's depth follows the pointer.
    double k = c->view.distance * c->lens.vertical_aperture / (c->lens.focal_length * c->height);
    for (int i = 0; i < 3; i++)
        c->view.target[i] += (-b.right[i] * dx + b.up[i] * dy) * k;
    camera_sanitise(c);
}

void camera_dolly(struct camera *c, double dx, double dy)
{
    camera_leave_fixed(c);
    c->view.distance *= exp(DOLLY_PER_PIXEL * (dy - dx));
    camera_sanitise(c);
}

void camera_wheel(struct camera *c, double notches)
{
    camera_leave_fixed(c);
    c->view.distance *= exp(-WHEEL_PER_NOTCH * notches);
    camera_sanitise(c);
}

void camera_fly_look(struct camera *c, double dx, double dy)
{
    camera_leave_fixed(c);
    struct camera_basis b;
    camera_basis(c, &b);
    double eye[3];
    memcpy(eye, b.eye, sizeof(eye));
    camera_orbit(c, dx, dy);
    camera_basis(c, &b);
    for (int i = 0; i < 3; i++)
        c->view.target[i] = eye[i] + c->view.distance * b.forward[i];
    camera_sanitise(c);
}

void camera_fly_move(struct camera *c, double right, double up, double forward, double seconds)
{
    camera_leave_fixed(c);
    struct camera_basis b;
    camera_basis(c, &b);
    const double *u = up_vector(c->up);
    double step     = c->fly_speed * fmin(fmax(seconds, 0), 0.1);
    for (int i = 0; i < 3; i++)
        c->view.target[i] += (b.right[i] * right + u[i] * up + b.forward[i] * forward) * step;
    camera_sanitise(c);
}

void camera_fly_faster(struct camera *c, double notches)
{
    double speed = c->fly_speed * pow(1.2, notches);
    if (isfinite(speed) && speed > 1e-9 && speed < 1e12)
        c->fly_speed = speed;
}

double camera_fov(const struct camera *c)
{
    double aperture = fmin(c->lens.horizontal_aperture, c->lens.vertical_aperture);
    return 2 * atan(aperture / (2 * c->lens.focal_length));
}

static bool bounds_usable(const struct camera_bounds *b)
{
    if (b->empty)
        return false;
    for (int i = 0; i < 3; i++)
        if (!isfinite(b->min[i]) || !isfinite(b->max[i]) || b->min[i] > b->max[i])
            return false;
    return true;
}

bool camera_fit(struct camera *c, const struct camera_bounds *bounds, double meters_per_unit)
{
    camera_leave_fixed(c);
    camera_default_lens(c);
    if (!bounds_usable(bounds)) {
        memset(c->view.target, 0, sizeof(c->view.target));
        c->view.distance = 5 / (meters_per_unit > 0 ? meters_per_unit : 0.01);
        camera_sanitise(c);
        return false;
    }
    double diagonal = 0, largest = 0;
    for (int i = 0; i < 3; i++) {
        double side       = bounds->max[i] - bounds->min[i];
        c->view.target[i] = bounds->min[i] + side / 2;
        diagonal += side * side;
        largest = fmax(largest, side);
    }
    double radius    = fmax(sqrt(diagonal) / 2, 0.01), half = camera_fov(c) / 2;
    c->view.distance = fmax(1.5 * largest / 2 / tan(half), radius / sin(half));
    camera_sanitise(c);
    c->lens.clip_far  = fmax(c->lens.clip_far, c->view.distance + 10 * radius);
    c->lens.clip_near = fmax(fmin(c->lens.clip_near, c->view.distance * 0.001), 0.0001);
    c->fly_speed      = 0.25 * radius;
    return true;
}

void camera_first_direction(struct camera *c, const struct camera_bounds *bounds)
{
    double elevation = 25;
    if (c->up == CAMERA_UP_Z)
        elevation = 15;
    if (bounds_usable(bounds)) {
        int up        = c->up == CAMERA_UP_Z ? 2 : 1;
        double height = bounds->max[up] - bounds->min[up], side = 0;
        for (int i = 0; i < 3; i++)
            side = i == up ? side : fmax(side, bounds->max[i] - bounds->min[i]);
        if (height < side / 4)
            elevation = 15;
    }
    c->fixed          = false;
    c->view.azimuth   = PI / 4;
    c->view.elevation = elevation * PI / 180;
    camera_sanitise(c);
}

bool camera_preset(struct camera *c, const char *name)
{
    static const struct {
        const char *name;
        double azimuth, elevation;
    } presets[] = {
        { "front", 0, 0 }, { "back", PI, 0 }, { "left", -PI / 2, 0 }, { "right", PI / 2, 0 },
        { "top", 0, PI / 2 }, { "bottom", 0, -PI / 2 }, { "three_quarter", PI / 4, 25 * PI / 180 },
    };
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (strcmp(presets[i].name, name) != 0)
            continue;
        camera_leave_fixed(c);
        c->view.azimuth   = presets[i].azimuth;
        c->view.elevation = presets[i].elevation;
        camera_sanitise(c);
        return true;
    }
    return false;
}

void camera_set_fixed(struct camera *c, const double matrix[16], const struct camera_lens *lens)
{
    memcpy(c->fixed_matrix, matrix, sizeof(c->fixed_matrix));
    // A camera's scale is not part of its view.
    for (int row = 0; row < 3; row++) {
        double *v = c->fixed_matrix + 4 * row, n = sqrt(dot(v, v));
        for (int i = 0; i < 3 && n > 0; i++)
            v[i] /= n;
    }
    c->fixed                  = true;
    c->lens                   = *lens;
    c->lens.vertical_aperture = lens->horizontal_aperture * c->height / c->width;
}

void camera_leave_fixed(struct camera *c)
{
    if (!c->fixed)
        return;
    struct camera_basis b;
    camera_basis(c, &b);
    c->fixed = false;
    double to_target[3];
    for (int i = 0; i < 3; i++)
        to_target[i] = c->view.target[i] - b.eye[i];
    double ahead = dot(to_target, b.forward);
    if (ahead > CAMERA_MIN_DISTANCE)
        c->view.distance = ahead;
    const double *u   = up_vector(c->up), *a = zero_azimuth(c->up);
    double back[3]    = { -b.forward[0], -b.forward[1], -b.forward[2] };
    c->view.elevation = asin(fmin(fmax(dot(back, u), -1), 1));
    c->view.azimuth   = atan2(dot(back, quarter_turn), dot(back, a));
    camera_sanitise(c);
    struct camera_basis turned;
    camera_basis(c, &turned);
    for (int i = 0; i < 3; i++)
        c->view.target[i] = b.eye[i] + c->view.distance * turned.forward[i];
    camera_sanitise(c);
}
