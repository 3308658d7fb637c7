import test from 'node:test';
import assert from 'node:assert/strict';
import { picturePoint, wheelNotches } from '../../web/input.js';

test('letterbox: bars beside or above the picture are taken off', () => {
  const cases = [
    // box, picture, point, expected x, y, inside
    [[0, 0, 1280, 720], [1280, 720], [640, 360], 640, 360, true],
    [[0, 0, 640, 360], [1280, 720], [320, 180], 640, 360, true],
    [[0, 40, 1280, 800], [1280, 720], [0, 80], 0, 0, true], // 40 px above, 40 px bars
    [[0, 40, 1280, 800], [1280, 720], [0, 79], 0, -1, false],
    [[100, 0, 1000, 500], [500, 500], [350, 0], 0, 0, true], // bars left and right
    [[100, 0, 1000, 500], [500, 500], [349, 250], -1, 250, false],
    [[0, 0, 1280, 720], [1280, 720], [1280, 720], 1280, 720, false], // the far edges are outside
    [[0, 0, 390, 219.375], [1280, 720], [389, 219], 1276.72, 718.77, true],
  ];
  for (const [[left, top, width, height], [w, h], [cx, cy], x, y, inside] of cases) {
    const p = picturePoint({ left, top, width, height }, w, h, cx, cy);
    assert.ok(Math.abs(p.x - x) < 0.01 && Math.abs(p.y - y) < 0.01, `${p.x}, ${p.y}`);
    assert.equal(p.inside, inside);
  }
});

test('no picture, no point', () => {
  assert.equal(picturePoint({ left: 0, top: 0, width: 100, height: 100 }, 0, 0, 5, 5), null);
  assert.equal(picturePoint({ left: 0, top: 0, width: 0, height: 0 }, 64, 64, 5, 5), null);
});

test('wheel: one turn of a notch is one notch in every browser, away from the user is positive', () => {
  const cases = [
    [{ deltaX: 0, deltaY: -100, deltaMode: 0, wheelDeltaY: 120 }, 0, 1],
    [{ deltaX: 0, deltaY: -53, deltaMode: 0, wheelDeltaY: 120 }, 0, 1], // a small system line height
    [{ deltaX: 0, deltaY: 3, deltaMode: 1 }, 0, -1],
    [{ deltaX: 0, deltaY: -1, deltaMode: 2 }, 0, 1],
    [{ deltaX: 0, deltaY: 25, deltaMode: 0, wheelDeltaY: -75 }, 0, -0.25], // trackpad
    [{ deltaX: -50, deltaY: 0, deltaMode: 0 }, 0.5, 0],
    [{ deltaX: 0, deltaY: -6, deltaMode: 0, ctrlKey: true }, 0, 0.5], // pinch
    [{ deltaX: 0, deltaY: 1e9, deltaMode: 0 }, 0, -10],
    [{ deltaX: NaN, deltaY: 0, deltaMode: 0 }, 0, 0],
  ];
  for (const [event, x, y] of cases) {
    const n = wheelNotches(event);
    assert.ok(Math.abs(n.x - x) < 1e-9 && Math.abs(n.y - y) < 1e-9, JSON.stringify([event, n]));
  }
});
