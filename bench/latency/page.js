// Joins a WHEP sender and reads the latency stamp (version 1) of every frame shown.
// The measuring program calls connect(), sample() and the rest through the page.

const video = document.getElementById('video');
const canvas = new OffscreenCanvas(512, 32);
const pen = canvas.getContext('2d', { willReadFrequently: true });

let pc = null;
let input = null;
let location_ = null;
let frames = []; // [now, presentation, display (all ms), ticks, counter, echo], of frames with a good CRC
let bad = 0;

function crc8(bytes) {
  let crc = 0;
  for (const b of bytes) {
    crc ^= b;
    for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 7) & 255 : (crc << 1) & 255;
  }
  return crc;
}

function readStamp() {
  pen.drawImage(video, 0, 0, 512, 32, 0, 0, 512, 32);
  const { data } = pen.getImageData(0, 0, 512, 32);
  const bytes = new Uint8Array(8);
  for (let at = 0; at < 64; at++) {
    const x = (at % 32) * 16 + 8;
    const y = (at >> 5) * 16 + 8;
    if (data[(y * 512 + x) * 4 + 1] >= 128) bytes[at >> 3] |= 0x80 >> (at & 7);
  }
  if (crc8(bytes.subarray(0, 7)) !== bytes[7]) return null;
  const view = new DataView(bytes.buffer);
  return { ticks: view.getUint32(0), counter: view.getUint16(4), echo: bytes[6] };
}

function onFrame(now, meta) {
  const at = performance.now();
  const stamp = readStamp();
  if (stamp) frames.push([at, meta.presentationTime, meta.expectedDisplayTime, stamp.ticks, stamp.counter, stamp.echo]);
  else bad++;
  video.requestVideoFrameCallback(onFrame);
}

/** Offer, answer, first frame. Returns milliseconds from the call to the first frame shown. */
window.connect = async (url) => {
  const start = performance.now();
  pc = new RTCPeerConnection();
  pc.addTransceiver('video', { direction: 'recvonly' });
  input = pc.createDataChannel('input');
  pc.createDataChannel('messages');
  const first = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  pc.ontrack = (e) => { video.srcObject = new MediaStream([e.track]); };
  await pc.setLocalDescription(await pc.createOffer());
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp' },
    body: pc.localDescription.sdp,
  });
  if (reply.status !== 201) throw new Error(`${reply.status}: ${await reply.text()}`);
  location_ = new URL(reply.headers.get('Location'), url).href;
  await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
  await first;
  return performance.now() - start;
};

window.disconnect = async () => {
  pc.close();
  video.srcObject = null;
  return (await fetch(location_, { method: 'DELETE' })).status;
};

window.startSampling = () => {
  frames = [];
  bad = 0;
  video.requestVideoFrameCallback(onFrame);
};

window.takeSamples = () => {
  const out = { frames, bad };
  frames = [];
  bad = 0;
  return out;
};

/** Sends a number on the input channel and waits for the frame that shows it; milliseconds. */
window.echo = async (number) => {
  const start = performance.now();
  input.send(String(number));
  for (;;) {
    const last = frames.at(-1);
    if (last && last[5] === number) return last[0] - start;
    if (performance.now() - start > 2000) return null;
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  }
};

/** Mean colour [r, g, b] of the square of `size` pixels whose top left corner is (x, y) in the video. */
window.colour = (x, y, size) => {
  const c = new OffscreenCanvas(size, size);
  const p = c.getContext('2d');
  p.drawImage(video, x, y, size, size, 0, 0, size, size);
  const { data } = p.getImageData(0, 0, size, size);
  const sum = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) for (let k = 0; k < 3; k++) sum[k] += data[i + k];
  return sum.map((v) => v / (data.length / 4));
};

window.inboundStats = async () => {
  for (const report of (await pc.getStats()).values())
    if (report.type === 'inbound-rtp' && report.kind === 'video') return { ...report };
  return null;
};

window.clock = () => performance.now();
