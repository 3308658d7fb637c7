#include "display.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *prim;
} aovs[AOV_COUNT] = {
    [AOV_LDR] = { "LdrColor", "LdrColor" },
    [AOV_HDR] = { "HdrColor", "HdrColor" },
    [AOV_NORMAL] = { "NormalSD", "Normal" },
    [AOV_INSTANCE] = { "InstanceSegmentationSD", "InstanceSeg" },
    [AOV_SEMANTIC] = { "SemanticSegmentationSD", "SemanticSeg" },
    [AOV_DEPTH] = { "DepthSD", "Depth" },
    [AOV_ALBEDO] = { "DiffuseAlbedoSD", "Diffuse" },
};

const char *aov_name(enum aov aov) { return aov < AOV_COUNT ? aovs[aov].name : ""; }
const char *aov_prim_name(enum aov aov) { return aov < AOV_COUNT ? aovs[aov].prim : ""; }

enum aov aov_from_name(const char *name, size_t length)
{
    for (int i = 0; i < AOV_COUNT; i++)
        if (strlen(aovs[i].name) == length && !memcmp(aovs[i].name, name, length))
            return (enum aov)i;
    static const char other[] = AOV_SEMANTIC_OTHER;
    return length == sizeof(other) - 1 && !memcmp(other, name, length) ? AOV_SEMANTIC : AOV_COUNT;
}

void convert_forget(struct convert_state *state) { state->depth_is_distance = false; }

// An image whose pixels are read in rows of `channels` values.
struct image {
    const uint8_t *data;
    int channels, bits, code;
    size_t row_bytes, pixel_bytes;
};

static bool describe(struct image *im, const DLTensor *t, int width, int height)
{
    if (!t || !t->data || !t->shape || t->ndim < 2 || t->ndim > 3 || t->dtype.lanes != 1)
        return false;
    int64_t channels = t->ndim == 3 ? t->shape[2] : 1;
    if (t->shape[0] != height || t->shape[1] != width || (channels != 1 && channels != 3 && channels != 4))
        return false;
    size_t element = t->dtype.bits / 8u;
    if (element != 1 && element != 2 && element != 4)
        return false;
    int64_t row = t->strides ? t->strides[0] : channels * width, pixel = t->strides ? t->strides[1] : channels;
    if (row < channels || pixel < channels || (t->strides && t->ndim == 3 && channels > 1 && t->strides[2] != 1))
        return false;
    *im = (struct image) {
        .data = (const uint8_t *)t->data + t->byte_offset, .channels = (int)channels, .bits = t->dtype.bits,
        .code = t->dtype.code, .row_bytes = (size_t)row * element, .pixel_bytes = (size_t)pixel * element,
    };
    return true;
}

static inline uint32_t load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline float load_f32(const uint8_t *p)
{
    float v;
    memcpy(&v, p, 4);
    return v;
}

static inline void store_bgra(uint8_t *out, uint32_t r, uint32_t g, uint32_t b)
{
    uint32_t v = b | g << 8 | r << 16 | 0xff000000u;
    memcpy(out, &v, 4);
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31) {
        uint32_t bits = sign | 0x7f800000u | mantissa << 13;
        return load_f32((const uint8_t *)&bits);
    }
    float v = exponent ? ldexpf((float)(mantissa | 1024), (int)exponent - 25) : ldexpf((float)mantissa, -24);
    return sign ? -v : v;
}

// q of the contract: clamp to 0..1, scale to 255, round; NaN is 0.
static inline uint32_t quantise(float v)
{
    v = v > 0.0f ? v : 0.0f; // also NaN
    v = v < 1.0f ? v : 1.0f;
    return (uint32_t)(int32_t)(v * 255.0f + 0.5f);
}

static double srgb(double v) { return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055; }

// ---------------------------------------------------------------------------------------------------
// Copies

static void copy_rgb8(const struct image *im, uint8_t *out, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        if (im->pixel_bytes == 4 && im->channels == 4) {
            for (int x = 0; x < width; x++) { // red and blue change places; this loop becomes vector code
                uint32_t v = load_u32(row + 4 * (size_t)x);
                uint32_t w = (v & 0x0000ff00u) | (v >> 16 & 0xffu) | (v & 0xffu) << 16 | 0xff000000u;
                memcpy(to + 4 * (size_t)x, &w, 4);
            }
            continue;
        }
        for (int x = 0; x < width; x++) {
            const uint8_t *p = row + (size_t)x * im->pixel_bytes;
            store_bgra(to + 4 * (size_t)x, p[0], p[1], p[2]);
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// Linear colour

static double tone(double v, double scale, enum tone_mapping mapping)
{
    if (isnan(v))
        return 0;
    v = v > 0 ? v * scale : 0;
    if (mapping == TONE_REINHARD)
        return isinf(v) ? 1 : v / (1 + v);
    return v;
}

static uint8_t display(double c)
{
    c = c > 0 ? (c < 1 ? c : 1) : 0;
    return (uint8_t)(255 * srgb(c) + 0.5);
}

static void fill_half_table(uint8_t table[65536], double exposure, enum tone_mapping mapping)
{
    double scale = exp2(exposure);
    for (uint32_t i = 0; i < 65536; i++)
        table[i] = display(tone(half_to_float((uint16_t)i), scale, mapping));
}

static void prepare_linear(struct convert_state *s)
{
    if (s->tables_ready)
        return;
    for (int i = 0; i < 16384; i++)
        s->linear_table[i] = display(i / 16383.0);
    s->tables_ready = true;
}

static void color_half(const struct image *im, const uint8_t table[65536], uint8_t *out, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        for (int x = 0; x < width; x++) {
            uint16_t p[3];
            memcpy(p, row + (size_t)x * im->pixel_bytes, sizeof(p));
            store_bgra(to + 4 * (size_t)x, table[p[0]], table[p[1]], table[p[2]]);
        }
    }
}

static void color_float(const struct image *im, const struct convert_state *s, double exposure, enum tone_mapping mapping,
                        uint8_t *out, int width, int height)
{
    float scale = (float)exp2(exposure);
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        for (int x = 0; x < width; x++) {
            uint32_t rgb[3];
            for (int i = 0; i < 3; i++) {
                float v = load_f32(row + (size_t)x * im->pixel_bytes + 4 * (size_t)i) * scale;
                v       = v > 0.0f ? v : 0.0f; // also NaN
                if (mapping == TONE_REINHARD)
                    v = v < 1e30f ? v / (1.0f + v) : 1.0f;
                v      = v < 1.0f ? v : 1.0f;
                rgb[i] = s->linear_table[(int)(v * 16383.0f + 0.5f)];
            }
            store_bgra(to + 4 * (size_t)x, rgb[0], rgb[1], rgb[2]);
        }
    }
}

static bool color(struct convert_state *s, const struct image *im, double exposure, enum tone_mapping mapping, bool plain,
                  uint8_t *out, int width, int height)
{
    if (im->channels < 3)
        return false;
    if (im->bits == 16 && (im->code == kDLFloat || im->code == kDLUInt)) {
        if (plain) {
            if (!s->plain_ready)
                fill_half_table(s->half_plain, 0, TONE_NONE);
            s->plain_ready = true;
        } else if (!s->half_ready || s->table_exposure != exposure || s->table_tone != mapping) {
            fill_half_table(s->half_table, exposure, mapping);
            s->half_ready     = true;
            s->table_exposure = exposure;
            s->table_tone     = mapping;
        }
        color_half(im, plain ? s->half_plain : s->half_table, out, width, height);
        return true;
    }
    if (im->bits == 32 && im->code == kDLFloat) {
        prepare_linear(s);
        color_float(im, s, exposure, mapping, out, width, height);
        return true;
    }
    return false;
}

// ---------------------------------------------------------------------------------------------------
// Normals, depth, ids

static inline uint32_t normal_value(float n) { return n == n ? quantise(n * 0.5f + 0.5f) : 128; }

static bool normals(const struct image *im, uint8_t *out, int width, int height)
{
    if (im->channels < 3 || (im->bits != 32 && !(im->bits == 16 && im->code == kDLFloat)) || im->code == kDLInt)
        return false;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        for (int x = 0; x < width; x++) {
            const uint8_t *p = row + (size_t)x * im->pixel_bytes;
            float n[3];
            if (im->bits == 32) {
                memcpy(n, p, sizeof(n));
            } else {
                uint16_t h[3];
                memcpy(h, p, sizeof(h));
                for (int i = 0; i < 3; i++)
                    n[i] = half_to_float(h[i]);
            }
            store_bgra(to + 4 * (size_t)x, normal_value(n[0]), normal_value(n[1]), normal_value(n[2]));
        }
    }
    return true;
}

static inline float depth_at(const struct image *im, const uint8_t *row, int x)
{
    const uint8_t *p = row + (size_t)x * im->pixel_bytes;
    if (im->bits == 32)
        return load_f32(p);
    uint16_t h;
    memcpy(&h, p, 2);
    return half_to_float(h);
}

static inline bool depth_valid(float z, float far) { return z > 0.0f && z < far && z <= 3.4e38f; }

// The distance that a reversed, normalised perspective depth (1 near, 0 far) stands for.
static inline float distance_of(float z, float near, float far) { return near * far / (near + z * (far - near)); }

static bool depth(struct convert_state *s, const struct image *im, const struct convert_settings *set, uint8_t *out,
                  int width, int height)
{
    if (im->channels != 1 || im->code == kDLInt || (im->bits != 32 && !(im->bits == 16 && im->code == kDLFloat)))
        return false;
    float far = (float)set->clip_far, least = INFINITY, most = 0;
    bool want_range = set->depth == DEPTH_MINMAX || !s->depth_is_distance;
    for (int y = 0; want_range && y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        for (int x = 0; x < width; x++) {
            float z = depth_at(im, row, x);
            if (!depth_valid(z, far))
                continue;
            least = z < least ? z : least;
            most  = z > most ? z : most;
        }
    }
    s->depth_is_distance |= want_range && most > 1.0f; // else: 1 at the near plane, 0 at the far one
    // Normalised values become distances where the clipping range is known (docs/decisions/0004).
    float near   = (float)set->clip_near;
    bool restore = !s->depth_is_distance && near > 0 && near < far;
    if (restore) {
        float nearest = distance_of(most, near, far);
        most          = distance_of(least, near, far);
        least         = nearest;
    }
    float z0 = fmaxf((float)set->camera_distance, 0.001f), range = most - least;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        for (int x = 0; x < width; x++) {
            float z = depth_at(im, row, x), g = z;
            bool valid = depth_valid(z, far);
            if (restore && valid)
                z = distance_of(z, near, far);
            if (s->depth_is_distance || restore)
                g = set->depth == DEPTH_INVERSE ? 1.0f / (1.0f + z / z0) : range > 0 ? (most - z) / range : 1.0f;
            uint32_t v = valid ? quantise(g) : 0;
            store_bgra(to + 4 * (size_t)x, v, v, v);
        }
    }
    return true;
}

static bool ids(const struct image *im, uint8_t *out, int width, int height)
{
    if (im->channels != 1 || im->bits != 32 || (im->code != kDLUInt && im->code != kDLInt))
        return false;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = im->data + (size_t)y * im->row_bytes;
        uint8_t *to        = out + (size_t)y * (size_t)width * 4;
        for (int x = 0; x < width; x++) {
            uint32_t id = load_u32(row + (size_t)x * im->pixel_bytes);
            uint32_t h  = id * 0x9E3779B1u;
            h ^= h >> 16;
            h *= 0x85EBCA6Bu;
            h ^= h >> 13;
            uint32_t r = 64 + (h & 255) * 191 / 255, g = 64 + (h >> 8 & 255) * 191 / 255, b = 64 + (h >> 16 & 255) * 191 / 255;
            uint32_t mask = id ? 0xffffffffu : 0;
            store_bgra(to + 4 * (size_t)x, r & mask, g & mask, b & mask);
        }
    }
    return true;
}

bool convert_image(struct convert_state *state, enum aov aov, const DLTensor *tensor,
                   const struct convert_settings *settings, uint8_t *out, int width, int height)
{
    struct image im;
    if (!describe(&im, tensor, width, height))
        return false;
    bool rgb8 = im.bits == 8 && im.code == kDLUInt && im.channels >= 3;
    switch (aov) {
    case AOV_LDR:
        if (rgb8)
            copy_rgb8(&im, out, width, height);
        return rgb8;
    case AOV_HDR:
        return color(state, &im, settings->exposure, settings->tone, false, out, width, height);
    case AOV_ALBEDO:
        if (!rgb8)
            return color(state, &im, 0, TONE_NONE, true, out, width, height);
        copy_rgb8(&im, out, width, height);
        return true;
    case AOV_NORMAL:
        return normals(&im, out, width, height);
    case AOV_DEPTH:
        return depth(state, &im, settings, out, width, height);
    case AOV_INSTANCE:
    case AOV_SEMANTIC:
        return ids(&im, out, width, height);
    default:
        return false;
    }
}
