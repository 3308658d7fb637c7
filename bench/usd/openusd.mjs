// node bench/usd/openusd.mjs [--build build] [--keep FOLDER] FOLDER: the scenes below FOLDER in Stagecast and in OpenUSD itself.
//
// Before: (cd bench/usd && npm ci), and Chromium as CHROMIUM or /usr/bin/chromium. This program itself downloads nothing.
//
// OpenUSD is that of the npm package three-usdz-loader: version 0.22, compiled to WebAssembly, which runs in a headless browser
// only. It opens each file, flattens it to text and writes that as a crate. Then
// - crate: the crate must read as the same layer as the text. What our own test files get wrong, too, shows here only.
// - stage: our dump of the file must be that of OpenUSD's flattened text.
// What flattening loses, or this OpenUSD does not have, is left out: variant sets, folders of asset paths, zeros below zero. Files
// may differ for reasons that are no fault: MaterialX is not compiled in, internal references see what is outside of them since
// 23.05 only, texts are written that nobody can read back (arrays of another type than declared).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = path.dirname(fileURLToPath(import.meta.url));
const library = path.join(here, 'node_modules/three-usdz-loader/external');
const scene = /\.usd[acz]?$/i;
const picture = /\.(png|jpe?g|exr|hdr|tga|gif|mp4|mov|wav|mp3)$/i; // what no reader of scenes opens
const largest = 16e6, patience = 60_000;

const args = process.argv.slice(2);
const option = (name, fallback) => {
  const i = args.indexOf(name);
  return i < 0 ? fallback : args.splice(i, 2)[1];
};
const stagecast = path.join(option('--build', path.join(here, '../../build')), 'stagecast');
const keep = option('--keep', null);
if (args.length !== 1 || !existsSync(args[0])) {
  console.error('node bench/usd/openusd.mjs [--build build] [--keep FOLDER] FOLDER');
  process.exit(2);
}
if (!existsSync(library)) {
  console.error('OpenUSD is missing: (cd bench/usd && npm ci)');
  process.exit(1);
}
const { chromium } = await import('playwright-core');

// ------------------------------------------------------------------------------------------------------------------
// OpenUSD in a browser: its threads need a page that is isolated from others

const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer((request, response) => {
  const name = path.basename(new URL(request.url, 'http://x').pathname);
  const file = path.join(library, name);
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  if (!name)
    response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end('<script src="/emHdBindings.js"></script>');
  else if (existsSync(file))
    response.writeHead(200, { ...headers, 'Content-Type': types[path.extname(name)] ?? 'application/octet-stream' }).end(readFileSync(file));
  else
    response.writeHead(404, headers).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
let page = null, held = new Set();

async function freshPage() {
  await page?.close();
  page = await browser.newPage();
  held = new Set();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate(async () => {
    const made = await window.getUsdModule(undefined, '', undefined);
    window.usd = (await made.ready) || made;
  });
}

// Every file that a scene may refer to.
async function give(files) {
  for (const file of files.filter((f) => !held.has(f))) {
    await page.evaluate(([to, base64]) => {
      const parts = to.split('/').slice(1, -1);
      for (let i = 1; i <= parts.length; i++)
        try { window.usd.FS.mkdir(`/${parts.slice(0, i).join('/')}`); } catch { /* is there */ }
      window.usd.FS.writeFile(to, Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
    }, [`/scenes${file}`, readFileSync(file).toString('base64')]);
    held.add(file);
  }
}

async function flatten(file) {
  const made = page.evaluate(async (name) => {
    const { usd } = window;
    let stage;
    try {
      stage = await usd.UsdStage.Open(name);
    } catch {
      return null;
    }
    if (!stage) return null;
    const text = await stage.ExportToString();
    await stage.Export('out.usdc', false);
    const bytes = usd.FS.readFile('/out.usdc');
    usd.FS.unlink('/out.usdc');
    let binary = '';
    for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return { text, crate: btoa(binary) };
  }, `/scenes${file}`);
  const slow = new Promise((resolve) => { setTimeout(resolve, patience, 'slow'); });
  return Promise.race([made, slow]).catch((e) => { throw new Error(`OpenUSD: ${e.message.split('\n')[0]}`); });
}

// ------------------------------------------------------------------------------------------------------------------
// Comparing

function run(verb, file) {
  const r = spawnSync(stagecast, ['usd', verb, file], { encoding: 'utf8', maxBuffer: 1 << 30 });
  return r.status === 0 ? r.stdout : r.stderr;
}

const zeros = (text) => text.replace(/(?<![\w.])-0(?![\w.])/g, '0');
const layer = (file) => zeros(run('cat', file).replace(/^ {4}doc = ("""[^]*?"""|".*")\n/m, '').replace(/^\(\n\)\n/m, '\n')).split('\n');
const stage = (file) => zeros(run('dump', file))
  .replace(/@[^@\n]*?([^/@[\]\n]*)\]?@/g, '@$1@')
  .split('\n')
  .filter((line) => !/^\s*#|^prims |^ {2}variantSet /.test(line));

// Lines of one that the other does not have, in the order they stand.
function difference(a, b) {
  if (a.length === b.length && a.every((line, i) => line === b[i])) return [];
  const only = (x, y, sign) => {
    const count = new Map();
    for (const line of y) count.set(line, (count.get(line) ?? 0) + 1);
    return x.filter((line) => {
      const n = count.get(line) ?? 0;
      count.set(line, n - 1);
      return n <= 0;
    }).map((line) => sign + line);
  };
  const found = [...only(a, b, '- '), ...only(b, a, '+ ')];
  return found.length ? found : ['(the same lines in another order)'];
}

function below(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile()).map((e) => path.join(e.parentPath ?? e.path, e.name)).sort();
}

const root = path.resolve(args[0]);
const files = below(root).filter((f) => !picture.test(f) && statSync(f).size < largest);
const out = keep ?? mkdtempSync(path.join(tmpdir(), 'openusd-'));
mkdirSync(out, { recursive: true });
const count = { scenes: 0, crates: 0, stages: 0, refused: 0, slow: 0 };
await freshPage();
for (const file of files.filter((f) => scene.test(f))) {
  count.scenes++;
  await give(files);
  const made = await flatten(file);
  const name = path.relative(root, file);
  if (made === 'slow') {
    count.slow++;
    console.log(`slow   ${name}: OpenUSD did not answer`);
    await freshPage();
    continue;
  }
  if (!made) {
    const ours = run('dump', file).includes('\ninvalid\n');
    count.refused += ours;
    console.log(`${ours ? 'same ' : 'DIFF '}  ${name}: OpenUSD refuses it`);
    continue;
  }
  const at = path.join(out, String(count.scenes));
  writeFileSync(`${at}.usda`, made.text);
  writeFileSync(`${at}.usdc`, Buffer.from(made.crate, 'base64'));
  const crate = difference(layer(`${at}.usda`), layer(`${at}.usdc`)), composed = difference(stage(`${at}.usda`), stage(file));
  count.crates += crate.length === 0;
  count.stages += composed.length === 0;
  for (const [what, lines] of [['crate', crate], ['stage', composed]])
    if (lines.length) console.log(`DIFF   ${name}: ${what}, ${lines.length} lines\n${lines.slice(0, 4).map((l) => `       ${l.slice(0, 150)}`).join('\n')}`);
}
console.log(`${count.scenes} scenes: ${count.crates} crates the same, ${count.stages} stages the same, ${count.refused} refused by both, ${count.slow} too slow`);
if (!keep) rmSync(out, { recursive: true });
await browser.close();
server.close();
