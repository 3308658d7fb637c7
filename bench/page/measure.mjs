// What a person at the page gets: time to the first picture, and new pictures per second while dragging.
//
//     cd tests/e2e && npm ci && cd ../..
//     node bench/page/measure.mjs [--program build/stagecast] [--scene samples/gallery.usda] [--cold]
//                                 [--rest 15] [--drag 4] [--repeat 3] [--save picture.png]
//
// Starts the server and headless Chromium on this machine, so both share its cores. --cold removes the caches
// of compiled shaders first. Prints one JSON object; the arrays hold one value per repetition.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;
const { chromium } = createRequire(join(root, 'tests/e2e/package.json'))('playwright-core');

const options = { program: 'build/stagecast', scene: 'samples/gallery.usda', rest: '15', drag: '4', repeat: '3' };
for (let i = 2; i < process.argv.length; i++) {
  const name = process.argv[i].replace(/^--/, '');
  options[name] = name === 'cold' ? true : process.argv[++i];
}
const ports = { http: 18471, signal: 18472, media: 18473 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

if (options.cold)
  for (const folder of ['mesa_shader_cache', 'stagecast']) rmSync(join(homedir(), '.cache', folder), { recursive: true, force: true });

const started = performance.now();
const server = spawn(options.program, ['serve', options.scene, '--http-port', ports.http, '--signal-port', ports.signal,
  '--media-port', ports.media].map(String), { stdio: 'ignore' });
const result = { what: 'page', scene: options.scene, coldCaches: !!options.cold };
let browser;
try {
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${ports.http}/healthz`).then((r) => r.status === 200, () => false);
    if (ready) break;
    if (server.exitCode !== null || performance.now() - started > 120000) throw new Error('the server did not become ready');
    await sleep(10);
  }
  result.firstFrameMs = Math.round(performance.now() - started);

  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const opened = performance.now();
  await page.goto(`http://127.0.0.1:${ports.http}/`);
  const shown = () => page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
  while ((await shown()) === 0) await sleep(10);
  result.pageToPictureMs = Math.round(performance.now() - opened);

  const box = await page.locator('video').boundingBox();
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  result.framesPerSecondWhileDragging = [];
  for (let i = 0; i < Number(options.repeat); i++) {
    await sleep(Number(options.rest) * 1000);
    await page.mouse.move(x, y);
    await page.mouse.down();
    const before = await shown(), from = performance.now();
    for (let k = 0; performance.now() - from < Number(options.drag) * 1000; k++) {
      await page.mouse.move(x + 80 * Math.sin(k / 10), y + 20 * Math.sin(k / 17));
      await sleep(33);
    }
    result.framesPerSecondWhileDragging.push(Number((((await shown()) - before) / (performance.now() - from) * 1000).toFixed(1)));
    await page.mouse.up();
  }
  const metrics = await (await fetch(`http://127.0.0.1:${ports.http}/metrics`)).text();
  for (const name of ['stagecast_renderer_samples', 'stagecast_renderer_converged', 'stagecast_stream_encode_seconds'])
    result[name] = Number(metrics.match(new RegExp(`^${name} (.*)$`, 'm'))?.[1]);
  if (options.save) {
    await sleep(Number(options.rest) * 1000);
    await page.screenshot({ path: options.save });
  }
} finally {
  await browser?.close();
  server.kill('SIGINT');
}
console.log(JSON.stringify(result, null, 1));
