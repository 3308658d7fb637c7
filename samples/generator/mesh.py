"""Mesh builders. A mesh is points, faces (lists of point indices), one smooth normal per point, optional st."""

import math


class Mesh:
    def __init__(self):
        self.points, self.normals, self.st, self.faces = [], [], [], []

    def vertex(self, point, normal, st=None):
        self.points.append(point)
        self.normals.append(unit(normal))
        if st is not None:
            self.st.append(st)
        return len(self.points) - 1

    def triangles(self):
        return sum(len(f) - 2 for f in self.faces)

    def quad(self, corners, normal, st=None):
        """A flat quad with its own vertices; corners counter-clockwise seen from the normal's side."""
        st = st or [None] * 4
        self.faces.append([self.vertex(c, normal, s) for c, s in zip(corners, st)])


def unit(v):
    n = math.sqrt(sum(x * x for x in v)) or 1.0
    return tuple(x / n for x in v)


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def sub(a, b):
    return tuple(x - y for x, y in zip(a, b))


def box(sx, sy, sz, r=0.02):
    """Box of that size, standing on y = 0, edges rounded by r: one bevel, shaded smooth."""
    m = Mesh()
    half, centre = (sx / 2, sy / 2, sz / 2), (0, sy / 2, 0)
    index = {}
    for corner in [(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]:
        for axis in range(3):
            p = [centre[a] + corner[a] * (half[a] - (0 if a == axis else r)) for a in range(3)]
            n = [0, 0, 0]
            n[axis] = corner[axis]
            index[corner, axis] = m.vertex(tuple(p), tuple(n))

    def face(*keys):
        ids = [index[k] for k in keys]
        a, b, c = (m.points[i] for i in ids[:3])
        n = cross(sub(b, a), sub(c, a))
        out = sub(a, centre)
        m.faces.append(ids if sum(x * y for x, y in zip(n, out)) > 0 else ids[::-1])

    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for s in (-1, 1):
            def corner(a, b, axis=axis, u=u, v=v, s=s):
                c = [0, 0, 0]
                c[axis], c[u], c[v] = s, a, b
                return tuple(c)
            face(*((corner(a, b), axis) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))))
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):  # the four edges along `axis`
            ends = []
            for s in (-1, 1):
                c = [0, 0, 0]
                c[axis], c[u], c[v] = s, a, b
                ends.append(tuple(c))
            face((ends[0], u), (ends[1], u), (ends[1], v), (ends[0], v))
    for corner in [(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]:
        face((corner, 0), (corner, 1), (corner, 2))
    return m


def lathe(profile, segments=48):
    """Turn a profile of (radius, y) round the y axis, outside to the right of its direction (upwards on the outside).

    Two equal neighbours in the profile make a crease.
    """
    m = Mesh()
    rings = []
    runs, run = [], [profile[0]]
    for p in profile[1:]:
        if p == run[-1]:
            runs.append(run)
            run = [p]
        else:
            run.append(p)
    runs.append(run)
    for part in runs:
        rings = []
        for i, (r, y) in enumerate(part):
            before, after = part[max(i - 1, 0)], part[min(i + 1, len(part) - 1)]
            dr, dy = after[0] - before[0], after[1] - before[1]
            ring = []
            for s in range(segments if r > 1e-9 else 1):
                a = 2 * math.pi * s / segments
                ring.append(m.vertex((r * math.cos(a), y, -r * math.sin(a)),
                                     (dy * math.cos(a), -dr, -dy * math.sin(a))))
            rings.append(ring)
        for low, high in zip(rings, rings[1:]):
            for s in range(segments):
                t = (s + 1) % segments
                a, b = low[s % len(low)], low[t % len(low)]
                c, d = high[t % len(high)], high[s % len(high)]
                m.faces.append([a, b, c] if c == d else [a, c, d] if a == b else [a, b, c, d])
    return m


def tube(curve, radius, steps, sides, closed=True):
    """A tube along curve(t), t in 0..1, with a frame carried along so that it does not twist."""
    m = Mesh()
    count = steps if closed else steps + 1
    centres = [curve(i / steps) for i in range(count)]
    tangents = []
    for i in range(count):
        a = centres[(i - 1) % count] if closed or i else centres[0]
        b = centres[(i + 1) % count] if closed or i + 1 < count else centres[-1]
        tangents.append(unit(sub(b, a)))
    normal = unit(cross(tangents[0], (0.31, 0.77, 0.55)))
    frames = []
    for t in tangents:
        normal = unit(sub(normal, tuple(sum(x * y for x, y in zip(normal, t)) * c for c in t)))
        frames.append((normal, cross(t, normal)))
    twist = 0.0
    if closed:  # spread the remaining angle so that the ends meet
        n0, b0 = frames[0]
        n1 = unit(sub(frames[-1][0], tuple(sum(x * y for x, y in zip(frames[-1][0], tangents[0])) * c
                                           for c in tangents[0])))
        twist = math.atan2(sum(x * y for x, y in zip(n1, b0)), sum(x * y for x, y in zip(n1, n0)))
    for i in range(count):
        n, b = frames[i]
        for s in range(sides):
            a = 2 * math.pi * s / sides - twist * i / count
            d = tuple(math.cos(a) * x + math.sin(a) * y for x, y in zip(n, b))
            m.vertex(tuple(c + radius * x for c, x in zip(centres[i], d)), d)
    for i in range(steps):
        j = (i + 1) % count
        for s in range(sides):
            t = (s + 1) % sides
            m.faces.append([i * sides + s, i * sides + t, j * sides + t, j * sides + s])
    return m


def sphere(level=1):
    """Unit icosphere: 20 * 4^level triangles."""
    g = (1 + math.sqrt(5)) / 2
    points = [unit(p) for p in ((-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g),
                                (0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1))]
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2),
             (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11),
             (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    for _ in range(level):
        middle, split = {}, []

        def mid(a, b):
            key = (min(a, b), max(a, b))
            if key not in middle:
                points.append(unit(tuple((x + y) / 2 for x, y in zip(points[a], points[b]))))
                middle[key] = len(points) - 1
            return middle[key]

        for a, b, c in faces:
            ab, bc, ca = mid(a, b), mid(b, c), mid(c, a)
            split += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = split
    m = Mesh()
    for p in points:
        m.vertex(p, p)
    m.faces = [list(f) for f in faces]
    return m


def leaf(length=1.0, width=0.22, bend=0.55, rows=8):
    """A pointed leaf that starts at the origin, goes along +z and bends up; folded along its middle."""
    m = Mesh()
    for i in range(rows + 1):
        t = i / rows
        w = width * (0.55 + 0.45 * math.sin(math.pi * min(1, t * 1.3))) * (1 - t ** 3)
        angle = 0.25 + bend * t
        y = length * (math.sin(0.25) * t + bend * 0.5 * t * t)
        z = length * (t - 0.18 * t * t)
        for side in (-1, 0, 1):
            up = (side * -0.45, math.cos(angle), -math.sin(angle))
            m.vertex((side * w, y + abs(side) * w * 0.45, z), up)
    for i in range(rows):
        for s in range(2):
            a = i * 3 + s
            m.faces.append([a, a + 3, a + 4, a + 1])
    return m


def wall(length, height, depth, openings, steps=24):
    """A wall along x from 0 to length, its front at z = depth, with openings cut through.

    openings: (centre x, half width, sill y, spring y): straight sides up to spring y, a half circle above;
    a negative spring y means a round hole with its centre at sill y.
    """
    m = Mesh()

    def front_back(x0, x1, lo0, lo1, hi0, hi1):
        m.quad([(x0, lo0, depth), (x1, lo1, depth), (x1, hi1, depth), (x0, hi0, depth)], (0, 0, 1))
        m.quad([(x1, lo1, 0), (x0, lo0, 0), (x0, hi0, 0), (x1, hi1, 0)], (0, 0, -1))

    x = 0.0
    for cx, hw, sill, spring in openings:
        front_back(x, cx - hw, 0, 0, height, height)
        ring = [(cx - hw * math.cos(math.pi * i / steps), hw * math.sin(math.pi * i / steps)) for i in range(steps + 1)]
        hole = spring < 0
        centre = sill if hole else spring
        if hole or sill > 0:
            for (xa, ya), (xb, yb) in zip(ring, ring[1:]):
                front_back(xa, xb, 0, 0, sill - ya if hole else sill, sill - yb if hole else sill)
        for (xa, ya), (xb, yb) in zip(ring, ring[1:]):
            front_back(xa, xb, centre + ya, centre + yb, height, height)
        # the inside of the opening, shaded smooth round the arch
        loop = [(xa, centre + ya) for xa, ya in ring]
        if hole:
            loop += [(xa, centre - ya) for xa, ya in reversed(ring[1:-1])]
            loop.append(loop[0])
        strip = []
        for px, py in loop:
            n = (cx - px, centre - py, 0)
            strip.append((m.vertex((px, py, 0), n), m.vertex((px, py, depth), n)))
        for (a, b), (c, d) in zip(strip, strip[1:]):
            m.faces.append([a, c, d, b])
        if not hole:
            for s, px in ((1, cx - hw), (-1, cx + hw)):
                corners = [(px, sill, depth), (px, sill, 0), (px, spring, 0), (px, spring, depth)]
                m.quad(corners if s > 0 else corners[::-1], (s, 0, 0))
            if sill > 0:
                m.quad([(cx - hw, sill, depth), (cx + hw, sill, depth), (cx + hw, sill, 0), (cx - hw, sill, 0)],
                       (0, 1, 0))
        x = cx + hw
    front_back(x, length, 0, 0, height, height)
    m.quad([(0, height, depth), (length, height, depth), (length, height, 0), (0, height, 0)], (0, 1, 0))
    m.quad([(0, 0, 0), (0, 0, depth), (0, height, depth), (0, height, 0)], (-1, 0, 0))
    m.quad([(length, 0, depth), (length, 0, 0), (length, height, 0), (length, height, depth)], (1, 0, 0))
    return m


def plane(sx, sz, repeat):
    """Flat rectangle at y = 0 facing up, `repeat` texture tiles per metre."""
    m = Mesh()
    x, z = sx / 2, sz / 2
    corners = [(-x, 0, z), (x, 0, z), (x, 0, -z), (-x, 0, -z)]
    m.quad(corners, (0, 1, 0), [(c[0] * repeat, -c[2] * repeat) for c in corners])
    return m
