// The viewer's camera: an orbit around a target, its lens, and the matrix written to the renderer.
// Angles in radians, lengths in stage units, matrices row-major for row vectors (translation in
// elements 12..14). One thread at a time.
#pragma once

#include <stdbool.h>

#define CAMERA_HORIZONTAL_APERTURE 20.955
#define CAMERA_FOCAL_LENGTH 18.15 // 60 degrees across
#define CAMERA_MIN_DISTANCE 0.01
#define CAMERA_MAX_ELEVATION (1.57079632679489661923 - 0.01)

enum camera_up { CAMERA_UP_Y, CAMERA_UP_Z };

struct camera_lens {
    double focal_length, horizontal_aperture, vertical_aperture;
    double clip_near, clip_far;
};

struct camera_view {
    double azimuth, elevation, distance, target[3];
};

struct camera {
    struct camera_view view;
    struct camera_view valid; // the last view that was finite, to fall back to
    enum camera_up up;
    struct camera_lens lens;
    int width, height;      // pixels of the picture
    bool fly;               // navigation mode
    double fly_speed;       // stage units per second
    bool fixed;             // a stage camera is shown: fixed_matrix counts, not view
    double fixed_matrix[16];
};

struct camera_basis {
    double eye[3], forward[3], right[3], up[3];
};

struct camera_bounds {
    double min[3], max[3];
    bool empty;
};

void camera_init(struct camera *c, int width, int height);
// Clamp elevation and distance, wrap azimuth, replace what is not finite by the last valid value.
void camera_sanitise(struct camera *c);
void camera_basis(const struct camera *c, struct camera_basis *out);
// Camera to world. False when a value is not finite; m is then unspecified.
bool camera_matrix(const struct camera *c, double m[16]);

// Gestures; dx, dy in pixels, x right, y down. Each leaves a stage camera from where it stands.
void camera_orbit(struct camera *c, double dx, double dy);
void camera_turn(struct camera *c, double d_azimuth, double d_elevation);
void camera_pan(struct camera *c, double dx, double dy);
void camera_dolly(struct camera *c, double dx, double dy);
void camera_wheel(struct camera *c, double notches); // positive = closer
void camera_fly_look(struct camera *c, double dx, double dy);
void camera_fly_move(struct camera *c, double right, double up, double forward, double seconds);
void camera_fly_faster(struct camera *c, double notches);

// Smaller of the horizontal and vertical field of view.
double camera_fov(const struct camera *c);
/**
 * Look at bounds from the current direction so that they fit into the picture.
 *
 * @param meters_per_unit Used for the distance when bounds are empty: 5 m.
 * @return false when bounds are empty or not finite (the view is then the origin from 5 m away).
 */
bool camera_fit(struct camera *c, const struct camera_bounds *bounds, double meters_per_unit);
// The direction of a first look, by the up axis and the shape of the bounds.
void camera_first_direction(struct camera *c, const struct camera_bounds *bounds);
// Named direction: front, back, left, right, top, bottom, three_quarter. False: unknown.
bool camera_preset(struct camera *c, const char *name);

// Show a stage camera. Its vertical aperture follows from the picture's shape.
void camera_set_fixed(struct camera *c, const double matrix[16], const struct camera_lens *lens);
// Turn a stage camera into an orbit that starts where it stands; nothing without one.
void camera_leave_fixed(struct camera *c);
// Back to the viewer's own lens.
void camera_default_lens(struct camera *c);
