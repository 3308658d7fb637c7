// Outputs, scenes, variants: what the picture shows changes, the stream stays the same.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { difference, here, openViewer, run, sleep, until } from './harness.mjs';

// More children than fit into one message, so the tree has to ask for them in parts.
const COUNT = 3000;
const folder = mkdtempSync(join(tmpdir(), 'stagecast-e2e-many-'));
const names = Array.from({ length: COUNT }, (_, i) => `Prim${String(i).padStart(4, '0')}`);
writeFileSync(join(folder, 'many.usda'), `#usda 1.0\n(\n    defaultPrim = "Root"\n    upAxis = "Y"\n)\n\ndef Xform "Root"\n{\n` +
  `    def Cube "Cube"\n    {\n    }\n\n${names.map((n) => `    def Scope "${n}"\n    {\n    }\n`).join('\n')}}\n`);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let v;
const trackId = () => v.page.evaluate(() => document.getElementById('video').srcObject.getVideoTracks()[0].id);
const sceneName = async () => (await v.page.textContent('#scene-button .label')).trim();

await run({ scene: join(here, 'scenes/patches.usda'), args: ['--asset-root', folder] }, {
  'another output shows another picture, and back': async ({ server, browser }) => {
    await server.ready();
    v = await openViewer(browser, server);
    await v.clearView();
    const colour = await v.front();
    await v.page.click('#aov-button');
    await v.page.click('[data-aov=NormalSD]');
    await until('the button to name it', async () => (await v.page.textContent('#aov-button .label')) === 'Normals');
    const normals = await until('another picture', async () => {
      const p = await v.pixels();
      return difference(colour, p) > 8 && p;
    });
    assert.ok(normals);
    // Squares that face the camera from +Z: x and y in the middle, z full.
    const c = await until('the normal colour', async () => {
      const rgb = await v.colour(0.5, 0.5);
      return Math.abs(rgb[0] - 128) < 30 && Math.abs(rgb[1] - 128) < 30 && rgb[2] > 200 && rgb;
    });
    assert.ok(c);
    await v.page.click('#aov-button');
    await v.page.click('[data-aov=LdrColor]');
    await until('the first picture again', async () => difference(colour, await v.pixels()) < 2);
  },

  'an output that does not exist is refused and changes nothing': async () => {
    const state = await v.ask('changeAOVRequest', { aov: 'NoSuch' }, 'activeAOVState');
    assert.deepEqual([state.result, state.active, state.requested], ['error', 'LdrColor', 'NoSuch']);
  },

  'the scene menu opens another scene on the same track': async () => {
    const track = await trackId();
    const before = await v.still();
    await v.page.click('#scene-button');
    await v.page.click('.item.scene[data-url$="box.usda"]');
    await until('the name in the bar', async () => /box/i.test(await sceneName()), 60000);
    await until('another picture', async () => difference(before, await v.pixels()) > 5);
    assert.equal(await trackId(), track);
    const first = await v.frames();
    await until('frames to advance', async () => (await v.frames()) > first + 2);
    await v.page.click('#stage-button');
    await v.page.waitForSelector('[data-path="/Set/Box"]');
    assert.equal(await v.page.$('[data-path="/World/Red"]'), null, 'no row of the old scene');
  },

  'a variant changes the picture and nothing of the file': async () => {
    await v.page.click('#inspector-button');
    await v.page.waitForSelector('.segment >> text=cyan');
    const before = await v.still();
    await v.page.click('.segment >> text=cyan');
    await v.page.waitForSelector('.segment[aria-pressed=true] >> text=cyan', { timeout: 60000 });
    await until('another picture', async () => difference(before, await v.pixels()) > 2);
    await until('the loading card to go', async () => (await v.page.getAttribute('#curtain', 'data-kind')) === '');
  },

  'a broken scene keeps the old one and says why': async () => {
    const before = await v.still();
    const name = await sceneName();
    const error = await v.ask('openStageRequest', { url: 'broken.usda' }, 'viewerError', { code: 'stage_load_failed' });
    assert.ok(error.message.length > 10);
    await v.page.waitForSelector('.toast.error');
    const result = await v.ask('openStageRequest', { url: 'no-such-file.usda' }, 'openStageResult');
    assert.equal(result.result, 'error');
    await sleep(1000);
    assert.equal(await sceneName(), name);
    assert.ok(difference(before, await v.still()) < 2, 'the old picture goes on');
    assert.equal((await v.ask('getChildrenRequest', { prim_path: '/Set' }, 'getChildrenResult')).children.length > 0, true);
  },

  'paths outside the asset root are refused': async () => {
    for (const url of ['../../../samples/cornell.usda', '/etc/passwd', 'http://example.com/a.usd', 'patches.usda\u0007', '', 'patches.usda/../../broken.usda/']) {
      const result = await v.ask('openStageRequest', { url }, 'openStageResult');
      assert.equal(result.result, 'error', url);
      assert.ok(!JSON.stringify(result.error).includes('/work') && !/\/home|\/root|\/tmp/.test(result.error), result.error);
    }
  },

  'the page itself cannot be left either': async ({ server }) => {
    for (const path of ['../main.c', '%2e%2e/%2e%2e/etc/passwd', '..%2f..%2fetc/passwd', 'no-such-file.js']) {
      const response = await fetch(`${server.url}${path}`);
      assert.ok(response.status >= 400 && response.status < 500, `${path}: ${response.status}`);
    }
  },

  'thousands of children are listed in parts, with few elements': async () => {
    await v.ask('openStageRequest', { url: 'many.usda' }, 'openStageResult', { result: 'success' });
    const list = await v.ask('getChildrenRequest', { prim_path: '/Root' }, 'getChildrenResult', { prim_path: '/Root' });
    assert.ok(list.truncated && list.children.length < COUNT, 'the first answer holds only a part');
    await v.page.waitForSelector('[data-path="/Root/Prim0000"]');
    await v.page.focus('#tree');
    await until('the last row', async () => {
      await v.page.keyboard.press('End');
      return v.page.$(`[data-path="/Root/${names[COUNT - 1]}"]`);
    });
    assert.ok((await v.page.$$('.tree-row')).length < 100, 'only rows in sight are elements');
    await v.ask('selectPrimsRequest', { paths: ['/Root/Prim1500'] }, 'stageSelectionChanged', { prims: ['/Root/Prim1500'] });
    await v.page.waitForSelector('.tree-row.selected[data-path="/Root/Prim1500"]');
  },

  'the page logs no errors': async () => {
    assert.deepEqual(v.errors, []);
  },
});
