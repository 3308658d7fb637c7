// @ts-check
// Where the stream is. URL parameters win over stream.config.json, which wins over the page's own host.

/**
 * @typedef {{ server: string, signalingPort: number, secure: boolean, width: number, height: number,
 *             iceServers: RTCIceServer[] }} StreamSettings
 */

const DEFAULT_PORT = 49100;

/** @param {unknown} value @returns {number | null} */
function port(value) {
  const n = Number(value);
  return Number.isInteger(n) && n > 0 && n < 65536 ? n : null;
}

/**
 * @param {URLSearchParams} parameters
 * @param {Record<string, any>} config  content of stream.config.json, {} when there is none
 * @param {{ hostname: string, protocol: string }} page
 * @returns {StreamSettings}
 */
export function resolveSettings(parameters, config, page) {
  const size = (/** @type {unknown} */ v) => (Number.isFinite(v) && Number(v) > 0 ? Number(v) : 0);
  return {
    server: parameters.get('server') || config.signalingServer || page.hostname || '127.0.0.1',
    signalingPort: port(parameters.get('signalingport')) ?? port(config.signalingPort) ?? DEFAULT_PORT,
    secure: page.protocol === 'https:',
    width: size(config.width),
    height: size(config.height),
    iceServers: Array.isArray(config.iceServers) ? config.iceServers : [],
  };
}

/** @returns {Promise<StreamSettings>} */
export async function loadSettings() {
  let config = {};
  try {
    const response = await fetch('stream.config.json', { cache: 'no-store' });
    if (response.ok) config = await response.json();
  } catch {
    // served from elsewhere, without the file: defaults and URL parameters are enough
  }
  return resolveSettings(new URLSearchParams(location.search), config ?? {}, location);
}

/** @param {StreamSettings} s @param {string} scheme  'ws' or 'http' @param {string} path */
export function signalingUrl(s, scheme, path) {
  const host = s.server.includes(':') && !s.server.startsWith('[') ? `[${s.server}]` : s.server;
  return `${scheme}${s.secure ? 's' : ''}://${host}:${s.signalingPort}${path}`;
}
