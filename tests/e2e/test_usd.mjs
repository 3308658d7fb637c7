// stagecast usd as a user meets it: every verb, JSON for machines, exit codes, errors, closed and broken outputs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env.STAGECAST;
const folder = mkdtempSync(join(tmpdir(), 'stagecast-usd-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const file = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const usd = (...args) => {
  const r = spawnSync(program, ['usd', ...args], { encoding: 'buffer', maxBuffer: 1 << 28 });
  return { code: r.status, signal: r.signal, out: r.stdout.toString('utf8'), bytes: r.stdout, err: r.stderr.toString('utf8') };
};
const shell = (command) => spawnSync('sh', ['-c', command], { encoding: 'utf8', maxBuffer: 1 << 28 });
/** Parses as a strict reader would: UTF-8 without replacement, one JSON document. */
const json = (r) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(r.bytes));

mkdirSync(join(folder, 'textures'));
file('textures/found.png', '');
const scene = file('scene.usda', `#usda 1.0
(
    defaultPrim = "World"
    metersPerUnit = 1
)
def Xform "World" (
    kind = "component"
    variants = { string size = "small" }
    prepend variantSets = "size"
)
{
    double turn.timeSamples = { 0: 0, 10: 100 }
    int[] many = [${Array.from({ length: 100 }, (_, i) => i)}]
    float odd = inf
    asset picture = @found.png@
    rel to = </World/Größe>
    quatf q = (1, 2, 3, 4)
    matrix2d m = ((1, 2), (3, 4))
    def Sphere "Größe" { double radius = 2; }
    variantSet "size" = {
        "small" { int v = 1; }
        "big" { int v = 2; }
    }
    def "loaded" ( payload = @part.usda@ ) {}
}
`);
file('part.usda', '#usda 1.0\n(\n    defaultPrim = "P"\n)\ndef Xform "P" { def Cube "inside" {}\n}\n');
const broken = file('broken.usda', '#usda 1.0\ndef Xform "A"\n{\n    double x = oops\n}\n');
const wrong = file('wrong.usda', '#usda 1.0\ndef Mesh "m"\n{\n    int[] faceVertexCounts = [3]\n    int[] faceVertexIndices = [0, 1, 9]\n    point3f[] points = [(0, 0, 0), (1, 0, 0)]\n}\n');
const bytes = join(folder, 'bytes.usda');
writeFileSync(bytes, Buffer.concat([Buffer.from('#usda 1.0\ndef "a" { string s = "\\xff\\xfe\\x01ok"; }\n')]));

const tests = {
  'tree shows names, types and variants'() {
    const r = usd('tree', scene);
    assert.equal(r.code, 0);
    assert.match(r.out, /^World \(Xform\) \{size=small\}\n  Größe \(Sphere\)\n/);
    assert.match(r.out, /inside \(Cube\)/);
    assert.equal(usd('tree', scene, '--depth', '1').out, 'World (Xform) {size=small}\n');
  },
  'tree takes time, variants, payloads and properties into account'() {
    assert.match(usd('tree', scene, '--properties', '--time', '5').out, /\.turn : double = 50\n/);
    assert.match(usd('tree', '--properties', scene, '--variant', '/World:size=big').out, /\.v : int = 2\n/);
    assert.doesNotMatch(usd('tree', scene, '--no-payloads').out, /inside/);
    const open = file('open.usda', '#usda 1.0\ndef "a" ( variantSets = "v" ) { variantSet "v" = { "x" { def "inX" {}\n} }\n}\n');
    assert.match(usd('tree', open, '--variant-fallback', 'v=y,x').out, /inX/);
  },
  'tree as JSON'() {
    const root = json(usd('tree', scene, '--json', '--properties', '--time', '5', '--search-path', join(folder, 'textures')));
    const world = root.children[0];
    assert.equal(world.path, '/World');
    assert.equal(world.kind, 'component');
    assert.deepEqual(world.variants, { size: { selection: 'small', options: ['big', 'small'] } });
    const property = (name) => world.properties.find((p) => p.name === name);
    assert.equal(property('turn').value, 50);
    assert.equal(property('turn').samples, 2);
    assert.deepEqual([property('many').count, property('many').first.length, property('many').value], [100, 8, undefined]);
    assert.equal(property('odd').value, 'inf');
    assert.deepEqual(property('to').targets, ['/World/Größe']);
    assert.deepEqual(property('q').value, [1, 2, 3, 4]);
    assert.deepEqual(property('m').value, [[1, 2], [3, 4]]);
    assert.equal(property('picture').value.resolved, join(folder, 'textures/found.png'));
    assert.equal(json(usd('tree', scene, '--json', '--properties', '--full')).children[0].properties.find((p) => p.name === 'many').value.length, 100);
  },
  'JSON is valid UTF-8 whatever a file holds'() {
    const s = json(usd('tree', bytes, '--json', '--properties')).children[0].properties[0].value;
    assert.ok(s.endsWith('\u0001ok'));
  },
  'dump prints the comparison format'() {
    const r = usd('dump', scene);
    assert.equal(r.code, 0);
    assert.match(r.out, /^usddump 1\nstage defaultPrim = "World"\n/);
    assert.match(r.out, /\nprim \/World\/Größe\n/);
    assert.match(usd('dump', broken).out, /^usddump 1\ninvalid\n/);
  },
  'what is written has the version that its content needs'() {
    const loops = file('loops.usda', '#usda 1.3\ndef "a" {\n    double x.spline = { pre: loop repeat(5), 0: 1; post held, 5: 2; post held,\n}\n}\n');
    for (const verb of ['cat', 'flatten']) {
      assert.match(usd(verb, loops).out, /^#usda 1\.3\n/, verb);
      assert.match(usd(verb, scene).out, /^#usda 1\.0\n/, verb);
    }
  },
  'a layer that says nothing but a comment is printed'() { // the first act of a process: no name was ever made
    assert.match(usd('cat', file('comment.usda', '#usda 1.0\n(\n    "only this"\n)\n')).out, /"only this"/);
  },
  'cat prints one layer, flatten the whole stage; both can be read again'() {
    const cat = usd('cat', scene), flat = usd('flatten', scene);
    assert.equal(cat.code, 0);
    assert.match(cat.out, /payload = @part\.usda@/);
    assert.doesNotMatch(flat.out, /payload|variantSet /);
    assert.match(flat.out, /def Cube "inside"/);
    assert.equal(usd('tree', file('flat.usda', flat.out)).out.replace(' {size=small}', ''), usd('tree', scene).out.replace(' {size=small}', ''));
  },
  'stat counts'() {
    const s = json(usd('stat', scene, '--json'));
    assert.equal(s.prims, 4);
    assert.equal(s.layers, 2);
    assert.equal(s.types.Sphere, 1);
    assert.ok(s.open >= 0 && Number.isInteger(s.peak_memory));
    assert.equal(json(usd('stat', scene, '--json', '--no-payloads')).prims, 3);
    assert.match(usd('stat', scene).out, /^prims +4\n/);
  },
  'validate explains, and fails on errors'() {
    const r = usd('validate', wrong), j = json(usd('validate', wrong, '--json'));
    assert.equal(r.code, 1);
    assert.match(r.out, /error: \/m\.faceVertexIndices: 1 of 3 indices lie outside of the 2 points \[index-range\]\n    in .*wrong\.usda\n    to do: /);
    assert.match(r.out, /\n1 errors, 0 warnings, 1 notes \(--notes shows them\)\n$/);
    assert.match(usd('validate', wrong, '--notes').out, /note: .*default prim/);
    assert.equal(j.opened, true);
    assert.equal(j.errors, 1);
    assert.equal(j.findings.find((f) => f.severity === 'error').rule, 'index-range');
    assert.equal(usd('validate', file('fine.usda', '#usda 1.0\n(\n    defaultPrim = "a"\n)\ndef Xform "a" {}\n')).code, 0);
    const warned = file('warned.usda', '#usda 1.0\n(\n    defaultPrim = "a"\n)\ndef Mush "a" {}\n');
    assert.equal(usd('validate', warned).code, 0);
    assert.equal(usd('validate', warned, '--strict').code, 1);
  },
  'errors name file, line and column on stderr, and are objects in JSON'() {
    for (const verb of ['tree', 'cat', 'flatten', 'stat', 'validate']) {
      const r = usd(verb, broken);
      assert.equal(r.code, 1, verb);
      assert.ok(r.err.includes(`${broken}:4:`), r.err);
      assert.equal(r.out, '');
    }
    for (const verb of ['tree', 'stat', 'validate']) {
      const r = usd(verb, broken, '--json'), e = json(r).error;
      assert.equal(r.code, 1);
      assert.deepEqual([e.file, e.line], [broken, 4]);
      assert.ok(e.column > 1);
    }
    assert.match(usd('tree', join(folder, 'none.usda')).err, /none\.usda/);
  },
  'a command line that is not understood says why'() {
    const rows = [[[], /usage/], [['fly', scene], /unknown verb 'fly'/], [['tree'], /which file/], [['tree', scene, scene], /one file at a time/],
      [['tree', scene, '--what'], /unknown option '--what'/], [['tree', scene, '--depth'], /needs a value/], [['tree', scene, '--depth', '0'], /no usable value/],
      [['tree', scene, '--time', '5x'], /no usable value/], [['tree', scene, '--variant', 'World:size=big'], /no usable value/],
      [['dump', scene, '--json'], /does not go with 'dump'/], [['cat', scene, '--no-payloads'], /does not go with 'cat'/]];
    for (const [args, words] of rows) {
      const r = usd(...args);
      assert.equal(r.code, 2, args.join(' '));
      assert.match(r.err, words);
      assert.equal(r.out, '');
    }
  },
  'help has examples, for all and for one verb'() {
    assert.match(usd('--help').out, /examples:[^]*stagecast usd flatten/);
    const r = usd('tree', '--help');
    assert.equal(r.code, 0);
    assert.match(r.out, /--depth N[^]*examples:\n  stagecast usd tree/);
    assert.doesNotMatch(r.out, /usd flatten/);
  },
  'names that begin with a dash come after --'() {
    file('-odd.usda', '#usda 1.0\ndef "x" {}\n');
    assert.equal(shell(`cd '${folder}' && '${program}' usd tree -- -odd.usda`).stdout, 'x\n');
  },
  'closed, full and broken outputs'() {
    const closed = shell(`'${program}' usd tree '${scene}' >&-`);
    assert.equal(closed.status, 1);
    assert.match(closed.stderr, /standard output is closed/);
    const full = shell(`'${program}' usd cat '${scene}' > /dev/full`);
    assert.equal(full.status, 1);
    assert.match(full.stderr, /output cannot be written/);
    const long = file('long.usda', `#usda 1.0\n${Array.from({ length: 20000 }, (_, i) => `def Xform "p${i}" {}\n`).join('')}`);
    for (const verb of ['tree', 'flatten', 'cat', 'dump']) {
      const broke = shell(`'${program}' usd ${verb} '${long}' | head -1`);
      assert.equal(broke.status, 0);
      assert.equal(broke.stderr, '');
    }
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    test();
    console.log(`ok ${name}`);
  } catch (e) {
    failed++;
    console.log(`not ok ${name}\n${e.stack}`);
  }
}
process.exitCode = failed ? 1 : 0;
