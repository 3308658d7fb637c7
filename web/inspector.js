// @ts-check
// What is selected, in detail: variants to switch, transform, attributes. Without a selection: the scene itself.

import { h, icon } from './dom.js';
import { colourOf, formatCount, formatNumber, formatValue, label } from './format.js';
import { primName } from './protocol.js';

/** Properties with a place of their own, or of no interest next to it. */
const ELSEWHERE = new Set(['typeName', 'kind', 'xformOpOrder', 'variants', 'metadata',
  'bounds', 'worldTransform', 'material:binding', 'extent']);
const MESH_DATA = new Set(['points', 'normals', 'faceVertexCounts', 'faceVertexIndices']);

export class Inspector {
  #box;
  #bus;
  #path = '';
  #root = '';
  #primCount = 0;
  /** @type {Record<string, any> | null} */
  #properties = null;
  #note = '';
  /** @type {Record<string, { options: string[], selection: string }>} */
  #variants = {};
  #count = 0; // prims selected
  /** @type {Map<string, boolean>} sections the user opened or closed */
  #open = new Map();

  /** @param {HTMLElement} box @param {import('./protocol.js').Bus} bus */
  constructor(box, bus) {
    this.#box = box;
    this.#bus = bus;
    bus.on('openStageResult', (p) => {
      if (p.result !== 'success') return;
      this.#root = String(p.root_prim_path || '');
      this.#path = '';
      this.#count = 0;
      bus.send('getPrimCountRequest');
      this.#look(this.#root);
    });
    bus.on('getPrimCountResult', (p) => {
      this.#primCount = Number(p.count) || 0;
      this.#draw();
    });
    bus.on('stageSelectionChanged', (p) => {
      const prims = Array.isArray(p.prims) ? p.prims : [];
      this.#count = prims.length;
      this.#look(prims.length > 0 ? prims[prims.length - 1] : this.#root);
    });
    bus.on('getPropertiesResponse', (p) => {
      if (p.prim_path !== this.#path) return; // an answer about what was selected before
      this.#properties = p.error ? null : p.properties ?? {};
      this.#note = p.error ? String(p.error) : p.truncated ? `${p.omitted_count ?? 'Some'} properties not shown` : '';
      this.#draw();
    });
    bus.on('getVariantsResponse', (p) => {
      if (p.prim_path !== this.#path) return;
      this.#variants = p.variants ?? {};
      if (!p.error) bus.send('getPropertiesRequest', { prim_path: this.#path });
      this.#draw();
    });
    this.#draw();
  }

  /** @param {string} path */
  #look(path) {
    if (path === '' || path === '/') {
      this.#path = '';
      this.#properties = null;
      this.#draw();
      return;
    }
    if (path !== this.#path) {
      this.#path = path;
      this.#properties = null;
      this.#variants = {};
      this.#note = '';
      this.#box.scrollTop = 0;
      this.#draw();
    }
    this.#bus.send('getVariantsRequest', { prim_path: path }); // its answer asks for the properties
  }

  #draw() {
    if (this.#path === '') {
      this.#box.replaceChildren(h('p', { class: 'empty' }, this.#root === ''
        ? 'Nothing is open yet.' : 'Click something in the picture or the stage to see its properties.'));
      return;
    }
    this.#box.replaceChildren(this.#head(), ...this.#variantControls(), ...this.#sections());
  }

  #head() {
    const p = this.#properties ?? {};
    const whole = this.#count === 0;
    const facts = [p.typeName || (this.#properties ? 'Prim' : ''), p.kind, p.purpose !== 'default' && p.purpose,
      p.visibility === 'invisible' && 'invisible'].filter(Boolean);
    return h('header', { class: 'inspect-head' },
      h('p', { class: 'eyebrow' }, whole ? 'Scene' : this.#count > 1 ? `Last of ${this.#count} selected` : 'Selected'),
      h('h3', {}, primName(this.#path)),
      h('p', { class: 'path' }, this.#path),
      h('div', { class: 'chips' }, ...facts.map((f) => h('span', { class: 'chip' }, String(f))),
        whole && this.#primCount > 0 && h('span', { class: 'chip' }, `${formatCount(this.#primCount)} prims`)),
      h('div', { class: 'actions' },
        h('button', { class: 'button', onclick: () => this.#bus.send('fitCameraRequest', whole ? {} : { prim_path: this.#path }) },
          icon('frame'), whole ? 'Frame all' : 'Frame'),
        !whole && h('button', { class: 'button quiet', onclick: () => this.#bus.send('selectPrimsRequest', { paths: [] }) },
          'Clear selection')));
  }

  #variantControls() {
    const sets = Object.entries(this.#variants).filter(([, v]) => Array.isArray(v?.options));
    if (sets.length === 0) return [];
    return [h('section', { class: 'variants', 'aria-label': 'Variants' }, ...sets.map(([name, set]) => {
      const choose = (/** @type {string} */ selection) => this.#bus.send('setVariantRequest',
        { prim_path: this.#path, variant_set: name, variant_selection: selection });
      // A few short names are quicker to reach as buttons than in a list.
      const short = set.options.length <= 4 && set.options.join('').length <= 26;
      const control = short
        ? h('div', { class: 'segments', role: 'group', 'aria-label': name }, ...set.options.map((o) => h('button',
          { class: 'segment', 'aria-pressed': String(o === set.selection), onclick: () => choose(o) }, o)))
        : h('select', { 'aria-label': name, onchange: (/** @type {Event} */ e) =>
          choose(/** @type {HTMLSelectElement} */ (e.target).value) },
        ...['', ...set.options].map((o) => h('option', { value: o, selected: o === set.selection }, o || '(none)')));
      return h('div', { class: 'field' }, h('span', { class: 'field-name' }, name), control);
    }))];
  }

  #sections() {
    const p = this.#properties;
    if (!p) return [h('p', { class: 'empty' }, this.#note || 'Loading…')];
    const rows = Object.entries(p).filter(([name]) => !ELSEWHERE.has(name));
    const transform = rows.filter(([name]) => name.startsWith('xformOp:'));
    const inputs = rows.filter(([name]) => name.startsWith('inputs:'));
    const data = rows.filter(([name]) => MESH_DATA.has(name) || name.startsWith('primvars:'));
    const rest = rows.filter((row) => !transform.includes(row) && !inputs.includes(row) && !data.includes(row));
    const look = typeof p['material:binding'] === 'string' && p['material:binding'] !== ''
      ? [['material', p['material:binding']]] : [];
    if (this.#count === 0) { // the whole scene: name, variants and size are enough
      return [h('p', { class: 'empty hint' }, 'Click something in the picture or the stage to see its properties.'),
        this.#section('Bounds', boundsRows(p.bounds), false),
        this.#section('Metadata', Object.entries(p.metadata ?? {}), false)].flatMap((x) => x ?? []);
    }
    return [
      this.#section('Inputs', inputs, true),
      this.#section('Material', look, true),
      this.#section('Transform', transform, true),
      this.#section('Bounds', boundsRows(p.bounds), true),
      this.#section('Attributes', rest, true),
      this.#section('Geometry', data, false),
      this.#section('Metadata', Object.entries(p.metadata ?? {}), false),
      this.#note ? h('p', { class: 'empty' }, this.#note) : null,
    ].flatMap((x) => x ?? []);
  }

  /** @param {string} title @param {any[][]} rows @param {boolean} open */
  #section(title, rows, open) {
    if (rows.length === 0) return null;
    const list = h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', { title: name }, label(name)),
      this.#value(name, value)]));
    const element = h('details', { class: 'section', open: this.#open.get(title) ?? open },
    h('summary', { onclick: () => this.#open.set(title, !/** @type {HTMLDetailsElement} */ (element).open) }, icon('chevron'), title, h('span', { class: 'count' }, String(rows.length))), list);
    return element;
  }

  /** @param {string} name @param {any} value */
  #value(name, value) {
    const targets = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
    if (targets.length > 0 && targets.every((t) => typeof t === 'string' && /^\/[A-Za-z_]/.test(t) && !t.includes('.'))) {
      return h('dd', {}, ...targets.slice(0, 20).map((t) => h('button', {
        class: 'link', title: t, onclick: () => this.#bus.send('selectPrimsRequest', { paths: [t] }) }, primName(t))));
    }
    const text = formatValue(value);
    const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
    const colour = colourOf(name, value);
    if (colour) swatch.style.backgroundColor = colour;
    return h('dd', { title: text.length > 24 ? text : undefined, class: text.includes('\n') ? 'multi' : undefined },
      colour && swatch, text);
  }
}

/** @param {any} bounds @returns {any[][]} */
function boundsRows(bounds) {
  if (!bounds || !Array.isArray(bounds.min) || !Array.isArray(bounds.max)) return [];
  const size = bounds.max.map((/** @type {number} */ v, /** @type {number} */ i) => v - bounds.min[i]);
  const centre = bounds.max.map((/** @type {number} */ v, /** @type {number} */ i) => (v + bounds.min[i]) / 2);
  const show = (/** @type {number[]} */ v) => v.map((x) => formatNumber(Number(x.toFixed(3)))).join('  ');
  return [['size', show(size)], ['centre', show(centre)]];
}
