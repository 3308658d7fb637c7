// @ts-check
// One WebRTC session: offer, answer, two data channels, one video track. Built anew for every attempt.

import { signalingUrl } from './settings.js';

const SIGNALING_TIMEOUT_MS = 10000;
const GREETING_TIMEOUT_MS = 2000; // older servers do not greet
const GATHERING_MS = 2000;
const MEDIA_TIMEOUT_MS = 15000;
const MAX_QUEUED_BYTES = 1 << 20; // input beyond this is dropped: the network stands still anyway

/** @param {unknown} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}

/** A failure in words for the person at the screen. */
export class SessionError extends Error {}

/** Events: 'track' (detail: MediaStream), 'open', 'message' (detail: data), 'lost' (detail: reason). */
export class Session extends EventTarget {
  #abort = new AbortController();
  /** @type {RTCPeerConnection} */
  #pc;
  /** @type {WebSocket | null} */
  #socket = null;
  #messages;
  #input;
  #whepResource = '';
  #settings;
  #closed = false;

  /** @param {import('./settings.js').StreamSettings} settings */
  constructor(settings) {
    super();
    this.#settings = settings;
    this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: settings.iceServers });
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(e: any) => void} */ f) =>
      target.addEventListener(type, f, { signal: this.#abort.signal });
    this.#messages = this.#pc.createDataChannel('messages', { ordered: true });
    this.#input = this.#pc.createDataChannel('input', { ordered: true });
    this.#messages.binaryType = this.#input.binaryType = 'arraybuffer';
    on(this.#messages, 'open', () => this.#emit('open'));
    on(this.#messages, 'message', (e) => this.#emit('message', e.data));
    on(this.#messages, 'close', () => this.#emit('lost', 'The server closed the connection.'));
    on(this.#pc, 'track', (e) => {
      if (e.track.kind === 'video') this.#emit('track', new MediaStream([e.track]));
    });
    on(this.#pc, 'connectionstatechange', () => {
      if (this.#pc.connectionState === 'failed') this.#emit('lost', 'The network path to the server was lost.');
    });
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) {
    if (!this.#closed) this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * Exchange offer and answer, then wait until media can flow.
   *
   * @returns {Promise<void>} rejects with a SessionError that says what went wrong
   */
  async connect() {
    // The WebSocket first; WHEP where something between us and the server does not let WebSockets through.
    const iceServers = await this.#openSocket();
    if (this.#closed) return;
    const offer = await this.#offer(iceServers ?? []);
    if (this.#closed) return;
    const answer = iceServers ? await this.#askSocket(offer) : await this.#askWhep(offer);
    if (this.#closed) return;
    try {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw new SessionError(`The server's answer was not understood (${String(error)}).`);
    }
    await this.#mediaUp();
  }

  /** @returns {Promise<RTCIceServer[] | null>} what the server's greeting names; null when no socket could be opened */
  #openSocket() {
    return new Promise((resolve) => {
      const { signal } = this.#abort;
      let socket;
      try {
        socket = new WebSocket(signalingUrl(this.#settings, 'ws', '/ws'));
      } catch {
        return resolve(null); // a port or host that the browser or the page's policy does not allow
      }
      this.#socket = socket;
      const finish = (/** @type {RTCIceServer[] | null} */ result) => {
        clearTimeout(timer);
        resolve(result);
      };
      let timer = setTimeout(() => finish(null), SIGNALING_TIMEOUT_MS);
      socket.addEventListener('open', () => {
        clearTimeout(timer);
        timer = setTimeout(() => finish([]), GREETING_TIMEOUT_MS);
      }, { signal });
      socket.addEventListener('message', (e) => {
        const reply = parse(e.data);
        if (reply?.type === 'hello') finish(Array.isArray(reply.iceServers) ? reply.iceServers : []);
        if (reply?.type === 'bye') this.#emit('lost', `The server ended the session: ${reply.reason ?? 'no reason given'}.`);
      }, { signal });
      socket.addEventListener('close', () => finish(null), { signal });
      signal.addEventListener('abort', () => finish(null));
    });
  }

  /** @param {RTCIceServer[]} iceServers */
  async #offer(iceServers) {
    const all = [...this.#settings.iceServers, ...iceServers];
    if (all.length > 0) this.#pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers: all });
    this.#pc.addTransceiver('video', { direction: 'recvonly' });
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    // The server learns a direct path from our first packet. Addresses behind STUN or TURN must be in the offer.
    if (all.length > 0) await this.#gathered();
    return this.#pc.localDescription?.sdp ?? '';
  }

  #gathered() {
    return new Promise((/** @type {(v: void) => void} */ resolve) => {
      if (this.#pc.iceGatheringState === 'complete') return resolve();
      const { signal } = this.#abort;
      setTimeout(resolve, GATHERING_MS);
      signal.addEventListener('abort', () => resolve());
      this.#pc.addEventListener('icegatheringstatechange', () => {
        if (this.#pc.iceGatheringState === 'complete') resolve();
      }, { signal });
    });
  }

  /** @param {string} offer @returns {Promise<string>} */
  #askSocket(offer) {
    return new Promise((resolve, reject) => {
      const { signal } = this.#abort;
      const socket = /** @type {WebSocket} */ (this.#socket);
      const fail = (/** @type {string} */ text) => {
        clearTimeout(timer);
        reject(new SessionError(text));
      };
      const timer = setTimeout(() => fail('The server did not answer the offer.'), SIGNALING_TIMEOUT_MS);
      socket.addEventListener('message', (e) => {
        const reply = parse(e.data);
        if (reply?.type === 'answer' && typeof reply.sdp === 'string') {
          clearTimeout(timer);
          resolve(reply.sdp);
        } else if (reply?.type === 'error') {
          fail(`The server refused the connection: ${reply.message || reply.code}`);
        }
      }, { signal });
      socket.addEventListener('close', () => fail('The server closed the signalling connection.'), { signal });
      signal.addEventListener('abort', () => fail('closed'));
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'offer', sdp: offer }));
      else fail('The server closed the signalling connection.');
    });
  }

  /** @param {string} offer @returns {Promise<string>} */
  async #askWhep(offer) {
    const url = signalingUrl(this.#settings, 'http', '/whep');
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), SIGNALING_TIMEOUT_MS);
    this.#abort.signal.addEventListener('abort', () => late.abort());
    let response;
    try {
      response = await fetch(url, {
        method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer, signal: late.signal,
      });
    } catch {
      throw new SessionError(`No answer on TCP port ${this.#settings.signalingPort} of ${this.#settings.server}. ` +
        'Is the server running, and the port reachable from here?');
    } finally {
      clearTimeout(timer);
    }
    if (response.status !== 201) {
      throw new SessionError(`The server refused the connection (HTTP ${response.status}).`);
    }
    const place = response.headers.get('Location');
    if (place) this.#whepResource = new URL(place, url).href;
    return response.text();
  }

  #mediaUp() {
    return new Promise((/** @type {(v: void) => void} */ resolve, reject) => {
      const { signal } = this.#abort;
      const timer = setTimeout(() => reject(new SessionError(
        'The server answered, but no media arrived: its UDP port is probably blocked.')), MEDIA_TIMEOUT_MS);
      const look = () => {
        if (this.#pc.connectionState === 'connected') {
          clearTimeout(timer);
          resolve();
        } else if (this.#pc.connectionState === 'failed') {
          clearTimeout(timer);
          reject(new SessionError('No network path to the server\'s media port was found (UDP).'));
        }
      };
      this.#pc.addEventListener('connectionstatechange', look, { signal });
      signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); });
      look();
    });
  }

  /** @param {string} text @returns {boolean} */
  sendMessage(text) {
    return this.#sendOn(this.#messages, text);
  }

  /** @param {Uint8Array} bytes @returns {boolean} */
  sendInput(bytes) {
    return this.#sendOn(this.#input, bytes);
  }

  /** @param {RTCDataChannel} channel @param {any} data */
  #sendOn(channel, data) {
    if (channel.readyState !== 'open' || channel.bufferedAmount > MAX_QUEUED_BYTES) return false;
    try {
      channel.send(data);
      return true;
    } catch {
      return false; // closed between the check and the call
    }
  }

  /** @returns {Promise<RTCStatsReport | null>} */
  async stats() {
    return this.#closed ? null : this.#pc.getStats();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#abort.abort();
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send('{"type":"bye"}');
    this.#socket?.close();
    if (this.#whepResource) fetch(this.#whepResource, { method: 'DELETE', keepalive: true }).catch(() => {});
    this.#pc.close();
  }
}
