// The WebRTC server against headless Chromium, as an application sees it: probe.c streams and reports its callbacks.
// Arguments: the probe program. Exit 77 (skipped) without Chromium or playwright-core.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';

const here = dirname(fileURLToPath(import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const RECONNECTS = Number(process.env.RECONNECTS ?? 100);
let chromium;
try {
  ({ chromium } = createRequire(join(here, '..', '..', 'e2e', 'package.json'))('playwright-core'));
} catch {
  console.log('skipped: playwright-core is not installed (npm ci in tests/e2e)');
  process.exit(77);
}
if (!existsSync(CHROMIUM)) {
  console.log(`skipped: no ${CHROMIUM}`);
  process.exit(77);
}

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** The application, with the lines it printed. */
class Probe {
  lines = [];
  ended = false;

  constructor(program) {
    this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    let rest = '';
    this.child.stdout.on('data', (data) => {
      const parts = (rest + data).split('\n');
      rest = parts.pop();
      this.lines.push(...parts);
    });
    this.child.on('exit', (code) => { this.ended = true; this.code = code; });
  }

  count(prefix) { return this.lines.filter((l) => l.startsWith(prefix)).length; }

  /** Waits until `count` lines begin with the prefix; returns the last of them. */
  async wait(prefix, count = 1, ms = 15000) {
    const end = Date.now() + ms;
    while (this.count(prefix) < count) {
      if (Date.now() > end || this.ended) throw new Error(`no ${count} x "${prefix}" within ${ms} ms:\n${this.lines.slice(-20).join('\n')}`);
      await sleep(5);
    }
    return this.lines.filter((l) => l.startsWith(prefix)).at(count - 1);
  }

  get handles() { return readdirSync(`/proc/${this.child.pid}/fd`).length; }
  get threads() { return readdirSync(`/proc/${this.child.pid}/task`).length; }
  get kilobytes() { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]); }

  async end() {
    this.child.stdin.end();
    for (let i = 0; i < 500 && !this.ended; i++) await sleep(10);
    assert.equal(this.code, 0);
  }
}

async function servePage() {
  const server = createServer((request, response) => {
    const script = request.url === '/client.js';
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    response.end(script ? readFileSync(join(here, 'client.js')) : '<!doctype html><script type="module" src="client.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const launch = () => chromium.launch({
  executablePath: CHROMIUM, headless: true,
  args: ['--no-sandbox', '--host-resolver-rules=MAP foreign.example 127.0.0.1'],
});

const near = (colour, want, tolerance = 20) => colour.every((v, i) => Math.abs(v - want[i]) <= tolerance);

const program = process.argv[2];
const probe = new Probe(program);
const pages = await servePage();
const pagePort = pages.address().port;
const [, signalPort] = (await probe.wait('ports ')).split(' ');
const whep = `http://127.0.0.1:${signalPort}/whep`;
const ws = `ws://127.0.0.1:${signalPort}/ws`;
let browser = await launch();

async function newPage(host = '127.0.0.1') {
  const page = await browser.newPage();
  await page.goto(`http://${host}:${pagePort}/`);
  await page.waitForFunction(() => window.Viewer);
  return page;
}

/** A polite leave is noticed at once, a closed tab only when consent checks go unanswered. */
const leave = async (page) => { await page.evaluate(() => v.close()); await page.close(); };

const connect = (page, url = whep) => page.evaluate(async (u) => { window.v = new Viewer(); return v.whep(u); }, url);

const tests = {
  async 'picture, colours, callbacks'() {
    const page = await newPage();
    await connect(page);
    await probe.wait('connected');
    const [a, b] = await page.evaluate(async () => { const x = await v.frame(); for (let i = 0; i < 20; i++) await v.frame(); return [x, await v.frame()]; });
    assert.ok(b > a);
    await sleep(700); // pictures sharpen after the first key frame
    const colours = await page.evaluate(() => [0, 1, 2, 3, 4].map((i) => v.colour(i * 64 + 16, 384 - 48)));
    for (const [i, want] of [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]].entries())
      assert.ok(near(colours[i], want), `square ${i}: ${colours[i]}, not ${want}`);
    assert.equal(probe.count('log 2 Client connected to WebRTC server'), 1);
    await page.close();
    await probe.wait('disconnected');
    assert.equal(probe.count('log 2 Client disconnected from WebRTC server'), 1);
  },

  async 'messages: echo, order of a burst, the longest, to one client only'() {
    const [one, two] = [await newPage(), await newPage()];
    for (const page of [one, two]) { await connect(page); await page.evaluate(() => v.open()); }
    await one.evaluate(() => v.messages.send('echo hällo'));
    for (const page of [one, two]) assert.deepEqual(await page.evaluate(() => v.waitMessages(1)), ['hällo']);
    await one.evaluate(() => v.messages.send('only you'));
    assert.deepEqual((await one.evaluate(() => v.waitMessages(2)))[1], 'you');
    await one.evaluate(() => v.messages.send('burst 500'));
    const got = await two.evaluate(() => v.waitMessages(501));
    assert.deepEqual(got.slice(1), Array.from({ length: 500 }, (_, i) => `burst ${i}`));
    assert.equal(got.length, 501); // and nothing that was for the other
    await one.evaluate(() => { v.received.length = 0; v.messages.send(`echo ${'x'.repeat(65530)}`); });
    assert.equal((await one.evaluate(() => v.waitMessages(1)))[0].length, 65530);
    const before = probe.count('message ');
    await one.evaluate(() => { for (let i = 0; i < 200; i++) v.messages.send(`number ${i}`); });
    await probe.wait('message ', before + 200);
    const numbers = probe.lines.filter((l) => / number \d+$/.test(l)).map((l) => Number(l.split(' ').at(-1)));
    assert.deepEqual(numbers, Array.from({ length: 200 }, (_, i) => i));
    await leave(one);
    await leave(two);
    await probe.wait('disconnected', 3);
  },

  async 'input records become events'() {
    const page = await newPage();
    await connect(page);
    await page.evaluate(async () => {
      await v.open();
      const data = new DataView(new ArrayBuffer(20 + 24 + 24 + 15));
      data.setUint8(0, 1); data.setUint8(1, 20); data.setFloat32(12, 100, true); data.setFloat32(16, 50, true);
      data.setUint8(20, 2); data.setUint8(21, 24); data.setFloat32(32, 7, true); data.setFloat32(36, 8, true); data.setUint8(40, 1); data.setUint8(41, 1);
      data.setUint8(44, 4); data.setUint8(45, 24); data.setUint32(56, 0x41, true); data.setUint8(64, 1);
      data.setUint8(68, 7); data.setUint8(69, 15); [..."abc"].forEach((c, i) => data.setUint8(80 + i, c.charCodeAt(0)));
      v.input.send(data.buffer);
    });
    await probe.wait('text abc');
    assert.deepEqual(probe.lines.filter((l) => /^(mouse|key|text) /.test(l)).slice(-4), ['mouse 0 100,50 640 0', 'mouse 2 7,8 1 1', 'key 65 1', 'text abc']);
    await leave(page);
    await probe.wait('disconnected', 4);
  },

  async 'three viewers; one comes while the picture rests'() {
    const list = [await newPage(), await newPage(), await newPage()];
    await connect(list[0]);
    await connect(list[1]);
    await list[0].evaluate(async () => { await v.open(); v.messages.send('stop'); });
    await sleep(300);
    const start = Date.now();
    await connect(list[2]); // resolves with its first frame
    assert.ok(Date.now() - start < 3000);
    await list[0].evaluate(() => v.messages.send('start'));
    for (const page of list) await page.evaluate(async () => { for (let i = 0; i < 10; i++) await v.frame(); });
    await list[0].evaluate(() => v.close());
    await probe.wait('disconnected', 5);
    for (const page of list.slice(1)) await page.evaluate(async () => { for (let i = 0; i < 10; i++) await v.frame(); });
    await list[0].close();
    for (const page of list.slice(1)) await leave(page);
    await probe.wait('disconnected', 7);
  },

  async 'WebSocket: media outlives it, bye ends it, bad offers are answered'() {
    const page = await newPage();
    await page.evaluate(async (u) => { window.v = new Viewer(); await v.websocket(u); }, ws);
    await page.evaluate(() => v.socket.close());
    await sleep(500);
    await page.evaluate(async () => { for (let i = 0; i < 10; i++) await v.frame(); });
    await page.evaluate(() => v.close());
    await probe.wait('disconnected', 8);
    await page.evaluate(async (u) => { window.v = new Viewer(); await v.websocket(u); v.socket.send('{"type":"bye"}'); }, ws);
    await probe.wait('disconnected', 9);
    assert.equal((await page.evaluate(() => v.signal('bye'))).type, 'bye');
    for (const [text, code] of [['not json', 'malformed-message'], ['[]', 'malformed-message'], ['{"type":7}', 'malformed-message'],
      ['{"type":"offer"}', 'malformed-message'], ['{"type":"offer","sdp":"x"}', 'malformed-offer'], ['{"type":"other"}', 'unknown-type']]) {
      await page.evaluate((t) => { v.signals.length = 0; v.socket.send(t); }, text);
      assert.equal((await page.evaluate(() => v.signal('error'))).code, code, text);
    }
    await leave(page);
  },

  async 'a closed page with a WebSocket is noticed soon'() {
    const page = await newPage();
    await page.evaluate(async (u) => { window.v = new Viewer(); await v.websocket(u); }, ws);
    const start = Date.now();
    await page.close();
    await probe.wait('disconnected', 10);
    assert.ok(Date.now() - start < 5000);
  },

  async 'a page of another host may not connect'() {
    const page = await newPage('foreign.example');
    await assert.rejects(connect(page));
    await assert.rejects(connect(page, `http://foreign.example:${signalPort}/whep`)); // a name rebound to loopback
    await assert.rejects(page.evaluate(async (u) => { window.v = new Viewer(); await v.websocket(u); }, ws));
    await leave(page);
    const local = await newPage('localhost');
    await connect(local);
    await leave(local);
    await probe.wait('disconnected', 11);
  },

  async 'DELETE ends the session, once'() {
    const page = await newPage();
    await connect(page);
    assert.deepEqual(await page.evaluate(async () => [(await fetch(v.location, { method: 'DELETE' })).status, (await fetch(v.location, { method: 'DELETE' })).status]), [200, 404]);
    await probe.wait('disconnected', 12);
    await leave(page);
  },

  async 'reload, and a restart of the server on the same ports'() {
    const page = await newPage();
    for (let i = 0; i < 3; i++) {
      await connect(page);
      await page.reload();
      await page.waitForFunction(() => window.Viewer);
    }
    await probe.wait('disconnected', 15);
    await connect(page);
    await page.evaluate(async () => { await v.open(); v.messages.send('restart'); });
    await probe.wait('ports ', 2);
    assert.equal(probe.count('disconnected'), 16); // before the stop returned
    await page.evaluate(() => v.close());
    await connect(page);
    await leave(page);
    await probe.wait('disconnected', 17);
  },

  async [`${RECONNECTS} connections in a row leave nothing behind`]() {
    const page = await newPage();
    let before;
    for (let i = 0; i < RECONNECTS; i++) {
      if (i === Math.min(20, RECONNECTS - 1)) before = { handles: probe.handles, threads: probe.threads, kilobytes: probe.kilobytes };
      await connect(page);
      await page.evaluate(() => v.close());
      await probe.wait('disconnected', 18 + i);
    }
    await leave(page);
    await sleep(500);
    const after = { handles: probe.handles, threads: probe.threads, kilobytes: probe.kilobytes };
    console.log(`  before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
    assert.equal(after.threads, before.threads);
    assert.ok(after.handles <= before.handles);
    assert.ok(after.kilobytes < before.kilobytes + 8192);
    assert.equal(probe.count('connected'), probe.count('disconnected'));
  },

  async 'a killed browser is noticed, and the next one connects'() {
    const killed = await chromium.launchServer({ executablePath: CHROMIUM, headless: true, args: ['--no-sandbox'] });
    const remote = await chromium.connect(killed.wsEndpoint());
    const page = await remote.newPage();
    await page.goto(`http://127.0.0.1:${pagePort}/`);
    await page.waitForFunction(() => window.Viewer);
    await connect(page);
    const watching = await newPage();
    await connect(watching);
    const target = async () => Number((await watching.evaluate(async () => {
      await v.open();
      v.received.length = 0;
      v.messages.send('target');
      return v.waitMessages(1);
    }))[0]);
    await sleep(500);
    const before = await target();
    const gone = probe.count('disconnected');
    const start = Date.now();
    process.kill(-killed.process().pid, 'SIGKILL'); // its process group: all of its children
    // Until then the one that has gone must not cost the others their bitrate.
    await sleep(4000);
    const after = await target();
    assert.equal(probe.count('disconnected'), gone);
    assert.ok(after > before * 0.5, `${before} bit/s before, ${after} after`);
    await leave(watching);
    await probe.wait('disconnected', gone + 2, 40000);
    console.log(`  noticed after ${((Date.now() - start) / 1000).toFixed(1)} s`);
    const next = await newPage();
    await connect(next);
    await leave(next);
    await probe.wait('disconnected', gone + 3);
  },
};

let failed = 0;
try {
  for (const [name, run] of Object.entries(tests)) {
    const start = Date.now();
    try {
      await run();
      console.log(`ok   ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n${error.stack}\n${probe.lines.slice(-15).join('\n')}`);
      break; // later tests count events from the start
    }
  }
  await browser.close();
  await probe.end();
} finally {
  pages.close();
  if (!probe.ended) probe.child.kill('SIGKILL');
}
process.exit(failed ? 1 : 0);
