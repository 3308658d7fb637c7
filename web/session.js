// @ts-check
// One WebRTC session: offer, answer, two data channels, one video track. Built anew for every attempt.

import { signalingUrl } from './settings.js';

const SIGNALING_TIMEOUT_MS = 10000;
const MEDIA_TIMEOUT_MS = 15000;
const MAX_QUEUED_BYTES = 1 << 20; // input beyond this is dropped: the network stands still anyway

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
    this.#pc.addTransceiver('video', { direction: 'recvonly' });
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    if (this.#closed) return;
    const sdp = this.#pc.localDescription?.sdp ?? '';
    const answer = await this.#signal(sdp);
    if (this.#closed) return;
    try {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw new SessionError(`The server's answer was not understood (${String(error)}).`);
    }
    await this.#mediaUp();
  }

  /** The WebSocket first; WHEP where something between us and the server does not let WebSockets through. */
  async #signal(/** @type {string} */ offer) {
    try {
      return await this.#signalSocket(offer);
    } catch (error) {
      if (error instanceof SessionError || this.#closed) throw error;
      return this.#signalWhep(offer);
    }
  }

  /** @param {string} offer @returns {Promise<string>} */
  #signalSocket(offer) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(signalingUrl(this.#settings, 'ws', '/ws'));
      this.#socket = socket;
      const signal = this.#abort.signal;
      const timer = setTimeout(() => reject(new Error('timeout')), SIGNALING_TIMEOUT_MS);
      signal.addEventListener('abort', () => { clearTimeout(timer); reject(new Error('closed')); });
      socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'offer', sdp: offer })), { signal });
      socket.addEventListener('message', (e) => {
        let reply;
        try {
          reply = JSON.parse(e.data);
        } catch {
          return;
        }
        if (reply.type === 'answer' && typeof reply.sdp === 'string') {
          clearTimeout(timer);
          resolve(reply.sdp);
        } else if (reply.type === 'error') {
          clearTimeout(timer);
          reject(new SessionError(`The server refused the connection: ${reply.message || reply.code}`));
        }
      }, { signal });
      socket.addEventListener('close', () => { clearTimeout(timer); reject(new Error('closed')); }, { signal });
    });
  }

  /** @param {string} offer @returns {Promise<string>} */
  async #signalWhep(offer) {
    const url = signalingUrl(this.#settings, 'http', '/whep');
    const late = setTimeout(() => this.#abort.abort(), SIGNALING_TIMEOUT_MS);
    let response;
    try {
      response = await fetch(url, {
        method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer, signal: this.#abort.signal,
      });
    } catch {
      throw new SessionError(`No answer on TCP port ${this.#settings.signalingPort} of ${this.#settings.server}. ` +
        'Is the server running, and the port reachable from here?');
    } finally {
      clearTimeout(late);
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
    this.#socket?.close();
    if (this.#whepResource) fetch(this.#whepResource, { method: 'DELETE', keepalive: true }).catch(() => {});
    this.#pc.close();
  }
}
