// Lights on the GPU, read by C and by GLSL. Filled by light.c from UsdLux values.
#ifndef SHARED_LIGHTS_H
#define SHARED_LIGHTS_H

#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

// Types as in enum render_light_type, then the delta ones.
#define LIGHT_DISTANT 0u
#define LIGHT_DOME 1u
#define LIGHT_SPHERE 2u
#define LIGHT_RECT 3u
#define LIGHT_DISK 4u
#define LIGHT_CYLINDER 5u
#define LIGHT_POINT 6u       // a sphere treated as a point; radiance is then radiant intensity (per steradian)
#define LIGHT_DIRECTION 7u   // a distant light of angle 0; radiance is then irradiance

#define LIGHT_SHAPED 1u   // cone or focus
#define LIGHT_VISIBLE 2u  // rays can hit it
#define LIGHT_TEXTURED 4u // rect: texture is an entry of the texture table; dome: dome_layer exists

struct SceneLight {
    uint type;
    uint flags;
    uint texture;
    float select; // probability that a light sample takes this light
    vec3 position;    // centre, world
    float radius;     // sphere, cylinder, world
    // Rect: half width and half height; disk: two radii; cylinder: half length and any normal of it, all
    // world vectors. Dome and distant: the light's x and y axes in world space, unit.
    vec3 axis_x;
    float area; // world surface
    vec3 axis_y;
    float cos_angle; // distant: cosine of half the angle
    vec3 axis_z; // unit: the light's +Z in world space. It emits along -axis_z.
    float cone_angle; // radians from the axis, with LIGHT_SHAPED
    vec3 radiance; // of an untextured, unshaped spot; see the delta types above
    float cone_softness;
    float focus;
    float diffuse, specular; // factors on what the light adds through each kind of reflection
    uint dome_layer;         // of SCENE_BIND_DOME
    // Choice by power: a uniform number r times light_count picks slot i; its fraction below alias_keep
    // keeps i, else takes alias (Walker 1977).
    uint alias;
    float alias_keep;
    uint table; // dome: importance table, uints from the start of SCENE_BIND_ENVIRONMENT, SCENE_NONE = uniform
    uint table_size; // width in the low 16 bits, height in the high 16
};

// An importance table holds for each texel (row by row, top row first): the alias texel (uint), and the
// chance to keep the own one (float as bits), and the probability density over solid angle at its centre
// times sin(latitude from the pole) (float as bits): divide by the sine at the direction.
#define LIGHT_TABLE_WORDS 3

#ifdef __STDC_VERSION__
static_assert(sizeof(struct SceneLight) == 128, "scalar layout");
#endif
#endif
