// @ts-check
// The menus of the top bar: what the picture shows, from where, and with which settings.

import { Popover, h } from './dom.js';

/** Names for people; an output the server adds later is shown under its own name. */
const AOV_NAMES = new Map([
  ['LdrColor', ['Colour', 'the finished picture']],
  ['HdrColor', ['HDR colour', 'linear light, tone mapped for display']],
  ['NormalSD', ['Normals', 'which way surfaces face']],
  ['DepthSD', ['Depth', 'near is bright']],
  ['InstanceSegmentationSD', ['Instances', 'one colour per object']],
  ['SemanticSegmentationSD', ['Semantics', 'one colour per label']],
  ['DiffuseAlbedoSD', ['Albedo', 'surface colour without light']],
]);

/** @param {string} aov */
export function aovName(aov) {
  return AOV_NAMES.get(aov)?.[0] ?? aov;
}

/** The output menu. The button always names what the server says is shown. */
export class AovMenu {
  #button;
  #box;
  #bus;
  #popover;
  #active = 'LdrColor';
  /** @type {string[]} */
  #available = ['LdrColor'];

  /**
   * @param {HTMLElement} button @param {HTMLElement} box
   * @param {import('./protocol.js').Bus} bus @param {import('./dom.js').Toasts} toasts
   */
  constructor(button, box, bus, toasts) {
    this.#button = button;
    this.#box = box;
    this.#bus = bus;
    this.#popover = new Popover(button, box, () => this.#draw());
    bus.on('activeAOVState', (p) => {
      if (typeof p.active === 'string') this.#active = p.active;
      if (Array.isArray(p.available)) this.#available = p.available;
      if (p.result === 'error') toasts.show(`${aovName(p.requested ?? 'This output')}: ${p.reason}`, 'error');
      this.#draw();
    });
    bus.on('availableAOVsResult', (p) => {
      this.#available = p.available ?? p.aovs ?? this.#available;
      this.#draw();
    });
    this.#draw();
  }

  #draw() {
    const text = this.#button.querySelector('.label');
    if (text) text.textContent = aovName(this.#active);
    this.#box.replaceChildren(...this.#available.map((aov) => h('button', {
      class: 'item', role: 'menuitemradio', 'aria-checked': String(aov === this.#active), 'data-aov': aov,
      onclick: () => {
        this.#bus.send('changeAOVRequest', { aov });
        this.#popover.close();
      },
    }, h('span', { class: 'item-name' }, aovName(aov)), h('span', { class: 'item-note' }, AOV_NAMES.get(aov)?.[1] ?? ''))));
  }
}

const PRESETS = [['three_quarter', 'Three-quarter'], ['front', 'Front'], ['back', 'Back'], ['left', 'Left'],
  ['right', 'Right'], ['top', 'Top'], ['bottom', 'Bottom']];

/** Standard views and the scene's own cameras. */
export class CameraMenu {
  #box;
  #bus;
  #popover;
  /** @type {{ path: string, name: string }[]} */
  #cameras = [];
  #active = '__orbit__';

  /** @param {HTMLElement} button @param {HTMLElement} box @param {import('./protocol.js').Bus} bus */
  constructor(button, box, bus) {
    this.#box = box;
    this.#bus = bus;
    this.#popover = new Popover(button, box, () => this.#draw());
    bus.on('camera_list', (p) => {
      this.#cameras = Array.isArray(p.cameras) ? p.cameras.filter((c) => typeof c?.path === 'string') : [];
      if (p.activeCamera) this.#active = p.activeCamera;
    });
    bus.on('camera_changed', (p) => {
      if (p.activeCamera) this.#active = p.activeCamera;
    });
    bus.on('cameraStateChanged', (p) => {
      if (p.activeCamera) this.#active = p.activeCamera;
    });
  }

  /** @param {string} name @param {() => void} action @param {boolean} [current] @param {string} [hint] */
  #item(name, action, current = false, hint = '') {
    return h('button', { class: 'item', role: 'menuitem', 'aria-current': current ? 'true' : undefined, onclick: () => {
      action();
      this.#popover.close();
    } }, h('span', { class: 'item-name' }, name), hint && h('kbd', {}, hint));
  }

  #draw() {
    const command = (/** @type {Record<string, any>} */ p) => () => this.#bus.send('cameraCommandRequest', p);
    this.#box.replaceChildren(
      this.#item('Frame all', () => this.#bus.send('fitCameraRequest'), false, 'F'),
      this.#item('Reset view', command({ command: 'reset' }), false, 'R'),
      h('p', { class: 'menu-title' }, 'Look from'),
      h('div', { class: 'grid' }, ...PRESETS.map(([preset, name]) => this.#item(name, command({ command: 'view', preset })))),
      ...(this.#cameras.length > 0 ? [h('p', { class: 'menu-title' }, 'Cameras of the scene')] : []),
      ...this.#cameras.map((c, i) => this.#item(c.name || c.path,
        () => this.#bus.send('set_camera', { path: c.path }), c.path === this.#active, i < 9 ? String(i + 1) : '')));
  }
}

/** Controls for what the server says can be set, and nothing else. */
export class RenderSettings {
  #box;
  #button;
  #bus;
  /** @type {Record<string, any>} */
  #settings = {};
  /** @type {Record<string, any>[]} */
  #capabilities = [];
  #dragging = false;

  /**
   * @param {HTMLElement} button @param {HTMLElement} box
   * @param {import('./protocol.js').Bus} bus @param {import('./dom.js').Toasts} toasts
   */
  constructor(button, box, bus, toasts) {
    this.#box = box;
    this.#button = button;
    this.#bus = bus;
    button.hidden = true;
    new Popover(button, box, () => this.#draw());
    box.addEventListener('pointerdown', () => { this.#dragging = true; });
    box.addEventListener('pointerup', () => {
      this.#dragging = false;
      this.#draw();
    });
    bus.on('renderSettingsChanged', (p) => {
      if (p.settings && typeof p.settings === 'object') this.#settings = p.settings;
      if (Array.isArray(p.capabilities) && (p.capabilities.length > 0 || p.result === 'success')) {
        this.#capabilities = p.capabilities.filter((c) => c?.validated === true && c.applies_at !== 'unsupported');
      }
      if (p.result === 'error' && p.message) toasts.show(String(p.message), 'error');
      this.#button.hidden = this.#capabilities.length === 0;
      if (!this.#dragging && !this.#box.contains(document.activeElement)) this.#draw();
      else this.#refresh();
    });
  }

  #draw() {
    this.#box.replaceChildren(...this.#capabilities.map((c) => {
      const value = this.#settings[c.key] ?? c.default;
      return h('label', { class: 'field', 'data-key': c.key },
        h('span', { class: 'field-name' }, c.label ?? c.key,
          c.control === 'slider' && h('output', {}, shown(value, c.unit))), this.#control(c, value));
    }));
  }

  /** New values into controls that are in use, without rebuilding them. */
  #refresh() {
    for (const field of this.#box.querySelectorAll('[data-key]')) {
      const c = this.#capabilities.find((x) => x.key === field.getAttribute('data-key'));
      const output = field.querySelector('output');
      if (c && output) output.textContent = shown(this.#settings[c.key] ?? c.default, c.unit);
    }
  }

  /** @param {Record<string, any>} c @param {any} value */
  #control(c, value) {
    const set = (/** @type {any} */ v) => this.#bus.send('setRenderSettingRequest', { key: c.key, value: v });
    if (c.control === 'select') {
      return h('select', { onchange: (/** @type {any} */ e) => set(e.target.value) }, ...(c.options ?? []).map(
        (/** @type {any} */ o) => h('option', { value: o.value ?? o, selected: (o.value ?? o) === value }, o.label ?? o.value ?? o)));
    }
    if (c.control === 'toggle') {
      return h('input', { type: 'checkbox', class: 'toggle', checked: value === true,
        onchange: (/** @type {any} */ e) => set(e.target.checked) });
    }
    const type = c.control === 'slider' ? 'range' : 'number';
    return h('input', { type, min: c.min, max: c.max, step: c.step ?? 'any', value,
      [type === 'range' ? 'oninput' : 'onchange']: (/** @type {any} */ e) => {
        const n = Number(e.target.value);
        if (Number.isFinite(n)) set(n);
      } });
  }
}

/** @param {any} value @param {string} [unit] */
function shown(value, unit) {
  return `${typeof value === 'number' ? Number(value.toFixed(2)) : value ?? ''}${unit ? ` ${unit}` : ''}`;
}
