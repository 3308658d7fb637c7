// A hundred browsers, each killed without warning while it watches: does the server keep files, threads or memory?
//
//     cd tests/e2e && npm ci && cd ../..
//     node bench/page/killed_browsers.mjs [times=100] [scene=samples/cornell.usda]
//
// Prints one line every ten browsers: open files, threads and resident memory of the server, viewers it counts.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [times = '100', scene = 'samples/cornell.usda'] = process.argv.slice(2);
const http = 18571;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const server = spawn('build/stagecast', ['serve', scene, '--width', '640', '--height', '360', '--http-port', String(http),
  '--signal-port', '18572', '--media-port', '18573'], { stdio: 'ignore' });

async function metric(name) {
  const text = await fetch(`http://127.0.0.1:${http}/metrics`).then((r) => r.text(), () => '');
  return Number(text.match(new RegExp(`^${name} (.*)$`, 'm'))?.[1] ?? NaN);
}

async function until(what, condition, seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(25)) if (await condition()) return;
  throw new Error(`not ${what} within ${seconds} s`);
}

try {
  await until('ready', async () => (await metric('stagecast_ready')) === 1, 60);
  for (let i = 1; i <= Number(times); i++) {
    const profile = mkdtempSync(join(tmpdir(), 'stagecast-killed-'));
    const seen = (await metric('stagecast_stream_sessions_total')) || 0;
    const browser = spawn('/usr/bin/chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-port=0',
      `--user-data-dir=${profile}`, `http://127.0.0.1:${http}/`], { stdio: 'ignore', detached: true });
    await until(`viewer ${i}`, async () => (await metric('stagecast_stream_sessions_total')) > seen && (await metric('stagecast_clients')) > 0, 30);
    process.kill(-browser.pid, 'SIGKILL');
    await until(`rid of viewer ${i}`, async () => (await metric('stagecast_clients')) === 0, 15);
    await sleep(100);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    if (i % 10 === 0) {
      const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
      const of = (key) => status.match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'))[1];
      console.log(`${i} killed: ${readdirSync(`/proc/${server.pid}/fd`).length} files, ${of('Threads')} threads, ` +
        `${Math.round(of('VmRSS') / 1024)} MB, ${await metric('stagecast_clients')} viewers`);
    }
  }
} finally {
  server.kill('SIGINT');
}
