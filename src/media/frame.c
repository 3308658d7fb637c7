#include "frame.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libavutil/frame.h>
#include <pthread.h>

struct frame_pool {
    pthread_mutex_t lock;
    struct frame frames[MEDIA_POOL_FRAMES];
    uint32_t width, height;
};

static bool frame_allocate(struct frame *f, const struct frame_pool *pool)
{
    AVFrame *av = av_frame_alloc();
    if (!av)
        return false;
    av->format          = AV_PIX_FMT_YUV420P;
    av->width           = (int)pool->width;
    av->height          = (int)pool->height;
    av->color_range     = AVCOL_RANGE_MPEG;
    av->colorspace      = AVCOL_SPC_BT709;
    av->color_primaries = AVCOL_PRI_BT709;
    av->color_trc       = AVCOL_TRC_BT709;
    if (av_frame_get_buffer(av, 64) < 0) {
        av_frame_free(&av);
        return false;
    }
    f->av = av;
    return true;
}

struct frame_pool *frame_pool_create(uint32_t width, uint32_t height)
{
    struct frame_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pool->width  = width;
    pool->height = height;
    // One now, so that a lack of memory shows at start; the others with first use.
    if (!frame_allocate(&pool->frames[0], pool))
        frame_pool_destroy(&pool);
    return pool;
}

void frame_pool_destroy(struct frame_pool **pool)
{
    if (!*pool)
        return;
    for (size_t i = 0; i < MEDIA_POOL_FRAMES; i++)
        av_frame_free(&(*pool)->frames[i].av);
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

struct frame *frame_pool_get(struct frame_pool *pool)
{
    struct frame *found = NULL;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < MEDIA_POOL_FRAMES && !found; i++) {
        struct frame *f = &pool->frames[i];
        if (f->refs)
            continue;
        // An encoder may hold the pixels longer than its caller holds the frame.
        if (f->av ? av_frame_is_writable(f->av) > 0 : frame_allocate(f, pool))
            found = f;
    }
    if (found) {
        found->refs = 1;
        found->pool = pool;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

struct frame *frame_ref(struct frame *f)
{
    pthread_mutex_lock(&f->pool->lock);
    f->refs++;
    pthread_mutex_unlock(&f->pool->lock);
    return f;
}

void frame_unref(struct frame **f)
{
    if (!*f)
        return;
    struct frame_pool *pool = (*f)->pool;
    pthread_mutex_lock(&pool->lock);
    (*f)->refs--;
    pthread_mutex_unlock(&pool->lock);
    *f = NULL;
}
