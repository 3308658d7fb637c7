// Picking, selection in all places, and many messages at once.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { difference, here, openViewer, run, until } from './harness.mjs';

let v;
let unselected;
const heading = () => v.page.textContent('#inspector h3');
const selectedRows = () => v.page.$$eval('.tree-row.selected', (rows) => rows.map((r) => r.dataset.path));

/** Pixels near the outline's colour (1, 0.6, 0): strong red, middling green, little blue. Counted in the page. */
const orange = () => v.page.evaluate(() => {
  const video = document.getElementById('video');
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const c = canvas.getContext('2d', { willReadFrequently: true });
  c.drawImage(video, 0, 0);
  const { data } = c.getImageData(0, 0, canvas.width, canvas.height);
  let n = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] > 180 && data[i + 1] > 70 && data[i + 1] < 215 && data[i + 2] < 90) n++;
  }
  return n;
});

await run({ scene: join(here, 'scenes/patches.usda') }, {
  'the page shows the stage without asking for a scene': async ({ server, browser }) => {
    await server.ready();
    v = await openViewer(browser, server);
    await v.page.waitForSelector('[data-path="/World/Green"]');
    assert.equal(await heading(), 'World');
  },

  'the first click selects what is under it': async ({ server }) => {
    unselected = await v.front();
    const at = await v.place(0.5, 0.5);
    const before = await orange();
    await v.page.mouse.click(at.x, at.y);
    await v.page.waitForSelector('.tree-row.selected[data-path="/World/Green"]');
    await until('the inspector to follow', async () => (await heading()) === 'Green');
    assert.match(server.log, /Queueing viewport pick/);
    assert.match(server.log, /Selection changed/);
    const outlined = await until('the outline in the video', async () => {
      const n = await orange();
      return n > before + 60 && n;
    });
    assert.ok(outlined < 640 * 360 / 10, `${outlined} pixels are no outline`);
  },

  'a click beside the picture or on nothing keeps the selection': async () => {
    const at = await v.place(0.5, 0.08);
    await v.page.mouse.click(at.x, at.y);
    await new Promise((r) => setTimeout(r, 700));
    assert.deepEqual(await selectedRows(), ['/World/Green']);
  },

  'a row of the tree selects as well, and the outline moves': async () => {
    await v.page.click('[data-path="/World/Blue"] .name');
    await v.page.waitForSelector('.tree-row.selected[data-path="/World/Blue"]');
    assert.deepEqual(await selectedRows(), ['/World/Blue']);
    await until('the inspector to follow', async () => (await heading()) === 'Blue');
  },

  'the tree can be walked with the keyboard': async () => {
    await v.page.focus('#tree');
    for (const key of ['Home', 'ArrowDown', 'Enter']) await v.page.keyboard.press(key);
    await v.page.waitForSelector('.tree-row.selected[data-path="/World/Red"]');
    await v.page.keyboard.press('End');
    await v.page.keyboard.press('ArrowRight'); // opens Looks
    await v.page.waitForSelector('[data-path="/World/Looks/Red"]');
    await v.page.keyboard.press('ArrowLeft');
    await until('Looks to close', async () => (await v.page.$('[data-path="/World/Looks/Red"]')) === null);
  },

  'what is selected elsewhere is found in a closed branch': async () => {
    await v.ask('selectPrimsRequest', { paths: ['/World/Group/Inner'] }, 'stageSelectionChanged', { prims: ['/World/Group/Inner'] });
    await v.page.waitForSelector('.tree-row.selected[data-path="/World/Group/Inner"]');
  },

  'Esc clears, and the outline goes': async () => {
    await v.page.focus('#viewport');
    await v.page.keyboard.press('Escape');
    await until('an empty selection', async () => (await selectedRows()).length === 0);
    await until('the picture as before', async () => difference(await v.pixels(), unselected) < 2);
    assert.equal(await heading(), 'World');
  },

  'an orbit drag that starts and ends on an object selects nothing': async () => {
    const at = await v.place(0.5, 0.5);
    await v.page.mouse.move(at.x, at.y);
    await v.page.mouse.down();
    await v.page.mouse.move(at.x + 40, at.y, { steps: 5 });
    await v.page.mouse.up();
    await new Promise((r) => setTimeout(r, 700));
    assert.deepEqual(await selectedRows(), []);
  },

  'clicks and wheel turns on panels neither pick nor move the camera': async () => {
    await v.front();
    const before = await v.still();
    const box = await (await v.page.$('#stage-panel .panel-head')).boundingBox();
    await v.page.mouse.move(box.x + 60, box.y + 12);
    await v.page.mouse.down();
    await v.page.mouse.move(box.x + 160, box.y + 60, { steps: 4 });
    await v.page.mouse.up();
    await v.page.mouse.wheel(0, 400);
    assert.ok(difference(before, await v.still()) < 1);
    assert.deepEqual(await selectedRows(), []);
  },

  'two hundred requests at once are all answered': async () => {
    const answered = await v.page.evaluate(() => new Promise((resolve) => {
      const { bus } = window.stagecast;
      const open = new Set();
      const done = () => { clearTimeout(timer); resolve(200 - open.size); };
      const timer = setTimeout(done, 20000);
      for (const type of ['getChildrenResult', 'getPropertiesResponse', 'getPrimCountResult', 'getStatsResult']) {
        bus.on(type, (p) => { if (open.delete(p.request_id) && open.size === 0) done(); });
      }
      const requests = [['getChildrenRequest', { prim_path: '/World' }], ['getPropertiesRequest', { prim_path: '/World/Red' }],
        ['getPrimCountRequest', {}], ['getStatsRequest', {}]];
      for (let i = 0; i < 200; i++) open.add(`burst${i}`);
      for (let i = 0; i < 200; i++) bus.send(requests[i % 4][0], { ...requests[i % 4][1], request_id: `burst${i}` });
    }));
    assert.equal(answered, 200);
  },

  'nonsense on the message channel is survived': async () => {
    const unknown = await v.ask('noSuchRequest', {}, 'viewerError');
    assert.equal(unknown.code, 'unknown_event');
    await v.page.evaluate(() => {
      const { viewer } = window.stagecast;
      for (const text of ['', '{', '[]', 'null', '{"event_type":7}', '"x"', '['.repeat(3000), 'x'.repeat(50000)]) viewer.sendMessage(text);
    });
    assert.ok((await v.ask('getPrimCountRequest', {}, 'getPrimCountResult')).count >= 5);
  },

  'the page logs no errors': async () => {
    assert.deepEqual(v.errors, []);
  },
});
