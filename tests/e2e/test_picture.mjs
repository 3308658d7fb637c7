// Readiness, a moving picture, its colours, and steering it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { changed, here, lit, openViewer, run, sleep, until } from './harness.mjs';

let v;

await run({ scene: join(here, 'scenes/patches.usda') }, {
  'healthz is 503 before the first picture and 200 after it': async ({ server }) => {
    const seen = [];
    await until('readiness', async () => {
      const answer = await server.health();
      if (answer && `${answer.status} ${answer.body}` !== seen[seen.length - 1]) seen.push(`${answer.status} ${answer.body}`);
      return answer?.status === 200;
    }, 120000); // the first start on a machine compiles shaders
    // The listener may come up after the picture; 503 must never follow 200 and nothing else may be answered.
    assert.ok(['503 not ready,200 ok', '200 ok'].includes(seen.join()), seen.join());
    assert.match(server.log, /First BGRA frame ready: 640x360/);
    assert.equal((await fetch(`${server.url}healthz/x`)).status, 404);
  },

  'the page shows decoded frames that advance': async ({ server, browser }) => {
    v = await openViewer(browser, server);
    const first = await v.frames();
    await until('more frames', async () => (await v.frames()) > first + 3);
    const size = await v.page.evaluate(() => [document.getElementById('video').videoWidth, document.getElementById('video').videoHeight]);
    assert.deepEqual(size, [640, 360]);
  },

  'red is red, green is green, blue is blue': async () => {
    await v.clearView();
    await v.front();
    for (const [x, channel] of [[0.37, 0], [0.5, 1], [0.63, 2]]) {
      const c = await v.colour(x, 0.5);
      const others = c.filter((_, i) => i !== channel);
      assert.ok(c[channel] > 150 && others.every((o) => o < 70), `at ${x}: ${c}`);
    }
  },

  'a drag orbits': async () => {
    const before = await v.still();
    const from = await v.place(0.5, 0.8);
    await v.page.mouse.move(from.x, from.y);
    await v.page.mouse.down();
    await v.page.mouse.move(from.x + 300, from.y, { steps: 8 }); // 0.75 radians
    await v.page.mouse.up();
    const after = await v.still();
    assert.ok(changed(before, after) > 40, `${changed(before, after)} values changed`);
    // What was in front has turned: the squares are narrower than before.
    assert.ok(lit(after) < lit(before) * 0.9, `${lit(after)} bright pixels, ${lit(before)} before`);
  },

  'the wheel zooms': async () => {
    const before = await v.front();
    const at = await v.place(0.5, 0.5);
    await v.page.mouse.move(at.x, at.y);
    for (let i = 0; i < 4; i++) await v.page.mouse.wheel(0, -100); // Chromium makes one notch of each
    const after = await v.still();
    assert.ok(lit(after) > lit(before) * 1.3, `${lit(after)} bright pixels, ${lit(before)} before`);
  },

  'R goes back, F frames everything': async () => {
    const zoomed = await v.still();
    await v.page.focus('#viewport');
    await v.page.keyboard.press('f');
    const framed = await v.still();
    assert.ok(changed(zoomed, framed) > 40, `F changed ${changed(zoomed, framed)} values`);
    await v.page.keyboard.press('r');
    const reset = await v.still();
    assert.ok(changed(framed, reset) > 40, `R changed ${changed(framed, reset)} values`);
  },

  'a camera of the scene can be chosen': async () => {
    const before = await v.still();
    await v.page.click('#camera-button');
    await v.page.click('#camera-menu .item >> text=Near');
    const near = await v.still();
    // 2.5 away with a horizontal field of 53 degrees: the picture is 2.5 wide, so the row of squares fills it.
    assert.ok(lit(near) > 64 * 36 / 2 && lit(near) > lit(before) * 2, `${lit(near)} bright pixels, ${lit(before)} before`);
    for (const [x, channel] of [[0.15, 0], [0.5, 1], [0.85, 2]]) assert.ok((await v.colour(x, 0.5))[channel] > 150);
    await v.page.focus('#viewport');
    await v.page.keyboard.press('0');
    await v.page.keyboard.press('r');
    await until('the view from before', async () => changed(before, await v.pixels()) < 8);
  },

  'pointer movement over the picture sends no messages but the ownership hint': async () => {
    const sent = await v.page.evaluate(async () => {
      const { viewer } = window.stagecast;
      const list = [];
      const original = viewer.sendMessage;
      viewer.sendMessage = (text) => { list.push(JSON.parse(text).event_type); return original.call(viewer, text); };
      window.sentList = list;
      return list.length;
    });
    assert.equal(sent, 0);
    const at = await v.place(0.3, 0.3);
    for (let i = 0; i < 40; i++) await v.page.mouse.move(at.x + i * 2, at.y);
    const list = await v.page.evaluate(() => window.sentList);
    assert.deepEqual(list.filter((t) => !['setViewportInputActive', 'getStatsRequest'].includes(t)), []);
  },

  'the picture keeps coming while nothing changes': async () => {
    const first = await v.frames();
    await sleep(4000);
    assert.ok((await v.frames()) > first);
    assert.equal(await v.page.getAttribute('body', 'data-health'), 'live');
  },

  'the page logs no errors': async () => {
    assert.deepEqual(v.errors, []);
  },
});
