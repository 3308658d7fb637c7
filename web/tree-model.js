// @ts-check
// The stage tree as data: which prims are known, which are open, and the flat list of rows that results.

import { parentPath, primName } from './protocol.js';

/**
 * @typedef {{ path: string, name: string, type: string, typeName: string, level: number, expandable: boolean,
 *             expanded: boolean, children: string[] | null, pending: boolean, omitted: number }} Node
 * children: null until loaded; omitted: how many the server left out of its last answer
 * @typedef {{ kind: 'prim' | 'more', path: string, level: number, position: number, siblings: number }} Row
 * kind 'more' stands for children of `path` that are not loaded yet
 */

/** No DOM in here. After every change `rows()` is the new list; rebuilt on demand, 10,000s of rows are fine. */
export class TreeModel {
  /** @type {Map<string, Node>} */
  #nodes = new Map();
  #root = '';
  /** @type {Row[] | null} */
  #rows = null;
  /** @type {Map<string, number>} row number by path, for rows() */
  #index = new Map();
  /** Asked of the owner: children of a prim from an offset on. @type {(path: string, offset: number) => void} */
  #request;

  /** @param {(path: string, offset: number) => void} request */
  constructor(request) {
    this.#request = request;
  }

  get root() {
    return this.#root;
  }

  /** Forget everything and begin at `root`, which is shown open. @param {string} root */
  reset(root) {
    this.#nodes.clear();
    this.#rows = null;
    this.#root = root;
    if (root === '') return;
    this.#add(root, { name: primName(root), type: 'xform', expandable: true }, 0);
    const node = this.#nodes.get(root);
    if (node) node.expanded = true;
  }

  /** @param {string} path */
  node(path) {
    return this.#nodes.get(path);
  }

  /** @param {string} path @param {Partial<Node>} facts @param {number} level */
  #add(path, facts, level) {
    const old = this.#nodes.get(path);
    this.#nodes.set(path, {
      path, level, name: facts.name ?? primName(path), type: facts.type ?? 'xform', typeName: facts.typeName ?? '',
      expandable: facts.expandable ?? false, expanded: (old?.expanded && facts.expandable) ?? false,
      children: old?.children ?? null, pending: false, omitted: old?.omitted ?? 0,
    });
  }

  /**
   * Take a getChildrenResult. An answer for a prim that is not in the tree is ignored.
   *
   * @param {Record<string, any>} payload
   */
  apply(payload) {
    const parent = this.#nodes.get(payload.prim_path);
    if (!parent || !Array.isArray(payload.children)) return;
    this.#rows = null;
    parent.pending = false;
    const offset = Number.isInteger(payload.offset) && payload.offset > 0 ? payload.offset : 0;
    const kept = offset > 0 ? (parent.children ?? []).slice(0, offset) : [];
    const gone = new Set(offset > 0 ? [] : parent.children ?? []);
    for (const row of payload.children) {
      if (typeof row?.path !== 'string' || parentPath(row.path) !== parent.path) continue;
      this.#add(row.path, {
        name: typeof row.name === 'string' ? row.name : undefined,
        type: typeof row.type === 'string' ? row.type : undefined,
        typeName: typeof row.typeName === 'string' ? row.typeName : '',
        expandable: Boolean(row.hasChildren ?? row.has_children ?? row.children),
      }, parent.level + 1);
      kept.push(row.path);
      gone.delete(row.path);
    }
    for (const path of gone) this.#forget(path);
    parent.children = kept;
    parent.omitted = Number.isInteger(payload.total_count)
      ? Math.max(0, payload.total_count - kept.length)
      : payload.truncated ? Math.max(1, payload.omitted_count || 1) : 0;
    parent.expandable = kept.length > 0 || parent.omitted > 0;
    // A refreshed list may hold prims that were open: their children may have changed as well.
    for (const path of kept) {
      const child = this.#nodes.get(path);
      if (child?.expanded && child.children !== null && offset === 0) this.load(path, true);
    }
  }

  /** @param {string} path */
  #forget(path) {
    for (const child of this.#nodes.get(path)?.children ?? []) this.#forget(child);
    this.#nodes.delete(path);
  }

  /** Ask for children that are not known yet. @param {string} path */
  load(path, again = false) {
    const node = this.#nodes.get(path);
    if (!node || node.pending || !node.expandable || (node.children !== null && !again)) return;
    node.pending = true;
    this.#request(path, 0);
  }

  /** Ask for the next part of a list that came in parts. @param {string} path */
  loadMore(path) {
    const node = this.#nodes.get(path);
    if (!node || node.pending || node.omitted === 0 || node.children === null) return;
    node.pending = true;
    this.#request(path, node.children.length);
  }

  /** Requests in flight died with the connection; ask again when needed. */
  forgetPending() {
    for (const node of this.#nodes.values()) node.pending = false;
  }

  /** @param {string} path @param {boolean} open */
  expand(path, open) {
    const node = this.#nodes.get(path);
    if (!node || !node.expandable || node.expanded === open) return;
    node.expanded = open;
    this.#rows = null;
    if (open) this.load(path);
  }

  /**
   * Open every ancestor of `path` that is known; call again after each apply() until it returns true.
   *
   * @param {string} path
   * @returns {boolean} the prim has a row now, or cannot get one
   */
  reveal(path) {
    if (this.#nodes.has(path)) {
      for (let p = parentPath(path); this.#nodes.has(p); p = parentPath(p)) {
        this.expand(p, true);
        if (p === this.#root || p === '/') break;
      }
      return true;
    }
    let known = parentPath(path);
    while (!this.#nodes.has(known) && known !== '/') known = parentPath(known);
    const node = this.#nodes.get(known);
    if (!node || !node.expandable) return true;
    this.expand(known, true);
    if (node.children === null) this.load(known);
    else if (node.omitted > 0) this.loadMore(known);
    else return true; // loaded completely and it is not there: inside an instance, or gone
    return false;
  }

  /** The nearest prim at or above `path` that has a node. @param {string} path @returns {string} '' if none */
  nearest(path) {
    for (let p = path; ; p = parentPath(p)) {
      if (this.#nodes.has(p)) return p;
      if (p === '/') return '';
    }
  }

  /** @returns {Row[]} */
  rows() {
    if (this.#rows) return this.#rows;
    /** @type {Row[]} */
    const rows = [];
    this.#index.clear();
    const visit = (/** @type {string} */ path, /** @type {number} */ position, /** @type {number} */ siblings) => {
      const node = this.#nodes.get(path);
      if (!node) return;
      this.#index.set(path, rows.length);
      rows.push({ kind: 'prim', path, level: node.level, position, siblings });
      if (!node.expanded) return;
      const count = (node.children?.length ?? 0) + node.omitted;
      node.children?.forEach((child, i) => visit(child, i + 1, count));
      if (node.omitted > 0 || (node.pending && node.children === null)) {
        rows.push({ kind: 'more', path, level: node.level + 1, position: (node.children?.length ?? 0) + 1, siblings: count });
      }
    };
    if (this.#root) visit(this.#root, 1, 1);
    this.#rows = rows;
    return rows;
  }

  /** @param {string} path @returns {number} row number, -1 when it has none */
  indexOf(path) {
    this.rows();
    return this.#index.get(path) ?? -1;
  }
}
