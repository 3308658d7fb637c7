// @ts-check
// Pointer, wheel, keyboard and touch of the viewport, turned into records of the "input" channel.

import { InputBatch, MAX_TOUCHES, PHASE, keyCode, modifiers } from './wire.js';

/**
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 * @typedef {{ x: number, y: number, inside: boolean }} PicturePoint
 */

/**
 * Where a point of the page lies in a picture shown with object-fit: contain.
 *
 * @param {Box} box  the video element's box, CSS pixels
 * @param {number} width   picture width in pixels, 0 while unknown
 * @param {number} height
 * @param {number} clientX @param {number} clientY
 * @returns {PicturePoint | null} picture pixels from the top left; null while there is no picture
 */
export function picturePoint(box, width, height, clientX, clientY) {
  if (!(width > 0 && height > 0 && box.width > 0 && box.height > 0)) return null;
  const scale = Math.min(box.width / width, box.height / height);
  const x = (clientX - box.left - (box.width - width * scale) / 2) / scale;
  const y = (clientY - box.top - (box.height - height * scale) / 2) / scale;
  return { x, y, inside: x >= 0 && y >= 0 && x < width && y < height };
}

const PIXELS_PER_NOTCH = 100;
const LINES_PER_NOTCH = 3;
const PINCH_PER_NOTCH = 12; // trackpad pinches arrive as small wheel steps with Ctrl
const MAX_NOTCHES = 10;

/**
 * Wheel travel in notches, positive away from the user, whatever unit the browser reports in.
 *
 * @param {{ deltaX: number, deltaY: number, deltaMode: number, ctrlKey?: boolean, wheelDeltaX?: number,
 *           wheelDeltaY?: number }} e
 * @returns {{ x: number, y: number }}
 */
export function wheelNotches(e) {
  const one = (/** @type {number} */ delta, /** @type {number | undefined} */ wheel) => {
    let notches;
    if (e.deltaMode === 1) notches = -delta / LINES_PER_NOTCH;
    else if (e.deltaMode === 2) notches = -delta;
    else if (wheel && wheel % 120 === 0) notches = wheel / 120; // a mouse wheel, whatever the system's line height
    else notches = -delta / (e.ctrlKey ? PINCH_PER_NOTCH : PIXELS_PER_NOTCH);
    return Math.max(-MAX_NOTCHES, Math.min(MAX_NOTCHES, notches)) || 0;
  };
  return { x: one(e.deltaX, e.wheelDeltaX), y: one(e.deltaY, e.wheelDeltaY) };
}

/** Keys that the page itself, the browser or a screen reader needs. */
function isReserved(/** @type {KeyboardEvent} */ e) {
  return e.code === 'Tab' || e.ctrlKey || e.metaKey || e.altKey || /^F[0-9]+$/.test(e.code);
}

function timeUs(/** @type {Event} */ e) {
  return (performance.timeOrigin + e.timeStamp) * 1000;
}

/** Listens on the viewport until closed. Events of one animation frame travel together; presses go at once. */
export class Input {
  #abort = new AbortController();
  #batch = new InputBatch();
  /** @type {Map<number, PicturePoint>} buttons held, by wire number, with the last known place */
  #buttons = new Map();
  /** @type {Map<string, number>} keys held: KeyboardEvent.code to wire code */
  #keys = new Map();
  /** @type {Map<number, import('./wire.js').TouchPoint>} fingers down, by pointer id */
  #touches = new Map();
  /** @type {{ x: number, y: number, mods: number, at: number } | null} newest move not yet in the batch */
  #move = null;
  #touchMoved = false;
  #frame = 0;
  #viewport;
  #video;
  #send;
  #onOwn;

  /**
   * @param {HTMLElement} viewport
   * @param {HTMLVideoElement} video
   * @param {(bytes: Uint8Array) => boolean} send
   * @param {(active: boolean) => void} onOwn  the viewport gains or loses the pointer (viewer-protocol section 18)
   */
  constructor(viewport, video, send, onOwn) {
    this.#viewport = viewport;
    this.#video = video;
    this.#send = send;
    this.#onOwn = onOwn;
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(e: any) => void} */ f,
      options = {}) => target.addEventListener(type, f, { signal: this.#abort.signal, ...options });
    on(viewport, 'pointerenter', () => this.#onOwn(true));
    // A finger leaves whenever it is lifted; saying so would cancel the pick of the tap.
    on(viewport, 'pointerleave', (e) => e.pointerType !== 'touch' && this.#buttons.size === 0 && this.#onOwn(false));
    on(viewport, 'pointerdown', (e) => this.#pointerDown(e));
    on(viewport, 'pointermove', (e) => this.#pointerMove(e));
    on(viewport, 'pointerup', (e) => this.#pointerUp(e));
    on(viewport, 'pointercancel', (e) => this.#pointerUp(e, true));
    on(viewport, 'wheel', (e) => this.#wheel(e), { passive: false });
    on(viewport, 'blur', () => viewport.classList.remove('by-pointer'));
    on(viewport, 'contextmenu', (e) => e.preventDefault());
    on(viewport, 'auxclick', (e) => e.preventDefault());
    on(window, 'keydown', (e) => this.#keyDown(e));
    on(window, 'keyup', (e) => this.#keyUp(e));
    on(window, 'blur', () => this.releaseAll());
    on(document, 'visibilitychange', () => document.hidden && this.releaseAll());
  }

  close() {
    this.releaseAll();
    this.#abort.abort();
  }

  /** Let go of every button, key and finger, for example when the window loses the focus. */
  releaseAll() {
    const now = (performance.timeOrigin + performance.now()) * 1000;
    this.#takeMove();
    for (const [button, at] of this.#buttons) this.#batch.button(at.x, at.y, button, false, 0, now);
    for (const code of this.#keys.values()) this.#batch.key(code, false, 0, now);
    if (this.#touches.size > 0) {
      this.#batch.touch([...this.#touches.values()].map((p) => ({ ...p, phase: PHASE.CANCEL })), 0, now);
    }
    this.#viewport.classList.remove('dragging');
    this.#buttons.clear();
    this.#keys.clear();
    this.#touches.clear();
    this.#flush();
  }

  /** @param {{ clientX: number, clientY: number }} e */
  #point(e) {
    return picturePoint(this.#video.getBoundingClientRect(), this.#video.videoWidth, this.#video.videoHeight,
      e.clientX, e.clientY);
  }

  /** @param {PointerEvent} e */
  #pointerDown(e) {
    const p = this.#point(e);
    this.#viewport.classList.add('by-pointer'); // no focus ring for a press
    this.#viewport.focus({ preventScroll: true });
    if (!p?.inside) return;
    e.preventDefault();
    this.#onOwn(true);
    try {
      this.#viewport.setPointerCapture(e.pointerId);
    } catch {
      // a pointer that is already gone cannot be captured; its release still comes
    }
    if (e.pointerType === 'touch') {
      if (this.#touches.size < MAX_TOUCHES) this.#finger(e, p, PHASE.DOWN);
      return;
    }
    this.#press(e, p, true);
  }

  /** @param {PointerEvent} e */
  #pointerMove(e) {
    const p = this.#point(e);
    if (!p) return;
    if (e.pointerType === 'touch') {
      const touch = this.#touches.get(e.pointerId);
      if (!touch) return;
      Object.assign(touch, this.#fraction(e, p), { phase: PHASE.MOVE });
      this.#touchMoved = true;
      this.#schedule();
      return;
    }
    // A second button pressed or released while one is held arrives as a move (Pointer Events section 8).
    if (e.button >= 0) {
      this.#press(e, p, (e.buttons & [1, 4, 2, 8, 16][e.button]) !== 0);
      return;
    }
    if (this.#buttons.size === 0 && !p.inside) return;
    for (const at of this.#buttons.values()) {
      Object.assign(at, p);
      this.#viewport.classList.add('dragging');
    }
    this.#move = { x: p.x, y: p.y, mods: modifiers(e), at: timeUs(e) };
    this.#schedule();
  }

  /** @param {PointerEvent} e */
  #pointerUp(e, cancelled = false) {
    if (e.pointerType === 'touch') {
      const p = this.#point(e);
      const touch = this.#touches.get(e.pointerId);
      if (!touch) return;
      this.#finger(e, p ?? { x: 0, y: 0, inside: false }, cancelled ? PHASE.CANCEL : PHASE.UP);
      this.#touches.delete(e.pointerId);
      return;
    }
    if (cancelled) {
      this.releaseAll();
      return;
    }
    const p = this.#point(e);
    if (p) this.#press(e, p, false);
    if (this.#buttons.size === 0 && !this.#viewport.matches(':hover')) this.#onOwn(false);
  }

  /** @param {PointerEvent} e @param {PicturePoint} p @param {boolean} down */
  #press(e, p, down) {
    const button = e.button + 1;
    if (button < 1 || button > 5) return;
    if (down) this.#buttons.set(button, p);
    else if (!this.#buttons.delete(button)) return;
    this.#takeMove();
    this.#batch.button(p.x, p.y, button, down, modifiers(e), timeUs(e));
    this.#flush();
    if (!down) this.#viewport.classList.remove('dragging');
  }

  /** @param {PointerEvent} e @param {PicturePoint} p */
  #fraction(e, p) {
    const { videoWidth: w, videoHeight: h } = this.#video;
    return { id: e.pointerId, x: p.x / w, y: p.y / h, rx: e.width / 2 / w, ry: e.height / 2 / h };
  }

  /** @param {PointerEvent} e @param {PicturePoint} p @param {number} phase */
  #finger(e, p, phase) {
    this.#touches.set(e.pointerId, { ...this.#fraction(e, p), phase });
    // Fingers that rest are reported as moves to where they are, so that every record is complete.
    const points = [...this.#touches.values()].map((t) => (t.id === e.pointerId ? t : { ...t, phase: PHASE.MOVE }));
    this.#batch.touch(points, modifiers(e), timeUs(e));
    this.#touchMoved = false;
    this.#flush();
  }

  /** @param {WheelEvent} e */
  #wheel(e) {
    e.preventDefault(); // neither page zoom nor history swipe
    const p = this.#point(e);
    if (!p?.inside) return;
    const notches = wheelNotches(/** @type {any} */ (e));
    if (notches.x === 0 && notches.y === 0) return;
    this.#onOwn(true);
    this.#takeMove();
    const pinch = e.ctrlKey && e.deltaMode === 0;
    this.#batch.wheel(p.x, p.y, notches.x, notches.y, modifiers(e) & (pinch ? ~2 : ~0), timeUs(e));
    this.#schedule();
  }

  /**
   * Keys belong to the picture when it has the focus or nothing has; letters and digits also while a button has it,
   * which is where the focus stays after a press in a bar or panel.
   *
   * @param {KeyboardEvent} e
   */
  #ownsKey(e) {
    const focused = document.activeElement;
    if (focused === null || focused === document.body || focused === this.#viewport) return true;
    return /^[a-z0-9]$/i.test(e.key) && focused instanceof HTMLButtonElement && !focused.closest('.menu, dialog');
  }

  /** @param {KeyboardEvent} e */
  #keyDown(e) {
    if (!this.#ownsKey(e) || e.isComposing || e.defaultPrevented || isReserved(e)) return;
    const code = keyCode(e);
    if (code === 0) return;
    if (!/^(Shift|Control|Alt|Meta|CapsLock)/.test(e.code)) e.preventDefault();
    this.#onOwn(true);
    this.#keys.set(e.code, code);
    this.#batch.key(code, true, modifiers(e), timeUs(e));
    this.#flush();
  }

  /** @param {KeyboardEvent} e */
  #keyUp(e) {
    const code = this.#keys.get(e.code);
    if (code === undefined) return;
    this.#keys.delete(e.code);
    this.#batch.key(code, false, modifiers(e), timeUs(e));
    this.#flush();
  }

  #takeMove() {
    if (this.#move) this.#batch.move(this.#move.x, this.#move.y, this.#move.mods, this.#move.at);
    this.#move = null;
  }

  #schedule() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    if (this.#frame !== 0) cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#takeMove();
    if (this.#touchMoved) {
      this.#touchMoved = false;
      this.#batch.touch([...this.#touches.values()].map((t) => ({ ...t, phase: PHASE.MOVE })), 0,
        (performance.timeOrigin + performance.now()) * 1000);
    }
    if (!this.#batch.empty) this.#send(this.#batch.take());
  }
}
