#include "light.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "light_dome.h"
#include "log.h"
#include "texture.h"
#include "work.h"

#define DOME_WIDTH_CPU 2048u // texels of a dome map's layer at most
#define DOME_WIDTH_GPU 4096u
#define MAX_LIGHTS (1u << 16)
#define MAX_DOME_MAPS 64u

// A dome map in the making, shared with a worker.
struct dome_job {
    atomic_uint refs;
    atomic_int done; // 1 = map is there, -1 = failed
    struct image own; // a copy of the texture's picture, so that the texture may go
    bool srgb;
    uint32_t max_width;
    struct dome_map map;
};

struct light {
    bool live;
    struct render_light_desc desc;
    struct dome_job *dome; // of a textured dome, once its texture is decoded
    bool taken;            // the job's result has been noticed
    bool failed;
};

struct scene_lights {
    struct { ARRAY_OF(struct light); } items; // index = render_id; 0 unused
    struct { ARRAY_OF(render_id); } free;
    struct { ARRAY_OF(struct SceneLight); } gpu; // as uploaded: area, distant, dome, delta
    struct { ARRAY_OF(uint32_t); } environment;  // SceneEnvironment, then tables
    struct work_queue *work;
    struct gpu_buffer lights, tables;
    struct gpu_image domes;
    bool dirty, domes_dirty;
};

int scene_lights_create(struct render_scene *s, struct scene_lights **out)
{
    struct scene_lights *l = calloc(1, sizeof(*l));
    if (!l || !array_push(&l->items, (struct light) { 0 })) {
        free(l);
        return RENDER_ERR_NOMEM;
    }
    l->dirty = true;
    *out     = l;
    return RENDER_OK;
}

static void dome_release(struct dome_job *job)
{
    if (!job || atomic_fetch_sub(&job->refs, 1) != 1)
        return;
    dome_map_free(&job->map);
    image_free(&job->own);
    free(job);
}

static void dome_run(void *user, bool cancelled)
{
    struct dome_job *job = user;
    if (!cancelled)
        atomic_store(&job->done, dome_map_build(&job->own, job->srgb, job->max_width, &job->map) ? 1 : -1);
    image_free(&job->own);
    dome_release(job);
}

static struct dome_job *dome_start(struct scene_lights *l, const struct image *image, bool cpu)
{
    struct dome_job *job = calloc(1, sizeof(*job));
    if (!l->work)
        l->work = work_queue_create(1, "domes");
    char error[64];
    if (!job || !l->work || !image_alloc(&job->own, image->width, image->height, image->format, error, sizeof(error))) {
        free(job);
        return NULL;
    }
    memcpy(job->own.pixels, image->pixels, (size_t)image->width * image->height * image_pixel_size(image->format));
    atomic_init(&job->refs, 2);
    job->srgb      = image->format == IMAGE_RGBA8;
    job->max_width = cpu ? DOME_WIDTH_CPU : DOME_WIDTH_GPU;
    if (!work_queue_push(l->work, dome_run, job)) {
        dome_release(job);
        dome_release(job);
        return NULL;
    }
    return job;
}

static void light_finish(struct render_scene *s, struct light *light)
{
    if (light->live && light->desc.texture)
        scene_texture_keep(s, light->desc.texture, false);
    dome_release(light->dome);
    *light = (struct light) { 0 };
}

void scene_lights_destroy(struct render_scene *s, struct scene_lights **lights)
{
    struct scene_lights *l = *lights;
    if (!l)
        return;
    work_queue_destroy(&l->work);
    for (size_t i = 0; i < l->items.count; i++)
        dome_release(l->items.items[i].dome);
    gpu_buffer_retire(s->gpu, &l->lights);
    gpu_buffer_retire(s->gpu, &l->tables);
    gpu_image_retire(s->gpu, &l->domes);
    array_free(&l->items);
    array_free(&l->free);
    array_free(&l->gpu);
    array_free(&l->environment);
    free(l);
    *lights = NULL;
}

void scene_lights_clear(struct render_scene *s)
{
    struct scene_lights *l = s->lights;
    for (size_t i = 1; i < l->items.count; i++)
        dome_release(l->items.items[i].dome);
    l->items.count = 1;
    array_clear(&l->free);
    l->dirty = l->domes_dirty = true;
}

static void light_set(struct render_scene *s, struct light *light, const struct render_light_desc *desc)
{
    bool same = light->live && light->desc.texture == desc->texture && light->desc.type == desc->type;
    if (!same)
        light_finish(s, light);
    light->live = true;
    light->desc = *desc;
    if (desc->type == RENDER_LIGHT_DOME && desc->texture)
        scene_texture_keep(s, desc->texture, true);
    s->lights->dirty = true;
    s->lights->domes_dirty |= desc->type == RENDER_LIGHT_DOME;
    s->versions.lights++;
}

int render_light_create(struct render_scene *s, const struct render_light_desc *desc, render_id *out)
{
    struct scene_lights *l = s->lights;
    *out                   = 0;
    if (l->free.count == 0 && l->items.count >= MAX_LIGHTS)
        return RENDER_ERR_LIMIT;
    render_id id = l->free.count ? l->free.items[--l->free.count] : (render_id)l->items.count;
    if (id == l->items.count && !array_push(&l->items, (struct light) { 0 }))
        return RENDER_ERR_NOMEM;
    light_set(s, &l->items.items[id], desc);
    *out = id;
    return RENDER_OK;
}

static struct light *find(struct render_scene *s, render_id id)
{
    struct scene_lights *l = s->lights;
    return id != 0 && id < l->items.count && l->items.items[id].live ? &l->items.items[id] : NULL;
}

int render_light_update(struct render_scene *s, render_id light, const struct render_light_desc *desc)
{
    struct light *l = find(s, light);
    if (!l)
        return RENDER_ERR_INVALID;
    light_set(s, l, desc);
    return RENDER_OK;
}

void render_light_destroy(struct render_scene *s, render_id light)
{
    struct light *l = find(s, light);
    if (!l)
        return;
    s->lights->domes_dirty |= l->desc.type == RENDER_LIGHT_DOME;
    light_finish(s, l);
    (void)!array_push(&s->lights->free, light);
    s->lights->dirty = true;
    s->versions.lights++;
}

uint32_t scene_lights_count(const struct render_scene *s) { return (uint32_t)s->lights->gpu.count; }

const struct SceneLight *scene_lights_array(const struct render_scene *s)
{
    return s->lights->gpu.items;
}

const struct SceneEnvironment *scene_environment(const struct render_scene *s)
{
    return s->lights->environment.count ? (const struct SceneEnvironment *)s->lights->environment.items : NULL;
}

// ---------------------------------------------------------------------------------------------
// Upload

// Starts and takes over dome maps. true when one arrived.
static bool poll_domes(struct render_scene *s)
{
    bool arrived = false;
    for (size_t i = 1; i < s->lights->items.count; i++) {
        struct light *l = &s->lights->items.items[i];
        if (!l->live || l->desc.type != RENDER_LIGHT_DOME || !l->desc.texture)
            continue;
        if (!l->dome && !l->failed) {
            const struct image *image = scene_texture_image(s, l->desc.texture);
            if (image)
                l->dome = dome_start(s->lights, image, s->gpu->cpu);
            l->failed = image ? !l->dome : scene_texture_failed(s, l->desc.texture);
            arrived |= l->failed;
        } else if (l->dome && !l->taken && atomic_load(&l->dome->done)) {
            l->failed = atomic_load(&l->dome->done) < 0;
            l->taken  = true;
            arrived   = true;
        }
    }
    return arrived;
}

static bool dome_there(const struct light *l) { return l->dome && atomic_load(&l->dome->done) > 0; }

// Radius of the sphere around the instances, for weighing lights against each other.
static float scene_radius(const struct render_scene *s, vec3 *center)
{
    float lo[3] = { INFINITY, INFINITY, INFINITY }, hi[3] = { -INFINITY, -INFINITY, -INFINITY };
    for (size_t i = 0; i < s->instances.count; i++) {
        const struct scene_instance *inst = &s->instances.items[i];
        if (!inst->live || !(inst->gpu.flags & INSTANCE_VISIBLE) || inst->mesh >= s->meshes.count)
            continue;
        const struct SceneMesh *m = &s->meshes.items[inst->mesh].gpu;
        vec3 mid = { (m->bounds_min.x + m->bounds_max.x) / 2, (m->bounds_min.y + m->bounds_max.y) / 2,
                     (m->bounds_min.z + m->bounds_max.z) / 2 };
        for (int a = 0; a < 3; a++) {
            vec4 row = inst->gpu.to_world[a];
            float c  = row.x * mid.x + row.y * mid.y + row.z * mid.z + row.w;
            float r  = fabsf(row.x) * (m->bounds_max.x - mid.x) + fabsf(row.y) * (m->bounds_max.y - mid.y) +
                      fabsf(row.z) * (m->bounds_max.z - mid.z);
            lo[a] = fminf(lo[a], c - r);
            hi[a] = fmaxf(hi[a], c + r);
        }
    }
    *center = (vec3) { 0, 0, 0 };
    if (!(lo[0] <= hi[0]))
        return 1;
    *center = (vec3) { (lo[0] + hi[0]) / 2, (lo[1] + hi[1]) / 2, (lo[2] + hi[2]) / 2 };
    float x = hi[0] - lo[0], y = hi[1] - lo[1], z = hi[2] - lo[2];
    return fmaxf(0.5f * sqrtf(x * x + y * y + z * z), 1e-6f);
}

// Irradiance that a light may bring somewhere in the scene, roughly.
static float light_weight(const struct SceneLight *l, vec3 center, float radius)
{
    float lum = 0.2126f * l->radiance.x + 0.7152f * l->radiance.y + 0.0722f * l->radiance.z;
    float x = l->position.x - center.x, y = l->position.y - center.y, z = l->position.z - center.z;
    float d2 = fmaxf(x * x + y * y + z * z, 0.25f * radius * radius);
    switch (l->type) {
    case LIGHT_DISTANT: return lum * 6.2831853f * (1 - l->cos_angle);
    case LIGHT_DIRECTION: return lum;
    case LIGHT_DOME: return lum * 3.14159265f;
    case LIGHT_POINT: return lum / d2;
    default: return lum * fminf(l->area / d2, 3.14159265f);
    }
}

static int group_of(const struct SceneLight *l)
{
    return l->type == LIGHT_DISTANT ? 1 : l->type == LIGHT_DOME ? 2 : l->flags & LIGHT_VISIBLE ? 0 : 3;
}

// Expects in `select` the mean brightness of the light's picture.
static bool set_choice(struct scene_lights *l, vec3 center, float radius)
{
    uint32_t count  = (uint32_t)l->gpu.count;
    float *weights  = calloc((size_t)count * 2 + 1, sizeof(*weights)), *keep = weights + count;
    uint32_t *alias = calloc((size_t)count + 1, sizeof(*alias));
    double total    = 0;
    for (uint32_t i = 0; weights && i < count; i++)
        total += weights[i] = l->gpu.items[i].select * light_weight(&l->gpu.items[i], center, radius);
    // A part goes evenly to all that shine, since the weights do not know what is near to what.
    uint32_t shining = 0;
    for (uint32_t i = 0; weights && i < count; i++)
        shining += weights[i] > 0;
    for (uint32_t i = 0; weights && i < count; i++)
        weights[i] = weights[i] > 0 ? (float)(0.7 * weights[i] / total + 0.3 / shining) : 0;
    bool ok = weights && alias && (shining == 0 || alias_table_build(weights, count, keep, alias));
    for (uint32_t i = 0; ok && i < count; i++) {
        l->gpu.items[i].select     = weights[i];
        l->gpu.items[i].alias      = shining ? alias[i] : i;
        l->gpu.items[i].alias_keep = shining ? keep[i] : 1;
    }
    free(weights);
    free(alias);
    return ok;
}

static void scale_radiance(struct SceneLight *g, const float by[3])
{
    g->radiance = (vec3) { g->radiance.x * by[0], g->radiance.y * by[1], g->radiance.z * by[2] };
}

// Adds a dome's low frequencies, turned to world space, scaled by its colour.
static void add_sh(struct SceneEnvironment *env, const struct SceneLight *g, const struct dome_map *map)
{
    // Sampled back from the dome's own harmonics over directions: exact for these nine (they rotate among
    // themselves), with 8 x 16 directions of a product quadrature.
    for (int iy = 0; iy < 8; iy++) {
        for (int ix = 0; ix < 16; ix++) {
            // Gauss-Legendre nodes and weights of order 8.
            static const float node[4] = { 0.1834346f, 0.5255324f, 0.7966665f, 0.9602899f };
            static const float gauss[4] = { 0.3626838f, 0.3137066f, 0.2223810f, 0.1012285f };
            float h = iy < 4 ? node[iy] : -node[iy - 4], weight = gauss[iy % 4] * 6.2831853f / 16;
            float r = sqrtf(1 - h * h), angle = 6.2831853f * (float)ix / 16;
            float local[3] = { r * cosf(angle), h, r * sinf(angle) }, basis[9], turned[9];
            float world[3] = { g->axis_x.x * local[0] + g->axis_y.x * local[1] + g->axis_z.x * local[2],
                               g->axis_x.y * local[0] + g->axis_y.y * local[1] + g->axis_z.y * local[2],
                               g->axis_x.z * local[0] + g->axis_y.z * local[1] + g->axis_z.z * local[2] };
            dome_sh_basis(local, basis);
            dome_sh_basis(world, turned);
            float value[3] = { 0 };
            for (int i = 0; i < 9; i++)
                for (int k = 0; k < 3; k++)
                    value[k] += map->sh[i][k] * basis[i];
            for (int i = 0; i < 9; i++) {
                env->sh[i].x += g->radiance.x * value[0] * turned[i] * weight;
                env->sh[i].y += g->radiance.y * value[1] * turned[i] * weight;
                env->sh[i].z += g->radiance.z * value[2] * turned[i] * weight;
            }
        }
    }
}

static void add_dome(struct SceneEnvironment *env, struct SceneLight *g, const struct light *l)
{
    float average[3] = { 1, 1, 1 };
    if (dome_there(l)) {
        memcpy(average, l->dome->map.average, sizeof(average));
        g->select = 0.2126f * average[0] + 0.7152f * average[1] + 0.0722f * average[2];
        add_sh(env, g, &l->dome->map);
    } else {
        static const float grey[3] = { 0.5f, 0.5f, 0.5f };
        if (l->desc.texture && !l->failed)
            scale_radiance(g, grey); // until the picture is there
        env->sh[0].x += g->radiance.x * 3.5449077f; // 2 sqrt(pi)
        env->sh[0].y += g->radiance.y * 3.5449077f;
        env->sh[0].z += g->radiance.z * 3.5449077f;
    }
    env->average.x += g->radiance.x * average[0];
    env->average.y += g->radiance.y * average[1];
    env->average.z += g->radiance.z * average[2];
}

// The layers' common size: the largest map's.
static void dome_extent(const struct scene_lights *l, uint32_t *w, uint32_t *h, uint32_t *layers)
{
    *w = *h = *layers = 0;
    for (size_t i = 1; i < l->items.count; i++) {
        const struct light *x = &l->items.items[i];
        if (!x->live || !x->desc.visible || !dome_there(x) || *layers == MAX_DOME_MAPS)
            continue;
        *w = x->dome->map.width > *w ? x->dome->map.width : *w;
        *h = x->dome->map.height > *h ? x->dome->map.height : *h;
        ++*layers;
    }
}

// One layer; smaller maps are enlarged bilinearly, around in longitude.
static int upload_layer(struct render_scene *s, const struct dome_map *map, uint32_t layer)
{
    struct gpu_image *to = &s->lights->domes;
    uint16_t *band       = malloc((size_t)to->width * 8 * 16);
    int rc               = band ? GPU_OK : GPU_ERR_NOMEM;
    for (uint32_t y0 = 0; rc >= 0 && y0 < to->height; y0 += 16) {
        uint32_t rows = to->height - y0 < 16 ? to->height - y0 : 16;
        for (uint32_t y = 0; y < rows; y++) {
            uint16_t *out = band + (size_t)y * to->width * 4;
            if (map->width == to->width && map->height == to->height) {
                memcpy(out, map->pixels + (size_t)(y0 + y) * map->width * 4, (size_t)map->width * 8);
                continue;
            }
            float fy     = fmaxf(((float)(y0 + y) + 0.5f) * (float)map->height / (float)to->height - 0.5f, 0);
            uint32_t ya  = (uint32_t)fy, yb = ya + 1 < map->height ? ya + 1 : ya;
            for (uint32_t x = 0; x < to->width; x++) {
                float fx    = ((float)x + 0.5f) * (float)map->width / (float)to->width - 0.5f + (float)map->width;
                uint32_t xa = (uint32_t)fx % map->width, xb = (xa + 1) % map->width;
                float tx = fx - floorf(fx), ty = fy - floorf(fy);
                for (int k = 0; k < 4; k++) {
                    float a = image_unhalf(map->pixels[4 * ((size_t)ya * map->width + xa) + k]);
                    float b = image_unhalf(map->pixels[4 * ((size_t)ya * map->width + xb) + k]);
                    float c = image_unhalf(map->pixels[4 * ((size_t)yb * map->width + xa) + k]);
                    float d = image_unhalf(map->pixels[4 * ((size_t)yb * map->width + xb) + k]);
                    out[4 * x + k] = image_half((a + (b - a) * tx) * (1 - ty) + (c + (d - c) * tx) * ty);
                }
            }
        }
        rc = gpu_upload_image(s->gpu, to, layer, 0, 0, y0, to->width, rows, band, (size_t)to->width * rows * 8);
    }
    free(band);
    return rc;
}

static int upload_domes(struct render_scene *s)
{
    struct scene_lights *l = s->lights;
    uint32_t w, h, layers;
    dome_extent(l, &w, &h, &layers);
    if (layers == 0)
        return RENDER_OK;
    if (l->domes.width != w || l->domes.height != h || l->domes.layers < layers) {
        gpu_image_retire(s->gpu, &l->domes);
        int rc = gpu_image_create(s->gpu, &l->domes, &(struct gpu_image_desc) {
            .format = VK_FORMAT_R16G16B16A16_SFLOAT,
            .width  = w,
            .height = h,
            .layers = layers,
            .usage  = VK_IMAGE_USAGE_SAMPLED_BIT,
            .array  = true,
            .name   = "dome maps",
        });
        if (rc < 0)
            return rc;
        render_scene_bind_image(s, SCENE_BIND_DOME, &l->domes, s->gpu->linear_repeat);
    }
    uint32_t layer = 0;
    for (size_t i = 1; i < l->items.count && layer < layers; i++) {
        const struct light *x = &l->items.items[i];
        if (!x->live || !x->desc.visible || !dome_there(x))
            continue;
        int rc = upload_layer(s, &x->dome->map, layer++);
        if (rc < 0)
            return rc;
    }
    return RENDER_OK;
}

// Fills gpu in groups (area, distant, dome, delta) and the environment with its tables.
static bool gather(struct render_scene *s)
{
    struct scene_lights *l      = s->lights;
    struct SceneEnvironment env = { 0 };
    vec3 center;
    float radius      = scene_radius(s, &center);
    uint32_t layer    = 0, ends[4] = { 0 };
    size_t head       = sizeof(env) / sizeof(uint32_t);
    array_clear(&l->gpu);
    array_clear(&l->environment);
    if (!array_reserve(&l->environment, head))
        return false;
    l->environment.count = head;
    env.table_offset     = (uint32_t)head;
    for (int group = 0; group < 4; group++) {
        for (size_t i = 1; i < l->items.count; i++) {
            const struct light *x = &l->items.items[i];
            struct SceneLight g;
            if (!x->live || !x->desc.visible)
                continue;
            light_describe(&x->desc, &g);
            g.select = 1;
            if (group_of(&g) != group)
                continue;
            if (g.type == LIGHT_RECT && x->desc.texture) {
                g.flags |= LIGHT_TEXTURED;
                g.texture = x->desc.texture;
            }
            if (g.type == LIGHT_DOME) {
                add_dome(&env, &g, x);
                const struct dome_map *map = dome_there(x) && layer < MAX_DOME_MAPS ? &x->dome->map : NULL;
                if (map) {
                    g.flags |= LIGHT_TEXTURED;
                    g.dome_layer = layer++;
                }
                if (map && map->table) {
                    g.table      = (uint32_t)l->environment.count;
                    g.table_size = map->table_width | map->table_height << 16;
                    size_t words = (size_t)map->table_width * map->table_height * LIGHT_TABLE_WORDS;
                    if (!array_append(&l->environment, map->table, words))
                        return false;
                }
            }
            if (!array_push(&l->gpu, g))
                return false;
        }
        ends[group] = (uint32_t)l->gpu.count;
    }
    env.reserved[0] = ends[0];
    env.reserved[1] = ends[1];
    env.dome_count  = ends[2] - ends[1];
    memcpy(l->environment.items, &env, sizeof(env));
    return set_choice(l, center, radius);
}

// `part`: bytes at the start that changed, unless the buffer is made anew.
static int upload_buffer(struct render_scene *s, struct gpu_buffer *buffer, uint32_t binding, const void *data,
                         size_t size, size_t part, const char *name)
{
    bool grown = false;
    int rc     = render_scene_reserve(s, buffer, size ? size : 16, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, name, &grown);
    if (rc < 0)
        return rc;
    if (grown)
        render_scene_bind_buffer(s, binding, buffer);
    return size ? gpu_upload(s->gpu, buffer, 0, data, grown ? size : part) : GPU_OK;
}

int scene_lights_update(struct render_scene *s, VkCommandBuffer cmd)
{
    struct scene_lights *l = s->lights;
    if (poll_domes(s)) {
        l->dirty = l->domes_dirty = true;
        s->versions.lights++;
    }
    if (!l->dirty)
        return RENDER_OK;
    if (!gather(s))
        return RENDER_ERR_NOMEM;
    gpu_barrier_transfer(cmd); // earlier frames may still read what is overwritten
    int rc = l->domes_dirty ? upload_domes(s) : RENDER_OK;
    if (rc >= 0)
        rc = upload_buffer(s, &l->lights, SCENE_BIND_LIGHTS, l->gpu.items, l->gpu.count * sizeof(struct SceneLight),
                           l->gpu.count * sizeof(struct SceneLight), "lights");
    size_t size = l->environment.count * sizeof(uint32_t);
    if (rc >= 0) // the tables follow the domes only
        rc = upload_buffer(s, &l->tables, SCENE_BIND_ENVIRONMENT, l->environment.items, size,
                           l->domes_dirty ? size : sizeof(struct SceneEnvironment), "environment");
    l->dirty = l->domes_dirty = rc < 0;
    return rc;
}

uint32_t scene_lights_pending(const struct render_scene *s)
{
    uint32_t count = 0;
    for (size_t i = 1; i < s->lights->items.count; i++) {
        const struct light *l = &s->lights->items.items[i];
        count += l->live && l->desc.type == RENDER_LIGHT_DOME && l->desc.texture && !l->failed && !l->taken;
    }
    return count;
}
