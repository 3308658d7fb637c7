// Pictures of the page with the stand-in server: node mock/shots.js OUT_DIR [picture.png]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { servePage } from '../harness.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const [out = '.', still] = process.argv.slice(2);
const { url, close } = await servePage();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

async function shoot(name, viewport, act = async () => {}, options = {}) {
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  page.on('console', (m) => m.type() === 'error' && console.log(`${name}: ${m.text()}`));
  page.on('pageerror', (e) => console.log(`${name}: ${e}`));
  if (still) await page.addInitScript(`window.fakePicture = 'data:image/png;base64,${readFileSync(still).toString('base64')}'`);
  await page.addInitScript({ path: join(here, 'fake-stream.js') });
  await page.goto(url);
  await page.waitForSelector('body[data-health=live]');
  await page.waitForTimeout(1500);
  await act(page);
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await context.close();
}

const desk = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
await shoot('desk', desk);
await shoot('desk-selected', desk, async (page) => {
  await page.click('[data-path="/World/Sculpture"]');
});
await shoot('desk-menu', desk, (page) => page.click('#aov-button'));
await shoot('desk-loading', desk, (page) => page.evaluate(() => {
  window.fake.channels[0].push('updateProgressActivity', { activity: 'loading_stage' });
  window.fake.channels[0].push('updateProgressAmount', { amount: 0.4 });
  window.fake.channels[0].push('viewerError', { code: 'stage_load_failed', message: 'broken.usda could not be loaded: line 4, column 9: expected a value.' });
}));
await shoot('desk-help', desk, (page) => page.click('#help-button'));
await shoot('phone', phone, undefined, { hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
await shoot('phone-inspector', phone, (page) => page.click('#inspector-button'), { hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
await shoot('phone-land', { width: 844, height: 390 }, (page) => page.click('#inspector-button'), { hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
await browser.close();
close();
