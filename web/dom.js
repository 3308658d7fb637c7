// @ts-check
// Small helpers for building elements. Text goes in as text, never as markup.

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]  'on…' names are listeners, `class` and the rest are attributes
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** @template {HTMLElement} T @param {string} id @returns {T} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return /** @type {T} */ (element);
}

const SVG = 'http://www.w3.org/2000/svg';

/** Outlines on a 16 x 16 grid, 1.4 wide, drawn in the text's colour. */
const ICONS = {
  xform: 'M8 2.2 13 5v6l-5 2.8L3 11V5zM3.2 5.1 8 7.8l4.8-2.7M8 7.8v5.8',
  scope: 'M2.5 4.5h4l1.4 1.6h5.6v6.4h-11z',
  geom: 'M3 12.5 8 3l5 9.5zM5.6 7.6l4.9 4.9M10.4 7.6l-4.9 4.9',
  light: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.6v1.5M8 12.9v1.5M1.6 8h1.5M12.9 8h1.5M3.5 3.5l1 1M11.5 11.5l1 1M12.5 3.5l-1 1M4.5 11.5l-1 1',
  camera: 'M2 5h7.5v6H2zM9.5 7.2 14 4.8v6.4L9.5 8.8',
  material: 'M8 2.4a5.6 5.6 0 1 1 0 11.2A5.6 5.6 0 0 1 8 2.4M8 2.4c-3.4 3.2-3.4 8 0 11.2',
  other: 'M8 5.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2',
  chevron: 'M6 3.8 10.2 8 6 12.2',
  down: 'M3.8 6 8 10.2 12.2 6',
  close: 'M4 4l8 8M12 4l-8 8',
  frame: 'M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3M6 8h4M8 6v4',
  tree: 'M3 2.5v9.5h3.5M3 6.5h3.5M8.5 4.8h5v3.4h-5zM8.5 10.2h5v3.4h-5z',
  inspector: 'M2.5 4.5h5M11 4.5h2.5M2.5 11.5h2M8 11.5h5.5M9.2 2.8v3.4M6.2 9.8v3.4',
  panel: 'M2.5 3h11v10h-11zM9.2 3v10M11 5.6h.9M11 8h.9',
  layers: 'M8 2.4 14 5.6 8 8.8 2 5.6zM2.6 8.4 8 11.2l5.4-2.8M2.6 11 8 13.8l5.4-2.8',
  full: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  help: 'M5.6 6.2a2.4 2.4 0 1 1 3.5 2.1C8.3 8.8 8 9.2 8 10M8 12.4v.2',
  scene: 'M2.5 12.5v-9h4l1.4 1.6h5.6v7.4zM2.5 7.4h11',
  reset: 'M3 8a5 5 0 1 0 1.6-3.7M3 2.6v2.9h2.9',
  copy: 'M5.5 5.5h7.5v7.5H5.5zM3 10.5V3h7.5',
};

/** @param {string} name @returns {SVGSVGElement} hidden from assistive technology */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[/** @type {keyof typeof ICONS} */ (name)] ?? ICONS.other);
  svg.append(path);
  return svg;
}

/**
 * A button that opens a box; closed by Escape, a press elsewhere, or the focus leaving.
 * Arrow keys walk through the buttons inside.
 */
export class Popover {
  #button;
  #box;

  /** @param {HTMLElement} button @param {HTMLElement} box @param {() => void} [onOpen] */
  constructor(button, box, onOpen) {
    this.#button = button;
    this.#box = box;
    button.setAttribute('aria-expanded', 'false');
    button.setAttribute('aria-controls', box.id);
    button.addEventListener('click', () => {
      if (!box.hidden) return this.close();
      onOpen?.();
      this.open();
    });
    document.addEventListener('pointerdown', (e) => {
      if (!box.hidden && e.target instanceof Node && !box.contains(e.target) && !button.contains(e.target)) {
        this.close(false);
      }
    });
    box.addEventListener('focusout', (e) => {
      if (e.relatedTarget instanceof Node && !box.contains(e.relatedTarget) && e.relatedTarget !== button) {
        this.close(false);
      }
    });
    box.addEventListener('keydown', (e) => this.#keys(e));
    button.addEventListener('keydown', (e) => {
      if (e.key === 'ArrowDown' && box.hidden) {
        e.preventDefault();
        button.click();
      }
    });
  }

  open() {
    this.#box.hidden = false;
    this.#button.setAttribute('aria-expanded', 'true');
    const start = this.#box.querySelector('[aria-checked=true], [aria-current=true]') ??
      this.#box.querySelector('button, input, select');
    if (start instanceof HTMLElement) start.focus();
  }

  close(giveFocusBack = true) {
    if (this.#box.hidden) return;
    this.#box.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
    if (giveFocusBack) this.#button.focus();
  }

  /** @param {KeyboardEvent} e */
  #keys(e) {
    if (e.key === 'Escape') {
      e.stopPropagation();
      this.close();
      return;
    }
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
    const items = [...this.#box.querySelectorAll('button:not([disabled])')];
    const at = items.indexOf(/** @type {Element} */ (e.target));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    const item = items[(to + items.length) % items.length];
    if (item instanceof HTMLElement) item.focus();
  }
}

/** Short notes at the edge of the picture; errors stay longer and are announced at once. */
export class Toasts {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  clear() {
    this.#box.replaceChildren();
  }

  /** @param {string} text @param {'error' | 'info'} [kind] */
  show(text, kind = 'info') {
    for (const old of this.#box.children) {
      if (old.querySelector('.toast-text')?.textContent === text) old.remove();
    }
    while (this.#box.children.length >= 3) this.#box.firstElementChild?.remove();
    const toast = h('div', { class: `toast ${kind}`, role: kind === 'error' ? 'alert' : 'status' },
      h('span', { class: 'toast-text' }, text),
      h('button', { class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => toast.remove() }, icon('close')));
    this.#box.append(toast);
    setTimeout(() => toast.remove(), kind === 'error' ? 9000 : 3500);
  }
}
