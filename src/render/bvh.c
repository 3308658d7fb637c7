// Binned SAH builder (Wald 2007) for a binary tree, collapsed to four children and quantised.
#include "bvh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

#define BINS 16
#define COST_NODE 1.0f // relative to one triangle test; measured on lavapipe
#define COORD_LIMIT 1e18f
#define SERIAL_COUNT 4096u // ranges below this are one task
#define MAX_TASKS 256
// A four-wide tree pushes at most three entries per level, so this depth fits BVH_STACK.
#define DEPTH_MAX 40 // of the binary tree; below, ranges are halved by count

typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));

static inline v4 v4_min(v4 a, v4 b)
{
    v4i m = a < b;
    return (v4)(((v4i)a & m) | ((v4i)b & ~m));
}

static inline v4 v4_max(v4 a, v4 b)
{
    v4i m = a > b;
    return (v4)(((v4i)a & m) | ((v4i)b & ~m));
}

struct ref {
    v4 lo, hi; // lo[3] holds the primitive's index as bits
};

static inline uint32_t ref_index(const struct ref *r)
{
    float f = r->lo[3];
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

static inline void ref_set_index(struct ref *r, uint32_t index)
{
    float f;
    memcpy(&f, &index, 4);
    r->lo[3] = f;
    r->hi[3] = 0;
}

struct box {
    v4 lo, hi;
};

static const struct box EMPTY_BOX = { { 3e38f, 3e38f, 3e38f, 0 }, { -3e38f, -3e38f, -3e38f, 0 } };

static inline float half_area(const struct box *b)
{
    v4 d = b->hi - b->lo;
    return d[0] * d[1] + d[1] * d[2] + d[2] * d[0];
}

struct node { // of the binary tree
    struct box box;
    uint32_t first, count;  // the range of refs; count > 0 and no children: a leaf
    uint32_t left, right;   // 0 = leaf (the root is nobody's child)
};

struct range {
    uint32_t node, first, count, depth;
};

struct builder {
    struct ref *refs;
    struct node *nodes; // 2 x count - 1
    unsigned leaf_max;
    struct range tasks[MAX_TASKS];
    size_t task_count;
};

struct split {
    int axis;
    float place; // in bins
    float base, scale;
    float cost;
};

struct bin {
    struct box box;
    uint32_t count;
};

static inline int bin_of(float center, float base, float scale)
{
    int b = (int)((center - base) * scale);
    return b < 0 ? 0 : b >= BINS ? BINS - 1 : b;
}

static void sweep(const struct bin *bins, int axis, float base, float scale, struct split *best)
{
    float right_cost[BINS];
    struct box box = EMPTY_BOX;
    uint32_t count = 0;
    for (int i = BINS - 1; i > 0; i--) {
        box.lo = v4_min(box.lo, bins[i].box.lo);
        box.hi = v4_max(box.hi, bins[i].box.hi);
        count += bins[i].count;
        right_cost[i] = count ? half_area(&box) * (float)count : 0;
    }
    uint32_t total = count + bins[0].count;
    box            = EMPTY_BOX;
    count          = 0;
    for (int i = 1; i < BINS; i++) {
        box.lo = v4_min(box.lo, bins[i - 1].box.lo);
        box.hi = v4_max(box.hi, bins[i - 1].box.hi);
        count += bins[i - 1].count;
        if (count == 0 || count == total)
            continue;
        float cost = half_area(&box) * (float)count + right_cost[i];
        if (cost < best->cost)
            *best = (struct split) { axis, (float)i, base, scale, cost };
    }
}

// The best plane over three axes in one pass over the range; axis -1 when all centres coincide.
static struct split find_split(const struct ref *refs, uint32_t count, const struct box *centers)
{
    struct bin bins[3][BINS];
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < BINS; i++)
            bins[a][i] = (struct bin) { EMPTY_BOX, 0 };
    float base[3], scale[3];
    for (int a = 0; a < 3; a++) {
        float extent = centers->hi[a] - centers->lo[a];
        base[a]      = centers->lo[a];
        scale[a]     = extent > 0 ? (float)BINS * 0.99999f / extent : 0;
        if (!isfinite(scale[a]))
            scale[a] = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        v4 center = refs[i].lo + refs[i].hi; // twice the centre
        for (int a = 0; a < 3; a++) {
            struct bin *b = &bins[a][bin_of(center[a], base[a], scale[a])];
            b->box.lo     = v4_min(b->box.lo, refs[i].lo);
            b->box.hi     = v4_max(b->box.hi, refs[i].hi);
            b->count++;
        }
    }
    struct split best = { .axis = -1, .cost = INFINITY };
    for (int a = 0; a < 3; a++)
        if (scale[a] > 0)
            sweep(bins[a], a, base[a], scale[a], &best);
    return best;
}

static uint32_t partition(struct ref *refs, uint32_t count, const struct split *s)
{
    uint32_t i = 0, j = count;
    while (i < j) {
        float center = refs[i].lo[s->axis] + refs[i].hi[s->axis];
        if (bin_of(center, s->base, s->scale) < (int)s->place) {
            i++;
        } else {
            struct ref swap = refs[i];
            refs[i]         = refs[--j];
            refs[j]         = swap;
        }
    }
    return i;
}

// Bounds of a range, and of twice its centres.
static struct box range_bounds(const struct ref *refs, uint32_t count, struct box *centers)
{
    struct box box = EMPTY_BOX;
    *centers       = EMPTY_BOX;
    for (uint32_t i = 0; i < count; i++) {
        v4 center   = refs[i].lo + refs[i].hi;
        box.lo      = v4_min(box.lo, refs[i].lo);
        box.hi      = v4_max(box.hi, refs[i].hi);
        centers->lo = v4_min(centers->lo, center);
        centers->hi = v4_max(centers->hi, center);
    }
    return box;
}

// Fills one node; gives true with the two halves when it is not a leaf.
static bool divide(struct builder *b, struct range range, struct range halves[2])
{
    struct ref *refs  = b->refs + range.first;
    struct node *node = &b->nodes[range.node];
    struct box centers;
    *node = (struct node) { range_bounds(refs, range.count, &centers), range.first, range.count, 0, 0 };
    if (range.count == 1)
        return false;
    struct split s = { .axis = -1 };
    if (range.depth < DEPTH_MAX)
        s = find_split(refs, range.count, &centers);
    float leaf_cost = half_area(&node->box) * (float)range.count;
    if (range.count <= b->leaf_max &&
        (s.axis < 0 || s.cost + COST_NODE * half_area(&node->box) >= leaf_cost))
        return false;
    uint32_t left = s.axis < 0 ? range.count / 2 : partition(refs, range.count, &s);
    // A subtree over n primitives owns 2 n - 1 slots: its root's, those of its left part, those of its right part.
    uint32_t l = range.node + 1, r = range.node + 2 * left;
    node->left  = l;
    node->right = r;
    halves[0]   = (struct range) { l, range.first, left, range.depth + 1 };
    halves[1]   = (struct range) { r, range.first + left, range.count - left, range.depth + 1 };
    return true;
}

static void build_serial(struct builder *b, struct range range)
{
    struct range halves[2];
    while (divide(b, range, halves)) { // recursion into the smaller half keeps the C stack short
        int small = halves[0].count < halves[1].count ? 0 : 1;
        build_serial(b, halves[small]);
        range = halves[1 - small];
    }
}

static void run_task(void *user, size_t i)
{
    struct builder *b = user;
    build_serial(b, b->tasks[i]);
}

// Divides the largest range until there are enough tasks, then lets the pool have them.
static void build_parallel(struct builder *b, uint32_t count, struct thread_pool *pool)
{
    b->tasks[0]   = (struct range) { 0, 0, count, 0 };
    b->task_count = 1;
    while (pool && b->task_count < 64) {
        size_t largest = 0;
        for (size_t i = 1; i < b->task_count; i++)
            if (b->tasks[i].count > b->tasks[largest].count)
                largest = i;
        struct range halves[2];
        if (b->tasks[largest].count < SERIAL_COUNT)
            break;
        if (!divide(b, b->tasks[largest], halves)) {
            b->tasks[largest] = b->tasks[--b->task_count];
            break;
        }
        b->tasks[largest]         = halves[0];
        b->tasks[b->task_count++] = halves[1];
    }
    thread_pool_for(pool, b->task_count, run_task, b);
}

// ---------------------------------------------------------------------------------------------
// Collapse and quantisation

// Smallest power-of-two step with which 255 steps cover the extent, as float exponent bits. Steps are never
// finer than the rounding of the coordinates themselves, which thickens flat boxes a little.
static uint32_t step_exponent(float extent, float magnitude)
{
    float least = fmaxf(extent / 254.0f, fmaxf(magnitude * 0x1p-21f, 1e-30f));
    uint32_t bits;
    memcpy(&bits, &least, 4);
    return (bits >> 23) + 1;
}

static float step_of(uint32_t exponent)
{
    uint32_t bits = exponent << 23;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static void node_set_boxes(uint32_t *words, const struct box *boxes, int count)
{
    struct box all = EMPTY_BOX;
    for (int i = 0; i < count; i++) {
        all.lo = v4_min(all.lo, boxes[i].lo);
        all.hi = v4_max(all.hi, boxes[i].hi);
    }
    words[3] = 0;
    for (int a = 0; a < 3; a++) {
        float lo = all.lo[a], hi = all.hi[a], magnitude = fmaxf(fabsf(lo), fabsf(hi));
        uint32_t e = step_exponent(hi - lo, magnitude);
        float step = step_of(e), corner = lo - 0.5f * step;
        memcpy(&words[a], &corner, 4);
        words[3] |= e << (8 * a);
        uint32_t lower = 0, upper = 0;
        for (int i = 0; i < BVH_WIDTH; i++) {
            uint32_t q0 = 255, q1 = 0; // inverted: never hit
            if (i < count) {
                double f0 = floor(((double)boxes[i].lo[a] - corner) / step - 0.125);
                double f1 = ceil(((double)boxes[i].hi[a] - corner) / step + 0.125);
                q0        = f0 < 0 ? 0 : f0 > 255 ? 255 : (uint32_t)f0;
                q1        = f1 < 0 ? 0 : f1 > 255 ? 255 : (uint32_t)f1;
            }
            lower |= q0 << (8 * i);
            upper |= q1 << (8 * i);
        }
        words[4 + a] = lower;
        words[7 + a] = upper;
    }
}

struct collapse {
    const struct node *nodes;
    uint32_t *words;
    uint32_t used;
};

// Opens the child with the largest surface until there are four or only leaves.
static int gather_children(const struct node *nodes, uint32_t root, uint32_t children[BVH_WIDTH])
{
    int count = 1;
    children[0] = root;
    while (count < BVH_WIDTH) {
        int best   = -1;
        float area = -1;
        for (int i = 0; i < count; i++) {
            const struct node *n = &nodes[children[i]];
            float a              = half_area(&n->box);
            if (n->left && !(a <= area)) {
                best = i;
                area = a;
            }
        }
        if (best < 0)
            break;
        const struct node *n = &nodes[children[best]];
        children[best]       = n->left;
        children[count++]    = n->right;
    }
    return count;
}

static void emit(struct collapse *c, uint32_t from, uint32_t slot)
{
    uint32_t children[BVH_WIDTH];
    int count = gather_children(c->nodes, from, children);
    struct box boxes[BVH_WIDTH];
    uint32_t *words = c->words + (size_t)slot * BVH_NODE_WORDS;
    uint32_t inner  = 0;
    for (int i = 0; i < count; i++) {
        boxes[i] = c->nodes[children[i]].box;
        inner += c->nodes[children[i]].left != 0;
    }
    uint32_t next = c->used;
    c->used += inner; // the children of a node lie side by side
    node_set_boxes(words, boxes, count);
    for (int i = 0; i < BVH_WIDTH; i++) {
        words[10 + i] = BVH_EMPTY;
        if (i >= count)
            continue;
        const struct node *n = &c->nodes[children[i]];
        if (n->left)
            words[10 + i] = next++;
        else
            words[10 + i] = BVH_LEAF | (n->count - 1) << BVH_LEAF_COUNT_SHIFT | n->first;
    }
    words[14] = words[15] = 0;
    for (int i = 0; i < count; i++)
        if (!(words[10 + i] & BVH_LEAF))
            emit(c, children[i], words[10 + i]);
}

static bool finish_empty(struct bvh *out)
{
    out->nodes = calloc(BVH_NODE_WORDS, sizeof(uint32_t));
    if (!out->nodes)
        return false;
    node_set_boxes(out->nodes, NULL, 0);
    for (int i = 0; i < 3; i++)
        out->nodes[i] = 0; // the corner of nothing
    out->nodes[3] = 127 | 127 << 8 | 127 << 16;
    for (int i = 0; i < BVH_WIDTH; i++)
        out->nodes[10 + i] = BVH_EMPTY;
    out->node_count = 1;
    return true;
}

static bool build(struct builder *b, size_t count, struct thread_pool *pool, struct bvh *out)
{
    *out = (struct bvh) { 0 };
    if (count == 0)
        return finish_empty(out);
    b->nodes = malloc(2 * count * sizeof(*b->nodes));
    // Inner nodes of a binary tree number at most count - 1; each four-wide node takes at least one.
    struct collapse c = { b->nodes, malloc((count > 1 ? count - 1 : 1) * BVH_NODE_WORDS * sizeof(uint32_t)), 1 };
    out->primitives   = malloc(count * sizeof(*out->primitives));
    if (!b->nodes || !c.words || !out->primitives) {
        free(b->nodes);
        free(c.words);
        bvh_free(out);
        return false;
    }
    build_parallel(b, (uint32_t)count, pool);
    emit(&c, 0, 0);
    for (size_t i = 0; i < count; i++)
        out->primitives[i] = ref_index(&b->refs[i]);
    for (int a = 0; a < 3; a++) {
        out->bounds[a]     = b->nodes[0].box.lo[a];
        out->bounds[3 + a] = b->nodes[0].box.hi[a];
    }
    uint32_t *fitted     = realloc(c.words, (size_t)c.used * BVH_NODE_WORDS * sizeof(uint32_t));
    out->nodes           = fitted ? fitted : c.words;
    out->node_count      = c.used;
    out->primitive_count = count;
    free(b->nodes);
    return true;
}

static bool box_usable(v4 lo, v4 hi)
{
    for (int a = 0; a < 3; a++)
        if (!(fabsf(lo[a]) <= COORD_LIMIT && fabsf(hi[a]) <= COORD_LIMIT && lo[a] <= hi[a]))
            return false;
    return true;
}

// Marks unusable boxes as points in the middle of the usable ones.
static void repair(struct ref *refs, size_t count)
{
    struct box all = EMPTY_BOX;
    size_t bad     = 0;
    for (size_t i = 0; i < count; i++) {
        if (!box_usable(refs[i].lo, refs[i].hi)) {
            bad++;
            continue;
        }
        all.lo = v4_min(all.lo, refs[i].lo);
        all.hi = v4_max(all.hi, refs[i].hi);
    }
    if (!bad)
        return;
    v4 middle = bad == count ? (v4) { 0, 0, 0, 0 } : 0.5f * all.lo + 0.5f * all.hi;
    for (size_t i = 0; i < count; i++) {
        if (box_usable(refs[i].lo, refs[i].hi))
            continue;
        uint32_t index = ref_index(&refs[i]);
        refs[i].lo = refs[i].hi = middle;
        ref_set_index(&refs[i], index);
    }
}

bool bvh_build_boxes(const float *boxes, size_t count, unsigned leaf_max, struct thread_pool *pool, struct bvh *out)
{
    *out = (struct bvh) { 0 };
    if (count > BVH_MAX_PRIMITIVES)
        return false;
    struct builder b = { .leaf_max = leaf_max, .refs = aligned_alloc(16, (count + 1) * sizeof(struct ref)) };
    if (!b.refs)
        return false;
    for (size_t i = 0; i < count; i++) {
        const float *box = boxes + 6 * i;
        b.refs[i].lo     = (v4) { box[0], box[1], box[2], 0 };
        b.refs[i].hi     = (v4) { box[3], box[4], box[5], 0 };
        ref_set_index(&b.refs[i], (uint32_t)i);
    }
    repair(b.refs, count);
    bool ok = build(&b, count, pool, out);
    free(b.refs);
    return ok;
}

static struct box triangle_box(const float *positions, const uint32_t *corners)
{
    struct box box = EMPTY_BOX;
    bool finite    = true;
    for (int k = 0; k < 3; k++) {
        const float *p = positions + 3 * (size_t)corners[k];
        v4 v           = { p[0], p[1], p[2], 0 };
        finite         = finite && box_usable(v, v);
        box.lo         = v4_min(box.lo, v);
        box.hi         = v4_max(box.hi, v);
    }
    return finite ? box : EMPTY_BOX;
}

bool bvh_build_triangles(const float *positions, const uint32_t *indices, size_t triangle_count,
                         struct thread_pool *pool, struct bvh *out)
{
    *out = (struct bvh) { 0 };
    if (triangle_count > BVH_MAX_PRIMITIVES)
        return false;
    struct builder b = { .leaf_max = BVH_LEAF_MAX,
                         .refs     = aligned_alloc(16, (triangle_count + 1) * sizeof(struct ref)) };
    if (!b.refs)
        return false;
    for (size_t i = 0; i < triangle_count; i++) {
        struct box box = triangle_box(positions, indices + 3 * i);
        b.refs[i]      = (struct ref) { box.lo, box.hi };
        ref_set_index(&b.refs[i], (uint32_t)i);
    }
    repair(b.refs, triangle_count);
    bool ok = build(&b, triangle_count, pool, out);
    free(b.refs);
    return ok;
}

void bvh_write_triangles(const struct bvh *bvh, const float *positions, const uint32_t *indices,
                         const uint8_t *slots, uint32_t *out)
{
    for (size_t i = 0; i < bvh->primitive_count; i++, out += BVH_TRIANGLE_WORDS) {
        uint32_t triangle = bvh->primitives[i];
        struct box box    = triangle_box(positions, indices + 3 * (size_t)triangle);
        bool usable       = box_usable(box.lo, box.hi);
        for (int k = 0; k < 3; k++) {
            const float *p = positions + 3 * (size_t)indices[3 * (size_t)triangle + k];
            memset(out + 4 * k, 0, 12);
            if (usable)
                memcpy(out + 4 * k, p, 12);
        }
        out[3]  = triangle;
        out[7]  = slots ? slots[triangle] : 0;
        out[11] = 0;
    }
}

static struct box refit(struct bvh *bvh, uint32_t node, const float *positions, const uint32_t *indices)
{
    uint32_t *words = bvh->nodes + (size_t)node * BVH_NODE_WORDS;
    struct box boxes[BVH_WIDTH], all = EMPTY_BOX;
    int count = 0;
    for (; count < BVH_WIDTH && words[10 + count] != BVH_EMPTY; count++) {
        uint32_t child = words[10 + count];
        struct box box = EMPTY_BOX;
        if (child & BVH_LEAF) {
            uint32_t first = child & BVH_LEAF_FIRST, n = (child >> BVH_LEAF_COUNT_SHIFT & 15) + 1;
            for (uint32_t i = first; i < first + n; i++) {
                struct box t = triangle_box(positions, indices + 3 * (size_t)bvh->primitives[i]);
                box.lo       = v4_min(box.lo, t.lo);
                box.hi       = v4_max(box.hi, t.hi);
            }
        } else {
            box = refit(bvh, child, positions, indices);
        }
        boxes[count] = box_usable(box.lo, box.hi) ? box : (struct box) { { 0 }, { 0 } };
        if (box_usable(box.lo, box.hi)) {
            all.lo = v4_min(all.lo, box.lo);
            all.hi = v4_max(all.hi, box.hi);
        }
    }
    if (count)
        node_set_boxes(words, boxes, count);
    return all;
}

void bvh_refit_triangles(struct bvh *bvh, const float *positions, const uint32_t *indices)
{
    struct box all = refit(bvh, 0, positions, indices);
    bool usable    = box_usable(all.lo, all.hi);
    for (int a = 0; a < 3; a++) {
        bvh->bounds[a]     = usable ? all.lo[a] : 0;
        bvh->bounds[3 + a] = usable ? all.hi[a] : 0;
    }
}

void bvh_free(struct bvh *bvh)
{
    free(bvh->nodes);
    free(bvh->primitives);
    *bvh = (struct bvh) { 0 };
}
