import test from 'node:test';
import assert from 'node:assert/strict';
import { colourOf, formatBitrate, formatCount, formatNumber, formatValue, label } from '../../web/format.js';
import { StatsMeter } from '../../web/stats.js';

test('values of the encoding table become one readable line', () => {
  const cases = [
    [null, '—'], [true, 'yes'], [0.1 + 0.2, '0.3'], [1e-9, '1.000e-9'], [12345678.5, '1.235e+7'], ['NaN', 'NaN'],
    [[1, 2.5, 3], '1  2.5  3'], [[[1, 0], [0, 1]], '1  0\n0  1'], [{ real: 1, imaginary: [0, 0, 0] }, '1  0  0  0'],
    [{ length: 0, preview: [], truncated: false }, 'empty'],
    [{ length: 5120, preview: [[0, 0, 1]], truncated: true }, '5\u202f120: (0, 0, 1), …'],
    [{ a: 1, b: { c: 'x' } }, 'a: 1\nb: c: x'],
  ];
  for (const [value, text] of cases) assert.equal(formatValue(value), text);
  assert.equal(formatNumber(-0.000123456789), '-0.000123457');
  assert.equal(formatCount(1234567), '1\u202f234\u202f567');
  assert.equal(formatBitrate(5_600_000), '5.6 Mbit/s');
  assert.equal(label('xformOp:rotateXYZ'), 'rotate XYZ');
  assert.equal(label('inputs:diffuseColor'), 'diffuse color');
});

test('only colours get a swatch, encoded for the screen', () => {
  assert.equal(colourOf('inputs:diffuseColor', [1, 0, 0.2140]), 'rgb(255 0 127)');
  assert.equal(colourOf('primvars:displayColor', { length: 1, preview: [[0, 1, 0]] }), 'rgb(0 255 0)');
  assert.equal(colourOf('xformOp:translate', [1, 0, 0]), '');
  assert.equal(colourOf('inputs:diffuseColor', ['NaN', 0, 0]), '');
});

test('statistics become rates over the time between two reports', () => {
  const report = (t, frames, bytes) => new Map([
    ['v', { id: 'v', type: 'inbound-rtp', kind: 'video', timestamp: t, framesDecoded: frames, bytesReceived: bytes, codecId: 'c',
      jitterBufferDelay: frames * 0.01, jitterBufferEmittedCount: frames, totalDecodeTime: frames * 0.002, frameWidth: 1280, frameHeight: 720 }],
    ['c', { id: 'c', type: 'codec', mimeType: 'video/H264' }],
    ['p', { id: 'p', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.004 }],
    ['q', { id: 'q', type: 'candidate-pair', nominated: false, state: 'failed', currentRoundTripTime: 9 }],
  ]);
  const meter = new StatsMeter();
  assert.equal(meter.read(new Map()), null);
  assert.equal(meter.read(report(1000, 10, 1000)).fps, 0);
  const s = meter.read(report(3000, 130, 501000));
  assert.equal(s.fps, 60);
  assert.equal(s.bitrate, 2e6);
  assert.equal(s.rttMs, 4);
  assert.ok(Math.abs(s.bufferMs - 10) < 1e-9 && Math.abs(s.decodeMs - 2) < 1e-9);
  assert.equal(s.codec, 'H264');
});
