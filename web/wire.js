// @ts-check
// Records of the "input" channel (docs/input-wire.md), little-endian, and the key table.

export const RECORD = { MOVE: 1, BUTTON: 2, WHEEL: 3, KEY: 4, TOUCH: 5, TEXT: 7 };
export const PHASE = { DOWN: 1, UP: 2, MOVE: 3, CANCEL: 4 };
export const MAX_TOUCHES = 11;
const HEAD = 12;
const MAX_TEXT = 240;

/**
 * @typedef {{ shiftKey?: boolean, ctrlKey?: boolean, altKey?: boolean, metaKey?: boolean,
 *             getModifierState?: (key: string) => boolean }} ModifierKeys
 * @typedef {{ id: number, phase: number, x: number, y: number, rx?: number, ry?: number }} TouchPoint
 */

/** @param {ModifierKeys} e @returns {number} */
export function modifiers(e) {
  return (e.shiftKey ? 1 : 0) | (e.ctrlKey ? 2 : 0) | (e.altKey ? 4 : 0) | (e.metaKey ? 8 : 0) |
    (e.getModifierState?.('CapsLock') ? 16 : 0);
}

/** Events of one animation frame, back to back, ready to send as one message. */
export class InputBatch {
  #view = new DataView(new ArrayBuffer(4096));
  #size = 0;

  get empty() {
    return this.#size === 0;
  }

  /** @returns {Uint8Array} the records so far; the batch is empty afterwards */
  take() {
    const bytes = new Uint8Array(this.#view.buffer.slice(0, this.#size));
    this.#size = 0;
    return bytes;
  }

  /**
   * @param {number} type
   * @param {number} size  of the whole record
   * @param {number} mods
   * @param {number} timeUs  microseconds of this client's clock, 0 = unknown
   * @returns {number} offset of the record
   */
  #record(type, size, mods, timeUs) {
    const at = this.#size;
    if (at + size > this.#view.byteLength) {
      const bigger = new Uint8Array(Math.max(this.#view.byteLength * 2, at + size));
      bigger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(bigger.buffer);
    }
    new Uint8Array(this.#view.buffer, at, size).fill(0);
    this.#size += size;
    this.#view.setUint8(at, type);
    this.#view.setUint8(at + 1, size > 255 ? 0 : size);
    this.#view.setUint16(at + 2, mods, true);
    this.#view.setBigUint64(at + 4, BigInt(Math.max(0, Math.round(timeUs))), true);
    return at;
  }

  /** @param {number} at @param {number} x @param {number} y */
  #pair(at, x, y) {
    this.#view.setFloat32(at, x, true);
    this.#view.setFloat32(at + 4, y, true);
  }

  /** @param {number} x @param {number} y @param {number} mods @param {number} timeUs */
  move(x, y, mods, timeUs) {
    this.#pair(this.#record(RECORD.MOVE, 20, mods, timeUs) + HEAD, x, y);
  }

  /**
   * @param {number} x @param {number} y
   * @param {number} button  1 left, 2 middle, 3 right, 4, 5
   * @param {boolean} down @param {number} mods @param {number} timeUs
   */
  button(x, y, button, down, mods, timeUs) {
    const at = this.#record(RECORD.BUTTON, 24, mods, timeUs);
    this.#pair(at + HEAD, x, y);
    this.#view.setUint8(at + 20, button);
    this.#view.setUint8(at + 21, down ? 1 : 0);
  }

  /**
   * @param {number} x @param {number} y
   * @param {number} nx @param {number} ny  notches, positive away from the user
   * @param {number} mods @param {number} timeUs
   */
  wheel(x, y, nx, ny, mods, timeUs) {
    const at = this.#record(RECORD.WHEEL, 28, mods, timeUs);
    this.#pair(at + HEAD, x, y);
    this.#pair(at + 20, nx, ny);
  }

  /** @param {number} code @param {boolean} down @param {number} mods @param {number} timeUs */
  key(code, down, mods, timeUs) {
    const at = this.#record(RECORD.KEY, 24, mods, timeUs);
    this.#view.setUint32(at + HEAD, code, true);
    this.#view.setUint8(at + 20, down ? 1 : 0);
  }

  /** @param {TouchPoint[]} points  coordinates 0 to 1 of the picture @param {number} mods @param {number} timeUs */
  touch(points, mods, timeUs) {
    const used = points.slice(0, MAX_TOUCHES);
    if (used.length === 0) return;
    const at = this.#record(RECORD.TOUCH, 16 + 28 * used.length, mods, timeUs);
    this.#view.setUint8(at + HEAD, used.length);
    used.forEach((point, i) => {
      const p = at + 16 + 28 * i;
      this.#view.setUint32(p, point.id >>> 0, true);
      this.#view.setUint8(p + 4, point.phase);
      this.#pair(p + 8, point.x, point.y);
      this.#pair(p + 16, point.rx ?? 0, point.ry ?? 0);
    });
  }

  /** Text that was composed or pasted; cut at a character boundary. @param {string} text @param {number} timeUs */
  text(text, timeUs) {
    const bytes = new Uint8Array(MAX_TEXT);
    const { written = 0 } = new TextEncoder().encodeInto(text, bytes);
    if (written === 0) return;
    const at = this.#record(RECORD.TEXT, HEAD + written, 0, timeUs);
    new Uint8Array(this.#view.buffer, at + HEAD, written).set(bytes.subarray(0, written));
  }
}

/** Keys without a printable character, by KeyboardEvent.code. */
const CODES = new Map(Object.entries({
  Space: 0x20, Backquote: 0xc0, IntlBackslash: 0x5e, IntlYen: 0x5f, IntlRo: 0x62,
  Quote: 0x27, Comma: 0x2c, Minus: 0x2d, Period: 0x2e, Slash: 0x2f, Semicolon: 0x3b, Equal: 0x3d,
  BracketLeft: 0x5b, Backslash: 0x5c, BracketRight: 0x5d,
  Escape: 0x100, Tab: 0x101, Backspace: 0x103, Enter: 0x104, NumpadEnter: 0x105, Insert: 0x106, Delete: 0x107,
  Pause: 0x108, PrintScreen: 0x109,
  Home: 0x200, End: 0x201, ArrowLeft: 0x202, ArrowUp: 0x203, ArrowRight: 0x204, ArrowDown: 0x205,
  PageUp: 0x206, PageDown: 0x207,
  ShiftLeft: 0x302, ShiftRight: 0x303, ControlLeft: 0x305, ControlRight: 0x306, AltLeft: 0x308, AltRight: 0x309,
  MetaLeft: 0x311, MetaRight: 0x312, CapsLock: 0x501, NumLock: 0x502, ScrollLock: 0x503,
  NumpadMultiply: 0xd7, NumpadDivide: 0xf7, NumpadAdd: 0x60a, NumpadSubtract: 0x60b, NumpadDecimal: 0x60c,
}));

/**
 * The wire's key code: letters and digits by what they type (so that F is F on every layout), others by place.
 *
 * @param {{ key: string, code: string }} e
 * @returns {number} 0 for a key the wire has no number for
 */
export function keyCode(e) {
  const numpad = /^Numpad([0-9])$/.exec(e.code);
  if (numpad) return 0x600 + Number(numpad[1]);
  if (/^[a-zA-Z0-9]$/.test(e.key)) return e.key.toUpperCase().charCodeAt(0);
  const fixed = CODES.get(e.code);
  if (fixed !== undefined) return fixed;
  const f = /^F([0-9]{1,2})$/.exec(e.code);
  if (f && Number(f[1]) >= 1 && Number(f[1]) <= 24) return 0x400 + Number(f[1]) - 1;
  const plain = /^(?:Key|Digit)([A-Z0-9])$/.exec(e.code);
  return plain ? plain[1].charCodeAt(0) : 0;
}
