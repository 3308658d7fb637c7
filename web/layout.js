// @ts-check
// Panels, drawers, full screen and the page's own keys. Panels lie over the picture and never move it.

import { byId } from './dom.js';

const NARROW = '(max-width: 819px), (max-height: 499px)';
const STORE = 'stagecast.panels';

/** @typedef {'stage' | 'inspector'} PanelName */

export class Layout {
  /** @type {Record<PanelName, { panel: HTMLElement, button: HTMLElement }>} */
  #panels;
  #narrow = matchMedia(NARROW);
  #onOwn;

  /** @param {(active: boolean) => void} onOwn  told false while the pointer is on a panel or a menu */
  constructor(onOwn) {
    this.#onOwn = onOwn;
    this.#panels = {
      stage: { panel: byId('stage-panel'), button: byId('stage-button') },
      inspector: { panel: byId('inspector-panel'), button: byId('inspector-button') },
    };
    const stored = this.#stored();
    for (const name of /** @type {PanelName[]} */ (['stage', 'inspector'])) {
      const { panel, button } = this.#panels[name];
      button.addEventListener('click', () => this.toggle(name));
      panel.querySelector('.panel-close')?.addEventListener('click', () => {
        this.toggle(name, false);
        button.focus();
      });
      this.toggle(name, this.#narrow.matches ? name === 'stage' && innerHeight > innerWidth : stored[name] ?? true, false);
    }
    this.#narrow.addEventListener('change', () => this.#settle());
    for (const surface of document.querySelectorAll('[data-surface]')) {
      for (const type of ['pointerenter', 'pointerdown', 'wheel']) {
        surface.addEventListener(type, () => this.#onOwn(false), { passive: true });
      }
    }
    this.#fullScreen();
    this.#help();
    document.addEventListener('keydown', (e) => this.#key(e));
  }

  /** @returns {Partial<Record<PanelName, boolean>>} */
  #stored() {
    try {
      return JSON.parse(localStorage.getItem(STORE) ?? '{}') ?? {};
    } catch {
      return {};
    }
  }

  /** @param {PanelName} name @param {boolean} [open] @param {boolean} [keep]  remember for the next visit */
  toggle(name, open, keep = true) {
    const { panel, button } = this.#panels[name];
    const show = open ?? panel.hidden;
    panel.hidden = !show;
    button.setAttribute('aria-pressed', String(show));
    if (show && this.#narrow.matches) { // one drawer at a time
      const other = name === 'stage' ? 'inspector' : 'stage';
      if (!this.#panels[other].panel.hidden) this.toggle(other, false, false);
    }
    document.body.classList.toggle('drawer-open', this.#narrow.matches &&
      Object.values(this.#panels).some((p) => !p.panel.hidden));
    if (keep && !this.#narrow.matches) {
      try {
        localStorage.setItem(STORE, JSON.stringify({ stage: !this.#panels.stage.panel.hidden,
          inspector: !this.#panels.inspector.panel.hidden }));
      } catch {
        // storage may be switched off; the panels then open as usual next time
      }
    }
  }

  #settle() {
    const stored = this.#stored();
    this.toggle('inspector', this.#narrow.matches ? false : stored.inspector ?? true, false);
    this.toggle('stage', this.#narrow.matches ? innerHeight > innerWidth : stored.stage ?? true, false);
  }

  #fullScreen() {
    const button = byId('full-button');
    button.hidden = !document.fullscreenEnabled;
    button.addEventListener('click', () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen().catch(() => {});
    });
  }

  #help() {
    const dialog = /** @type {HTMLDialogElement} */ (byId('help'));
    byId('help-button').addEventListener('click', () => dialog.showModal());
    dialog.addEventListener('click', (e) => e.target === dialog && dialog.close());
    byId('help-close').addEventListener('click', () => dialog.close());
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    const typing = e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement;
    if (typing || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === '[') this.toggle('stage');
    else if (e.key === ']') this.toggle('inspector');
    else if (e.key === '?') /** @type {HTMLDialogElement} */ (byId('help')).showModal();
    else return;
    e.preventDefault();
  }
}
