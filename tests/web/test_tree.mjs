import test from 'node:test';
import assert from 'node:assert/strict';
import { TreeModel } from '../../web/tree-model.js';

function row(path, hasChildren = false) {
  return { name: path.slice(path.lastIndexOf('/') + 1), path, type: 'xform', children: hasChildren, hasChildren };
}

/** A model over a made-up stage; requests are collected, `answer` serves them. */
function make(stage, limit = Infinity) {
  const asked = [];
  const model = new TreeModel((path, offset) => asked.push([path, offset]));
  const answer = () => {
    while (asked.length > 0) {
      const [path, offset] = asked.shift();
      const all = stage[path] ?? [];
      const part = all.slice(offset, offset + limit);
      const left = all.length - offset - part.length;
      model.apply({ prim_path: path, children: part.map((n) => row(`${path}/${n}`, `${path}/${n}` in stage)), offset,
        ...(left > 0 ? { truncated: true, omitted_count: left } : {}) });
    }
  };
  model.reset('/World');
  model.load('/World');
  return { model, asked, answer };
}
const paths = (model) => model.rows().map((r) => (r.kind === 'more' ? `${r.path}…` : r.path));

test('children are asked for when a prim is opened, once', () => {
  const { model, asked, answer } = make({ '/World': ['A', 'B'], '/World/A': ['X'] });
  answer();
  assert.deepEqual(paths(model), ['/World', '/World/A', '/World/B']);
  model.expand('/World/A', true);
  model.expand('/World/A', false);
  model.expand('/World/A', true);
  assert.deepEqual(asked, [['/World/A', 0]]);
  assert.deepEqual(paths(model), ['/World', '/World/A', '/World/A…', '/World/B']);
  answer();
  assert.deepEqual(paths(model), ['/World', '/World/A', '/World/A/X', '/World/B']);
  model.expand('/World/B', true);
  assert.deepEqual(asked, [], 'a leaf has nothing to ask for');
});

test('long lists come in parts', () => {
  const names = Array.from({ length: 25 }, (_, i) => `P${i}`);
  const { model, asked, answer } = make({ '/World': names }, 10);
  answer();
  assert.equal(model.rows().length, 1 + 10 + 1);
  assert.equal(model.rows()[11].kind, 'more');
  model.loadMore('/World');
  model.loadMore('/World');
  assert.deepEqual(asked, [['/World', 10]], 'one request at a time');
  answer();
  model.loadMore('/World');
  answer();
  assert.deepEqual(paths(model).slice(1), names.map((n) => `/World/${n}`));
});

test('reveal opens and loads ancestors one after the other', () => {
  const { model, answer } = make({ '/World': ['A'], '/World/A': ['B'], '/World/A/B': ['C'] });
  answer();
  let rounds = 0;
  while (!model.reveal('/World/A/B/C')) {
    answer();
    assert.ok(++rounds < 5);
  }
  assert.ok(model.indexOf('/World/A/B/C') > 0);
});

test('reveal of what is not there ends', () => {
  const { model, answer } = make({ '/World': ['A'], '/World/A': ['B'] });
  answer();
  for (const path of ['/World/A/Nowhere', '/Other/Prim', '/World/A/B/Inside']) {
    let rounds = 0;
    while (!model.reveal(path)) {
      answer();
      assert.ok(++rounds < 5, path);
    }
  }
  assert.equal(model.nearest('/World/A/B/Inside'), '/World/A/B');
  assert.equal(model.nearest('/Other'), '');
});

test('a refreshed list drops prims that are gone with all below them and keeps what is open', () => {
  const stage = { '/World': ['A', 'B'], '/World/A': ['X'], '/World/B': ['Y'] };
  const { model, asked, answer } = make(stage);
  answer();
  model.expand('/World/A', true);
  model.expand('/World/B', true);
  answer();
  delete stage['/World/A'];
  stage['/World'] = ['B', 'C'];
  model.apply({ prim_path: '/World', children: [row('/World/B', true), row('/World/C')] });
  assert.deepEqual(paths(model), ['/World', '/World/B', '/World/B/Y', '/World/C']);
  assert.equal(model.node('/World/A/X'), undefined);
  assert.deepEqual(asked, [['/World/B', 0]], 'open prims are asked for again');
});

test('answers that do not belong to the tree change nothing', () => {
  const { model, answer } = make({ '/World': ['A'] });
  answer();
  model.apply({ prim_path: '/Elsewhere', children: [row('/Elsewhere/Q')] });
  model.apply({ prim_path: '/World', children: 'no list' });
  assert.deepEqual(paths(model), ['/World', '/World/A']);
  model.apply({ prim_path: '/World', children: [row('/Foreign/Child'), { path: 5 }, null, row('/World/A')] });
  assert.deepEqual(paths(model), ['/World', '/World/A']);
});

test('a request lost with the connection can be made again', () => {
  const { model, asked } = make({});
  assert.equal(asked.length, 1);
  model.load('/World');
  assert.equal(asked.length, 1);
  model.forgetPending();
  model.load('/World');
  assert.equal(asked.length, 2);
});

test('fifty thousand rows are laid out in reasonable time', () => {
  const { model, answer } = make({ '/World': Array.from({ length: 50000 }, (_, i) => `P${i}`) });
  answer();
  const before = performance.now();
  assert.equal(model.rows().length, 50001);
  assert.equal(model.indexOf('/World/P49999'), 50000);
  assert.ok(performance.now() - before < 1000);
});
