// @ts-check
// What the viewer really gets: measured from the browser's own WebRTC statistics, once a second.

import { formatBitrate, formatCount } from './format.js';

/**
 * @typedef {{ fps: number, width: number, height: number, bitrate: number, rttMs: number | null,
 *             bufferMs: number | null, decodeMs: number | null, lost: number, frames: number, codec: string }} Sample
 * rttMs: round trip to the server; bufferMs, decodeMs: mean per frame over the last second
 */

/** Turns two successive statistics reports into rates. */
export class StatsMeter {
  /** @type {Record<string, any> | null} */
  #last = null;

  /** @param {{ forEach(f: (entry: any) => void): void }} report @returns {Sample | null} */
  read(report) {
    /** @type {any} */ let video = null;
    /** @type {any} */ let pair = null;
    /** @type {Map<string, any>} */ const byId = new Map();
    report.forEach((entry) => {
      byId.set(entry.id, entry);
      if (entry.type === 'inbound-rtp' && entry.kind === 'video') video = entry;
      if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') pair = entry;
    });
    if (!video) return null;
    const last = this.#last ?? video;
    this.#last = video;
    const seconds = (video.timestamp - last.timestamp) / 1000;
    const per = (/** @type {string} */ total, /** @type {string} */ count) => {
      const n = (video[count] ?? 0) - (last[count] ?? 0);
      return n > 0 ? 1000 * ((video[total] ?? 0) - (last[total] ?? 0)) / n : null;
    };
    return {
      fps: seconds > 0 ? (video.framesDecoded - last.framesDecoded) / seconds : 0,
      width: video.frameWidth ?? 0,
      height: video.frameHeight ?? 0,
      bitrate: seconds > 0 ? 8 * (video.bytesReceived - last.bytesReceived) / seconds : 0,
      rttMs: Number.isFinite(pair?.currentRoundTripTime) ? 1000 * pair.currentRoundTripTime : null,
      bufferMs: per('jitterBufferDelay', 'jitterBufferEmittedCount'),
      decodeMs: per('totalDecodeTime', 'framesDecoded'),
      lost: Math.max(0, video.packetsLost ?? 0),
      frames: video.framesDecoded ?? 0,
      codec: String(byId.get(video.codecId)?.mimeType ?? '').replace('video/', ''),
    };
  }

  /** Start afresh after a reconnect. */
  reset() {
    this.#last = null;
  }
}

/** The line at the bottom of the page. */
export class StatusLine {
  #meter = new StatsMeter();
  #timer = 0;
  #slow = 0;
  /** @type {Record<string, HTMLElement>} */
  #cells = {};
  #viewer;
  #bus;

  /**
   * @param {HTMLElement} box  holds elements with data-stat
   * @param {import('./viewer.js').Viewer} viewer
   * @param {import('./protocol.js').Bus} bus
   */
  constructor(box, viewer, bus) {
    this.#viewer = viewer;
    this.#bus = bus;
    for (const cell of box.querySelectorAll('[data-stat]')) {
      if (cell instanceof HTMLElement) this.#cells[cell.dataset.stat ?? ''] = cell;
    }
    bus.on('getStatsResult', (p) => this.#server(p));
    viewer.addEventListener('open', () => this.#meter.reset());
    this.#timer = window.setInterval(() => this.#tick(), 1000);
  }

  close() {
    clearInterval(this.#timer);
  }

  /** @param {string} name @param {string} text */
  #set(name, text) {
    const cell = this.#cells[name];
    if (!cell) return;
    cell.hidden = text === '';
    const value = cell.querySelector('b') ?? cell;
    if (value.textContent !== text) value.textContent = text;
  }

  async #tick() {
    if (document.hidden) return;
    const report = await this.#viewer.stats().catch(() => null);
    const sample = report && this.#meter.read(report);
    if (!sample) {
      for (const name of ['fps', 'latency', 'bitrate', 'size', 'buffer', 'lost']) this.#set(name, '');
      return;
    }
    this.#set('fps', sample.fps < 5 && this.#viewer.health === 'live' ? 'at rest' : `${Math.round(sample.fps)} fps`);
    const delay = (sample.rttMs ?? 0) + (sample.bufferMs ?? 0) + (sample.decodeMs ?? 0);
    this.#set('latency', sample.rttMs === null ? '' : `${Math.max(1, Math.round(delay))} ms`);
    this.#set('bitrate', formatBitrate(sample.bitrate));
    this.#set('size', sample.width ? `${sample.width} × ${sample.height}${sample.codec ? ` ${sample.codec}` : ''}` : '');
    this.#set('buffer', sample.bufferMs === null ? '' : `${Math.round(sample.bufferMs)} ms`);
    this.#set('lost', sample.lost > 0 ? formatCount(sample.lost) : '');
    if (this.#slow++ % 2 === 0) this.#bus.send('getStatsRequest');
  }

  /** @param {Record<string, any>} p */
  #server(p) {
    this.#set('render', Number.isFinite(p.render_ms) ? `${p.render_ms < 10 ? p.render_ms.toFixed(1) : Math.round(p.render_ms)} ms` : '');
    this.#set('samples', Number.isFinite(p.samples) && p.samples > 0 ? formatCount(p.samples) : '');
  }
}
