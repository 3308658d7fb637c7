// @ts-check
// The JSON messages of the "messages" channel: envelope, outer frames, dispatch.

/**
 * @typedef {{ event_type: string, payload: Record<string, any> }} Envelope
 * @typedef {(payload: Record<string, any>) => void} Handler
 */

const MAX_FRAMES = 4; // outer frames to look through, so that a hostile sender cannot make us parse for ever

/** Servers and older clients spell some events differently; one name is used inside the page. */
const ALIASES = new Map([
  ['openedStageResult', 'openStageResult'],
  ['getChildrenResponse', 'getChildrenResult'],
  ['getPropertiesResult', 'getPropertiesResponse'],
]);

/**
 * @param {string} type
 * @param {Record<string, any>} [payload]
 * @returns {string} the bare envelope
 */
export function encode(type, payload = {}) {
  return JSON.stringify({ event_type: type, payload });
}

/**
 * Read one message, framed or bare.
 *
 * @param {unknown} input  text, bytes or an object that was parsed already
 * @returns {Envelope | null} null for anything that is not an application message
 */
export function decode(input) {
  let value = parse(input);
  for (let frame = 0; frame <= MAX_FRAMES; frame++) {
    if (!isObject(value) || value.messageRecipient === 'stream') return null;
    if (typeof value.event_type === 'string' && value.event_type !== '') {
      const type = ALIASES.get(value.event_type) ?? value.event_type;
      return { event_type: type, payload: isObject(value.payload) ? value.payload : {} };
    }
    value = parse(value.data ?? value.message);
  }
  return null;
}

/** @param {unknown} value @returns {any} */
function parse(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    try {
      value = new TextDecoder('utf-8', { fatal: true }).decode(value);
    } catch {
      return null;
    }
  }
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Hands each message to the panels that asked for it. A panel that throws is reported and the others still
 * get theirs. Messages of a stage that is no longer shown are dropped.
 */
export class Bus {
  /** @type {Map<string, Set<Handler>>} */
  #handlers = new Map();
  #generation = -1;
  #send;

  /** @param {(text: string) => boolean} send  false when there is no open channel */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {string} type
   * @param {Handler} handler
   * @returns {() => void} takes the handler away again
   */
  on(type, handler) {
    const set = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, set.add(handler));
    return () => set.delete(handler);
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} [payload]
   * @returns {boolean} false when it could not be sent
   */
  send(type, payload = {}) {
    return this.#send(encode(type, payload));
  }

  /** A new connection may reach a restarted server, which counts stages from the beginning. */
  forget() {
    this.#generation = -1;
  }

  /** @param {unknown} data  as it came from the channel */
  receive(data) {
    const message = decode(data);
    if (!message) return;
    const { event_type: type, payload } = message;
    if (Number.isInteger(payload.stage_generation)) {
      if (payload.stage_generation < this.#generation) return;
      this.#generation = payload.stage_generation;
    }
    for (const handler of this.#handlers.get(type) ?? []) {
      try {
        handler(payload);
      } catch (error) {
        console.error(`handling ${type}:`, error);
      }
    }
  }
}

/** @param {string} path  absolute prim path @returns {string} its parent, '/' at the top */
export function parentPath(path) {
  const cut = path.lastIndexOf('/');
  return cut > 0 ? path.slice(0, cut) : '/';
}

/** @param {string} path @returns {string} the prim's own name */
export function primName(path) {
  return path.slice(path.lastIndexOf('/') + 1) || '/';
}
