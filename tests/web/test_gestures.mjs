// What the Input class sends for sequences of DOM events. The few browser objects it touches are stood in for.
import test from 'node:test';
import assert from 'node:assert/strict';

class Element extends EventTarget {
  classList = { add() {}, remove() {} };
  hovered = true;
  focus() { document.activeElement = this; }
  matches() { return this.hovered; }
  setPointerCapture() {}
  closest() { return null; }
}
globalThis.HTMLButtonElement = class extends Element {};
const body = new Element();
globalThis.document = Object.assign(new EventTarget(), { body, activeElement: body, hidden: false });
globalThis.window = new EventTarget();
let frame = null;
globalThis.requestAnimationFrame = (f) => { frame = f; return 1; };
globalThis.cancelAnimationFrame = () => { frame = null; };
const nextFrame = () => { const f = frame; frame = null; f?.(); };

const { Input } = await import('../../web/input.js');

let last = null; // one at a time: all listen on the same window

/** A viewport of 640 x 360 CSS pixels showing a picture of 1280 x 720; what it sends, in words. */
function make() {
  last?.close();
  document.activeElement = body;
  const viewport = new Element();
  const video = { videoWidth: 1280, videoHeight: 720, getBoundingClientRect: () => ({ left: 0, top: 0, width: 640, height: 360 }) };
  const sent = [];
  const owned = [];
  const input = new Input(viewport, video, (bytes) => { sent.push(...words(bytes)); return true; }, (active) => owned.push(active));
  last = input;
  const fire = (type, init = {}, target = viewport) => {
    const e = new Event(type, { cancelable: true });
    for (const [k, v] of Object.entries({ pointerType: 'mouse', pointerId: 1, button: -1, buttons: 0, clientX: 0, clientY: 0,
      width: 1, height: 1, deltaX: 0, deltaY: 0, deltaMode: 0, key: '', code: '', ...init })) e[k] = v;
    target.dispatchEvent(e);
    return e;
  };
  const take = () => sent.splice(0);
  return { input, fire, take, owned, viewport };
}

function words(bytes) {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = [];
  for (let at = 0; at < v.byteLength; at += v.getUint8(at + 1)) {
    const x = () => `${v.getFloat32(at + 12, true)},${v.getFloat32(at + 16, true)}`;
    out.push({
      1: () => `move ${x()}`,
      2: () => `${v.getUint8(at + 21) ? 'press' : 'release'} ${v.getUint8(at + 20)} ${x()}`,
      3: () => `wheel ${v.getFloat32(at + 24, true)}`,
      4: () => `${v.getUint8(at + 20) ? 'down' : 'up'} ${v.getUint32(at + 12, true).toString(16)}`,
      5: () => `touch ${Array.from({ length: v.getUint8(at + 12) }, (_, i) =>
        `${v.getUint32(at + 16 + 28 * i, true)}:${['', 'down', 'up', 'move', 'cancel'][v.getUint8(at + 20 + 28 * i)]}`).join(' ')}`,
    }[v.getUint8(at)]());
  }
  return out;
}

test('a drag: moves of one frame become one, presses and releases go at once and in order', () => {
  const { fire, take } = make();
  fire('pointerdown', { button: 0, buttons: 1, clientX: 100, clientY: 50 });
  assert.deepEqual(take(), ['press 1 200,100']);
  for (const x of [101, 102, 103]) fire('pointermove', { buttons: 1, clientX: x, clientY: 50 });
  assert.deepEqual(take(), []);
  nextFrame();
  assert.deepEqual(take(), ['move 206,100']);
  fire('pointermove', { buttons: 1, clientX: 110, clientY: 50 });
  fire('pointerup', { button: 0, clientX: 110, clientY: 50 });
  assert.deepEqual(take(), ['move 220,100', 'release 1 220,100']);
});

test('a second button arrives as a move and is told apart', () => {
  const { fire, take } = make();
  fire('pointerdown', { button: 0, buttons: 1, clientX: 10, clientY: 10 });
  fire('pointermove', { button: 2, buttons: 3, clientX: 10, clientY: 10 });
  fire('pointermove', { button: 2, buttons: 1, clientX: 10, clientY: 10 });
  fire('pointerup', { button: 0, clientX: 10, clientY: 10 });
  assert.deepEqual(take(), ['press 1 20,20', 'press 3 20,20', 'release 3 20,20', 'release 1 20,20']);
});

test('presses and wheel turns on the bars are nobody\'s; a drag may leave the picture', () => {
  const { fire, take } = make();
  fire('pointerdown', { button: 0, buttons: 1, clientX: 700, clientY: 50 });
  fire('pointerup', { button: 0, clientX: 700, clientY: 50 });
  fire('wheel', { deltaY: 100, clientX: 700, clientY: 50 });
  fire('pointermove', { clientX: 700, clientY: 50 });
  nextFrame();
  assert.deepEqual(take(), []);
  fire('pointerdown', { button: 0, buttons: 1, clientX: 600, clientY: 50 });
  fire('pointermove', { buttons: 1, clientX: 700, clientY: 50 });
  fire('pointerup', { button: 0, clientX: 700, clientY: 50 });
  assert.deepEqual(take(), ['press 1 1200,100', 'move 1400,100', 'release 1 1400,100']);
});

test('everything held is let go when the window loses the focus', () => {
  const { fire, take } = make();
  fire('pointerdown', { button: 1, buttons: 4, clientX: 5, clientY: 5 });
  fire('keydown', { key: 'w', code: 'KeyW' }, window);
  fire('pointerdown', { pointerType: 'touch', pointerId: 7, button: 0, clientX: 20, clientY: 20 });
  take();
  fire('blur', {}, window);
  assert.deepEqual(take(), ['release 2 10,10', 'up 57', 'touch 7:cancel']);
  fire('pointerup', { button: 1, clientX: 5, clientY: 5 });
  fire('keyup', { key: 'w', code: 'KeyW' }, window);
  assert.deepEqual(take(), [], 'nothing is released twice');
});

test('ownership: the mouse gives it back on leaving, unless it drags; a finger does not', () => {
  const { fire, owned, viewport } = make();
  fire('pointerenter');
  fire('pointerdown', { button: 0, buttons: 1, clientX: 5, clientY: 5 });
  fire('pointerleave');
  assert.deepEqual(owned, [true, true]);
  viewport.hovered = false;
  fire('pointerup', { button: 0, clientX: 900, clientY: 5 });
  assert.deepEqual(owned, [true, true, false]);
  owned.length = 0;
  fire('pointerdown', { pointerType: 'touch', pointerId: 3, button: 0, clientX: 20, clientY: 20 });
  fire('pointerup', { pointerType: 'touch', pointerId: 3, button: 0, clientX: 20, clientY: 20 });
  fire('pointerleave', { pointerType: 'touch', pointerId: 3 });
  assert.deepEqual(owned, [true]);
});

test('two fingers: every record names both, and the last one ends the gesture', () => {
  const { fire, take } = make();
  const touch = (type, pointerId, clientX) => fire(type, { pointerType: 'touch', pointerId, button: 0, clientX, clientY: 20 });
  touch('pointerdown', 3, 20);
  touch('pointerdown', 4, 60);
  touch('pointermove', 3, 25);
  touch('pointermove', 4, 65);
  nextFrame();
  touch('pointerup', 3, 25);
  touch('pointerup', 4, 65);
  assert.deepEqual(take(), ['touch 3:down', 'touch 3:move 4:down', 'touch 3:move 4:move', 'touch 3:up 4:move', 'touch 4:up']);
});

test('keys: the browser keeps its own, text fields theirs, buttons their Enter', () => {
  const { fire, take } = make();
  fire('keydown', { key: 'f', code: 'KeyF' }, window);
  fire('keyup', { key: 'f', code: 'KeyF' }, window);
  assert.deepEqual(take(), ['down 46', 'up 46']);
  for (const init of [{ key: 'Tab', code: 'Tab' }, { key: 'r', code: 'KeyR', ctrlKey: true }, { key: 'F5', code: 'F5' },
    { key: 'f', code: 'KeyF', isComposing: true }]) fire('keydown', init, window);
  document.activeElement = new HTMLButtonElement();
  fire('keydown', { key: 'Enter', code: 'Enter' }, window);
  assert.deepEqual(take(), []);
  fire('keydown', { key: 'r', code: 'KeyR' }, window);
  assert.deepEqual(take(), ['down 52']);
  document.activeElement = new Element(); // a text field, a list, the tree
  fire('keydown', { key: 'f', code: 'KeyF' }, window);
  assert.deepEqual(take(), []);
});

test('after close nothing is sent any more', () => {
  const { input, fire, take } = make();
  fire('pointerdown', { button: 0, buttons: 1, clientX: 5, clientY: 5 });
  input.close();
  assert.deepEqual(take(), ['press 1 10,10', 'release 1 10,10']);
  fire('pointerdown', { button: 0, buttons: 1, clientX: 5, clientY: 5 });
  fire('keydown', { key: 'f', code: 'KeyF' }, window);
  assert.deepEqual(take(), []);
});
