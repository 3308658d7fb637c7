// @ts-check
// The scenes below the server's asset root: a menu under the name of the one that is open.

import { Popover, h } from './dom.js';

/** @typedef {{ id: string, name: string, url: string }} Scene */

const MANY = 8; // from here on a search field helps

export class Scenes {
  #button;
  #box;
  #bus;
  #popover;
  /** @type {Scene[]} */
  #scenes = [];
  #url = '';
  #filter = '';
  #loaded = false;

  /** @param {HTMLElement} button @param {HTMLElement} box @param {import('./protocol.js').Bus} bus */
  constructor(button, box, bus) {
    this.#button = button;
    this.#box = box;
    this.#bus = bus;
    this.#popover = new Popover(button, box, () => {
      this.#filter = '';
      bus.send('listScenesRequest');
      this.#draw();
    });
    bus.on('listScenesResult', (p) => {
      this.#loaded = true;
      this.#scenes = (Array.isArray(p.scenes) ? p.scenes : []).filter((s) => typeof s?.url === 'string');
      this.#name();
      if (!this.#box.hidden) this.#draw();
    });
    bus.on('openStageResult', (p) => p.result === 'success' && this.#opened(String(p.url)));
    bus.on('loadingStateResponse', (p) => p.loading_state === 'idle' && this.#opened(String(p.url ?? '')));
  }

  /** @param {string} url */
  #opened(url) {
    this.#url = url;
    this.#name();
    if (!this.#loaded) this.#bus.send('listScenesRequest');
  }

  /** @param {Scene} scene */
  #isOpen(scene) {
    return this.#url !== '' && (scene.url === this.#url || scene.id === this.#url ||
      (fileName(scene.url) === fileName(this.#url) && !this.#scenes.some((s) => s.url === this.#url)));
  }

  #name() {
    const text = this.#button.querySelector('.label');
    const known = this.#scenes.find((s) => this.#isOpen(s));
    if (text) text.textContent = known?.name || fileName(this.#url).replace(/\.usd[acz]?$/, '') || 'Open a scene';
  }

  /** @param {string} url */
  open(url) {
    this.#bus.send('openStageRequest', { url });
  }

  #draw() {
    const wanted = this.#filter.toLowerCase();
    const list = this.#scenes.filter((s) => `${s.name} ${s.url}`.toLowerCase().includes(wanted));
    const items = list.slice(0, 300).map((s) => h('button', {
      class: 'item scene', 'aria-current': this.#isOpen(s) ? 'true' : undefined, 'data-url': s.url,
      onclick: () => {
        this.open(s.url);
        this.#popover.close();
      },
    }, h('span', { class: 'item-name' }, s.name || fileName(s.url)), h('span', { class: 'item-note' }, s.url)));
    const rows = h('div', { class: 'scene-list' }, ...items);
    if (items.length === 0) {
      rows.append(h('p', { class: 'empty' }, !this.#loaded ? 'Loading…' : this.#filter ? 'No scene has this in its name.'
        : 'There are no scenes below the asset root.'));
    }
    const old = this.#box.querySelector('.scene-list');
    if (old && this.#box.querySelector('input')) old.replaceWith(rows);
    else {
      const search = h('input', { type: 'search', class: 'search', placeholder: 'Find a scene', 'aria-label': 'Find a scene',
        oninput: (/** @type {any} */ e) => {
          this.#filter = e.target.value;
          this.#draw();
        } });
      this.#box.replaceChildren(...(this.#scenes.length >= MANY ? [search] : []), rows);
    }
  }
}

/** @param {string} url */
function fileName(url) {
  return url.slice(url.lastIndexOf('/') + 1);
}
