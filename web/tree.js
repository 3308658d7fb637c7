// @ts-check
// The stage tree on screen: only the rows in sight are elements. Keyboard and roles follow the ARIA tree pattern.

import { h, icon } from './dom.js';
import { parentPath } from './protocol.js';
import { TreeModel } from './tree-model.js';

const PAGE = 1000; // rows asked for at once
const SPARE = 8; // rows drawn above and below the visible ones
const TYPES = new Set(['xform', 'scope', 'geom', 'light', 'camera', 'material', 'other']);

export class Tree {
  #box;
  #rowsBox;
  #bus;
  #model;
  /** @type {Set<string>} */
  #selected = new Set();
  #cursor = ''; // the row the keyboard is on
  #wanted = ''; // a selected prim whose ancestors are still being loaded
  #typed = '';
  #typedAt = 0;
  #frame = 0;
  #url = '';

  /** @param {HTMLElement} box  scrolls, role=tree @param {import('./protocol.js').Bus} bus */
  constructor(box, bus) {
    this.#box = box;
    this.#bus = bus;
    this.#model = new TreeModel((path, offset) => bus.send('getChildrenRequest', offset > 0
      ? { prim_path: path, offset, limit: PAGE } : { prim_path: path }));
    this.#rowsBox = h('div', { class: 'tree-rows', role: 'presentation' });
    box.append(this.#rowsBox);
    box.addEventListener('scroll', () => this.#schedule(), { passive: true });
    new ResizeObserver(() => this.#schedule()).observe(box);
    box.addEventListener('click', (e) => this.#click(e));
    box.addEventListener('dblclick', (e) => this.#doubleClick(e));
    box.addEventListener('keydown', (e) => this.#key(e));
    bus.on('openStageResult', (p) => p.result === 'success' && this.#stage(String(p.root_prim_path || ''), p.url));
    bus.on('getChildrenResult', (p) => this.#children(p));
    bus.on('stageSelectionChanged', (p) => this.#selection(Array.isArray(p.prims) ? p.prims : []));
  }

  /** A new connection: what was asked for will not be answered any more. */
  reconnected() {
    this.#model.forgetPending();
  }

  /** @param {string} root @param {string} url */
  #stage(root, url) {
    // The same stage again (a reconnect, a variant, a reset): keep what is expanded; its lists are asked for anew.
    if (root !== this.#model.root || url !== this.#url) {
      this.#model.reset(root);
      this.#selected.clear();
      this.#wanted = '';
      this.#cursor = root;
      this.#box.scrollTop = 0;
    }
    this.#url = url;
    this.#schedule();
  }

  /** @param {Record<string, any>} payload */
  #children(payload) {
    if (!this.#model.root && typeof payload.prim_path === 'string') this.#model.reset(payload.prim_path);
    this.#model.apply(payload);
    if (this.#wanted) this.#reveal(this.#wanted);
    this.#schedule();
  }

  /** @param {string[]} prims */
  #selection(prims) {
    this.#selected = new Set(prims);
    this.#wanted = '';
    if (prims.length > 0) this.#reveal(prims[prims.length - 1]);
    this.#schedule();
  }

  /** @param {string} path */
  #reveal(path) {
    this.#wanted = this.#model.reveal(path) ? '' : path;
    if (this.#wanted) return;
    this.#cursor = this.#model.nearest(path) || this.#cursor;
    this.#show(this.#cursor);
  }

  get #rowHeight() {
    return parseFloat(getComputedStyle(this.#box).getPropertyValue('--row')) || 26;
  }

  /** Scroll so that the row is comfortably in sight. @param {string} path */
  #show(path) {
    const at = this.#model.indexOf(path);
    if (at < 0) return;
    const row = this.#rowHeight;
    const top = at * row;
    const { scrollTop, clientHeight } = this.#box;
    this.#rowsBox.style.height = `${this.#model.rows().length * row}px`;
    if (top < scrollTop + row) this.#box.scrollTop = Math.max(0, top - row * 2);
    else if (top + row * 2 > scrollTop + clientHeight) this.#box.scrollTop = top - clientHeight + row * 3;
  }

  #schedule() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
    }
  }

  #draw() {
    const rows = this.#model.rows();
    const height = this.#rowHeight;
    this.#rowsBox.style.height = `${rows.length * height}px`;
    const first = Math.max(0, Math.floor(this.#box.scrollTop / height) - SPARE);
    const last = Math.min(rows.length, Math.ceil((this.#box.scrollTop + this.#box.clientHeight) / height) + SPARE);
    const shown = [];
    for (let i = first; i < last; i++) {
      const element = rows[i].kind === 'more' ? this.#moreRow(rows[i]) : this.#primRow(rows[i]);
      element.style.top = `${i * height}px`;
      shown.push(element);
      if (rows[i].kind === 'more') this.#model.loadMore(rows[i].path);
    }
    this.#rowsBox.replaceChildren(...shown);
    const active = shown.some((e) => e.id === rowId(this.#cursor));
    if (active) this.#box.setAttribute('aria-activedescendant', rowId(this.#cursor));
    else this.#box.removeAttribute('aria-activedescendant');
  }

  /** @param {import('./tree-model.js').Row} row */
  #primRow(row) {
    const node = this.#model.node(row.path);
    if (!node) return h('div');
    const selected = this.#selected.has(row.path);
    const element = h('div', {
      class: `tree-row${selected ? ' selected' : ''}${row.path === this.#cursor ? ' cursor' : ''}`,
      role: 'treeitem', id: rowId(row.path), 'data-path': row.path, title: row.path,
      'aria-level': row.level + 1, 'aria-posinset': row.position, 'aria-setsize': row.siblings,
      'aria-selected': selected, 'aria-expanded': node.expandable ? node.expanded : undefined,
    },
    h('span', { class: `twisty${node.expandable ? '' : ' leaf'}${node.expanded ? ' open' : ''}` }, icon('chevron')),
    h('span', { class: `kind ${TYPES.has(node.type) ? node.type : 'xform'}` },
      icon(TYPES.has(node.type) ? node.type : 'xform')),
    h('span', { class: 'name' }, node.name),
    node.typeName && h('span', { class: 'type-name' }, node.typeName));
    element.style.paddingInlineStart = `${6 + row.level * 14}px`;
    return element;
  }

  /** @param {import('./tree-model.js').Row} row */
  #moreRow(row) {
    const element = h('div', { class: 'tree-row more', role: 'treeitem', 'aria-level': row.level + 1,
      'aria-selected': 'false' }, 'Loading…');
    element.style.paddingInlineStart = `${28 + row.level * 14}px`;
    return element;
  }

  /** @param {Event} e @returns {string} path of the row under the event, '' if none */
  #rowOf(e) {
    const row = e.target instanceof Element ? e.target.closest('.tree-row') : null;
    return row instanceof HTMLElement ? row.dataset.path ?? '' : '';
  }

  /** @param {MouseEvent} e */
  #click(e) {
    const path = this.#rowOf(e);
    if (!path) return;
    this.#cursor = path;
    if (e.target instanceof Element && e.target.closest('.twisty:not(.leaf)')) {
      this.#model.expand(path, !this.#model.node(path)?.expanded);
      this.#schedule();
    } else {
      this.#select(path, e.ctrlKey || e.metaKey);
    }
  }

  /** @param {MouseEvent} e */
  #doubleClick(e) {
    const path = this.#rowOf(e);
    if (path && !(e.target instanceof Element && e.target.closest('.twisty'))) {
      this.#bus.send('fitCameraRequest', { prim_path: path });
    }
  }

  /** The server answers with the selection that then holds; nothing is highlighted before. */
  #select(/** @type {string} */ path, toggle = false) {
    const mode = toggle ? (this.#selected.has(path) ? 'subtract' : 'add') : 'replace';
    this.#bus.send('selectPrimsRequest', { paths: [path], mode });
    this.#schedule();
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    const rows = this.#model.rows();
    const at = this.#model.indexOf(this.#cursor);
    const node = this.#model.node(this.#cursor);
    if (rows.length === 0 || e.altKey || e.metaKey) return;
    const page = Math.max(1, Math.floor(this.#box.clientHeight / this.#rowHeight) - 1);
    const go = (/** @type {number} */ to) => {
      to = Math.max(0, Math.min(rows.length - 1, to));
      if (rows[to].kind === 'more') to = Math.max(0, to - 1);
      this.#cursor = rows[to].path;
      this.#show(this.#cursor);
    };
    switch (e.key) {
      case 'ArrowDown': go(at + 1); break;
      case 'ArrowUp': go(at - 1); break;
      case 'PageDown': go(at + page); break;
      case 'PageUp': go(at - page); break;
      case 'Home': go(0); break;
      case 'End': go(rows.length - 1); break;
      case 'ArrowRight':
        if (node?.expandable && !node.expanded) this.#model.expand(node.path, true);
        else if (node?.children?.length) go(at + 1);
        break;
      case 'ArrowLeft':
        if (node?.expanded) this.#model.expand(node.path, false);
        else if (node && node.path !== this.#model.root) go(this.#model.indexOf(parentPath(node.path)));
        break;
      case 'Enter':
      case ' ':
        if (node) this.#select(node.path, e.ctrlKey);
        break;
      case 'Escape':
        this.#bus.send('selectPrimsRequest', { paths: [] });
        break;
      case 'f':
      case 'F':
        if (performance.now() - this.#typedAt > 700) {
          this.#bus.send('fitCameraRequest', { prim_path: this.#cursor });
          break;
        }
      // falls through: part of a name being typed
      default:
        if (e.key.length !== 1 || e.ctrlKey) return;
        this.#find(e.key, at);
    }
    e.preventDefault();
    this.#schedule();
  }

  /** Typing letters moves to the next row whose name begins with them. @param {string} key @param {number} at */
  #find(key, at) {
    const now = performance.now();
    this.#typed = now - this.#typedAt < 700 ? this.#typed + key.toLowerCase() : key.toLowerCase();
    this.#typedAt = now;
    const rows = this.#model.rows();
    const from = this.#typed.length > 1 ? at : at + 1;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[(from + i + rows.length) % rows.length];
      const node = row.kind === 'prim' ? this.#model.node(row.path) : undefined;
      if (node?.name.toLowerCase().startsWith(this.#typed)) {
        this.#cursor = node.path;
        this.#show(node.path);
        return;
      }
    }
  }
}

/** @param {string} path */
function rowId(path) {
  return `prim:${path}`;
}
