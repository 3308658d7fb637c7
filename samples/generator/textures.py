"""Procedural pictures and the two small encoders they need: PNG (ISO 15948) and Radiance RGBE."""

import math
import random
import struct
import zlib


def png(width, height, rgb):
    """8-bit RGB PNG. rgb: width * height * 3 bytes, top row first."""
    rows = b"".join(b"\x00" + rgb[y * width * 3:(y + 1) * width * 3] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _rgbe(r, g, b):
    top = max(r, g, b)
    if top < 1e-32:
        return 0, 0, 0, 0
    mantissa, exponent = math.frexp(top)
    scale = mantissa * 256.0 / top
    return int(r * scale), int(g * scale), int(b * scale), exponent + 128


def _run_lengths(values):
    """One channel of a scanline: runs of four or more equal bytes, the rest literal."""
    out = bytearray()
    i = 0
    while i < len(values):
        run = 1
        while i + run < len(values) and run < 127 and values[i + run] == values[i]:
            run += 1
        if run >= 4:
            out += bytes((128 + run, values[i]))
            i += run
            continue
        start = i
        while i < len(values) and i - start < 128:
            if i + 3 < len(values) and values[i] == values[i + 1] == values[i + 2] == values[i + 3]:
                break
            i += 1
        out.append(i - start)
        out += bytes(values[start:i])
    return bytes(out)


def hdr(width, height, pixel):
    """Radiance picture, run-length coded. pixel(u, v) -> linear (r, g, b), v = 0 at the top."""
    out = bytearray(f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode())
    for y in range(height):
        row = [_rgbe(*pixel((x + 0.5) / width, (y + 0.5) / height)) for x in range(width)]
        out += bytes((2, 2, width >> 8, width & 255))
        for channel in range(4):
            out += _run_lengths([p[channel] for p in row])
    return bytes(out)


def _mix(a, b, t):
    return tuple(x + (y - x) * t for x, y in zip(a, b))


def _smooth(lo, hi, x):
    t = min(1.0, max(0.0, (x - lo) / (hi - lo)))
    return t * t * (3 - 2 * t)


def sky():
    """Late afternoon: pale warm horizon, clear blue above, a wide glow to one side, soft ground light."""

    def pixel(u, v):
        elevation = (0.5 - v) * math.pi
        up = math.sin(elevation)
        if up >= 0:
            base = _mix((0.70, 0.79, 0.86), (0.44, 0.62, 0.84), _smooth(0.0, 0.35, up))
            base = _mix(base, (0.20, 0.36, 0.70), _smooth(0.25, 1.0, up))
        else:
            base = _mix((0.70, 0.79, 0.86), (0.46, 0.58, 0.68), _smooth(0.0, 0.6, -up))
        azimuth = (u - 0.30) * 2 * math.pi
        facing = math.cos(azimuth) * math.cos(elevation)
        glow = max(0.0, facing) ** 6 * math.exp(-abs(up - 0.18) * 3)
        # Steps of 1/64 keep the runs long.
        glow = round(glow * 64) / 64
        return tuple(c + g * glow for c, g in zip(base, (1.9, 1.15, 0.55)))

    return hdr(256, 128, pixel)


def studio():
    """A dark room with three soft boxes and a bright floor line, for judging materials."""

    boxes = (  # centre u, centre v, half width, half height, colour
        (0.20, 0.28, 0.09, 0.13, (7.0, 6.4, 5.6)),
        (0.66, 0.32, 0.05, 0.16, (3.2, 3.9, 5.0)),
        (0.45, 0.08, 0.20, 0.05, (2.6, 2.6, 2.6)),
    )

    def pixel(u, v):
        base = _mix((0.16, 0.17, 0.19), (0.30, 0.30, 0.31), _smooth(0.2, 0.52, v))
        base = _mix(base, (0.13, 0.12, 0.12), _smooth(0.52, 0.7, v))
        for cu, cv, hw, hh, colour in boxes:
            du = abs((u - cu + 0.5) % 1.0 - 0.5)
            edge = (1 - _smooth(hw * 0.85, hw, du)) * (1 - _smooth(hh * 0.85, hh, abs(v - cv)))
            base = tuple(b + c * edge for b, c in zip(base, colour))
        return base

    return hdr(256, 128, pixel)


def terrazzo(size=512):
    """Stone chips in pale mortar with thin joints; tiles without a seam."""
    random.seed(7)
    ground = (224, 214, 200)
    chips = ((205, 164, 147), (234, 229, 220), (186, 181, 174), (214, 193, 166), (172, 170, 166), (204, 187, 173))
    pixels = [ground] * (size * size)
    for _ in range(700):
        cx, cy = random.uniform(0, size), random.uniform(0, size)
        radius = 2.5 + 12.0 * random.random() ** 2.2
        angles = sorted(random.uniform(0, 2 * math.pi) for _ in range(random.randint(5, 8)))
        planes = [(math.cos(a), math.sin(a), radius * random.uniform(0.55, 1.0)) for a in angles]
        colour = chips[random.randrange(len(chips))]
        reach = int(radius + 1)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                if dx * dx + dy * dy <= radius * radius and all(dx * nx + dy * ny <= d for nx, ny, d in planes):
                    pixels[(int(cy + dy) % size) * size + int(cx + dx) % size] = colour
    joint = (186, 174, 160)
    for i in range(size):
        for w in (0, 1):
            pixels[w * size + i] = joint
            pixels[i * size + w] = joint
    return png(size, size, b"".join(bytes(p) for p in pixels))
