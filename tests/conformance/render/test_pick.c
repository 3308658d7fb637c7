// Picks, outlines, and that neither disturbs the other or the data outputs.
#include "stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define W 96
#define H 64

static void three_cubes(struct stage *s, render_id out[3])
{
    const render_id mesh = stage_shape(s, RENDER_CUBE, 1), grey = stage_material(s, 0.5f, 0.5f, 0.5f);
    stage_dome(s, 1, 1, 1);
    for (int i = 0; i < 3; i++)
        out[i] = stage_instance(s, mesh, grey, (i - 1) * 2.0, 0, -4, (uint32_t)i + 1);
}

static int pick(struct stage *s, uint32_t l, uint32_t t, uint32_t r, uint32_t b, struct render_pick_hit *hits, size_t max)
{
    const struct render_pick_rect rect = { l, t, r, b };
    s->desc.pick                       = &rect;
    stage_draw(s);
    s->desc.pick = NULL;
    return render_frame_pick(s->frame, hits, max);
}

static void one_pixel(void **state)
{
    struct stage s;
    struct render_pick_hit hits[4];
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    assert_int_equal(pick(&s, W / 2, H / 2, W / 2 + 1, H / 2 + 1, hits, 4), 1);
    assert_int_equal(hits[0].user, 2000);
    assert_int_equal(hits[0].instance_id, 2);
    assert_float_equal(hits[0].position[2], -3.5, 1e-5); // the front face
    assert_float_equal(hits[0].position[0], 3.5 / W, 1e-5); // half a pixel right of the middle, at distance 3.5
    assert_float_equal(hits[0].normal[2], 1, 1e-5);
    assert_int_equal(pick(&s, 1, 1, 2, 2, hits, 4), 0);             // background
    assert_int_equal(pick(&s, 5000, 5000, 5001, 5001, hits, 4), 0); // outside the picture
    stage_draw(&s);
    assert_int_equal(render_frame_pick(s.frame, hits, 4), 0); // no query in this frame
    stage_close(&s);
}

static void rectangle(void **state)
{
    struct stage s;
    struct render_pick_hit hits[4];
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    assert_int_equal(pick(&s, 0, 0, W / 2 + 2, H, hits, 4), 2); // the left and the middle one
    assert_int_equal(hits[0].user + hits[1].user, 3000);
    assert_int_equal(pick(&s, 0, 0, W * 2, H * 2, hits, 2), 3); // clamped; counts more than it fills
    render_instance_set_pickable(s.scene, cubes[0], false);
    assert_int_equal(pick(&s, 0, 0, W / 2 + 2, H, hits, 4), 1);
    assert_int_equal(hits[0].user, 2000);
    stage_close(&s);
}

// What cannot be picked does not hide what is behind it.
static void through_unpickable(void **state)
{
    struct stage s;
    struct render_pick_hit hit;
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    const render_id veil = stage_instance(&s, stage_shape(&s, RENDER_PLANE, 4), 0, 0, 0, -2, 9);
    assert_int_equal(pick(&s, W / 2, H / 2, W / 2 + 1, H / 2 + 1, &hit, 1), 1);
    assert_int_equal(hit.user, 9000);
    render_instance_set_pickable(s.scene, veil, false);
    assert_int_equal(pick(&s, W / 2, H / 2, W / 2 + 1, H / 2 + 1, &hit, 1), 1);
    assert_int_equal(hit.user, 2000);
    stage_close(&s);
}

// The answer is that of the moment of drawing, even when the thing is gone since.
static void answer_later(void **state)
{
    struct stage s;
    struct render_pick_hit hit;
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    const struct render_pick_rect rect = { W / 2, H / 2, W / 2 + 1, H / 2 + 1 };
    s.desc.pick                        = &rect;
    stage_draw(&s);
    s.desc.pick = NULL;
    render_instance_destroy(s.scene, cubes[1]);
    assert_int_equal(render_frame_pick(s.frame, &hit, 1), 1);
    assert_int_equal(hit.user, 2000);
    stage_close(&s);
}

static uint8_t *copy_picture(struct stage *s)
{
    uint8_t *p = malloc(4 * W * H);
    assert_non_null(p);
    return memcpy(p, stage_map(s, RENDER_OUT_LDR_COLOR), 4 * W * H);
}

// An outline changes pixels near the silhouette, outside of it, and none elsewhere.
static void outline(void **state)
{
    struct stage s;
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    renderer_set_group_style(s.renderer, 4, &(struct render_group_style) { .outline = { 1, 0, 0, 1 } });
    s.desc.settings.outputs |= 1u << RENDER_OUT_INSTANCE_SEGMENTATION;
    stage_draw(&s);
    uint8_t *before = copy_picture(&s);
    render_instance_set_outline_group(s.scene, cubes[1], 4);
    stage_draw(&s);
    const uint8_t *after = stage_map(&s, RENDER_OUT_LDR_COLOR);
    const uint32_t *ids  = stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION);
    int changed = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const size_t i = (size_t)y * W + (size_t)x;
            double nearest = 1e9; // distance to a pixel of the selected cube
            for (int v = 0; v < H; v++)
                for (int u = 0; u < W; u++)
                    if (ids[v * W + u] == 2)
                        nearest = fmin(nearest, hypot(u - x, v - y));
            if (memcmp(before + 4 * i, after + 4 * i, 4) != 0) {
                changed++;
                assert_true(nearest > 0 && nearest < 3.6);
            } else if (nearest > 0.5 && nearest < 2.5) {
                fail_msg("pixel %d,%d next to the silhouette has no outline", x, y);
            }
        }
    assert_in_range(changed, 100, 600);
    render_instance_set_outline_group(s.scene, cubes[1], 0);
    stage_draw(&s);
    assert_memory_equal(stage_map(&s, RENDER_OUT_LDR_COLOR), before, 4 * W * H);
    free(before);
    stage_close(&s);
}

// Selected things are outlined where something else hides them, too.
static void outline_of_hidden(void **state)
{
    struct stage s;
    render_id cubes[3];
    stage_open(&s, W, H);
    three_cubes(&s, cubes);
    stage_instance(&s, stage_shape(&s, RENDER_PLANE, 4), 0, 0, 0, -1, 9);
    stage_draw(&s);
    uint8_t *before = copy_picture(&s);
    render_instance_set_outline_group(s.scene, cubes[1], 1);
    stage_draw(&s);
    assert_memory_not_equal(stage_map(&s, RENDER_OUT_LDR_COLOR), before, 4 * W * H);
    free(before);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pixel),    cmocka_unit_test(rectangle), cmocka_unit_test(through_unpickable),
        cmocka_unit_test(answer_later), cmocka_unit_test(outline),   cmocka_unit_test(outline_of_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
