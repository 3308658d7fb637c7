// @ts-check
// USD values, as viewer-protocol section 11.2 puts them into JSON, in words and numbers for the inspector.

/** @param {number} n @returns {string} at most six significant digits, no trailing zeros */
export function formatNumber(n) {
  if (Number.isInteger(n)) return String(n);
  const size = Math.abs(n);
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? n.toExponential(3) : String(Number(n.toPrecision(6)));
}

/** @param {any} value @returns {string} one line */
export function formatValue(value) {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    if (Array.isArray(value[0])) return value.map((row) => formatValue(row)).join('\n');
    return value.map(formatValue).join(typeof value[0] === 'number' ? '  ' : ', ');
  }
  if (isSummary(value)) {
    if (value.length === 0) return 'empty';
    const items = value.preview.map((/** @type {any} */ v) => Array.isArray(v) ? `(${v.map(formatValue).join(', ')})` : formatValue(v));
    return `${formatCount(value.length)}: ${items.join(', ')}${value.truncated ? ', …' : ''}`;
  }
  if ('real' in value && Array.isArray(value.imaginary)) return [value.real, ...value.imaginary].map(formatValue).join('  ');
  return Object.entries(value).map(([k, v]) => `${k}: ${formatValue(v)}`).join('\n');
}

/** An array that came as its length and first elements. @param {any} value */
export function isSummary(value) {
  return typeof value === 'object' && value !== null && Number.isInteger(value.length) && Array.isArray(value.preview);
}

/** @param {number} n @returns {string} with thin groups: 12 345 */
export function formatCount(n) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** @param {number} bitsPerSecond */
export function formatBitrate(bitsPerSecond) {
  return bitsPerSecond >= 1e6 ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

/**
 * A linear colour as CSS, for swatches.
 *
 * @param {string} name  property name
 * @param {any} value
 * @returns {string} '' when the property is not a colour
 */
export function colourOf(name, value) {
  const list = isSummary(value) && value.length === 1 ? value.preview[0] : value;
  if (!/colou?r/i.test(name) || !Array.isArray(list) || list.length < 3) return '';
  const parts = list.slice(0, 3).map((v) => {
    if (typeof v !== 'number') return NaN;
    const c = Math.max(0, Math.min(1, v));
    return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
  });
  return parts.some(Number.isNaN) ? '' : `rgb(${parts.join(' ')})`;
}

/** 'xformOp:translate' to 'translate', 'inputs:diffuseColor' to 'diffuse color'. @param {string} name */
export function label(name) {
  const bare = name.replace(/^(xformOp|inputs|primvars|outputs|material|info):/, '');
  return bare.replace(/([a-z])([A-Z]+)/g, (_, a, b) => `${a} ${b.length > 1 ? b : b.toLowerCase()}`).replace(/[_]/g, ' ');
}
