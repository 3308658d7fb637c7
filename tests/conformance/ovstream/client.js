// The page of the browser test: one viewer per Viewer object.

class Viewer {
  constructor() {
    this.pc = new RTCPeerConnection();
    this.video = Object.assign(document.createElement('video'), { muted: true, autoplay: true, playsInline: true });
    document.body.append(this.video);
    this.pc.addTransceiver('video', { direction: 'recvonly' });
    this.input = this.pc.createDataChannel('input');
    this.messages = this.pc.createDataChannel('messages');
    this.received = [];
    this.messages.onmessage = (e) => this.received.push(e.data);
    this.pc.ontrack = (e) => { this.video.srcObject = new MediaStream([e.track]); };
  }

  frame() { return new Promise((resolve) => this.video.requestVideoFrameCallback((_, meta) => resolve(meta.presentedFrames))); }

  async whep(url) {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const reply = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: this.pc.localDescription.sdp });
    if (reply.status !== 201) throw new Error(`status ${reply.status}`);
    this.location = new URL(reply.headers.get('Location'), url).href;
    await this.pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
    await this.frame();
    return this.location;
  }

  async websocket(url) {
    this.socket = new WebSocket(url);
    this.signals = [];
    let wake = () => {};
    this.socket.onmessage = (e) => { this.signals.push(JSON.parse(e.data)); wake(); };
    await new Promise((resolve, reject) => { this.socket.onopen = resolve; this.socket.onerror = () => reject(new Error('socket')); });
    await this.pc.setLocalDescription(await this.pc.createOffer());
    this.socket.send(JSON.stringify({ type: 'offer', sdp: this.pc.localDescription.sdp }));
    const answer = await this.signal('answer', (f) => { wake = f; });
    await this.pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await this.frame();
  }

  /** The first signal of that type, waiting for it. */
  async signal(type, onWake = (f) => { this.socket.addEventListener('message', f, { once: true }); }) {
    for (;;) {
      const found = this.signals.find((m) => m.type === type);
      if (found) return found;
      await new Promise((resolve) => onWake(() => setTimeout(resolve)));
    }
  }

  async waitMessages(count) {
    for (let i = 0; i < 500 && this.received.length < count; i++) await new Promise((r) => setTimeout(r, 10));
    return this.received;
  }

  async open() {
    for (const c of [this.input, this.messages])
      if (c.readyState !== 'open') await new Promise((resolve) => { c.onopen = resolve; });
  }

  /** Mean [r, g, b] of the square of 32 pixels at (x, y). */
  colour(x, y) {
    const pen = new OffscreenCanvas(32, 32).getContext('2d');
    pen.drawImage(this.video, x, y, 32, 32, 0, 0, 32, 32);
    const { data } = pen.getImageData(0, 0, 32, 32);
    return [0, 1, 2].map((k) => { let s = 0; for (let i = k; i < data.length; i += 4) s += data[i]; return Math.round(s / 1024); });
  }

  close() {
    this.pc.close();
    this.video.remove();
  }
}
window.Viewer = Viewer;
