// @ts-check
// Keeps one session alive: connects, watches that frames really arrive, tries again, gives up politely.

import { Session, SessionError } from './session.js';

/**
 * connecting: no picture yet · live: frames advance · lagged: connected, no new frame for 2 s ·
 * offline: lost, will try again · failed: attempts used up
 * @typedef {'connecting' | 'live' | 'lagged' | 'offline' | 'failed'} Health
 */

const ATTEMPTS = 5;
const RETRY_MS = 3000;
const LAG_MS = 2000;
const WATCH_MS = 500;

/** Events: 'health' (detail: {state, text, attempt}), 'open', 'message' (detail: data). */
export class Viewer extends EventTarget {
  /** @type {Session | null} */
  #session = null;
  /** @type {Health} */
  #health = 'connecting';
  #text = '';
  #attempt = 0;
  #retryTimer = 0;
  #watchTimer = 0;
  #frames = -1;
  #lastFrameAt = 0;
  #closed = false;
  #settings;
  #video;

  /**
   * @param {import('./settings.js').StreamSettings} settings
   * @param {HTMLVideoElement} video  in the page already
   */
  constructor(settings, video) {
    super();
    this.#settings = settings;
    this.#video = video;
  }

  get health() {
    return this.#health;
  }

  start() {
    this.#watchTimer = window.setInterval(() => this.#watch(), WATCH_MS);
    this.#attempt = 0;
    this.#connect();
  }

  /** Try again at once, from the first attempt. */
  retry() {
    if (this.#closed) return;
    this.#attempt = 0;
    this.#connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    clearInterval(this.#watchTimer);
    this.#drop();
  }

  /** @param {string} text */
  sendMessage(text) {
    return this.#session?.sendMessage(text) ?? false;
  }

  /** @param {Uint8Array} bytes */
  sendInput(bytes) {
    return this.#session?.sendInput(bytes) ?? false;
  }

  async stats() {
    return (await this.#session?.stats()) ?? null;
  }

  #drop() {
    const session = this.#session;
    this.#session = null;
    session?.close();
  }

  async #connect() {
    clearTimeout(this.#retryTimer);
    this.#drop();
    this.#attempt++;
    this.#say('connecting', this.#attempt > 1 ? `Reconnecting, attempt ${this.#attempt} of ${ATTEMPTS}` : 'Connecting');
    let session;
    try {
      session = new Session(this.#settings);
    } catch {
      this.#say('failed', 'This browser does not offer WebRTC, which carries the picture.');
      return;
    }
    this.#session = session;
    this.#frames = this.#video.getVideoPlaybackQuality().totalVideoFrames; // of the last session, until the new track
    session.addEventListener('track', (e) => {
      this.#video.srcObject = /** @type {CustomEvent} */ (e).detail;
      this.#video.play().catch(() => {}); // refused while the page is in the background; it plays when shown
    });
    session.addEventListener('open', () => this.dispatchEvent(new Event('open')));
    session.addEventListener('message', (e) => {
      this.dispatchEvent(new CustomEvent('message', { detail: /** @type {CustomEvent} */ (e).detail }));
    });
    session.addEventListener('lost', (e) => this.#lost(session, /** @type {CustomEvent} */ (e).detail));
    try {
      await session.connect();
      if (this.#session !== session) return;
      this.#lastFrameAt = performance.now();
      if (this.#health === 'connecting') this.#say('connecting', 'Waiting for the first picture');
    } catch (error) {
      this.#lost(session, error instanceof SessionError ? error.message : 'The connection could not be made.');
    }
  }

  /** @param {Session} session @param {string} reason */
  #lost(session, reason) {
    if (this.#closed || this.#session !== session) return;
    this.#drop();
    if (this.#attempt >= ATTEMPTS) {
      this.#say('failed', reason);
      return;
    }
    this.#say('offline', reason);
    this.#retryTimer = window.setTimeout(() => this.#connect(), RETRY_MS);
  }

  #watch() {
    if (!this.#session || this.#health === 'offline' || this.#health === 'failed') return;
    const frames = this.#video.getVideoPlaybackQuality().totalVideoFrames;
    const now = performance.now();
    if (frames > 0 && frames !== this.#frames && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#frames = frames;
      this.#lastFrameAt = now;
      this.#attempt = 0; // a working session earns a full set of attempts
      this.#say('live', 'Live');
    } else if (document.hidden) {
      this.#lastFrameAt = now; // browsers stop counting frames of hidden pages
    } else if (this.#health === 'live' && now - this.#lastFrameAt > LAG_MS) {
      this.#say('lagged', 'No new picture for a while');
    }
  }

  /** @param {Health} state @param {string} text */
  #say(state, text) {
    if (this.#health === state && this.#text === text) return;
    this.#health = state;
    this.#text = text;
    this.dispatchEvent(new CustomEvent('health', { detail: { state, text, attempt: this.#attempt } }));
  }
}
