// What the browser tests share: a server of their own on free ports, a headless Chromium, and looking at pixels.
// Everything started here is ended by process id, whatever happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createWebServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SKIPPED = 77; // what Meson takes as "skipped"
export const here = fileURLToPath(new URL('.', import.meta.url));
const program = process.env.STAGECAST ?? join(here, '../../build/stagecast');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required'];

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(SKIPPED);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Ask again until the answer is truthy. @returns the answer */
export async function until(what, ask, timeoutMs = 20000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, `waited ${timeoutMs / 1000} s in vain for: ${what}`);
    await sleep(100);
  }
}

function freeTcpPort() {
  return new Promise((resolve, reject) => {
    const s = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const s = createSocket('udp4').on('error', reject).bind(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

export class Server {
  log = '';
  exited = null;

  /** Start `stagecast serve`; does not wait for the first picture. */
  static async start(options = {}) {
    const { scene, root = join(here, 'scenes'), size = '640x360', args = [] } = options;
    const s = new Server();
    s.options = options;
    [s.http, s.signal, s.media] = options.ports ?? [await freeTcpPort(), await freeTcpPort(), await freeUdpPort()];
    s.url = `http://127.0.0.1:${s.http}/`;
    s.folder = mkdtempSync(join(tmpdir(), 'stagecast-e2e-'));
    s.child = spawn(program, ['serve', ...(scene ? [scene] : []), '--asset-root', root, '--size', size, '--listen', '127.0.0.1',
      '--http-port', String(s.http), '--signal-port', String(s.signal), '--media-port', String(s.media),
      '--settings', join(s.folder, 'settings.json'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [s.child.stdout, s.child.stderr]) stream.on('data', (d) => { s.log += d; });
    s.exited = new Promise((resolve) => s.child.on('exit', (code, signal) => resolve({ code, signal })));
    s.child.on('exit', (code, signal) => { s.ended = `exit code ${code}, signal ${signal}`; });
    return s;
  }

  /** End and start again on the same ports. @returns {Promise<Server>} the new one */
  async restart(whileDown = async () => {}) {
    assert.equal(await this.stop(), 0, 'exit code');
    await whileDown();
    return Server.start({ ...this.options, ports: [this.http, this.signal, this.media] });
  }

  async health() {
    try {
      const response = await fetch(`${this.url}healthz`);
      return { status: response.status, body: (await response.text()).trim() };
    } catch {
      return null; // not listening yet
    }
  }

  async ready() {
    await until('the first picture (/healthz)', async () => {
      assert.ok(!this.ended, `the server ended: ${this.ended}`);
      return (await this.health())?.status === 200;
    }, 120000); // the first start on a machine compiles shaders
  }

  /** @returns exit code after a polite request to end */
  async stop() {
    if (!this.ended) this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 15000);
    const { code } = await this.exited;
    clearTimeout(late);
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** The page from another web server than the program's. @returns {Promise<{ url: string, close: () => void }>} */
export function servePage() {
  const server = createWebServer(async (request, response) => {
    const path = request.url.split('?')[0];
    try {
      const name = path === '/' ? 'index.html' : path.slice(1);
      const body = await readFile(join(here, '../../web', name));
      response.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() })));
}

/** What tests do with a page. */
export class Viewer {
  errors = [];

  constructor(page) {
    this.page = page;
    page.on('console', (m) => m.type() === 'error' && this.errors.push(m.text()));
    page.on('pageerror', (e) => this.errors.push(String(e)));
  }

  /** Open the page and wait for a live picture. */
  async open(server) {
    await this.page.goto(server.url);
    await this.live();
  }

  async live() {
    await this.page.waitForSelector('body[data-health=live]', { timeout: 30000 });
  }

  /** Send a message and wait for the first reply of that type with these members. */
  async ask(type, payload, reply, matches = {}) {
    return this.page.evaluate(([t, p, r, m]) => new Promise((resolve, reject) => {
      const { bus } = window.stagecast;
      const timer = setTimeout(() => reject(new Error(`no ${r} after ${t}`)), 30000);
      const off = bus.on(r, (message) => {
        if (Object.entries(m).some(([k, v]) => JSON.stringify(message[k]) !== JSON.stringify(v))) return;
        clearTimeout(timer);
        off();
        resolve(message);
      });
      bus.send(t, p);
    }), [type, payload, reply, matches]);
  }

  /** The decoded picture, shrunk: { width, height, data: [r, g, b, r, …] }. */
  async pixels(width = 64, height = 36) {
    return this.page.evaluate(([w, h]) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [w, h];
      const c = canvas.getContext('2d', { willReadFrequently: true });
      c.drawImage(document.getElementById('video'), 0, 0, w, h);
      const all = c.getImageData(0, 0, w, h).data;
      return { width: w, height: h, data: [...all].filter((_, i) => i % 4 !== 3) };
    }, [width, height]);
  }

  /** Colour of the picture at fractions of its size, from its full resolution. */
  async colour(fx, fy) {
    return this.page.evaluate(([x, y]) => {
      const video = document.getElementById('video');
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 4;
      const c = canvas.getContext('2d', { willReadFrequently: true });
      c.drawImage(video, x * video.videoWidth - 2, y * video.videoHeight - 2, 4, 4, 0, 0, 4, 4);
      return [...c.getImageData(1, 1, 1, 1).data].slice(0, 3);
    }, [fx, fy]);
  }

  /** Page coordinates of a place in the picture given by fractions. */
  async place(fx, fy) {
    return this.page.evaluate(([x, y]) => {
      const video = document.getElementById('video');
      const box = video.getBoundingClientRect();
      const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
      return {
        x: box.left + (box.width - video.videoWidth * scale) / 2 + x * video.videoWidth * scale,
        y: box.top + (box.height - video.videoHeight * scale) / 2 + y * video.videoHeight * scale,
      };
    }, [fx, fy]);
  }

  /** Wait until two pictures half a second apart are the same but for noise: the renderer has come to rest. */
  async still() {
    await sleep(250); // what was just asked for has begun to show
    let last = await this.pixels();
    return until('a picture at rest', async () => {
      await sleep(500);
      const next = await this.pixels();
      const moving = changed(last, next);
      last = next;
      return moving < 8 && next;
    });
  }

  async frames() {
    return this.page.evaluate(() => document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames);
  }

  /** Closes the panels, so that the whole picture can be clicked. */
  async clearView() {
    for (const id of ['stage', 'inspector']) {
      if (await this.page.getAttribute(`#${id}-button`, 'aria-pressed') === 'true') await this.page.click(`#${id}-button`);
    }
  }

  /** From the front, everything in sight, at rest. */
  async front() {
    await this.ask('cameraCommandRequest', { command: 'view', preset: 'front' }, 'cameraStateChanged');
    return this.still();
  }
}

/** Mean absolute difference per channel, 0 to 255. */
export function difference(a, b) {
  assert.equal(a.data.length, b.data.length);
  return a.data.reduce((sum, v, i) => sum + Math.abs(v - b.data[i]), 0) / a.data.length;
}

/** How many values differ clearly. */
export function changed(a, b) {
  return a.data.filter((v, i) => Math.abs(v - b.data[i]) > 24).length;
}

/** How many pixels are bright in any channel. */
export function lit({ data }) {
  let n = 0;
  for (let i = 0; i < data.length; i += 3) n += Math.max(data[i], data[i + 1], data[i + 2]) > 110 ? 1 : 0;
  return n;
}

export async function launch() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
}

/** A browser whose main process can be killed: { browser, kill }. */
export async function launchProcess() {
  const { chromium } = await import('playwright-core');
  const process = await chromium.launchServer({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  return { browser: await chromium.connect(process.wsEndpoint()), kill: () => process.kill() };
}

export async function openViewer(browser, server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const viewer = new Viewer(await context.newPage());
  await viewer.open(server);
  return viewer;
}

/**
 * Run the steps of one test file in order against one server; print TAP; exit with the outcome.
 *
 * @param {object} options  of Server.start
 * @param {Record<string, (t: { server: Server, browser: any }) => Promise<void>>} steps
 */
export async function run(options, steps) {
  if (!existsSync(CHROMIUM)) skip(`no browser at ${CHROMIUM}`);
  if (!existsSync(join(here, 'node_modules/playwright-core'))) skip('playwright-core is not installed (npm ci in tests/e2e)');
  const names = Object.keys(steps);
  console.log(`1..${names.length}`);
  let failed = 0;
  const t = { server: await Server.start(options), browser: null };
  try {
    t.browser = await launch();
    for (const [i, name] of names.entries()) {
      const began = Date.now();
      try {
        await steps[name](t);
        console.log(`ok ${i + 1} - ${name} # ${((Date.now() - began) / 1000).toFixed(1)} s`);
      } catch (error) {
        failed++;
        console.log(`not ok ${i + 1} - ${name}`);
        console.log(String(error?.stack ?? error).replace(/^/gm, '# '));
        if (process.env.KEEP_GOING !== '1') break;
      }
    }
  } finally {
    await t.browser?.close().catch(() => {});
    const code = await t.server.stop();
    if (code !== 0) {
      failed++;
      console.log(`# the server ended with exit code ${code}`);
    }
    if (failed > 0) console.log(t.server.log.replace(/^/gm, '# server: '));
  }
  process.exit(failed > 0 ? 1 : 0);
}
