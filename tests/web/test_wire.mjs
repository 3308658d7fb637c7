import test from 'node:test';
import assert from 'node:assert/strict';
import { InputBatch, PHASE, RECORD, keyCode, modifiers } from '../../web/wire.js';

/** @param {Uint8Array} bytes */
function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

test('every record has the size and the head of docs/input-wire.md', () => {
  const cases = [
    [RECORD.MOVE, 20, (b) => b.move(1, 2, 5, 77)],
    [RECORD.BUTTON, 24, (b) => b.button(1, 2, 3, true, 5, 77)],
    [RECORD.WHEEL, 28, (b) => b.wheel(1, 2, 0, -1, 5, 77)],
    [RECORD.KEY, 24, (b) => b.key(0x46, true, 5, 77)],
    [RECORD.TOUCH, 16 + 28, (b) => b.touch([{ id: 9, phase: PHASE.DOWN, x: 0.5, y: 0.25 }], 5, 77)],
  ];
  for (const [type, size, write] of cases) {
    const batch = new InputBatch();
    write(batch);
    const bytes = batch.take();
    assert.equal(bytes.length, size);
    const v = view(bytes);
    assert.equal(v.getUint8(0), type);
    assert.equal(v.getUint8(1), size);
    assert.equal(v.getUint16(2, true), 5);
    assert.equal(v.getBigUint64(4, true), 77n);
    assert.ok(batch.empty);
  }
});

test('fields lie where the table says', () => {
  const batch = new InputBatch();
  batch.button(12.5, -3, 2, false, 0, 0);
  batch.wheel(7, 8, 0.25, -2, 0, 0);
  batch.key(0x205, true, 0, 0);
  const v = view(batch.take());
  assert.deepEqual([v.getFloat32(12, true), v.getFloat32(16, true), v.getUint8(20), v.getUint8(21), v.getUint16(22, true)],
    [12.5, -3, 2, 0, 0]);
  assert.deepEqual([24 + 12, 24 + 16, 24 + 20, 24 + 24].map((o) => v.getFloat32(o, true)), [7, 8, 0.25, -2]);
  assert.deepEqual([v.getUint32(52 + 12, true), v.getUint32(52 + 16, true), v.getUint8(52 + 20)], [0x205, 0, 1]);
});

test('touch: nine points and more have size byte 0, and more than eleven are cut', () => {
  for (const [given, kept, sizeByte] of [[1, 1, 44], [8, 8, 240], [9, 9, 0], [11, 11, 0], [14, 11, 0]]) {
    const batch = new InputBatch();
    batch.touch(Array.from({ length: given }, (_, id) => ({ id, phase: PHASE.MOVE, x: id / 16, y: 0.5, rx: 0.01, ry: 0.02 })), 0, 0);
    const bytes = batch.take();
    const v = view(bytes);
    assert.equal(bytes.length, 16 + 28 * kept);
    assert.equal(v.getUint8(1), sizeByte);
    assert.equal(v.getUint8(12), kept);
    const last = 16 + 28 * (kept - 1);
    assert.equal(v.getUint32(last, true), kept - 1);
    assert.equal(v.getUint8(last + 4), PHASE.MOVE);
    assert.equal(v.getFloat32(last + 8, true), (kept - 1) / 16);
    assert.equal(v.getFloat32(last + 12, true), 0.5);
  }
  const none = new InputBatch();
  none.touch([], 0, 0);
  assert.ok(none.empty);
});

test('text is cut at a character, never inside one', () => {
  const batch = new InputBatch();
  batch.text('ä'.repeat(200), 0);
  const bytes = batch.take();
  assert.equal(bytes.length, 12 + 240);
  assert.equal(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(12)), 'ä'.repeat(120));
});

test('a batch grows past its first buffer and keeps what it holds', () => {
  const batch = new InputBatch();
  for (let i = 0; i < 1000; i++) batch.move(i, -i, 0, i);
  const v = view(batch.take());
  assert.equal(v.byteLength, 20000);
  for (const i of [0, 204, 205, 999]) assert.equal(v.getFloat32(i * 20 + 12, true), i);
});

test('key codes: letters by what they type, others by place', () => {
  const cases = [
    [{ key: 'f', code: 'KeyF' }, 0x46], [{ key: 'F', code: 'KeyF' }, 0x46], [{ key: 'a', code: 'KeyQ' }, 0x41],
    [{ key: '!', code: 'Digit1' }, 0x31], [{ key: '1', code: 'Numpad1' }, 0x601], [{ key: ' ', code: 'Space' }, 0x20],
    [{ key: 'Escape', code: 'Escape' }, 0x100], [{ key: 'Home', code: 'Home' }, 0x200], [{ key: 'ArrowDown', code: 'ArrowDown' }, 0x205],
    [{ key: 'F1', code: 'F1' }, 0x400], [{ key: 'F24', code: 'F24' }, 0x417], [{ key: 'Meta', code: 'MetaLeft' }, 0x311],
    [{ key: 'ф', code: 'KeyA' }, 0x41], [{ key: 'AudioVolumeUp', code: 'AudioVolumeUp' }, 0],
  ];
  for (const [event, code] of cases) assert.equal(keyCode(event), code, event.code);
});

test('modifier bits', () => {
  assert.equal(modifiers({ shiftKey: true }), 1);
  assert.equal(modifiers({ ctrlKey: true, altKey: true }), 6);
  assert.equal(modifiers({ metaKey: true, getModifierState: (k) => k === 'CapsLock' }), 24);
});
