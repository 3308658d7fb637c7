// @ts-check
// Wires the parts together. Each part gets what it needs here and knows nothing of the others.

import { Curtain } from './curtain.js';
import { Toasts, byId, icon } from './dom.js';
import { Input } from './input.js';
import { Inspector } from './inspector.js';
import { Layout } from './layout.js';
import { Bus } from './protocol.js';
import { Scenes } from './scenes.js';
import { loadSettings } from './settings.js';
import { StatusLine } from './stats.js';
import { Tree } from './tree.js';
import { AovMenu, CameraMenu, RenderSettings } from './view-menus.js';
import { Viewer } from './viewer.js';

const FIRST_STATE_MS = 3000;

const HEALTH_WORDS = { connecting: 'Connecting', live: 'Live', lagged: 'Waiting', offline: 'Offline', failed: 'Failed' };

/** Codes whose story another message tells in full. */
const TOLD_ELSEWHERE = new Set(['unknown_event']);

for (const holder of document.querySelectorAll('[data-icon]')) {
  holder.prepend(icon(holder.getAttribute('data-icon') ?? ''));
}

const settings = await loadSettings();
const video = /** @type {HTMLVideoElement} */ (byId('video'));
const viewer = new Viewer(settings, video);
const bus = new Bus((text) => viewer.sendMessage(text));
const toasts = new Toasts(byId('toasts'));

/** @type {boolean | null} what the server was told last; it assumes true on every connect */
let owns = null;
function own(/** @type {boolean} */ active) {
  if (owns === active) return;
  if (bus.send('setViewportInputActive', { active })) owns = active;
}

const layout = new Layout(own);
const tree = new Tree(byId('tree'), bus);
new Inspector(byId('inspector'), bus);
new AovMenu(byId('aov-button'), byId('aov-menu'), bus, toasts);
new CameraMenu(byId('camera-button'), byId('camera-menu'), bus);
new RenderSettings(byId('settings-button'), byId('settings-menu'), bus, toasts);
const scenes = new Scenes(byId('scene-button'), byId('scene-menu'), bus);
const status = new StatusLine(byId('status'), viewer, bus);
const curtain = new Curtain(byId('curtain'), bus, {
  retry: () => viewer.retry(),
  chooseScene: () => byId('scene-button').click(),
});
new Input(byId('viewport'), video, (bytes) => viewer.sendInput(bytes), own);

byId('viewport').addEventListener('keydown', (e) => {
  if (e.key === 'Escape') toasts.clear();
});

if (settings.width && settings.height) {
  document.documentElement.style.setProperty('--aspect', String(settings.width / settings.height));
}
video.addEventListener('resize', () => {
  if (video.videoWidth) {
    document.documentElement.style.setProperty('--aspect', String(video.videoWidth / video.videoHeight));
  }
});

viewer.addEventListener('health', (e) => {
  const { state, text } = /** @type {CustomEvent<{ state: keyof typeof HEALTH_WORDS, text: string }>} */ (e).detail;
  document.body.dataset.health = state;
  byId('health').textContent = HEALTH_WORDS[state];
  byId('health').title = text;
  curtain.setHealth({ state, text });
  if (state !== 'live' && state !== 'lagged') tree.reconnected();
});
viewer.addEventListener('message', (e) => bus.receive(/** @type {CustomEvent} */ (e).detail));

let greeted = false;
for (const type of ['loadingStateResponse', 'openStageResult']) bus.on(type, () => { greeted = true; });
viewer.addEventListener('open', () => {
  owns = null;
  greeted = false;
  bus.forget();
  bus.send('listScenesRequest');
  // The server tells its state unasked. Should that be lost, ask; never open a scene without being told to.
  setTimeout(() => {
    if (greeted) return;
    for (const query of ['loadingStateQuery', 'getChildrenRequest', 'getAvailableAOVs', 'getRenderSettingsRequest']) {
      bus.send(query);
    }
  }, FIRST_STATE_MS);
});

bus.on('openStageResult', (p) => {
  if (p.result === 'error') toasts.show(`${p.url ? `${p.url}: ` : ''}${p.error || 'the scene could not be opened'}`, 'error');
});
bus.on('viewerError', (p) => {
  if (TOLD_ELSEWHERE.has(p.code)) console.warn(`server: ${p.code}: ${p.message}`);
  else toasts.show(String(p.message || p.code), 'error');
});

window.addEventListener('pagehide', () => {
  status.close();
  viewer.close();
});

// A page brought back from the history has no connection any more; begin afresh.
window.addEventListener('pageshow', (e) => e.persisted && location.reload());

viewer.start();

// For people who look under the bonnet, and for tests.
Object.assign(window, { stagecast: { viewer, bus, layout, scenes } });
