// Runs in the page before its own scripts: a stand-in for the server, for working on the page's looks alone.
// It answers from a small made-up stage and draws a moving picture. Not part of the product, not used by the tests.

(() => {
  const stage = {
    '/World': ['xform', 'Xform', ['Court', 'Sculpture', 'StillLife', 'Garden', 'Lanterns', 'Lights', 'Cameras', 'Looks']],
    '/World/Court': ['xform', 'Xform', ['Base', 'Floor', 'WallNorth', 'WallWest', 'Stairs', 'Pool']],
    '/World/Sculpture': ['xform', 'Xform', ['Plinth', 'Form']],
    '/World/Lights': ['scope', 'Scope', ['Sky', 'Sun', 'Window', 'Rim']],
    '/World/Looks': ['scope', 'Scope', Array.from({ length: 20000 }, (_, i) => `Material${i}`)],
  };
  const typeOf = (path) => stage[path]?.[0] ?? (/Lights\//.test(path) ? 'light' : /Looks\//.test(path) ? 'material' : 'geom');
  const typeName = (path) => stage[path]?.[1] ?? { light: 'DomeLight', material: 'Material', geom: 'Mesh' }[typeOf(path)];
  let theme = 'coral';
  let aov = 'LdrColor';
  const available = ['LdrColor', 'HdrColor', 'NormalSD', 'InstanceSegmentationSD', 'DepthSD', 'DiffuseAlbedoSD'];

  function children(path, offset = 0, limit = 1000) {
    const names = stage[path]?.[2] ?? [];
    const rows = names.slice(offset, offset + limit).map((name) => {
      const child = `${path}/${name}`;
      const has = Boolean(stage[child]);
      return { name, path: child, type: typeOf(child), typeName: typeName(child), children: has, hasChildren: has };
    });
    return { prim_path: path, children: rows, offset, total_count: names.length, truncated: offset + rows.length < names.length };
  }

  const replies = {
    getChildrenRequest: (p) => [['getChildrenResult', children(p.prim_path ?? '/World', p.offset, p.limit)]],
    getPropertiesRequest: (p) => [['getPropertiesResponse', {
      prim_path: p.prim_path, truncated: false, properties: {
        typeName: typeName(p.prim_path), visibility: 'inherited', purpose: 'default', kind: p.prim_path === '/World' ? 'assembly' : 'component',
        'xformOp:translate': [0.45, 0, -0.75], 'xformOp:rotateXYZ': [68, 0, 18], xformOpOrder: { length: 2, preview: ['a', 'b'], truncated: false },
        'material:binding': '/World/Looks/Gold', doubleSided: false, subdivisionScheme: 'none',
        'inputs:diffuseColor': [1, 0.71, 0.27], points: { length: 2880, preview: [[0.1234567, 0, 1], [1, 2, 3]], truncated: true },
        bounds: { min: [-0.66, 0, -1.41], max: [1.11, 1.62, -0.09] }, metadata: { active: true },
      } }]],
    getVariantsRequest: (p) => [['getVariantsResponse', { prim_path: p.prim_path, variants: p.prim_path === '/World'
      ? { theme: { options: ['coral', 'riviera', 'olive'], selection: theme }, time: { options: ['afternoon', 'noon', 'dusk'], selection: 'noon' } } : {} }]],
    setVariantRequest: (p) => { theme = p.variant_selection; return replies.getVariantsRequest(p); },
    selectPrimsRequest: (p) => [['stageSelectionChanged', { prims: p.paths }]],
    getPrimCountRequest: () => [['getPrimCountResult', { count: 1834 }]],
    getStatsRequest: () => [['getStatsResult', { fps: 30, latency_ms: null, render_ms: 12.4, samples: 256 }]],
    listScenesRequest: () => [['listScenesResult', { scenes: ['gallery', 'materials', 'cornell'].map((id) => ({ id, name: id[0].toUpperCase() + id.slice(1), url: `${id}.usda` })) }]],
    changeAOVRequest: (p) => { aov = p.aov; return [['activeAOVState', { active: aov, available, result: 'success' }]]; },
    setRenderSettingRequest: (p) => [['renderSettingsChanged', { settings: { exposure: p.value }, capabilities: [], result: 'success', key: p.key }]],
  };
  const greeting = [
    ['openStageResult', { url: 'gallery.usda', result: 'success', root_prim_path: '/World', up_axis: 'Y', stage_generation: 1 }],
    ['getChildrenResult', children('/World')],
    ['activeAOVState', { active: aov, available }], ['availableAOVsResult', { aovs: available, available }],
    ['renderSettingsChanged', { settings: { exposure: 0 }, result: 'success', applied: false, capabilities: [
      { key: 'exposure', label: 'Exposure', control: 'slider', min: -10, max: 10, step: 0.1, default: 0, unit: 'stops', validated: true, applies_at: 'immediate' },
      { key: 'tone_mapping', label: 'Tone mapping', control: 'select', options: ['reinhard', 'none'], validated: true, applies_at: 'immediate' }] }],
    ['stageSelectionChanged', { prims: [] }],
    ['camera_list', { cameras: [{ path: '/World/Cameras/Hero', name: 'Hero' }], activeCamera: '__orbit__' }],
    ['loadingStateResponse', { url: 'gallery.usda', loading_state: 'idle' }],
  ];

  class FakeChannel extends EventTarget {
    readyState = 'connecting';
    bufferedAmount = 0;
    sent = [];
    constructor(label) { super(); this.label = label; }
    send(data) {
      this.sent.push(data);
      if (this.label !== 'messages') return;
      const { event_type, payload } = JSON.parse(data);
      for (const [type, reply] of replies[event_type]?.(payload) ?? []) this.push(type, reply);
    }
    push(type, payload) {
      setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify({ event_type: type, payload }) })), 20);
    }
  }

  function picture() {
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const c = canvas.getContext('2d');
    const still = new Image();
    if (window.fakePicture) still.src = window.fakePicture;
    let t = 0;
    setInterval(() => {
      t += 0.03;
      const sky = c.createLinearGradient(0, 0, 0, 720);
      sky.addColorStop(0, '#6f93c9');
      sky.addColorStop(1, '#e9cdb4');
      c.fillStyle = sky;
      c.fillRect(0, 0, 1280, 720);
      if (still.complete && still.width) c.drawImage(still, 0, 0, 1280, 720);
      else for (let i = 0; i < 7; i++) {
        c.fillStyle = `hsl(${12 + i * 24} 62% ${38 + i * 4}%)`;
        c.beginPath();
        c.arc(340 + i * 110, 420 + 40 * Math.sin(t + i), 60, 0, 7);
        c.fill();
      }
      c.fillStyle = 'rgb(0 0 0 / 2%)';
      c.fillRect(0, 0, 4 + (t % 4), 4);
    }, 33);
    return canvas.captureStream(30);
  }

  window.RTCPeerConnection = class extends EventTarget {
    connectionState = 'new';
    channels = [];
    createDataChannel(label) { const c = new FakeChannel(label); this.channels.push(c); window.fake = this; return c; }
    addTransceiver() {}
    async createOffer() { return { type: 'offer', sdp: 'v=0' }; }
    async setLocalDescription(d) { this.localDescription = d; }
    async setRemoteDescription() {
      setTimeout(() => {
        this.connectionState = 'connected';
        this.dispatchEvent(new Event('connectionstatechange'));
        const e = new Event('track');
        e.track = picture().getVideoTracks()[0];
        this.dispatchEvent(e);
        for (const c of this.channels) { c.readyState = 'open'; c.dispatchEvent(new Event('open')); }
        if (!window.fakeSilent) for (const [type, payload] of greeting) this.channels[0].push(type, payload);
      }, 100);
    }
    async getStats() {
      const now = performance.now();
      return new Map([['v', { id: 'v', type: 'inbound-rtp', kind: 'video', timestamp: now, framesDecoded: Math.round(now * 0.06), bytesReceived: now * 700,
        frameWidth: 1280, frameHeight: 720, jitterBufferDelay: now * 0.0006, jitterBufferEmittedCount: now * 0.06, totalDecodeTime: now * 0.0002, packetsLost: 0, codecId: 'c' }],
      ['c', { id: 'c', type: 'codec', mimeType: 'video/H264' }],
      ['p', { id: 'p', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.004 }]]);
    }
    close() { this.connectionState = 'closed'; }
  };
  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 1;
    constructor() {
      super();
      setTimeout(() => {
        this.dispatchEvent(new Event('open'));
        this.dispatchEvent(new MessageEvent('message', { data: '{"type":"hello","iceServers":[]}' }));
      }, 10);
    }
    send() { setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data: '{"type":"answer","sdp":"v=0","id":"1","iceServers":[]}' })), 10); }
    close() {}
  };
})();
