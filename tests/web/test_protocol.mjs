import test from 'node:test';
import assert from 'node:assert/strict';
import { Bus, decode, encode, parentPath, primName } from '../../web/protocol.js';
import { resolveSettings, signalingUrl } from '../../web/settings.js';

const bare = '{"event_type":"a","payload":{"x":1}}';

test('all framings of one message read the same', () => {
  const expected = { event_type: 'a', payload: { x: 1 } };
  const framed = (recipient, data) => JSON.stringify({ messageType: 'json', messageRecipient: recipient, data });
  const cases = [bare, framed('app', bare), framed('kit', bare), framed('app', JSON.parse(bare)), JSON.parse(bare),
    new TextEncoder().encode(bare), new TextEncoder().encode(bare).buffer, JSON.stringify({ message: bare })];
  for (const input of cases) assert.deepEqual(decode(input), expected);
});

test('what is not an application message is nothing', () => {
  let deep = bare;
  for (let i = 0; i < 6; i++) deep = JSON.stringify({ data: deep });
  const cases = ['', '{', '[]', '7', 'null', '{}', '{"event_type":5}', '{"event_type":""}', deep, null, undefined, 4,
    JSON.stringify({ messageRecipient: 'stream', data: bare }), new Uint8Array([0xff, 0xfe])];
  for (const input of cases) assert.equal(decode(input), null, String(input));
});

test('a payload that is not an object counts as empty; other spellings of events are understood', () => {
  for (const payload of [null, 3, 'x', [1]]) {
    assert.deepEqual(decode({ event_type: 'a', payload }).payload, {});
  }
  assert.equal(decode({ event_type: 'openedStageResult' }).event_type, 'openStageResult');
  assert.equal(decode({ event_type: 'getChildrenResponse' }).event_type, 'getChildrenResult');
  assert.equal(encode('q'), '{"event_type":"q","payload":{}}');
});

test('a handler that throws does not keep a message from the others, and one taken away gets nothing', () => {
  const bus = new Bus(() => true);
  const seen = [];
  const { error } = console;
  console.error = () => {};
  try {
    bus.on('a', () => { throw new Error('broken panel'); });
    const off = bus.on('a', () => seen.push('off'));
    bus.on('a', (p) => seen.push(p.x));
    off();
    bus.receive(bare);
  } finally {
    console.error = error;
  }
  assert.deepEqual(seen, [1]);
});

test('messages of an older stage are dropped until the next connection', () => {
  const bus = new Bus(() => true);
  const seen = [];
  bus.on('a', (p) => seen.push(p.stage_generation));
  const send = (n) => bus.receive({ event_type: 'a', payload: n === undefined ? {} : { stage_generation: n } });
  [3, 2, undefined, 4, 3].forEach(send);
  bus.forget();
  send(1);
  assert.deepEqual(seen, [3, undefined, 4, 1]);
});

test('paths', () => {
  for (const [path, parent, name] of [['/World/A', '/World', 'A'], ['/World', '/', 'World'], ['/', '/', '/']]) {
    assert.equal(parentPath(path), parent);
    assert.equal(primName(path), name);
  }
});

test('settings: URL, then file, then the page, then 49100', () => {
  const page = { hostname: 'render.example', protocol: 'https:' };
  const of = (query, config) => resolveSettings(new URLSearchParams(query), config, page);
  assert.deepEqual([of('', {}).server, of('', {}).signalingPort, of('', {}).secure], ['render.example', 49100, true]);
  assert.equal(of('', { signalingPort: 5000 }).signalingPort, 5000);
  assert.equal(of('signalingport=6000&server=a.b', { signalingPort: 5000 }).signalingPort, 6000);
  assert.equal(of('server=a.b', { signalingServer: 'c.d' }).server, 'a.b');
  for (const bad of ['0', '70000', 'x', '-1', '1.5']) assert.equal(of(`signalingport=${bad}`, {}).signalingPort, 49100);
  assert.equal(signalingUrl(of('server=::1', {}), 'ws', '/ws'), 'wss://[::1]:49100/ws');
  assert.equal(signalingUrl({ ...of('', {}), secure: false }, 'http', '/whep'), 'http://render.example:49100/whep');
});
