// @ts-check
// What lies over the picture while there is none, or while something is going on: connecting, loading, lost.

import { h, icon } from './dom.js';

/** The server's activity words for people. */
const ACTIVITIES = new Map([
  ['resolving_asset', 'Finding the scene'],
  ['loading_stage', 'Reading the scene'],
  ['compiling_shaders', 'Preparing the renderer'],
]);

export class Curtain {
  #box;
  #retry;
  #chooseScene;
  /** @type {import('./viewer.js').Health} */
  #health = 'connecting';
  #text = 'Connecting';
  #seenPicture = false;
  /** @type {{ amount: number, text: string } | null} */
  #loading = null;
  #noStage = false;
  #shown = '';

  /**
   * @param {HTMLElement} box
   * @param {import('./protocol.js').Bus} bus
   * @param {{ retry: () => void, chooseScene: () => void }} actions
   */
  constructor(box, bus, actions) {
    this.#box = box;
    this.#retry = actions.retry;
    this.#chooseScene = actions.chooseScene;
    bus.on('updateProgressAmount', (p) => this.#progress(Number(p.amount ?? p.progress), null));
    bus.on('updateProgressActivity', (p) => {
      const activity = String(p.activity ?? p.text ?? '');
      if (activity !== 'ready') this.#progress(null, ACTIVITIES.get(activity) ?? activity);
      else this.#finished(); // a change of variant ends with this, an open with its result
    });
    bus.on('getVariantsResponse', () => this.#finished());
    bus.on('loadingStateResponse', (p) => {
      if (p.loading_state === 'busy') this.#progress(Number(p.progress ?? 0), null);
      else this.#loading = null;
      this.#noStage = p.loading_state === 'idle' && !p.url;
      this.#draw();
    });
    bus.on('openStageResult', (p) => {
      if (p.result === 'success') this.#noStage = false;
      this.#finished();
    });
    this.#draw();
  }

  /** @param {{ state: import('./viewer.js').Health, text: string }} health */
  setHealth({ state, text }) {
    this.#health = state;
    this.#text = text;
    if (state === 'live') this.#seenPicture = true;
    if (state === 'offline' || state === 'failed') this.#loading = null; // told anew after the reconnect
    this.#draw();
  }

  /** @param {number | null} amount @param {string | null} text */
  #progress(amount, text) {
    if (amount === 1) return this.#finished();
    this.#loading ??= { amount: 0, text: 'Opening the scene' };
    if (amount !== null && Number.isFinite(amount)) this.#loading.amount = Math.max(0, Math.min(1, amount));
    if (text) this.#loading.text = text;
    this.#draw();
  }

  #finished() {
    this.#loading = null;
    this.#draw();
  }

  #draw() {
    const state = this.#state();
    const kind = state?.kind ?? '';
    if (kind !== this.#shown) {
      this.#box.replaceChildren(...(state ? [this.#card(state)] : []));
      this.#box.dataset.kind = kind;
      this.#shown = kind;
    }
    if (!state) return;
    const title = this.#box.querySelector('.curtain-title');
    const detail = this.#box.querySelector('.curtain-detail');
    if (title) title.textContent = state.title;
    if (detail) detail.textContent = state.detail;
    const bar = this.#box.querySelector('progress');
    if (bar && this.#loading) bar.value = this.#loading.amount;
  }

  /** @returns {{ kind: string, title: string, detail: string } | null} */
  #state() {
    if (this.#health === 'failed') {
      return { kind: 'failed', title: 'The connection could not be made', detail: this.#text };
    }
    if (this.#health === 'offline' || (this.#health === 'connecting' && this.#seenPicture)) {
      return { kind: 'offline', title: 'Reconnecting', detail: this.#text };
    }
    if (this.#loading) return { kind: 'loading', title: this.#loading.text, detail: '' };
    if (this.#noStage && this.#health === 'live') {
      return { kind: 'empty', title: 'No scene is open', detail: 'Choose one of the scenes the server offers.' };
    }
    if (this.#health === 'lagged') return { kind: 'lagged', title: 'Waiting for the picture', detail: '' };
    if (!this.#seenPicture) return { kind: 'connecting', title: this.#text, detail: '' };
    return null;
  }

  /** @param {{ kind: string }} state */
  #card({ kind }) {
    const button = (/** @type {string} */ text, /** @type {() => void} */ action) =>
      h('button', { class: 'button primary', onclick: action }, text);
    return h('div', { class: 'curtain-card' },
      kind === 'failed' ? icon('close') : kind === 'empty' ? icon('scene') : h('span', { class: 'pulse', 'aria-hidden': 'true' }),
      h('p', { class: 'curtain-title' }),
      h('p', { class: 'curtain-detail' }),
      kind === 'loading' && h('progress', { max: 1, value: 0, 'aria-label': 'Loading progress' }),
      kind === 'failed' && button('Try again', this.#retry),
      kind === 'empty' && button('Choose a scene', this.#chooseScene));
  }
}
