#include "texture.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "texture_pages.h"
#include "texture_picture.h"
#include "shared/texture.h"
#include "work.h"

// Bytes uploaded per update, so that a frame is not held up by a large scene's textures.
#define UPLOAD_BUDGET ((size_t)32 << 20)
#define MAX_SIDE_CPU 4096u // on a software device memory and time are short
#define MAX_SIDE_GPU 16384u
#define MAX_TEXTURES (1u << 20)

struct texture {
    bool live, keep, paged, warned;
    struct picture *picture;
    uint32_t width, height, level_count;
    bool is_float, srgb;
    uint32_t level_first[PICTURE_MAX_LEVELS]; // into places
    struct { ARRAY_OF(uint32_t); } places;
};

struct scene_textures {
    struct { ARRAY_OF(struct texture); } items; // index = render_id; 0 is the checker
    struct { ARRAY_OF(render_id); } free;
    struct work_queue *work;
    struct page_pool unorm, flt;
    struct { ARRAY_OF(uint32_t); } words; // the table as uploaded
    struct gpu_buffer table;
    bool table_dirty;
};

static void run_decode(void *user, bool cancelled)
{
    struct picture *p = user;
    if (cancelled)
        atomic_store(&p->state, PICTURE_IDLE);
    else
        picture_decode(p);
    picture_release(p);
}

static bool start_decode(struct scene_textures *t, struct picture *p)
{
    if (!t->work)
        t->work = work_queue_create(0, "textures");
    if (!t->work)
        return false;
    atomic_store(&p->state, PICTURE_BUSY);
    picture_retain(p);
    if (work_queue_push(t->work, run_decode, p))
        return true;
    atomic_store(&p->state, PICTURE_IDLE);
    picture_release(p);
    return false;
}

// The picture of entry 0: 8x8 squares of magenta and grey.
static struct picture *checker_create(void)
{
    struct picture *p = picture_create(&(struct render_texture_desc) { .name = "checker" }, 64);
    char error[64];
    if (!p || !image_alloc(&p->levels[0], 64, 64, IMAGE_RGBA8, error, sizeof(error))) {
        picture_release(p);
        return NULL;
    }
    uint8_t *pixels = p->levels[0].pixels;
    for (int i = 0; i < 64 * 64; i++) {
        bool odd        = ((i % 64) / 8 + (i / 64) / 8) & 1;
        pixels[4 * i]   = odd ? 255 : 90;
        pixels[4 * i + 1] = odd ? 0 : 90;
        pixels[4 * i + 2] = odd ? 255 : 90;
        pixels[4 * i + 3] = 255;
    }
    p->level_count = 1;
    p->srgb        = true;
    atomic_store(&p->state, PICTURE_DONE);
    return p;
}

int scene_textures_create(struct render_scene *s, struct scene_textures **out)
{
    struct scene_textures *t = calloc(1, sizeof(*t));
    if (!t)
        return RENDER_ERR_NOMEM;
    page_pool_init(&t->unorm, s->gpu, VK_FORMAT_R8G8B8A8_UNORM);
    page_pool_init(&t->flt, s->gpu, VK_FORMAT_R16G16B16A16_SFLOAT);
    struct texture checker = { .live = true, .picture = checker_create() };
    if (!checker.picture || !array_push(&t->items, checker)) {
        picture_release(checker.picture);
        free(t);
        return RENDER_ERR_NOMEM;
    }
    t->table_dirty = true;
    *out           = t;
    return RENDER_OK;
}

static struct page_pool *pool_of(struct scene_textures *t, const struct texture *x)
{
    return x->is_float ? &t->flt : &t->unorm;
}

static uint32_t tiles_along(uint32_t texels) { return (texels + TEXTURE_TILE - 1) / TEXTURE_TILE; }

// Side of the square that tile (x, y) of a level takes, border included.
static uint32_t tile_side(uint32_t width, uint32_t height, uint32_t x, uint32_t y)
{
    uint32_t w = width - x * TEXTURE_TILE, h = height - y * TEXTURE_TILE;
    w = w > TEXTURE_TILE ? TEXTURE_TILE : w;
    h = h > TEXTURE_TILE ? TEXTURE_TILE : h;
    return (w > h ? w : h) + 2;
}

static void give_pages(struct scene_textures *t, struct texture *x)
{
    size_t i = 0;
    for (uint32_t level = 0; level < x->level_count; level++) {
        uint32_t w = x->width >> level ? x->width >> level : 1, h = x->height >> level ? x->height >> level : 1;
        for (uint32_t ty = 0; ty < tiles_along(h); ty++)
            for (uint32_t tx = 0; tx < tiles_along(w) && i < x->places.count; tx++, i++)
                page_pool_give(pool_of(t, x), tile_side(w, h, tx, ty), x->places.items[i]);
    }
    array_free(&x->places);
    x->paged = false;
}

static void texture_finish(struct scene_textures *t, struct texture *x)
{
    give_pages(t, x);
    picture_release(x->picture);
    *x = (struct texture) { 0 };
}

void scene_textures_destroy(struct render_scene *s, struct scene_textures **textures)
{
    struct scene_textures *t = *textures;
    if (!t)
        return;
    work_queue_destroy(&t->work);
    for (size_t i = 0; i < t->items.count; i++)
        texture_finish(t, &t->items.items[i]);
    page_pool_finish(s->gpu, &t->unorm);
    page_pool_finish(s->gpu, &t->flt);
    gpu_buffer_retire(s->gpu, &t->table);
    array_free(&t->items);
    array_free(&t->free);
    array_free(&t->words);
    free(t);
    *textures = NULL;
}

void scene_textures_clear(struct render_scene *s)
{
    struct scene_textures *t = s->textures;
    for (size_t i = 1; i < t->items.count; i++)
        texture_finish(t, &t->items.items[i]);
    t->items.count = 1;
    array_clear(&t->free);
    t->table_dirty = true;
}

static struct texture *find(const struct render_scene *s, render_id id)
{
    const struct scene_textures *t = s->textures;
    return id != 0 && id < t->items.count && t->items.items[id].live ? &t->items.items[id] : NULL;
}

int render_texture_create(struct render_scene *s, const struct render_texture_desc *desc, render_id *out)
{
    struct scene_textures *t = s->textures;
    *out                     = 0;
    if (t->free.count == 0 && t->items.count >= MAX_TEXTURES)
        return RENDER_ERR_LIMIT;
    struct texture x = { .live = true };
    x.picture        = picture_create(desc, s->gpu->cpu ? MAX_SIDE_CPU : MAX_SIDE_GPU);
    if (!x.picture)
        return RENDER_ERR_NOMEM;
    render_id id = t->free.count ? t->free.items[--t->free.count] : (render_id)t->items.count;
    if (id < t->items.count)
        t->items.items[id] = x;
    else if (!array_push(&t->items, x)) {
        picture_release(x.picture);
        return RENDER_ERR_NOMEM;
    }
    if (!start_decode(t, x.picture))
        picture_decode(x.picture); // no threads: now
    t->table_dirty = true;
    *out           = id;
    return RENDER_OK;
}

void render_texture_destroy(struct render_scene *s, render_id texture)
{
    struct texture *x = find(s, texture);
    if (!x)
        return;
    texture_finish(s->textures, x);
    (void)!array_push(&s->textures->free, texture);
    s->textures->table_dirty = true;
    s->versions.materials++;
}

uint32_t scene_textures_pending(const struct render_scene *s)
{
    uint32_t count = 0;
    for (size_t i = 1; i < s->textures->items.count; i++) {
        const struct texture *x = &s->textures->items.items[i];
        if (!x->live || x->paged)
            continue;
        int state = atomic_load(&x->picture->state);
        count += state == PICTURE_BUSY || (state == PICTURE_DONE && !x->keep);
    }
    return count;
}

const struct image *scene_texture_image(const struct render_scene *s, render_id id)
{
    struct texture *x = find(s, id);
    if (!x || atomic_load(&x->picture->state) != PICTURE_DONE || x->picture->level_count == 0)
        return NULL;
    return &x->picture->levels[0];
}

bool scene_texture_failed(const struct render_scene *s, render_id id)
{
    struct texture *x = find(s, id);
    return !x || atomic_load(&x->picture->state) == PICTURE_FAILED;
}

void scene_texture_keep(struct render_scene *s, render_id id, bool keep)
{
    struct texture *x = find(s, id);
    if (!x)
        return;
    x->keep = keep;
    // Decoded and let go already: once more.
    if (keep && atomic_load(&x->picture->state) == PICTURE_DONE && x->picture->level_count == 0)
        start_decode(s->textures, x->picture);
}

// ---------------------------------------------------------------------------------------------
// Upload

static bool used_by_material(const struct render_scene *s, render_id id)
{
    for (size_t m = 0; m < s->materials.count; m++) {
        const struct scene_material *mat = &s->materials.items[m];
        for (int i = 0; mat->live && i < INPUT_COUNT; i++)
            if (mat->textures[i] == id)
                return true;
    }
    return false;
}

static bool take_pages(struct scene_textures *t, struct texture *x)
{
    const struct picture *p = x->picture;
    x->width                = p->levels[0].width;
    x->height               = p->levels[0].height;
    x->is_float             = p->levels[0].format == IMAGE_RGBA16F;
    x->srgb                 = p->srgb;
    x->level_count          = p->level_count;
    for (uint32_t level = 0; level < p->level_count; level++) {
        uint32_t w = p->levels[level].width, h = p->levels[level].height;
        x->level_first[level] = (uint32_t)x->places.count;
        for (uint32_t ty = 0; ty < tiles_along(h); ty++) {
            for (uint32_t tx = 0; tx < tiles_along(w); tx++) {
                uint32_t place;
                if (!page_pool_take(pool_of(t, x), tile_side(w, h, tx, ty), &place))
                    return false;
                if (!array_push(&x->places, place))
                    return false;
            }
        }
    }
    return true;
}

// A tile with its border: coordinates outside the level wrap around.
static void cut_tile(const struct image *level, uint32_t tx, uint32_t ty, uint32_t w, uint32_t h, uint8_t *out)
{
    size_t pixel = image_pixel_size(level->format), stride = level->width * pixel;
    for (uint32_t y = 0; y < h; y++) {
        uint32_t sy        = (ty * TEXTURE_TILE + y + level->height - 1) % level->height;
        const uint8_t *row = (const uint8_t *)level->pixels + sy * stride;
        uint32_t sx        = (tx * TEXTURE_TILE + level->width - 1) % level->width;
        memcpy(out, row + sx * pixel, pixel);
        memcpy(out + pixel, row + (size_t)tx * TEXTURE_TILE * pixel, (w - 2) * pixel);
        sx = (tx * TEXTURE_TILE + w - 2) % level->width;
        memcpy(out + (w - 1) * pixel, row + sx * pixel, pixel);
        out += w * pixel;
    }
}

static int upload_level(struct gpu_device *dev, struct page_pool *pool, const struct image *level,
                        const uint32_t *places)
{
    static _Thread_local uint8_t tile[PAGE_LARGEST * PAGE_LARGEST * 8];
    size_t pixel = image_pixel_size(level->format);
    for (uint32_t ty = 0; ty < tiles_along(level->height); ty++) {
        for (uint32_t tx = 0; tx < tiles_along(level->width); tx++, places++) {
            uint32_t w = level->width - tx * TEXTURE_TILE, h = level->height - ty * TEXTURE_TILE;
            w = (w > TEXTURE_TILE ? TEXTURE_TILE : w) + 2;
            h = (h > TEXTURE_TILE ? TEXTURE_TILE : h) + 2;
            cut_tile(level, tx, ty, w, h, tile);
            int rc = gpu_upload_image(dev, &pool->image, *places & 0xfff, 0, (*places >> 12 & 127) * 8,
                                      (*places >> 19 & 127) * 8, w, h, tile, w * h * pixel);
            if (rc < 0)
                return rc;
        }
    }
    return GPU_OK;
}

static size_t picture_bytes(const struct picture *p)
{
    const struct image *base = &p->levels[0];
    return (size_t)base->width * base->height * image_pixel_size(base->format) * 4 / 3;
}

// Pages for one decoded texture, and its levels in them.
static int page_in(struct render_scene *s, struct texture *x, VkCommandBuffer cmd)
{
    struct scene_textures *t = s->textures;
    if (!take_pages(t, x)) {
        log_warn("render.texture", "%s: no room in the texture pages; it shows as missing", x->picture->name);
        give_pages(t, x);
        x->level_count = 0;
        atomic_store(&x->picture->state, PICTURE_FAILED);
        x->warned = true;
        return RENDER_OK;
    }
    bool changed           = false;
    struct page_pool *pool = pool_of(t, x);
    int rc                 = page_pool_grow(s->gpu, pool, cmd, &changed);
    if (rc < 0)
        return rc;
    if (changed)
        render_scene_bind_image(s, x->is_float ? SCENE_BIND_PAGES_FLOAT : SCENE_BIND_PAGES_UNORM, &pool->image,
                                s->gpu->linear);
    for (uint32_t level = 0; rc >= 0 && level < x->level_count; level++)
        rc = upload_level(s->gpu, pool, &x->picture->levels[level], x->places.items + x->level_first[level]);
    picture_drop_levels(x->picture, x->keep ? 1 : 0);
    x->paged = true;
    return rc;
}

static bool push_header(struct scene_textures *t, const struct texture *x, size_t at)
{
    uint32_t *head = t->words.items + at;
    if (!x->live || !x->paged) { // a mid grey (sRGB 0.5)
        head[TEXTURE_KIND]     = TEXTURE_IS_CONSTANT;
        head[TEXTURE_CONSTANT] = 0xff373737;
        return true;
    }
    head[TEXTURE_SIZE]   = x->width | x->height << 16;
    head[TEXTURE_KIND]   = x->level_count | (x->is_float ? TEXTURE_IS_FLOAT : 0) | (x->srgb ? TEXTURE_IS_SRGB : 0);
    head[TEXTURE_LEVELS] = (uint32_t)t->words.count;
    size_t places        = t->words.count + x->level_count;
    for (uint32_t level = 0; level < x->level_count; level++)
        if (!array_push(&t->words, (uint32_t)(places + x->level_first[level])))
            return false;
    return array_append(&t->words, x->places.items, x->places.count);
}

static int upload_table(struct render_scene *s)
{
    struct scene_textures *t = s->textures;
    size_t headers           = t->items.count * TEXTURE_HEADER_WORDS;
    array_clear(&t->words);
    if (!array_reserve(&t->words, headers))
        return RENDER_ERR_NOMEM;
    memset(t->words.items, 0, headers * sizeof(uint32_t));
    t->words.count = headers;
    for (size_t i = 0; i < t->items.count; i++) {
        const struct texture *x = &t->items.items[i];
        bool failed             = x->live && !x->paged && atomic_load(&x->picture->state) == PICTURE_FAILED;
        if (failed) // the checker's header, which comes first
            memcpy(t->words.items + i * TEXTURE_HEADER_WORDS, t->words.items, TEXTURE_HEADER_WORDS * 4);
        else if (!push_header(t, x, i * TEXTURE_HEADER_WORDS))
            return RENDER_ERR_NOMEM;
    }
    bool grown = false;
    size_t size = t->words.count * sizeof(uint32_t);
    int rc      = render_scene_reserve(s, &t->table, size, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, "texture table",
                                       &grown);
    if (rc < 0)
        return rc;
    if (grown)
        render_scene_bind_buffer(s, SCENE_BIND_TEXTURES, &t->table);
    t->table_dirty = false;
    return gpu_upload(s->gpu, &t->table, 0, t->words.items, size);
}

int scene_textures_update(struct render_scene *s, VkCommandBuffer cmd)
{
    struct scene_textures *t = s->textures;
    size_t spent             = 0;
    bool changed             = false;
    for (size_t i = 0; i < t->items.count && spent < UPLOAD_BUDGET; i++) {
        struct texture *x = &t->items.items[i];
        if (!x->live || x->paged)
            continue;
        int state = atomic_load(&x->picture->state);
        if (state == PICTURE_FAILED && !x->warned) {
            log_warn("render.texture", "%s: %s; a checker stands in for it", x->picture->name, x->picture->error);
            x->warned = true;
            changed   = true;
        }
        if (state != PICTURE_DONE || x->picture->level_count == 0 ||
            (x->keep && !used_by_material(s, (render_id)i)))
            continue;
        if (!changed && !spent)
            gpu_barrier_transfer(cmd); // earlier frames may still read what is overwritten
        spent += picture_bytes(x->picture);
        int rc = page_in(s, x, cmd);
        if (rc < 0)
            return rc;
        changed = true;
    }
    if (changed)
        s->versions.materials++;
    return t->table_dirty || changed ? upload_table(s) : RENDER_OK;
}
