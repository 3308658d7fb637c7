// Coming, going, coming back; and those who do not speak the protocol.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { difference, here, launch, launchProcess, openViewer, run, servePage, sleep, until } from './harness.mjs';

let v;

/** How many sockets a process has open. */
function sockets(pid) {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // closed between the two looks
    }
  }).length;
}

/** Send raw bytes, wait a little for an answer, go away: with a reset, or with the end of the stream alone. */
async function vanish(port, text, abruptly) {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  if (text) socket.write(text);
  await Promise.race([new Promise((resolve) => socket.once('data', resolve)), sleep(100)]);
  if (abruptly) socket.resetAndDestroy();
  else socket.destroy();
}

const upgrade = (port, lines) => `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines}\r\n`;

await run({ scene: join(here, 'scenes/patches.usda') }, {
  'an offer that is none is refused, by WHEP and by WebSocket': async ({ server, browser }) => {
    await server.ready();
    for (const body of ['', 'garbage', 'v=0\r\n', `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n${'a=x\r\n'.repeat(500)}`]) {
      const response = await fetch(`http://127.0.0.1:${server.signal}/whep`, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body });
      assert.ok(response.status >= 400 && response.status < 500, `WHEP answered ${response.status}`);
    }
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server.url}favicon.svg`);
    for (const text of ['{"type":"offer","sdp":"garbage"}', '{"type":"offer"}', '{"type":"what"}', 'no json']) {
      const reply = await page.evaluate(([port, message]) => new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
        socket.onopen = () => socket.send(message);
        socket.onmessage = (e) => {
          const m = JSON.parse(e.data);
          if (m.type !== 'hello') { socket.close(); resolve(m); }
        };
        socket.onclose = () => resolve({ type: 'closed' });
      }), [server.signal, text]);
      assert.ok(['error', 'closed'].includes(reply.type), `${text}: ${JSON.stringify(reply)}`);
    }
    await page.context().close();
  },

  'clients that vanish leave no connection behind': async ({ server }) => {
    const before = sockets(server.child.pid);
    for (const port of [server.http, server.signal]) {
      const get = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
      for (const text of ['', 'GET', get, `${get}\r\n`, `${get}Connection: keep-alive\r\n\r\n`, upgrade(port, ''),
        upgrade(port, 'Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: bad\r\n'),
        upgrade(port, 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n')]) {
        for (let i = 0; i < 4; i++) await vanish(port, text, i % 2 === 0);
      }
    }
    await until('the sockets of clients that went to be closed', () => sockets(server.child.pid) <= before, 15000);
  },

  'a reload connects again, and the selection is still there': async ({ server, browser }) => {
    v = await openViewer(browser, server);
    await v.ask('selectPrimsRequest', { paths: ['/World/Red'] }, 'stageSelectionChanged', { prims: ['/World/Red'] });
    for (let i = 0; i < 3; i++) {
      await v.page.reload();
      await v.live();
      await v.page.waitForSelector('.tree-row.selected[data-path="/World/Red"]');
    }
    assert.deepEqual(v.errors, []);
  },

  'a killed browser does not keep the next one out': async (t) => {
    for (let i = 0; i < 3; i++) {
      const other = await launchProcess();
      await openViewer(other.browser, t.server);
      await other.kill(); // no goodbye: the process goes away
    }
    await t.browser.close();
    t.browser = await launch();
    v = await openViewer(t.browser, t.server);
    const first = await v.frames();
    await until('frames', async () => (await v.frames()) > first + 2);
  },

  'the page works from another web server, given the port': async ({ server, browser }) => {
    const elsewhere = await servePage();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${elsewhere.url}?signalingport=${server.signal}`);
    await page.waitForSelector('body[data-health=live]', { timeout: 30000 });
    await context.close();
    elsewhere.close();
  },

  'a page without a server says so after five attempts and offers a button': async ({ browser }) => {
    const elsewhere = await servePage();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(() => { // five attempts without the waiting between them
      const later = window.setTimeout;
      window.setTimeout = (f, ms, ...rest) => later(f, ms === 3000 ? 20 : ms, ...rest);
    });
    await page.goto(`${elsewhere.url}?signalingport=9`);
    await page.waitForSelector('body[data-health=failed]', { timeout: 30000 });
    assert.match(await page.textContent('.curtain-detail'), /TCP port 9 /);
    await page.click('.curtain-card button >> text=Try again');
    await page.waitForSelector('body:not([data-health=failed])');
    await context.close();
    elsewhere.close();
  },

  'a phone shows the picture above the stage, and touch orbits': async ({ server, browser }) => {
    const phone = await openViewer(browser, server, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
    const picture = await (await phone.page.$('#video')).boundingBox();
    const panel = await (await phone.page.$('#stage-panel')).boundingBox();
    assert.ok(panel.y >= picture.y + picture.height, 'the drawer lies below the picture');
    assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
    const before = await phone.still();
    const cdp = await phone.page.context().newCDPSession(phone.page);
    const at = await phone.place(0.5, 0.5);
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
    for (let i = 1; i <= 8; i++) {
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: at.x + i * 8, y: at.y }] });
    }
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    assert.ok(difference(before, await phone.still()) > 2, 'the finger turned the view');
    assert.deepEqual(phone.errors, []);
    await phone.page.context().close();
  },

  'a server that is started again is found by itself': async (t) => {
    t.server = await t.server.restart(() => v.page.waitForSelector('body[data-health=offline], body[data-health=connecting]', { timeout: 20000 }));
    await v.page.waitForSelector('body[data-health=live]', { timeout: 40000 });
    v.errors.length = 0; // the browser reports the refused attempts in between
    await v.page.waitForSelector('[data-path="/World/Red"]');
  },

  'statistics of the stream are shown': async () => {
    await until('a bitrate', async () => /bit\/s/.test(await v.page.textContent('#status')));
    assert.match(await v.page.textContent('#status'), /640 × 360/);
    assert.deepEqual(v.errors, []);
  },
});
