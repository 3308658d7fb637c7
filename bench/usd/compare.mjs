// node bench/usd/compare.mjs [--runs N] [--build build] [FOLDER]: the generated stages in Stagecast and in other readers.
//
// Before: (cd bench/usd && npm ci). This program itself downloads nothing.
//
// Each reading happens in a process of its own. Measured is the call that reads bytes already in memory (other readers) or
// the file (Stagecast), without the start of the process; memory is the process's peak less what it needed before. Ratios are
// of processor time (all threads, kernel included), which other work on the machine distorts least.
// - tinyusdz: TinyUSDZ (C++) compiled to WebAssembly, as its npm package has it: one thread, wasm's slow-down included,
//   and built with assertions. loadAsLayerFromBinary: text or crate to a layer with all values decoded; no composition.
// - three: the USD parsers of three.js (JavaScript): all values decoded, no composition.
// - stagecast open: parsed and composed on all cores, values of crates left in the file.
// - stagecast all: the same, then every property and its value asked for: what compares with the others.
// A reader did the same work as far as can be seen when it found as many prims.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = path.dirname(fileURLToPath(import.meta.url));
const files = ['prims.usda', 'prims.usdc', 'mesh.usda', 'mesh.usdc', 'both.usda', 'both.usdc'];

// ------------------------------------------------------------------------------------------------------------------
// In the child

function peakMegabytes() {
  return process.resourceUsage().maxRSS / 1024;
}

async function tinyusdz(bytes, name) {
  // The package is built for browsers and workers only; what it asks of its surroundings is there in node too.
  process.type = 'renderer';
  globalThis.window = globalThis;
  globalThis.document = { currentScript: null, baseURI: 'file:///' };
  const create = (await import('tinyusdz/tinyusdz.js')).default;
  const module = await create({ wasmBinary: readFileSync(path.join(here, 'node_modules/tinyusdz/tinyusdz.wasm')) });
  const loader = new module.TinyUSDZLoaderNative();
  const base = peakMegabytes();
  const start = performance.now(), cpu = process.cpuUsage();
  if (!loader.loadAsLayerFromBinary(bytes, name)) throw new Error(loader.error());
  const ms = performance.now() - start, used = process.cpuUsage(cpu);
  const megabytes = peakMegabytes() - base;
  const prims = (loader.layerToString().match(/^\s*def\b/gm) ?? []).length;
  return { ms, cpu: (used.user + used.system) * 1e-3, megabytes, prims };
}

async function three(bytes, name) {
  const { USDAParser } = await import('three/examples/jsm/loaders/usd/USDAParser.js');
  const { USDCParser } = await import('three/examples/jsm/loaders/usd/USDCParser.js');
  const base = peakMegabytes();
  const start = performance.now(), cpu = process.cpuUsage();
  const data = name.endsWith('.usda') ? new USDAParser().parseData(bytes.toString('utf8'))
    : new USDCParser().parseData(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const ms = performance.now() - start, used = process.cpuUsage(cpu);
  const megabytes = peakMegabytes() - base;
  // The pseudo-root stands among the specs of text.
  const prims = Object.entries(data.specsByPath).filter(([p, s]) => s.specType === 6 && p !== '/').length;
  return { ms, cpu: (used.user + used.system) * 1e-3, megabytes, prims };
}

if (process.argv[2] === '--child') {
  const [reader, file] = process.argv.slice(3);
  const result = await { tinyusdz, three }[reader](readFileSync(file), path.basename(file));
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exit(0);
}

// ------------------------------------------------------------------------------------------------------------------

const args = process.argv.slice(2);
const option = (name, fallback) => {
  const i = args.indexOf(name);
  return i < 0 ? fallback : args.splice(i, 2)[1];
};
const runs = Number(option('--runs', 3));
const build = option('--build', path.join(here, '../../build'));
const given = args[0];
const folder = given ?? mkdtempSync(path.join(tmpdir(), 'compare-usd-'));
if (!existsSync(path.join(here, 'node_modules'))) {
  console.error('the other readers are missing: (cd bench/usd && npm ci)');
  process.exit(1);
}
if (!existsSync(path.join(folder, files[0]))) spawnSync(path.join(build, 'bench/usd/make-scenes'), [folder], { stdio: 'inherit' });

function foreign(reader, file) {
  const r = spawnSync(process.execPath, ['--max-old-space-size=8192', fileURLToPath(import.meta.url), '--child', reader, file],
    { encoding: 'utf8', maxBuffer: 1 << 28 });
  const line = r.stdout.split('\n').find((l) => l.startsWith('RESULT '));
  if (line) return JSON.parse(line.slice(7));
  const why = r.signal ?? r.stderr.split('\n').find((l) => /error|abort|memory/i.test(l)) ?? `exit status ${r.status}`;
  return { failed: why.trim().slice(0, 120) };
}

function stat(file) {
  const r = spawnSync(path.join(build, 'stagecast'), ['usd', 'stat', file, '--json'], { encoding: 'utf8' });
  if (r.status) throw new Error(r.stderr);
  return JSON.parse(r.stdout);
}

const empty = path.join(folder, 'nothing.usda');
await import('node:fs').then((fs) => fs.writeFileSync(empty, '#usda 1.0\n'));
const base = stat(empty); // what the process costs without a stage

function ours(file) {
  const s = stat(file);
  const megabytes = (s.peak_memory - base.peak_memory) / 2 ** 20;
  return {
    open: { ms: s.open * 1e3, megabytes, prims: s.prims },
    all: { ms: (s.open + s.traverse + s.read_values) * 1e3, cpu: (s.processor - base.processor) * 1e3, megabytes, prims: s.prims },
  };
}

const middle = (a) => [...a].sort((x, y) => x - y)[a.length >> 1];
const spread = (a) => `${Math.min(...a).toFixed(1)} to ${Math.max(...a).toFixed(1)}`;

console.log(`${runs} runs each: wall and processor time, median (least to most); ratio to "stagecast all" of the medians, [of the extremes]`);
for (const name of files) {
  const file = path.join(folder, name);
  const readers = { 'stagecast open': [], 'stagecast all': [], tinyusdz: [], three: [] };
  for (let i = 0; i < runs; i++) { // one after the other, so that a busy minute hits all of them
    const own = ours(file);
    readers['stagecast open'].push(own.open);
    readers['stagecast all'].push(own.all);
    readers.tinyusdz.push(foreign('tinyusdz', file));
    readers.three.push(foreign('three', file));
  }
  console.log(`\n${name}`);
  const reference = readers['stagecast all'].map((r) => r.cpu);
  const memory = middle(readers['stagecast all'].map((r) => r.megabytes));
  const prims = readers['stagecast all'][0].prims;
  for (const [reader, results] of Object.entries(readers)) {
    const failed = results.find((r) => r.failed);
    if (failed) {
      console.log(`  ${reader.padEnd(15)} cannot: ${failed.failed}`);
      continue;
    }
    const ms = results.map((r) => r.ms), cpu = results.map((r) => r.cpu), megabytes = results.map((r) => r.megabytes);
    let text = `  ${reader.padEnd(15)} ${middle(ms).toFixed(1).padStart(8)} ms (${spread(ms)})`;
    if (cpu[0] !== undefined) {
      const ratio = middle(cpu) / middle(reference), least = Math.min(...cpu) / Math.max(...reference), most = Math.max(...cpu) / Math.min(...reference);
      text += `, processor ${middle(cpu).toFixed(1)} (${spread(cpu)}) x ${ratio.toFixed(1)} [${least.toFixed(1)} to ${most.toFixed(1)}]`
        + `, ${middle(megabytes).toFixed(0)} MB x ${(middle(megabytes) / memory).toFixed(1)}`;
    }
    console.log(text + (results[0].prims === prims ? '' : `  (found ${results[0].prims} prims, not ${prims})`));
  }
}
if (!given) rmSync(folder, { recursive: true });
