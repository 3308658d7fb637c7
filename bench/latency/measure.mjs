// Measures `stagecast bench stream` in headless Chromium: delay from submitting a frame to seeing it, frames lost, input
// echo, colours, time to the first frame. README.md tells how to run it.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const require = createRequire(join(root, 'tests', 'e2e', 'package.json'));
const { chromium } = require('playwright-core');

const defaults = {
  program: join(root, 'build', 'stagecast'), size: '1280x720', fps: '60', bitrate: '8M', seconds: '15', warmup: '4',
  'signal-port': '49180', 'media-port': '49181', url: '', chromium: '/usr/bin/chromium', echoes: '20',
};

function parseArguments(argv) {
  const options = { ...defaults };
  for (let i = 0; i < argv.length; i += 2) {
    const name = argv[i].replace(/^--/, '');
    if (!(name in defaults) || argv[i + 1] === undefined) {
      console.error(`unknown option ${argv[i]}; known: ${Object.keys(defaults).map((n) => `--${n}`).join(' ')}`);
      process.exit(2);
    }
    options[name] = argv[i + 1];
  }
  return options;
}

const monotonic = () => Number(process.hrtime.bigint()) / 1e6; // milliseconds of CLOCK_MONOTONIC

/** What to add to the page's performance.now() to get CLOCK_MONOTONIC: from the exchange with the shortest round trip. */
async function clockOffset(page) {
  let best = { trip: Infinity, offset: 0 };
  for (let i = 0; i < 60; i++) {
    const before = monotonic();
    const there = await page.evaluate(() => clock());
    const after = monotonic();
    if (after - before < best.trip) best = { trip: after - before, offset: (before + after) / 2 - there };
  }
  return best;
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

function summarise(values) {
  const v = [...values].sort((a, b) => a - b);
  return { median: percentile(v, 0.5), p95: percentile(v, 0.95), min: v[0], max: v.at(-1) };
}

/** Ticks are modulo 2^32; the delay is small and may be a little negative by the clocks' error. */
function delay(shownMs, ticks) {
  let d = (Math.round(shownMs * 10) - ticks) % 2 ** 32;
  if (d < -(2 ** 31)) d += 2 ** 32;
  return d / 10;
}

/** Serves page.html and page.js: the sender only answers pages of its own host. */
async function servePage() {
  const server = createServer(async (request, response) => {
    const name = request.url === '/page.js' ? 'page.js' : 'page.html';
    response.setHeader('Content-Type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.end(await readFile(join(here, name)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Starts the sender unless --url names one; resolves when it listens. */
function startSender(o) {
  if (o.url) return { url: o.url, stop: async () => {} };
  const child = spawn(o.program, ['bench', 'stream', '--size', o.size, '--fps', o.fps, '--bitrate', o.bitrate,
    '--signal-port', o['signal-port'], '--media-port', o['media-port']], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  const listening = new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => { text += data; if (text.includes('/whep')) resolve(); });
    child.on('exit', (code) => reject(new Error(`the sender ended with ${code}`)));
  });
  const stop = () => new Promise((resolve) => { child.removeAllListeners('exit'); child.on('exit', resolve); child.kill('SIGINT'); });
  return { url: `http://127.0.0.1:${o['signal-port']}/whep`, listening, stop, lastLine: () => text.trim().split('\n').at(-1) };
}

function countLost(frames) {
  let lost = 0;
  for (let i = 1; i < frames.length; i++) {
    const step = (frames[i][4] - frames[i - 1][4] + 65536) % 65536;
    if (step > 1) lost += step - 1;
  }
  return lost;
}

async function measureColours(page, height) {
  const out = {};
  for (const [i, name] of ['red', 'green', 'blue', 'white', 'black'].entries())
    out[name] = (await page.evaluate(([x, y]) => colour(x, y, 32), [i * 64 + 16, height - 48])).map((v) => Math.round(v));
  return out;
}

async function main() {
  const o = parseArguments(process.argv.slice(2));
  const sender = startSender(o);
  await sender.listening;
  const server = await servePage();
  const browser = await chromium.launch({ executablePath: o.chromium, headless: true, args: ['--no-sandbox'] });
  try {
    const [width, height] = o.size.split('x').map(Number);
    const page = await browser.newPage({ viewport: { width, height } });
    page.on('pageerror', (e) => console.error(`page: ${e.message}`));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const firstFrame = await page.evaluate((url) => connect(url), sender.url);
    await new Promise((r) => setTimeout(r, Number(o.warmup) * 1000));
    const before = await clockOffset(page);
    await page.evaluate(() => startSampling());
    await new Promise((r) => setTimeout(r, Number(o.seconds) * 1000));
    const { frames, bad } = await page.evaluate(() => takeSamples());
    const after = await clockOffset(page);
    const offset = (before.offset + after.offset) / 2;
    const shown = summarise(frames.map((f) => delay(f[0] + offset, f[3])));
    const presented = summarise(frames.map((f) => delay(f[1] + offset, f[3])));
    const displayed = summarise(frames.map((f) => delay(f[2] + offset, f[3])));
    const echoes = [];
    for (let i = 0; i < Number(o.echoes); i++) {
      const ms = await page.evaluate((n) => echo(n), (i % 255) + 1);
      if (ms !== null) echoes.push(ms);
    }
    const stats = await page.evaluate(() => inboundStats());
    const round = (s) => Object.fromEntries(Object.entries(s).map(([k, v]) => [k, Math.round(v * 10) / 10]));
    console.log(JSON.stringify({
      what: `submit to display, ${o.size} at ${o.fps}, ${o.bitrate}bit/s`, unit: 'ms',
      callback: round(shown), presentation: round(presented), display: round(displayed),
      frames: frames.length, perSecond: Math.round(frames.length / Number(o.seconds) * 10) / 10,
      lost: countLost(frames), unreadable: bad, firstFrame: Math.round(firstFrame),
      echo: echoes.length ? round(summarise(echoes)) : null, clockError: Math.round(before.trip * 500) / 1000,
      jitterBuffer: Math.round(stats.jitterBufferDelay / stats.jitterBufferEmittedCount * 10000) / 10,
      decode: Math.round(stats.totalDecodeTime / stats.framesDecoded * 10000) / 10,
      dropped: stats.framesDropped, pli: stats.pliCount, nack: stats.nackCount, freezes: stats.freezeCount,
      decoder: stats.decoderImplementation, colours: await measureColours(page, height),
    }, null, 1));
    if (sender.lastLine) console.log(sender.lastLine());
  } finally {
    await browser.close();
    server.close();
    await sender.stop();
  }
}

await main();
